"""The frame: who sees which organization, the language, and what every page answers with."""

import re
from typing import Any

from django.test import Client

from tests.database.api_stage import connect_owner, record
from tests.portal.stage import Portal


def test_who_is_not_signed_in_is_asked_to_sign_in(portal: Portal) -> None:
    answer = Client(SERVER_NAME="localhost").get(portal.page())
    assert answer.status_code == 302
    assert answer["Location"] == f"/account/login/?next=/o/{portal.slug}/"


def test_an_outsider_learns_nothing_not_even_that_the_organization_exists(portal: Portal) -> None:
    outsider = portal.browser("admin", "eve@example.org", portal.stage.charlie.organization)
    there, nowhere = outsider.get(portal.page()), outsider.get("/o/nowhere/")
    assert there.status_code == nowhere.status_code == 404
    assert _bare(there, portal.slug) == _bare(nowhere, "nowhere")


def test_the_overview_says_where_the_claims_stand(portal: Portal) -> None:
    portal.stage.alice.hand_over(record("C000001"), record("C000002"))
    page = portal.browser("coordinator").get("/", follow=True)
    text = page.content.decode()
    assert page.redirect_chain == [(portal.page(), 302)]
    assert '<td class="number">2</td>' in text
    assert "<title>Overview" in text.replace("\n", "")
    assert text.count("<h1") == 1


def test_the_language_is_remembered(portal: Portal) -> None:
    browser = portal.browser()
    browser.post("/language", {"language": "nn", "next": portal.page()})
    assert 'lang="nn"' in browser.get(portal.page()).content.decode()
    elsewhere = browser.post("/language", {"language": "en", "next": "https://example.org/"})
    assert elsewhere["Location"] == "/"


def test_every_page_forbids_foreign_scripts_and_is_not_kept(portal: Portal) -> None:
    page = portal.browser().get(portal.page())
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert page["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_a_global_admin_acts_only_in_support_mode_which_is_in_the_audit_log(
    portal: Portal,
) -> None:
    browser = portal.browser(None, "operator@example.org")
    with connect_owner(portal.stage) as owner:
        owner.execute("INSERT INTO global_admins (subject) VALUES ('operator@example.org')")
    assert browser.get(portal.page()).status_code == 404
    support = f"/admin-overview/{portal.slug}/support"
    assert "Reason" in browser.post(support, {"reason": ""}).content.decode()
    page = browser.post(support, {"reason": "request 17"}, follow=True)
    assert page.status_code == 200
    assert "Support mode" in page.content.decode()
    assert portal.stage.query("SELECT actor, event, detail->>'reason' FROM change_logs") == [
        ("support operator@example.org", "support.started", "request 17")
    ]
    browser.post("/support/end")
    assert browser.get(portal.page()).status_code == 404
    assert portal.browser("admin").get("/admin-overview").status_code == 404


def _bare(answer: Any, slug: str) -> str:
    """Return a page without what differs each time: its own address, and the form's token."""
    text = re.sub(r'(value="|Token": ")[A-Za-z0-9]{64}"', "", answer.content.decode())
    return text.replace(slug, "")
