"""The pages of claims: the list, its filters and pages, its file, and the story of one claim."""

import html
import re

import pytest

from bilag.exports.masking import masked_payload
from tests.database.api_stage import record
from tests.portal.log_stage import attempt
from tests.portal.stage import Portal
from tests.portal.test_audit import file_of, links, text_of


def states(portal: Portal, *wanted: str) -> None:
    """Hand over one claim for each state, named by it."""
    alice = portal.stage.alice
    ways = {
        "accepted": ("sending",), "exported": ("sending",), "failed": ("sending",),
        "in_doubt": ("sending",), "needs_review": ("sending", "in_doubt"),
        "reversed": ("sending", "exported"),
    }  # fmt: skip
    for state in wanted:
        alice.hand_over(record(f"C-{state}"))
        steps = [*ways.get(state, ()), *([] if state == "pending" else [state])]
        portal.stage.bring(alice.export_id(f"C-{state}"), *steps)


ALL = ("pending", "sending", "accepted", "exported", "failed", "in_doubt", "needs_review", "held",
       "excluded", "cancelled", "superseded", "reversed")  # fmt: skip


def test_every_claim_stands_there_with_its_state_and_amount(portal: Portal) -> None:
    states(portal, *ALL)
    page = text_of(portal.browser("coordinator"), portal.page("exports"))
    assert "12 claims on this page" in page
    for words in ("in doubt", "needs review", "349.50 NOK", "Ledger"):
        assert words in page
    rows = file_of(portal.browser(), portal.page("exports/file"))
    assert {row["Claim"] for row in rows} == {f"C-{state}" for state in ALL}
    assert {row["Amount"] for row in rows} == {"349,5"}


@pytest.mark.parametrize("state", ALL)
def test_the_filter_by_state_finds_what_is_in_it(portal: Portal, state: str) -> None:
    states(portal, *ALL)
    browser = portal.browser("accountant")
    page = text_of(browser, portal.page(f"exports?state={state}"))
    assert "1 claim on this page" in page
    assert f"C-{state} " in page
    (row,) = file_of(browser, portal.page(f"exports/file?state={state}"))
    assert row["Claim"] == f"C-{state}"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("record=C-held", 1), ("record=nobody", 0), ("integration=ledger", 2),
        ("integration=ledger&state=held", 1), ("first=2020-01-01", 2), ("first=2100-01-01", 0),
        ("last=2020-01-01", 0), ("first=2020-01-01&last=2100-01-01&state=pending", 1),
    ],
)  # fmt: skip
def test_filters_stand_in_the_address(portal: Portal, query: str, count: int) -> None:
    states(portal, "held", "pending")
    browser = portal.browser()
    assert len(file_of(browser, portal.page(f"exports/file?{query}"))) == count
    page = text_of(browser, portal.page(f"exports?{query}"))
    assert ("No claim fits these filters" in page) == (count == 0)
    assert "Clear all filters" in page


def test_pages_hold_every_claim_once_while_new_ones_come_in(portal: Portal) -> None:
    alice = portal.stage.alice
    alice.hand_over(*(record(f"C{n:03d}") for n in range(110)))
    browser, seen, address = portal.browser(), [], portal.page("exports")
    while address:
        body = browser.get(address).content.decode()
        seen += re.findall(r">C(\d{3})<span", body)
        older = re.findall(r'rel="next" href="([^"]+)"', body)
        address = portal.page("exports") + older[0] if older else ""
        alice.hand_over(record(f"new-{len(seen)}"))
    assert seen == [f"{number:03d}" for number in reversed(range(110))]


def test_a_claim_tells_all_that_happened_to_it_in_order(portal: Portal) -> None:
    alice = portal.stage.alice
    alice.hand_over(record("C1", text="Visit to Volunteer 018"))
    export_id = alice.export_id("C1")
    attempt(portal.stage, alice, export_id, "rejected", "failed", message="no account 7140")
    portal.stage.installation.exports_of(alice.organization, "user a@b.no").retry_failed_exports(
        export_ids=[export_id]
    )
    attempt(portal.stage, alice, export_id)
    alice.hand_over(record("C1", revision=2, text="again"))

    page = text_of(portal.browser("accountant"), portal.page(f"exports/{export_id}"))

    story = page.split("What happened")[1]
    places = [
        story.index(words)
        for words in (
            "Revision 1 received from app", "Put in the queue", "Mapped by version 1",
            "Sent, attempt 1", "refused", "Sent again after a refusal", "by a@b.no",
            "Sent, attempt 2", "accepted by the system", "Booked as voucher",
            "Revision 2 received", "A correction was proposed",
        )
    ]  # fmt: skip
    assert places == sorted(places), story
    assert "no account 7140" in story
    assert "there V-9" in story
    assert "Visit to Volunteer 018" in page
    assert '"amount": 249.50' in page
    assert "It is booked. It is never sent again" in page
    assert "The same claim elsewhere" in page


