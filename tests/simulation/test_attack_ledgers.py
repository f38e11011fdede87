"""What an attack on the staged engine and on both ledgers found, each on the sandbox's own ledger.

Every case is one way in which a claim was doubled, lost or shown in a wrong state.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.connectors.registry import CONNECTORS
from bilag.delivery.force import ForcedExports
from bilag.integrations.key_sources import open_vault
from bilag.integrations.model import integration_id
from bilag.integrations.store import get_integration, save_integration, save_mapping
from bilag.tenants.scope import organization_scope
from tests.sandboxes import SandboxProcess
from tests.simulation.proof import posted, prove
from tests.simulation.systems import BUSINESS_CENTRAL, REST, XLEDGER, System
from tests.simulation.test_two_ledgers import come_to_rest, prove_look_up
from tests.simulation.world import MAPPING, World, claim, make_world

# An account that is not there yet, in an import that refuses only in booking, ten minutes later.
MAPPING_7141 = {
    **MAPPING,
    "categories": {"travel": {"account": "7141"}, "meal": {"account": "7141"}},
}
REFUSES_LATER = {"books_after": 600.0, "validation": "booking", "remove_items": True}
REMOVES = {"lookUp": {"entryLines": True, "errorLink": "dbId", "removeItems": True}}
Stage = Callable[..., tuple[World, SandboxProcess]]


@pytest.fixture
def stage(database: Any, tmp_path: Path) -> Iterator[Stage]:
    """Return a function that starts a system's sandbox and an organization that posts to it."""
    opened: list[Any] = []

    def make(
        system: System,
        options: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        **changes: Any,
    ) -> tuple[World, SandboxProcess]:
        sandbox = system.start(**(options or {}))
        opened.append(sandbox)
        manager = make_world(
            database.application_url, database.owner_url, tmp_path,
            system=system.connector, secrets=system.secrets,
            settings=system.settings_of(sandbox.url, **(settings or {})), **changes,
        )  # fmt: skip
        world = manager.__enter__()
        opened.append(manager)
        return world, sandbox

    yield make
    for item in reversed(opened):
        item.__exit__(None, None, None)


def deliver(world: World, system: System) -> dict[str, int]:
    """Let the system's waits pass, and run one worker until nothing is due."""
    world.move_clock(max(system.minutes, 30) * 60)
    assert world.start_worker("--once").wait(120) == 0
    return world.states()


def as_owner(world: World, statement: str) -> None:
    with psycopg.connect(world.owner_url, autocommit=True) as connection:
        connection.execute(statement)


def waiting_lines(sandbox: SandboxProcess, world: World) -> list[str]:
    """Return the references whose lines stand in a journal and are not posted."""
    ours = {row[0] for row in world.query("SELECT reference FROM exports")}
    return [
        line["documentNumber"]
        for journal in sandbox.journals()["journals"]
        for line in journal["lines"]
        if line["documentNumber"] in ours
    ]


def end_pause(world: World) -> None:
    as_owner(world, "UPDATE integration_runtime SET paused_until = NULL, breaker_retry_at = NULL")
    as_owner(world, "UPDATE exports SET due_at = now() WHERE state = 'pending'")


def test_a_staged_claim_is_not_called_accepted_while_the_integration_is_paused(
    stage: Stage,
) -> None:
    world, sandbox = stage(BUSINESS_CENTRAL, settings={"documentsPerJournal": 1})
    prove_look_up(world, BUSINESS_CENTRAL)
    sandbox.faults(
        {"kind": "error_before", "on": "post", "at": [1]},
        {"kind": "too_many", "on": "post", "at": [2], "retryAfter": "3600"},
    )
    world.accept([claim(1), claim(2)])
    deliver(world, BUSINESS_CENTRAL)
    assert "in_doubt" in world.states()

    world.move_clock(25 * 60)
    world.exports.sync()
    states = deliver(world, BUSINESS_CENTRAL)

    assert "accepted" not in states, states
    end_pause(world)
    world.start_worker()
    assert come_to_rest(world, BUSINESS_CENTRAL) == {"exported": 3}
    prove(world, sandbox, [claim(1), claim(2), claim(9000)])


