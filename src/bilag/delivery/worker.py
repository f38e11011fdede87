"""The worker process: takes sync jobs, and with every tick looks for work that nobody asked for.

As many workers as you like run against one database; what two of them do at once is fenced.
"""

import asyncio
import gc
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
import structlog
from procrastinate.worker import Worker
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from bilag.connectors.interface import Connector
from bilag.core.spans import span
from bilag.delivery import queue as sync_queue
from bilag.delivery.anchoring import anchor_every_day
from bilag.delivery.sessions import IDLE_SECONDS_MAX, Sessions
from bilag.delivery.sync import (
    CONNECTIONS_PER_SYNC,
    Engine,
    engine_mark,
    prepare_connection,
    run_sync,
)
from bilag.exports.anchors import AnchorFiles, anchors_folder
from bilag.exports.epoch import compare
from bilag.integrations.keys import Vault
from bilag.tenants.idempotency import forget_old_keys
from bilag.tenants.role import refuse_unsafe_role_async

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
GARBAGE_THRESHOLD = 10_000
IDLE_POLL_SECONDS = 0.1
# The lock is free a few milliseconds after the task returns; the second is for busy machines.
NUDGE_AFTER_SECONDS = (0.005, 0.03)
HOUSEKEEPING_SECONDS = 3600.0
# Failure policy: a worker that is told to stop finishes what is under way for so long; what is not
# settled by then is found in `sending` by the next worker and looked up.
STOP_SECONDS_MAX = 90.0
# what is raised while the database is away: ours, the pool's, and procrastinate's own
_AWAY = (psycopg.Error, PoolTimeout, procrastinate.exceptions.ConnectorException)


@dataclass(frozen=True)
class WorkerSettings:
    """How a worker runs: how many integrations at once, and whether it ends when all is done."""

    concurrency: int = 4
    once: bool = False
    name: str = "worker"


@dataclass(frozen=True)
class Chore:
    """What a worker does beside the syncs, for a room above this one, one job at a time.

    It has a queue and a task of its own, unless its `tick`, every `tick_seconds`, does it all.
    """

    queue: str
    register: Callable[[procrastinate.App], None] | None
    tick: Callable[[Engine, procrastinate.App], Awaitable[None]]
    tick_seconds: float