@pytest.mark.parametrize(
    ("posted", "moved", "said"),
    [
        ("2026-11-02", None, "2026-11-02, the day of approval"),
        ("2026-10-31", None, "2026-10-31, the last day of the month of the costs"),
        ("2026-10-05", None, "2026-10-05, the last day of the costs"),
        ("2026-12-24", None, "2026-12-24 "),
        ("2026-12-01", "2026-11-02",
         "2026-12-01, the first open day, since 2026-11-02 lies in a closed period"),
    ],
)  # fmt: skip
def test_a_claim_says_when_it_was_approved_and_on_which_day_it_is_posted(
    portal: Portal, posted: str, moved: str | None, said: str
) -> None:
    alice = portal.stage.alice
    alice.hand_over(record("C1"))
    export_id = alice.export_id("C1")
    attempt(portal.stage, alice, export_id)
    portal.stage.query("UPDATE exports SET posting_date = %s, moved_from = %s", posted, moved)

    page = text_of(portal.browser("accountant"), portal.page(f"exports/{export_id}"))
    page = page.replace(" ,", ",")  # of a tag that ends before it

    assert "Approved 2026-11-02, by coordinator-3" in page
    assert f"Posting date {said}" in page
    story = page.split("What happened")[1]
    assert "Revision 1 approved by coordinator-3" in story.split("Revision 1 received")[0]
    assert f"posting date {said.partition(',')[0]}" in story


def test_a_coordinator_sees_the_story_without_names_and_texts(portal: Portal) -> None:
    alice = portal.stage.alice
    alice.hand_over(record("C1", text="Visit to Volunteer 018"))
    attempt(
        portal.stage, alice, alice.export_id("C1"), "rejected", "failed",
        message="Volunteer 017 is unknown",
    )  # fmt: skip
    page = text_of(portal.browser("coordinator"), portal.page(f"exports/{alice.export_id('C1')}"))
    assert "Volunteer" not in page
    assert "hidden in your role" in page
    assert "refused" in page
    assert "349.50 NOK" in page


@pytest.mark.parametrize(
    "line",
    [
        '{"party": "50017", "amount": 249.50}',
        '{"subledger": {"code": "50017"}, "invoiceAmount": "249.50"}',
        '{"accountType": "Vendor", "accountNumber": "50017", "amount": 249.50}',
        '{"vendorNumber": 50017, "amount": 249.50}',
    ],
)
def test_a_coordinator_sees_no_number_of_a_supplier(line: str) -> None:
    """The number says who the claimant is, as the name does; each system has it elsewhere."""
    shown = masked_payload(line)
    assert "50017" not in shown
    assert "249.50" in shown
    ledger = '{"accountType": "G/L Account", "accountNumber": "7140"}'
    assert "7140" in masked_payload(ledger)


def test_every_step_of_a_story_leads_to_its_entry(portal: Portal) -> None:
    alice = portal.stage.alice
    alice.hand_over(record("C1"))
    attempt(portal.stage, alice, alice.export_id("C1"))
    browser = portal.browser()
    found = links(
        browser, portal.page(f"exports/{alice.export_id('C1')}"), r"/o/alice/audit/a[^\"]+"
    )
    assert found
    assert all(browser.get(address).status_code == 200 for address in found)


def test_an_outsider_finds_none_of_it(portal: Portal) -> None:
    states(portal, "held")
    number = portal.stage.alice.export_id("C-held")
    charlie = portal.browser("admin", "eve@example.net", portal.stage.charlie.organization)
    assert charlie.get(portal.page(f"exports/{number}")).status_code == 404
    assert charlie.get(f"/o/charlie/exports/{number}").status_code == 404
    assert file_of(charlie, "/o/charlie/exports/file") == []


@pytest.mark.parametrize("path", ["exports?older=x", "exports?older=0", "exports/999999999999"])
def test_what_is_not_there_is_not_found(portal: Portal, path: str) -> None:
    assert portal.browser().get(portal.page(path)).status_code == 404


def test_an_empty_list_says_what_would_stand_there(portal: Portal) -> None:
    assert "No claim has come in yet" in text_of(portal.browser(), portal.page("exports"))


@pytest.mark.parametrize("answer", ['{"note":"\\ud800"}', "[" * 300 + "]" * 300, "[" * 1900])
def test_whatever_a_system_answers_its_claim_can_be_looked_at(portal: Portal, answer: str) -> None:
    alice, admin = portal.stage.alice, portal.browser()
    alice.hand_over(record("C1"))
    export_id = alice.export_id("C1")
    attempt(portal.stage, alice, export_id, answer=answer)
    log = admin.get(portal.page("audit")).content.decode()
    entries = re.findall(r'href="([^"]+/audit/a[^"]+)"', log)
    assert entries
    for address in (portal.page(f"exports/{export_id}"), entries[0]):
        assert html.escape(answer) in admin.get(address).content.decode()
        assert portal.browser("coordinator").get(address).status_code in (200, 404)


@pytest.mark.parametrize(
    "query",
    ["alerts?before=", "approvals?after=", "exports?older=", "failed?skip=", "in-doubt?older="],
)
def test_an_endless_number_in_an_address_is_no_fault(portal: Portal, query: str) -> None:
    assert portal.browser().get(portal.page(query + "9" * 4400)).status_code in (200, 404)
