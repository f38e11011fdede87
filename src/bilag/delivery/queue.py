"""The queue: procrastinate jobs that say "sync this integration", and nothing else.

A job carries no state; `exports` is the ledger of truth and its own work list, so a job that is
lost, doubled or failed changes nothing but the moment at which the work is looked at.
"""

import os
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import procrastinate
import psycopg
import structlog
from procrastinate import JobContext, exceptions
from procrastinate.worker import Worker
from psycopg.rows import tuple_row

from bilag.integrations.runs import due_schedules, start_due_run
from bilag.tenants.scope import organization_scope_async

log = structlog.get_logger(__name__)

QUEUE = "sync"
TASK = "bilag.sync"

# Failure policy: a worker that has not been heard of for so long is taken for dead. It may not be:
# its rows go into doubt, its late writes are fenced, and its job is failed, never retried.
# All workers of an installation must agree, so it is the environment that may change it.
STALLED_SECONDS = float(os.environ.get("BILAG_STALLED_SECONDS", "20"))
HEARTBEAT_SECONDS = STALLED_SECONDS / 4


# The trigger of a job for what somebody asked for: the wish stands in `sync_requests`, and a job
# that comes when it has ended, or was stopped, sends nothing for it.
ASKED = "asked"


def lock_of(integration_id: UUID) -> str:
    """Return the lock under which at most one sync of an integration runs, and one waits."""
    return f"sync:{integration_id}"


def _queueing_lock(lock: str, trigger: str) -> str:
    """Return the lock of which one job waits: a person's wish is not lost behind a tick's."""
    return f"{lock}:manual" if trigger == "manual" else lock


def defer_sync(
    queue: procrastinate.App,
    organization_id: UUID,
    integration_id: UUID,
    *,
    trigger: str,
    actor: str = "",
) -> bool:
    """Ask for a sync, after the caller's transaction has committed; False when one waits already.

    Failure policy: best effort. When the queue cannot be reached the workers' tick finds the rows.
    """
    lock = lock_of(integration_id)
    try:
        queue.configure_task(
            TASK, queue=QUEUE, lock=lock, queueing_lock=_queueing_lock(lock, trigger)
        ).defer(
            organization_id=str(organization_id),
            integration_id=str(integration_id),
            trigger=trigger,
            actor=actor,
        )
    except exceptions.AlreadyEnqueued:
        return False
    except exceptions.ConnectorException as error:
        log.warning("wake_up_failed", integration=str(integration_id), error=str(error))
        return False
    return True


async def defer_sync_async(
    queue: procrastinate.App, organization_id: UUID, integration_id: UUID, *, trigger: str
) -> bool:
    """The same from inside a worker."""
    lock = lock_of(integration_id)
    try:
        await queue.configure_task(TASK, queue=QUEUE, lock=lock, queueing_lock=lock).defer_async(
            organization_id=str(organization_id),
            integration_id=str(integration_id),
            trigger=trigger,
            actor="",
        )
    except exceptions.AlreadyEnqueued:
        return False
    except exceptions.ConnectorException as error:
        log.warning("wake_up_failed", integration=str(integration_id), error=str(error))
        return False
    return True


class SyncJob(NamedTuple):
    """A sync of an integration that waits for a worker, or runs; `at`: since when."""

    runs: bool
    trigger: str
    actor: str
    at: datetime | None


# Both by their unique indexes; finished jobs are in neither.
_JOBS = """
SELECT j.status = 'doing', coalesce(j.args ->> 'trigger', ''), coalesce(j.args ->> 'actor', ''),
    (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id)
FROM (SELECT * FROM procrastinate_jobs WHERE lock = %(lock)s AND status = 'doing'
      UNION ALL
      SELECT * FROM procrastinate_jobs
      WHERE queueing_lock = ANY (%(locks)s) AND status = 'todo') j
ORDER BY 1 DESC, j.id
"""


def jobs_of(connection: psycopg.Connection[Any], integration_id: UUID) -> list[SyncJob]:
    """Return the syncs of an integration that run or wait now, the running one first."""
    lock = lock_of(integration_id)
    locks = [lock, _queueing_lock(lock, "manual")]
    rows = connection.cursor(row_factory=tuple_row).execute(_JOBS, {"lock": lock, "locks": locks})
    return [SyncJob(*row) for row in rows.fetchall()]


