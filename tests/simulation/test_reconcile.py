"""E13: what somebody did to the ledger by hand is found and named, and changes no export."""

import asyncio
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from bilag.connectors.registry import CONNECTORS
from bilag.delivery.sync import prepare_connection
from bilag.integrations.key_sources import open_vault
from bilag.monitoring.job import last_night
from bilag.monitoring.reconcile import Ledgers, reconcile, turn
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest
from tests.simulation.test_force import LOOK_UP, deliver
from tests.simulation.world import World, claim

ORGANIZATION = "blindeforbundet"
# Only the amount: what is compared where a system names no lines.
BY_AMOUNT = {"lookUp": {k: v for k, v in LOOK_UP["lookUp"].items() if k != "lines"}}


def posted_world(world_of: MakeWorld, count: int, look_up: Any = LOOK_UP) -> World:
    world = world_of(settings=look_up)
    world.accept([claim(number) for number in range(count)])
    deliver(world)
    assert world.states() == {"exported": count}
    time.sleep(0.6)  # fresher ones are left for the next time
    return world


def references(world: World) -> list[str]:
    return [row[0] for row in world.query("SELECT reference FROM exports ORDER BY id")]


def run(world: World, *arguments: str) -> tuple[int, dict[str, Any]]:
    ran = world.run("reconcile", ORGANIZATION, "--json", *arguments)
    assert ran.stdout, ran.stderr
    (one,) = json.loads(ran.stdout)["reconciliations"]
    return ran.returncode, one


def kinds(one: dict[str, Any]) -> dict[str, str]:
    return {finding["sourceId"]: finding["kind"] for finding in one["findings"]}


def test_each_kind_of_meddling_is_named(world_of: MakeWorld, sandbox: SandboxProcess) -> None:
    world = posted_world(world_of, 8)
    code, one = run(world)
    assert (code, one["outcome"], one["lookedUp"]) == (0, "agrees", 8)
    assert (one["comparedByLines"], one["comparedByAmount"]) == (8, 0)
    named = references(world)
    sandbox.meddle(named[0], "delete")
    sandbox.meddle(named[1], "alter")
    sandbox.meddle(named[2], "alter", account="7150")
    sandbox.meddle(named[3], "double")
    sandbox.meddle(named[4], "reverse")
    world.query(
        "UPDATE exports SET state = 'needs_review' WHERE reference = ANY (%s)", [named[5], named[6]]
    )
    ids = dict(world.query("SELECT reference, id FROM exports"))
    world.exports.decide_export(ids[named[5]], to_state="cancelled", reason="not seen there")
    world.exports.decide_export(ids[named[6]], to_state="cancelled", reason="not seen there")
    sandbox.meddle(named[6], "delete")
    before = world.query("SELECT id, state, state_since, live, reason FROM exports ORDER BY id")

    code, one = run(world)

    assert (code, one["outcome"]) == (1, "found")
    assert kinds(one) == {
        "C000000": "missing", "C000001": "altered", "C000002": "altered", "C000003": "doubled",
        "C000004": "reversed", "C000005": "unexpected",
    }  # fmt: skip
    evidence = {finding["sourceId"]: finding["evidence"] for finding in one["findings"]}
    assert evidence["C000001"]["onlyThere"][-1] == {
        "account": "7140", "amount": "102", "costCentre": ""
    }  # fmt: skip
    assert evidence["C000002"]["onlyHere"][0]["account"] == "7140"
    assert evidence["C000003"]["hits"] == 2
    assert evidence["C000004"]["reversedBy"].endswith("-R")
    assert all(f["nextStep"] and "{" not in f["message"] for f in one["findings"])
    after = world.query("SELECT id, state, state_since, live, reason FROM exports ORDER BY id")
    assert after == before, "a finding changes no export"
    shown = world.run("reconcile", ORGANIZATION, "--language", "nb")
    assert shown.returncode == 1
    assert "missing" in shown.stdout
    assert "Finn ut i regnskapssystemet" in shown.stdout
    world.totals()


def test_without_lines_the_amount_is_compared(world_of: MakeWorld, sandbox: SandboxProcess) -> None:
    world = posted_world(world_of, 3, BY_AMOUNT)
    named = references(world)
    sandbox.meddle(named[0], "alter")
    sandbox.meddle(named[1], "alter", account="7150")
    code, one = run(world)
    assert code == 1
    assert kinds(one) == {"C000000": "altered"}, "the account of the other cannot be seen"
    assert one["comparedByAmount"] == 3
    assert one["findings"][0]["evidence"]["expectedAmount"] == "149.5"