def make_queue(application_url: str, chores: Sequence[Chore] = ()) -> procrastinate.App:
    """Return the queue application for a worker (asynchronous connections)."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=application_url, min_size=1, max_size=6)
    )
    app.task(name=sync_queue.TASK, queue=sync_queue.QUEUE, pass_context=True)(sync)
    for chore in chores:
        if chore.register is not None:
            chore.register(app)
    return app


def make_sync_queue(application_url: str) -> procrastinate.App:
    """Return the queue application for processes that only defer (API, command line)."""
    return procrastinate.App(
        connector=procrastinate.SyncPsycopgConnector(
            conninfo=application_url, min_size=1, max_size=4
        )
    )


async def sync(
    context: procrastinate.JobContext,
    organization_id: str,
    integration_id: str,
    trigger: str,
    actor: str = "",
) -> None:
    """Sync one integration, and ask for another turn at the tail when it ran out of its budget."""
    engine: Engine = context.additional_context["engine"]
    organization, integration = UUID(organization_id), UUID(integration_id)
    engine.worker_id = context.job.worker_id
    try:
        with span("sync", {"bilag.organization_id": organization_id, "bilag.trigger": trigger,
                           "bilag.integration_id": integration_id}) as note:  # fmt: skip
            done = await run_sync(engine, organization, integration, trigger, actor)
            if done is not None:
                note({"bilag.run_id": str(done.run_id), "bilag.outcome": done.outcome})
    finally:
        engine.keep(asyncio.create_task(_nudge_soon(engine, integration)))
    if done is None:
        return
    quiet = done.outcome in ("ok", "partly", "disabled", "pause_window", "stopped")
    say = log.info if quiet else log.warning
    say(
        "sync_done", integration=done.integration, run=str(done.run_id), outcome=done.outcome,
        message=done.message, **done.outcomes,
    )  # fmt: skip
    if done.again and not engine.stopping:
        # what goes on for a person stays a person's wish, and what does not never becomes one
        again = "continued" if sync_queue.is_wish(trigger) else trigger
        await sync_queue.defer_sync_async(context.app, organization, integration, trigger=again)


async def _nudge_soon(engine: Engine, integration_id: UUID) -> None:
    """Wait until procrastinate has finished the job and freed its lock, then nudge the next one.

    Failure policy: best effort; without the nudge the next poll takes the waiting job.
    """
    for pause in NUDGE_AFTER_SECONDS:
        await asyncio.sleep(pause)
        with suppress(psycopg.Error, PoolTimeout):
            async with engine.pool.connection(timeout=TICK_SECONDS) as connection:
                await sync_queue.nudge(connection, integration_id)


async def work(
    application_url: str,
    home: Path,
    connectors: Mapping[str, Connector[Any]],
    vault: Vault,
    settings: WorkerSettings,
    revive: Callable[[], object] | None = None,
    chores: Sequence[Chore] = (),
) -> None:
    """Run a worker until SIGTERM or SIGINT (or, with `once`, until nothing is waiting to be sent).

    `chores` take no slot of a sync, and are left out with `once`. `revive` is called when the
    database cannot be reached: it may start the embedded one again.
    Raises UnsafeRole before anything is sent when the role could see other tenants' rows.
    """
    # What is loaded now stays: without it each collection walks all of it for nothing (measured).
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    chores = () if settings.once else chores
    pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] = AsyncConnectionPool(
        application_url,
        min_size=CONNECTIONS_PER_SYNC + 1,
        max_size=CONNECTIONS_PER_SYNC * settings.concurrency + 2 + 2 * len(chores),
        configure=prepare_connection,
        open=False,
    )
    queue = make_queue(application_url, chores)
    sessions = Sessions()
    async with pool, queue.open_async():
        engine = Engine(pool, connectors, vault, engine_mark(home), sessions)
        async with pool.connection() as connection:
            await refuse_unsafe_role_async(connection)
            await compare(connection, engine.mark)
        log.info("worker_started", concurrency=settings.concurrency)
        running = asyncio.create_task(
            _run_jobs(queue, engine, [sync_queue.QUEUE], settings.name, settings.concurrency)
        )
        beside = [asyncio.create_task(_tick_for_ever(engine, queue, revive))]
        if not settings.once:
            anchors = AnchorFiles(anchors_folder(home))
            beside.append(asyncio.create_task(anchor_every_day(pool, anchors)))
        for chore in chores:
            if chore.register is not None:
                # in a slot of its own, which no sync can have
                name = f"{settings.name}-{chore.queue}"
                beside.append(asyncio.create_task(_run_jobs(queue, engine, [chore.queue], name, 1)))
            beside.append(asyncio.create_task(_look_after(chore, engine, queue)))
        if settings.once:
            beside.append(asyncio.create_task(_until_idle(engine, queue, running)))
        _stop_on_signals(engine, running)
        try:
            await running
        except asyncio.CancelledError:
            log.info("worker_stopped")
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await sessions.close()


async def _run_jobs(
    queue: procrastinate.App,
    engine: Engine,
    queues: Sequence[str],
    name: str,
    concurrency: int,
) -> None:
    """Run the jobs of queues until the worker is stopped.

    Failure policy: what ends it (the database is away) is logged, and after a tick it goes on.
    """
    while not engine.stopping:
        worker = Worker(
            queue,
            queues=queues,
            name=name,
            concurrency=concurrency,
            fetch_job_polling_interval=TICK_SECONDS,
            shutdown_graceful_timeout=STOP_SECONDS_MAX,
            install_signal_handlers=False,
            update_heartbeat_interval=sync_queue.HEARTBEAT_SECONDS,
            stalled_worker_timeout=sync_queue.STALLED_SECONDS * 3,
            additional_context={"engine": engine},
            worker_middleware=[engine.taken.run],
        )
        engine.taken.add(worker)
        try:
            await worker.run()  # type: ignore[no-untyped-call]  # the package leaves it untyped
            engine.taken.remove(worker)
        except _AWAY as error:
            log.warning("jobs_interrupted", queues=queues, error=type(error).__name__)
            await asyncio.sleep(TICK_SECONDS)


async def _until_idle(
    engine: Engine, queue: procrastinate.App, running: asyncio.Task[None]
) -> None:
    """End the worker when no sync waits or runs and no integration has anything due."""
    asked = False
    while not running.done():
        try:
            async with engine.pool.connection() as connection:
                if not asked:
                    await sync_queue.rescue_stalled(connection)
                    await sync_queue.start_due_runs(connection)
                    await sync_queue.defer_due(connection, queue, trigger="tick")
                    asked = True
                elif await sync_queue.idle(connection):
                    running.cancel()
                    return
        except _AWAY as error:
            log.warning("look_failed", error=type(error).__name__)
        await asyncio.sleep(IDLE_POLL_SECONDS)


def _stop_on_signals(engine: Engine, running: asyncio.Task[None]) -> None:
    def stop() -> None:
        engine.stopping = True
        running.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


async def _tick_for_ever(
    engine: Engine, queue: procrastinate.App, revive: Callable[[], object] | None
) -> None:
    kept_house = 0.0
    while True:
        await asyncio.sleep(TICK_SECONDS)
        # Failure policy: a tick that fails is logged and the next one tries again; the pool
        # reconnects by itself after the database was away.
        try:
            await tick(engine, queue)
            if time.monotonic() - kept_house > HOUSEKEEPING_SECONDS:
                await keep_house(engine)
                kept_house = time.monotonic()
        except _AWAY as error:
            log.warning("tick_failed", error=type(error).__name__)
            if revive is not None:
                await _revive(revive)
        except Exception:  # nothing may end what finds the work that nobody asked for
            log.exception("tick_failed")


async def _revive(revive: Callable[[], object]) -> None:
    try:
        await asyncio.to_thread(revive)
    except Exception:  # the next tick finds the database away, and tries again
        log.exception("revive_failed")


async def _look_after(chore: Chore, engine: Engine, queue: procrastinate.App) -> None:
    """Run a chore's own tick; the first one at once.

    Failure policy: as with the tick of the syncs, one that fails is logged and tried again.
    """
    while True:
        try:
            await chore.tick(engine, queue)
        except _AWAY as error:
            log.warning("chore_tick_failed", chore=chore.queue, error=type(error).__name__)
        except Exception:  # a fault in one tick must not be the end of the chore
            log.exception("chore_tick_failed", chore=chore.queue)
        await asyncio.sleep(chore.tick_seconds)


async def tick(engine: Engine, queue: procrastinate.App) -> None:
    """Rescue lost and stalled jobs, start runs, ask for due syncs, fold totals, compare epochs."""
    async with engine.pool.connection() as connection:
        if engine.worker_id is not None:
            # procrastinate's own heartbeat ends when a stop begins, while syncs still go on
            await sync_queue.beat(connection, engine.worker_id)
        await compare(connection, engine.mark)
        await engine.taken.give_up_lost(connection)
        await sync_queue.rescue_stalled(connection)
        await sync_queue.start_due_runs(connection)
        await sync_queue.defer_due(connection, queue, trigger="tick")
        engine.others_wait = await sync_queue.others_wait(connection)
        await connection.execute("SELECT fold_totals()")
        await connection.execute("SELECT fold_record_types()")
    await engine.sessions.close(IDLE_SECONDS_MAX)


async def keep_house(engine: Engine) -> None:
    """Make the partitions of the coming months, delete finished jobs and old request keys."""
    async with engine.pool.connection() as connection:
        await connection.execute("SELECT ensure_partitions()")
        await sync_queue.delete_finished(connection)
        await forget_old_keys(connection)
