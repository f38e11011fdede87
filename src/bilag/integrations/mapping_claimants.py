"""Pages of a mapping's claimants (C17), with what an editor has changed laid over them.

The claimants stay in the document of their version; PostgreSQL pages through them (measured: about
50 ms for a page of 100,000), so nothing has to be kept twice.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

PAGE = 50


class Claimant(NamedTuple):
    """A claimant's id in the app, its party in the book, and whether that is not saved yet."""

    id: str
    party: str
    changed: bool


class ClaimantPage(NamedTuple):
    """One page; `matching` counts all that match the search, `after` leads to the next page."""

    claimants: list[Claimant]
    matching: int
    after: str | None


# What is taken out in the draft is null there. Ids are in the order of their bytes, as cursors are.
_LAID_OVER = """
WITH draft AS MATERIALIZED (
    SELECT claimants FROM mapping_drafts
    WHERE organization_id = %(organization)s AND integration_id = %(integration)s
      AND editor = %(editor)s
), saved AS (
    SELECT coalesce((SELECT field_mappings -> 'claimants' FROM mapping_versions
        WHERE organization_id = %(organization)s AND integration_id = %(integration)s
          AND version = %(version)s), '{}') AS claimants
), laid_over AS (
    SELECT CASE WHEN coalesce(d.claimants, '{}') = '{}' THEN s.claimants
                ELSE s.claimants || d.claimants END AS claimants
    FROM saved s LEFT JOIN draft d ON true
), matching AS MATERIALIZED (
    SELECT c.key COLLATE "C" AS key, c.value FROM laid_over, jsonb_each_text(laid_over.claimants) c
    WHERE c.value IS NOT NULL AND (%(search)s = '' OR position(%(search)s IN lower(c.key)) > 0
        OR position(%(search)s IN lower(c.value)) > 0)
)
"""

_PAGE = f"""{_LAID_OVER}
SELECT (SELECT count(*) FROM matching), p.key, p.value,
    coalesce((SELECT claimants FROM draft) ? p.key, false)
FROM (SELECT 1) one
LEFT JOIN LATERAL (
    SELECT key, value FROM matching WHERE key > %(after)s ORDER BY key LIMIT %(limit)s) p ON true
"""

_ALL = f"{_LAID_OVER} SELECT key, value FROM matching ORDER BY key"

_COMPARED = """
SELECT coalesce(a.key, b.key), a.value, b.value
FROM jsonb_each_text(coalesce((SELECT field_mappings -> 'claimants' FROM mapping_versions
    WHERE organization_id = %(organization)s AND integration_id = %(integration)s
      AND version = %(old)s), '{}')) a
FULL JOIN jsonb_each_text(coalesce((SELECT field_mappings -> 'claimants' FROM mapping_versions
    WHERE organization_id = %(organization)s AND integration_id = %(integration)s
      AND version = %(new)s), '{}')) b ON a.key = b.key
WHERE a.value IS DISTINCT FROM b.value ORDER BY 1 LIMIT %(limit)s
"""


def claimant_page(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    integration_id: UUID,
    version: int,
    editor: str,
    *,
    search: str = "",
    after: str = "",
    limit: int = PAGE,
) -> ClaimantPage:
    """Return claimants by id, after one already seen, whose id or party contains the search."""
    rows = connection.execute(
        _PAGE,
        {
            **_where(organization_id, integration_id, version, editor, search),
            "after": after,
            "limit": limit + 1,
        },
    ).fetchall()
    found = [Claimant(*row[1:]) for row in rows if row[1] is not None]
    more = len(found) > limit
    return ClaimantPage(found[:limit], rows[0][0], found[limit - 1].id if more else None)


def every_claimant(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    integration_id: UUID,
    version: int,
    editor: str,
) -> Iterator[tuple[str, str]]:
    """Yield (id, party) of every claimant, by id."""
    where = _where(organization_id, integration_id, version, editor, "")
    yield from connection.execute(_ALL, where)


def compare_claimants(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    integration_id: UUID,
    old: int,
    new: int,
    limit: int,
) -> list[tuple[str, str | None, str | None]]:
    """Return (id, party before, party after) of claimants that differ, at most `limit` of them."""
    found = connection.execute(
        _COMPARED,
        {"organization": organization_id, "integration": integration_id, "old": old, "new": new,
         "limit": limit},
    )  # fmt: skip
    return found.fetchall()


def _where(
    organization_id: UUID, integration_id: UUID, version: int, editor: str, search: str
) -> dict[str, Any]:
    return {
        "organization": organization_id,
        "integration": integration_id,
        "version": version,
        "editor": editor,
        "search": search.strip().lower(),
    }
