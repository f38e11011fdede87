"""What a sync finds when it starts: rows that a lost worker left behind, and rows to look up.

A row in `sending` that is not ours is in doubt; its age is no proof that nothing was posted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from bilag.tenants.scope import organization_scope_async


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An export whose outcome is open: what was sent under which reference, and since when.

    `waited_seconds` is the age of its state on the database's clock; `sent_with_key`: the stored
    submission carries headers that a repeat can be told by. `since`: it was not sent before, None
    after a restore; `unwanted`: its approval is withdrawn, or a newer revision waits for it.
    """

    id: int
    token: int
    attempt: int
    failures: int
    source_id: str
    reference: str
    submission_id: int | None
    state: str
    state_since: datetime
    waited_seconds: float
    amount: Decimal
    currency: str
    reason: dict[str, Any] | None
    sent_with_key: bool
    since: datetime | None
    unwanted: bool


_COLUMNS = """
SELECT e.id, e.token, e.attempt, e.failures, e.source_id, e.reference, e.submission_id, e.state,
    e.state_since, extract(epoch FROM now() - e.state_since)::float8, e.amount, e.currency,
    e.reason,
    EXISTS (SELECT FROM submissions s WHERE s.id = e.submission_id AND s.headers IS NOT NULL),
    -- in doubt without an attempt of ours: a restore, so it may have been sent before we knew of it
    CASE WHEN e.attempt > 0 THEN e.created_at END,
    EXISTS (SELECT FROM exports w WHERE w.organization_id = e.organization_id
            AND w.source_id = e.source_id AND w.book_id = e.book_id
            AND w.source_system = e.source_system AND w.part = e.part
            AND w.generation > e.generation AND w.state = 'held' AND NOT w.live)
    OR EXISTS (SELECT FROM record_withdrawals w WHERE w.organization_id = e.organization_id
               AND w.source_id = e.source_id AND w.source_system = e.source_system
               AND w.revision >= e.revision)
FROM exports e
"""


async def left_behind(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    integration_id: UUID,
    limit: int,
) -> list[Doubtful]:
    """Return rows of this integration that stand in `sending`; at the start none can be ours."""
    return await _read(
        connection, organization_id,
        _COLUMNS + "WHERE e.integration_id = %s AND e.for_engine AND e.state = 'sending'"
        " ORDER BY e.due_at, e.id LIMIT %s",
        [integration_id, limit],
    )  # fmt: skip


async def due_for_look_up(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    integration_id: UUID,
    limit: int,
) -> list[Doubtful]:
    """Return rows in doubt whose waiting time (send_by + timeout + settle) is over."""
    return await _read(
        connection, organization_id,
        _COLUMNS + "WHERE e.integration_id = %s AND e.for_engine AND e.state = 'in_doubt'"
        " AND e.due_at <= now() ORDER BY e.due_at, e.id LIMIT %s",
        [integration_id, limit],
    )  # fmt: skip


async def due_for_follow_up(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    integration_id: UUID,
    limit: int,
) -> list[Doubtful]:
    """Return accepted rows whose booking is due to be looked for, the longest due first."""
    return await _read(
        connection, organization_id,
        _COLUMNS + "WHERE e.integration_id = %s AND e.for_engine AND e.state = 'accepted'"
        " AND e.due_at <= now() ORDER BY e.due_at, e.id LIMIT %s",
        [integration_id, limit],
    )  # fmt: skip


