"""Signing in with another provider, a real one: who comes in, who does not, and where calls go."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.test import Client, override_settings

from bilag.app.sign_in_settings import SignInRefused, providers
from bilag.delivery.outgoing import GuardedSession
from bilag.portal.accounts.arrivals import find_person
from bilag.tenants.members import memberships_of
from tests.portal.oidc_provider import SECRET, running_provider, sign_in_there
from tests.portal.people import invite, is_signed_in, joined, new_browser, text_of
from tests.portal.stage import Portal
from tests.raw_servers import says, served

START = "/account/oidc/federation/login/"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider() as running:
        yield running


def written(folder: Path, server: str, *more: str) -> list[dict[str, Any]]:
    """Return the providers of a file with one provider; `more` are other lines of it."""
    file = folder / "providers.yaml"
    lines = ["- id: federation", "  name: The federation", f"  server: {server}",
             "  clientId: bilag", "  secret: env:PROVIDER_SECRET", *more]  # fmt: skip
    file.write_text("\n".join(lines))
    return providers({"BILAG_OIDC_FILE": str(file), "PROVIDER_SECRET": SECRET})


@pytest.fixture
def federation(portal: Portal, issuer: str, tmp_path: Path) -> Iterator[Portal]:
    """The portal with a provider that is in an allowed network."""
    apps = written(tmp_path, issuer, "  allowedNetworks: [127.0.0.1/32]")
    with override_settings(SOCIALACCOUNT_PROVIDERS={"openid_connect": {"APPS": apps}}):
        yield portal


def come_by_provider(browser: Client, account: str, after: str = "/") -> Any:
    """Start here, sign in there, come back; returns the page that one ends at."""
    there = browser.get(START, {"next": after})
    assert there.status_code == 302, text_of(there)
    assert "code_challenge_method=S256" in there["Location"]
    assert SECRET not in there["Location"]
    return browser.get(sign_in_there(there["Location"], account), follow=True)


def test_the_sign_in_page_offers_the_provider(federation: Portal) -> None:
    page = text_of(new_browser().get("/account/login/"))
    assert "Sign in with The federation" in page
    assert f'href="{START}"' in page


def test_an_invited_person_comes_in_by_the_provider_and_needs_nothing_more(
    federation: Portal,
) -> None:
    browser = new_browser()
    browser.get(invite(federation, "v017@example.org"))
    page = come_by_provider(browser, "v017", "/account/invitation/")
    assert "Accept the invitation" in text_of(page)
    assert browser.post("/account/invitation/")["Location"] == "/o/alice/"
    assert browser.get("/o/alice/").status_code == 200, "the provider asks for the second factor"

    again = new_browser()
    assert come_by_provider(again, "v017", "/o/alice/").status_code == 200
    assert is_signed_in(again)
    own = again.get("/account/")
    assert "/account/password/change/" not in text_of(own)
    for path in ("/account/2fa/", "/account/2fa/passkeys/add/", "/account/2fa/totp/activate/"):
        assert again.get(path).status_code == 403, f"{path}: nothing here outlives the provider"
    reset = again.get("/account/password/change/", follow=True)
    assert "no password here" in text_of(reset)


def test_a_member_is_recognised_by_the_verified_address(federation: Portal) -> None:
    human = joined(federation, "v017@example.org")
    browser = new_browser()
    page = come_by_provider(browser, "somebody+V017@example.org", "/o/alice/")
    # this person has a second factor of their own, which stays in force
    assert page.request["PATH_INFO"] == "/account/2fa/authenticate/"
    browser.post("/account/2fa/authenticate/", {"code": human.code()})
    assert browser.get("/o/alice/").status_code == 200
    person = find_person("v017@example.org")
    assert person is not None
    assert person.has_usable_password()


@pytest.mark.parametrize("account", ["unverified", "text"])
def test_an_address_that_is_not_verified_opens_nothing(federation: Portal, account: str) -> None:
    joined(federation, f"{account}@example.org", "admin")
    browser = new_browser()
    page = come_by_provider(browser, account)
    assert page.status_code == 403
    assert "did not say that your e-mail address is verified" in text_of(page)
    assert not is_signed_in(browser)


def test_who_is_neither_member_nor_invited_is_told_so(federation: Portal) -> None:
    browser = new_browser()
    page = come_by_provider(browser, "v018")
    assert page.status_code == 403
    assert "nobody has invited this address yet" in text_of(page)
    assert not is_signed_in(browser)
    assert find_person("v018@example.org") is None


def test_another_persons_invitation_is_not_enough(federation: Portal) -> None:
    browser = new_browser()
    browser.get(invite(federation, "v017@example.org", "admin"))
    assert come_by_provider(browser, "v018", "/account/invitation/").status_code == 403
    with federation.stage.installation.pool.connection() as connection:
        assert memberships_of(connection, "v018@example.org") == []


def test_nobodys_account_is_connected_behind_their_back(federation: Portal) -> None:
    """A page elsewhere must not tie the attacker's account there to who is signed in here."""
    human = joined(federation, "v017@example.org")
    there = human.browser.get(START, {"process": "connect"})
    back = human.browser.get(sign_in_there(there["Location"], "v018"), follow=True)
    assert back.status_code == 403
    stranger = new_browser()
    assert come_by_provider(stranger, "v018").status_code == 403


