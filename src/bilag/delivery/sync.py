"""One sync of one integration: recover, resolve, deliver, and leave a true account of it.

Whatever ends it (budget, breaker, error, kill), the next sync starts from the rows.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
import structlog
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from bilag.connectors.interface import Connector
from bilag.core.clock import utc_now
from bilag.core.problem import Problem, Refused
from bilag.delivery.crash_points import CrashPoint, reach
from bilag.delivery.identify import identify
from bilag.delivery.pipeline import Pipeline, Report
from bilag.delivery.queue import TakenJobs, start_due_runs
from bilag.delivery.resolve import follow_up, prove_look_up, recover, resolve_due
from bilag.delivery.sessions import Sessions
from bilag.delivery.set_up import KEYS_UNREACHABLE, compile_loaded, set_up
from bilag.delivery.sync_cause import Cause, cause_of, stopped_by
from bilag.delivery.target import Target
from bilag.delivery.trial import judge_trial
from bilag.delivery.verdict import doubt_seconds
from bilag.exports import syncs
from bilag.exports.claim import EVERY_EXPORT, NO_EXPORT
from bilag.exports.decide import withdraw_async
from bilag.exports.epoch import EpochMark, compare
from bilag.exports.periods import follow_periods
from bilag.exports.recover import release_waiting, unfollowed_withdrawals
from bilag.exports.settle import Chain
from bilag.exports.split import split_held
from bilag.exports.sync_requests import finish_request
from bilag.integrations import runtime
from bilag.integrations.keys import Vault, audit_key
from bilag.integrations.runs import held_until, is_held
from bilag.integrations.store import LoadedIntegration, load_integration_async
from bilag.mapping.voucher import Mapping as CompiledMapping
from bilag.tenants.scope import organization_scope_async

log = structlog.get_logger(__name__)

# Fairness: a sync hands its slot on after so many records when others wait, and always after so
# many seconds; it defers itself again at the tail, so nothing is left behind.
RECORDS_WHEN_OTHERS_WAIT = 500
SECONDS_MAX = 60.0
CONNECTIONS_PER_SYNC = 3


@dataclass(slots=True)
class Engine:
    """What the syncs of a worker process share; `stopping` ends them at the next record."""

    pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]]
    connectors: Mapping[str, Connector[Any]]
    vault: Vault
    mark: EpochMark
    sessions: Sessions
    stopping: bool = False
    others_wait: bool = False
    worker_id: int | None = None
    taken: TakenJobs = field(default_factory=TakenJobs)
    compiled: dict[tuple[UUID, int], CompiledMapping] = field(default_factory=dict)
    beside: set[asyncio.Task[None]] = field(default_factory=set)

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold a task that runs beside the syncs until it ends, so that it is not collected."""
        self.beside.add(task)
        task.add_done_callback(self.beside.discard)


@dataclass(frozen=True, slots=True)
class Done:
    """How a sync ended: its run, what came of the records, and whether it should go on at once."""

    integration: str
    run_id: UUID
    outcome: str
    message: str
    again: bool
    outcomes: dict[str, int]


async def prepare_connection(connection: psycopg.AsyncConnection[Any]) -> None:
    """Set up a pooled connection: autocommit, JSON by orjson (amounts in it are strings)."""
    await connection.set_autocommit(True)
    # Each statement of a worker goes by keys. While a table that has just grown has no statistics
    # yet, the planner would rather read an organization's whole history for each set (measured).
    for method in ("bitmapscan", "mergejoin", "seqscan", "sort"):
        await connection.execute(f"SET enable_{method} = off")
    set_json_loads(orjson.loads, connection)


def engine_mark(home: Path) -> EpochMark:
    """Return the mark of E20: the file that BILAG_EPOCH_FILE names, else one in the home folder.

    It is worth something only where a restore of the database does not reach it.
    """
    return EpochMark(Path(os.environ.get("BILAG_EPOCH_FILE") or home / "epoch.json"))


