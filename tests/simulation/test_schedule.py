"""Schedules, pauses and switching off, by what the accounting system ended up with (C6, C14).

Nobody waits for seven o'clock: the rows that hold the next time are moved instead.
"""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from bilag.core.clock import utc_now
from bilag.delivery.configured import ConfiguredIntegrations
from bilag.delivery.queue import start_due_runs
from bilag.delivery.sync import prepare_connection
from bilag.integrations.timetable import Timetable
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.world import World, claim

ORGANIZATION = "blindeforbundet"
CLAIMS = [claim(number) for number in range(20)]
# Far from now, whenever the tests are run: the run comes only when a test moves it.
AWAY = f"{(utc_now().astimezone(ZoneInfo('Europe/Oslo')) + timedelta(hours=12)):%H:%M}"
DAILY = {"trigger": "daily", "schedule": {"at": AWAY}}
# One request at a time, and a system that takes its time: a sync that can be watched.
SLOW = {"requestsInFlight": 1, "requestTimeoutSeconds": 10.0, "sendWithinSeconds": 10.0}
A_WHILE = 2.5  # seconds in which a worker would certainly have found what is due


def come(world: World, ago: float = 1) -> None:
    """Let the next run of the schedule come."""
    world.query("UPDATE integration_runtime SET next_run_at = now() - %s * interval '1 s'", ago)


def hold(world: World, start: float, end: float) -> None:
    """Put a pause from so many seconds from now until so many."""
    world.query(
        "UPDATE integration_runtime SET hold_from = now() + %s * interval '1 s',"
        " hold_until = now() + %s * interval '1 s'",
        start,
        end,
    )


def runs(world: World) -> list[str]:
    """Return what started each sync that sent or asked for anything, oldest first."""
    return [row[0] for row in world.query("SELECT trigger FROM syncs ORDER BY started_at")]


def configured(world: World) -> ConfiguredIntegrations:
    return ConfiguredIntegrations(world.pool, world.queue, world.organization, actor="test")


def count(name: str) -> Callable[[dict[str, int]], bool]:
    """Return a test of states for `wait_for`: at least three in this one."""
    return lambda states: states.get(name, 0) >= 3


def slow_down(sandbox: SandboxProcess, seconds: float = 0.15) -> None:
    sandbox.faults({"kind": "slow", "seconds": seconds, "every": 1})


def test_fresh_records_go_in_the_runs_of_the_schedule_only(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery=DAILY)
    world.accept(CLAIMS)
    world.start_worker()
    time.sleep(A_WHILE)
    assert world.states() == {"pending": len(CLAIMS)}
    come(world)
    assert world.wait_for(at_rest) == {"exported": len(CLAIMS)}
    world.accept([claim(100)])
    time.sleep(A_WHILE)
    assert world.states() == {"exported": len(CLAIMS), "pending": 1}, "it waits for the next run"
    assert runs(world).count("schedule") == 1
    ((next_run_at, now),) = world.query("SELECT next_run_at, now() FROM integration_runtime")
    assert timedelta(0) < next_run_at - now < timedelta(hours=13)
    world.exports.sync()
    assert world.wait_for(at_rest) == {"exported": len(CLAIMS) + 1}, "a person's wish goes at once"
    prove(world, sandbox, [*CLAIMS, claim(100)])


def test_a_run_that_finds_nothing_is_a_sync_all_the_same(world_of: MakeWorld) -> None:
    world = world_of(delivery=DAILY)
    come(world)
    world.run("worker", "--once")
    assert runs(world) == ["schedule"]
    assert world.query("SELECT last_sync_outcome FROM integration_runtime") == [("ok",)]
    world.accept([claim(1)])
    world.run("worker", "--once")
    assert world.states() == {"pending": 1}, "the first of all exports came after the run"


def test_what_was_missed_is_caught_up_once(world_of: MakeWorld, sandbox: SandboxProcess) -> None:
    world = world_of(delivery=DAILY)
    world.accept(CLAIMS)
    come(world, ago=3 * 86400)  # no worker for three days
    for _ in range(3):
        world.start_worker()
    assert world.wait_for(at_rest) == {"exported": len(CLAIMS)}
    time.sleep(A_WHILE)
    assert runs(world).count("schedule") == 1
    prove(world, sandbox, CLAIMS)