def worker_alive(connection: psycopg.Connection[Any]) -> bool:
    """Return whether any worker has been heard of lately."""
    rows = connection.cursor(row_factory=tuple_row).execute(
        "SELECT EXISTS (SELECT FROM procrastinate_workers"
        " WHERE last_heartbeat > now() - make_interval(secs => %s))",
        [STALLED_SECONDS],
    )
    row = rows.fetchone()
    return bool(row and row[0])


_DUE = "SELECT organization_id, integration_id FROM due_integrations()"


async def defer_due(
    connection: psycopg.AsyncConnection[Any], queue: procrastinate.App, *, trigger: str
) -> int:
    """Ask for a sync of every integration that has something to do; returns how many were new."""
    cursor = await connection.execute(_DUE)
    new = 0
    for organization_id, integration_id in await cursor.fetchall():
        new += await defer_sync_async(queue, organization_id, integration_id, trigger=trigger)
    return new


async def start_due_runs(connection: psycopg.AsyncConnection[Any]) -> int:
    """Start the runs of schedules whose time has come (C14); returns how many were started.

    A run and the wish for its sync are one transaction: none is lost, none is started twice.
    """
    started = 0
    for organization_id, integration_id in await due_schedules(connection):
        args = {
            "organization_id": str(organization_id),
            "integration_id": str(integration_id),
            "trigger": "schedule",
            "actor": "",
        }
        # Failure policy: a schedule that this installation cannot follow any more (a time zone that
        # it does not know) is logged and left; it must not keep those of the others back.
        try:
            async with organization_scope_async(connection, organization_id):
                if await start_due_run(connection, integration_id):
                    await _defer_here(connection, lock_of(integration_id), args)
                    started += 1
        except ValueError as error:
            log.warning("schedule_not_usable", integration=str(integration_id), error=str(error))
    return started


def is_wish(trigger: str) -> bool:
    """Return whether a person asked for the sync, or for the one that it goes on with."""
    return trigger in ("manual", "continued")


# A stalled job is finished as failed, and a fresh one is deferred where none waits, in one
# transaction: retrying it beside a waiting twin would leave its lock held for ever (measured).
_STALLED = """
SELECT j.id, j.lock, j.queueing_lock, j.args FROM procrastinate_jobs j
LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
WHERE j.status = 'doing' AND j.queue_name = %(queue)s
  AND (w.id IS NULL OR w.last_heartbeat < now() - %(seconds)s * interval '1 second')
FOR UPDATE OF j SKIP LOCKED
"""
_FAIL = "SELECT procrastinate_finish_job_v1(%s, 'failed', false)"
_DEFER = """
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(%(queue)s, %(task)s, 0, %(lock)s, %(lock)s,
    %(args)s::jsonb, NULL)::procrastinate_job_to_defer_v1])
WHERE NOT EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = %(lock)s AND status = 'todo')
"""


def _rescued(args: dict[str, Any]) -> str:
    """Return the trigger of the job in place of a stalled one: a person's wish stays one."""
    return "continued" if is_wish(str(args.get("trigger"))) else "rescued"


async def rescue_stalled(connection: psycopg.AsyncConnection[Any]) -> int:
    """Fail the jobs of workers that are gone and defer fresh ones; returns how many were failed."""
    rescued = 0
    async with connection.transaction():
        cursor = await connection.execute(_STALLED, {"queue": QUEUE, "seconds": STALLED_SECONDS})
        for job_id, lock, _, args in await cursor.fetchall():
            await connection.execute(_FAIL, [job_id])
            await _defer_here(connection, lock, {**args, "trigger": _rescued(args)})
            rescued += 1
    if rescued:
        log.warning("stalled_syncs_rescued", count=rescued)
    return rescued


async def _defer_here(
    connection: psycopg.AsyncConnection[Any], lock: str, args: dict[str, Any]
) -> None:
    """Defer a sync in the transaction that is open, unless one waits already."""
    job = {"queue": QUEUE, "task": TASK, "lock": lock, "args": psycopg.types.json.Jsonb(args)}
    try:
        async with connection.transaction():
            await connection.execute(_DEFER, job)
    except psycopg.errors.UniqueViolation:
        pass  # somebody deferred one between the test and the insert: it will do


