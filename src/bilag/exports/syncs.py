"""The syncs of an integration: begun, finished, how they went; the only rows here that change."""

from typing import Any
from uuid import UUID

import psycopg

_BEGIN = """
INSERT INTO syncs (id, organization_id, integration_id, trigger, actor, asked)
SELECT %s, current_organization(), %s, %s, %s, coalesce(greatest(sum(t.count), 0), 0)
FROM (SELECT count FROM export_totals WHERE integration_id = %s AND state = 'pending'
        AND organization_id = current_organization()
      UNION ALL
      SELECT count FROM export_total_deltas WHERE integration_id = %s AND state = 'pending'
        AND organization_id = current_organization()) t
"""


async def begin(
    connection: psycopg.AsyncConnection[Any],
    run_id: UUID,
    integration_id: UUID,
    trigger: str,
    actor: str,
) -> None:
    """Note that a sync began, with how many records were pending then."""
    await connection.execute(
        _BEGIN, [run_id, integration_id, trigger, actor, integration_id, integration_id]
    )


async def finish(
    connection: psycopg.AsyncConnection[Any], run_id: UUID, outcome: str, message: str
) -> None:
    """Note how a sync ended: ok, partly, paused, breaker, misconfigured, disabled, interrupted."""
    await connection.execute(
        "UPDATE syncs SET finished_at = now(), outcome = %s, message = %s WHERE id = %s",
        [outcome, message[:2000], run_id],
    )