# A newer revision waited for an older one that was in flight. Now that the older is settled it goes
# live, or, where the older was exported after all, becomes a correction that a person decides on.
_RELEASE_WAITING = """
WITH waiting AS MATERIALIZED (
    SELECT w.id, w.source_system, w.source_id, w.book_id, w.part FROM exports w
    WHERE w.integration_id = %(integration)s AND w.for_person AND w.state = 'held' AND NOT w.live
      AND w.reason ->> 'code' = 'waits_for_earlier'
    ORDER BY w.id FOR UPDATE
), older AS MATERIALIZED (
    SELECT e.id, e.state, e.left_in_doubt, waiting.id AS waiting_id FROM waiting JOIN exports e
      ON e.organization_id = current_organization() AND e.source_id = waiting.source_id
     AND e.source_system = waiting.source_system AND e.book_id = waiting.book_id AND e.live
), settled AS MATERIALIZED (
    SELECT w.id,
        bool_or(o.state IN ('sending', 'in_doubt', 'needs_review', 'accepted')
                OR o.state = 'failed' AND o.left_in_doubt) AS in_flight,
        bool_or(o.state = 'exported') AS posted
    FROM waiting w LEFT JOIN older o ON o.waiting_id = w.id GROUP BY w.id
), ended AS (
    UPDATE exports e SET state = 'superseded', state_since = now(), live = false
    FROM older o JOIN settled s ON s.id = o.waiting_id
    WHERE e.id = o.id AND e.state IN ('pending', 'held', 'failed', 'excluded')
      AND NOT coalesce(s.in_flight, false) AND NOT coalesce(s.posted, false)
    RETURNING e.id
)
SELECT s.id, coalesce(s.in_flight, false), coalesce(s.posted, false), (SELECT count(*) FROM ended)
FROM settled s
"""


async def release_waiting(
    connection: psycopg.AsyncConnection[Any], organization_id: UUID, integration_id: UUID
) -> int:
    """Let newer revisions go on whose predecessor is settled; returns how many changed."""
    changed = 0
    async with organization_scope_async(connection, organization_id):
        cursor = await connection.execute(_RELEASE_WAITING, {"integration": integration_id})
        for export_id, in_flight, posted, _ in await cursor.fetchall():
            if in_flight:
                continue
            changed += 1
            if posted:
                await connection.execute(
                    "UPDATE exports SET kind = 'correction',"
                    """ reason = '{"code": "correction_proposed"}' WHERE id = %s""",
                    [export_id],
                )
            else:
                await connection.execute(
                    "UPDATE exports SET state = 'pending', state_since = now(), live = true,"
                    " due_at = now(), reason = NULL WHERE id = %s",
                    [export_id],
                )
    return changed


# I7: an approval was withdrawn while its export was in flight; once settled, it is cancelled or its
# reversal proposed. The accounting years of one claim are followed each for itself.
_FOLLOW_WITHDRAWALS = """
SELECT DISTINCT e.source_system, e.source_id
FROM record_withdrawals w JOIN exports e
  ON e.organization_id = w.organization_id AND e.source_id = w.source_id
 AND e.source_system = w.source_system
WHERE w.organization_id = current_organization() AND w.received_at > now() - interval '40 days'
  AND e.revision <= w.revision
  AND e.integration_id = %s AND e.live AND e.kind <> 'reversal'
  AND (e.state IN ('pending', 'held', 'failed', 'excluded')
    OR e.state IN ('exported', 'accepted') AND NOT EXISTS (SELECT FROM exports r
      WHERE r.organization_id = e.organization_id
        AND r.source_id = e.source_id AND r.source_system = e.source_system
        AND r.book_id = e.book_id AND r.part = e.part AND r.kind = 'reversal'
        AND r.state NOT IN ('superseded', 'cancelled') AND r.generation > e.generation))
"""


async def unfollowed_withdrawals(
    connection: psycopg.AsyncConnection[Any], organization_id: UUID, integration_id: UUID
) -> list[tuple[str, str]]:
    """Return (source system, source id) of withdrawn approvals that still need following."""
    async with organization_scope_async(connection, organization_id):
        cursor = await connection.execute(_FOLLOW_WITHDRAWALS, [integration_id])
        return [(system, source) for system, source in await cursor.fetchall()]


async def stored_submissions(
    connection: psycopg.AsyncConnection[Any], organization_id: UUID, ids: Sequence[int]
) -> dict[int, tuple[bytes, dict[str, str]]]:
    """Return body and headers of stored submissions by their ids."""
    async with organization_scope_async(connection, organization_id):
        cursor = await connection.execute(
            "SELECT id, body, headers FROM submissions WHERE id = ANY (%s)", [list(ids)]
        )
        return {row[0]: (row[1].encode(), row[2] or {}) for row in await cursor.fetchall()}


async def _read(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    query: str,
    parameters: list[object],
) -> list[Doubtful]:
    async with organization_scope_async(connection, organization_id):
        cursor = await connection.execute(query, parameters)
        return [Doubtful(*row) for row in await cursor.fetchall()]
