"""People are told by the workers themselves: at once after a sync, and never twice (O7)."""

import time
from collections.abc import Callable

from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.world import World, claim

PATIENCE_SECONDS = 60.0


def until(found: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not found():
        assert time.monotonic() < end
        time.sleep(0.2)


def told(world: World) -> list[str]:
    return [row[0] for row in world.query("SELECT rule FROM alerts ORDER BY id")]


def test_a_refusal_is_told_soon_after_the_sync_by_one_of_two_workers(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of()
    sandbox.faults({"kind": "status", "status": 422, "at": [1, 2]})
    world.query("UPDATE watch_settings SET silence_days = 0")
    world.start_worker()
    world.start_worker()
    world.accept([claim(number) for number in range(2)])
    world.wait_for(lambda states: states.get("failed") == 2)
    until(lambda: told(world) == ["refusal"])
    ((pending, for_person),) = world.query("SELECT pending, for_person FROM health_snapshots")
    assert (pending, for_person) == (0, 2)
    sandbox.clear_faults()
    world.exports.retry_failed_exports()
    world.wait_for(lambda states: states.get("exported") == 2)
    until(lambda: world.query("SELECT cleared_at IS NOT NULL FROM alerts") == [(True,)])
    assert told(world) == ["refusal"]


def test_who_is_asked_to_wait_has_met_no_error(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of()
    sandbox.faults({"kind": "too_many", "retryAfter": 1, "at": [2, 5]})
    world.start_worker()
    world.accept([claim(number) for number in range(40)])
    world.wait_for(lambda states: states == {"exported": 40})
    outcomes = dict(world.query("SELECT outcome, count(*)::int FROM sync_logs GROUP BY 1"))
    assert outcomes.pop("accepted") == 40
    assert set(outcomes) == {"put_off"}
    until(lambda: world.query("SELECT errors FROM health_snapshots") == [(0,)])
    assert told(world) == []
