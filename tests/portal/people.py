"""People who sign in as people do: with an invitation, a password and a second factor."""

import time
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from bilag.tenants.members import Role
from tests.portal.stage import Portal

PASSWORD = "seventeen quiet ledgers"
LOGIN, FACTORS = "/account/login/", "/account/2fa/"


def code_of(secret: str, steps: int = 0) -> str:
    """Return the code that an app shows now, or some half minutes from now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def new_browser(address: str = "127.0.0.1") -> Client:
    """Return a browser in which nobody is signed in; `address` is where it is."""
    return Client(
        SERVER_NAME="localhost",
        REMOTE_ADDR=address,
        headers={
            "accept-language": "en",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        },
    )


def invite(portal: Portal, email: str, role: Role = "accountant") -> str:
    """Invite a person in the name of an administrator; returns the link's path."""
    installation = portal.stage.installation
    people = installation.members_of(portal.stage.alice.organization, "user admin@example.org")
    return f"/account/invitation/{people.invite(email, role)[1]}/"


@dataclass
class Human:
    """A person at a browser, with the key of their authenticator app."""

    email: str
    browser: Client = field(default_factory=new_browser)
    secret: str = ""
    step: int = 0

    def accept(self, link: str) -> Any:
        """Open an invitation's link and choose a password."""
        assert self.browser.get(link)["Location"] == "/account/invitation/"
        return self.browser.post(
            "/account/invitation/", {"password1": PASSWORD, "password2": PASSWORD}
        )

    def set_up_app(self) -> Any:
        """Set up an authenticator app with the key that the page shows."""
        page = self.browser.get("/account/2fa/totp/activate/")
        assert page.status_code == 200, page.get("Location", "")
        self.secret = page.context["form"].secret
        return self.browser.post("/account/2fa/totp/activate/", {"code": code_of(self.secret)})

    def code(self) -> str:
        """Return a code that was not used before."""
        self.step = 1 if self.step == -1 else self.step - 1
        return code_of(self.secret, self.step)

    def sign_in(self, browser: Client | None = None, password: str = PASSWORD) -> Any:
        """Sign in with password and code, in this or another browser."""
        chosen = browser or self.browser
        answer = chosen.post(LOGIN, {"login": self.email, "password": password})
        if answer.status_code == 302 and answer["Location"] == "/account/2fa/authenticate/":
            answer = chosen.post(answer["Location"], {"code": self.code()})
        return answer


def joined(portal: Portal, email: str, role: Role = "accountant") -> Human:
    """Return a person who was invited, chose a password and set up an app."""
    human = Human(email)
    human.accept(invite(portal, email, role))
    human.set_up_app()
    return human


def is_signed_in(browser: Client) -> bool:
    """Return whether the pages know who this is."""
    return browser.get("/account/session/end").status_code == 200


def text_of(answer: Any) -> str:
    """Return a page's text."""
    return str(answer.content.decode())
