"""What a rule may read: the paths of the record, of its line, and of the voucher being made.

The list is closed but for `extra.<name>`; each path is resolved to a reader once, at compile time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bilag.core.money import amount_text
from bilag.mapping.document import TEXT_MAX

Content = dict[str, Any]
NOTHING: Content = {}


@dataclass(slots=True)
class Facts:
    """What is known of the voucher when its texts and fields are filled."""

    reference: str
    posting_date: date
    accounting_year: int
    currency: str
    amount: Decimal
    original_amount: Decimal
    first_cost_date: date
    last_cost_date: date


Reader = Callable[[Content, Content, Facts], str]


def _of_record(key: str) -> Reader:
    return lambda content, line, facts: content.get(key, "")[:TEXT_MAX]


def _of_record_shown(key: str) -> Reader:
    return lambda content, line, facts: str(content.get(key, ""))


def _of_part(part: str, key: str) -> Reader:
    return lambda content, line, facts: content.get(part, NOTHING).get(key, "")[:TEXT_MAX]


def _of_line(key: str) -> Reader:
    return lambda content, line, facts: line.get(key, "")[:TEXT_MAX]


RECORD_PATHS: dict[str, Reader] = {
    **{
        key: _of_record(key)
        for key in (
            "sourceSystem",
            "sourceId",
            "category",
            "currency",
            "text",
            "approvedBy",
            "approvedAt",
            "createdAt",
            "costCentre",
            "project",
            "exchangeRate",
            "exchangeRateDate",
            "hours",
        )
    },
    "revision": _of_record_shown("revision"),
    "participants": _of_record_shown("participants"),
    "claimant.id": _of_part("claimant", "id"),
    "claimant.name": _of_part("claimant", "name"),
    "declaration.templateId": _of_part("declaration", "templateId"),
    "declaration.version": _of_part("declaration", "version"),
    "declaration.acknowledgedAt": _of_part("declaration", "acknowledgedAt"),
}
VOUCHER_PATHS: dict[str, Reader] = {
    "voucher.reference": lambda content, line, facts: facts.reference,
    "voucher.postingDate": lambda content, line, facts: facts.posting_date.isoformat(),
    "voucher.accountingYear": lambda content, line, facts: str(facts.accounting_year),
    "voucher.currency": lambda content, line, facts: facts.currency,
    "voucher.amount": lambda content, line, facts: amount_text(facts.amount),
    "voucher.originalAmount": lambda content, line, facts: amount_text(facts.original_amount),
    "voucher.firstCostDate": lambda content, line, facts: facts.first_cost_date.isoformat(),
    "voucher.lastCostDate": lambda content, line, facts: facts.last_cost_date.isoformat(),
}
LINE_PATHS: dict[str, Reader] = {
    f"line.{key}": _of_line(key)
    for key in (
        "date",
        "type",
        "amount",
        "text",
        "quantity",
        "unit",
        "rate",
        "vatCode",
        "costCentre",
        "project",
        "bookAmount",
    )
}

ALL_PATHS = (*RECORD_PATHS, *VOUCHER_PATHS, *LINE_PATHS)
EXTRA = "extra."
NUMBER = "voucher.number"


def reader(path: str) -> Reader | None:
    """Return the reader of a path, or None for a path that does not exist."""
    if path.startswith(EXTRA) and len(path) > len(EXTRA):
        return _of_part("extra", path.removeprefix(EXTRA))
    return RECORD_PATHS.get(path) or VOUCHER_PATHS.get(path) or LINE_PATHS.get(path)


def path_fault(path: str, in_line: bool) -> str:
    """Return the problem code of a path that cannot be read here, or an empty text."""
    if path == NUMBER:
        return "mapping_no_number_yet"
    if reader(path) is None:
        return "mapping_unknown_path"
    if path in LINE_PATHS and not in_line:
        return "mapping_line_path"
    return ""
