"""The audit log's pages: what stands there, filters, pages, masks and files, for each role."""

import csv
import html
import io
import re
from typing import Any

import pytest
from django.test import Client

from bilag.exports.audit import record_change
from bilag.tenants.scope import organization_scope
from tests.database.api_stage import record
from tests.portal.log_stage import attempt
from tests.portal.stage import Portal


def change(
    portal: Portal,
    event: str,
    detail: dict[str, Any],
    actor: str = "user a@b.no",
    subject: str = "integration ledger",
) -> None:
    """Write a change into Alice's log."""
    with (
        portal.stage.installation.pool.connection() as connection,
        organization_scope(connection, portal.stage.alice.organization),
    ):
        record_change(connection, portal.stage.alice.organization, actor, event, subject, detail)


def text_of(client: Client, address: str, status: int = 200) -> str:
    """Return the text of a page's main part, without tags."""
    answer = client.get(address)
    assert answer.status_code == status, answer.content[:500]
    main = answer.content.decode().split('<main id="content"')[1].split("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def links(client: Client, address: str, pattern: str) -> list[str]:
    """Return the addresses in a page that fit a pattern."""
    return [html.unescape(found) for found in re.findall(
        rf'href="({pattern})"', client.get(address).content.decode())]  # fmt: skip


def file_of(client: Client, address: str) -> list[dict[str, str]]:
    """Return the rows of a file for spreadsheets."""
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    content = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(content), delimiter=";"))


@pytest.fixture
def logged(portal: Portal) -> Portal:
    """An accepted claim, a refused one, and two changes by different people."""
    alice = portal.stage.alice
    alice.hand_over(record("C1"), record("C2"))
    attempt(portal.stage, alice, alice.export_id("C1"))
    attempt(
        portal.stage, alice, alice.export_id("C2"), "rejected", "failed",
        message="Volunteer 017 is no supplier",
    )  # fmt: skip
    change(portal, "integration.changed", {"enabled": False, "reason": "Volunteer 017 asked"})
    change(portal, "token.created", {"scopes": ["exports:read"]}, "user eve@example.org")
    return portal


def test_everything_stands_there_newest_first(logged: Portal) -> None:
    page = text_of(logged.browser("accountant"), logged.page("audit"))
    assert "4 entries on this page" in page
    places = [page.index(words) for words in (
        "API token made", "Integration changed", "C2", "C1")]  # fmt: skip
    assert places == sorted(places)
    assert "eve@example.org" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("type=attempt", ["C2", "C1"]), ("type=change", ["API token made", "Integration changed"]),
        ("type=attempt.sent&status=rejected", ["C2"]), ("type=change.token", ["API token made"]),
        ("status=accepted", ["C1"]), ("record=C1", ["C1"]), ("record=nobody", []),
        ("user=eve@example.org", ["API token made"]), ("user=eve@example.org&status=accepted", []),
        ("first=2020-01-01&last=2100-01-01", ["API token made", "Integration changed", "C2", "C1"]),
        ("last=2020-01-01", []), ("first=2100-01-01", []),
    ],
)  # fmt: skip
def test_filters_stand_in_the_address(logged: Portal, query: str, found: list[str]) -> None:
    browser = logged.browser("accountant")
    page = text_of(browser, logged.page(f"audit?{query}"))
    rows = page.split("newest first")[1] if found else ""
    for words in ("API token made", "Integration changed", "C2", "C1"):
        assert (words in rows) == (words in found), (query, words)
    assert "Clear all filters" in page
    if not found:
        assert "Nothing fits these filters" in page
    assert len(file_of(browser, logged.page(f"audit/file?{query}"))) == len(found)


def test_a_day_that_is_none_is_told_at_the_field_and_other_types_are_refused(
    logged: Portal,
) -> None:
    page = text_of(logged.browser(), logged.page("audit?first=yesterday&type=other"))
    assert "Mend this before you go on" in page
    assert "From this day:" in page
    assert "Type:" in page


