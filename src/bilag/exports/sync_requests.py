"""O3: syncs that people asked for: what was to go, how far they are, how they ended.

What went is read from tallies that are kept with each set of answers, what is open where it
stands; no query here grows with history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import class_row, tuple_row

# Failure policy: a request whose runs break off so often is ended, and what it left stays pending;
# until then a worker goes on with it.
INTERRUPTED_MAX = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Share(NamedTuple):
    """Exports of one state and currency: how many, and their sum."""

    state: str
    currency: str
    records: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Ahead:
    """What waits of an integration: `going` could go now, `later` is tried again at its time."""

    going: Sequence[Share]
    later: Sequence[Share]
    others: Sequence[Share]

    def count(self, *states: str) -> int:
        """Return how many of what is neither going nor tried later stand in these states."""
        return sum(one.records for one in self.others if one.state in states)


_AHEAD = """
SELECT CASE WHEN state <> 'pending' THEN state WHEN due_at <= now() THEN 'going' ELSE 'later' END,
    currency, count(*), sum(amount)
FROM exports WHERE integration_id = %(integration)s AND for_engine GROUP BY 1, 2
UNION ALL
SELECT state, currency, count(*), sum(amount)
FROM exports WHERE integration_id = %(integration)s AND for_person GROUP BY 1, 2
ORDER BY 1, 2
"""


def ahead(connection: psycopg.Connection[Any], integration_id: UUID) -> Ahead:
    """Return what waits of an integration of the organization of the scope, by currency."""
    rows = connection.execute(_AHEAD, {"integration": integration_id}).fetchall()
    shares = [Share(*row) for row in rows]
    return Ahead(
        [one for one in shares if one.state == "going"],
        [one for one in shares if one.state == "later"],
        [one for one in shares if one.state not in ("going", "later")],
    )


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """One sync as people see it: asked for by somebody (`asked_for`), or a run without a request.

    `asked` is what was to go when it was asked for; `open_then` what stood open when it ended.
    """

    id: UUID
    integration_id: UUID
    integration_key: str
    integration_name: str
    asked_for: bool
    trigger: str
    actor: str
    asked_at: datetime
    asked: Sequence[Mapping[str, Any]]
    stopped_at: datetime | None
    stopped_by: str
    ended_at: datetime | None
    outcome: str | None
    message: str
    open_then: Mapping[str, int]


_INSERT = """
INSERT INTO sync_requests (id, organization_id, integration_id, actor, asked)
VALUES (%s, current_organization(), %s, %s, %s) ON CONFLICT DO NOTHING
"""


def open_request(
    connection: psycopg.Connection[Any],
    request_id: UUID,
    integration_id: UUID,
    actor: str,
    asked: Sequence[Share],
) -> bool:
    """Note that somebody asks for a sync; False when one of this integration is open already."""
    going = [
        {"currency": one.currency, "count": one.records, "amount": str(one.amount)} for one in asked
    ]
    values = [request_id, integration_id, actor, orjson.dumps(going).decode()]
    return connection.execute(_INSERT, values).rowcount == 1


_STOP = """
UPDATE sync_requests SET stopped_at = now(), stopped_by = %s
WHERE id = %s AND ended_at IS NULL AND stopped_at IS NULL
"""


def stop_request(connection: psycopg.Connection[Any], request_id: UUID, actor: str) -> bool:
    """Note that somebody stops it; False when it has ended, or was stopped before."""
    return connection.execute(_STOP, [actor, request_id]).rowcount == 1


class OpenRequest(NamedTuple):
    """What a run has to know of the request that it goes on with."""

    id: UUID
    actor: str
    stopped_by: str
    begun: bool


async def request_of(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID
) -> OpenRequest | None:
    """Return the request of an integration that has not ended, or None."""
    rows = connection.cursor(row_factory=class_row(OpenRequest))
    found = await rows.execute(
        "SELECT id, actor, stopped_by,"
        " EXISTS (SELECT FROM syncs s WHERE s.request_id = q.id) AS begun"
        " FROM sync_requests q WHERE integration_id = %s AND ended_at IS NULL",
        [integration_id],
    )
    return await found.fetchone()


_OPEN_STATES = """
SELECT jsonb_object_agg(state, n) FROM (
    SELECT state, count(*) AS n FROM exports e
    WHERE e.integration_id = q.integration_id AND e.for_engine
      AND (e.state IN ('pending', 'sending') OR e.state_since >= q.asked_at) GROUP BY state
    UNION ALL
    SELECT state, count(*) FROM exports e
    WHERE e.integration_id = q.integration_id AND e.for_person AND e.state_since >= q.asked_at
    GROUP BY state) o