def test_what_a_person_sends_on_after_too_many_attempts_is_posted(stage: Stage) -> None:
    world, sandbox = stage(BUSINESS_CENTRAL, delivery={"retry": {"attemptsMax": 2}})
    prove_look_up(world, BUSINESS_CENTRAL)
    sandbox.faults({"kind": "error_before", "on": "post"})
    world.accept([claim(1)])
    for _ in range(3):
        states = deliver(world, BUSINESS_CENTRAL)
    assert states == {"exported": 1, "needs_review": 1}
    sandbox.clear_faults()

    ((export, reason),) = world.query(
        "SELECT id, reason ->> 'code' FROM exports WHERE state = 'needs_review'"
    )
    assert reason == "staged_too_often"
    world.exports.decide_export(export, to_state="pending", reason="the draft looks right")
    world.start_worker()

    assert come_to_rest(world, BUSINESS_CENTRAL) == {"exported": 2}
    prove(world, sandbox, [claim(1), claim(9000)])


def test_a_claim_withdrawn_after_a_resume_that_was_turned_away_leaves_no_draft(
    stage: Stage,
) -> None:
    world, sandbox = stage(BUSINESS_CENTRAL)
    prove_look_up(world, BUSINESS_CENTRAL)
    sandbox.faults(
        {"kind": "error_before", "on": "post", "at": [1]},
        {"kind": "too_many", "on": "post", "at": [2], "retryAfter": "3600"},
    )
    world.accept([claim(1)])
    deliver(world, BUSINESS_CENTRAL)
    deliver(world, BUSINESS_CENTRAL)
    assert waiting_lines(sandbox, world)

    world.exports.withdraw_approval("app", claim(1).source_id)
    end_pause(world)
    sandbox.clear_faults()
    world.start_worker()
    come_to_rest(world, BUSINESS_CENTRAL)

    assert world.states() == {"exported": 1, "cancelled": 1}
    assert not waiting_lines(sandbox, world), "a withdrawn claim is left for anybody to post"


def test_a_claim_sent_on_without_look_up_is_not_staged_a_second_time(stage: Stage) -> None:
    world, sandbox = stage(BUSINESS_CENTRAL, delivery={"lookUp": False})
    sandbox.faults({"kind": "error_before", "on": "post", "at": [1]})
    world.accept([claim(1)])
    deliver(world, BUSINESS_CENTRAL)
    assert deliver(world, BUSINESS_CENTRAL) == {"needs_review": 1}
    world.accept([claim(2)])

    ((export,),) = world.query("SELECT id FROM exports WHERE state = 'needs_review'")
    world.exports.decide_export(export, to_state="pending", reason="it is not in the ledger")
    world.start_worker()
    come_to_rest(world, BUSINESS_CENTRAL)

    prove(world, sandbox, [claim(1), claim(2)])
    assert not waiting_lines(sandbox, world), "the first try is left for anybody to post"


def test_a_draft_that_is_read_in_parts_keeps_all_its_vouchers(stage: Stage) -> None:
    world, sandbox = stage(BUSINESS_CENTRAL, settings={"mode": "draft", "documentsPerJournal": 150})
    claims = [claim(number) for number in range(300)]
    world.accept(claims)
    deliver(world, BUSINESS_CENTRAL)
    assert world.states() == {"accepted": 300}
    before = sorted(waiting_lines(sandbox, world))
    assert len(before) == 900

    assert world.run("restored", "--yes").returncode == 0
    for _ in range(6):
        deliver(world, BUSINESS_CENTRAL)

    assert world.states() == {"accepted": 300}
    assert sorted(waiting_lines(sandbox, world)) == before


def test_a_withdrawn_claim_that_was_refused_in_booking_is_never_sent_again(stage: Stage) -> None:
    world, sandbox = stage(XLEDGER, REFUSES_LATER, REMOVES, mapping=MAPPING_7141)
    world.accept([claim(1)])
    deliver(world, XLEDGER)
    assert world.states() == {"accepted": 1}
    world.exports.withdraw_approval("app", claim(1).source_id)
    sandbox.set(books_after=0.0)
    deliver(world, XLEDGER)

    sandbox.add_master_data(accounts={"7141": "Travel too"})
    world.exports.retry_failed_exports()
    for _ in range(3):
        deliver(world, XLEDGER)

    assert not posted(sandbox, world), "the approval was withdrawn"
    assert set(world.states()) == {"cancelled"}


