"""What an integration's filters concern: records that wait, and those that they have left out.

C13. When filters change, each record is let go on that was kept by a filter which is no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from bilag.exports.audit import record_change
from bilag.integrations.model import Filters, Integration
from bilag.mapping.gates import UNTOLD, compile_filters
from bilag.mapping.result import Excluded

# Read so many rows at a time: memory stays flat, however many are held.
_AT_A_TIME = 1_000


class Filterable(NamedTuple):
    """A record that filters concern, with the state of its export and the code of its reason."""

    export_id: int
    state: str
    code: str | None
    content: dict[str, Any]


# What was numbered and goes out with its stored bytes is no filter's business any more. `IS NOT
# FALSE` keeps the planner from the index of live rows, which holds the whole history.
_PENDING = """
SELECT id, state, reason, record_id FROM exports
WHERE integration_id = %(integration)s AND for_engine AND state = 'pending'
  AND live IS NOT FALSE AND submission_id IS NULL
ORDER BY due_at, id LIMIT %(limit)s
"""
_HELD = """
SELECT id, state, reason, record_id FROM exports
WHERE integration_id = %(integration)s AND for_person AND state = 'held' AND live IS NOT FALSE
ORDER BY id DESC LIMIT %(limit)s
"""
_LEFT_OUT = """
SELECT id, state, reason, record_id FROM exports
WHERE integration_id = %(integration)s AND NOT for_engine AND NOT for_person
  AND exported_at IS NULL AND live IS NOT FALSE AND state = 'excluded'
  AND reason ->> 'code' LIKE 'filter%%'
ORDER BY id DESC LIMIT %(limit)s
"""
_FILTERABLE = """
SELECT w.id, w.state, w.reason ->> 'code', r.content FROM ({}) w
CROSS JOIN LATERAL (SELECT content FROM records WHERE id = w.record_id OFFSET 0) r
"""
_CONCERNED = _FILTERABLE.format(f"({_PENDING}) UNION ALL ({_HELD}) UNION ALL ({_LEFT_OUT})")


def concerned_by_filters(
    connection: psycopg.Connection[Any], integration_id: UUID, limit: int
) -> list[Filterable]:
    """Return what waits, is held, and was left out by a filter: of each at most `limit`.

    Of what waits the first in line, of the others the newest. History is not read.
    """
    rows = connection.execute(_CONCERNED, {"integration": integration_id, "limit": limit})
    return [Filterable(*row) for row in rows.fetchall()]


class LeftOut(NamedTuple):
    """A record that was left out, as people see it; `reason` is a stored problem."""

    export_id: int
    source_id: str
    category: str
    currency: str
    amount: Decimal
    since: datetime
    reason: dict[str, Any]


_NEWEST = """
SELECT id, source_id, category, currency, amount, state_since, reason FROM exports
WHERE integration_id = %(integration)s AND NOT for_engine AND NOT for_person
  AND exported_at IS NULL AND live IS NOT FALSE AND state = 'excluded'
  AND id < coalesce(%(before)s, 9223372036854775807)