"""

_FINISH = f"""
UPDATE sync_requests q SET ended_at = now(), outcome = %(outcome)s, message = %(message)s,
    open_then = coalesce(({_OPEN_STATES}), '{{}}')
WHERE q.id = %(id)s AND q.ended_at IS NULL AND (%(outcome)s <> 'interrupted'
    OR (SELECT count(*) FROM syncs s WHERE s.request_id = q.id AND s.outcome = 'interrupted')
        >= {INTERRUPTED_MAX})
"""


async def finish_request(
    connection: psycopg.AsyncConnection[Any], request_id: UUID, outcome: str, message: str
) -> None:
    """Note how it ended, with what stands open then; one that was broken off may stay open."""
    values = {"id": request_id, "outcome": outcome, "message": message[:2000]}
    await connection.execute(_FINISH, values)


_REQUEST = """
SELECT q.id, q.integration_id, i.key AS integration_key, i.name AS integration_name,
    true AS asked_for, 'manual' AS trigger, q.actor, q.asked_at, q.asked, q.stopped_at,
    q.stopped_by, q.ended_at, q.outcome, q.message, q.open_then
FROM sync_requests q JOIN organization_integrations i ON i.id = q.integration_id
"""
# A run that nobody asked for is told in the same words; what it was to send is its count only.
_RUN = """
SELECT s.id, s.integration_id, i.key AS integration_key, i.name AS integration_name,
    false AS asked_for, s.trigger, s.actor, s.started_at AS asked_at,
    jsonb_build_array(jsonb_build_object('currency', '', 'count', s.asked, 'amount', '0')) AS asked,
    NULL::timestamptz AS stopped_at, '' AS stopped_by, s.finished_at AS ended_at, s.outcome,
    coalesce(s.message, '') AS message, '{}'::jsonb AS open_then
FROM syncs s JOIN organization_integrations i ON i.id = s.integration_id
"""


def get_request(connection: psycopg.Connection[Any], request_id: UUID) -> SyncRequest | None:
    """Return a request, or a run that nobody asked for, of the organization of the scope."""
    rows = connection.cursor(row_factory=class_row(SyncRequest))
    text = f"{_REQUEST} WHERE q.id = %(id)s UNION ALL {_RUN} WHERE s.id = %(id)s"
    return rows.execute(f"{text} LIMIT 1".encode(), {"id": request_id}).fetchone()


def open_request_of(
    connection: psycopg.Connection[Any], integration_id: UUID
) -> SyncRequest | None:
    """Return the request of an integration that has not ended, or None."""
    rows = connection.cursor(row_factory=class_row(SyncRequest))
    where = "WHERE q.integration_id = %s AND q.ended_at IS NULL"
    return rows.execute(f"{_REQUEST} {where}".encode(), [integration_id]).fetchone()


def open_requests(connection: psycopg.Connection[Any]) -> dict[UUID, UUID]:
    """Return by integration the request that has not ended, of the organization of the scope."""
    rows = connection.cursor(row_factory=tuple_row).execute(
        "SELECT q.integration_id, q.id FROM organization_integrations i"
        " JOIN sync_requests q ON q.integration_id = i.id AND q.ended_at IS NULL"
    )
    return dict(rows.fetchall())


_LAST_ID = UUID(int=2**128 - 1)

# By integration, so that each is read in order from its index, however long its history is.
_NEWEST = f"""
SELECT n.* FROM organization_integrations o CROSS JOIN LATERAL (
    ({_REQUEST} WHERE q.integration_id = o.id AND (q.asked_at, q.id) < (%(before)s, %(id)s)
     ORDER BY q.asked_at DESC, q.id DESC LIMIT %(limit)s)
    UNION ALL
    ({_RUN} WHERE s.integration_id = o.id AND s.request_id IS NULL
       AND (s.started_at, s.id) < (%(before)s, %(id)s)
     ORDER BY s.started_at DESC, s.id DESC LIMIT %(limit)s)) n