async def run_sync(
    engine: Engine, organization_id: UUID, integration_id: UUID, trigger: str, actor: str = ""
) -> Done | None:
    """Run one sync; None when the integration does not exist, or is still being set up.

    Raises psycopg.OperationalError when the database is lost; the rows then go into doubt.
    """
    async with (
        engine.pool.connection() as claimer,
        engine.pool.connection() as mapper,
        engine.pool.connection() as settler,
    ):
        # a pause that began while no worker ran must be known before anything is sent
        await start_due_runs(claimer)
        async with organization_scope_async(claimer, organization_id):
            loaded = await load_integration_async(claimer, integration_id)
            cause = await cause_of(claimer, integration_id, trigger, actor)
        if loaded is None or loaded.integration.is_draft:
            return None
        await compare(claimer, engine.mark)
        try:
            target = await _begin(engine, claimer, loaded, cause)
        except Refused as refused:
            return await _refuse_to_begin(claimer, loaded, cause, refused)
        reach(CrashPoint.SYNC_STARTED)
        try:
            report = await _deliver(engine, target, loaded, (claimer, mapper, settler), cause)
        except BaseException as error:
            await _end_broken(claimer, target, cause, error)
            raise
        fell_back = await judge_trial(claimer, target, report, loaded.language)
        again = report.stopped_by == "budget" or target.goes_on or fell_back
        # what closed the gate (switched off, another mapping) is found, and told, by the next one
        again |= report.stopped_by == "gate" and cause.request_id is not None
        async with organization_scope_async(claimer, organization_id):
            if who := await stopped_by(claimer, integration_id, cause):
                again = False
                _say_stopped(report, who.removeprefix("user "), loaded.language)
            outcome, message = _outcome(report)
            if not await runtime.end_sync(claimer, integration_id, target.sync_token, outcome):
                await runtime.end_fenced_sync(claimer, integration_id, target.run_id, outcome)
            await syncs.finish(claimer, target.run_id, outcome, message)
            if cause.request_id is not None and not again:
                await finish_request(claimer, cause.request_id, outcome, message)
        reach(CrashPoint.SYNC_ENDED)
        return Done(
            f"{loaded.slug}/{loaded.integration.key}", target.run_id, outcome, message, again,
            dict(report.outcomes),
        )  # fmt: skip


async def _begin(
    engine: Engine,
    connection: psycopg.AsyncConnection[Any],
    loaded: LoadedIntegration,
    cause: Cause,
) -> Target:
    integration, run_id = loaded.integration, uuid4()
    async with organization_scope_async(connection, integration.organization_id):
        ready = await set_up(connection, engine.connectors, engine.vault, loaded)
        mapping = _mapping(engine, loaded, ready.capabilities.carries_vat)
        doubt = doubt_seconds(integration.delivery, ready.capabilities.settle_seconds_min)
        sync_token = await runtime.begin_sync(connection, integration.id, run_id, doubt)
        await syncs.begin(
            connection, run_id, integration.id, cause.trigger, cause.actor, cause.request_id
        )
    return Target(
        integration=integration,
        connector=ready.connector,
        session=await engine.sessions.get(loaded, ready.settings, ready.secrets),
        capabilities=ready.capabilities,
        mapping=mapping,
        chain=Chain(integration.organization_id, integration.id, run_id, audit_key(ready.data_key)),
        run_id=run_id,
        sync_token=sync_token,
        mark=engine.mark,
        look_up_proven=loaded.runtime.look_up_proven_at is not None,
        breaker_failures=loaded.runtime.breaker_failures,
        probing=loaded.runtime.breaker_retry_at is not None,
        closed_periods=loaded.closed_periods,
        on_trial=ready.on_trial,
    )


