"""The records behind exports, for previews and dry runs that send nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import psycopg


@dataclass(frozen=True, slots=True)
class PreviewRecord:
    """A stored record with the reference and the part that its export goes under.

    `open_day` is the day on which a claim of a closed period is posted, once it is decided (E15).
    """

    content: dict[str, Any]
    reference: str
    part: int
    open_day: date | None


def current_record(
    connection: psycopg.Connection[Any], book_id: UUID, source_id: str
) -> PreviewRecord | None:
    """Return the record of a claim's newest generation for a book, or None when there is none."""
    row = connection.execute(
        "SELECT r.content, e.reference, e.part, e.open_day"
        " FROM exports e JOIN records r ON r.id = e.record_id"
        " WHERE e.organization_id = current_organization() AND e.source_id = %s AND e.book_id = %s"
        " ORDER BY e.generation DESC, e.part LIMIT 1",
        [source_id, book_id],
    ).fetchone()
    return None if row is None else PreviewRecord(*row)


# Read so many rows at a time: memory stays flat, however many wait.
_AT_A_TIME = 1_000


class WaitingRecord(NamedTuple):
    """What a dry run needs of an export; `sent_again`: its stored bytes go out unchanged."""

    content: dict[str, Any]
    reference: str
    part: int
    source_id: str
    currency: str
    amount: Decimal
    open_day: date | None
    sent_again: bool


_WAITING = """
SELECT r.content, e.reference, e.part, e.source_id, e.currency, e.amount, e.open_day,
    e.submission_id IS NOT NULL
FROM (
    SELECT * FROM exports WHERE integration_id = %(integration)s AND for_engine
      AND state = 'pending' AND live IS NOT FALSE
    UNION ALL
    SELECT * FROM exports WHERE integration_id = %(integration)s AND for_person
      AND state = 'held' AND live IS NOT FALSE AND %(held)s
) e
CROSS JOIN LATERAL (SELECT content FROM records WHERE id = e.record_id OFFSET 0) r
"""


def waiting_records(
    connection: psycopg.Connection[Any], integration_id: UUID, *, held: bool
) -> Iterator[WaitingRecord]:
    """Yield what an integration would deliver now, and with `held` what it holds back, as one view.

    The rest of the caller's transaction is read-only: the database refuses every change.
    """
    connection.execute("SET TRANSACTION READ ONLY")
    with connection.cursor(name="waiting_records") as cursor:
        cursor.itersize = _AT_A_TIME
        cursor.execute(_WAITING, {"integration": integration_id, "held": held})
        for row in cursor:
            yield WaitingRecord(*row)
