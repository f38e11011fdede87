"""The pages of API tokens: shown once, masked ever after, and only to administrators (X3)."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from tests.database.api_stage import connect_owner, problem
from tests.portal.stage import Portal

LIST, NEW = "settings/tokens", "settings/tokens/new"
STATUS = "/api/v1/status"


def _entered(page: Any, **changes: Any) -> dict[str, Any]:
    """Return what a person enters, with what the form itself brings along."""
    drawn = re.search(r'name="token_id" value="([0-9a-f-]{36})"', page.content.decode())
    assert drawn
    return {
        "token_id": drawn[1], "name": "Expense app", "scope": ["records:write", "exports:read"],
        "days": "30", **changes,
    }  # fmt: skip


def _shown(page: Any) -> str:
    found = re.search(r'value="(bilag_[A-Za-z0-9]{40})"', page.content.decode())
    assert found
    return found[1]


def _make(portal: Portal, browser: Client, **changes: Any) -> Any:
    return browser.post(portal.page(NEW), _entered(browser.get(portal.page(NEW)), **changes))


def test_a_token_is_shown_once_and_works(portal: Portal) -> None:
    browser = portal.browser()
    entered = _entered(browser.get(portal.page(NEW)))
    made = browser.post(portal.page(NEW), entered)
    token = _shown(made)
    assert made.status_code == 200
    assert made["Cache-Control"] == "no-store"
    assert made.content.decode().count(token) == 1
    bearer = {"Authorization": f"Bearer {token}"}
    assert portal.stage.alice.ask("GET", STATUS, **bearer).status_code == 200
    listed = browser.get(portal.page(LIST)).content.decode()
    assert token[6:] not in listed
    assert f"••••••••{token[-4:]}" in listed
    assert f"ends in {' '.join(token[-4:])}" in listed
    assert "in 29 days" in listed
    assert token not in str(dict(browser.session))
    again = browser.post(portal.page(NEW), entered)
    assert "made already" in again.content.decode(), "sent twice, it makes no second token"
    assert token not in again.content.decode()
    names = portal.stage.query("SELECT name FROM api_tokens ORDER BY created_at")
    assert names == [("app",), ("Expense app",)]
    events = portal.stage.query("SELECT actor, event, subject FROM change_logs")
    assert events == [("user admin@example.org", "token.created", "token Expense app")]


def test_what_is_wrong_stands_at_its_field_and_nothing_is_made(portal: Portal) -> None:
    browser = portal.browser()
    for changes, expected in (
        ({"name": " "}, 'id="id_name_error"'),
        ({"scope": []}, 'id="id_scope_error"'),
        ({"scope": ["everything"]}, 'id="id_scope_error"'),
        ({"days": "731"}, "from 1 to 730"),
        ({"days": "never"}, 'id="id_days_error"'),
    ):
        page = _make(portal, browser, **changes)
        text = page.content.decode()
        assert expected in text, changes
        assert 'id="error-summary"' in text
        assert "Expense app" in text or "name" in changes, "what was entered stays"
    assert portal.stage.query("SELECT count(*) FROM api_tokens") == [(1,)]


def test_a_token_ends_at_once_and_for_good(portal: Portal) -> None:
    browser = portal.browser()
    token = _shown(_make(portal, browser))
    bearer = {"Authorization": f"Bearer {token}"}
    ((own,),) = portal.stage.query("SELECT id FROM api_tokens WHERE name = 'Expense app'")
    address = portal.page(f"{LIST}/{own}/end")
    asked = browser.get(address).content.decode()
    assert "End token Expense app" in asked
    assert portal.stage.alice.ask("GET", STATUS, **bearer).status_code == 200
    page = browser.post(address, follow=True)
    assert "The token Expense app has ended." in page.content.decode()
    problem(portal.stage.alice.ask("GET", STATUS, **bearer), 401)
    assert browser.post(address, follow=True).status_code == 200, "twice does no harm"
    events = portal.stage.query("SELECT event FROM change_logs ORDER BY at")
    assert events == [("token.created",), ("token.revoked",)]


def test_only_the_organization_s_administrators_get_there(portal: Portal) -> None:
    ((own,),) = portal.stage.query("SELECT id FROM api_tokens")
    outsider = portal.browser("admin", "eve@example.org", portal.stage.charlie.organization)
    for address in (LIST, NEW, f"{LIST}/{own}/end"):
        for browser in (portal.browser("accountant"), portal.browser("coordinator"), outsider):
            for method in (browser.get, browser.post):
                assert method(portal.page(address)).status_code in (404, 405), address
        anonymous = Client(SERVER_NAME="localhost").get(portal.page(address))
        assert anonymous.status_code == 302
    theirs = outsider.get(f"/o/charlie/{LIST}/{own}/end")
    assert theirs.status_code == 404, "another organization's token is not there"
    outsider.post(f"/o/charlie/{LIST}/{own}/end")
    assert portal.stage.query("SELECT revoked_at FROM api_tokens") == [(None,)]
    assert portal.browser().get(portal.page(f"{LIST}/{uuid4()}/end")).status_code == 404


def test_support_may_end_a_token_but_makes_and_sees_none(portal: Portal) -> None:
    with connect_owner(portal.stage) as owner:
        owner.execute("INSERT INTO global_admins (subject) VALUES ('support@example.org')")
    browser = portal.browser(None, "support@example.org")
    browser.post("/admin-overview/alice/support", {"reason": "Request 17"})
    listed = browser.get(portal.page(LIST)).content.decode()
    assert "In support mode no token can be made" in listed
    assert "settings/tokens/new" not in listed
    assert browser.get(portal.page(NEW)).status_code == 404
    entered = {"token_id": uuid4(), "name": "x", "scope": ["exports:read"], "days": 1}
    assert browser.post(portal.page(NEW), entered).status_code == 404
    ((own,),) = portal.stage.query("SELECT id FROM api_tokens")
    assert browser.post(portal.page(f"{LIST}/{own}/end")).status_code == 302
    events = portal.stage.query("SELECT actor, event FROM change_logs ORDER BY at")
    assert events[-1] == ("support support@example.org", "token.revoked")


def test_the_form_is_protected_against_other_sites(portal: Portal) -> None:
    browser = portal.browser()
    page = browser.get(portal.page(NEW))
    strict = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert strict.post(portal.page(NEW), _entered(page)).status_code == 403
    assert portal.stage.query("SELECT count(*) FROM api_tokens") == [(1,)]


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_the_pages_speak_three_languages(portal: Portal, language: str) -> None:
    browser = portal.browser()
    browser.post("/language", {"language": language, "next": "/"})
    words = {
        "nb": ("Lag et token", "levere godkjente poster", "Sist brukt", "Avslutt tokenet app"),
        "nn": ("Lag eit token", "levere godkjende postar", "Sist brukt", "Avslutt tokenet app"),
        "en": ("Make a token", "hand over approved records", "Last used", "End token app"),
    }[language]
    pages = (LIST, NEW)
    text = "".join(browser.get(portal.page(page)).content.decode() for page in pages)
    assert [word for word in words if word not in text] == []


def test_ended_tokens_do_not_crowd_the_page(portal: Portal) -> None:
    portal.stage.query(
        "INSERT INTO api_tokens (id, organization_id, name, token_hash, last_four, scopes,"
        " expires_at, revoked_at) SELECT gen_random_uuid(), %s, 'Old ' || n,"
        " sha256(n::text::bytea), 'abcd', '{exports:read}', now() + interval '1 day', now()"
        " FROM generate_series(1, 60) n",
        portal.stage.alice.organization,
    )  # fmt: skip
    text = portal.browser().get(portal.page(LIST)).content.decode()
    assert text.count("Old ") == 50
    assert "10 older ones stand in the audit log." in text
