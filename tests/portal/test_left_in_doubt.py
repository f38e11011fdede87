"""What a person said is not there, and is: a retry or a newer revision books nothing twice."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.portal.repair_stage import Repair, addresses, page_of, text_of
from tests.portal.stage import Portal
from tests.portal.test_watch import said
from tests.sandboxes import SandboxProcess, start_sandbox

REVISED: dict[str, Any] = {"revision": 2, "approvedAt": "2026-11-03T09:30:00Z"}


@pytest.fixture(scope="module")
def ledger() -> Iterator[SandboxProcess]:
    """A REST sandbox without login."""
    with start_sandbox("rest", auth="none") as process:
        yield process


@pytest.fixture
def repair(portal: Portal, ledger: SandboxProcess) -> Repair:
    """Claim C1 is booked, its answer was lost, and no look-up could tell."""
    ledger.reset()
    made = Repair(portal, ledger)
    made.connect(look_up=False)
    ledger.faults({"kind": "lost_answer", "at": [1]})
    made.approve("C1")
    made.deliver()
    _time_passes(made)
    made.deliver()
    ledger.clear_faults()
    assert (made.states(), made.booked()) == ({"C1": "needs_review"}, {"C1": 1})
    return made


@pytest.fixture
def admin(portal: Portal) -> Client:
    """An administrator at the pages."""
    return portal.browser("admin")


def _time_passes(repair: Repair) -> None:
    repair.portal.stage.query(
        "UPDATE exports SET due_at = now(), send_by = now() - interval '1h'"
        " WHERE state IN ('pending', 'in_doubt')"
    )


def _decide(repair: Repair, admin: Client, decision: str, name: str = "C1") -> str:
    """Decide about the first generation of a claim and return what the page said."""
    ((number,),) = repair.portal.stage.query(
        "SELECT min(id) FROM exports WHERE source_id = %s", name
    )
    page = repair.portal.page(f"exports/{number}/decide/{decision}")
    if decision != "exported":
        assert "search there by the reference first" in text_of(admin, page)
    return said(admin.post(page, {"reason": "not found"}, follow=True).content.decode())


def _generations(repair: Repair) -> list[tuple[str, str, bool]]:
    return [
        (str(kind), str(state), bool(live))
        for kind, state, live in repair.portal.stage.query(
            "SELECT kind, state, live FROM exports ORDER BY generation"
        )
    ]


def _retry_all(repair: Repair, admin: Client) -> None:
    failed = page_of(admin, repair.portal.page("failed"))
    assert "may be booked, so it is looked up before it is sent again" in said(failed)
    (everything,) = addresses(failed, "/retry$")
    done = said(admin.post(everything, follow=True).content.decode())
    assert "If it may be booked already, it is looked up first." in done


def test_a_retry_of_all_looks_up_what_a_person_noted_as_refused(
    repair: Repair, admin: Client
) -> None:
    _decide(repair, admin, "failed")
    repair.connect(look_up=True)
    _retry_all(repair, admin)
    repair.deliver()
    assert (repair.states(), repair.booked()) == ({"C1": "exported"}, {"C1": 1})


def test_where_nothing_can_be_looked_up_a_retry_asks_for_the_decision(
    repair: Repair, admin: Client
) -> None:
    _decide(repair, admin, "failed")
    _retry_all(repair, admin)
    repair.deliver()
    assert (repair.states(), repair.booked()) == ({"C1": "needs_review"}, {"C1": 1})
    _decide(repair, admin, "failed")
    asked = repair.portal.stage.installation.exports_of(
        repair.portal.stage.alice.organization, "user bo@example.org"
    ).batch_export(["C1"], "ledger")
    assert [one.result for one in asked] == ["in_doubt"]
    repair.deliver()
    assert (repair.states(), repair.booked()) == ({"C1": "needs_review"}, {"C1": 1})


def test_a_newer_revision_waits_for_the_look_up_of_what_was_noted_as_refused(
    repair: Repair, admin: Client
) -> None:
    _decide(repair, admin, "failed")
    repair.connect(look_up=True)
    repair.approve("C1", **REVISED)
    assert _generations(repair) == [("original", "in_doubt", True), ("revision", "held", False)]
    repair.deliver()
    repair.deliver()
    assert repair.booked() == {"C1": 1}
    assert _generations(repair) == [("original", "exported", True), ("correction", "held", False)]


def test_a_newer_revision_of_what_was_cancelled_waits_for_a_person(
    repair: Repair, admin: Client
) -> None:
    _decide(repair, admin, "cancelled")
    repair.approve("C1", **REVISED)
    repair.deliver()
    assert _generations(repair) == [("original", "needs_review", True), ("revision", "held", False)]
    listed = text_of(admin, repair.portal.page("in-doubt"))
    assert "A newer revision of the claim has come." in listed
    for decision in ("failed", "cancelled"):
        assert "A newer revision of the claim waits for this one" in _decide(
            repair, admin, decision
        )
    repair.deliver()
    assert repair.booked() == {"C1": 1}

    _decide(repair, admin, "exported")
    repair.deliver()
    assert repair.booked() == {"C1": 1}
    assert [row[1:] for row in _generations(repair)] == [("exported", True), ("held", False)]


def test_the_newer_revision_goes_instead_of_what_was_not_there(
    repair: Repair, admin: Client, ledger: SandboxProcess
) -> None:
    ((reference,),) = repair.portal.stage.query("SELECT reference FROM exports")
    ledger.meddle(reference, "delete")
    _decide(repair, admin, "cancelled")
    repair.approve("C1", **REVISED)
    _decide(repair, admin, "pending")
    repair.deliver()
    repair.deliver()
    assert repair.booked() == {"C1": 1}
    assert _generations(repair) == [
        ("original", "superseded", False),
        ("revision", "exported", True),
    ]