async def started_at_once(world: World, workers: int) -> list[int]:
    async def one() -> int:
        async with await psycopg.AsyncConnection.connect(world.application_url) as connection:
            await prepare_connection(connection)
            return await start_due_runs(connection)

    return list(await asyncio.gather(*(one() for _ in range(workers))))


def test_workers_start_a_run_once_and_a_clock_set_back_starts_it_no_more(
    world_of: MakeWorld,
) -> None:
    world = world_of(delivery=DAILY)
    come(world)
    assert sorted(asyncio.run(started_at_once(world, 8))) == [0] * 7 + [1]
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE args ->> 'trigger' = 'schedule'"
    assert world.query(jobs) == [(1,)]
    assert sum(asyncio.run(started_at_once(world, 4))) == 0
    # A clock that is set back by two hours: what is stored lies two hours further ahead of it.
    world.query("UPDATE integration_runtime SET next_run_at = next_run_at + interval '2 hours'")
    assert sum(asyncio.run(started_at_once(world, 4))) == 0
    assert world.query(jobs) == [(1,)]


def test_a_schedule_that_cannot_be_followed_any_more_holds_no_other_up(world_of: MakeWorld) -> None:
    broken, sound = world_of(delivery=DAILY), world_of(delivery=DAILY, slug="hlf")
    broken.query(
        "UPDATE organization_integrations"
        " SET delivery = jsonb_set(delivery, '{schedule,timeZone}', '\"Europe/Nowhere\"')"
    )
    come(broken)
    come(sound)
    assert asyncio.run(started_at_once(sound, 1)) == [1]
    assert sound.query("SELECT args ->> 'organization_id' FROM procrastinate_jobs") == [
        (str(sound.organization),)
    ]


def test_the_end_of_a_pause_leaves_the_next_run_as_it_is(world_of: MakeWorld) -> None:
    world = world_of(delivery=DAILY)
    plan = "SELECT next_run_at, hold_from, run_through FROM integration_runtime"
    before = world.query(plan)
    hold(world, -3600, 0)
    assert asyncio.run(started_at_once(world, 1)) == [0]
    assert world.query(plan) == before
    come(world, ago=5 * 86400)
    assert asyncio.run(started_at_once(world, 1)) == [1]
    assert world.query(plan) == before, "however much was missed, it goes on as before"


def test_what_was_attempted_follows_its_own_times_in_a_pause_too(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery=DAILY)
    sandbox.faults({"kind": "too_many", "at": [1], "retryAfter": "2"})
    world.accept([claim(1)])
    world.start_worker()
    come(world)
    world.wait_for(lambda _: bool(world.query("SELECT 1 FROM sync_logs")))
    assert world.states() == {"pending": 1}
    world.accept([claim(2)])
    hold(world, -1, 3600)
    assert world.wait_for(lambda states: "exported" in states) == {"exported": 1, "pending": 1}
    assert posted(sandbox) == {"C000001": 1}


def test_a_retry_is_no_wish_for_all_that_waits(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery=DAILY)
    sandbox.faults({"kind": "status", "status": 400, "at": [1]})
    world.accept([claim(1)])
    world.start_worker()
    come(world)
    world.wait_for(lambda states: states == {"failed": 1})
    world.accept([claim(2)])
    assert len(world.exports.retry_failed_exports()) == 1
    assert world.wait_for(lambda states: "exported" in states) == {"exported": 1, "pending": 1}
    time.sleep(A_WHILE)
    assert posted(sandbox) == {"C000001": 1}


