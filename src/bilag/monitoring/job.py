"""The reconciliations that workers do: those that were asked for, and one a night (E13).

A job says "go on with this integration" and carries no state; `reconciliations` is the work list.
"""

import time
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
import structlog
from procrastinate import exceptions

from bilag.core.clock import utc_now
from bilag.delivery.queue import STALLED_SECONDS
from bilag.delivery.sync import Engine
from bilag.delivery.worker import Chore
from bilag.integrations.model import Delivery
from bilag.integrations.store import load_integration_async
from bilag.mapping.dates import TIME_ZONE
from bilag.monitoring.reconcile import Ledgers, reconcile, turn
from bilag.monitoring.store import ask_nightly
from bilag.tenants.scope import organization_scope_async

log = structlog.get_logger(__name__)

QUEUE = "reconcile"
TASK = "bilag.reconcile"
# One at a time in the installation: look-ups compete with deliveries for what a system allows.
LOCK = "reconcile"
NIGHT_BEGINS = clock_time(3)
# Fairness: after so long the next integration has its turn, and this one goes on behind it.
SECONDS_MAX = 60.0
TICK_SECONDS = 10.0


def defer_reconcile(queue: procrastinate.App, organization_id: UUID, integration_id: UUID) -> bool:
    """Ask a worker to go on, after the caller's transaction has committed; False when one waits.

    Failure policy: best effort. When the queue cannot be reached the workers' tick finds the row.
    """
    try:
        _task(queue, integration_id).defer(
            organization_id=str(organization_id), integration_id=str(integration_id)
        )
    except exceptions.AlreadyEnqueued:
        return False
    except exceptions.ConnectorException as error:
        log.warning("wake_up_failed", integration=str(integration_id), error=str(error))
        return False
    return True


async def go_on(
    context: procrastinate.JobContext, organization_id: str, integration_id: str
) -> None:
    """Reconcile one integration for a while, and ask for another turn while it is open."""
    engine: Engine = context.additional_context["engine"]
    organization, integration = UUID(organization_id), UUID(integration_id)
    until = time.monotonic() + SECONDS_MAX

    def may_go_on() -> bool:
        return not engine.stopping and time.monotonic() < until

    ledgers = Ledgers(engine.connectors, engine.vault, may_go_on)
    async with engine.pool.connection() as connection, turn(connection, integration) as ours:
        if not ours:
            return
        while may_go_on():
            if not await reconcile(connection, ledgers, organization, integration):
                return
    if not engine.stopping:
        await _defer(context.app, organization, integration)


async def tick(engine: Engine, queue: procrastinate.App) -> None:
    """Free what a lost worker left, ask for tonight's reconciliations, and wake what is open."""
    night = last_night(utc_now())
    async with engine.pool.connection() as connection:
        await connection.execute(_FAIL_STALLED, {"queue": QUEUE, "seconds": STALLED_SECONDS})
        found = await connection.execute(_DUE, [night, Delivery().reconcile_days])
        for organization_id, integration_id, unfinished in await found.fetchall():
            if not unfinished:
                await _ask_nightly(connection, organization_id, integration_id, night)
            await _defer(queue, organization_id, integration_id)


def last_night(now: datetime) -> datetime:
    """Return the newest moment at which it was 3 o'clock at night in Oslo."""
    there = now.astimezone(TIME_ZONE)
    tonight = datetime.combine(there.date(), NIGHT_BEGINS, TIME_ZONE)
    if tonight <= there:
        return tonight
    return datetime.combine(there.date() - timedelta(days=1), NIGHT_BEGINS, TIME_ZONE)


def _register(app: procrastinate.App) -> None:
    app.task(name=TASK, queue=QUEUE, pass_context=True)(go_on)


# What `bilag worker` does beside the syncs.
RECONCILIATIONS = Chore(QUEUE, _register, tick, TICK_SECONDS)

_DUE = """
SELECT d.organization_id, d.integration_id, d.unfinished FROM due_reconciliations(%s, %s) d
WHERE NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE j.status IN ('todo', 'doing')
    AND j.queueing_lock = 'reconcile:' || d.integration_id)
"""

# Failure policy: the job of a worker that is gone is failed, never retried; its reconciliation is
# open, so the same tick asks for a fresh job. One that lives after all has lost its turn with its
# connection, or keeps it, and then the fresh job ends at once.
_FAIL_STALLED = """
SELECT procrastinate_finish_job_v1(s.id, 'failed', false) FROM (
    SELECT j.id FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
    WHERE j.status = 'doing' AND j.queue_name = %(queue)s
      AND (w.id IS NULL OR w.last_heartbeat < now() - %(seconds)s * interval '1 second')
    FOR UPDATE OF j SKIP LOCKED) s
"""


def _task(queue: procrastinate.App, integration_id: UUID) -> Any:
    return queue.configure_task(
        TASK, queue=QUEUE, lock=LOCK, queueing_lock=f"reconcile:{integration_id}"
    )


async def _defer(queue: procrastinate.App, organization_id: UUID, integration_id: UUID) -> None:
    try:
        await _task(queue, integration_id).defer_async(
            organization_id=str(organization_id), integration_id=str(integration_id)
        )
    except exceptions.AlreadyEnqueued:
        pass
    except exceptions.ConnectorException as error:
        log.warning("wake_up_failed", integration=str(integration_id), error=str(error))


async def _ask_nightly(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    integration_id: UUID,
    night: datetime,
) -> None:
    async with organization_scope_async(connection, organization_id):
        loaded = await load_integration_async(connection, integration_id)
        if loaded is not None:
            days = loaded.integration.delivery.reconcile_days
            from_day = night.date() - timedelta(days=days)
            await ask_nightly(connection, integration_id, night.date(), from_day)
