"""The same claims once more: imported again, as a higher revision, withdrawn, asked for twice."""

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from bilag.core.problem import Refused
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.world import World, claim

CLAIMS = [claim(number) for number in range(300)]


def test_imported_again_and_as_a_higher_revision(world: World, sandbox: SandboxProcess) -> None:
    world.accept(CLAIMS)
    world.start_worker()
    world.wait_for(at_rest)
    world.accept(CLAIMS)
    higher = [replace(c, revision=2, text="Corrected") for c in CLAIMS]
    world.accept(higher)
    states = world.wait_for(lambda s: "pending" not in s and "sending" not in s)
    assert states == {"exported": 300, "held": 300}, "a revision becomes a proposed correction"
    assert posted(sandbox).total() == 300
    rows = world.query(
        "SELECT DISTINCT kind, live, reason ->> 'code' FROM exports WHERE revision=2"
    )
    assert rows == [("correction", False, "correction_proposed")]
    world.totals()


def test_a_higher_revision_supersedes_what_was_not_sent(
    world: World, sandbox: SandboxProcess
) -> None:
    world.accept(CLAIMS[:20])
    world.accept([replace(c, revision=2, text="Second") for c in CLAIMS[:20]])
    world.start_worker()
    states = world.wait_for(at_rest)
    assert states == {"superseded": 20, "exported": 20}
    assert {e["text"] for e in sandbox.ledger()["entries"]} == {
        f"{c.source_id} Second" for c in CLAIMS[:20]
    }
    prove(world, sandbox, CLAIMS[:20])


def test_a_higher_revision_waits_for_what_is_in_flight(
    world: World, sandbox: SandboxProcess
) -> None:
    sandbox.faults({"kind": "lost_answer"}, {"kind": "status", "on": "read", "at": [1]})
    world.accept(CLAIMS[:2])
    world.start_worker()
    world.wait_for(lambda states: states == {"in_doubt": 2})
    world.accept([replace(c, revision=2, text="Second") for c in CLAIMS[:2]])
    assert world.states() == {"in_doubt": 2, "held": 2}
    states = world.wait_for(lambda states: states == {"exported": 2, "held": 2})
    assert posted(sandbox).total() == 2
    world.wait_for(
        lambda _: world.query("SELECT count(*) FROM exports WHERE kind = 'correction'") == [(2,)]
    )
    assert states["held"] == 2


def test_a_withdrawn_approval_cancels_or_proposes_a_reversal(
    world: World, sandbox: SandboxProcess
) -> None:
    world.accept(CLAIMS[:4])
    world.exports.withdraw_approval("app", "C000000")
    world.start_worker()
    world.wait_for(at_rest)
    assert posted(sandbox).keys() == {"C000001", "C000002", "C000003"}
    counts = world.exports.withdraw_approval("app", "C000001")
    assert counts == {"cancelled": 0, "inFlight": 0, "reversalsProposed": 1}
    assert world.exports.withdraw_approval("app", "C000001")["reversalsProposed"] == 0  # type: ignore[index]
    assert world.exports.withdraw_approval("app", "unknown") is None
    assert world.states() == {"cancelled": 1, "exported": 3, "held": 1}
    world.totals()


def test_ten_thousand_ids_asked_for_twice_at_once(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(delivery={"trigger": "manual"})
    claims = [claim(number) for number in range(10_000)]
    world.accept(claims)
    ids = [c.source_id for c in claims] + ["unknown"]
    answers: list[Any] = []

    def ask() -> None:
        answers.append(world.exports.batch_export(ids, "rest"))

    _twice(ask)
    for answer in answers:
        assert [a.result for a in answer] == ["queued"] * 10_000 + ["not_found"]
    sandbox.faults({"kind": "status", "status": 400, "every": 2})
    world.start_worker()
    states = world.wait_for(at_rest)
    assert states == {"exported": 5000, "failed": 5000}
    sandbox.clear_faults()
    requeued: list[list[int]] = []
    _twice(lambda: requeued.append(world.exports.retry_failed_exports()))
    assert len(requeued[0]) + len(requeued[1]) == 5000
    assert not set(requeued[0]) & set(requeued[1])
    assert world.wait_for(at_rest) == {"exported": 10_000}
    prove(world, sandbox, claims)
    again = world.exports.batch_export(ids[:10], "rest")
    assert {a.result for a in again} == {"already_exported"}
    assert all(a.run_id and a.exported_at for a in again)


def test_asked_for_again_while_it_is_under_way(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of()
    sandbox.set(answer_after=0.3)
    claims = [claim(number) for number in range(127)]
    unmapped = replace(claim(500), lines=(replace(claim(500).lines[0], type="unheard-of"),))
    world.accept([*claims, unmapped])
    world.start_worker()
    until = time.monotonic() + 3
    while time.monotonic() < until:
        world.exports.export_expense(claims[-1].source_id, "rest")
        time.sleep(0.02)
    states = world.wait_for(lambda s: not {"pending", "sending", "in_doubt"} & set(s))
    assert states == {"exported": 127, "held": 1}
    assert posted(sandbox).most_common(1)[0][1] == 1
    numbers = sorted(n for (n,) in world.query("SELECT voucher_number FROM exports"
                                               " WHERE state = 'exported'"))  # fmt: skip
    assert numbers == list(range(1, 128)), "a number was lost without a word"


def test_two_revisions_that_arrive_at_once_leave_the_newer_one(world: World) -> None:
    for number in range(10):
        older, newer = claim(number), replace(claim(number), revision=2, text="Second")
        threads = [
            threading.Thread(target=world.accept, args=([record],)) for record in (older, newer)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    live = world.query("SELECT DISTINCT revision FROM exports WHERE live")
    assert live == [(2,)]


def test_a_reversal_is_proposed_again_after_a_correction_was_withdrawn(
    world: World, sandbox: SandboxProcess
) -> None:
    world.accept([claim(1)])
    world.start_worker()
    world.wait_for(at_rest)
    world.exports.withdraw_approval("app", "C000001")
    world.accept([replace(claim(1), revision=2, text="Second")])
    counts = world.exports.withdraw_approval("app", "C000001")
    assert counts is not None
    waiting = world.query("SELECT kind FROM exports WHERE state = 'held'")
    assert waiting == [("reversal",)], "the voucher stands, so somebody has to take it back"


def test_records_are_refused_while_there_is_no_route(world: World) -> None:
    world.query("UPDATE organization_integrations SET is_route = false")
    with pytest.raises(Refused, match="no integration"):
        world.accept([claim(1)])
    assert world.query("SELECT count(*) FROM records") == [(0,)]


def _twice(verb: Any) -> None:
    threads = [threading.Thread(target=verb) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
