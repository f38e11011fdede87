"""The pipelined sender: map ahead, claim a window, keep it full, settle in sets.

No transaction is open while a request is under way, and no more rows are `sending` than five
windows, so that a crash leaves a handful in doubt.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from bilag.connectors.faults import refuses_login
from bilag.core.clock import running_seconds
from bilag.core.outcome import Accepted, Misconfigured, Outcome, Rejected, RetryLater, Unknown
from bilag.delivery.crash_points import CrashPoint, reach
from bilag.delivery.prepare import Prepared, number_and_build, prepare
from bilag.delivery.send import NO_OUTCOME, UnderWay, send, send_until, under_way
from bilag.delivery.target import Target
from bilag.delivery.verdict import Attempt, judge
from bilag.exports.claim import Candidate, Intent, candidates, next_numbers, take
from bilag.exports.settle import Settlement, move, settle
from bilag.integrations import runtime
from bilag.tenants.scope import organization_scope_async

# Failure policy: answers are committed when a window of them is there, or after this time; until
# then they are in memory only, and a crash makes them in doubt: a look-up, never a second voucher.
SETTLE_AFTER_SECONDS = 0.02
SETTLE_POLL_SECONDS = 0.002
FAST_SECONDS = 0.02
_NOT_SENT = RetryLater("the run was stopped before this was sent", after_seconds=0, pauses=True)


@dataclass(slots=True)
class Report:
    """What one run did: outcomes by name, why it ended, and one reference known to be posted.

    `login_refused`: the system did not let us in with the credentials that this run had.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    stopped_by: str = ""
    message: str = ""
    accepted_reference: str = ""
    login_refused: bool = False


class _Answered(NamedTuple):
    attempt: Attempt
    outcome: Outcome


