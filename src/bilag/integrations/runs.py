"""The runs of schedules as the engine keeps them: the next one, what it may send, the pause (C14).

All of it is decided by the database's clock, in the row of integration_runtime, under its lock.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import class_row, tuple_row

from bilag.core.schedule import Plan, plan
from bilag.integrations.model import Delivery, Integration


class NextRun(NamedTuple):
    """What the engine does next by the schedule: times of the database, and its clock now."""

    now: datetime
    next_run_at: datetime | None
    hold_from: datetime | None
    hold_until: datetime | None

    @property
    def held_until(self) -> datetime | None:
        """Return the end of the pause that is under way, or None."""
        return self.hold_until if is_held(self.hold_from, self.hold_until, self.now) else None


def is_held(hold_from: datetime | None, hold_until: datetime | None, now: datetime) -> bool:
    """Return whether a moment lies in a pause."""
    return hold_from is not None and hold_until is not None and hold_from <= now < hold_until


_PLAN = """
UPDATE integration_runtime SET next_run_at = %s, hold_from = %s, hold_until = %s,
    pause_ended_at = CASE WHEN hold_until <= now() THEN hold_until ELSE pause_ended_at END
WHERE integration_id = %s
"""

# What an older schedule, or the time before the integration was switched off, has let through waits
# for the next run again; the sync that still goes by the old schedule stops at its next set.
_BEGIN_ANEW = """
UPDATE integration_runtime
SET run_through = 0, stopped_through = 0, sync_token = nextval('sending_tokens')
WHERE integration_id = %s
"""


def plan_anew(connection: psycopg.Connection[Any], integration: Integration) -> None:
    """Work the next run out, as of now, of an integration that was made, changed or switched on."""
    ((now,),) = connection.cursor(row_factory=tuple_row).execute("SELECT now()").fetchall()
    found = plan(integration.delivery.timed(), now)
    connection.execute(_PLAN, [*_columns(found), integration.id])
    connection.execute(_BEGIN_ANEW, [integration.id])


def next_run(connection: psycopg.Connection[Any], integration_id: UUID) -> NextRun | None:
    """Return what the engine does next by the schedule, or None for an unknown integration."""
    rows = connection.cursor(row_factory=class_row(NextRun))
    return rows.execute(
        "SELECT now() AS now, next_run_at, hold_from, hold_until FROM integration_runtime"
        " WHERE integration_id = %s",
        [integration_id],
    ).fetchone()


async def held_until(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID
) -> datetime | None:
    """Return the end of the pause that is under way by the database's clock, or None."""
    cursor = await connection.cursor(row_factory=tuple_row).execute(
        "SELECT hold_until FROM integration_runtime"
        " WHERE integration_id = %s AND hold_from <= now() AND now() < hold_until",
        [integration_id],
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def due_schedules(connection: psycopg.AsyncConnection[Any]) -> list[tuple[UUID, UUID]]:
    """Return organization and integration of each run or pause whose time is over."""
    rows = connection.cursor(row_factory=tuple_row)
    return await (
        await rows.execute("SELECT organization_id, integration_id FROM due_schedules()")
    ).fetchall()


_DUE = """
SELECT i.enabled, i.delivery, now(), r.next_run_at FROM integration_runtime r
JOIN organization_integrations i ON i.id = r.integration_id
WHERE r.integration_id = %s AND (r.next_run_at <= now() OR r.hold_until <= now())
FOR UPDATE OF r SKIP LOCKED
"""

_START = """
WITH started AS (
    UPDATE integration_runtime
    SET stopped_through = 0, run_through = greatest(run_through,
        (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM exports_id_seq))
    WHERE integration_id = %s RETURNING organization_id, integration_id, run_through
)
INSERT INTO schedule_runs (organization_id, integration_id, due_at, run_through)
SELECT organization_id, integration_id, %s, run_through FROM started ON CONFLICT DO NOTHING
"""


async def start_due_run(connection: psycopg.AsyncConnection[Any], integration_id: UUID) -> bool:
    """Start the run whose time has come, once, and work the next one out; False when there is none.

    However many were missed, one is started. The caller holds the tenant scope, and asks for the
    sync in the same transaction. While an integration is switched off its runs pass by.
    """
    # Failure policy: a row that another worker, or a change of the configuration, holds is left to
    # it. A run that lies ahead stays until it comes, so a clock that is set back starts none again.
    rows = connection.cursor(row_factory=tuple_row)
    row = await (await rows.execute(_DUE, [integration_id])).fetchone()
    if row is None:
        return False
    enabled, delivery, now, next_run_at = row
    found = plan(Delivery.model_validate(delivery).timed(), now)
    due = next_run_at is not None and next_run_at <= now
    if not due:  # only a pause is over
        found = found._replace(next_run=next_run_at)
    await connection.execute(_PLAN, [*_columns(found), integration_id])
    if not (due and enabled):
        return False
    await connection.execute(_START, [integration_id, next_run_at])
    return True


def _columns(found: Plan) -> tuple[datetime | None, datetime | None, datetime | None]:
    pause = found.pause
    return found.next_run, pause and pause.start, pause and pause.end
