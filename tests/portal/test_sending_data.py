"""Pages about what is sent: filters counted before they are saved, schedule, pauses, on and off."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from psycopg.types.json import Jsonb

from bilag.delivery.included import IncludedRecords
from bilag.integrations.model import Filters
from tests.portal.stage import Portal
from tests.simulation.world import claim

INTEGRATION = "settings/integrations/ledger/"
FILTERS = {
    "categories": ["expense", "mileage"],
    "status": "approved",
    "date_field": "approved",
    "from_date": "",
    "to_date": "",
    "from_amount": "",
    "to_amount": "1 000,00",
    "cost_centres": "",
    "projects": "",
}
WEEKLY = {"trigger": "weekly", "at": "07:00", "weekdays": ["monday"], "time_zone": "Europe/Oslo"}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def errors(page: str) -> str:
    """Return what the summary of errors says."""
    found = re.search(r'id="error-summary".*?</div>', page, re.DOTALL)
    return re.sub(r"<[^>]+>", " ", found[0]) if found else ""


def accept(portal: Portal, *records: Any) -> None:
    own = portal.stage.alice.organization
    portal.stage.installation.exports_of(own, "app").accept_records(records)


def included(portal: Portal) -> IncludedRecords:
    return portal.stage.installation.included_of(portal.stage.alice.organization, "somebody")


def changes(portal: Portal) -> list[tuple[str, str, Any]]:
    return portal.stage.query("SELECT actor, event, detail FROM change_logs ORDER BY id")


def test_filters_are_counted_before_they_are_saved(portal: Portal) -> None:
    accept(portal, claim(1), claim(2, amount="9000"), replace(claim(3), category="activity"))
    browser = portal.browser()
    address = portal.page(f"{INTEGRATION}data")
    assert "Keeps" not in browser.get(address).content.decode(), "counted only when asked for"

    counted = browser.post(address, {**FILTERS, "act": "save"}).content.decode()
    assert included(portal).filters("ledger").filters == Filters(), "first the counts, then save"
    assert "1 of 3 records would be sent, 2 left out." in counted
    assert re.search(r'<th scope="row">Amount</th><td class="number">2</td>', counted)
    assert re.search(r"All together</th><td class=\"number\">1</td><td class=\"number\">2", counted)
    assert 'value="1 000,00"' in counted, "what was written stays"

    saving = {**FILTERS, "act": "save", "counted": hidden(counted, "counted")}
    other = browser.post(address, {**saving, "to_amount": "5"}).content.decode()
    assert "0 of 3 records would be sent" in other, "something else was counted"
    saved = browser.post(address, saving, follow=True)
    assert saved.redirect_chain == [(address, 302)]
    assert "The filters are saved." in saved.content.decode()
    found = included(portal).filters("ledger").filters
    assert found.categories == ("expense", "mileage")
    assert str(found.to_amount) == "1000"
    actor, event, detail = changes(portal)[-1]
    assert (actor, event) == ("user admin@example.org", "integration.changed")
    assert "toAmount" in detail["filters"]["after"]


def test_what_is_left_out_is_listed_with_the_reason_and_comes_back(portal: Portal) -> None:
    accept(portal, *(claim(number) for number in range(52)))
    reason = {"code": "filter_amount_above", "message": "", "field": "lines",
              "params": {"amount": "150", "bound": "100", "currency": "NOK"}}  # fmt: skip
    portal.stage.query(
        "UPDATE exports SET state = 'excluded', reason = %s, state_since = now()", Jsonb(reason)
    )
    reader = portal.browser("accountant")
    page = reader.get(portal.page(f"{INTEGRATION}data/left-out")).content.decode()
    assert page.count("above the largest amount of the filter (100)") == 50
    assert "Change the filters" not in page
    older = re.search(r"\?before=(\d+)", page)
    assert older
    rest = reader.get(portal.page(f"{INTEGRATION}data/left-out?before={older[1]}"))
    assert rest.content.decode().count('<th scope="row">') == 2
    for unknown in ("²", "9" * 5000):
        newest = reader.get(portal.page(f"{INTEGRATION}data/left-out?before={unknown}"))
        assert newest.content.decode().count('<th scope="row">') == 50
    browser, address = portal.browser(), portal.page(f"{INTEGRATION}data")
    counted = browser.post(address, FILTERS).content.decode()
    assert "52 records that are left out now would wait to be sent." in counted
    saving = {**FILTERS, "act": "save", "counted": hidden(counted, "counted")}
    said = browser.post(address, saving, follow=True).content.decode()
    assert "52 records that were left out wait to be sent." in said
    assert portal.stage.query("SELECT DISTINCT state FROM exports") == [("pending",)]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"to_amount": "a lot"}, "To this amount:  Write an amount in the book"),
        ({"to_amount": "12.34567"}, "To this amount:  Write an amount in the book"),
        ({"categories": []}, "Kinds of records:"),
        ({"from_date": "2026-13-01"}, "From this day:"),
        ({"from_date": "2026-02-01", "to_date": "2026-01-01"}, "To this day:  The end lies before"),
        ({"from_amount": "5", "to_amount": "1"}, "To this amount:  The end lies before"),
        ({"status": "pending"}, "Status:"),
        ({"cost_centres": "x" * 41}, "Cost centres:"),
    ],
)
def test_what_cannot_be_used_is_told_at_its_field_and_nothing_is_lost(
    portal: Portal, changed: dict[str, Any], told: str
) -> None:
    address = portal.page(f"{INTEGRATION}data")
    page = (
        portal.browser().post(address, {**FILTERS, "projects": "P17", **changed}).content.decode()
    )
    assert re.sub(r"\s+", " ", told) in re.sub(r"\s+", " ", errors(page))
    assert 'aria-invalid="true"' in page
    assert "P17" in page
    assert included(portal).filters("ledger").filters == Filters()


def test_counting_with_htmx_swaps_the_counts_only_and_says_them(portal: Portal) -> None:
    accept(portal, claim(1))
    answer = portal.browser().post(
        portal.page(f"{INTEGRATION}data"), FILTERS, headers={"HX-Request": "true"}
    )
    text = answer.content.decode()
    assert "<main" not in text
    assert 'name="counted"' in text
    assert answer["Bilag-Announce"].startswith("1%20of%201%20records")


def test_a_schedule_is_shown_before_it_is_saved(portal: Portal) -> None:
    browser, address = portal.browser(), portal.page(f"{INTEGRATION}schedule")
    assert "When something is approved" in browser.get(address).content.decode()
    shown = browser.post(address, {**WEEKLY, "act": "save"}).content.decode()
    assert "Every Monday at 07:00 (Europe/Oslo)" in shown
    assert len(re.findall(r"<li>Monday \d{4}-\d\d-\d\d 07:00 \(Europe/Oslo\)</li>", shown)) == 5
    assert portal.stage.query("SELECT delivery ->> 'trigger' FROM organization_integrations") == [
        (None,)
    ]
    saving = {**WEEKLY, "act": "save", "shown": hidden(shown, "shown")}
    saved = browser.post(address, saving, follow=True).content.decode()
    assert "The schedule is saved: Every Monday at 07:00 (Europe/Oslo). Next run: Monday" in saved
    ((trigger, schedule),) = portal.stage.query(
        "SELECT delivery ->> 'trigger', delivery -> 'schedule' FROM organization_integrations"
    )
    assert (trigger, schedule["weekdays"]) == ("weekly", ["monday"])
    manual = browser.post(address, {**WEEKLY, "trigger": "manual"}).content.decode()
    assert "It has no runs at fixed times." in manual, "what the choice does not need is not read"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"at": ""}, "Time of day"),
        ({"weekdays": []}, "Days of the week"),
        ({"trigger": "cron", "cron": "0 25 * * *"}, "Cron expression"),
        ({"trigger": "cron", "cron": ""}, "Cron expression"),
        ({"trigger": "monthly", "day": "32"}, "Day of the month"),
        ({"time_zone": "Europe/Nowhere"}, "Time zone"),
        ({"trigger": "never"}, "When records are sent"),
    ],
)
def test_a_schedule_that_cannot_be_followed_is_told_at_its_field(
    portal: Portal, changed: dict[str, Any], told: str
) -> None:
    page = portal.browser().post(
        portal.page(f"{INTEGRATION}schedule"), {**WEEKLY, **changed}
    )  # fmt: skip
    assert f"{told}:" in errors(page.content.decode())


def test_pauses_are_added_and_removed_whatever_else_changes(portal: Portal) -> None:
    browser, address = portal.browser(), portal.page(f"{INTEGRATION}pauses")
    monthly = {"kind": "monthly", "from_day": "28", "to_day": "3"}
    once = {"kind": "once", "from_date": "2026-12-20", "to_date": "2027-01-03", "to_time": "12:00"}
    for pause in (monthly, once, monthly):
        assert browser.post(address, pause).status_code == 302
    page = browser.get(address).content.decode()
    assert page.count('name="pause"') == 2, "the same pause is there once"
    assert "Paused from 2026-12-20 00:00 to 2027-01-03 12:00" in page
    values = re.findall(r'name="pause" value="([^"]*)"', page)
    unquoted = [value.replace("&quot;", '"') for value in values]
    removed = browser.post(f"{address}/remove", {"pause": unquoted[0]}, follow=True)
    assert "Removed: Paused" in removed.content.decode()
    browser.post(f"{address}/remove", {"pause": unquoted[0]})
    ((stored,),) = portal.stage.query(
        "SELECT delivery -> 'schedule' -> 'pauses' FROM organization_integrations"
    )
    assert len(stored) == 1
    assert browser.post(f"{address}/remove", {"pause": "{"}).status_code == 404


@pytest.mark.parametrize(
    ("pause", "told"),
    [
        ({"kind": "once", "from_date": "2026-12-20"}, "Once: to this day: Fill this in."),
        ({"kind": "once", "from_date": "2026-12-20", "to_date": "2026-12-19"}, "ends before"),
        ({"kind": "monthly", "from_day": "1"}, "Every month: to this day: Fill this in."),
        ({"kind": "monthly", "from_day": "1", "to_day": "31"}, ""),
        ({}, "How often:"),
    ],
)
def test_a_pause_that_cannot_be_is_refused(portal: Portal, pause: Any, told: str) -> None:
    page = portal.browser().post(portal.page(f"{INTEGRATION}pauses"), pause)
    assert page.status_code == 200
    summary = re.sub(r"\s+", " ", errors(page.content.decode()))
    assert summary
    assert told in summary or "before" in summary
    assert portal.stage.query(
        "SELECT delivery -> 'schedule' FROM organization_integrations"
    ) == [(None,)]  # fmt: skip


def test_switching_off_says_what_happens_and_keeps_the_reason(portal: Portal) -> None:
    accept(portal, claim(1), claim(2))
    browser, address = portal.browser(), portal.page(f"{INTEGRATION}switch")
    page = browser.get(address).content.decode()
    assert "2 records wait now and stay in the queue" in page
    assert "Switch Ledger off now" in page
    assert portal.stage.query("SELECT enabled FROM organization_integrations") == [(True,)]
    off = browser.post(address, {"to": "off", "reason": "month end"}, follow=True)
    assert "Ledger is switched off." in off.content.decode()
    assert "2 records wait and go as the schedule says." in off.content.decode()
    assert portal.stage.query("SELECT enabled FROM organization_integrations") == [(False,)]
    browser.post(address, {"to": "off"})
    assert portal.stage.query("SELECT enabled FROM organization_integrations") == [(False,)], (
        "a button that is pressed twice switches nothing back"
    )
    (_, _, detail), = changes(portal)  # fmt: skip
    assert detail == {"enabled": {"before": "true", "after": "false"}, "reason": "month end"}
    numbered = browser.post(address, {"to": "on", "reason": "for 13097248022"})
    assert "national identity number" in errors(numbered.content.decode())


def test_what_is_still_being_set_up_is_not_switched_on(portal: Portal) -> None:
    portal.stage.query(
        "UPDATE organization_integrations SET is_draft = true, enabled = false, is_route = false"
    )
    page = portal.browser().post(portal.page(f"{INTEGRATION}switch"), {"to": "on"})
    assert page.status_code == 200
    assert errors(page.content.decode())
    assert portal.stage.query("SELECT enabled FROM organization_integrations") == [(False,)]


PAGES = ("data", "data/left-out", "schedule", "pauses", "switch")


def test_outsiders_and_other_roles_get_nothing(portal: Portal) -> None:
    stranger = portal.browser("admin", "eve@example.org", portal.stage.charlie.organization)
    coordinator, accountant = portal.browser("coordinator"), portal.browser("accountant")
    for name in PAGES:
        address = portal.page(INTEGRATION + name)
        for who in (stranger, coordinator):
            assert who.get(address).status_code == 404
            assert who.post(address, {"to": "off"}).status_code in (404, 405)
        assert Client(SERVER_NAME="localhost").get(address).status_code == 302
        assert accountant.post(address, {"to": "off"}).status_code in (404, 405)
        assert portal.browser().get(address.replace("ledger", "gone")).status_code == 404
    assert portal.stage.query("SELECT enabled FROM organization_integrations") == [(True,)]


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_page_speaks_the_language_and_asks_few_questions(
    portal: Portal, language: str, count_queries: Callable[[], int]
) -> None:
    accept(portal, *(claim(number) for number in range(5)))
    browser = portal.browser()
    browser.post("/language", {"language": language, "next": "/"})
    for name in PAGES:
        before = count_queries()
        page = browser.get(portal.page(INTEGRATION + name))
        assert page.status_code == 200
        text = page.content.decode()
        assert f'lang="{language}"' in text
        assert text.count("<h1") == 1
        assert count_queries() - before <= 40, name
    if language != "en":
        assert "Save" not in browser.get(portal.page(f"{INTEGRATION}data")).content.decode()
    connections["default"].close()
