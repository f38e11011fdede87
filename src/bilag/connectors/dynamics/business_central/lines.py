"""Journal lines as they stand in Business Central: read, compared with what we meant, deleted.

The blank line that Business Central leaves in an emptied journal does not count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from bilag.connectors.dynamics.business_central.plan import Document, PlannedLine
from bilag.connectors.dynamics.business_central.stop import stopped
from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.connectors.dynamics.business_central.work import Work
from bilag.connectors.dynamics.odata import (
    BATCH_OPERATIONS_MAX,
    Item,
    Operation,
    UnreadableAnswer,
    decimal,
    filtered,
    plain,
)
from bilag.core.outcome import RetryLater, Unknown

_FIELDS = (
    "id",
    "lineNumber",
    "accountType",
    "accountNumber",
    "postingDate",
    "documentNumber",
    "amount",
    "description",
)
# GET journalLines shows only ledger, customer, vendor and bank accounts.
UNSEEN_TYPE = "Employee"


@dataclass(slots=True)
class Standing:
    """One line that stands in a journal; `dimensions` are code to (value, dimension id)."""

    id: str
    number: int
    account_type: str
    account: str
    posting_date: str
    document: str
    amount: Decimal
    dimensions: dict[str, tuple[str, str]]

    @property
    def is_blank(self) -> bool:
        """True for the line that Business Central leaves in a journal it has emptied."""
        return not (self.account or self.amount)

    def shows(self, document: Document, line: PlannedLine) -> bool:
        """Return whether it is this line of this document, as we meant it but for dimensions."""
        return (
            self.number == line.number
            and self.document == document.reference
            and self.account == line.account
            and self.account_type == line.account_type
            and self.amount == line.amount
            and self.posting_date == document.posting_date
        )

    def lacks(self, line: PlannedLine) -> list[str]:
        """Return the dimensions that are missing or have another value; more may be there."""
        return [
            code
            for code, value in line.dimensions.items()
            if self.dimensions.get(code, ("", ""))[0] != value
        ]


async def standing_lines(wire: Wire, journal_path: str) -> list[Standing]:
    """Return all lines of a journal but blank ones, with their dimensions; raises Stop."""
    return [line for line in await _all_lines(wire, journal_path) if not line.is_blank]


async def was_emptied(wire: Wire, journal_path: str) -> bool:
    """Return whether only the blank line stands there that posting leaves; raises Stop."""
    found = await _all_lines(wire, journal_path)
    return bool(found) and all(line.is_blank for line in found)


async def _all_lines(wire: Wire, journal_path: str) -> list[Standing]:
    items, evidence = await wire.read_all(
        f"{journal_path}/journalLines", filtered("", *_FIELDS, expand="dimensionSetLines")
    )
    try:
        return [_standing(item) for item in items]
    except UnreadableAnswer as error:
        raise stopped(RetryLater, "dynamics.unreadable", evidence, reason=str(error)) from error


def _standing(item: Item) -> Standing:
    identifier = plain(item.get("id"))
    if not identifier:
        raise UnreadableAnswer("a line has no id")
    dimensions = item.get("dimensionSetLines")
    return Standing(
        identifier,
        int(decimal(item.get("lineNumber"))),
        plain(item.get("accountType")),
        plain(item.get("accountNumber")).upper(),
        plain(item.get("postingDate")),
        plain(item.get("documentNumber")).strip().upper(),
        decimal(item.get("amount")),
        {
            plain(one.get("code")).upper(): (
                plain(one.get("valueCode")).upper(),
                plain(one.get("id")),
            )
            for one in (dimensions if isinstance(dimensions, list) else [])
            if isinstance(one, dict)
        },
    )


def strays(work: Work, standing: Iterable[Standing]) -> list[Standing]:
    """Return the lines that are not ours: another user's, or ours under another document."""
    planned = work.planned()
    return [
        line
        for line in standing
        if line.number not in planned or planned[line.number][0].reference != line.document
    ]


async def delete_lines(work: Work, ids: Sequence[str]) -> None:
    """Delete lines by their ids; raises Stop(Unknown) when one of them may still be there."""
    if work.journal is None:
        return
    path = f"{work.journal.path}/journalLines"
    remaining = iter(ids)
    while chunk := list(islice(remaining, BATCH_OPERATIONS_MAX)):
        deletions = [
            Operation("DELETE", f"{path}({one})", headers={"If-Match": "*"}) for one in chunk
        ]
        answers, evidence = await work.batch(deletions, whole=False)
        if not all(
            answer is not None and (answer.ok or answer.status == 404) for answer in answers
        ):
            raise stopped(Unknown, "dynamics.not_taken_out", evidence, journal=work.journal.code)
