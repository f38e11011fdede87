"""E12: what stands there is shown, confirmed and logged; one generation is under way at a time."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bilag.connectors.registry import CONNECTORS
from bilag.core.problem import Refused
from bilag.delivery.force import CONFIRM_SECONDS_MAX, ForcedExports
from bilag.delivery.worker import make_sync_queue
from bilag.exports.decide import DecisionRefused
from bilag.integrations.key_sources import open_vault
from bilag.tenants.organizations import read_organization, save_organization
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import posted
from tests.simulation.world import World, claim

LOOK_UP = {
    "lookUp": {
        "path": "/vouchers?reference={reference}",
        "hits": "/items",
        "reference": "/reference",
        "voucherNumber": "/voucherNumber",
        "amount": "/amount",
        "lines": "/lines",
        "reversedBy": "/reversedBy",
    }
}

Verbs = Callable[[str], ForcedExports]


@pytest.fixture
def world(world_of: MakeWorld) -> World:
    """A world with one posted claim and no worker."""
    world = world_of(settings=LOOK_UP)
    world.accept([claim(1)])
    deliver(world)
    assert world.states() == {"exported": 1}
    return world


@pytest.fixture
def verbs(world: World) -> Iterator[Verbs]:
    queue = make_sync_queue(world.application_url)
    with queue.open():
        vault = open_vault(world.home, {})
        yield lambda actor: ForcedExports(
            world.pool, queue, CONNECTORS, vault, world.organization, actor=actor
        )


def deliver(world: World) -> None:
    process = world.start_worker("--once")
    assert process.wait(60) == 0


def export_id(world: World, generation: int = 1) -> int:
    return int(world.query("SELECT id FROM exports WHERE generation = %s", generation)[0][0])


def rows(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT generation, kind, state, live FROM exports ORDER BY generation")


def force(world: World, verbs: ForcedExports, reason: str = "deleted there by mistake") -> int:
    current = int(world.query("SELECT id FROM exports WHERE live")[0][0])
    evidence = verbs.evidence(current)
    return verbs.force(current, reason=reason, confirmation=evidence.confirmation).export_id


@contextlib.contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(DecisionRefused) as caught:
        yield
    assert caught.value.problem.code == code


def test_a_deleted_voucher_is_sent_again_under_a_reference_of_its_own(
    world: World, verbs: Verbs, sandbox: SandboxProcess
) -> None:
    (reference,) = world.query("SELECT reference FROM exports")[0]
    (seen,) = verbs("anne").evidence(export_id(world)).seen
    assert (seen.result, seen.amount, seen.hits) == ("posted", Decimal("150.50"), 1)
    sandbox.meddle(reference, "delete")
    (seen,) = verbs("anne").evidence(export_id(world)).seen
    assert seen.result == "absent"

    forced = force(world, verbs("anne"))

    assert rows(world) == [(1, "original", "exported", False), (2, "forced", "pending", True)]
    deliver(world)
    assert rows(world)[1] == (2, "forced", "exported", True)
    (entry,) = sandbox.ledger()["entries"]
    assert entry["reference"] != reference
    ((actor, event, subject, detail),) = world.query(
        "SELECT actor, event, subject, detail FROM change_logs WHERE event LIKE 'export.force%%'"
    )
    assert (actor, event, subject) == ("anne", "export.forced", f"export {forced}")
    assert detail["reason"] == "deleted there by mistake"
    assert detail["evidence"]["seen"][0]["result"] == "absent"
    totals = {(row.listing, row.state): row.count for row in world.totals()}
    assert totals == {("current", "approved"): 1, ("current", "exported"): 1,
                      ("forced", "exported"): 1}  # fmt: skip


def test_a_confirmation_is_of_what_was_seen_by_whom_and_when(
    world: World, verbs: Verbs, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = export_id(world)
    evidence = verbs("anne").evidence(one)
    for actor, confirmation in (("bent", evidence.confirmation), ("anne", "9999999999.abc")):
        with refused("force_evidence_changed"):
            verbs(actor).force(one, reason="x", confirmation=confirmation)
    for nonsense in ("", "soon", "-1.x", "1.x"):
        with refused("force_confirmation_old"):
            verbs("anne").force(one, reason="x", confirmation=nonsense)
    (reference,) = world.query("SELECT reference FROM exports")[0]
    sandbox.meddle(reference, "reverse")
    with refused("force_evidence_changed"):
        verbs("anne").force(one, reason="x", confirmation=evidence.confirmation)
    (seen,) = verbs("anne").evidence(one).seen
    assert seen.reversed_by.endswith("-R")
    fresh = verbs("anne").evidence(one).confirmation
    with monkeypatch.context() as later:
        then = float(fresh.partition(".")[0]) + 1
        later.setattr("bilag.delivery.force.time.time", lambda: then)
        with refused("force_confirmation_old"):
            verbs("anne").force(one, reason="x", confirmation=fresh)
    assert CONFIRM_SECONDS_MAX <= 900
    with pytest.raises(ValueError, match="reason"):
        verbs("anne").force(one, reason="  ", confirmation=fresh)
    assert rows(world) == [(1, "original", "exported", True)]


def test_never_two_generations_under_way(
    world: World, verbs: Verbs, sandbox: SandboxProcess
) -> None:
    first = export_id(world)
    spare = verbs("anne").evidence(first).confirmation
    force(world, verbs("anne"))
    with refused("force_not_current"):
        verbs("anne").force(first, reason="again", confirmation=spare)
    forced = export_id(world, 2)
    with refused("force_not_posted"):
        verbs("anne").evidence(forced)
    world.exports.cancel_export(forced)
    assert rows(world) == [(1, "original", "exported", True), (2, "forced", "cancelled", False)]
    world.query("UPDATE exports SET state = 'needs_review' WHERE id = %s", forced)
    with refused("force_under_way"):
        verbs("anne").evidence(first)
    world.exports.decide_export(forced, to_state="cancelled", reason="not there")
    again = force(world, verbs("anne"))
    assert world.query("SELECT generation FROM exports WHERE id = %s", again) == [(3,)]
    deliver(world)
    assert posted(sandbox) == {"C000001": 2}, "a person asked for a second voucher and got one"
    world.totals()


def test_a_forced_generation_that_ends_unsent_leaves_the_guard_as_it_was(
    world: World, verbs: Verbs, sandbox: SandboxProcess
) -> None:
    force(world, verbs("anne"))
    world.accept([replace(claim(1), revision=2, text="Second")])
    assert rows(world)[2] == (3, "correction", "held", False), "the claim is posted already"
    world.exports.cancel_export(export_id(world, 2))
    world.accept([replace(claim(1), revision=3, text="Third")])
    assert [row[1:3] for row in rows(world)] == [
        ("original", "exported"), ("forced", "cancelled"), ("correction", "superseded"),
        ("correction", "held"),
    ]  # fmt: skip
    deliver(world)
    assert posted(sandbox) == {"C000001": 1}
    world.totals()


def test_a_withdrawn_claim_is_not_forced(world: World, verbs: Verbs) -> None:
    forced = force(world, verbs("anne"))
    world.exports.withdraw_approval("app", "C000001")
    assert world.query("SELECT state FROM exports WHERE id = %s", forced) == [("cancelled",)]
    assert world.query("SELECT count(*) FROM exports WHERE kind = 'reversal'") == [(1,)]
    with refused("force_withdrawn"):
        verbs("anne").evidence(export_id(world))


def set_limit(world: World, limit: str | None) -> None:
    with world.pool.connection() as connection, connection.transaction():
        connection.execute(
            "SELECT set_config('bilag.organization', %s, true)", [str(world.organization)]
        )
        found = read_organization(connection, world.organization)
        assert found is not None
        save_organization(
            connection, replace(found, force_approval_above=Decimal(limit) if limit else None)
        )


def test_above_the_limit_somebody_else_approves(
    world: World, verbs: Verbs, sandbox: SandboxProcess
) -> None:
    set_limit(world, "150.50")
    assert not verbs("anne").evidence(export_id(world)).needs_approval, "it is not above the limit"
    set_limit(world, "150.49")
    assert verbs("anne").evidence(export_id(world)).needs_approval
    forced = force(world, verbs("anne"))
    assert rows(world) == [(1, "original", "exported", True), (2, "forced", "held", False)]
    assert world.run("retry", "blindeforbundet", "--held").returncode == 0
    deliver(world)
    assert posted(sandbox) == {"C000001": 1}, "nothing goes out before it is approved"
    with refused("force_waits"):
        force(world, verbs("bent"))
    with refused("force_own_approval"):
        verbs("anne").approve(forced)
    (reference,) = world.query("SELECT reference FROM exports WHERE generation = 1")[0]
    sandbox.meddle(reference, "double")
    with refused("force_evidence_changed"):
        verbs("bent").approve(forced)
    verbs("anne").refuse(forced, reason="it changed meanwhile")
    assert rows(world)[1] == (2, "forced", "cancelled", False)
    with refused("force_waits_not"):
        verbs("bent").approve(forced)

    forced = force(world, verbs("anne"), "really")
    verbs("bent").approve(forced)
    deliver(world)
    assert posted(sandbox) == {"C000001": 3}
    assert world.query("SELECT actor, event FROM change_logs WHERE event LIKE 'export.force%%'"
                       " ORDER BY id") == [
        ("anne", "export.forced"), ("anne", "export.force_refused"),
        ("anne", "export.forced"), ("bent", "export.force_approved"),
    ]  # fmt: skip
    assert rows(world)[2] == (3, "forced", "exported", True)
    world.totals()


def test_a_newer_revision_ends_what_waits_for_approval(world: World, verbs: Verbs) -> None:
    set_limit(world, "0")
    forced = force(world, verbs("anne"))
    world.accept([replace(claim(1), revision=2, text="Second")])
    assert world.query("SELECT state FROM exports WHERE id = %s", forced) == [("superseded",)]
    assert world.query("SELECT generation FROM exports WHERE live") == [(1,)]


def test_what_cannot_be_looked_up_is_said(
    world: World, verbs: Verbs, sandbox: SandboxProcess
) -> None:
    sandbox.stop()
    (seen,) = verbs("anne").evidence(export_id(world)).seen
    assert seen.result == "cannot_tell"
    assert seen.message
    assert "cannot be told" in seen.problem().text()
    world.query("UPDATE organization_integrations SET delivery = delivery || '{\"lookUp\": false}'")
    (seen,) = verbs("anne").evidence(export_id(world)).seen
    assert "cannot be looked up in" in seen.problem().text("en")


def test_a_reference_that_a_lost_database_used_is_refused(
    world: World, verbs: Verbs, sandbox: SandboxProcess
) -> None:
    force(world, verbs("anne"))
    deliver(world)
    # the forced generation is lost, as after a restore from an older backup
    first = export_id(world)
    world.query("UPDATE exports SET live = false, generation = 1, part = 1 WHERE generation = 2")
    world.query("UPDATE exports SET live = true WHERE id = %s", first)
    with refused("force_reference_taken"):
        verbs("anne").evidence(first)


def test_another_organization_has_nothing_to_force(world: World, verbs: Verbs) -> None:
    outsider = verbs("anne")
    outsider._organization_id = world.integration  # any other id
    with pytest.raises(LookupError):
        outsider.evidence(export_id(world))
    with pytest.raises((LookupError, Refused)):
        outsider.approve(export_id(world))
