"""The cases of the main job against Business Central and Xledger: nothing doubled, nothing lost.

What these systems settle only after minutes is reached by moving the clock, not by another rule.
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.delivery.crash_points import CrashPoint
from tests.sandboxes import SandboxProcess
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.systems import BUSINESS_CENTRAL, XLEDGER, System
from tests.simulation.test_restore import copy_database
from tests.simulation.world import World, claim, make_world

CLAIMS = [claim(number) for number in range(90)]
MakeBoth = Callable[..., tuple[World, SandboxProcess]]


@pytest.fixture(params=[BUSINESS_CENTRAL, XLEDGER], ids=lambda system: system.name)
def system(request: pytest.FixtureRequest) -> System:
    """Each of the two kinds."""
    kind: System = request.param
    return kind


@pytest.fixture
def stage(system: System, database: Any, tmp_path: Path) -> Iterator[MakeBoth]:
    """Return a function that starts the sandbox and sets up the organization that posts to it."""
    opened: list[Any] = []

    def make(
        kind: System | None = None,
        options: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        **changes: Any,
    ) -> tuple[World, SandboxProcess]:
        chosen = kind or system
        sandbox = chosen.start(**(options or {}))
        opened.append(sandbox)
        manager = make_world(
            database.application_url, database.owner_url, tmp_path,
            system=chosen.connector, secrets=chosen.secrets,
            settings=chosen.settings_of(sandbox.url, **(settings or {})), **changes,
        )  # fmt: skip
        world = manager.__enter__()
        opened.append(manager)
        return world, sandbox

    yield make
    for item in reversed(opened):
        item.__exit__(None, None, None)


def come_to_rest(world: World, system: System, seconds: float = 180.0) -> dict[str, int]:
    """Let the waits of the system pass until nothing is left to do; returns the states."""
    until = time.monotonic() + seconds
    while not at_rest(states := world.states()):
        assert time.monotonic() < until, states
        world.move_clock(system.minutes * 60)
        world.exports.sync()
        time.sleep(0.3)
    return states


def prove_look_up(world: World, system: System) -> None:
    """Post one claim, so that look-up is proven: until then nobody believes that one is absent."""
    world.accept([claim(9000)])
    first = world.start_worker()
    come_to_rest(world, system)
    until = time.monotonic() + 30  # the claim is at rest before the look-up that it proves is noted
    while world.query("SELECT look_up_proven_at FROM integration_runtime") == [(None,)]:
        assert time.monotonic() < until, "the look-up was not proven"
        time.sleep(0.05)
    first.kill()
    first.wait()


def within_limits(sandbox: SandboxProcess) -> None:
    """Assert that no limit of the system was exceeded, by the sandbox's own count."""
    limits = sandbox.requests()["limits"]
    assert not any(limits["breaches"].values()), limits


def test_every_claim_is_posted_once_and_what_comes_again_is_not(
    stage: MakeBoth, system: System
) -> None:
    world, sandbox = stage()
    world.accept(CLAIMS)
    world.start_worker()
    assert come_to_rest(world, system) == {"exported": len(CLAIMS)}
    prove(world, sandbox, CLAIMS)
    world.accept(CLAIMS)
    world.accept([claim(number, revision=2) for number in range(20)])
    world.exports.sync()
    come_to_rest(world, system)
    prove(world, sandbox, CLAIMS)
    within_limits(sandbox)


@pytest.mark.parametrize("kind", ["lost_answer", "error_after", "gateway_timeout", "garbage"])
def test_answers_are_lost_after_posting(stage: MakeBoth, system: System, kind: str) -> None:
    world, sandbox = stage()
    if kind == "gateway_timeout" and system is XLEDGER:
        kind = "cut_answer"
    sandbox.faults({"kind": kind, "at": [1, 3], **system.fault})
    world.accept(CLAIMS)
    world.start_worker()
    assert come_to_rest(world, system) == {"exported": len(CLAIMS)}
    prove(world, sandbox, CLAIMS)
    assert world.query("SELECT count(*) FROM sync_logs WHERE outcome = 'unknown'") != [(0,)]
    within_limits(sandbox)


@pytest.mark.parametrize(
    "point",
    [
        CrashPoint.AFTER_CLAIM,
        CrashPoint.AFTER_MARK,
        CrashPoint.BEFORE_WRITE,
        CrashPoint.AFTER_ANSWER,
        CrashPoint.BEFORE_SETTLE,
        CrashPoint.AFTER_SETTLE,
        CrashPoint.BEFORE_LOOK_UP,
        CrashPoint.AFTER_LOOK_UP,
        CrashPoint.AFTER_RESOLVE,
    ],
)
def test_killed_at_a_crash_point(stage: MakeBoth, system: System, point: CrashPoint) -> None:
    world, sandbox = stage()
    prove_look_up(world, system)
    sandbox.faults({"kind": "lost_answer", "at": [1], **system.fault})
    world.accept(CLAIMS)
    _killed(world, system, f"{point}:1")
    world.exports.sync()
    world.start_worker()
    assert come_to_rest(world, system) == {"exported": len(CLAIMS) + 1}
    prove(world, sandbox, [*CLAIMS, claim(9000)])
    within_limits(sandbox)


