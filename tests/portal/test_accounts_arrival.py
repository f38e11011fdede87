"""People come in by invitation, choose a password, and set up a second factor before all else."""

import psycopg
import pytest
from django.test import Client

from bilag.delivery.membership import invitation_of
from bilag.portal.accounts.arrivals import find_person, start_over
from bilag.tenants.members import memberships_of
from tests.portal.people import (
    FACTORS,
    PASSWORD,
    Human,
    code_of,
    invite,
    is_signed_in,
    joined,
    new_browser,
    text_of,
)
from tests.portal.stage import Portal

GUEST = "v017@example.org"


def roles_of(portal: Portal, subject: str) -> list[tuple[str, str]]:
    with portal.stage.installation.pool.connection() as connection:
        return [(one.slug, one.role) for one in memberships_of(connection, subject)]


def test_from_the_invitation_to_the_overview(portal: Portal) -> None:
    human = Human(GUEST)
    link = invite(portal, GUEST)
    opened = human.browser.get(link, follow=True)
    assert opened.request["PATH_INFO"] == "/account/invitation/", "no page's address has the token"
    assert link.split("/")[3] not in text_of(opened)
    assert "Invitation to alice" in text_of(opened)
    assert "Accountant" in text_of(opened)

    accepted = human.accept(link)
    assert accepted["Location"] == "/o/alice/"
    assert roles_of(portal, GUEST) == [("alice", "accountant")]
    first = human.browser.get("/o/alice/")
    assert first["Location"] == FACTORS, "without a second factor there is only one place to go"

    assert human.set_up_app()["Location"] == "/account/2fa/recovery-codes/"
    codes = human.browser.get("/account/2fa/recovery-codes/")
    assert len(codes.context["unused_codes"]) == 10
    assert human.browser.get("/o/alice/").status_code == 200
    assert human.browser.get("/o/charlie/").status_code == 404


def test_a_link_works_once_and_says_so_when_it_does_not(portal: Portal) -> None:
    link = invite(portal, GUEST)
    Human(GUEST).accept(link)
    for gone in (link, "/account/invitation/nonsense/", "/account/invitation/"):
        page = new_browser().get(gone)
        assert page.status_code == 410
        assert "can no longer be used" in text_of(page)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("short", "short", "at least 12 characters"),
        ("password1234", "password1234", "too common"),
        ("v017@example.org", "v017@example.org", "too similar"),
        ("seventeen quiet ledgers", "seventeen loud ledgers", "not the same"),
        ("", "", "required"),
    ],
)
def test_a_weak_password_is_refused_and_nobody_comes_in(
    portal: Portal, first: str, second: str, said: str
) -> None:
    browser = new_browser()
    browser.get(invite(portal, GUEST))
    page = browser.post("/account/invitation/", {"password1": first, "password2": second})
    assert page.status_code == 200
    assert said in text_of(page)
    assert 'id="error-summary"' in text_of(page)
    assert find_person(GUEST) is None
    assert roles_of(portal, GUEST) == []


def test_who_is_signed_in_already_just_accepts(portal: Portal) -> None:
    human = joined(portal, GUEST)
    with portal.stage.installation.pool.connection() as connection:
        own = portal.stage.charlie.organization
        people = portal.stage.installation.members_of(own, "user charlie@example.org")
        link = f"/account/invitation/{people.invite(GUEST, 'coordinator')[1]}/"
        assert connection is not None
    page = human.browser.get(link, follow=True)
    assert 'type="password"' not in text_of(page)
    assert human.browser.post("/account/invitation/")["Location"] == "/o/charlie/"
    assert roles_of(portal, GUEST) == [("alice", "accountant"), ("charlie", "coordinator")]


def test_somebody_else_cannot_accept_it(portal: Portal) -> None:
    other = joined(portal, "v018@example.org")
    page = other.browser.get(invite(portal, GUEST), follow=True)
    assert "You are signed in as v018@example.org" in text_of(page)
    assert other.browser.post("/account/invitation/").status_code == 410
    assert roles_of(portal, GUEST) == []


def test_a_known_person_signs_in_first(portal: Portal) -> None:
    human = joined(portal, GUEST)
    own = portal.stage.charlie.organization
    people = portal.stage.installation.members_of(own, "user charlie@example.org")
    browser = new_browser()
    page = browser.get(f"/account/invitation/{people.invite(GUEST, 'admin')[1]}/", follow=True)
    assert "You have an account already" in text_of(page)
    # a stranger who has the link cannot make the account theirs
    browser.post("/account/invitation/", {"password1": "another one here", "password2": "x"})
    assert roles_of(portal, GUEST) == [("alice", "accountant")]
    human.sign_in(browser)
    assert browser.post("/account/invitation/")["Location"] == "/o/charlie/"


