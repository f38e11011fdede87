"""Answers that are lost, late or wrong: nothing is posted twice and nothing is lost."""

import pytest

from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.world import World, claim

CLAIMS = [claim(number) for number in range(2000)]


@pytest.mark.parametrize("kind", ["lost_answer", "error_after", "garbage", "cut_answer"])
def test_twenty_unclear_answers_in_two_thousand(
    world: World, sandbox: SandboxProcess, kind: str
) -> None:
    sandbox.faults({"kind": kind, "at": list(range(50, 2050, 100))})
    world.accept(CLAIMS)
    world.start_worker()
    states = world.wait_for(at_rest)
    assert states == {"exported": 2000}
    prove(world, sandbox, CLAIMS)
    doubtful = world.query(
        "SELECT count(DISTINCT export_id) FROM sync_logs WHERE outcome='unknown'"
    )
    assert doubtful == [(20,)]


def test_without_look_up_each_doubtful_claim_waits_for_a_person(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(look_up=False)
    claims = CLAIMS[:600]
    sandbox.faults({"kind": "lost_answer", "every": 30})
    world.accept(claims)
    world.start_worker()
    states = world.wait_for(at_rest)
    assert states == {"exported": 580, "needs_review": 20}
    prove(world, sandbox, claims)
    assert sum(posted(sandbox).values()) == 600


def test_an_error_before_anything_was_posted_is_sent_again(
    world: World, sandbox: SandboxProcess
) -> None:
    claims = CLAIMS[:400]
    sandbox.faults({"kind": "error_before", "every": 20}, {"kind": "reset_before", "every": 33})
    world.accept(claims)
    world.start_worker()
    assert world.wait_for(at_rest) == {"exported": 400}
    prove(world, sandbox, claims)


def test_a_system_that_asks_to_wait_is_waited_for(world: World, sandbox: SandboxProcess) -> None:
    claims = CLAIMS[:300]
    sandbox.faults({"kind": "too_many", "at": [40, 150], "retryAfter": "1"})
    world.accept(claims)
    world.start_worker()
    assert world.wait_for(at_rest) == {"exported": 300}
    prove(world, sandbox, claims)
    assert ("paused",) in world.query("SELECT outcome FROM syncs")


def test_an_answer_after_the_timeout_is_looked_up(world: World, sandbox: SandboxProcess) -> None:
    claims = CLAIMS[:100]
    sandbox.faults({"kind": "slow", "at": [10, 20, 30], "seconds": 4})
    world.accept(claims)
    world.start_worker()
    assert world.wait_for(at_rest) == {"exported": 100}
    prove(world, sandbox, claims)


def test_a_look_up_that_fails_decides_nothing(world: World, sandbox: SandboxProcess) -> None:
    claims = CLAIMS[:60]
    sandbox.faults(
        {"kind": "lost_answer", "at": [7, 8, 9]},
        {"kind": "garbage", "on": "read", "at": [2, 3, 4, 5]},
    )
    world.accept(claims)
    world.start_worker()
    assert world.wait_for(at_rest) == {"exported": 60}
    prove(world, sandbox, claims)


def test_a_look_up_that_never_found_anything_is_not_believed(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery={"unprovenSeconds": 3.0}, absent_statuses=[404])
    sandbox.faults({"kind": "lost_answer"}, {"kind": "status", "on": "read", "status": 404})
    claims = CLAIMS[:3]
    world.accept(claims)
    world.start_worker()
    assert world.wait_for(at_rest) == {"needs_review": 3}
    prove(world, sandbox, claims)
