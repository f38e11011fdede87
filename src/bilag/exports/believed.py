"""What we believe of an integration's exports, read in sets for a comparison with the ledger (E13).

Only rows whose outcome is settled: what is under way is the engine's, and may change while we look.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from bilag.tenants.scope import organization_scope_async


@dataclass(frozen=True, slots=True)
class Believed:
    """An export and its record; `expects` says where its voucher should be.

    `posted`: in the ledger; `gone`: nowhere, though it was sent; `replaced`: another generation,
    known by `beside`, is posted in its place.
    """

    id: int
    expects: Literal["posted", "gone", "replaced"]
    source_id: str
    reference: str
    beside: str | None
    part: int
    state: str
    token: int
    attempt: int
    mapping_version: int | None
    created_at: datetime
    content: dict[str, Any]


# By the primary key from where the last set ended, so that a long history costs one pass. A row
# that is fresh is left for another time: the system may still be settling it.
_BELIEVED = """
SELECT e.id, CASE WHEN e.state IN ('exported', 'accepted')
        THEN CASE WHEN s.reference IS NULL THEN 'posted' ELSE 'replaced' END
        ELSE 'gone' END AS expects,
    e.source_id, e.reference, s.reference AS beside, e.part, e.state, e.token, e.attempt,
    e.mapping_version, e.created_at, r.content
FROM (
    SELECT x.* FROM exports x
    WHERE x.organization_id = (SELECT current_organization()) AND x.id > %(after)s
      AND x.integration_id = %(integration)s AND x.kind <> 'reversal'
      AND (x.state || '' = 'exported' AND x.exported_at <= now() - %(settle)s * interval '1 second'
        OR x.state || '' = 'accepted'
           AND x.state_since <= now() - %(booked)s * interval '1 second'
        OR x.attempt > 0
           AND x.state || '' IN ('failed', 'held', 'excluded', 'cancelled', 'superseded'))
      AND (%(since)s::timestamptz IS NULL OR coalesce(x.exported_at, x.state_since) >= %(since)s)
      AND (%(before)s::timestamptz IS NULL OR coalesce(x.exported_at, x.state_since) < %(before)s)
    ORDER BY x.id LIMIT %(limit)s
) e
CROSS JOIN LATERAL (SELECT content FROM records WHERE id = e.record_id OFFSET 0) r
LEFT JOIN LATERAL (SELECT reference FROM exports o
    WHERE o.organization_id = e.organization_id AND o.source_id = e.source_id
      AND o.book_id = e.book_id AND o.source_system = e.source_system AND o.part = e.part
      AND o.live AND o.state || '' IN ('exported', 'accepted') AND NOT e.live OFFSET 0) s ON true
ORDER BY e.id
"""

_STILL = """
SELECT d.id FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS d (id, state, token)
CROSS JOIN LATERAL (SELECT state, token FROM exports WHERE organization_id =
    (SELECT current_organization()) AND id = d.id OFFSET 0) e
WHERE e.state = d.state AND e.token = d.token
"""


async def believed(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    integration_id: UUID,
    *,
    after: int,
    limit: int,
    settle_seconds: float,
    booked_seconds: float,
    since: datetime | None = None,
    before: datetime | None = None,
) -> list[Believed]:
    """Return the next exports with ids above `after` whose voucher should stand there, or not.

    `since` and `before` bound the time at which they were exported, or came to their state.
    """
    async with organization_scope_async(connection, organization_id):
        rows = connection.cursor(row_factory=class_row(Believed))
        found = await rows.execute(
            _BELIEVED,
            {
                "after": after, "integration": integration_id, "settle": settle_seconds,
                "booked": booked_seconds, "since": since, "before": before, "limit": limit,
            },
        )  # fmt: skip
        return await found.fetchall()


async def still_so(connection: psycopg.AsyncConnection[Any], rows: list[Believed]) -> set[int]:
    """Return the ids of those that did not change since; the caller holds the tenant scope."""
    cursor = await connection.execute(
        _STILL, [[r.id for r in rows], [r.state for r in rows], [r.token for r in rows]]
    )
    return {row[0] for row in await cursor.fetchall()}