def test_a_forged_return_opens_nothing(federation: Portal) -> None:
    browser = new_browser()
    for query in ("", "?code=x", "?code=x&state=y", "?error=access_denied"):
        page = browser.get(f"/account/oidc/federation/callback/{query}")
        assert "You were not signed in" in text_of(page)
    there = browser.get(START)["Location"]
    back = sign_in_there(there, "v017")
    assert not is_signed_in(new_browser())
    assert "You were not signed in" in text_of(new_browser().get(back)), "another browser's state"
    assert browser.get("/account/oidc/nobody/login/").status_code == 404


def test_the_secret_is_shown_nowhere(federation: Portal) -> None:
    browser = new_browser()
    browser.get(invite(federation, "v017@example.org"))
    come_by_provider(browser, "v017", "/account/invitation/")
    dump = federation.stage.query(
        "SELECT string_agg(session_data, '') FROM django_session"
        " UNION ALL SELECT string_agg(extra_data::text, '') FROM socialaccount_socialaccount"
        " UNION ALL SELECT string_agg(value, '') FROM web_cache"
    )
    for text in (*(str(row[0]) for row in dump), text_of(browser.get("/account/login/"))):
        assert SECRET not in text


def test_a_provider_in_a_private_network_is_not_asked_unless_allowed(
    portal: Portal, issuer: str, tmp_path: Path
) -> None:
    apps = written(tmp_path, issuer)
    with override_settings(SOCIALACCOUNT_PROVIDERS={"openid_connect": {"APPS": apps}}):
        page = new_browser().get(START)
    assert page.status_code == 502
    assert "gave no usable answer" in text_of(page)


async def test_calls_follow_no_redirect_and_read_no_more_than_they_must() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: https://example.org/\r\nContent-Length: 0\r\n\r\n"
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
    with GuardedSession(["127.0.0.1/32"]) as session:
        async with served(says(redirect)) as server:
            answer = await asyncio.to_thread(session.get, server.url)
            assert answer.status_code == 302
        async with served(says(endless)) as server:
            with pytest.raises(requests.RequestException, match="too large"):
                await asyncio.to_thread(session.get, server.url)
    async with served(says(redirect)) as server:
        with GuardedSession() as session:
            for address in (server.url, "https://localhost/", "https://10.0.0.1/"):
                with pytest.raises(requests.ConnectionError, match="private"):
                    await asyncio.to_thread(session.get, address)
        assert server.connections == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("  secret: canary", "env:NAME"),
        ("  secret: env:NOT_SET", "no secret"),
        ("  allowedNetworks: [everywhere]", "not a network"),
        ("  colour: blue", "colour is not known"),
        ("  clientId: ''", "clientId is missing"),
        ("  id: a/b", "letters, digits"),
        ("- id: federation\n  name: a\n  server: b\n  clientId: c\n  secret: env:PROVIDER_SECRET",
         "stands twice"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SignInRefused, match=said) as refused:
        written(tmp_path, "https://login.example.org", line)
    assert "canary" not in str(refused.value)
