"""Workers that are killed or stopped anywhere: no claim is posted twice, and none is lost."""

import os
import random
import signal
import threading
import time
from dataclasses import replace

import pytest

from bilag.delivery.crash_points import CrashPoint
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.world import World, claim

CLAIMS = [claim(number) for number in range(160)]
UNMAPPED = [
    replace(c, lines=(replace(c.lines[0], type="unheard-of"),)) for c in map(claim, range(900, 905))
]
# How often a point is passed before it strikes, where the first time would be too early to hurt.
LATER = {CrashPoint.BEFORE_WRITE: 20, CrashPoint.AFTER_ANSWER: 20, CrashPoint.AFTER_CLAIM: 3}


# Reached only where a system stages: see test_business_central.py.
STAGED = {CrashPoint.AFTER_TAKEN_AGAIN, CrashPoint.AFTER_GONE_ON}


@pytest.mark.parametrize("point", [point for point in CrashPoint if point not in STAGED])
def test_killed_at_each_crash_point(
    world_of: MakeWorld, sandbox: SandboxProcess, point: CrashPoint
) -> None:
    world = world_of()
    sandbox.faults({"kind": "lost_answer", "at": [30, 31]})
    world.accept(CLAIMS + UNMAPPED)
    doomed = world.start_worker(BILAG_CRASH_AT=f"{point}:{LATER.get(point, 1)}")
    assert doomed.wait(30) == -signal.SIGKILL, f"{point} was never reached"
    world.exports.sync()  # a second sync is waiting when the job of the dead worker is found
    started = time.monotonic()
    world.start_worker()
    states = world.wait_for(at_rest)
    assert time.monotonic() - started < 60
    assert states == {"exported": len(CLAIMS), "held": len(UNMAPPED)}
    prove(world, sandbox, CLAIMS + UNMAPPED)


def test_killed_without_look_up_each_doubtful_claim_waits_for_a_person(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(look_up=False)
    world.accept(CLAIMS)
    doomed = world.start_worker(BILAG_CRASH_AT=f"{CrashPoint.BEFORE_SETTLE}:2")
    assert doomed.wait(30) == -signal.SIGKILL
    world.start_worker()
    states = world.wait_for(at_rest)
    assert set(states) == {"exported", "needs_review"}
    assert states["needs_review"] <= 5 * 16, "at most five windows are claimed and not settled"
    prove(world, sandbox, CLAIMS)


def test_killed_at_a_hundred_random_times(world_of: MakeWorld, sandbox: SandboxProcess) -> None:
    seed = int(os.environ.get("BILAG_TEST_SEED", "20261121"))
    kills = int(os.environ.get("BILAG_TEST_KILLS", "100"))
    print(f"seed {seed}")
    chance = random.Random(seed)
    sandbox.set(answer_after=0.02)
    world = world_of(delivery={"requestsInFlight": 6, "sendWithinSeconds": 1.0,
                               "requestTimeoutSeconds": 1.0, "settleSeconds": 0.2})  # fmt: skip
    claims = [claim(number) for number in range(400)]
    world.accept(claims)
    workers = [world.start_worker(BILAG_STALLED_SECONDS="1") for _ in range(2)]
    hits = 0
    world.wait_for(lambda states: "exported" in states)
    for _ in range(kills):
        more = [claim(number) for number in range(len(claims), len(claims) + 60)]
        world.accept(more)
        claims += more
        world.exports.sync()
        time.sleep(chance.uniform(0.05, 0.5))
        hits += "sending" in world.states()
        victim = chance.randrange(2)
        workers[victim].kill()
        workers[victim].wait()
        workers[victim] = world.start_worker(BILAG_STALLED_SECONDS="1")
    print(f"{kills} kills, {hits} while something was being sent")
    states = world.wait_for(at_rest, seconds=120)
    assert states == {"exported": len(claims)}
    assert hits > kills / 10
    prove(world, sandbox, claims)


@pytest.mark.parametrize("point", [CrashPoint.AFTER_CLAIM, CrashPoint.BEFORE_WRITE])
@pytest.mark.parametrize("look_up", [True, False])
def test_stopped_and_continued_after_another_worker_has_finished(
    world_of: MakeWorld, sandbox: SandboxProcess, point: CrashPoint, look_up: bool
) -> None:
    world = world_of(look_up=look_up)
    world.accept(CLAIMS)
    sleeper = world.start_worker(BILAG_CRASH_AT=f"{point}:2:stop")
    _wait_until_stopped(sleeper.pid)
    world.start_worker()
    world.wait_for(at_rest)
    before = sum(posted(sandbox).values())
    os.kill(sleeper.pid, signal.SIGCONT)
    time.sleep(3)
    assert sum(posted(sandbox).values()) == before, "the stopped worker wrote after its time"
    states = prove(world, sandbox, CLAIMS)
    if look_up:
        assert states == {"exported": len(CLAIMS)}


def test_two_workers_and_two_syncs_at_once(world: World, sandbox: SandboxProcess) -> None:
    sandbox.set(answer_after=0.01)
    claims = [claim(number) for number in range(1000)]
    for _ in range(2):
        world.start_worker()
    arriving = threading.Thread(target=world.accept, args=(claims,))
    arriving.start()
    while arriving.is_alive():
        both = [threading.Thread(target=world.exports.sync) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
    assert world.wait_for(at_rest) == {"exported": 1000}
    prove(world, sandbox, claims)


def test_the_queue_goes_on_by_itself_when_every_wake_up_is_lost(
    world: World, sandbox: SandboxProcess
) -> None:
    world.accept(CLAIMS)
    with world.pool.connection() as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
    world.start_worker()
    assert world.wait_for(at_rest) == {"exported": len(CLAIMS)}


def _wait_until_stopped(pid: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            if file.read().rpartition(")")[2].split()[0] == "T":
                return
        time.sleep(0.05)
    raise AssertionError("the worker never stopped")
