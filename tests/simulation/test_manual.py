"""A person's wish to sync is never lost: not behind a tick's, not with the worker that had it."""

import signal

from bilag.delivery.crash_points import CrashPoint
from bilag.delivery.queue import defer_sync
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest, prove
from tests.simulation.world import claim

CLAIMS = [claim(number) for number in range(40)]
MANUAL = {"trigger": "manual"}


def test_a_wish_is_not_lost_behind_a_sync_that_waits_already(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery=MANUAL)
    world.accept(CLAIMS)
    assert defer_sync(world.queue, world.organization, world.integration, trigger="tick")
    world.exports.sync()
    world.start_worker()
    assert world.wait_for(at_rest) == {"exported": len(CLAIMS)}
    prove(world, sandbox, CLAIMS)


def test_a_wish_is_not_lost_with_the_worker_that_had_it(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery=MANUAL)
    world.accept(CLAIMS)
    world.exports.sync()
    doomed = world.start_worker(BILAG_CRASH_AT=f"{CrashPoint.SYNC_STARTED}:1")
    assert doomed.wait(30) == -signal.SIGKILL
    world.start_worker()
    assert world.wait_for(at_rest) == {"exported": len(CLAIMS)}
    prove(world, sandbox, CLAIMS)
