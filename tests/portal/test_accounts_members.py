"""The members' pages: inviting, roles, removing; and who may not."""

from smtplib import SMTPException
from unittest.mock import patch

import pytest
from django.core import mail
from django.test import override_settings

from tests.database.api_stage import connect_owner
from tests.portal.people import joined, text_of
from tests.portal.stage import Portal

GUEST, ADMIN = "v017@example.org", "v001@example.org"
MEMBERS = "settings/members"


def events(portal: Portal) -> list[tuple[str, str, str]]:
    return [
        (str(actor), str(event), str(subject))
        for actor, event, subject in portal.stage.query(
            "SELECT actor, event, subject FROM change_logs"
            " WHERE event LIKE 'member.%%' ORDER BY link"
        )
    ]


def test_an_administrator_invites_and_the_link_is_shown_once(portal: Portal) -> None:
    admin = portal.browser("admin", ADMIN)
    page = admin.get(portal.page(MEMBERS))
    assert "Invite somebody" in text_of(page)
    assert "1 member<" in text_of(page).replace("\n", "")
    form = {"email": " V017@Example.org", "role": "coordinator"}
    made = admin.post(portal.page(f"{MEMBERS}/invite"), form)
    link = made.context["link"]
    shown = made.content.decode()
    assert 'id="copy" data-copies="link" hidden' in shown, "the script shows it"
    assert f'<input class="ds-input" id="link" type="text" readonly value="{link}"' in shown
    assert link.startswith("http://localhost/account/invitation/")
    assert "It is shown this once" in text_of(made)
    assert made["Cache-Control"] == "no-store"
    token = link.split("/")[-2]
    after = admin.get(portal.page(MEMBERS))
    assert GUEST in text_of(after)
    assert 'Withdraw <span class="ds-sr-only">v017@example.org</span>' in text_of(after)
    assert token not in text_of(after)
    assert events(portal) == [(f"user {ADMIN}", "member.invited", f"member {GUEST}")]
    assert mail.outbox == []


def test_with_a_mail_server_it_is_sent_in_the_organizations_language(portal: Portal) -> None:
    admin = portal.browser("admin", ADMIN)
    portal.stage.query("UPDATE organizations SET language = 'nn'")
    with override_settings(
        MAIL={"EMAIL_HOST": "mail.example.org"}, DEFAULT_FROM_EMAIL="bilag@example.org"
    ):
        form = {"email": GUEST, "role": "accountant"}
        made = admin.post(portal.page(f"{MEMBERS}/invite"), form)
        (sent,) = mail.outbox
        assert "The link was sent to v017@example.org" in text_of(made)
        assert sent.to == [GUEST]
        assert made.context["link"] in str(sent.body)
        assert "Invitasjon til alice" in sent.subject
        assert "Du er invitert" in str(sent.body)
        for fault in (SMTPException("secret"), UnicodeError("odd")):
            with patch("bilag.portal.accounts.mail.send_mail", side_effect=fault):
                failed = admin.post(
                    portal.page(f"{MEMBERS}/invite"), form | {"email": "a@example.org"}
                )
            assert f"The e-mail was not sent ({type(fault).__name__})" in text_of(failed)
            assert failed.context["link"] in text_of(failed), "it can still be handed over"


@pytest.mark.parametrize(
    ("email", "role", "said"),
    [
        ("", "admin", "This field is required"),
        ("nobody", "admin", "Enter an e-mail address"),
        ("a@xn--ø.no", "admin", "Enter an e-mail address"),
        ("a@aא1.no", "admin", "Enter an e-mail address"),
        (f"a@{62 * 'ø'}.no", "admin", "Enter an e-mail address"),
        (ADMIN, "accountant", "already belongs"),
        (GUEST, "", "This field is required"),
        (GUEST, "owner", "Select a valid choice"),
    ],
)
def test_what_cannot_be_invited_is_said_at_its_field(
    portal: Portal, email: str, role: str, said: str
) -> None:
    admin = portal.browser("admin", ADMIN)
    page = admin.post(portal.page(f"{MEMBERS}/invite"), {"email": email, "role": role})
    assert page.status_code == 200
    assert said in text_of(page)
    assert 'id="error-summary"' in text_of(page)
    assert 'aria-invalid="true"' in text_of(page)
    assert events(portal) == []


