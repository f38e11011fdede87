"""The overview of all organizations (O2): one row each, sorted, filtered, page by page.

It reads what workers measured last, so that it costs the same whatever the organizations hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.rows import tuple_row

from bilag.monitoring.health import Colour

Sort = Literal["attention", "name", "last_sync", "pending", "errors"]
Show = Literal["all", "attention", "stale", "enabled"]


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    """One organization; figures are of `taken_at`, None where a worker never looked."""

    slug: str
    name: str
    connectors: list[str]
    enabled: bool
    last_sync_at: datetime | None
    pending: int
    errors: int
    for_person: int
    colour: Colour
    attention: int
    stale: bool
    reasons: list[str]
    taken_at: datetime | None


# What each order goes by, its type, and which comes first.
_BY: dict[Sort, tuple[str, str, Literal["ASC", "DESC"]]] = {
    "attention": ("g.attention * 2 + g.stale::int", "int", "DESC"),
    "name": ("lower(g.name)", "text", "ASC"),
    "last_sync": ("coalesce(g.last_sync_at, 'infinity')", "timestamptz", "ASC"),
    "pending": ("g.pending", "bigint", "DESC"),
    "errors": ("g.errors", "bigint", "DESC"),
}
_SHOWN: dict[Show, str] = {
    "all": "true",
    "attention": "(g.colour IN ('red', 'yellow') OR g.stale)",
    "stale": "g.stale",
    "enabled": "g.enabled",
}
SORTS: tuple[Sort, ...] = tuple(_BY)
SHOWS: tuple[Show, ...] = tuple(_SHOWN)

_COLUMNS = """g.slug, g.name, g.connectors, g.enabled, g.last_sync_at, g.pending, g.errors,
    g.for_person, g.colour, g.attention, g.stale, g.reasons, g.taken_at"""
_OF = f"SELECT {_COLUMNS} FROM global_health() g WHERE g.slug = ANY (%s)"
_PAGE = f"""
WITH g AS MATERIALIZED (
    SELECT g.*, {{value}} AS place FROM global_health() g
    WHERE {{shown}} AND (position(lower(%(named)s) IN lower(g.name)) > 0
        OR position(lower(%(named)s) IN g.slug) > 0)
)
SELECT s.*, {_COLUMNS}, g.place::text
FROM g CROSS JOIN (SELECT count(*), sum(pending)::bigint, sum(errors)::bigint FROM g) s
WHERE %(value)s::text IS NULL OR g.place {{beyond}} %(value)s::{{type}}
    OR (g.place = %(value)s::{{type}} AND g.slug > %(slug)s)
ORDER BY g.place {{direction}}, g.slug LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the overview, behind what the next one begins, and how many there are in all.

    `pending` and `errors` are the sums of all of these, not of the page alone.
    """

    rows: list[OrganizationRow]
    after: tuple[str, str] | None
    in_all: int
    pending: int
    errors: int


def overview_page(
    connection: psycopg.Connection[Any],
    *,
    sort: Sort = "attention",
    show: Show = "all",
    named: str = "",
    after: tuple[str, str] | None = None,
    limit: int = 50,
) -> Page:
    """Return organizations in an order, behind `after` (sort value and slug); needs no scope.

    `named` is a part of a name or slug. Pages go by the key, so rows that change make none appear
    twice. Raises psycopg.DataError for an `after` of another order.
    """
    value, kind, direction = _BY[sort]
    query = _PAGE.format(
        value=value, shown=_SHOWN[show], type=kind, direction=direction,
        beyond="<" if direction == "DESC" else ">",
    )  # fmt: skip
    where = {"named": named, "limit": limit + 1, "value": after and after[0],
             "slug": after and after[1]}  # fmt: skip
    found = connection.cursor(row_factory=tuple_row).execute(query, where).fetchall()
    rows = [OrganizationRow(*row[3:-1]) for row in found[:limit]]
    further = (str(found[limit - 1][-1]), rows[-1].slug) if len(found) > limit else None
    return Page(rows, further, *(found[0][:3] if found else (0, 0, 0)))


def overview_of(
    connection: psycopg.Connection[Any], slugs: Sequence[str]
) -> dict[str, OrganizationRow]:
    """Return how some organizations stand, by slug, in one query; needs no scope.

    The caller has made sure that the reader belongs to them.
    """
    rows = connection.cursor(row_factory=tuple_row).execute(_OF, [list(slugs)])
    return {row[0]: OrganizationRow(*row) for row in rows.fetchall()}