def test_a_voucher_is_compared_with_the_mapping_it_was_sent_with(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = posted_world(world_of, 2)
    world.query(
        "INSERT INTO mapping_versions (organization_id, integration_id, version, field_mappings,"
        " created_by) SELECT organization_id, integration_id, 2, jsonb_set(field_mappings,"
        " '{categories,travel,account}', '\"7150\"'), 'test' FROM mapping_versions"
    )
    world.query("UPDATE organization_integrations SET mapping_version = 2")
    world.query('UPDATE organization_integrations SET filters = \'{"toDate": "2020-01-01"}\'')
    code, one = run(world)
    assert (code, one["outcome"], one["comparedByLines"]) == (0, "agrees", 2)


def test_a_claim_that_stands_under_two_generations_is_doubled(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = posted_world(world_of, 2)
    forced = [
        world.run(
            "force-export", ORGANIZATION, one, "--reason", "asked for", "--yes", "--although-posted"
        )
        for one in ("C000000", "C000001")
    ]
    assert [ran.returncode for ran in forced] == [0, 0], forced[0].stderr
    assert "is posted: voucher" in forced[0].stdout
    sandbox.meddle(references(world)[0], "delete")
    deliver(world)
    time.sleep(0.6)
    code, one = run(world)
    assert code == 1
    assert kinds(one) == {"C000001": "doubled"}, "the first one was replaced, and is gone there"


def test_a_look_up_that_fails_decides_nothing(world_of: MakeWorld, sandbox: SandboxProcess) -> None:
    world = posted_world(world_of, 3)
    sandbox.faults({"kind": "status", "status": 500, "on": "read"})
    code, one = run(world)
    assert (code, one["outcome"]) == (1, "cannot_tell")
    assert set(kinds(one).values()) == {"cannot_tell"}
    sandbox.clear_faults()
    world.query("UPDATE integration_runtime SET look_up_proven_at = NULL")
    for reference in references(world):
        sandbox.meddle(reference, "delete")
    code, one = run(world)
    assert one["outcome"] == "cannot_tell", "a search that has never found anything proves nothing"
    sandbox.stop()
    code, one = run(world)
    assert (code, one["counts"]) == (1, {"cannot_tell": 3})


def test_another_company_is_not_compared(world_of: MakeWorld, sandbox: SandboxProcess) -> None:
    world = posted_world(world_of, 2, {**LOOK_UP, "company": {"path": "/company"}})
    sandbox.set(company_id="888888888")
    code, one = run(world)
    assert (code, one["outcome"], one["reason"]["code"]) == (1, "stopped", "other_company")
    assert one["findings"] == []


def test_days_bound_what_is_compared(world_of: MakeWorld, sandbox: SandboxProcess) -> None:
    world = posted_world(world_of, 2)
    world.query("UPDATE exports SET exported_at = '2026-03-01T23:30:00Z' WHERE source_id='C000000'")
    assert run(world, "--from", "2026-03-02", "--to", "2026-03-02")[1]["lookedUp"] == 1
    assert run(world, "--to", "2026-03-01")[1]["lookedUp"] == 0
    assert world.run("reconcile", ORGANIZATION, "--from", "2026-03-03", "--to",
                     "2026-03-02").returncode == 2  # fmt: skip
    assert world.run("reconcile", ORGANIZATION, "--integration", "none").returncode == 4


def test_one_that_was_broken_off_is_gone_on_with(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    """Two sets; the process ends after the first, and a worker does the rest when it is asked."""
    world = posted_world(world_of, 230)
    named = references(world)
    sandbox.meddle(named[0], "delete")
    sandbox.meddle(named[229], "delete")
    asked = world.query(
        "INSERT INTO reconciliations (id, organization_id, integration_id, trigger)"
        " VALUES (gen_random_uuid(), %s, %s, 'asked') RETURNING id",
        world.organization, world.integration,
    )  # fmt: skip

    async def first_set() -> None:
        left = iter((True, False))
        vault = open_vault(world.home, {})
        ledgers = Ledgers(CONNECTORS, vault, lambda: next(left))
        async with await psycopg.AsyncConnection.connect(world.application_url) as connection:
            await prepare_connection(connection)
            async with turn(connection, world.integration) as ours:
                assert ours
                await reconcile(connection, ledgers, world.organization, world.integration)
                async with (
                    await psycopg.AsyncConnection.connect(
                        world.application_url, autocommit=True
                    ) as other,
                    turn(other, world.integration) as theirs,
                ):
                    assert not theirs, "two at once"

    asyncio.run(first_set())
    assert world.query("SELECT looked_up, outcome FROM reconciliations") == [(200, None)]
    world.start_worker()
    until = time.monotonic() + 40
    while world.query("SELECT outcome FROM reconciliations WHERE id = %s", asked[0][0]) != [
        ("found",)
    ]:
        assert time.monotonic() < until
        time.sleep(0.2)
    found = world.query(
        "SELECT e.source_id, f.kind FROM reconciliation_findings f"
        " JOIN exports e ON e.id = f.export_id ORDER BY f.id"
    )
    assert found == [("C000000", "missing"), ("C000229", "missing")]


def test_a_worker_that_is_killed_leaves_it_to_the_next(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = posted_world(world_of, 60)
    sandbox.meddle(references(world)[59], "delete")
    sandbox.faults({"kind": "slow", "on": "read", "seconds": 0.3})
    world.query(
        "INSERT INTO reconciliations (id, organization_id, integration_id, trigger)"
        " VALUES (gen_random_uuid(), %s, %s, 'asked')",
        world.organization, world.integration,
    )  # fmt: skip
    world.start_worker()
    doing = (
        "SELECT count(*) FROM procrastinate_jobs WHERE queue_name='reconcile' AND status='doing'"
    )
    until = time.monotonic() + 40
    while world.query(doing) != [(1,)]:
        assert time.monotonic() < until
        time.sleep(0.05)
    world.stop_workers()
    assert world.query("SELECT outcome FROM reconciliations") == [(None,)]
    sandbox.clear_faults()
    world.start_worker()
    while world.query("SELECT outcome FROM reconciliations") != [("found",)]:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert world.query("SELECT looked_up FROM reconciliations") == [(60,)]


def test_a_night_is_reconciled_once(world_of: MakeWorld, sandbox: SandboxProcess) -> None:
    world = posted_world(world_of, 2)
    world.start_worker()
    time.sleep(2)
    assert world.query("SELECT count(*) FROM reconciliations") == [(0,)], "nothing went out before"
    world.stop_workers()
    world.query("UPDATE syncs SET started_at = now() - interval '2 days'")
    sandbox.meddle(references(world)[1], "double")
    for _ in range(2):
        world.start_worker()
    until = time.monotonic() + 40
    while world.query("SELECT outcome, trigger FROM reconciliations") != [("found", "nightly")]:
        assert time.monotonic() < until, world.query("SELECT * FROM reconciliations")
        time.sleep(0.2)
    assert world.query("SELECT night - from_day FROM reconciliations") == [(35,)]
    world.stop_workers()


def test_what_is_found_cannot_be_changed(world_of: MakeWorld, sandbox: SandboxProcess) -> None:
    world = posted_world(world_of, 1)
    sandbox.meddle(references(world)[0], "delete")
    run(world)
    for statement in (
        "UPDATE reconciliations SET outcome = 'agrees'",
        "DELETE FROM reconciliations",
        "UPDATE reconciliation_findings SET kind = 'altered'",
        "DELETE FROM reconciliation_findings",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            world.query(statement)


def test_a_reconciliation_beside_deliveries_changes_nothing_of_them(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = posted_world(world_of, 100)
    sandbox.set(answer_after=0.05)
    world.accept([replace(claim(number), source_id=f"N{number}") for number in range(200)])
    world.start_worker()
    code, one = run(world)
    assert one["findings"] == []
    assert code == 0
    assert world.wait_for(at_rest) == {"exported": 300}
    assert sandbox.ledger(summary=True)["duplicateReferences"] == {}


def test_the_night_begins_at_three_in_oslo() -> None:
    at = datetime(2026, 7, 2, 0, 59, tzinfo=UTC)
    assert last_night(at).isoformat() == "2026-07-01T03:00:00+02:00"
    assert last_night(at + timedelta(minutes=1)).isoformat() == "2026-07-02T03:00:00+02:00"
