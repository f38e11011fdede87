"""The record behind a claim's newest export, for previews that send nothing."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg


@dataclass(frozen=True, slots=True)
class PreviewRecord:
    """A stored record with the reference and the part that its export goes under."""

    content: dict[str, Any]
    reference: str
    part: int


def current_record(
    connection: psycopg.Connection[Any], book_id: UUID, source_id: str
) -> PreviewRecord | None:
    """Return the record of a claim's newest generation for a book, or None when there is none."""
    row = connection.execute(
        "SELECT r.content, e.reference, e.part FROM exports e JOIN records r ON r.id = e.record_id"
        " WHERE e.organization_id = current_organization() AND e.source_id = %s AND e.book_id = %s"
        " ORDER BY e.generation DESC, e.part LIMIT 1",
        [source_id, book_id],
    ).fetchone()
    return None if row is None else PreviewRecord(*row)
