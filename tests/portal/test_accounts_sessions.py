"""Sessions are listed and ended, end by themselves, and who guesses passwords is slowed down."""

import time

import pytest
from django.core import mail
from django.test import Client, override_settings

from tests.portal.people import (
    LOGIN,
    PASSWORD,
    Human,
    code_of,
    is_signed_in,
    joined,
    new_browser,
    text_of,
)
from tests.portal.stage import Portal

GUEST = "v017@example.org"
ANDROID = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"


@pytest.fixture
def human(portal: Portal) -> Human:
    return joined(portal, GUEST)


def two_more(human: Human) -> tuple[Client, Client]:
    telephone, library = new_browser("10.0.0.7"), new_browser("10.0.0.8")
    telephone.defaults["HTTP_USER_AGENT"] = ANDROID
    for browser in (telephone, library):
        assert human.sign_in(browser).status_code == 302
        assert browser.get("/o/alice/").status_code == 200
    return telephone, library


def test_a_person_sees_where_they_are_signed_in_and_ends_one_session(human: Human) -> None:
    telephone, library = two_more(human)
    page = human.browser.get("/account/sessions/")
    listed = {one["browser"]: one for one in page.context["sessions"]}
    assert len(page.context["sessions"]) == 3
    assert listed["Chrome on Android"]["address"] == "10.0.0.7"
    assert 'End it <span class="ds-sr-only">Chrome on Android, 10.0.0.7</span>' in text_of(page)
    assert text_of(page).count("this one") == 1
    ended = human.browser.post("/account/sessions/", {"session": listed["Chrome on Android"]["id"]})
    assert ended["Location"] == "/account/sessions/"
    assert [is_signed_in(one) for one in (telephone, library, human.browser)] == [
        False,
        True,
        True,
    ]
    assert "The session is ended." in text_of(human.browser.get("/account/sessions/"))


def test_all_others_are_ended_at_once(human: Human) -> None:
    telephone, library = two_more(human)
    human.browser.post("/account/sessions/", {"session": "others"})
    assert [is_signed_in(one) for one in (telephone, library, human.browser)] == [
        False,
        False,
        True,
    ]


def test_nobody_ends_the_session_of_another_person(portal: Portal, human: Human) -> None:
    (own,) = human.browser.get("/account/sessions/").context["sessions"]
    other = joined(portal, "v018@example.org")
    assert len(other.browser.get("/account/sessions/").context["sessions"]) == 1
    assert other.browser.post("/account/sessions/", {"session": own["id"]}).status_code == 404
    assert is_signed_in(human.browser)


def test_a_new_password_signs_out_everywhere_else(human: Human) -> None:
    telephone, _ = two_more(human)
    new = "eighteen quiet ledgers"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    wrong = human.browser.post("/account/password/change/", form | {"oldpassword": "guessed"})
    assert wrong.status_code == 200
    assert human.browser.post("/account/password/change/", form).status_code == 302
    assert is_signed_in(human.browser)
    assert not is_signed_in(telephone)
    assert human.sign_in(new_browser()).status_code == 200


def test_the_cookie_is_for_the_server_only(human: Human) -> None:
    cookie = human.browser.cookies["sessionid"]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"


