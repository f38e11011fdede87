"""Included data (C13), by what the accounting system ended up with, also while filters change."""

import signal
import time
from dataclasses import replace

from bilag.connectors.registry import CONNECTORS
from bilag.core.record import Record
from bilag.delivery.crash_points import CrashPoint
from bilag.delivery.included import IncludedRecords
from bilag.integrations.model import Filters
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.world import World, claim

WIDE = Filters()
NARROW = Filters(status="approved_and_paid")


def filters_of(world: World) -> IncludedRecords:
    return IncludedRecords(
        world.pool, world.queue, CONNECTORS, world.organization, actor="administrator-001"
    )


def claims(count: int) -> list[Record]:
    """Return claims of which every other one is paid in the app."""
    return [replace(claim(number), paid=number % 2 == 0) for number in range(count)]


def test_a_sync_does_what_the_preview_counted(world: World, sandbox: SandboxProcess) -> None:
    wanted = Filters.model_validate({"status": "approved_and_paid", "toAmount": "155"})
    every = claims(40)
    filters_of(world).change("ledger", NARROW)
    world.accept(every)
    counted = filters_of(world).preview("ledger", wanted).all
    assert counted.kept > 0
    filters_of(world).change("ledger", wanted)
    world.start_worker()
    assert world.wait_for(at_rest) == {"exported": counted.kept, "excluded": counted.dropped}
    assert len(posted(sandbox)) == counted.kept

    widened = filters_of(world).preview("ledger", WIDE)
    assert (widened.come_back, widened.leave) == (counted.dropped, 0)
    _, followed = filters_of(world).change("ledger", WIDE)
    assert followed.came_back == counted.dropped
    assert world.wait_for(lambda s: s == {"exported": 40}) == {"exported": 40}
    assert prove(world, sandbox, every) == {"exported": 40}


def test_what_filters_leave_out_is_logged_with_the_reason(world: World) -> None:
    filters_of(world).change("ledger", NARROW)
    world.accept(claims(2))
    world.start_worker()
    assert world.wait_for(at_rest) == {"exported": 1, "excluded": 1}
    ((reason, message),) = world.query(
        "SELECT e.reason ->> 'code', l.message FROM exports e JOIN sync_logs l"
        " ON l.export_id = e.id WHERE e.state = 'excluded'"
    )
    assert reason == "filter_not_paid"
    assert "paid" in message


def test_filters_that_change_while_a_sync_runs_lose_no_record(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery={"requestsInFlight": 4})
    sandbox.set(answer_after=0.02)
    every = claims(400)
    world.accept(every)
    world.start_worker()
    for round_ in range(8):
        time.sleep(0.15)
        filters_of(world).change("ledger", NARROW if round_ % 2 == 0 else WIDE)
    # the last change takes everything in: whatever an older sync was about to leave out goes too
    assert world.wait_for(lambda s: s == {"exported": 400}) == {"exported": 400}
    prove(world, sandbox, every)


def test_after_a_narrowing_nothing_that_is_left_out_is_sent(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery={"requestsInFlight": 4})
    sandbox.set(answer_after=0.1)
    every = claims(200)
    world.accept(every)
    world.start_worker()
    world.wait_for(lambda s: s.get("exported", 0) >= 8)
    filters_of(world).change("ledger", NARROW)
    ((on_the_way,),) = world.query(
        "SELECT count(*) FROM exports e JOIN records r ON r.id = e.record_id"
        " WHERE e.state IN ('sending', 'exported') AND NOT coalesce((r.content ->> 'paid')::bool,"
        " false)"
    )
    world.wait_for(at_rest)
    paid = {one.source_id for one in every if one.paid}
    unpaid_sent = [claim_id for claim_id in posted(sandbox) if claim_id not in paid]
    assert len(unpaid_sent) <= on_the_way
    assert paid <= set(posted(sandbox))


def test_killed_while_records_are_left_out(world: World, sandbox: SandboxProcess) -> None:
    filters_of(world).change("ledger", NARROW)
    every = claims(20)
    world.accept(every)
    doomed = world.start_worker(BILAG_CRASH_AT=f"{CrashPoint.AFTER_SET_ASIDE}:1")
    assert doomed.wait(30) == -signal.SIGKILL
    filters_of(world).change("ledger", WIDE)
    world.start_worker()
    assert world.wait_for(lambda s: s == {"exported": 20}) == {"exported": 20}
    prove(world, sandbox, every)