def test_roles_change_and_end_but_not_the_last_administrators(portal: Portal) -> None:
    admin = portal.browser("admin", ADMIN)
    human = joined(portal, GUEST)
    role, remove = (portal.page(f"{MEMBERS}/{ADMIN}/{what}") for what in ("role", "remove"))
    kept = admin.post(role, {"role": "accountant"})
    assert "is the last administrator" in text_of(kept)
    stays = admin.post(remove)
    assert stays.status_code == 409
    assert "<title>Error: Remove a member" in stays.content.decode()
    changed = admin.post(portal.page(f"{MEMBERS}/{GUEST}/role"), {"role": "admin"}, follow=True)
    assert "v017@example.org now has the role Administrator." in text_of(changed)
    assert human.browser.get(portal.page(MEMBERS)).status_code == 200, "from the next page on"
    asked = human.browser.get(remove)
    assert "Remove v001@example.org" in text_of(asked)
    assert human.browser.post(remove)["Location"] == portal.page(MEMBERS)
    assert admin.get(portal.page(MEMBERS)).status_code == 404, "from the next page on"
    assert [event for _, event, _ in events(portal)] == [
        "member.invited", "member.joined", "member.changed", "member.removed",
    ]  # fmt: skip


def test_an_invitation_is_withdrawn(portal: Portal) -> None:
    admin = portal.browser("admin", ADMIN)
    admin.post(portal.page(f"{MEMBERS}/invite"), {"email": GUEST, "role": "admin"})
    page = admin.get(portal.page(MEMBERS))
    (invitation,) = page.context["invitations"]
    address = portal.page(f"{MEMBERS}/invitations/{invitation['one'].id}/withdraw")
    assert "Its link then no longer works" in text_of(admin.get(address))
    said = admin.post(address, follow=True)
    assert "is withdrawn" in text_of(said)
    assert said.context["invitations"] == []
    assert admin.post(address).status_code == 404


def test_only_administrators_of_the_organization_come_near(portal: Portal) -> None:
    admin = portal.browser("admin", ADMIN)
    admin.post(portal.page(f"{MEMBERS}/invite"), {"email": GUEST, "role": "admin"})
    (invitation,) = admin.get(portal.page(MEMBERS)).context["invitations"]
    outsiders = [
        portal.browser("coordinator"),
        portal.browser("accountant"),
        portal.browser(None),
        portal.browser("admin", "eve@example.org", portal.stage.charlie.organization),
    ]
    before = len(events(portal))
    for path in ("", "/invite", f"/{ADMIN}/role", f"/{ADMIN}/remove",
                 f"/invitations/{invitation['one'].id}/withdraw"):  # fmt: skip
        for outsider in outsiders:
            form = {"email": "eve@example.org", "role": "admin"}
            assert outsider.get(portal.page(MEMBERS + path)).status_code == 404
            assert outsider.post(portal.page(MEMBERS + path), form).status_code in (404, 405)
    assert len(events(portal)) == before


def test_an_administrator_elsewhere_cannot_reach_over(portal: Portal) -> None:
    portal.browser("admin", ADMIN)
    eve = portal.browser("admin", "eve@example.org", portal.stage.charlie.organization)
    for path in (f"{ADMIN}/role", f"{ADMIN}/remove"):
        assert eve.post(f"/o/charlie/{MEMBERS}/{path}", {"role": "accountant"}).status_code == 404
    assert portal.stage.query("SELECT role FROM members WHERE subject = %s", ADMIN) == [("admin",)]


def test_support_invites_nobody_and_gives_no_role(portal: Portal) -> None:
    with connect_owner(portal.stage) as owner:
        owner.execute("INSERT INTO global_admins (subject) VALUES ('support@example.org')")
    browser = portal.browser(None, "support@example.org")
    browser.post("/admin-overview/alice/support", {"reason": "Request 17"})
    listed = text_of(browser.get(portal.page(MEMBERS)))
    assert "In support mode nobody can be invited or given another role." in listed
    assert f"{MEMBERS}/invite" not in listed
    invited = {"email": "support@example.org", "role": "admin"}
    assert browser.get(portal.page(f"{MEMBERS}/invite")).status_code == 404
    assert browser.post(portal.page(f"{MEMBERS}/invite"), invited).status_code == 404
    role = portal.page(f"{MEMBERS}/{ADMIN}/role")
    assert browser.post(role, {"role": "coordinator"}).status_code == 404
    assert portal.stage.query("SELECT count(*) FROM invitations") == [(0,)]


def test_a_member_whose_subject_has_a_slash_is_listed_and_removed(portal: Portal) -> None:
    admin = portal.browser("admin", ADMIN)
    subject = "google-oauth2/117"
    portal.stage.query(
        "INSERT INTO members (organization_id, subject, role) VALUES (%s, %s, 'accountant')",
        portal.stage.alice.organization, subject,
    )  # fmt: skip
    assert subject in text_of(admin.get(portal.page(MEMBERS)))
    page = f"{MEMBERS}/{subject}"
    assert admin.post(portal.page(f"{page}/role"), {"role": "coordinator"}).status_code == 302
    assert admin.post(portal.page(f"{page}/remove")).status_code == 302
    assert subject not in text_of(admin.get(portal.page(MEMBERS), follow=True)).split("<table")[1]
