"""The syncs of an integration: begun, finished, how they went; the only rows here that change."""

from typing import Any
from uuid import UUID

import psycopg

# Counting what is asked for stops here: it is for people, and must not hold a sync up.
_ASKED_MAX = 100_000

# Only one sync of an integration runs at a time: what is open when the next one begins was lost.
_CLOSE_LOST = """
UPDATE syncs SET finished_at = now(), outcome = 'interrupted'
WHERE integration_id = %s AND finished_at IS NULL
"""

_BEGIN = """
INSERT INTO syncs (id, organization_id, integration_id, trigger, actor, request_id, asked)
SELECT %s, current_organization(), %s, %s, %s, %s, count(*)
FROM (SELECT FROM exports WHERE integration_id = %s AND for_engine AND state = 'pending'
      LIMIT %s) pending
"""


async def begin(
    connection: psycopg.AsyncConnection[Any],
    run_id: UUID,
    integration_id: UUID,
    trigger: str,
    actor: str,
    request_id: UUID | None = None,
) -> None:
    """Note that a sync began, with how many records were pending then (at most 100,000).

    An earlier one that left no end, since its worker was lost, is closed as broken off.
    `request_id` is that of the request it goes on with, if somebody asked for it.
    """
    await connection.execute(_CLOSE_LOST, [integration_id])
    await connection.execute(
        _BEGIN, [run_id, integration_id, trigger, actor, request_id, integration_id, _ASKED_MAX]
    )


async def finish(
    connection: psycopg.AsyncConnection[Any], run_id: UUID, outcome: str, message: str
) -> None:
    """Note how a sync ended: ok, partly, stopped, paused, pause_window, breaker, misconfigured,
    disabled or interrupted.
    """
    await connection.execute(
        "UPDATE syncs SET finished_at = now(), outcome = %s, message = %s WHERE id = %s",
        [outcome, message[:2000], run_id],
    )