def test_a_session_ends_after_a_while_without_requests(
    human: Human, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = human.browser.get("/account/session/end").json()["ends"]
    assert ends - time.time() == pytest.approx(2 * 3600, abs=70)
    page = human.browser.get("/o/alice/")
    assert f'data-session-ends="{ends}"'[:-2] in text_of(page)
    with override_settings(SESSION_IDLE_SECONDS=1):
        human.browser.get("/o/alice/")
        assert is_signed_in(human.browser)
        time.sleep(1.2)
        assert not is_signed_in(human.browser)
        assert human.browser.get("/o/alice/")["Location"] == "/account/login/?next=/o/alice/"


def test_asking_for_the_end_keeps_nobody_signed_in(human: Human) -> None:
    with override_settings(SESSION_IDLE_SECONDS=2):
        human.browser.get("/o/alice/")
        for _ in range(5):
            time.sleep(0.5)
            signed_in = is_signed_in(human.browser)
        assert not signed_in


def test_the_end_is_put_off_by_asking_for_it_but_not_for_ever(human: Human) -> None:
    with override_settings(SESSION_IDLE_SECONDS=100):
        human.browser.get("/o/alice/")
        before = human.browser.get("/account/session/end").json()["ends"]
        time.sleep(1.1)
        after = human.browser.post("/account/session/extend").json()["ends"]
        assert before < after <= time.time() + 100
    with override_settings(SESSION_ABSOLUTE_SECONDS=4):
        longest = human.browser.post("/account/session/extend").json()["ends"]
        assert longest <= time.time() + 4
        time.sleep(max(0.0, longest - time.time()) + 1.1)
        assert human.browser.post("/account/session/extend").status_code == 401
        assert human.browser.get("/o/alice/").status_code == 302


def test_who_guesses_the_password_of_an_account_is_slowed_down(human: Human) -> None:
    human.browser.post("/account/logout/")
    for number in range(5):
        guess = new_browser(f"10.0.1.{number}").post(
            LOGIN, {"login": GUEST, "password": f"guess number {number}"}
        )
        assert guess.status_code == 200
    right = human.sign_in(new_browser("10.0.1.200"))
    assert right.status_code == 200, "also the right password has to wait now"
    assert "Too many" in text_of(right)
    other = new_browser("10.0.1.1").post(LOGIN, {"login": "x@example.org", "password": "x"})
    assert "Too many" not in text_of(other)


def test_who_guesses_from_one_address_is_slowed_down(human: Human) -> None:
    thief = new_browser("10.0.2.1")
    answers = [
        text_of(thief.post(LOGIN, {"login": f"v{number:03}@example.org", "password": "guess"}))
        for number in range(12)
    ]
    assert ["Too many" in one for one in answers] == [False] * 10 + [True] * 2
    assert human.sign_in(new_browser("10.0.2.2")).status_code == 302


def test_what_is_counted_stands_where_all_processes_find_it(portal: Portal, human: Human) -> None:
    counted = "SELECT count(*) FROM web_cache WHERE cache_key LIKE '%login_failed%'"
    assert portal.stage.query(counted) == [(0,)]
    new_browser("10.0.3.1").post(LOGIN, {"login": GUEST, "password": "guess"})
    assert portal.stage.query(counted) == [(2,)], "by address and by account"


def test_who_guesses_the_second_factor_is_slowed_down(human: Human) -> None:
    thief = new_browser()
    thief.post(LOGIN, {"login": GUEST, "password": PASSWORD})
    for _ in range(5):
        answer = thief.post("/account/2fa/authenticate/", {"code": "000000"})
        assert "Incorrect code" in text_of(answer)
    right = thief.post("/account/2fa/authenticate/", {"code": code_of(human.secret, -1)})
    assert "Too many" in text_of(right)
    assert not is_signed_in(thief)


def test_a_recovery_code_opens_once(human: Human) -> None:
    codes = human.browser.get("/account/2fa/recovery-codes/").context["unused_codes"]
    for expected in (True, False):
        lost = new_browser()
        lost.post(LOGIN, {"login": GUEST, "password": PASSWORD})
        lost.post("/account/2fa/authenticate/", {"code": codes[0]})
        assert is_signed_in(lost) is expected
    assert len(human.browser.get("/account/2fa/recovery-codes/").context["unused_codes"]) == 9


def test_the_last_second_factor_stays(human: Human) -> None:
    asked = text_of(human.browser.get("/account/2fa/totp/deactivate/"))
    assert "You cannot deactivate" not in asked
    assert "<title>Remove the authenticator app" in asked
    page = human.browser.post("/account/2fa/totp/deactivate/")
    assert page.status_code == 200
    assert "<title>Error: Remove the authenticator app" in text_of(page)
    assert "You cannot deactivate two-factor authentication." in text_of(page)
    assert "authenticators" in human.browser.get("/account/2fa/").context
    assert human.browser.get("/account/2fa/").context["authenticators"]["totp"]


def test_what_matters_asks_again_after_a_while(
    human: Human, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert human.browser.get("/account/2fa/recovery-codes/").status_code == 200
    with override_settings(ACCOUNT_REAUTHENTICATION_TIMEOUT=0):
        asked = human.browser.get("/account/2fa/recovery-codes/")
        assert "/reauthenticate/" in asked["Location"]
    again = human.browser.post(asked["Location"], {"password": PASSWORD})
    assert again["Location"] == "/account/2fa/recovery-codes/"


def test_without_a_mail_server_nobody_is_promised_an_e_mail(human: Human) -> None:
    page = new_browser().get("/account/password/reset/")
    assert "sends no e-mail" in text_of(page)
    posted = new_browser().post("/account/password/reset/", {"email": GUEST})
    assert "sends no e-mail" in text_of(posted)
    assert mail.outbox == []


def test_with_a_mail_server_the_link_is_sent_and_the_second_factor_stays(human: Human) -> None:
    with override_settings(MAIL={"EMAIL_HOST": "mail.example.org"}):
        browser = new_browser()
        for address in (GUEST, "nobody@example.org"):
            answer = browser.post("/account/password/reset/", {"email": address})
            assert answer["Location"] == "/account/password/reset/done/", (
                "it tells nobody who is here"
            )
        (sent,) = mail.outbox
    assert sent.to == [GUEST]
    link = next(word for word in str(sent.body).split() if "/password/reset/key/" in word)
    form = browser.get(link.split("localhost")[1], follow=True)
    new = "eighteen quiet ledgers"
    done = browser.post(form.context["action_url"], {"password1": new, "password2": new})
    assert done["Location"] == "/account/2fa/authenticate/"
    assert not is_signed_in(browser)
    browser.post("/account/2fa/authenticate/", {"code": human.code()})
    assert is_signed_in(browser)


def test_language_and_colours_follow_the_person(human: Human) -> None:
    human.browser.post("/account/", {"language": "nn", "colours": "dark"})
    elsewhere = new_browser()
    human.sign_in(elsewhere)
    page = text_of(elsewhere.get("/account/"))
    assert '<html lang="nn" data-color-scheme="dark"' in page
    elsewhere.post("/language", {"language": "en", "next": "/account/"})
    assert '<html lang="en" data-color-scheme="dark"' in text_of(human.browser.get("/account/"))
    elsewhere.post("/colours", {"colours": "light", "next": "/account/"})
    assert 'data-color-scheme="light"' in text_of(human.browser.get("/account/"))