def test_a_revision_after_a_refused_booking_is_what_goes_out(stage: Stage) -> None:
    world, sandbox = stage(XLEDGER, REFUSES_LATER, REMOVES, mapping=MAPPING_7141)
    world.accept([claim(1)])
    deliver(world, XLEDGER)
    assert world.states() == {"accepted": 1}
    world.accept([claim(1, amount="20.00", revision=2)])
    sandbox.set(books_after=0.0)
    deliver(world, XLEDGER)

    sandbox.add_master_data(accounts={"7141": "Travel too"})
    for _ in range(3):
        world.exports.retry_failed_exports()
        deliver(world, XLEDGER)

    amounts = [entry["amount"] for entry in sandbox.ledger()["entries"]]
    assert amounts == ["69.50"], world.query("SELECT revision, kind, state, reason FROM exports")


def test_what_was_posted_under_a_number_series_is_not_sent_again(stage: Stage) -> None:
    world, sandbox = stage(BUSINESS_CENTRAL, delivery={"retry": {"attemptsMax": 3}})
    prove_look_up(world, BUSINESS_CENTRAL)
    sandbox.set(posting_number_series=True)
    sandbox.faults({"kind": "lost_answer", "on": "post", "at": [1]})
    world.accept([claim(1)])
    world.start_worker()

    assert come_to_rest(world, BUSINESS_CENTRAL) == {"exported": 1, "needs_review": 1}
    assert [entry["amount"] for entry in sandbox.ledger()["entries"]] == ["149.5", "150.5"]


def test_a_claim_is_looked_for_in_the_system_it_was_sent_to(stage: Stage) -> None:
    world, _ = stage(XLEDGER)
    world.accept([claim(1)])
    for _ in range(2):
        deliver(world, XLEDGER)
    assert world.states() == {"exported": 1}
    other = REST.start()
    try:
        _move_route(world, REST.settings_of(other.url))
        with world.queue.open():
            verbs = ForcedExports(
                world.pool, world.queue, CONNECTORS, open_vault(world.home, {}),
                world.organization, actor="anne",
            )  # fmt: skip
            ((export,),) = world.query("SELECT id FROM exports")
            (seen,) = verbs.evidence(export).seen
        assert (seen.result, seen.hits) == ("posted", 1)
    finally:
        other.stop()


def _move_route(world: World, settings: dict[str, Any]) -> None:
    """Let another system take the claims of the book from now on."""
    with (
        world.pool.connection() as connection,
        organization_scope(connection, world.organization),
    ):
        old = get_integration(connection, world.organization, "ledger")
        assert old is not None
        save_integration(connection, replace(old, is_route=False))
        new = replace(
            old, id=integration_id(world.organization, "other"), key="other", name="Other",
            type="rest", settings=settings,
        )  # fmt: skip
        save_integration(connection, new)
        save_mapping(connection, world.organization, new.id, MAPPING, "test")


def test_a_claim_that_lies_in_a_draft_is_not_called_accepted_when_it_is_retried(
    stage: Stage,
) -> None:
    world, sandbox = stage(BUSINESS_CENTRAL, delivery={"retry": {"attemptsMax": 1}})
    prove_look_up(world, BUSINESS_CENTRAL)
    sandbox.faults({"kind": "error_before", "on": "post", "at": [1]})
    world.accept([claim(1)])
    for _ in range(2):
        states = deliver(world, BUSINESS_CENTRAL)
    assert states == {"exported": 1, "needs_review": 1}

    ((export,),) = world.query("SELECT id FROM exports WHERE state = 'needs_review'")
    world.exports.decide_export(export, to_state="failed", reason="the account is wrong")
    world.exports.retry_failed_exports()
    assert deliver(world, BUSINESS_CENTRAL) == {"exported": 1, "needs_review": 1}

    ((code,),) = world.query("SELECT reason ->> 'code' FROM exports WHERE state = 'needs_review'")
    assert code == "staged_unknown"
    assert len(waiting_lines(sandbox, world)) == 3
