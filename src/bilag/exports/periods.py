"""Closed periods: which days are closed, what people decide about claims in them, who goes on.

E15. Every closing and decision is a row of the audit chain; a date moves only once it is written
down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg

from bilag.core.problem import Problem, Refused
from bilag.exports.audit import record_change, record_change_async
from bilag.integrations.books import get_book, save_book
from bilag.integrations.model import CLOSED_FIRST, CLOSED_LAST, Book, Integration
from bilag.tenants.scope import organization_scope_async

DECISIONS = ("first_open_day", "wait")
# Held with one of these a claim waits for a person; `period_closed_wait` is what one has decided.
_ASKED = ("period_closed_ask", "period_closed_wait")
_CODES = ("period_closed", "period_closed_moves", *_ASKED)


class Decided(NamedTuple):
    """The exports that one decision was about, and the integrations that have to follow it."""

    export_ids: list[int]
    integration_ids: frozenset[UUID]


def close_period(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    book_key: str,
    closed_through: date | None,
    *,
    actor: str,
) -> Book:
    """Close a book's days up to and including one, or open them all; an earlier day opens some.

    Raises LookupError for an unknown book, Refused for a day that cannot be meant.
    """
    if closed_through is not None and not CLOSED_FIRST <= closed_through <= CLOSED_LAST:
        bounds = {"first": str(CLOSED_FIRST), "last": str(CLOSED_LAST)}
        raise Refused(Problem("closed_day_not_valid", "closedThrough", params=bounds))
    old = get_book(connection, organization_id, book_key)
    if old is None:
        raise LookupError(f"there is no book {book_key!r}")
    new = replace(old, closed_through=closed_through)
    if save_book(connection, new):
        before, after = (
            "null" if book.closed_through is None else f'"{book.closed_through}"'
            for book in (old, new)
        )
        record_change(
            connection, organization_id, actor, "book.changed", f"book {book_key}",
            {"closedThrough": {"before": before, "after": after}},
        )  # fmt: skip
    return new


# The problem of a closed period stands alone, or among the others of its claim.
_PROBLEM = """
JOIN LATERAL jsonb_array_elements(CASE e.reason ->> 'code' WHEN 'several'
    THEN e.reason -> 'problems' ELSE jsonb_build_array(e.reason) END) AS p ON true
"""

# Rows are locked in the order of their ids, so that two calls at once wait instead of deadlocking.
_ASKING = f"""
SELECT e.id, e.integration_id, e.reason FROM exports e {_PROBLEM}
WHERE e.for_person AND e.state = 'held' AND e.live AND p ->> 'code' = ANY (%(codes)s)
  AND (%(integration)s::uuid IS NULL OR e.integration_id = %(integration)s)
  AND (%(ids)s::bigint[] IS NULL OR e.id = ANY (%(ids)s))
ORDER BY e.id FOR UPDATE OF e
"""

_DECIDE = """
UPDATE exports e SET reason = d.reason,
    open_day = CASE WHEN %(moves)s THEN b.closed_through + 1 END
