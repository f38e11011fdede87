"""Integrations that are being set up, step by step, by several people: their table's only writer.

Runs inside `organization_scope`. Nothing secret is kept here; secrets go into the vault at once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from bilag.core.problem import Problem, Refused


@dataclass(frozen=True, slots=True)
class Draft:
    """Who sets an integration up, and what was typed of its settings that cannot be used yet.

    `version` counts the changes; `made_book` says that the book was made for this draft.
    """

    integration_id: UUID
    version: int
    made_book: bool
    entered: dict[str, Any]
    started_by: str
    started_at: datetime
    changed_by: str
    changed_at: datetime


_DRAFTS = """
SELECT integration_id, version, made_book, entered, started_by, started_at, changed_by, changed_at
FROM integration_drafts WHERE organization_id = %s AND integration_id = %s
"""
_CHANGE = """
UPDATE integration_drafts
SET version = version + 1, entered = coalesce(%(entered)s, entered),
    made_book = made_book OR %(made_book)s, changed_by = %(by)s, changed_at = now()
WHERE organization_id = %(organization)s AND integration_id = %(integration)s
    AND version = coalesce(%(version)s, version)
"""


def begin_draft(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    integration_id: UUID,
    by: str,
    *,
    made_book: bool,
) -> bool:
    """Note who has begun to set an integration up; False when somebody else was quicker."""
    begun = connection.execute(
        "INSERT INTO integration_drafts"
        " (organization_id, integration_id, made_book, started_by, changed_by)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (integration_id) DO NOTHING",
        [organization_id, integration_id, made_book, by, by],
    )
    return begun.rowcount == 1


def read_draft(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID
) -> Draft | None:
    """Return the draft of an integration, None for one that is set up."""
    rows = connection.cursor(row_factory=class_row(Draft))
    return rows.execute(_DRAFTS, [organization_id, integration_id]).fetchone()


def change_draft(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    integration_id: UUID,
    by: str,
    *,
    version: int | None = None,
    entered: dict[str, Any] | None = None,
    made_book: bool = False,
) -> None:
    """Note a change of a draft; with `entered`, also what was typed that cannot be used yet.

    Raises Refused when the draft is not the `version` any more that somebody has seen.
    """
    changed = connection.execute(
        _CHANGE,
        {
            "organization": organization_id,
            "integration": integration_id,
            "by": by,
            "version": version,
            "entered": None if entered is None else Jsonb(entered),
            "made_book": made_book,
        },
    )
    if changed.rowcount == 1:
        return
    now = read_draft(connection, organization_id, integration_id)
    raise Refused(Problem("draft_changed", params={"by": now.changed_by if now else "-"}))


def delete_integration(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID
) -> bool:
    """Delete an integration with its settings, credentials and mapping; False for an unknown one.

    Raises Refused once anything was done through it: history keeps what it rests on.
    """
    draft = read_draft(connection, organization_id, integration_id)
    try:
        with connection.transaction():
            gone = connection.execute(
                "DELETE FROM organization_integrations WHERE organization_id = %s AND id = %s"
                " RETURNING book_id",
                [organization_id, integration_id],
            ).fetchone()
    except ForeignKeyViolation as error:
        raise Refused(Problem("integration_has_history")) from error
    if gone is not None and draft is not None and draft.made_book:
        _delete_unused_book(connection, organization_id, gone[0])
    return gone is not None


def _delete_unused_book(
    connection: psycopg.Connection[Any], organization_id: UUID, book_id: UUID
) -> None:
    try:
        with connection.transaction():
            connection.execute(
                "DELETE FROM books WHERE organization_id = %s AND id = %s",
                [organization_id, book_id],
            )
    except ForeignKeyViolation:
        return  # another integration or a claim uses it by now