WHERE %(integration)s::text = '' OR o.key = %(integration)s
ORDER BY n.asked_at DESC, n.id DESC LIMIT %(limit)s
"""


def newest_requests(
    connection: psycopg.Connection[Any],
    *,
    integration: str = "",
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[SyncRequest]:
    """Return the newest syncs of the organization of the scope, from behind (moment, id)."""
    rows = connection.cursor(row_factory=class_row(SyncRequest))
    at, last = before or ("infinity", _LAST_ID)
    given = {"integration": integration, "before": at, "id": last, "limit": limit}
    return rows.execute(_NEWEST.encode(), given).fetchall()


def cursor_of(one: SyncRequest) -> str:
    """Return where the page after a sync begins: its moment as digits, and its id."""
    return f"{(one.asked_at - _EPOCH) // timedelta(microseconds=1)}-{one.id}"


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """Return moment and id of a cursor; raises ValueError for what is none."""
    moment, _dash, last = cursor.partition("-")
    try:
        return _EPOCH + timedelta(microseconds=int(moment)), UUID(last)
    except OverflowError as error:
        raise ValueError(cursor) from error


_TALLIES = """
SELECT coalesce(s.request_id, s.id), t.state, t.currency, sum(t.count)::bigint, sum(t.amount)
FROM syncs s JOIN sync_tallies t ON t.run_id = s.id
WHERE s.request_id = ANY (%(ids)s) OR s.id = ANY (%(ids)s) AND s.request_id IS NULL
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def tallies(connection: psycopg.Connection[Any], ids: Sequence[UUID]) -> dict[UUID, list[Share]]:
    """Return by request or run what it brought into which state, in count and sum."""
    found: dict[UUID, list[Share]] = {}
    rows = connection.cursor(row_factory=tuple_row).execute(_TALLIES, {"ids": list(ids)})
    for request_id, *share in rows.fetchall():
        found.setdefault(request_id, []).append(Share(*share))
    return found


def open_now(connection: psycopg.Connection[Any], request_id: UUID) -> dict[str, int]:
    """Return what stands open now: all that waits, and the rest since it was asked for."""
    text = f"SELECT ({_OPEN_STATES}) FROM sync_requests q WHERE q.id = %s"
    row = connection.cursor(row_factory=tuple_row).execute(text.encode(), [request_id]).fetchone()
    return dict(row[0] or {}) if row else {}


class Cause(NamedTuple):
    """Why claims wait for a person since a sync: their state, the stored problem, how many."""

    state: str
    reason: Mapping[str, Any] | None
    records: int


_CAUSES = """
SELECT state, reason - 'record', count(*)::int FROM exports
WHERE integration_id = %(integration)s AND for_person
  AND state_since >= %(from)s AND state_since <= coalesce(%(to)s, now())
GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT %(limit)s
"""


def causes(
    connection: psycopg.Connection[Any], request: SyncRequest, limit: int = 500
) -> list[Cause]:
    """Return why claims did not go through in a sync and still wait, the most frequent first."""
    rows = connection.execute(
        _CAUSES,
        {"integration": request.integration_id, "from": request.asked_at,
         "to": request.ended_at, "limit": limit},
    )  # fmt: skip
    return [Cause(*row) for row in rows.fetchall()]
