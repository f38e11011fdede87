"""Sync now (O3), by what the accounting system ended up with: exactly what waited, once, or less.

A real worker process delivers to a sandbox; the verbs are those of pages and REST.
"""

import os
import signal
import time
from typing import Any
from uuid import UUID

import pytest

from bilag.core.problem import Problem
from bilag.delivery.crash_points import CrashPoint
from bilag.delivery.queue import defer_sync
from bilag.delivery.sync_now import Progress, SyncNow
from bilag.exports.decide import DecisionRefused
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.test_schedule import A_WHILE, DAILY, SLOW, come, configured, hold, slow_down
from tests.simulation.world import World, claim

CLAIMS = [claim(number) for number in range(20)]
MANUAL: dict[str, Any] = {"trigger": "manual"}


def verbs(world: World, actor: str = "user admin@example.org") -> SyncNow:
    return SyncNow(world.pool, world.queue, world.organization, actor=actor)


def refused(world: World, actor: str = "user other@example.org") -> Problem:
    with pytest.raises(DecisionRefused) as error:
        verbs(world, actor).start("ledger")
    return error.value.problem


def ended(world: World, request: UUID, seconds: float = 60.0) -> Progress:
    """Wait until a sync has ended; what is counted may never be more than there is."""
    until = time.monotonic() + seconds
    while True:
        found = verbs(world).progress(request)
        assert found.done + found.left == found.total
        if found.request.ended_at is not None:
            return found
        assert time.monotonic() < until, found
        time.sleep(0.1)


def went(progress: Progress) -> dict[str, tuple[int, str]]:
    return {one.state: (one.records, f"{one.amount:.2f}") for one in progress.went}


def test_it_sends_exactly_what_waited_and_says_so(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery=MANUAL)
    world.accept(CLAIMS)
    world.start_worker()
    before = verbs(world).before("ledger")
    assert before.refusal is None
    ((_, currency, count, amount),) = before.ahead.going
    assert (currency, count, amount) == ("NOK", 20, sum(c.total for c in CLAIMS))
    time.sleep(A_WHILE)
    assert world.states() == {"pending": 20}, "nothing goes before somebody asks"

    request = verbs(world).start("ledger")
    found = ended(world, request.id)

    assert (found.request.outcome, found.left, found.done) == ("ok", 0, 20)
    assert went(found) == {"exported": (20, f"{amount:.2f}")}
    assert found.request.asked == [{"currency": "NOK", "count": 20, "amount": str(amount)}]
    assert prove(world, sandbox, CLAIMS) == {"exported": 20}
    runs = world.query("SELECT trigger, actor, request_id FROM syncs WHERE request_id IS NOT NULL")
    assert runs == [("manual", "user admin@example.org", request.id)]
    after = verbs(world).before("ledger")
    assert (after.ahead.going, after.refusal) == ([], None)
    assert after.standing.last_sync_outcome == "ok"
    logged = world.query("SELECT actor, event, detail FROM change_logs WHERE event LIKE 'sync.%%'")
    assert logged == [("user admin@example.org", "sync.asked_for", {"records": 20})]


def test_nobody_can_ask_twice_while_it_waits_or_runs(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery={**MANUAL, **SLOW})
    slow_down(sandbox)
    world.accept(CLAIMS)
    request = verbs(world).start("ledger")
    waiting = refused(world)
    assert waiting.code == "sync_under_way"
    assert waiting.params["actor"] == "admin@example.org"
    assert waiting.params["at"]
    assert not verbs(world).progress(request.id).begun
    world.start_worker()
    world.wait_for(lambda states: states.get("exported", 0) >= 3)
    assert refused(world, "user admin@example.org").code == "sync_under_way"
    found = verbs(world).progress(request.id)
    assert found.begun
    assert found.worker
    assert 3 <= found.count("exported") < 20
    sandbox.clear_faults()
    ended(world, request.id)
    assert world.query("SELECT count(*) FROM sync_requests") == [(1,)]
    prove(world, sandbox, CLAIMS)
    assert verbs(world, "user other@example.org").start("ledger").id != request.id


def test_it_is_off_while_the_engine_syncs_by_itself(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery={**DAILY, **SLOW})
    slow_down(sandbox)
    world.accept(CLAIMS)
    come(world)
    world.start_worker()
    world.wait_for(lambda states: states.get("exported", 0) >= 2)
    assert refused(world).code == "sync_under_way_schedule"
    sandbox.clear_faults()
    world.wait_for(at_rest)