def test_pages_hold_every_entry_once_while_new_ones_come_in(portal: Portal) -> None:
    for number in range(120):
        change(portal, f"integration.changed{number:03d}", {})
    browser, seen, address = portal.browser(), [], portal.page("audit")
    while address:
        body = browser.get(address).content.decode()
        seen += re.findall(r"changed(\d{3})", body)
        older = re.findall(r'rel="next" href="([^"]+)"', body)
        newer = re.findall(r'rel="prev" href="([^"]+)"', body)
        assert bool(newer) == (address != portal.page("audit"))
        last, address = address, portal.page("audit") + html.unescape(older[0]) if older else ""
        change(portal, "integration.error_cleared", {})
    assert seen == [f"{number:03d}" for number in reversed(range(120))]
    (back,) = links(browser, last, r"\?newer=[^\"]+")
    body = browser.get(portal.page("audit") + back).content.decode()
    assert re.findall(r"changed(\d{3})", body) == [f"{n:03d}" for n in range(69, 19, -1)]


def test_an_entry_shows_what_was_sent_and_answered(logged: Portal) -> None:
    browser = logged.browser("accountant")
    (address,) = links(browser, logged.page("audit?record=C2"), r"/o/alice/audit/a[^\"]+")
    page = text_of(browser, address)
    assert '"amount": 249.50' in page, "a number as it was sent"
    assert "Besøk hos Volunteer 017" in page
    assert "Thank you, Volunteer 017" in page
    assert "Volunteer 017 is no supplier" in page
    (address,) = links(browser, logged.page("audit?user=a@b.no"), r"/o/alice/audit/c[^\"]+")
    assert "Volunteer 017 asked" in text_of(browser, address)


def test_a_coordinator_sees_what_happened_but_no_names_and_no_texts(logged: Portal) -> None:
    browser = logged.browser("coordinator")
    listed = text_of(browser, logged.page("audit"))
    assert "C2" in listed
    assert "refused" in listed
    for address in links(browser, logged.page("audit"), r"/o/alice/audit/[ac][^\"]+"):
        page = text_of(browser, address)
        assert "017" not in page
        assert "41234567890" not in page, "a telephone number is no amount"
        assert "hidden in your role" in page
    (address,) = links(browser, logged.page("audit?record=C1"), r"/o/alice/audit/a[^\"]+")
    assert '"amount": 249.50' in text_of(browser, address)
    assert not any("Volunteer" in cell for row in file_of(browser, logged.page("audit/file"))
                   for cell in row.values())  # fmt: skip


def test_a_file_holds_nothing_that_a_spreadsheet_would_run(portal: Portal) -> None:
    for actor in ("=1+1", "+SUM(A1)", "@now", "-cmd|' /C calc'!A0", "-12"):
        change(portal, "token.created", {}, actor)
    rows = file_of(portal.browser(), portal.page("audit/file"))
    assert [row["User"] for row in reversed(rows)] == [
        "'=1+1", "'+SUM(A1)", "'@now", "'-cmd|' /C calc'!A0", "-12",
    ]  # fmt: skip


