"""Every page the resolver knows, as people meet it: in each state, language, colour and width.

No violation of axe, nothing refused by the policy, nothing cut off, its own title.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator

from tests.portal.axe import axe, cut_off, in_dark, in_forced_colours, narrow, structure
from tests.portal.browser import Window
from tests.portal.live import Live
from tests.portal.routes import Route, pages
from tests.portal.states import (
    BUTTON,
    ERRORS,
    NO_ERRORS,
    NO_PAGE,
    ONE_TASK,
    PARTS,
    STATES,
    State,
    default_states,
    person,
)
from tests.portal.windows import Windows

LANGUAGES = ("nb", "nn", "en")
# Fields that a person fills in; without one, nothing can be filled in wrongly.
_FORM = "main form[method=post]"
_FIELDS = (
    ":is(input:not([type=hidden], [type=submit], [type=checkbox],"
    " [type=radio]), select, textarea):not([disabled])"
)
# The summary has the focus, and each of its links leads to a field that is marked and described.
_SUMMARY = """() => {
  const summary = document.getElementById('error-summary');
  if (!summary) return ['there is no summary of errors'];
  const wrong = summary === document.activeElement ? [] : ['the summary does not have the focus'];
  if (!summary.querySelector('li')) wrong.push('the summary is empty');
  for (const link of summary.querySelectorAll('a')) {
    const field = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    const marked = field && (field.matches('[aria-invalid=true]') ||
        field.querySelector('[aria-invalid=true]'));
    if (!marked) wrong.push(`"${link.textContent}" leads to no field that is marked as invalid`);
    else for (const id of (field.getAttribute('aria-describedby') || '').split(' '))
      if (id && !document.getElementById(id)) wrong.push(`nothing has the id ${id}`);
  }
  return wrong;
}"""
_SEND = """(form, [name, value]) => form.requestSubmit(
    name ? form.querySelector(`button[name="${name}"][value="${value}"]`) : null)"""
_OPEN = "document.querySelectorAll('main details').forEach(one => { one.open = true; })"
_DIALOGS = "main :is([popovertarget], [aria-haspopup=dialog], [data-dialog])"


@pytest.fixture(scope="module")
def windows(browser: Browser, live: Live) -> Iterator[Windows]:
    """The windows that the pages of this module are opened in."""
    shared = Windows(browser, live)
    yield shared
    shared.close()


@pytest.mark.parametrize("route", pages(), ids=lambda route: route.name)
def test_a_page(windows: Windows, route: Route) -> None:
    """One page, filled and empty; what is wrong anywhere is told all at once."""
    if route.name in PARTS or route.name in NO_PAGE:
        return
    place = windows.live.place
    window = windows.of(person(place, default_states(route, place)[0].visitor), LANGUAGES[0])
    if window.answer(route.path(place)) == 405:
        return  # nothing to see: it takes what a form sends
    wrong = [
        f"{state.name}: {one}"
        for state in default_states(route, place)
        for one in _visit(windows, state)
    ]
    assert not wrong, "\n".join([route.pattern, *dict.fromkeys(wrong)])


@pytest.mark.parametrize("state", STATES, ids=lambda state: f"{state.route} {state.name}")
def test_a_page_in_another_state(windows: Windows, state: State) -> None:
    """A page that only a certain way leads to, or that looks different then."""
    wrong = _visit(windows, state)
    assert not wrong, "\n".join([state.route, *dict.fromkeys(wrong)])


def test_every_page_that_shows_none_is_one_and_every_state_has_a_page() -> None:
    """What is said of a page that is no longer there is taken out."""
    known = {route.name for route in pages()}
    assert {*NO_PAGE, *PARTS, *ONE_TASK, *ERRORS, *NO_ERRORS} <= known
    assert {state.route for state in STATES} - {"nothing"} <= known


def _visit(windows: Windows, state: State) -> list[str]:
    place = windows.live.place
    visitor = person(place, state.visitor)
    wrong: list[str] = []
    for language in LANGUAGES:
        window = windows.of(visitor, language)
        state.way(window, place)
        if window.status != state.status or (state.path and window.path != state.path):
            return [f"{window.status} at {window.page.url}; say in states.py how that page is seen"]
        wrong += [f"{language}: {one}" for one in _look(window, language)]
        if language == LANGUAGES[0]:
            wrong += _title(windows, state.route, window.page.title())
            wrong += _dialogs(window)
        wrong += [f"{language}: {one}" for one in _error(window, state.route, language)]
    return wrong


def _look(window: Window, language: str) -> list[str]:
    """Return what is wrong with the page as it stands, with everything folded open."""
    window.page.evaluate(_OPEN)
    first = language == LANGUAGES[0]
    wrong = [*structure(window, language), *axe(window), *in_dark(window)]
    if first:
        wrong += in_forced_colours(window)
    # the words decide how wide a page is
    return [*wrong, *cut_off(window), *narrow(window, thoroughly=first), *window.mistakes()]


def _title(windows: Windows, route: str, title: str) -> list[str]:
    """Return a complaint when the page of another task has the same title."""
    task = ONE_TASK.get(route, route)
    first = windows.titles.setdefault(title, task)
    return [] if first == task else [f'"{title}" is also the title of {first}']


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


def _fill(form: Locator, name: str, value: str) -> None:
    """Fill in, choose or tick what a form calls `name`; an empty value takes every tick away."""
    every = form.locator(f"[name='{name}']")
    kind = every.first.evaluate("one => one.type")
    if kind in ("radio", "checkbox"):
        for one in every.all():
            wanted = one.get_attribute("value") == value
            if wanted or kind == "checkbox":
                one.set_checked(wanted)
    elif kind == "select-one":
        every.select_option(value)
    elif kind == "file":
        every.set_input_files({"name": "f", "mimeType": "text/plain", "buffer": value.encode()})
    else:
        # what a browser holds back, something else may send
        every.evaluate("one => one.removeAttribute('maxlength')")
        every.fill(value)


def _error(window: Window, route: str, language: str) -> list[str]:
    """Send the form filled in wrongly, and return what is wrong with the page that says so."""
    page = window.page
    fields = page.locator(_FIELDS).locator("visible=true")
    form = page.locator(_FORM).filter(has=fields).first
    if not form.count() or route in NO_ERRORS:
        return []
    if route not in ERRORS:
        return ["has a form; say in states.ERRORS how it is filled in wrongly"]
    for name, value in ERRORS[route].items():
        if name != BUTTON:
            _fill(form, name, value)
    button, _, pressed = ERRORS[route].get(BUTTON, "").partition("=")
    form.evaluate("one => { one.noValidate = true; }")
    # by the script, so that a form is sent from a button as well as without one
    with page.expect_navigation(wait_until="load"):
        form.evaluate(_SEND, [button, pressed])
    wrong = _look(window, language)
    return [f"with errors: {one}" for one in [*wrong, *map(str, page.evaluate(_SUMMARY))]]
