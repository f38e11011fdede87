"""A system that takes vouchers now and books them later: each is followed until it is booked."""

from typing import Any

from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.world import World, claim

CLAIMS = [claim(number) for number in range(12)]
BOOKED = {"pointer": "/status", "equals": "posted"}
SUCCESS = {"voucherNumber": "/voucherNumber", "booked": BOOKED}
LOOK_UP = {
    "path": "/vouchers?reference={reference}",
    "hits": "/items",
    "reference": "/reference",
    "voucherNumber": "/voucherNumber",
    "booked": BOOKED,
}


def steps(world: World, source_id: str) -> list[tuple[Any, ...]]:
    """Return event and outcome of each logged step of a claim, repeated ones once."""
    rows = world.query("SELECT event, outcome FROM sync_logs WHERE source_id = %s ORDER BY id",
                       source_id)  # fmt: skip
    return [row for row, before in zip(rows, [None, *rows], strict=False) if row != before]


def test_what_is_booked_later_is_followed_until_then(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    sandbox.set(books_after=5)
    sandbox.faults({"kind": "lost_answer", "at": [3]})
    world = world_of(
        settings={"success": SUCCESS, "lookUp": LOOK_UP},
        delivery={"sendWithinSeconds": 1.0, "requestTimeoutSeconds": 1.0},
    )
    world.accept(CLAIMS)
    world.start_worker()
    world.wait_for(lambda states: states == {"accepted": len(CLAIMS) - 1, "in_doubt": 1})
    assert world.wait_for(at_rest) == {"exported": len(CLAIMS)}
    prove(world, sandbox, CLAIMS)
    numbers = {e["sourceId"]: (e["id"], e["voucherNumber"]) for e in sandbox.ledger()["entries"]}
    ours = "SELECT source_id, external_reference, external_voucher_number FROM exports"
    assert {source: known for source, *known in world.query(ours)} == {
        source: list(known) for source, known in numbers.items()
    }
    assert world.query("SELECT count(*) FROM exports WHERE exported_at IS NULL") == [(0,)]
    ((lost,),) = world.query("SELECT source_id FROM sync_logs WHERE outcome = 'unknown'")
    assert steps(world, lost) == [
        ("sent", "unknown"),
        ("looked_up", "staged"),
        ("looked_up", "posted"),
    ]


def test_what_is_gone_after_the_deadline_goes_to_a_person_and_what_waits_there_does_not(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    sandbox.set(books_after=3600)
    world = world_of(
        settings={"success": SUCCESS, "lookUp": LOOK_UP}, delivery={"bookedWithinSeconds": 2.0}
    )
    world.accept(CLAIMS[:2])
    world.start_worker()
    overdue = "SELECT 1 FROM exports WHERE now() - state_since > '3 seconds'"
    world.wait_for(lambda states: states == {"accepted": 2} and world.query(overdue) != [])
    assert world.states() == {"accepted": 2}, "it stands in the system's own queue"
    sandbox.faults({"kind": "status", "on": "read", "status": 503, "every": 1})
    failed = "SELECT 1 FROM exports WHERE reason ->> 'code' = 'look_up_failed'"
    world.wait_for(lambda _: world.query(failed) != [])
    assert world.states() == {"accepted": 2}, "a look-up that fails decides nothing"
    sandbox.reset()
    assert world.wait_for(at_rest) == {"needs_review": 2}
    assert world.query("SELECT DISTINCT reason ->> 'code' FROM exports") == [("not_booked",)]


def test_without_look_up_a_person_confirms_what_was_only_accepted(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    sandbox.set(books_after=3600)
    world = world_of(
        look_up=False, settings={"success": SUCCESS}, delivery={"bookedWithinSeconds": 2.0}
    )
    world.accept(CLAIMS[:2])
    world.start_worker()
    world.wait_for(lambda states: states == {"accepted": 2})
    assert world.wait_for(at_rest) == {"needs_review": 2}
    assert posted(sandbox).total() == 2
    assert steps(world, "C000001")[-1] == ("given_to_a_person", "not_booked")