def test_an_invitation_accepted_in_two_windows_at_once_makes_one_account(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = invite(portal, GUEST)
    late = Human(GUEST)
    late.browser.get(link)
    found = invitation_of(portal.stage.installation.pool, link.split("/")[3])
    Human(GUEST).accept(link)
    # the other window looked before the account was there, and writes after it
    monkeypatch.setattr("bilag.portal.accounts.views.find_person", lambda email: None)
    monkeypatch.setattr("bilag.portal.accounts.views.carried_invitation", lambda _request: found)
    form = {"password1": "a sentence of the other", "password2": "a sentence of the other"}
    assert late.browser.post("/account/invitation/", form)["Location"] == "/account/invitation/"
    assert new_browser().login(username=GUEST, password=PASSWORD), "the first password holds"
    assert roles_of(portal, GUEST) == [("alice", "accountant")]


# junk where a device's answer is expected
JUNK = (
    "", "x", "{}", "[]", "1", "null", '"a"', "9" * 5000, "[" * 100_000, '{"id": 1}',
    '{"id": "a", "response": {}}', '{"id": "a", "rawId": "a", "type": "public-key", "response":'
    ' {"clientDataJSON": "a", "authenticatorData": "a", "signature": "a"}}',
)  # fmt: skip


@pytest.mark.parametrize("where", ["login", "reauthenticate", "add"])
def test_what_no_device_would_answer_is_refused(portal: Portal, where: str) -> None:
    human = joined(portal, GUEST)
    browser = new_browser() if where == "login" else human.browser
    for junk in JUNK:
        browser.get(f"/account/2fa/passkeys/{where}/")
        form = {"credential": junk, "name": "n", "passwordless": "on"}
        answer = browser.post(f"/account/2fa/passkeys/{where}/", form, follow=True)
        assert answer.status_code in (200, 429), junk[:60]
    if where == "login":
        assert not is_signed_in(browser)


def test_nobody_signs_up_by_themselves(portal: Portal) -> None:
    browser = new_browser()
    assert browser.get("/account/signup/").status_code == 404
    assert browser.post("/account/signup/", {"email": GUEST}).status_code == 404
    assert find_person(GUEST) is None


def test_secrets_of_second_factors_are_sealed_in_the_database(portal: Portal) -> None:
    human = joined(portal, GUEST)
    codes = human.browser.get("/account/2fa/recovery-codes/").context["unused_codes"]
    with psycopg.connect(portal.stage.database.owner_url) as owner:
        (stored,) = owner.execute(
            "SELECT string_agg(to_json(a)::text, '') FROM mfa_authenticator a"
        ).fetchone() or ("",)
        (sessions,) = owner.execute(
            "SELECT string_agg(to_json(s)::text, '') FROM django_session s"
        ).fetchone() or ("",)
    assert human.secret not in stored
    assert human.secret not in sessions
    assert not [code for code in codes if code in stored]


def test_what_a_stolen_password_opens_closes_when_the_owner_sets_a_second_factor_up(
    portal: Portal,
) -> None:
    human = Human(GUEST)
    human.accept(invite(portal, GUEST))
    thief = new_browser("10.0.0.9")
    thief.post("/account/login/", {"login": GUEST, "password": PASSWORD})
    assert is_signed_in(thief)
    assert thief.get("/o/alice/")["Location"] == FACTORS
    human.set_up_app()
    page = thief.get("/account/2fa/totp/activate/")
    assert page["Location"] == "/account/login/"
    assert not is_signed_in(thief)
    assert human.browser.get("/o/alice/").status_code == 200


def test_without_a_second_factor_only_setting_one_up_is_open(portal: Portal) -> None:
    human = Human(GUEST)
    human.accept(invite(portal, GUEST, "admin"))
    for path in ("/", "/o/alice/", "/o/alice/settings/members", "/account/", "/account/sessions/",
                 "/account/password/change/", "/account/2fa/passkeys/"):  # fmt: skip
        assert human.browser.get(path)["Location"] == FACTORS, path
    invited = human.browser.post("/o/alice/settings/members/invite", {"email": "a@b.no"})
    assert invited["Location"] == FACTORS
    for path in (FACTORS, "/account/2fa/totp/activate/", "/account/2fa/passkeys/add/"):
        assert human.browser.get(path).status_code == 200, path


def test_the_operator_lets_somebody_start_over(portal: Portal) -> None:
    human = joined(portal, GUEST)
    link = start_over(GUEST)
    assert not is_signed_in(human.browser)
    assert human.sign_in().status_code == 200, "the old password opens nothing"

    again = new_browser()
    form = again.get(link, follow=True)
    new = "eighteen quiet ledgers"
    done = again.post(form.context["action_url"], {"password1": new, "password2": new})
    assert done.status_code == 302
    assert again.get("/o/alice/")["Location"] == FACTORS, "the second factor is gone as well"
    fresh = Human(GUEST, again)
    fresh.set_up_app()
    assert again.get("/o/alice/").status_code == 200
    page = new_browser().get(link, follow=True)
    assert "The link cannot be used" in text_of(page)


def test_the_key_can_be_read_out_and_the_picture_needs_no_style(portal: Portal) -> None:
    human = Human(GUEST)
    human.accept(invite(portal, GUEST))
    page = human.browser.get("/account/2fa/totp/activate/")
    text = text_of(page)
    secret = page.context["form"].secret
    assert " ".join(secret[at : at + 4] for at in range(0, 32, 4)) in text
    assert "<svg" in text
    assert "style=" not in text
    assert "<?xml" not in text
    wrong = human.browser.post("/account/2fa/totp/activate/", {"code": "000000"})
    assert "Incorrect code" in text_of(wrong)
    assert wrong.context["form"].secret == secret, "a wrong code does not cost the key"
    right = human.browser.post("/account/2fa/totp/activate/", {"code": code_of(secret)})
    assert right.status_code == 302


def test_every_door_is_closed_for_strangers(portal: Portal) -> None:
    stranger: Client = new_browser()
    for path in ("/account/", "/account/sessions/", "/account/2fa/", "/account/2fa/passkeys/",
                 "/account/2fa/recovery-codes/", "/account/2fa/recovery-codes/download/",
                 "/account/2fa/totp/activate/", "/account/password/change/", "/account/email/",
                 "/o/alice/settings/members", "/o/alice/settings/members/invite"):  # fmt: skip
        answer = stranger.get(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/account/login/"), path
    assert stranger.get("/account/session/end").status_code == 401
    assert stranger.post("/account/session/extend").status_code == 401
