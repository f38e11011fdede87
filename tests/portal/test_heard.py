"""What is heard on the way through the pages by keyboard alone; the scripts are in `heard/`.

`make heard` writes them anew; a step that says nothing, or a focus without a name, fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.utils.translation import gettext, override
from playwright.sync_api import Browser

from tests.portal.axe import axe, structure
from tests.portal.browser import Window, open_window
from tests.portal.heard import Listener
from tests.portal.live import Live
from tests.portal.place import MAPPED, SECRET, WALKS
from tests.portal.visitors import PASSWORD, Visitor, code_now
from tests.portal.windows import open_context

LANGUAGES = ("nb", "nn", "en")
# What differs from run to run: ports, days and times.
_SAME = (
    (r"127\.0\.0\.1:\d+", "SERVER"),
    (r"\d{1,2}\.? \w+ \d{4}( kl\. |, | )\d{1,2}[:.]\d\d( [ap]\.m\.)?", "DAY AND TIME"),
    (r"\w{3,9}\.? \d{1,2}, \d{4}, \d{1,2}(:\d\d)? [ap]\.m\.", "DAY AND TIME"),
)


@contextmanager
def listening(
    browser: Browser, live: Live, name: str, language: str, visitor: Visitor
) -> Iterator[tuple[Listener, Window]]:
    """Listen to a visitor in a window of their own; compares the script at the end."""
    context = open_context(browser, live, visitor, language)
    window = open_window(context, live.origin)
    listener = Listener(window.page, name, language, same=_SAME)
    try:
        yield listener, window
        listener.finish()
        assert not window.mistakes()
    finally:
        context.close()


def said(language: str, text: str, **values: object) -> str:
    """Return a text of the pages in a language."""
    with override(language):
        return gettext(text) % values if values else gettext(text)


def looked_at(window: Window, language: str) -> None:
    """Check the page as it stands now, which no address alone leads to."""
    assert not [*structure(window, language), *axe(window), *window.mistakes()]


@dataclass
class Walk:
    """What is done again and again on a way through the pages, each page being read and checked."""

    listener: Listener
    window: Window
    language: str

    def follow(self, text: str, **values: object) -> None:
        """Go to a link by Tab, follow it, and read the page it leads to."""
        self._press("link", said(self.language, text, **values))

    def send(self, text: str, **values: object) -> None:
        """Go to a button by Tab, press it, and read the page that answers."""
        self._press("button", said(self.language, text, **values))

    def fill(self, **fields: str) -> None:
        """Go to fields by Tab, by their names, and type into them."""
        for name, value in fields.items():
            self.listener.to(f"#{name}")
            self.listener.type(value)

    def skip(self) -> None:
        """Go past what stands on every page, by the link that is there for it.

        A browser that was sent on from there is in the main part already.
        """
        if self.listener.focus:
            return
        self.listener.press("Tab")
        self.listener.press("Enter")

    def _press(self, role: str, name: str) -> None:
        self.listener.to(f'{role} "{name}"')
        self.listener.press("Enter")
        self.listener.read()
        if self.language == LANGUAGES[0]:
            looked_at(self.window, self.language)
        self.skip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_signing_in(browser: Browser, live: Live, language: str) -> None:
    """From the sign-in page, past a mistake, to the overview."""
    walker = live.place.people[f"walker-{language}"]
    nobody = Visitor("signed out")
    with listening(browser, live, "sign-in", language, nobody) as (listener, window):
        listener.open(f"{live.origin}/")
        listener.read()
        listener.to(f'button "{said(language, "Sign in")}"')
        listener.press("Enter")
        looked_at(window, language)
        listener.press("Tab")
        listener.press("Enter")
        listener.type(walker.email)
        listener.press("Tab")
        listener.type(PASSWORD, shown="PASSWORD")
        listener.press("Enter")
        listener.read()
        listener.to("textbox")
        listener.type(code_now(), shown="CODE")
        listener.press("Enter")
        listener.read()
        looked_at(window, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_connecting_xledger(browser: Browser, live: Live, language: str) -> None:
    """The whole wizard: from "Add integration" to a mapping, a schedule, and turned on."""
    walker = live.place.people[f"walker-{language}"]
    address = live.sandboxes["xledger"].url
    with listening(browser, live, "wizard-xledger", language, walker) as (listener, window):
        walk = Walk(listener, window, language)
        listener.open(f"{live.origin}/o/{WALKS[language]}/")
        listener.read()
        walk.follow("External integrations")
        walk.follow("Add integration")
        listener.to("#type")
        listener.press("ArrowDown")
        walk.fill(name="Xledger", key="xledger", book_name="Hovedbok")
        walk.send("Save and continue")
        listener.to("#secret.api_token")
        listener.type(SECRET, shown="SECRET")
        listener.to("disclosure button")
        listener.press("Enter")
        walk.fill(endpoint=f"{address}/graphql")
        walk.send("Save and continue")
        walk.send("Test the connection")
        walk.follow("Continue")
        walk.follow("Continue")
        _map_a_type(walk)
        walk.follow("Included data")
        walk.follow("Schedule")
        walk.follow("Confirm")
        walk.send("Turn %(name)s on", name="Xledger")
    (row,) = live.place.query(
        WALKS[language], "SELECT enabled, mapping_version FROM organization_integrations"
    )
    assert row == (True, 1)


def _map_a_type(walk: Walk) -> None:
    """The mapping editor: an expense type by its account, the counter-account, and saving."""
    listener = walk.listener
    walk.follow("Add an expense type")
    walk.fill(type="kollektivreise", account="7140")
    walk.send("Keep this")
    walk.follow("Change counter-account and lines")
    walk.fill(counterAccount="2990")
    walk.send("Keep this")
    walk.follow("See what saving does, and save")
    walk.send("Save the mapping")
    listener.read()


@pytest.mark.parametrize("language", LANGUAGES)
def test_mapping_a_field(browser: Browser, live: Live, language: str) -> None:
    """The mapping editor without a mouse: a field by drop-down, its rule, preview and saving."""
    slug = MAPPED[language]
    mapper = live.place.people[f"mapper-{language}"]
    with listening(browser, live, "mapping-editor", language, mapper) as (listener, window):
        walk = Walk(listener, window, language)
        listener.open(f"{live.origin}/o/{slug}/settings/integrations/rest/mapping")
        walk.skip()
        walk.follow("Fields")
        listener.to(f'button "{said(language, "Add a field of the voucher")}"')
        listener.press("Enter")
        listener.press("ArrowDown")
        listener.press("Tab")
        listener.type("dato")
        listener.press("Tab")
        listener.to(f'button "{said(language, "Keep these rows")}"')
        listener.press("Enter")
        listener.read()
        walk.skip()
        walk.follow("Preview")
        walk.follow("See what saving does, and save")
        walk.send("Save the mapping")
        walk.follow("Versions")
    editor = live.place.installation.mapping_editor_of(live.place.organizations[slug], "a test")
    assert "dato" in str(editor.working_copy("rest").document["header"])