def test_a_large_file_comes_in_pages(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(25):
        change(portal, "token.created", {"number": number})
    monkeypatch.setattr("bilag.exports.audit_log.every_entry.__kwdefaults__", {"page": 10})
    rows = file_of(portal.browser(), portal.page("audit/file"))
    assert len({row["Entry"] for row in rows}) == 25


def test_the_pages_read_and_nothing_else(logged: Portal) -> None:
    browser = logged.browser()
    (address, *_) = links(browser, logged.page("audit"), r"/o/alice/audit/[ac][^\"]+")
    for path in (logged.page("audit"), logged.page("audit/file"), address):
        for method in (browser.post, browser.put, browser.patch, browser.delete):
            assert method(path).status_code == 405


@pytest.mark.parametrize("entry", ["a0-0", "x1-1", "c1-99999999999999999999", "a1", "c1-1"])
def test_an_entry_that_is_none_is_not_found(portal: Portal, entry: str) -> None:
    assert portal.browser().get(portal.page(f"audit/{entry}")).status_code == 404
    assert portal.browser().get(portal.page(f"audit?older={entry}")).status_code in (200, 404)


def test_an_outsider_finds_none_of_it(logged: Portal) -> None:
    (address, *_) = links(logged.browser(), logged.page("audit"), r"/o/alice/audit/[ac][^\"]+")
    key = address.rpartition("/")[2]
    charlie = logged.browser("admin", "eve@example.net", logged.stage.charlie.organization)
    assert charlie.get(address).status_code == 404
    assert charlie.get(logged.page("audit")).status_code == 404
    assert charlie.get(f"/o/charlie/audit/{key}").status_code == 404
    assert "C1" not in text_of(charlie, "/o/charlie/audit")
    assert file_of(charlie, "/o/charlie/audit/file?record=C1") == []


def test_an_empty_log_says_what_will_stand_there(portal: Portal) -> None:
    assert "Nothing is logged yet" in text_of(portal.browser(), portal.page("audit"))


def test_a_changed_mapping_is_told_by_its_old_and_new_codes(portal: Portal) -> None:
    alice = portal.stage.alice
    editor = portal.stage.installation.mapping_editor_of(alice.organization, "user a@b.no")
    editor.change("ledger", {"categories": {"travel": {"account": "7140"}}})
    editor.save("ledger")
    editor.change("ledger", {"categories": {"travel": {"account": "7150"}}})
    saved = editor.save("ledger")
    browser = portal.browser("accountant")
    listed = text_of(browser, portal.page("audit?type=change.mapping"))
    assert "Field mapping changed: field mapping of Ledger" in listed
    (address, *_) = links(
        browser, portal.page("audit?type=change.mapping"), r"/o/alice/audit/c[^\"]+"
    )
    page = text_of(browser, address)
    assert "Expense type “travel”: ledger account 7140 7150" in page
    assert "{" not in page
    (compared,) = links(browser, address, r"[^\"]*/mapping/versions/compare[^\"]*")
    assert f"new={saved.version}" in compared
    assert "7150" in text_of(browser, compared)
    (row,) = file_of(browser, portal.page("audit/file?type=change.mapping"))
    assert "“travel”: ledger account: 7140 → 7150" in row["Details"]
    assert row["About"] == "field mapping of Ledger (ledger)"
    masked = text_of(portal.browser("coordinator"), address)
    assert "7150" not in masked


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nb", ("krav C1", "integrasjonen Ledger", "boken Main book", "medlem eve@example.org",
                "2 krav", "Lukket til og med ingenting 30.11.2026")),
        ("nn", ("krav C1", "integrasjonen Ledger", "boka Main book", "medlem eve@example.org",
                "2 krav", "Lukka til og med ingenting 30.11.2026")),
    ],
)  # fmt: skip
def test_what_a_change_was_about_is_said_in_the_language_of_the_page(
    portal: Portal, language: str, said: tuple[str, ...]
) -> None:
    alice = portal.stage.alice
    alice.hand_over(record("C1"))
    closed = {"closedThrough": {"before": "null", "after": '"2026-11-30"'}}
    for event, subject, detail in (
        ("export.cancelled", f"export {alice.export_id('C1')}", {}),
        ("integration.changed", "integration ledger", {}),
        ("export.retried", "2 exports", {}),
        ("member.removed", "member eve@example.org", {}),
        ("book.changed", "book main", closed),
    ):
        change(portal, event, detail, subject=subject)
    browser = portal.browser()
    browser.cookies["django_language"] = language
    listed = text_of(browser, portal.page("audit"))
    (newest, *_) = links(browser, portal.page("audit"), r"/o/alice/audit/c[^\"]+")
    shown = text_of(browser, newest)
    for words in said:
        assert words in listed + shown, words
    assert not re.search(r"\bexports?\b|\bmapping of\b|: ledger", listed)
