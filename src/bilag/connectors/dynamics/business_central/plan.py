"""What one submission is to become in a journal: documents, lines and dimensions, as stored bytes.

The stored body says everything, so that an interrupted submission is resumed as it was begun.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from bilag.connectors.dynamics.business_central.settings import JOURNAL_PREFIX
from bilag.core.money import amount_text

# Not 10000: Business Central puts a blank line there when it has emptied a journal.
FIRST_LINE_NUMBER = 20000
LINE_NUMBER_STEP = 10000


@dataclass(slots=True)
class PlannedLine:
    """One journal line; `position` counts from 1 in its voucher, `dimensions` are code to value."""

    number: int
    position: int
    account_type: str
    account: str
    amount: Decimal
    description: str
    tax_code: str = ""
    dimensions: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Document:
    """One voucher; `external_number` is our number, the reference is its document number."""

    reference: str
    external_number: str
    posting_date: str
    lines: list[PlannedLine]
    vendor: str = ""
    currency: str = ""

    @property
    def debit(self) -> Decimal:
        """The sum of its debit lines."""
        return sum((line.amount for line in self.lines if line.amount > 0), Decimal(0))


@dataclass(slots=True)
class Plan:
    """All documents of a submission, the journal they go to, and what is to happen there."""

    mode: str
    template: str
    journal: str
    documents: list[Document]

    @property
    def references(self) -> list[str]:
        """The references of all documents, in order."""
        return [document.reference for document in self.documents]


def journal_code(references: Sequence[str]) -> str:
    """Return the journal's code: 10 characters of A-Z2-7, the same for the same references.

    It does not end in a digit: such a journal would be renamed when it is posted.
    """
    digest = hashlib.sha256("\x1f".join(references).encode()).digest()
    return f"{JOURNAL_PREFIX}{base64.b32encode(digest).decode('ascii')[:7]}X"


def number_lines(documents: Iterable[Document]) -> None:
    """Give every line its number in the journal, in order."""
    number = FIRST_LINE_NUMBER
    for document in documents:
        for line in document.lines:
            line.number = number
            number += LINE_NUMBER_STEP


def write_plan(plan: Plan) -> bytes:
    """Return the plan as JSON; raises ValueError when a text cannot be written as JSON."""
    return orjson.dumps(
        {
            "mode": plan.mode,
            "template": plan.template,
            "journal": plan.journal,
            "documents": [_document(one) for one in plan.documents],
        }
    )


def _document(document: Document) -> dict[str, Any]:
    written: dict[str, Any] = {
        "documentNumber": document.reference,
        "externalDocumentNumber": document.external_number,
        "postingDate": document.posting_date,
        "lines": [_line(line) for line in document.lines],
    }
    optional = {"vendorNumber": document.vendor, "currencyCode": document.currency}
    return written | {name: value for name, value in optional.items() if value}


def _line(line: PlannedLine) -> dict[str, Any]:
    written: dict[str, Any] = {
        "lineNumber": line.number,
        "accountType": line.account_type,
        "accountNumber": line.account,
        "amount": amount_text(line.amount),
        "description": line.description,
    }
    if line.tax_code:
        written["taxCode"] = line.tax_code
    if line.dimensions:
        written["dimensions"] = line.dimensions
    return written


def read_plan(body: bytes) -> Plan:
    """Return the plan that was stored; raises ValueError or KeyError for foreign bytes."""
    read = orjson.loads(body)
    documents = [
        Document(
            one["documentNumber"],
            one["externalDocumentNumber"],
            one["postingDate"],
            [
                PlannedLine(
                    line["lineNumber"],
                    position,
                    line["accountType"],
                    line["accountNumber"],
                    Decimal(line["amount"]),
                    line["description"],
                    line.get("taxCode", ""),
                    line.get("dimensions", {}),
                )
                for position, line in enumerate(one["lines"], 1)
            ],
            one.get("vendorNumber", ""),
            one.get("currencyCode", ""),
        )
        for one in read["documents"]
    ]
    return Plan(read["mode"], read["template"], read["journal"], documents)