@pytest.mark.parametrize("write", range(1, 10))
def test_killed_between_the_steps_of_staging_and_posting(
    stage: MakeBoth, system: System, write: int
) -> None:
    if system is XLEDGER:
        pytest.skip("Xledger takes a voucher in one request")
    world, sandbox = stage(settings={"documentsPerJournal": 40})
    prove_look_up(world, system)
    world.accept(CLAIMS)
    _killed(world, system, f"{CrashPoint.BEFORE_WRITE}:{write}")
    world.start_worker()
    assert come_to_rest(world, system) == {"exported": len(CLAIMS) + 1}
    prove(world, sandbox, [*CLAIMS, claim(9000)])
    if write > 2:
        assert world.query("SELECT count(*) FROM sync_logs WHERE outcome = 'staged'") is not None
    within_limits(sandbox)


@pytest.mark.parametrize("point", [CrashPoint.AFTER_TAKEN_AGAIN, CrashPoint.AFTER_GONE_ON])
def test_killed_while_a_staged_submission_goes_on(
    stage: MakeBoth, system: System, point: CrashPoint
) -> None:
    if system is XLEDGER:
        pytest.skip("Xledger takes a voucher in one request")
    world, sandbox = stage()
    prove_look_up(world, system)
    sandbox.faults({"kind": "error_before", "at": [1], **system.fault})
    world.accept(CLAIMS)
    _killed(world, system, f"{point}:1")
    world.start_worker()
    assert come_to_rest(world, system) == {"exported": len(CLAIMS) + 1}
    prove(world, sandbox, [*CLAIMS, claim(9000)])


def test_killed_at_random_times(stage: MakeBoth, system: System) -> None:
    seed = int(os.environ.get("BILAG_TEST_SEED", "20261121"))
    print(f"seed {seed}")
    chance = random.Random(seed)
    world, sandbox = stage(options={"answer_after": 0.01})
    claims = [claim(number) for number in range(60)]
    world.accept(claims)
    worker = world.start_worker(BILAG_STALLED_SECONDS="1")
    for _ in range(12):
        more = [claim(number) for number in range(len(claims), len(claims) + 20)]
        world.accept(more)
        claims += more
        world.exports.sync()
        time.sleep(chance.uniform(0.3, 1.5))
        worker.kill()
        worker.wait()
        world.move_clock(system.minutes * 60)
        worker = world.start_worker(BILAG_STALLED_SECONDS="1")
    assert come_to_rest(world, system) == {"exported": len(claims)}
    prove(world, sandbox, claims)
    within_limits(sandbox)


@pytest.mark.parametrize("point", [CrashPoint.AFTER_CLAIM, CrashPoint.BEFORE_WRITE])
def test_stopped_and_continued_after_another_worker_has_finished(
    stage: MakeBoth, system: System, point: CrashPoint
) -> None:
    world, sandbox = stage()
    world.accept(CLAIMS)
    sleeper = world.start_worker(BILAG_CRASH_AT=f"{point}:2:stop")
    _wait_until_stopped(sleeper.pid)
    world.start_worker()
    if system.minutes > 10:
        # its `send_by` is minutes away, so the clock it runs by would have to move as well
        time.sleep(3)
        os.kill(sleeper.pid, signal.SIGCONT)
        assert come_to_rest(world, system) == {"exported": len(CLAIMS)}
    else:
        come_to_rest(world, system)
        os.kill(sleeper.pid, signal.SIGCONT)
        time.sleep(3)
    prove(world, sandbox, CLAIMS)


