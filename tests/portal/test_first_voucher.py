"""From an empty organization to the first voucher in two ledgers, by a person alone in a browser.

She is invited, signs in with an app, connects Xledger and Business Central and turns them on; what
is approved after that stands in both ledgers. The promise is ten minutes; the script is timed.
"""

import json
import time
import urllib.request
from dataclasses import dataclass
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from bilag.integrations.model import organization_id
from bilag.tenants.organizations import Organization, save_organization
from bilag.tenants.scope import organization_scope
from bilag.tenants.tokens import create_token
from tests.database.api_stage import record
from tests.portal.browser import WIDE
from tests.portal.live import Live
from tests.portal.people import PASSWORD, code_of
from tests.portal.place import ADDRESSES, SECRET

SLUG, EMAIL = "nybegynner", "ada@example.org"
SECONDS_MAX = 600.0
KNOWN = ADDRESSES["dynamics_business_central"]
CLAIMS = [record(f"NY{number:04d}") for number in range(1, 4)]


@dataclass
class Newcomer:
    """An administrator in front of a browser."""

    page: Page
    origin: str

    def go(self, link: str) -> None:
        """Follow a link by its name."""
        self.page.get_by_role("link", name=link, exact=True).first.press("Enter")

    def press(self, button: str) -> None:
        """Press a button by its name."""
        self.page.get_by_role("button", name=button, exact=True).press("Enter")

    def type(self, **fields: str) -> None:
        """Fill fields by their names; `__` stands for a full stop."""
        for name, value in fields.items():
            self.page.locator(f'[name="{name.replace("__", ".")}"]').fill(value)

    def heading(self, text: str) -> None:
        """Wait for the page with this heading."""
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(text)

    def come_in(self, link: str) -> None:
        """Accept the invitation, set an app up, sign out, and sign in with both factors."""
        self.page.goto(link)
        self.type(password1=PASSWORD, password2=PASSWORD)
        self.press("Accept the invitation")
        self.go("Set up an authenticator app")
        key = self.page.locator("code.key").inner_text().replace(" ", "")
        self.type(code=code_of(key))
        self.page.keyboard.press("Enter")
        self.heading("Recovery codes")
        self.press("Sign out")
        self.type(login=EMAIL, password=PASSWORD)
        self.page.keyboard.press("Enter")
        self.type(code=code_of(key, 1))  # each code works once
        self.page.keyboard.press("Enter")
        self.heading("Overview")

    def connect(self, kind: str, key: str, secret: str, **settings: str) -> None:
        """Walk the wizard from the list of integrations to an integration that is on."""
        self.page.goto(f"{self.origin}/o/{SLUG}/settings/integrations")
        self.go("Add integration")
        self.page.locator(f'[name="type"][value="{kind}"]').check()
        another = self.page.locator('[type="radio"][name="book"][value="+new"]')
        if another.count():  # there is a book already
            another.check()
        self.type(name=key, key=key, book_name=f"Book of {key}", book_key=f"book-{key}")
        self.press("Save and continue")
        self.heading("Credentials")
        self.page.locator("summary", has_text="More settings").first.press("Enter")
        self.type(**{f"secret__{secret}": SECRET}, **settings)
        self.press("Save and continue")
        self.press("Test the connection")
        expect(self.page.locator("main")).to_contain_text("The test passed")
        self.go("Continue")
        self.go("Continue")
        self._map()
        self.go("Confirm")
        self.press(f"Turn {key} on")
        expect(self.page.get_by_role("status")).to_contain_text(f"{key} is on")

    def _map(self) -> None:
        for kind, account in (("travel", "7140"), ("meal", "7140")):
            self.go("Add an expense type")
            self.type(type=kind, account=account)
            self.press("Keep this")
        self.go("Change counter-account and lines")
        self.type(counterAccount="2990")
        self.press("Keep this")
        self.go("Claimants")
        self.go("Change what becomes of them")
        self.page.locator('[name="missingClaimant"][value="clearing"]').check()
        self.type(clearingAccount="2990")
        self.press("Keep this")
        self.go("See what saving does, and save")
        self.press("Save the mapping")


def test_from_nothing_to_the_first_voucher(
    browser: Browser, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, token = _empty_organization(live)
    monkeypatch.setitem(live.place.organizations, SLUG, own)
    people = live.place.installation.members_of(own, "operator")
    origin = live.origin.replace("127.0.0.1", "localhost")
    link = f"{origin}/account/invitation/{people.invite(EMAIL, 'admin')[1]}/"
    xledger, central = live.sandboxes["xledger"], live.sandboxes["dynamics_business_central"]
    started = time.monotonic()
    context = browser.new_context(locale="en", viewport=WIDE, reduced_motion="reduce")  # type: ignore[arg-type]
    try:
        ada = Newcomer(context.new_page(), origin)
        ada.come_in(link)
        ada.connect(
            "xledger", "xledger", "api_token", endpoint=f"{xledger.url}/graphql",
            vouchers__jobLevel__dbSubId="1",
        )  # fmt: skip
        ada.connect(
            "dynamics_business_central", "central", "client_secret",
            baseUrl=f"{central.url}/v2.0", loginUrl=central.url, company="Sandbox Organization",
            **{name: str(KNOWN[name]) for name in ("tenant", "environment", "clientId")},
        )  # fmt: skip
        _approve(live, token)
        for name in ("xledger", "central"):
            _wait_until_exported(live, own, name)
        ada.page.goto(f"{origin}/o/{SLUG}/")
        row = ada.page.get_by_role("row", name="xledger NOK")
        expect(row).to_contain_text("3")
    finally:
        context.close()
    seconds = time.monotonic() - started
    for sandbox in (xledger, central):
        ours = _references(live, own) & {
            entry["reference"] for entry in sandbox.ledger()["entries"]
        }
        assert len(ours) == len(CLAIMS)
    print(f"from an empty organization to vouchers in two ledgers: {seconds:.0f} s")
    assert seconds < SECONDS_MAX


def _empty_organization(live: Live) -> tuple[UUID, str]:
    own = organization_id(SLUG)
    with (
        live.place.installation.pool.connection() as connection,
        organization_scope(connection, own),
    ):
        networks = ("127.0.0.0/8",)
        save_organization(connection, Organization(own, SLUG, "Nybegynnerne", "en", networks))
        return own, create_token(connection, own, "the app", ["records:write"])


def _approve(live: Live, token: str) -> None:
    """Hand approved claims over as the app does."""
    for one in CLAIMS:
        request = urllib.request.Request(  # noqa: S310  # our own server
            f"{live.origin}/api/v1/records", json.dumps(one).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            assert answer.status == 201


def _wait_until_exported(live: Live, own: UUID, key: str) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        states = live.place.query(
            SLUG,
            "SELECT e.state, e.reason ->> 'message' FROM exports e JOIN organization_integrations i"
            " ON i.id = e.integration_id WHERE i.key = %s", key,
        )  # fmt: skip
        if [state for state, _ in states] == ["exported"] * len(CLAIMS):
            return
        time.sleep(0.3)
    raise AssertionError(f"{key} of {own}: {states}")


def _references(live: Live, own: UUID) -> set[str]:
    return {found for (found,) in live.place.query(SLUG, "SELECT reference FROM exports")}