FROM jsonb_to_recordset(%(rows)s) AS d (id bigint, reason jsonb), books b
WHERE e.id = ANY (%(ids)s) AND e.id = d.id AND b.id = e.book_id AND e.state = 'held'
"""


def decide_period(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    *,
    decision: str,
    reason: str,
    actor: str,
    integration_id: UUID | None = None,
    export_ids: Sequence[int] | None = None,
) -> Decided:
    """Note what a person decided about claims that ask: all, those of one integration, or some.

    The next sync maps the ones that go to the first open day. What does not ask is left as it is.
    Raises ValueError for an unknown decision or without a reason.
    """
    if decision not in DECISIONS:
        raise ValueError(f"a person decides one of {', '.join(DECISIONS)}, not {decision}")
    if not reason.strip():
        raise ValueError("a reason is required")
    moves = decision == "first_open_day"
    found = connection.execute(
        _ASKING,
        {
            "codes": list(_ASKED),
            "integration": integration_id,
            "ids": None if export_ids is None else list(export_ids),
        },
    ).fetchall()
    ids = [row[0] for row in found]
    if ids:
        rows = [{"id": row[0], "reason": row[2] if moves else _waits(row[2], reason)}
                for row in found]  # fmt: skip
        connection.execute(
            _DECIDE, {"moves": moves, "rows": orjson.dumps(rows).decode(), "ids": ids}
        )
        record_change(
            connection, organization_id, actor, "export.period_decided", f"{len(ids)} exports",
            {"exports": ids, "decision": decision, "reason": reason},
        )  # fmt: skip
    return Decided(ids, frozenset(row[1] for row in found))


def _waits(stored: dict[str, Any], words: str) -> dict[str, Any]:
    """Return the reason of a held claim as it reads once a person told it to wait."""
    if stored["code"] == "several":
        return {**stored, "problems": [_waits(one, words) for one in stored["problems"]]}
    if stored["code"] not in _ASKED:
        return stored
    asked = Problem.from_json(stored)
    params = {**asked.params, "words": words}
    return replace(asked, code="period_closed_wait", params=params).as_json()


# What goes on: its day is open again, or the policy is another one, or it was decided. A claim that
# comes back from this is held for another reason, so that none goes round and round.
_FOLLOW = f"""
WITH waiting AS MATERIALIZED (
    SELECT e.id, p ->> 'code' AS code, (p -> 'params' ->> 'day')::date AS day
    FROM exports e {_PROBLEM}
    WHERE e.integration_id = %(integration)s AND e.for_person AND e.state = 'held' AND e.live
      AND e.reason ->> 'code' = ANY (%(codes)s || ARRAY['several'])
      AND p ->> 'code' = ANY (%(codes)s)
    ORDER BY e.id FOR UPDATE OF e
), released AS (
    UPDATE exports e SET state = 'pending', state_since = now(), due_at = now(), failures = 0,
        submission_id = NULL, reason = NULL,
        open_day = CASE WHEN w.code = 'period_closed_moves' AND %(policy)s = 'first_open_day'
                        THEN %(first_open)s::date ELSE e.open_day END
    FROM waiting w
    WHERE e.id = w.id AND e.state = 'held' AND (
        w.day > coalesce(%(closed)s::date, '-infinity')
        OR w.code = 'period_closed_moves'
        OR w.code = 'period_closed' AND %(policy)s <> 'stop'
        OR w.code = 'period_closed_ask' AND %(policy)s <> 'ask'
        OR e.open_day = %(first_open)s::date)
    RETURNING e.id, e.open_day
)
SELECT id, open_day, true FROM released
UNION ALL
SELECT id, open_day, false FROM exports
WHERE integration_id = %(integration)s AND for_engine AND open_day IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Followed:
    """The days on which claims in a closed period are posted, by export; how many now go on."""

    open_days: dict[int, date]
    released: int


async def follow_periods(
    connection: psycopg.AsyncConnection[Any], integration: Integration, policy: str
) -> Followed:
    """Let claims go on that no closed period keeps any more; logs which, and the day they move to.

    `integration` and `policy` are those by which the sync maps, so that both see the same days.
    """
    closed = integration.book.closed_through
    async with organization_scope_async(connection, integration.organization_id):
        cursor = await connection.execute(
            _FOLLOW,
            {
                "integration": integration.id,
                "codes": list(_CODES),
                "policy": policy,
                "closed": closed,
                "first_open": closed and integration.book.first_open_day(closed),
            },
        )
        found = await cursor.fetchall()
        released = [row[0] for row in found if row[2]]
        if released:
            moved = {str(row[0]): str(row[1]) for row in found if row[2] and row[1]}
            await record_change_async(
                connection, integration.organization_id, "engine", "export.released",
                f"{len(released)} exports",
                {"exports": released, "closedThrough": str(closed or ""), "policy": policy,
                 "postingDates": moved},
            )  # fmt: skip
    return Followed({row[0]: row[1] for row in found if row[1]}, len(released))
