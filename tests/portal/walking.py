"""Walks by keyboard alone that are listened to: the window, the words, what is done at pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.utils.translation import gettext, override
from playwright.sync_api import Browser

from tests.portal.axe import axe, structure
from tests.portal.browser import Window, open_window
from tests.portal.heard import Listener
from tests.portal.live import Live
from tests.portal.visitors import Visitor
from tests.portal.windows import open_context

LANGUAGES = ("nb", "nn", "en")
# What differs from run to run: ports, days and times.
_SAME = (
    (r"\b(\w+(day|dag) )?(\d\d\.\d\d\.\d{4}|\d{4}-\d\d-\d\d) \d\d:\d\d(:\d\d)?", "DAY AND TIME"),
    (r"127\.0\.0\.1:\d+", "SERVER"),
)


@contextmanager
def listening(
    browser: Browser,
    live: Live,
    name: str,
    language: str,
    visitor: Visitor,
    *also: tuple[str, str],
) -> Iterator[tuple[Listener, Window]]:
    """Listen to a visitor in a window of their own; compares the script at the end.

    `also` replaces what else differs from run to run.
    """
    context = open_context(browser, live, visitor, language)
    window = open_window(context, live.origin)
    listener = Listener(window.page, name, language, same=(*_SAME, *also))
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

    def back_to(self, text: str) -> None:
        """Go back to the navigation from where reading goes on, and follow one of its links."""
        self._press("link", said(self.language, text), key="Shift+Tab")

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

    def _press(self, role: str, name: str, key: str = "Tab") -> None:
        self.listener.to(f'{role} "{name}"', key)
        self.listener.press("Enter")
        self.listener.read()
        if self.language == LANGUAGES[0]:
            looked_at(self.window, self.language)
        self.skip()