@pytest.mark.parametrize("delivery", [DAILY, {"trigger": "on_approval"}])
def test_a_pause_stops_a_running_sync_at_the_next_record_and_what_waits_goes_once(
    world_of: MakeWorld, sandbox: SandboxProcess, delivery: dict[str, Any]
) -> None:
    world = world_of(delivery={**delivery, **SLOW})
    slow_down(sandbox)
    world.accept(CLAIMS)
    come(world) if delivery is DAILY else None
    world.start_worker()
    world.wait_for(count("exported"))
    hold(world, -1, 3600)
    world.wait_for(lambda states: set(states) == {"exported", "pending"})
    stopped = world.states()
    assert stopped["pending"] >= len(CLAIMS) // 2, "it stopped at once"
    time.sleep(A_WHILE)
    assert world.states() == stopped, "nothing fresh goes in a pause"
    outcomes = world.query("SELECT outcome, message FROM syncs WHERE outcome = 'pause_window'")
    assert len(outcomes) == 1
    assert "Pause i planen" in outcomes[0][1]
    world.exports.sync()
    time.sleep(A_WHILE)
    assert world.states() == stopped, "whoever asks"
    sandbox.clear_faults()
    hold(world, -3600, 0)
    assert world.wait_for(at_rest) == {"exported": len(CLAIMS)}
    assert runs(world).count("schedule") <= 1
    prove(world, sandbox, CLAIMS)


def test_a_pause_that_began_while_no_worker_ran_is_known_before_anything_goes(
    world_of: MakeWorld,
) -> None:
    today = f"{utc_now() - timedelta(days=1):%Y-%m-%d}"
    until = f"{utc_now() + timedelta(days=2):%Y-%m-%d}"
    world = world_of(delivery={"schedule": {"pauses": [{"from": today, "to": until}]}})
    hold(world, -7200, -3600)  # what the last worker knew of: a pause that is over
    world.accept(CLAIMS)
    world.run("worker", "--once")
    assert world.states() == {"pending": len(CLAIMS)}
    status = world.run("status", "--json")
    (one,) = json.loads(status.stdout)["organizations"][0]["integrations"]
    assert one["condition"] == "pause_window"
    assert one["pausedUntil"] > until
    assert "schedule pauses until" in world.run("status").stdout


def test_another_schedule_begins_anew(world_of: MakeWorld, sandbox: SandboxProcess) -> None:
    world = world_of(delivery=DAILY)
    come(world, ago=3600)
    world.accept([claim(1)])
    configured(world).reschedule("ledger", "daily", Timetable(at=AWAY, time_zone="Europe/London"))
    world.start_worker()
    time.sleep(A_WHILE)
    assert world.states() == {"pending": 1}, "the old schedule's run is not made up"
    configured(world).reschedule("ledger", "on_approval", Timetable())
    assert world.wait_for(at_rest) == {"exported": 1}
    ((next_run_at,),) = world.query("SELECT next_run_at FROM integration_runtime")
    assert next_run_at is None


def test_switching_off_stops_at_the_next_record_and_keeps_the_queue(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery=SLOW)
    slow_down(sandbox, 1.0)  # a command takes seconds on a busy machine
    world.accept(CLAIMS)
    world.start_worker()
    world.wait_for(count("exported"))
    off = world.run("disable", ORGANIZATION, "ledger")
    assert "ledger is off" in off.stdout, off.stderr
    stopped = world.wait_for(lambda states: set(states) == {"exported", "pending"})
    assert stopped["pending"] > 0
    world.accept([claim(100)])
    time.sleep(A_WHILE)
    assert world.states() == {**stopped, "pending": stopped["pending"] + 1}
    sandbox.clear_faults()
    assert f"{stopped['pending'] + 1} pending" in world.run("enable", ORGANIZATION, "ledger").stdout
    assert world.wait_for(at_rest) == {"exported": len(CLAIMS) + 1}
    events = world.query("SELECT detail FROM change_logs WHERE event = 'integration.changed'")
    assert [event["enabled"]["after"] for (event,) in events] == ["false", "true"]
    prove(world, sandbox, [*CLAIMS, claim(100)])


def test_switched_on_again_a_schedule_sends_with_its_next_run(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery={**DAILY, **SLOW})
    slow_down(sandbox)
    world.accept(CLAIMS)
    come(world)
    world.start_worker()
    world.wait_for(count("exported"))
    configured(world).switch("ledger", enabled=False)
    stopped = world.wait_for(lambda states: set(states) == {"exported", "pending"})
    come(world)
    time.sleep(A_WHILE)
    sandbox.clear_faults()
    configured(world).switch("ledger", enabled=True)
    time.sleep(A_WHILE)
    assert world.states() == stopped, "the run while it was off has passed by"
    come(world)
    assert world.wait_for(at_rest) == {"exported": len(CLAIMS)}
    prove(world, sandbox, CLAIMS)
