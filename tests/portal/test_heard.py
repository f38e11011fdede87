"""What is heard on the way through the pages by keyboard alone; the scripts are in `heard/`.

`make heard` writes them anew; a step that says nothing, or a focus without a name, fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.utils.translation import gettext, override
from playwright.sync_api import Browser

from tests.portal.axe import axe, structure
from tests.portal.browser import Window, open_window
from tests.portal.heard import Listener
from tests.portal.live import Live
from tests.portal.visitors import PASSWORD, Visitor, code_now
from tests.portal.windows import open_context

pytestmark = pytest.mark.xdist_group("browser")

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
