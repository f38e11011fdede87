"""Pages of what holds for all claims: excluded features, the declaration, closed periods."""

import re
from typing import Any

import pytest
from django.test import Client
from psycopg.types.json import Jsonb

from tests.database.api_stage import RECORDS, problem, record
from tests.portal.stage import Portal
from tests.portal.test_sending_data import accept, changes, errors
from tests.simulation.world import claim

SIGNED = {
    "template_id": "confidentiality", "version": "2", "signed_off_by": "Administrator 001",
    "signed_off_at": "2026-01-15", "text": "I will tell nobody.",
}  # fmt: skip
NOT_SIGNED = {"code": "declaration_not_signed_off", "field": "declaration", "record": "C1"}


def hold(portal: Portal, source_id: str, *problems: dict[str, Any]) -> None:
    reason = problems[0] if len(problems) == 1 else {"code": "several", "problems": list(problems)}
    portal.stage.query(
        "UPDATE exports SET state = 'held', reason = %s WHERE source_id = %s",
        Jsonb(reason), source_id,
    )  # fmt: skip


def states(portal: Portal) -> dict[str, str]:
    return dict(portal.stage.query("SELECT source_id, state FROM exports"))


def test_an_excluded_feature_is_refused_and_told_and_can_be_taken_again(portal: Portal) -> None:
    browser, address = portal.browser(), portal.page("settings/features")
    page = browser.get(address).content.decode()
    assert "0 features are excluded" in page
    assert re.search(r'<th scope="row">travel</th><td>expense type</td>', page), "as it is mapped"
    said = browser.post(
        address, {"name": "Course registration", "why": "in the member portal"}, follow=True
    ).content.decode()
    assert "Records of course-registration are refused from now on." in said
    assert "1 feature is excluded" in said
    assert "in the member portal" in said
    lines = [{"date": "2026-10-05", "type": "course_registration", "amount": "5"}]
    refused = portal.stage.alice.ask("POST", RECORDS, record("C1", lines=lines))
    assert problem(refused, 422)["code"] == "feature_excluded"
    assert "refused" in browser.get(address).content.decode()

    again = browser.post(f"{address}/include", {"name": "course-registration"}, follow=True)
    assert "Records of course-registration are taken again." in again.content.decode()
    portal.stage.alice.hand_over(record("C1", lines=lines))
    told = [(actor, event) for actor, event, _ in changes(portal)]
    assert told == [("user admin@example.org", "organization.changed")] * 2
    assert changes(portal)[0][2]["featureReasons"]["after"] == (
        '{"course-registration": "in the member portal"}'
    )


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_feature_without_a_name_is_refused(portal: Portal, name: str) -> None:
    page = portal.browser().post(portal.page("settings/features"), {"name": name})
    assert "Feature to exclude:" in errors(page.content.decode())
    assert portal.stage.query("SELECT excluded_features FROM organizations") == [([],)]


def test_honoraria_wait_for_the_sign_off_and_are_tried_again(portal: Portal) -> None:
    accept(portal, claim(1), claim(2), claim(3), claim(4))
    hold(portal, "C000001", NOT_SIGNED)
    hold(portal, "C000002", NOT_SIGNED, {"code": "type_not_mapped"})
    hold(portal, "C000003", {"code": "type_not_mapped"})
    browser, address = portal.browser(), portal.page("settings/features/declaration")
    assert "2 honoraria wait for it." in browser.get(address).content.decode()
    assert (
        "2 honoraria wait for it." in browser.get(portal.page("settings/features")).content.decode()
    )
    early = browser.post(address, {**SIGNED, "signed_off_at": "2099-01-01"})
    assert "That day has not come yet" in errors(early.content.decode())
    assert set(states(portal).values()) == {"held", "pending"}

    page = browser.post(address, SIGNED, follow=True).content.decode()
    assert "The sign-off is recorded" in page
    assert "Administrator 001" in page
    assert "I will tell nobody." in page
    assert states(portal) == {
        "C000001": "pending", "C000002": "pending", "C000003": "held", "C000004": "pending",
    }  # fmt: skip
    told = portal.stage.alice.get("/api/v1/declaration")
    assert (told["signedOff"], told["version"], told["waiting"]) == (True, "2", 0)

    sure = f"{address}/withdraw"
    assert "held until another sign-off" in browser.get(sure).content.decode()
    assert "Reason:" in errors(browser.post(sure, {"reason": ""}).content.decode())
    browser.post(sure, {"reason": "a new wording"})
    assert portal.stage.query("SELECT declaration FROM organizations") == [({},)]
    assert changes(portal)[-1][2]["reason"] == "a new wording"
    assert browser.get(sure).status_code == 302


def test_an_honorarium_without_evidence_is_counted_where_none_waits(portal: Portal) -> None:
    accept(portal, claim(1))
    browser, address = portal.browser(), portal.page("settings/features/declaration")
    browser.post(address, SIGNED)
    hold(portal, "C000001", {"code": "declaration_missing"})
    for place in (address, portal.page("settings/features")):
        said = browser.get(place).content.decode()
        assert "wait for it" not in said
        assert "1 honorarium is held because the driver acknowledged no" in said


def test_a_sync_that_runs_goes_by_the_old_declaration_no_longer(portal: Portal) -> None:
    ((before,),) = portal.stage.query("SELECT sync_token FROM integration_runtime")
    portal.browser().post(portal.page("settings/features/declaration"), SIGNED)
    ((after,),) = portal.stage.query("SELECT sync_token FROM integration_runtime")
    assert after != before


