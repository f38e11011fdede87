"""The pages that repair, with effects: what stands in the ledger once a person has mended it."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils.translation import override

from bilag.portal.audit.words import decision_words
from tests.database.api_stage import problem, record
from tests.portal.repair_stage import Repair, addresses, page_of, text_of
from tests.portal.stage import Portal
from tests.portal.test_watch import said
from tests.sandboxes import SandboxProcess, start_sandbox


@pytest.fixture(scope="module")
def ledger() -> Iterator[SandboxProcess]:
    """A REST sandbox without login."""
    with start_sandbox("rest", auth="none") as process:
        yield process


@pytest.fixture
def repair(portal: Portal, ledger: SandboxProcess) -> Repair:
    ledger.reset()
    made = Repair(portal, ledger)
    made.connect()
    return made


@pytest.fixture
def admin(portal: Portal) -> Client:
    return portal.browser()


def at(portal: Portal, path: str) -> str:
    return portal.page(path)


def test_a_wrong_cost_centre_is_mended_through_the_pages_alone(
    repair: Repair, admin: Client
) -> None:
    repair.approve("C1", "C2", "C3", cost_centre="17")
    repair.approve("C4")
    repair.deliver()
    assert repair.states() == {"C1": "failed", "C2": "failed", "C3": "failed", "C4": "exported"}

    page = page_of(admin, at(repair.portal, "failed"))
    words = said(page)
    assert "3 claims, causes: 1." in words
    assert "Cause 1: The accounting system refused the voucher: cost centre" in words
    assert '<blockquote lang="en">Invalid cost center code: 9999</blockquote>' in page
    assert "1,048.50 NOK" in words
    assert "cost centre Value that was sent, and where it comes from 9999 : the mapping" in words
    assert "makes it of the app&#x27;s code 17 Where it is mended" in words
    (fix, *_) = addresses(page, "costCentres")
    assert fix.endswith("/mapping/categories/codes/costCentres/code?code=17")

    assert admin.post(fix, {"app_code": "17", "code": "100"}).status_code == 302
    assert (
        admin.post(at(repair.portal, "settings/integrations/ledger/mapping/save")).status_code
        == 302
    )
    (all_of_it,) = addresses(page, "/retry$")
    repair.portal.stage.query("DELETE FROM procrastinate_jobs")
    under_way = repair.portal.stage.installation.syncs_of(
        repair.portal.stage.alice.organization, "user admin@example.org"
    ).start("ledger")
    answer = admin.post(all_of_it, follow=True)
    assert "3 claims are queued." in said(answer.content.decode())
    assert addresses(answer.content.decode(), f"/runs/{under_way.id}$")
    assert "No claim has failed." in said(answer.content.decode())
    repair.deliver()

    assert set(repair.states().values()) == {"exported"}
    assert repair.booked() == {"C1": 1, "C2": 1, "C3": 1, "C4": 1}
    (logged,) = repair.logged("export.retried")
    assert logged["actor"] == "user admin@example.org"
    assert len(logged["exports"]) == 3


def test_one_several_or_all_of_a_cause_are_retried(repair: Repair, admin: Client) -> None:
    names = [f"C{number}" for number in range(1, 6)]
    repair.approve(*names, cost_centre="17")
    repair.deliver()
    (claims,) = addresses(page_of(admin, at(repair.portal, "failed")), r"/failed/ledger/\w+$")
    page = page_of(admin, claims)
    assert page.count('type="checkbox"') == 5
    assert "Choose claim C3" in said(page)

    nobody = admin.post(claims, {})
    assert nobody.status_code == 422
    assert "Choose at least one claim" in said(nobody.content.decode())
    chosen = {"claims": [str(repair.id_of("C1")), str(repair.id_of("C2")), "x"]}
    assert "2 claims are queued." in said(admin.post(claims, chosen, follow=True).content.decode())
    one = at(repair.portal, f"exports/{repair.id_of('C3')}/retry")
    answer = admin.post(one, follow=True).content.decode()
    assert "1 claim is queued." in said(answer)
    assert "Follow it among the syncs of" in said(answer)
    assert addresses(answer, r"/o/alice/runs\?integration=ledger$")
    assert "Nothing was queued" in said(admin.post(one, follow=True).content.decode())
    assert repair.states() == {
        "C1": "pending", "C2": "pending", "C3": "pending", "C4": "failed", "C5": "failed",
    }  # fmt: skip
    repair.deliver()
    assert repair.booked() == {}
    assert set(repair.states().values()) == {"failed"}, "nothing was mended"


def test_a_lost_answer_is_decided_with_the_evidence(
    repair: Repair, admin: Client, ledger: SandboxProcess
) -> None:
    repair.connect(look_up=False)
    ledger.faults({"kind": "lost_answer", "at": [1]})
    repair.approve("C1")
    repair.deliver()
    if repair.states() == {"C1": "in_doubt"}:
        late = "UPDATE exports SET due_at = now(), send_by = now() - interval '1h'"
        repair.portal.stage.query(late)
        repair.deliver()
    assert repair.states() == {"C1": "needs_review"}
    ledger.clear_faults()

    listed = text_of(admin, at(repair.portal, "in-doubt"))
    assert "C1" in listed
    assert "1 claim on this page" in listed
    evidence = at(repair.portal, f"exports/{repair.id_of('C1')}/evidence")
    page = page_of(admin, evidence)
    claim = at(repair.portal, f"exports/{repair.id_of('C1')}")
    for shown in (said(page), text_of(admin, claim)):
        assert "Reserved voucher number, not confirmed as booked 2026-1" in shown
    assert "no clear answer" in said(page)
    assert "Given to a person" in said(page)
    decisions = addresses(page, r"/decide/")
    assert [one.rpartition("/")[2] for one in decisions] == [
        "exported", "pending", "failed", "cancelled",
    ]  # fmt: skip

    without = admin.post(decisions[0], {"reason": ""})
    assert "This field is required" in said(without.content.decode())
    assert repair.states() == {"C1": "needs_review"}
    given = {"reason": "voucher found there", "voucher_number": "4711"}
    done = admin.post(decisions[0], given, follow=True)
    assert "Claim C1 now stands as exported." in said(done.content.decode())
    repair.deliver()

    assert repair.booked() == {"C1": 1}
    assert "Reserved voucher number" not in text_of(admin, claim)
    assert "Voucher number 2026-1" in text_of(admin, claim)
    (logged,) = repair.logged("export.decided")
    assert (logged["decision"], logged["voucherNumber"]) == ("exported", "4711")
    assert logged["reason"] == "voucher found there"
    ((entry, *_),) = [addresses(page_of(admin, claim), r"/audit/c")]
    for address in (claim, entry):
        shown = text_of(admin, address)
        assert re.search(r"What was decided:? It is booked there: it counts as booked", shown)
        assert re.search(r"Why:? voucher found there", shown)
        assert re.search(r"Why a person had to decide:? [A-Z].+Number that was found", shown)
        assert re.search(r"Number that was found there:? 4711", shown)
    hidden = text_of(repair.portal.browser("coordinator"), claim)
    assert "What was decided: It is booked there" in hidden
    assert "voucher found there" not in hidden
    for language, words in (("nb", "Det er bokført der"), ("nn", "Det er bokført der: det blir")):
        with override(language):
            told = dict(decision_words(logged, language, masks=False))
        assert any(text.startswith(words) for text in told.values()), told
    assert "Claim C1 stands" not in text_of(admin, evidence)
    again = admin.post(decisions[1], {"reason": "once more"})
    assert "exported" in said(again.content.decode())
    assert repair.states() == {"C1": "exported"}


def test_a_number_there_that_is_our_reference_is_shown_once(repair: Repair, admin: Client) -> None:
    repair.approve("C1")
    repair.portal.stage.query("UPDATE exports SET external_voucher_number = reference")
    ((reference,),) = repair.portal.stage.query("SELECT reference FROM exports")
    page = text_of(admin, at(repair.portal, f"exports/{repair.id_of('C1')}"))
    assert f"Reference, which is also the number in the accounting system {reference}" in page
    assert page.count(reference) == 1


def test_a_claim_in_doubt_is_looked_up_sooner(repair: Repair, admin: Client) -> None:
    repair.approve("C1")
    number = repair.id_of("C1")
    repair.portal.stage.bring(
        number, "sending", "in_doubt", due_at="2100-01-01", send_by="2020-01-01",
        reason='{"code": "look_up_failed", "params": {"message": "x"}}',
    )  # fmt: skip
    assert "C1" in text_of(admin, at(repair.portal, "in-doubt?state=in_doubt"))
    asked = at(repair.portal, f"exports/{number}/look-up")
    assert "Claim C1 is looked up now." in said(admin.post(asked, follow=True).content.decode())
    assert repair.portal.stage.query("SELECT due_at <= now() FROM exports") == [(True,)]
    assert "as soon as its waiting time" in said(admin.post(asked, follow=True).content.decode())
    assert [one["sourceId"] for one in repair.logged("export.look_up_asked")] == ["C1"]


def _confirmation(page: str) -> str:
    (found,) = re.findall(r'name="confirmation" value="([^"]+)"', page)
    return str(found)


def test_a_reversed_voucher_is_sent_again_once_seen_and_confirmed(
    repair: Repair, admin: Client, ledger: SandboxProcess
) -> None:
    repair.approve("C1")
    repair.deliver()
    ((reference,),) = repair.portal.stage.query("SELECT reference FROM exports")
    force = at(repair.portal, f"exports/{repair.id_of('C1')}/force")
    before = _confirmation(page_of(admin, force))
    ledger.meddle(reference, "reverse")

    stale = admin.post(force, {"reason": "wrong day", "confirmation": before, "understood": "on"})
    words = said(stale.content.decode())
    assert "What was confirmed is not what stands in the accounting system now" in words
    assert f"{ledger.ledger()['entries'][0]['voucherNumber']}" in words
    assert "None of the connected systems lets bilag reverse a voucher" in words
    fresh = _confirmation(stale.content.decode())
    unseen = admin.post(force, {"reason": "wrong day", "confirmation": fresh})
    assert repair.states() == {"C1": "exported"}, unseen.status_code
    given = {"reason": "wrong day", "confirmation": fresh, "understood": "on"}
    done = admin.post(force, given, follow=True)
    assert "Claim C1 is sent again with the next sync." in said(done.content.decode())
    repair.deliver()

    references = [entry["reference"] for entry in ledger.ledger()["entries"]]
    assert len(set(references) - {f"{reference}-R"}) == 2
    (logged,) = repair.logged("export.forced")
    assert logged["reason"] == "wrong day"
    assert logged["evidence"]["seen"][0]["reversed_by"]


def test_above_the_limit_another_person_approves(
    repair: Repair, admin: Client, ledger: SandboxProcess
) -> None:
    repair.approve("C1", "C2")
    repair.deliver()
    repair.limit("100")
    for name in ("C1", "C2"):
        ((reference,),) = repair.portal.stage.query(
            "SELECT reference FROM exports WHERE source_id = %s", name
        )
        ledger.meddle(reference, "delete")
        force = at(repair.portal, f"exports/{repair.id_of(name)}/force")
        given = {"reason": "deleted there", "understood": "on",
                 "confirmation": _confirmation(page_of(admin, force))}  # fmt: skip
        answer = admin.post(force, given, follow=True)
        assert "another administrator must approve" in said(answer.content.decode())
    repair.deliver()
    assert repair.booked() == {}
    listed = text_of(admin, at(repair.portal, "approvals"))
    assert "2 claims wait on this page" in listed
    assert "deleted there" in listed

    first, second = (
        at(repair.portal, f"exports/{repair.id_of(name)}/approval") for name in ("C1", "C2")
    )
    assert "You asked for this yourself" in text_of(admin, first)
    own = admin.post(first, {"decision": "approve"})
    assert "Somebody else than the one who asked must approve" in said(own.content.decode())
    other = repair.portal.browser("admin", "bo@example.org")
    assert "not there" in text_of(other, first)
    assert other.post(second, {"decision": "refuse"}).status_code == 200
    other.post(second, {"decision": "refuse", "reason": "not needed"})
    approved = other.post(first, {"decision": "approve"}, follow=True)
    assert "Approved. Claim C1 is sent again." in said(approved.content.decode())
    repair.deliver()

    assert repair.booked() == {"C1": 1}
    assert repair.states() == {"C1": "exported", "C2": "cancelled"}
    assert [one["actor"] for one in repair.logged("export.force_approved")] == [
        "user bo@example.org"
    ]
    assert [one["reason"] for one in repair.logged("export.force_refused")] == ["not needed"]
    assert "Nothing waits for approval." in text_of(admin, at(repair.portal, "approvals"))


def test_what_is_held_stands_under_each_thing_that_it_lacks(repair: Repair, admin: Client) -> None:
    lines = [{"date": "2026-10-05", "type": kind, "amount": "100"} for kind in ("taxi", "taxi")]
    repair.approve("C1", "C2", lines=lines)
    more = [*lines, {"date": "2026-10-05", "type": "hotel", "amount": "50"}]
    repair.approve("C3", lines=more)
    repair.deliver()
    assert set(repair.states().values()) == {"held"}

    page = page_of(admin, at(repair.portal, "held"))
    words = said(page)
    assert "3 claims, causes: 2." in words
    assert "Cause 1: The expense type “taxi” has no account" in words
    assert "3 (2 of them kept by nothing else)" in words
    assert "Cause 2: The expense type “hotel” has no account" in words
    (taxi, hotel) = addresses(page, r"/mapping/categories/type\?type=")
    admin.post(taxi, {"account": "7140", "vatCode_from": "claim", "costCentre_from": "claim",
                      "project_from": "claim"})  # fmt: skip
    saved = admin.post(at(repair.portal, "settings/integrations/ledger/mapping/save"))
    assert saved.status_code == 302, saved.content.decode()
    repair.deliver()
    assert repair.states() == {"C1": "exported", "C2": "exported", "C3": "held"}
    assert repair.booked() == {"C1": 1, "C2": 1}
    (release,) = addresses(page_of(admin, at(repair.portal, "held")), "/release$")
    assert "1 claim is queued." in said(admin.post(release, follow=True).content.decode())
    repair.deliver()
    assert repair.states()["C3"] == "held", "the hotel has no account yet"
    assert hotel in addresses(page_of(admin, at(repair.portal, "held")), "type=hotel")


def test_a_proposal_and_a_failed_claim_are_cancelled_with_a_reason(
    repair: Repair, admin: Client
) -> None:
    repair.approve("C1")
    repair.deliver()
    repair.approve("C2", cost_centre="17")
    repair.deliver()
    alice = repair.portal.stage.alice
    alice.hand_over(record("C1", revision=2, text="again", costCentre="18"))
    assert repair.states() == {"C1": "held", "C2": "failed"}
    for name in ("C1", "C2"):
        claim = at(repair.portal, f"exports/{repair.id_of(name)}")
        (cancel,) = addresses(page_of(admin, claim), "/cancel$")
        assert "This field is required" in said(admin.post(cancel, {}).content.decode())
        done = admin.post(cancel, {"reason": "entered by hand"}, follow=True)
        assert f"Claim {name} is cancelled." in said(done.content.decode())
    repair.deliver()
    assert repair.states() == {"C1": "cancelled", "C2": "cancelled"}
    assert repair.booked() == {"C1": 1}
    assert [one["reason"] for one in repair.logged("export.cancelled")] == ["entered by hand"] * 2
    posted = alice.get("/api/v1/records/C1")["exports"][0]["id"]
    refused = alice.ask(
        "POST", f"/api/v1/accounting-exports/{posted}/cancellation", {"reason": "x"}
    )
    problem(refused, 409)


def test_a_reconciliation_is_started_and_tells_the_next_step(
    repair: Repair, admin: Client, ledger: SandboxProcess
) -> None:
    repair.approve("C1", "C2")
    repair.deliver()
    references = dict(repair.portal.stage.query("SELECT source_id, reference FROM exports"))
    ledger.meddle(references["C1"], "delete")
    ledger.meddle(references["C2"], "double")
    repair.portal.stage.query("UPDATE exports SET exported_at = now() - interval '1 hour'")
    page = at(repair.portal, "reports/reconciliation")
    wrong = {"integration": "ledger", "first": "2026-12-01", "last": "2026-11-01"}
    assert "The last day is before the first" in said(admin.post(page, wrong).content.decode())
    started = admin.post(page, {"integration": "ledger"}, follow=True)
    assert "under way" in said(started.content.decode())
    repair.deliver("reconcile", "alice")

    result = started.redirect_chain[-1][0]
    words = text_of(admin, result)
    assert "something differs" in words
    assert "missing" in words
    assert "duplicated" in words
    found = page_of(admin, result)
    assert addresses(found, rf"/exports/{repair.id_of('C1')}/force$")
    assert addresses(found, rf"/exports/{repair.id_of('C2')}/evidence$")
    assert "something differs" in text_of(admin, page)


def test_a_reconciliation_is_not_offered_where_nothing_can_be_looked_up(
    repair: Repair, admin: Client
) -> None:
    repair.connect(look_up=False)
    address = at(repair.portal, "reports/reconciliation")
    page = page_of(admin, address)
    words = said(page)
    assert "bilag can look nothing up there" in words
    assert "the control report has a list of all claims" in words
    assert addresses(page, "/reports/control$")
    assert addresses(page, "/settings/integrations/ledger$")
    assert "Start the reconciliation" not in words
    assert admin.post(address, {"integration": "ledger"}).status_code == 200
    assert repair.portal.stage.query("SELECT count(*) FROM reconciliations") == [(0,)]


def test_a_reconciliation_of_nothing_proves_nothing(repair: Repair) -> None:
    """What compared no voucher must not look as if all of them stood there."""
    repair.connect()
    repair.portal.stage.query(
        "INSERT INTO reconciliations (id, organization_id, integration_id, trigger, started_at,"
        " finished_at, outcome) SELECT gen_random_uuid(), organization_id, id, 'asked', now(),"
        " now(), 'agrees' FROM organization_integrations"
    )
    admin = repair.portal.browser()
    listed = page_of(admin, at(repair.portal, "reports/reconciliation"))
    assert "nothing was compared" in said(listed)
    (address,) = addresses(listed, r"reports/reconciliation/[0-9a-f-]{36}$")
    page = text_of(admin, address)
    assert "nothing was compared" in page
    assert "Nothing to compare: no vouchers in these days" in page
    assert "Every voucher stands there" not in page


PAGES = ("failed", "held", "in-doubt", "approvals", "reports/reconciliation")


def test_outsiders_get_nothing_and_roles_their_own(repair: Repair) -> None:
    repair.approve("C1", cost_centre="17")
    repair.approve("C2")
    repair.deliver()
    portal, one, posted = repair.portal, repair.id_of("C1"), repair.id_of("C2")
    cause = addresses(page_of(portal.browser(), at(portal, "failed")), r"/failed/ledger/\w+$")[0]
    charlie = portal.browser("admin", "eve@example.net", portal.stage.charlie.organization)
    own = (f"exports/{one}/evidence", f"exports/{one}/cancel", f"exports/{posted}/force",
           f"exports/{one}/approval")  # fmt: skip
    posts = (f"exports/{one}/retry", f"exports/{one}/release", f"exports/{one}/look-up")
    for path in (*PAGES, *own):
        assert charlie.get(at(portal, path)).status_code == 404
        assert portal.browser("coordinator").get(at(portal, path)).status_code == 404
    for path in (*own, *posts):
        assert charlie.get(f"/o/charlie/{path}").status_code in (404, 405)
        given = {"reason": "mine now", "decision": "refuse"}
        for who in (charlie, portal.browser("accountant")):
            assert who.post(at(portal, path), given).status_code in (404, 405)
        assert charlie.post(f"/o/charlie/{path}", given).status_code in (404, 405)
    assert "No claim has failed" in text_of(charlie, "/o/charlie/failed")
    accountant = portal.browser("accountant")
    for path in PAGES:
        assert accountant.get(at(portal, path)).status_code == 200
    assert "Retry" not in text_of(accountant, cause)
    assert accountant.post(cause, {"claims": [str(one)]}).status_code == 404
    assert accountant.post(f"{cause}/retry").status_code == 404
    assert repair.states() == {"C1": "failed", "C2": "exported"}


def test_every_page_leads_an_accountant_only_where_he_may_go(repair: Repair) -> None:
    repair.approve("C1", cost_centre="17")
    repair.approve("C2", lines=[{"date": "2026-10-05", "type": "taxi", "amount": "100"}])
    repair.deliver()
    accountant = repair.portal.browser("accountant")
    for path in ("failed", "held", f"exports/{repair.id_of('C1')}"):
        for address in addresses(page_of(accountant, at(repair.portal, path)), r"^/o/alice/"):
            assert accountant.get(address).status_code == 200, address