class Pipeline:
    """Delivers the due exports of one integration; use once, with three connections of its own.

    `may_go_on` is asked with the number of records claimed so far; False ends the run cleanly.
    """

    def __init__(
        self,
        target: Target,
        mapper: psycopg.AsyncConnection[Any],
        claimer: psycopg.AsyncConnection[Any],
        settler: psycopg.AsyncConnection[Any],
        *,
        fresh_through: int,
        fresh_after: int,
        may_go_on: Callable[[int], bool],
    ) -> None:
        self._target = target
        self._mapper, self._claimer, self._settler = mapper, claimer, settler
        self._fresh_through, self._fresh_after = fresh_through, fresh_after
        self._may_go_on = may_go_on
        self._window = target.in_flight_max
        self._documents = target.capabilities.documents_per_request_max
        # how many documents a window holds
        self._full = self._window * self._documents
        self._prepared: deque[Prepared] = deque()
        # a row whose due time moved comes past the cursor again; it may be under way only once
        self._held_ids: set[int] = set()
        self._mapped_all = False
        self._ready: asyncio.Queue[UnderWay | None] = asyncio.Queue()
        self._answered: list[_Answered] = []
        self._claimed = 0
        self._claimed_at = 0.0
        self._unsettled = 0
        self._claiming = True
        self._probing = target.probing
        self._transport_failures = target.breaker_failures
        self._numbers: dict[int, int] = {}
        self._may_map = asyncio.Event()
        self._may_take = asyncio.Event()
        self._may_settle = asyncio.Event()
        self.report = Report()

    async def run(self) -> Report:
        """Deliver until nothing is due, something stops us, or `may_go_on` says enough."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._map())
            group.create_task(self._claim())
            group.create_task(self._settle())
            for _ in range(self._window):
                group.create_task(self._send())
        return self.report

    # -- mapping ahead ---------------------------------------------------------------------------

    async def _map(self) -> None:
        after: tuple[datetime, int] | None = None
        chunk = max(8 * self._window, 2 * self._full, 32)
        while self._claiming:
            await _until(
                self._may_map,
                lambda: (
                    len(self._prepared) <= max(4 * self._window, self._full) or not self._claiming
                ),
            )
            if self._has_stopped():
                break
            found = await candidates(
                self._mapper, self._target.organization_id, self._target.integration.id,
                after=after, limit=chunk, fresh_through=self._fresh_through,
                fresh_after=self._fresh_after,
            )  # fmt: skip
            if not found:
                break
            after = (found[-1].due_at, found[-1].id)
            last_chunk = len(found) < chunk
            found = [candidate for candidate in found if candidate.id not in self._held_ids]
            ready, aside = prepare(self._target, found)
            self._held_ids.update(item.candidate.id for item in ready)
            if aside and not await self._set_aside(aside):
                self._stop("gate", "")
                break
            self._prepared.extend(ready)
            self._may_take.set()
            if last_chunk:
                break
        self._mapped_all = True
        self._may_take.set()

    async def _set_aside(self, aside: Sequence[Settlement]) -> bool:
        """Hold and leave out what cannot be sent, while mapping and filters are still those of now.

        Else what a changed filter has just let go on would be left out by the old one, for good.
        """
        integration_id, token = self._target.integration.id, self._target.sync_token
        for state in ("held", "excluded"):
            chosen = [s for s in aside if s.state == state]
            if not chosen:
                continue
            reach(CrashPoint.BEFORE_SET_ASIDE)
            async with organization_scope_async(self._mapper, self._target.organization_id):
                if not await runtime.is_still_ours(self._mapper, integration_id, token):
                    return False
                await move(self._mapper, self._target.chain, "pending", chosen)
            self.report.outcomes[state] += len(chosen)
            reach(CrashPoint.AFTER_SET_ASIDE)
        return True

    def _has_stopped(self) -> bool:
        return not self._claiming

    # -- T1 --------------------------------------------------------------------------------------

    async def _claim(self) -> None:
        try:
            while self._claiming:
                await _until(self._may_take, self._may_claim)
                if not self._claiming or not (self._prepared or not self._mapped_all):
                    break
                if not self._prepared:
                    continue
                if not self._may_go_on(self._claimed):
                    self._stop("budget", "")
                    break
                size = 1 if self._probing else self._set_size()
                chosen = [self._prepared.popleft() for _ in range(min(size, len(self._prepared)))]
                self._may_map.set()
                await self._claim_set(chosen)
        finally:
            self._claiming = False
            self._may_map.set()
            self._may_settle.set()
            for _ in range(self._window):
                self._ready.put_nowait(None)

    def _may_claim(self) -> bool:
        if not self._claiming:
            return True
        if not self._prepared:
            return self._mapped_all
        if self._probing:
            return self._unsettled == 0
        if self._documents > 1 and len(self._prepared) < self._full and not self._mapped_all:
            return False  # so that submissions are full
        return self._ready.qsize() <= self._window and self._unsettled <= 3 * self._full

    def _set_size(self) -> int:
        """Return how many records T1 takes: a window, or two where they go out at once anyway.

        A window of submissions that hold many documents is as many times as large.

        A target that empties a window within FAST_SECONDS sends two windows in the time that a
        slower one needs for its first answers, and each statement costs the same for both.
        """
        now = running_seconds()
        fast = now - self._claimed_at < FAST_SECONDS
        self._claimed_at = now
        return 2 * self._window if fast and self._documents == 1 else self._full

    async def _claim_set(self, chosen: list[Prepared]) -> None:
        target = self._target
        years = {item.year for item in chosen if item.needs_number}
        for _ in range(3):  # a series moved by another integration of the book is read again
            if years - self._numbers.keys():
                self._numbers |= await next_numbers(
                    self._claimer, target.organization_id, target.integration.book.id,
                    sorted(years), target.integration.book.number_start,
                )  # fmt: skip
            numbered = number_and_build(target, chosen, self._numbers)
            if numbered.unbuildable:
                await move(self._claimer, target.chain, "pending", numbered.unbuildable)
                self.report.outcomes["held"] += len(numbered.unbuildable)
            if not numbered.intents:
                return
            reach(CrashPoint.BEFORE_CLAIM)
            until = send_until(target)
            claimed = await take(
                self._claimer, target.organization_id, target.integration.id,
                target.integration.book.id, sync_token=target.sync_token,
                intents=numbered.intents, series=numbered.series,
                send_within_seconds=target.send_within_seconds,
            )  # fmt: skip
            reach(CrashPoint.AFTER_CLAIM)
            if claimed is not None:
                for year, (_, following) in numbered.series.items():
                    self._numbers[year] = following
                target.mark.advance(claimed.token)
                reach(CrashPoint.AFTER_MARK)
                self._hand_over(chosen, numbered.intents, claimed.token, claimed.export_ids, until)
                return
            stale = {item.candidate.id for item in chosen} & {
                s.export_id for s in numbered.unbuildable
            }
            chosen = [item for item in chosen if item.candidate.id not in stale]
            self._numbers.clear()
            if not numbered.series:
                break
        self._stop("gate", "")

    def _hand_over(
        self,
        chosen: list[Prepared],
        intents: list[Intent],
        token: int,
        taken: frozenset[int],
        until: float,
    ) -> None:
        by_id = {item.candidate.id: item.candidate for item in chosen}
        groups: dict[int, list[tuple[Intent, Candidate]]] = {}
        for intent in intents:
            if intent.export_id in taken:
                submission_id = intent.resend_of or token * 1000 + intent.position
                found = (intent, by_id[intent.export_id])
                groups.setdefault(submission_id, []).append(found)
        for submission_id, group in groups.items():
            self._unsettled += len(group)
            stages = self._target.capabilities.stages
            item = under_way(submission_id, token, group, until, stages=stages)
            self._ready.put_nowait(item)
        self._claimed += len(taken)

    # -- the wire --------------------------------------------------------------------------------

    async def _send(self) -> None:
        while (item := await self._ready.get()) is not None:
            if self._ready.qsize() <= self._window:
                self._may_take.set()
            if self.report.stopped_by in ("misconfigured", "paused", "breaker"):
                outcomes: Mapping[str, Outcome] = {}
                otherwise: Outcome = _NOT_SENT
            else:
                outcomes, otherwise = await send(self._target, item), NO_OUTCOME
            for attempt in item.attempts:
                outcome = outcomes.get(attempt.reference, otherwise)
                self._answered.append(_Answered(attempt, outcome))
            reach(CrashPoint.AFTER_ANSWER)
            self._may_settle.set()

    # -- T2 --------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        while True:
            await _until(self._may_settle, lambda: bool(self._answered) or self._all_done())
            if not self._answered:
                return
            await self._gather_answers()
            answered, self._answered = self._answered, []
            reach(CrashPoint.BEFORE_SETTLE)
            settlements = [self._judge(item) for item in answered]
            await settle(self._settler, self._target.chain, settlements)
            reach(CrashPoint.AFTER_SETTLE)
            await self._react([item.outcome for item in answered])
            self._unsettled -= len(answered)
            self._held_ids.difference_update(item.attempt.export_id for item in answered)
            self._may_take.set()

    async def _gather_answers(self) -> None:
        """Wait for a window of answers, but not long, and not when no more are under way."""
        until = running_seconds() + SETTLE_AFTER_SECONDS
        while len(self._answered) < min(self._window, self._unsettled):
            if running_seconds() >= until:
                return
            await asyncio.sleep(SETTLE_POLL_SECONDS)

    def _all_done(self) -> bool:
        return not self._claiming and self._unsettled == 0

    def _judge(self, item: _Answered) -> Settlement:
        settlement = judge(
            item.attempt, item.outcome, self._target.integration.delivery,
            self._target.capabilities.settle_seconds_min,
        )  # fmt: skip
        self.report.outcomes[settlement.outcome] += 1
        if settlement.outcome == "accepted":
            self.report.accepted_reference = settlement.reference
        return settlement

    async def _react(self, outcomes: list[Outcome]) -> None:
        """Act on what a set says about the target itself: breaker, pause, misconfiguration."""
        integration = self._target.integration
        for outcome in outcomes:
            if isinstance(outcome, Misconfigured):
                await self._write(runtime.set_error, integration.id, outcome.message)
                self.report.login_refused |= refuses_login(outcome)
                self._stop("misconfigured", outcome.message)
            elif isinstance(outcome, RetryLater) and outcome.pauses and outcome is not _NOT_SENT:
                wait = outcome.after_seconds or integration.delivery.retry.base_seconds
                await self._write(runtime.pause_until, integration.id, wait)
                self._stop("paused", outcome.message)
        if any(isinstance(o, Accepted | Rejected) for o in outcomes):
            if self._transport_failures or self._probing:
                await self._write(runtime.breaker_succeeded, integration.id)
            self._transport_failures, self._probing = 0, False
            return
        failed = [o for o in outcomes if isinstance(o, RetryLater | Unknown) and o.transport]
        if failed:
            self._transport_failures += len(failed)
            opened = await self._write(
                runtime.breaker_failed, integration.id, len(failed), integration.delivery.breaker,
                failed[0].message,
            )  # fmt: skip
            if opened:
                self._stop("breaker", failed[0].message)

    async def _write(self, verb: Callable[..., Any], *arguments: Any) -> Any:
        async with organization_scope_async(self._settler, self._target.organization_id):
            return await verb(self._settler, *arguments)

    def _stop(self, why: str, message: str) -> None:
        if not self.report.stopped_by or self.report.stopped_by == "budget":
            self.report.stopped_by, self.report.message = why, message
        self._claiming = False
        self._may_take.set()


async def _until(event: asyncio.Event, condition: Callable[[], bool]) -> None:
    while not condition():
        event.clear()
        await event.wait()