ORDER BY id DESC LIMIT %(limit)s
"""


def newest_left_out(
    connection: psycopg.Connection[Any], integration_id: UUID, *, before: int | None, limit: int
) -> list[LeftOut]:
    """Return what is left out, newest first, with ids below `before`: keyset pages."""
    rows = connection.execute(
        _NEWEST, {"integration": integration_id, "before": before, "limit": limit}
    )
    return [LeftOut(*row) for row in rows.fetchall()]


@dataclass(frozen=True, slots=True)
class Followed:
    """What a change of filters let go on: left out before, and held before."""

    came_back: int
    tried_again: int


# The reason of each says which filter left it out, and by what. It comes back where that filter
# does not say so any more; what another filter leaves out is left out again by the next sync.
_COME_BACK = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM exports e, LATERAL (SELECT e.reason -> 'params' AS p) r
    WHERE integration_id = %(integration)s AND NOT for_engine AND NOT for_person
      AND exported_at IS NULL AND live IS NOT FALSE AND state = 'excluded'
      AND CASE reason ->> 'code'
        WHEN 'filter_category' THEN p ->> 'category' = ANY (%(categories)s)
        WHEN 'filter_paid' THEN %(status)s <> 'approved_not_paid'
        WHEN 'filter_not_paid' THEN %(status)s <> 'approved_and_paid'
        WHEN 'filter_before' THEN reason ->> 'field' <> %(date_key)s
            OR (p ->> 'day')::date >= coalesce(%(from_date)s, '-infinity'::date)
        WHEN 'filter_after' THEN reason ->> 'field' <> %(date_key)s
            OR (p ->> 'day')::date <= coalesce(%(to_date)s, 'infinity'::date)
        WHEN 'filter_amount_below' THEN
            (p ->> 'amount')::numeric >= coalesce(%(from_amount)s, '-infinity'::numeric)
        WHEN 'filter_amount_above' THEN
            (p ->> 'amount')::numeric <= coalesce(%(to_amount)s, 'infinity'::numeric)
        WHEN 'filter_cost_centre' THEN cardinality(%(cost_centres)s::text[]) = 0
            OR p ->> 'code' = ANY (%(cost_centres)s)
        WHEN 'filter_cost_centre_none' THEN cardinality(%(cost_centres)s::text[]) = 0
        WHEN 'filter_project' THEN cardinality(%(projects)s::text[]) = 0
            OR p ->> 'code' = ANY (%(projects)s)
        WHEN 'filter_project_none' THEN cardinality(%(projects)s::text[]) = 0
        ELSE false END
    ORDER BY id FOR UPDATE
)
UPDATE exports e SET state = 'pending', state_since = now(), due_at = now(), failures = 0,
    submission_id = NULL, reason = NULL
FROM chosen WHERE e.id = chosen.id AND e.state = 'excluded'
RETURNING e.id
"""

_TRY_AGAIN = """
UPDATE exports SET state = 'pending', state_since = now(), due_at = now(), failures = 0,
    submission_id = NULL, reason = NULL
WHERE id = ANY (%s) AND state = 'held'
RETURNING id
"""


def follow_filters(
    connection: psycopg.Connection[Any], integration: Integration, *, actor: str
) -> Followed:
    """Let go on what the filters, which were just changed, keep from delivery no more.

    What is held and would now be left out is tried again as well: the next sync leaves it out. The
    caller has stored the filters, by which no sync that runs leaves anything out, in this
    transaction.
    """
    filters = integration.filters
    rows = connection.execute(_COME_BACK, _parameters(integration.id, filters)).fetchall()
    came_back = [row[0] for row in rows]
    gate = compile_filters(filters, integration.book)
    again = [
        one.export_id
        for one in _held(connection, integration.id)
        if isinstance(refusal := gate(one.content), Excluded)
        or (refusal is None and one.code in UNTOLD)
    ]
    tried = [row[0] for row in connection.execute(_TRY_AGAIN, [again]).fetchall()] if again else []
    if came_back or tried:
        record_change(
            connection, integration.organization_id, actor, "export.released",
            f"{len(came_back) + len(tried)} exports",
            {"exports": sorted(came_back + tried), "filtersOf": integration.key},
        )  # fmt: skip
    return Followed(len(came_back), len(tried))


def _held(connection: psycopg.Connection[Any], integration_id: UUID) -> Iterator[Filterable]:
    with connection.cursor(name="held_records") as cursor:
        cursor.itersize = _AT_A_TIME
        cursor.execute(_FILTERABLE.format(_HELD), {"integration": integration_id, "limit": None})
        for row in cursor:
            yield Filterable(*row)


def _parameters(integration_id: UUID, filters: Filters) -> dict[str, Any]:
    return {
        "integration": integration_id,
        "categories": list(filters.categories),
        "status": filters.status,
        "date_key": "approvedAt" if filters.date_field == "approved" else "createdAt",
        "from_date": filters.from_date,
        "to_date": filters.to_date,
        "from_amount": filters.from_amount,
        "to_amount": filters.to_amount,
        "cost_centres": list(filters.cost_centres),
        "projects": list(filters.projects),
    }
