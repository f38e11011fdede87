"""Every page the resolver knows, as people meet it: in each state, language, colour and width.

No violation of axe, nothing refused by the policy, never wider than 320 pixels, its own title.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.portal.axe import axe, in_dark, in_forced_colours, narrow, structure
from tests.portal.browser import WIDE, Window, open_window
from tests.portal.live import Live
from tests.portal.place import EMPTY, FILLED, Visitor
from tests.portal.routes import Route, pages
from tests.portal.states import ERRORS, NO_ERRORS, NO_PAGE, PARTS, visitor_of

# One browser and one portal for all of them: `--dist loadgroup` keeps the group in one process.
pytestmark = pytest.mark.xdist_group("browser")

LANGUAGES = ("nb", "nn", "en")
# Fields that a person fills in; without one, nothing can be filled in wrongly.
_FIELDS = (
    "main form[method=post] :is(input:not([type=hidden], [type=submit], [type=checkbox],"
    " [type=radio]), select, textarea):not([disabled])"
)
_OPEN = "document.querySelectorAll('main details').forEach(one => { one.open = true; })"
_DIALOGS = "main :is([popovertarget], [aria-haspopup=dialog], [data-dialog])"


@dataclass
class Windows:
    """The open windows, one for each visitor and language, and the titles that were seen."""

    browser: Browser
    live: Live
    open: dict[tuple[str, str], Window] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)

    def of(self, visitor: Visitor, language: str) -> Window:
        """Return the window of a visitor in a language, opened when it is first asked for."""
        key = (visitor.name, language)
        if key not in self.open:
            context = open_context(self.browser, self.live, visitor, language)
            self.open[key] = open_window(context, self.live.origin)
        return self.open[key]


def open_context(browser: Browser, live: Live, visitor: Visitor, language: str) -> BrowserContext:
    """Open the browser of a visitor, who is signed in already, in a language."""
    context = browser.new_context(
        locale=language,
        viewport=WIDE,
        color_scheme="light",
        reduced_motion="reduce",  # type: ignore[arg-type]
    )
    cookies = {**visitor.cookies(), "django_language": language}
    context.add_cookies([{"name": n, "value": v, "url": live.origin} for n, v in cookies.items()])
    return context


@pytest.fixture(scope="module")
def windows(browser: Browser, live: Live) -> Iterator[Windows]:
    """The windows that the pages of this module are opened in."""
    shared = Windows(browser, live)
    yield shared
    for window in shared.open.values():
        window.page.context.close()


@pytest.mark.parametrize("route", pages(), ids=lambda route: route.name)
def test_a_page(windows: Windows, route: Route) -> None:
    """One page in every state; what is wrong anywhere is told all at once."""
    place = windows.live.place
    if route.name in PARTS or route.name in NO_PAGE:
        return
    wrong: list[str] = []
    slugs = (FILLED, EMPTY) if set(route.parameters) == {"slug"} else (FILLED,)
    for slug in slugs:
        path = route.path(place, slug)
        wrong += [f"{slug}: {one}" for one in _visit(windows, route, path)]
    assert not wrong, "\n".join([route.pattern, *dict.fromkeys(wrong)])


def _visit(windows: Windows, route: Route, path: str) -> list[str]:
    visitor = windows.live.place.people[visitor_of(route)]
    wrong: list[str] = []
    status, target = windows.of(visitor, LANGUAGES[0]).answer(path)
    if status == 405:
        return []  # nothing to see: it takes what a form sends
    if status != 200:
        return [f"answers {status} {target}; if that is right, say in states.NO_PAGE why"]
    for language in LANGUAGES:
        window = windows.of(visitor, language)
        window.go(path)
        wrong += [f"{language}: {one}" for one in _look(window, language)]
        if language == LANGUAGES[0]:
            wrong += _title(windows, route, window.page.title())
            wrong += _dialogs(window)
        wrong += [f"{language}: {one}" for one in _error(window, route, path, language)]
    return wrong


def _look(window: Window, language: str) -> list[str]:
    """Return what is wrong with the page as it stands, with everything folded open."""
    window.page.evaluate(_OPEN)
    first = language == LANGUAGES[0]
    wrong = [*structure(window, language), *axe(window), *in_dark(window)]
    if first:
        wrong += in_forced_colours(window)
    # the words decide how wide a page is
    return [*wrong, *narrow(window, thoroughly=first), *window.mistakes()]


def _title(windows: Windows, route: Route, title: str) -> list[str]:
    """Return a complaint when another page has the same title."""
    if windows.titles.setdefault(title, route.name) != route.name:
        return [f'"{title}" is also the title of {windows.titles[title]}']
    return []


def _dialogs(window: Window) -> list[str]:
    """Open each dialog of the page in turn and return what is wrong with it."""
    wrong = []
    for opener in window.page.locator(_DIALOGS).all():
        if not opener.is_visible():
            continue
        opener.click()
        wrong += [f"dialog: {one}" for one in axe(window)]
        window.page.keyboard.press("Escape")
    return wrong


def _error(window: Window, route: Route, path: str, language: str) -> list[str]:
    """Send the form filled in wrongly, and return what is wrong with the page that says so."""
    page = window.page
    if route.name not in ERRORS:
        if page.locator(_FIELDS).count() and route.name not in NO_ERRORS:
            return ["has a form; say in states.ERRORS how it is filled in wrongly"]
        return []
    form = page.locator("main form[method=post]").filter(has=page.locator(_FIELDS)).first
    for name, value in ERRORS[route.name].items():
        control = form.locator(f"[name='{name}']").first
        if control.evaluate("one => one.localName") == "select":
            control.select_option(value)
        else:
            control.fill(value)
    form.evaluate("one => { one.noValidate = true; }")
    form.locator("button[type=submit], button:not([type]), input[type=submit]").first.click()
    page.wait_for_load_state("load")
    wrong = _look(window, language)
    summary = page.locator("#error-summary")
    if not summary.count():
        wrong.append("shows no summary of errors")
    elif not summary.evaluate("one => one === document.activeElement"):
        wrong.append("the summary of errors does not have the focus")
    if not page.locator("[aria-invalid=true]").count():
        wrong.append("no field is marked as invalid")
    return [f"with errors: {one}" for one in wrong]