def test_two_workers_and_two_syncs_at_once(stage: MakeBoth, system: System) -> None:
    world, sandbox = stage()
    for _ in range(2):
        world.start_worker()
    arriving = threading.Thread(target=world.accept, args=(CLAIMS,))
    arriving.start()
    for _ in range(6):
        both = [threading.Thread(target=world.exports.sync) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
    arriving.join()
    assert come_to_rest(world, system) == {"exported": len(CLAIMS)}
    prove(world, sandbox, CLAIMS)


def test_the_database_is_restored_and_the_records_come_again(
    cluster: Any, database: Any, system: System, tmp_path: Path
) -> None:
    backup = f"{database.name}_backup"
    with system.start() as sandbox:

        def living() -> AbstractContextManager[World]:
            return make_world(
                database.application_url, database.owner_url, tmp_path,
                system=system.connector, secrets=system.secrets,
                settings=system.settings_of(sandbox.url),
            )  # fmt: skip

        with living() as world:
            world.accept(CLAIMS[:30])
            world.start_worker()
            come_to_rest(world, system)
        copy_database(cluster.superuser_url, database.name, backup)
        with living() as world:
            world.accept(CLAIMS[30:])
            world.start_worker()
            come_to_rest(world, system)
        copy_database(cluster.superuser_url, backup, database.name)
        with living() as world:
            world.accept(CLAIMS)
            world.start_worker()
            assert come_to_rest(world, system) == {"exported": len(CLAIMS)}
            prove(world, sandbox, CLAIMS)
    with psycopg.connect(cluster.superuser_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{backup}" WITH (FORCE)')


def test_without_look_up_a_doubtful_claim_waits_for_a_person(
    stage: MakeBoth, system: System
) -> None:
    world, sandbox = stage(delivery={"lookUp": False, "bookedWithinSeconds": 60.0})
    sandbox.faults({"kind": "lost_answer", "at": [1], **system.fault})
    world.accept(CLAIMS)
    world.start_worker()
    states = come_to_rest(world, system)
    assert states["needs_review"] >= 1
    assert max(posted(sandbox, world).values()) == 1


def test_one_bad_document_among_500_fails_alone(stage: MakeBoth, system: System) -> None:
    world, sandbox = stage(
        mapping={
            "categories": {"travel": {"account": "7140"}, "meal": {"account": "7140"}},
            "claimants": {"V666": "no-such-account"},
            "counterAccount": "2990",
            "missingClaimant": "clearing",
            "clearingAccount": "2990",
        }
    )
    bad = claim(250)
    bad = replace(bad, lines=(replace(bad.lines[0], cost_centre="9999"), bad.lines[1]))
    claims = [claim(number) for number in range(500) if number != 250] + [bad]
    world.accept(claims)
    world.start_worker()
    assert come_to_rest(world, system) == {"exported": 499, "failed": 1}
    ((source, reason),) = world.query(
        "SELECT source_id, reason FROM exports WHERE state = 'failed'"
    )
    assert source == bad.source_id
    assert reason["record"] == bad.source_id
    assert reason["field"] == "cost_centre"
    assert reason["line"] == 1
    assert "9999" in reason["message"]
    prove(world, sandbox, claims)
    within_limits(sandbox)


def _killed(world: World, system: System, at: str) -> None:
    doomed = world.start_worker(BILAG_CRASH_AT=at)
    until = time.monotonic() + 90
    while doomed.poll() is None:
        assert time.monotonic() < until, f"{at} was never reached: {world.states()}"
        world.move_clock(system.minutes * 60)
        world.exports.sync()
        time.sleep(0.3)
    assert doomed.returncode == -signal.SIGKILL


def _wait_until_stopped(pid: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
            return
        time.sleep(0.05)
    raise AssertionError("the worker never stopped")


def test_what_somebody_did_to_the_ledger_by_hand_is_named(stage: MakeBoth, system: System) -> None:
    world, sandbox = stage()
    world.accept(CLAIMS[:6])
    world.start_worker()
    assert come_to_rest(world, system) == {"exported": 6}
    with psycopg.connect(world.owner_url, autocommit=True) as connection:
        # what was posted a moment ago is left for the next time
        connection.execute("UPDATE exports SET exported_at = exported_at - interval '2 hours'")
    agreed = world.run("reconcile", "blindeforbundet", "--json")
    assert agreed.returncode == 0, agreed.stdout + agreed.stderr
    (one,) = json.loads(agreed.stdout)["reconciliations"]
    assert (one["lookedUp"], one["comparedByLines"]) == (6, 6)
    reference_of = dict(world.query("SELECT source_id, reference FROM exports"))
    for source, deed in (
        ("C000000", "delete"), ("C000001", "alter"), ("C000002", "double"), ("C000003", "reverse"),
    ):  # fmt: skip
        sandbox.meddle(reference_of[source], deed)
    found = world.run("reconcile", "blindeforbundet", "--json")
    assert found.returncode == 1, found.stdout + found.stderr
    (one,) = json.loads(found.stdout)["reconciliations"]
    assert {finding["sourceId"]: finding["kind"] for finding in one["findings"]} == {
        "C000000": "missing", "C000001": "altered", "C000002": "doubled", "C000003": "reversed",
    }  # fmt: skip
    assert world.states() == {"exported": 6}