def test_a_book_is_closed_and_opened_and_says_what_waits(portal: Portal) -> None:
    accept(portal, claim(1))
    hold(portal, "C000001", {"code": "period_closed", "params": {"day": "2026-11-02"}})
    browser, address = portal.browser(), portal.page("settings/periods")
    page = browser.get(address).content.decode()
    assert re.search(r"Main book</th><td>Every day is open</td><td class=\"number\">1</td>", page)
    book = f"{address}/books/main"
    assert "1 claim waits for a day to be opened." in browser.get(book).content.decode()
    said = browser.post(book, {"closed_through": "2026-11-30"}, follow=True).content.decode()
    assert "Main book is closed through" in said
    assert portal.stage.query("SELECT closed_through::text FROM books") == [("2026-11-30",)]
    wrong = browser.post(book, {"closed_through": "1026-11-30"})
    assert "must lie between" in errors(wrong.content.decode())
    assert (
        "Every day of Main book is open."
        in browser.post(book, {"closed_through": ""}, follow=True).content.decode()
    )
    assert portal.stage.query("SELECT closed_through FROM books") == [(None,)]
    assert browser.get(f"{address}/books/gone").status_code == 404


def test_the_policy_is_set_and_claims_that_ask_are_decided(portal: Portal) -> None:
    accept(portal, claim(1), claim(2))
    params = {"day": "2026-11-02", "closed": "2026-11-30", "open": "2026-12-01"}
    asks = {"code": "period_closed_ask", "field": "postingDate", "params": params}
    hold(portal, "C000001", asks)
    hold(portal, "C000002", asks)
    portal.stage.query("UPDATE books SET closed_through = '2026-11-30'")
    browser, address = portal.browser(), portal.page("settings/periods")
    assert "2 claims ask for a decision." in browser.get(address).content.decode()
    browser.post(address, {"policy": "ask"})
    assert portal.stage.query("SELECT closed_periods FROM organizations") == [("ask",)]
    assert "A claim in a closed period:" in errors(
        browser.post(address, {"policy": "never"}).content.decode()
    )

    decide = f"{address}/decide"
    page = browser.get(decide).content.decode()
    assert "Claim C000001: 150.50 NOK, Expense claims" in page
    (one, _) = re.findall(r'name="claims" value="(\d+)"', page)
    for unknown in ("²", "9" * 5000):
        first = browser.get(f"{decide}?after={unknown}").content.decode()
        assert f'name="claims" value="{one}"' in first
    nothing = errors(browser.post(decide, {"decision": "wait", "reason": "x"}).content.decode())
    assert "Claims:" in nothing
    said = browser.post(
        decide, {"claims": [one], "decision": "first_open_day", "reason": "agreed"}, follow=True
    )
    assert "Decided about 1 claim." in said.content.decode()
    assert portal.stage.query("SELECT source_id, open_day::text FROM exports ORDER BY 1") == [
        ("C000001", "2026-12-01"), ("C000002", None),
    ]  # fmt: skip
    assert [event for _, event, _ in changes(portal)][-1] == "export.period_decided"
    foreign = browser.post(decide, {"claims": ["999"], "decision": "wait", "reason": "x"})
    assert "Claims:" in errors(foreign.content.decode())


PAGES = ("features", "features/declaration", "features/declaration/withdraw", "periods",
         "periods/books/main", "periods/decide", "configuration", "configuration/file",
         "configuration/copy")  # fmt: skip
READ = ("features", "features/declaration", "periods")


def test_outsiders_and_other_roles_get_nothing(portal: Portal) -> None:
    stranger = portal.browser("admin", "eve@example.org", portal.stage.charlie.organization)
    coordinator, accountant = portal.browser("coordinator"), portal.browser("accountant")
    for name in (*PAGES, "features/include", "configuration/take-in"):
        address = portal.page(f"settings/{name}")
        for who in (stranger, coordinator):
            assert who.get(address).status_code in (404, 405)
            assert who.post(address, {"policy": "ask", **SIGNED}).status_code in (404, 405)
        assert accountant.post(address, {"policy": "ask", **SIGNED}).status_code in (404, 405)
        assert accountant.get(address).status_code == (200 if name in READ else 404) or (
            name in ("features/include", "configuration/take-in")
        )
        assert Client(SERVER_NAME="localhost").get(address).status_code in (302, 405)
    assert portal.stage.query(
        "SELECT declaration, closed_periods, excluded_features FROM organizations"
    ) == [({}, "stop", [])]


def test_who_may_only_read_sees_no_form(portal: Portal) -> None:
    for name in READ:
        page = portal.browser("accountant").get(portal.page(f"settings/{name}"))
        main = re.search(r"<main.*</main>", page.content.decode(), re.DOTALL)
        assert main
        assert 'method="post"' not in main[0]


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_page_speaks_the_language(portal: Portal, language: str) -> None:
    browser = portal.browser()
    browser.post("/language", {"language": language, "next": "/"})
    browser.post(portal.page("settings/features/declaration"), SIGNED)
    for name in PAGES:
        page = browser.get(portal.page(f"settings/{name}"))
        assert page.status_code == 200, name
        if name != "configuration/file":
            assert page.content.decode().count("<h1") == 1
            assert f'lang="{language}"' in page.content.decode()
