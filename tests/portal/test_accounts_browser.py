"""The way in, in a real browser: invitation, app, passkeys of a virtual device, signing in by them.

What is seen only on this way is looked at here as every page is elsewhere.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.portal.axe import axe, in_dark, narrow, structure
from tests.portal.browser import WIDE, Window, open_window
from tests.portal.live import Live
from tests.portal.people import PASSWORD, code_of
from tests.portal.place import FILLED


@pytest.fixture
def origin(live: Live) -> str:
    """The portal by its name: a passkey belongs to a host name, never to an address."""
    return live.origin.replace("127.0.0.1", "localhost")


@pytest.fixture
def window(browser: Browser, origin: str) -> Iterator[Window]:
    context = browser.new_context(locale="en", viewport=WIDE, reduced_motion="reduce")  # type: ignore[arg-type]
    yield open_window(context, origin)
    context.close()


def link(live: Live, email: str, origin: str) -> str:
    people = live.place.installation.members_of(
        live.place.organizations[FILLED], "user admin@example.org"
    )
    return f"{origin}/account/invitation/{people.invite(email, 'accountant')[1]}/"


def plug_in_device(page: Page) -> None:
    """Give the browser a device that keeps passkeys and knows its person."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
            }
        },
    )


def looked_at(window: Window) -> None:
    """Look at a page as at every other one, with what went wrong on the way to it."""
    wrong = [*structure(window, "en"), *axe(window), *in_dark(window)]
    wrong += [*narrow(window), *window.mistakes()]
    assert not wrong, "\n".join([window.page.url, *wrong])


def come_in(window: Window, live: Live, email: str, origin: str) -> str:
    """Accept an invitation and set an app up; returns the app's key."""
    page = window.page
    page.goto(link(live, email, origin))
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password once more").fill(PASSWORD)
    page.get_by_role("button", name="Accept the invitation").press("Enter")
    page.get_by_role("link", name="Set up an authenticator app").press("Enter")
    key = page.locator("code.key").inner_text().replace(" ", "")
    page.get_by_label("Code from the app").fill(code_of(key))
    page.get_by_label("Code from the app").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    return key


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_the_way_in_by_keyboard(window: Window, live: Live, origin: str) -> None:
    page = window.page
    page.goto(link(live, "v017@example.org", origin))
    looked_at(window)
    page.get_by_role("button", name="Accept the invitation").press("Enter")
    assert page.locator("#error-summary").evaluate("one => one === document.activeElement")
    looked_at(window)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password once more").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")
    said = page.get_by_role("status")
    expect(said).to_contain_text("Set up a second factor first")
    looked_at(window)
    page.get_by_role("link", name="Set up an authenticator app").press("Enter")
    looked_at(window)
    field = page.get_by_label("Code from the app")
    field.fill("000000")
    field.press("Enter")
    assert page.locator("#error-summary").evaluate("one => one === document.activeElement")
    looked_at(window)
    key = page.locator("code.key").inner_text().replace(" ", "")
    field.fill(code_of(key))
    field.press("Enter")
    expect(said).to_contain_text("The authenticator app is set up.")
    looked_at(window)
    page.get_by_role("link", name="I have kept them; go on").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")

    sign_out(page)
    page.get_by_label("E-mail address").fill("v017@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("The second factor")
    looked_at(window)
    page.get_by_label("Code").fill(code_of(key, -1))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_a_passkey_alone_opens_and_is_a_second_factor_too(
    window: Window, live: Live, origin: str
) -> None:
    page = window.page
    plug_in_device(page)
    come_in(window, live, "v018@example.org", origin)
    page.goto(f"{origin}/account/2fa/")
    page.get_by_role("link", name="Add a passkey").press("Enter")
    looked_at(window)
    page.get_by_label("Name").fill("Test device")
    page.get_by_role("button", name="Add a passkey").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The passkey is added.")
    page.goto(f"{origin}/account/2fa/passkeys/")
    expect(page.get_by_role("row", name="Test device")).to_contain_text("signs in alone")
    looked_at(window)

    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")

    sign_out(page)
    page.get_by_label("E-mail address").fill("v018@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Use a passkey").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")

    page.goto(f"{origin}/account/2fa/totp/deactivate/")
    looked_at(window)
    page.get_by_role("button", name="Remove the authenticator app").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The authenticator app is removed.")
    page.goto(f"{origin}/account/2fa/passkeys/")
    page.get_by_role("link", name="Remove Test device").press("Enter")
    looked_at(window)
    page.get_by_role("button", name="Remove Test device").press("Enter")
    expect(page.locator("main")).to_contain_text("This is your last second factor")
    looked_at(window)


def test_a_device_that_has_no_passkey_is_told(window: Window, origin: str) -> None:
    page = window.page
    plug_in_device(page)  # which holds no passkey of anybody
    page.goto(f"{origin}/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The passkey was not used")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_the_end_of_a_session_is_warned_of_and_put_off(
    window: Window, live: Live, origin: str
) -> None:
    page = window.page
    page.clock.install()
    come_in(window, live, "v019@example.org", origin)
    page.goto(f"{origin}/account/")
    page.clock.fast_forward("01:56:00")
    warned = page.get_by_role("button", name="Stay signed in")
    expect(warned).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("You will be signed out at")
    warned.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You stay signed in.")


def test_without_a_script_the_way_in_works_as_well(
    browser: Browser, live: Live, origin: str
) -> None:
    context = browser.new_context(locale="en", java_script_enabled=False)
    page = context.new_page()
    page.goto(link(live, "v020@example.org", origin))
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password once more").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Set up an authenticator app").click()
    key = page.locator("code.key").inner_text().replace(" ", "")
    page.get_by_label("Code from the app").fill(code_of(key))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    context.close()