_OTHERS_WAIT = """
SELECT EXISTS (SELECT FROM procrastinate_jobs t WHERE t.queue_name = %s AND t.status = 'todo'
    AND NOT EXISTS (SELECT FROM procrastinate_jobs d WHERE d.lock = t.lock AND d.status = 'doing'))
"""


# procrastinate spends a job's notification when it is deferred. One that waits for a lock would
# then lie until the next poll after the lock is free, so its worker is told again.
_NUDGE = """
SELECT pg_notify('procrastinate_queue_v1#' || queue_name,
    json_build_object('type', 'job_inserted', 'job_id', id)::text)
FROM procrastinate_jobs WHERE lock = %s AND status = 'todo' LIMIT 1
"""


async def nudge(connection: psycopg.AsyncConnection[Any], integration_id: UUID) -> None:
    """Wake the workers for a sync that waited until this integration's last one had ended."""
    await connection.execute(_NUDGE, [lock_of(integration_id)])


async def others_wait(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Return whether another integration's sync waits for a free slot."""
    cursor = await connection.execute(_OTHERS_WAIT, [QUEUE])
    row = await cursor.fetchone()
    return bool(row and row[0])


_IDLE = """
SELECT NOT EXISTS (SELECT FROM procrastinate_jobs
                   WHERE queue_name = %s AND status IN ('todo', 'doing'))
   AND NOT EXISTS (SELECT FROM due_integrations())
"""


async def idle(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Return whether no sync waits or runs, and no integration has anything due."""
    cursor = await connection.execute(_IDLE, [QUEUE])
    row = await cursor.fetchone()
    return bool(row and row[0])


# Failure policy: a job that this process has taken and does not run - it went lost on the way from
# the database, or its end could not be stored - holds its lock while the worker lives. After so
# many looks in a row, one a tick, it is given up: what rescues stalled jobs then finds it.
LOST_LOOKS = 5
_TAKEN = """
SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = ANY (%s)
"""
_GIVE_UP = """
UPDATE procrastinate_jobs SET worker_id = NULL WHERE id = ANY (%s) AND status = 'doing'
"""


class TakenJobs:
    """The jobs that this process has taken in all queues, and those among them that really run."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []
        self._running: set[int | None] = set()
        self._missed: Counter[int] = Counter()

    def add(self, worker: Worker) -> None:
        """Count what this worker takes, also after it was interrupted."""
        self._workers.append(worker)

    def remove(self, worker: Worker) -> None:
        """Count no more what this worker took: it has ended in order."""
        self._workers.remove(worker)

    async def run(
        self, call_next: Callable[[], Awaitable[Any]], context: JobContext, _: Worker
    ) -> Any:
        """Run a job; the middleware of each worker."""
        self._running.add(context.job.id)
        try:
            return await call_next()
        finally:
            self._running.discard(context.job.id)

    async def give_up_lost(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Give up the jobs that were taken and have not run for LOST_LOOKS calls in a row."""
        workers = [one.worker_id for one in self._workers if one.worker_id is not None]
        cursor = await connection.execute(_TAKEN, [workers])
        lost = {job for (job,) in await cursor.fetchall()} - self._running
        self._missed = Counter({job: self._missed[job] + 1 for job in lost})
        if given_up := [job for job in lost if self._missed[job] >= LOST_LOOKS]:
            await connection.execute(_GIVE_UP, [given_up])
            log.warning("lost_jobs_given_up", jobs=given_up)


async def beat(connection: psycopg.AsyncConnection[Any], worker_id: int) -> None:
    """Note that a worker lives, so that its syncs are not taken for stalled."""
    await connection.execute("SELECT procrastinate_update_heartbeat_v1(%s)", [worker_id])


_DELETE_FINISHED = """
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT id FROM procrastinate_jobs
    WHERE status NOT IN ('todo', 'doing') AND NOT EXISTS (
        SELECT FROM procrastinate_events e WHERE e.job_id = procrastinate_jobs.id
          AND e.at > now() - interval '1 day')
    LIMIT 5000)
"""


async def delete_finished(connection: psycopg.AsyncConnection[Any]) -> int:
    """Delete jobs that ended over a day ago; they hold nothing that is not in `syncs`."""
    return (await connection.execute(_DELETE_FINISHED)).rowcount
