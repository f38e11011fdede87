"""Ledger accounts, cost centres and the like, as the system listed them: suggestions, no limit.

Runs inside `organization_scope`. A list is replaced whole, and at most ITEMS_MAX of it are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from bilag.core.outcome import ReferenceItem

ITEMS_MAX = 5000
SUGGESTIONS_MAX = 20


@dataclass(frozen=True, slots=True)
class ReferenceList:
    """One list as it was read: how many items are kept, `more` when the system has more."""

    kind: str
    items: int
    more: bool
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One entry: its code, its name, and whether the system would take a posting on it."""

    code: str
    name: str
    usable: bool


_LISTS = """
SELECT l.kind, (SELECT count(*) FROM reference_items i WHERE i.organization_id = l.organization_id
    AND i.integration_id = l.integration_id AND i.kind = l.kind) AS items, l.more, l.read_at
FROM reference_lists l WHERE l.organization_id = %s AND l.integration_id = %s ORDER BY l.kind
"""
_KEEP = """
INSERT INTO reference_items (organization_id, integration_id, kind, code, name, usable)
SELECT DISTINCT ON (d.code) %(organization)s, %(integration)s, %(kind)s, d.code, d.name, d.usable
FROM jsonb_to_recordset(%(items)s) AS d (code text, name text, usable boolean)
WHERE d.code <> '' ORDER BY d.code, d.usable DESC
"""
# The exact code first, then codes that begin so, then words of names; what can be posted to first.
_SUGGEST = """
SELECT code, name, usable FROM reference_items
WHERE organization_id = %(organization)s AND integration_id = %(integration)s AND kind = %(kind)s
    AND (starts_with(lower(code), lower(%(text)s)) OR starts_with(lower(name), lower(%(text)s))
        OR strpos(lower(name), ' ' || lower(%(text)s)) > 0)
ORDER BY code <> %(text)s, NOT usable, NOT starts_with(lower(code), lower(%(text)s)), code
LIMIT %(limit)s
"""


def keep_list(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    integration_id: UUID,
    kind: str,
    items: Sequence[ReferenceItem],
    *,
    more: bool,
) -> None:
    """Keep a list in the place of the one that was read before."""
    whose = {"organization": organization_id, "integration": integration_id, "kind": kind}
    connection.execute(
        "DELETE FROM reference_lists WHERE organization_id = %(organization)s"
        " AND integration_id = %(integration)s AND kind = %(kind)s",
        whose,
    )
    connection.execute(
        "INSERT INTO reference_lists (organization_id, integration_id, kind, more)"
        " VALUES (%(organization)s, %(integration)s, %(kind)s, %(more)s)",
        {**whose, "more": more or len(items) > ITEMS_MAX},
    )
    listed = [
        {"code": one.code, "name": one.name, "usable": one.usable} for one in items[:ITEMS_MAX]
    ]
    connection.execute(_KEEP, {**whose, "items": Jsonb(listed)})


def read_lists(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID
) -> list[ReferenceList]:
    """Return which lists were read of an integration's system, and when."""
    rows = connection.cursor(row_factory=class_row(ReferenceList))
    return rows.execute(_LISTS, [organization_id, integration_id]).fetchall()


def suggest(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    integration_id: UUID,
    kind: str,
    text: str,
    limit: int = SUGGESTIONS_MAX,
) -> list[Suggestion]:
    """Return entries whose code or a word of whose name begins with the text, the exact code first.

    An empty text gives the first codes; an unknown integration or kind gives none.
    """
    rows = connection.cursor(row_factory=class_row(Suggestion))
    return rows.execute(
        _SUGGEST,
        {
            "organization": organization_id,
            "integration": integration_id,
            "kind": kind,
            "text": text.strip(),
            "limit": limit,
        },
    ).fetchall()


def name_of(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    integration_id: UUID,
    kind: str,
    code: str,
) -> str | None:
    """Return the name of a code as the system listed it, None when it was not listed."""
    row = connection.execute(
        "SELECT name FROM reference_items WHERE organization_id = %s AND integration_id = %s"
        " AND kind = %s AND code = %s",
        [organization_id, integration_id, kind, code],
    ).fetchone()
    return None if row is None else str(row[0])