@pytest.mark.parametrize("delivery", [MANUAL, DAILY, {"trigger": "on_approval"}])
def test_stopped_at_the_next_record_the_rest_waits_until_somebody_asks_again(
    world_of: MakeWorld, sandbox: SandboxProcess, delivery: dict[str, Any]
) -> None:
    world = world_of(delivery={**delivery, **SLOW, "schedule": delivery.get("schedule", {})})
    slow_down(sandbox)
    world.accept(CLAIMS)
    world.query("DELETE FROM procrastinate_jobs")  # what approval has asked for
    request = verbs(world).start("ledger")
    world.start_worker()
    world.wait_for(lambda states: states.get("exported", 0) >= 3)
    verbs(world, "user other@example.org").stop(request.id)
    found = ended(world, request.id)
    assert found.request.outcome == "stopped"
    assert "other@example.org" in found.request.message
    assert found.count("exported") + found.left == 20
    assert found.left >= 10
    stopped = world.states()
    assert set(stopped) == {"exported", "pending"}
    assert (stopped["exported"], stopped["pending"]) == (found.count("exported"), found.left)
    with pytest.raises(DecisionRefused) as again:
        verbs(world).stop(request.id)
    assert again.value.problem.code == "sync_has_ended"
    time.sleep(A_WHILE)
    assert world.states() == stopped, "the rest waits"
    ((at, outcome),) = world.query(
        "SELECT last_sync_at, last_sync_outcome FROM integration_runtime"
    )
    assert at is not None
    assert outcome == "stopped"
    sandbox.clear_faults()
    if delivery["trigger"] == "on_approval":
        world.accept([claim(100)])
        world.wait_for(lambda states: states["exported"] == stopped["exported"] + 1)
        assert world.states()["pending"] == stopped["pending"], "only what is new goes by itself"
    if delivery is DAILY:
        come(world)
        assert world.wait_for(at_rest) == {"exported": 20}, "or with the schedule's next run"
        prove(world, sandbox, CLAIMS)
        return
    world.wait_for(lambda _: verbs(world).before("ledger").refusal is None)
    ended(world, verbs(world).start("ledger").id)
    expected = [*CLAIMS, claim(100)] if delivery["trigger"] == "on_approval" else CLAIMS
    assert prove(world, sandbox, expected) == {"exported": len(expected)}


def test_stopped_before_it_began_it_sends_nothing(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery=MANUAL)
    world.accept(CLAIMS)
    request = verbs(world).start("ledger")
    # a tick's job beside it must not send what was stopped either
    defer_sync(world.queue, world.organization, world.integration, trigger="tick")
    verbs(world).stop(request.id)
    world.start_worker()
    assert ended(world, request.id).request.outcome == "stopped"
    time.sleep(A_WHILE)
    assert world.states() == {"pending": 20}
    assert not posted(sandbox)


@pytest.mark.parametrize("how", ["killed", "told to end", "job lost"])
def test_it_goes_on_whatever_happens_to_its_worker_or_job(
    world_of: MakeWorld, sandbox: SandboxProcess, how: str
) -> None:
    world = world_of(delivery={**MANUAL, **SLOW})
    world.accept(CLAIMS)
    request = verbs(world).start("ledger")
    if how == "killed":
        doomed = world.start_worker(BILAG_CRASH_AT=f"{CrashPoint.AFTER_ANSWER}:5")
        assert doomed.wait(30) == -signal.SIGKILL
    elif how == "told to end":
        slow_down(sandbox)
        first = world.start_worker()
        world.wait_for(lambda states: states.get("exported", 0) >= 2)
        os.kill(first.pid, signal.SIGTERM)
        first.wait(60)
        assert world.states().get("pending", 0) > 0
        sandbox.clear_faults()
    else:
        world.query("DELETE FROM procrastinate_jobs")
    assert verbs(world).progress(request.id).request.ended_at is None
    assert refused(world).code == "sync_under_way"
    world.start_worker()
    ended(world, request.id)
    assert world.wait_for(at_rest) == {"exported": 20}
    prove(world, sandbox, CLAIMS)


def test_what_does_not_go_through_is_counted_where_it_stands(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery={**MANUAL, "requestsInFlight": 1})
    sandbox.faults({"kind": "status", "status": 400, "at": [2, 5]})
    world.accept(CLAIMS)
    world.start_worker()
    found = ended(world, verbs(world).start("ledger").id)
    assert (found.request.outcome, found.count("failed"), found.count("exported")) == (
        "partly", 2, 18,
    )  # fmt: skip
    assert (found.left, found.total) == (0, 20)
    causes = verbs(world).causes(found.request)
    assert sum(cause.records for cause in causes) == 2
    assert {cause.state for cause in causes} == {"failed"}
    world.exports.retry_failed_exports()
    world.wait_for(at_rest)
    then = verbs(world).progress(found.request.id)
    assert then.count("failed") == 2, "the result stays as it was"
    assert verbs(world).causes(found.request) == [], "what has been mended is no cause any more"


def test_it_cannot_be_asked_for_where_nothing_could_go(world_of: MakeWorld) -> None:
    world = world_of(delivery=MANUAL)
    world.accept([claim(1)])
    hold(world, -10, 3600)
    assert refused(world).code == "sync_pause_window"
    hold(world, -20, -10)
    for column, code in (
        ("breaker_retry_at", "sync_not_answering"),
        ("paused_until", "sync_asked_to_wait"),
        ("error_since", "sync_stopped_by_error"),
    ):
        world.query(f"UPDATE integration_runtime SET {column} = now() + interval '1 hour'")
        assert refused(world).code == code
        world.query(f"UPDATE integration_runtime SET {column} = NULL")
    world.run("disable", "blindeforbundet", "ledger")
    assert refused(world).code == "sync_disabled"
    with pytest.raises(LookupError):
        verbs(world).start("nothing")
    assert world.query("SELECT count(*) FROM sync_requests") == [(0,)]
    assert world.query("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == [(0,)]


def test_switched_off_on_the_way_it_ends_and_says_why(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery={**MANUAL, **SLOW})
    slow_down(sandbox)
    world.accept(CLAIMS)
    request = verbs(world).start("ledger")
    world.start_worker()
    world.wait_for(lambda states: states.get("exported", 0) >= 3)
    configured(world).switch("ledger", enabled=False)
    found = ended(world, request.id)
    assert found.request.outcome == "disabled"
    assert found.left > 0