async def _refuse_to_begin(
    connection: psycopg.AsyncConnection[Any],
    loaded: LoadedIntegration,
    cause: Cause,
    refused: Refused,
) -> Done:
    """Stop an integration whose configuration cannot be used, and say so where people look.

    Failure policy: not tried again by the tick; a check that passes, or a change, ends the error.
    Where only the master key's place does not answer, the breaker opens, longer each time.
    """
    integration, run_id = loaded.integration, uuid4()
    outcome, message = "misconfigured", refused.text(loaded.language)
    async with organization_scope_async(connection, integration.organization_id):
        if refused.problems[0].code == KEYS_UNREACHABLE:
            outcome, breaker = "breaker", integration.delivery.breaker
            await runtime.breaker_failed(
                connection, integration.id, breaker.failures, breaker, message
            )
        else:
            await runtime.set_error(connection, integration.id, message)
        await runtime.end_sync(connection, integration.id, loaded.runtime.sync_token, outcome)
        await syncs.begin(
            connection, run_id, integration.id, cause.trigger, cause.actor, cause.request_id
        )
        await syncs.finish(connection, run_id, outcome, message)
        if cause.request_id is not None:
            await finish_request(connection, cause.request_id, outcome, message)
    return Done(f"{loaded.slug}/{loaded.integration.key}", run_id, outcome, message, False, {})


def _mapping(engine: Engine, loaded: LoadedIntegration, carries_vat: bool) -> CompiledMapping:
    """Return the compiled mapping version, cached until version, book, filters or policy change."""
    integration = loaded.integration
    fingerprint = (integration.id, hash((
        integration.mapping_version, integration.book, integration.filters, integration.delivery,
        orjson.dumps(loaded.declaration, option=orjson.OPT_SORT_KEYS), carries_vat,
        loaded.closed_periods, loaded.language,
    )))  # fmt: skip
    compiled = engine.compiled.get(fingerprint)
    if compiled is None:
        compiled = compile_loaded(loaded, carries_vat=carries_vat)
        engine.compiled = {k: v for k, v in engine.compiled.items() if k[0] != integration.id}
        engine.compiled[fingerprint] = compiled
    return compiled


async def _deliver(
    engine: Engine,
    target: Target,
    loaded: LoadedIntegration,
    connections: tuple[psycopg.AsyncConnection[Any], ...],
    cause: Cause,
) -> Report:
    claimer, mapper, settler = connections
    await recover(claimer, target)
    reach(CrashPoint.AFTER_RECOVER)
    await _follow_changes(claimer, target)
    if _is_ahead(loaded.runtime.breaker_retry_at):
        return Report(stopped_by="breaker", message="the circuit breaker is open")
    if loaded.runtime.error_since is not None:
        return Report(stopped_by="misconfigured", message=loaded.runtime.error_message or "")
    stopped = await identify(claimer, target, loaded)
    if stopped is not None:
        return stopped
    await resolve_due(claimer, target)
    await follow_up(claimer, target)
    # what was proven absent may have been withdrawn or revised meanwhile: that comes before sending
    await _follow_changes(claimer, target)
    if not target.integration.enabled:
        return Report(stopped_by="disabled")
    if _is_ahead(loaded.runtime.paused_until):
        return Report(stopped_by="paused", message="the system asked us to wait")
    pipeline = Pipeline(
        target, mapper, claimer, settler, fresh_through=_fresh_through(loaded, cause.wished),
        fresh_after=0 if cause.wished else loaded.runtime.stopped_through,
        may_go_on=_budget(engine),
    )  # fmt: skip
    report = await pipeline.run()
    await _say_if_held(claimer, target, loaded, cause.wished, report)
    if report.accepted_reference and target.can_look_up and not target.look_up_proven:
        await prove_look_up(claimer, target, reference=report.accepted_reference)
    await resolve_due(claimer, target)
    await _follow_to_the_end(claimer, target, engine)
    released = await _follow_changes(claimer, target)
    # what the policy moves to an open day was held, so that it is written down, and goes now
    target.goes_on = released > 0 and not report.stopped_by
    return report


def _fresh_through(loaded: LoadedIntegration, wished: bool) -> int:
    """Return up to which export the sync may send what was never attempted (C14).

    Whoever asks, nothing fresh goes in a pause; T1 asks the database's own clock again.
    """
    runtime, how = loaded.runtime, loaded.integration.delivery.trigger
    if is_held(runtime.hold_from, runtime.hold_until, utc_now()):
        return NO_EXPORT
    if wished or how == "on_approval":
        return EVERY_EXPORT
    return NO_EXPORT if how == "manual" else runtime.run_through


async def _say_if_held(
    connection: psycopg.AsyncConnection[Any],
    target: Target,
    loaded: LoadedIntegration,
    wished: bool,
    report: Report,
) -> None:
    """Say that a pause of the schedule kept what a person asked for, or what was going out."""
    if not (report.stopped_by == "gate" or (wished and not report.stopped_by)):
        return
    async with organization_scope_async(connection, target.organization_id):
        until = await held_until(connection, target.integration.id)
    if until is not None:
        zone = loaded.integration.delivery.timed().zone
        params = {"until": f"{until.astimezone(zone):%Y-%m-%d %H:%M} ({zone})"}
        report.stopped_by = "pause_window"
        report.message = Problem("sync_pause_window", params=params).text(loaded.language)


def _say_stopped(report: Report, who: str, language: str) -> None:
    """Say that a person stopped the sync, unless something worse did."""
    if report.stopped_by in ("", "gate", "budget"):
        report.stopped_by = "stopped"
        report.message = Problem("sync_stopped", params={"actor": who}).text(language)


async def _follow_to_the_end(
    connection: psycopg.AsyncConnection[Any], target: Target, engine: Engine
) -> None:
    """Follow what is accepted and due, set after set, as long as a sync may take."""
    may_go_on = _budget(engine)
    looked_for = target.capabilities.look_ups_at_once
    while looked_for == target.capabilities.look_ups_at_once and may_go_on(0):
        looked_for = await follow_up(connection, target)


async def _follow_changes(connection: psycopg.AsyncConnection[Any], target: Target) -> int:
    """Let revisions, withdrawals and a changed policy take effect before anything is sent.

    Returns how many claims no closed period keeps any more.
    """
    await release_waiting(connection, target.organization_id, target.integration.id)
    if target.integration.delivery.two_years == "split":
        async with organization_scope_async(connection, target.organization_id):
            await split_held(connection, target.integration)
    for system, source in await unfollowed_withdrawals(
        connection, target.organization_id, target.integration.id
    ):
        async with organization_scope_async(connection, target.organization_id):
            await withdraw_async(connection, target.organization_id, system, source)
    followed = await follow_periods(connection, target.integration, target.closed_periods)
    target.open_days = followed.open_days
    return followed.released


def _is_ahead(moment: datetime | None) -> bool:
    """Return whether a time of the database lies ahead; T1 asks the database's own clock again."""
    return moment is not None and moment > utc_now()


def _budget(engine: Engine) -> Callable[[int], bool]:
    started = time.monotonic()

    def may_go_on(claimed: int) -> bool:
        if engine.stopping or time.monotonic() - started > SECONDS_MAX:
            return False
        return not (engine.others_wait and claimed >= RECORDS_WHEN_OTHERS_WAIT)

    return may_go_on


_TOLD = ("misconfigured", "breaker", "paused", "disabled", "pause_window", "stopped")


def _outcome(report: Report) -> tuple[str, str]:
    if report.stopped_by in _TOLD:
        return report.stopped_by, report.message
    bad = {"rejected", "gave_up", "unknown", "retry_later", "put_off"} & set(report.outcomes)
    return ("partly" if bad else "ok"), report.message


async def _end_broken(
    connection: psycopg.AsyncConnection[Any],
    target: Target,
    cause: Cause,
    error: BaseException,
) -> None:
    """Note a sync that ended with an exception, where the database still takes it."""
    log.error("sync_broken", run=str(target.run_id), error=type(error).__name__)
    try:
        async with organization_scope_async(connection, target.organization_id):
            await runtime.end_sync(
                connection, target.integration.id, target.sync_token, "interrupted"
            )
            await syncs.finish(connection, target.run_id, "interrupted", type(error).__name__)
            if cause.request_id is not None:
                await finish_request(connection, cause.request_id, "interrupted", "")
    except psycopg.Error:
        log.warning("sync_end_not_noted", run=str(target.run_id))
