"""On paper: the organization's name, the title and the content; evidence with every column."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.portal.axe import cut_off
from tests.portal.browser import WIDE, Window, open_window
from tests.portal.live import Live
from tests.portal.place import FILLED
from tests.portal.routes import pages
from tests.portal.windows import open_context

# The width of an A4 sheet between its margins, in the pixels of CSS.
PAPER = {"width": 718, "height": 1000}
# What is seen of the page beside the content of `main` from its heading on.
_AROUND = """() => {
  const words = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (const seen = [...document.querySelectorAll('main > h1, main > h1 ~ *')]; walk.nextNode();) {
    const parent = walk.currentNode.parentElement;
    if (!parent.getClientRects().length || parent.closest('script, .ds-skip-link')) continue;
    if (!seen.some(one => one.contains(parent))) words.push(walk.currentNode.data.trim());
  }
  return words.filter(Boolean).join(' ');
}"""
_BEYOND = """() => [...document.querySelectorAll('main :is(th, td, caption, p)')]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.textContent.trim())"""


@pytest.fixture(scope="module")
def window(browser: Browser, live: Live) -> Iterator[Window]:
    """A window of the administrator, whose pages are laid out for paper."""
    context = open_context(browser, live, live.place.people["admin"], "nb")
    opened = open_window(context, live.origin)
    opened.page.set_viewport_size(PAPER)  # type: ignore[arg-type]
    opened.page.emulate_media(media="print")
    yield opened
    context.close()


@pytest.mark.parametrize(
    "name", ["claims:claim", "reports:control", "reports:made", "reports:wages", "repair:evidence"]
)
def test_a_page_on_paper(window: Window, live: Live, name: str) -> None:
    route = next(one for one in pages() if one.name == name)
    assert window.go(route.path(live.place, FILLED)) == 200
    assert window.page.evaluate(_AROUND) == "Kanarifugl Forbund"
    assert window.page.locator("h1").is_visible()
    assert window.page.evaluate(_BEYOND) == []
    assert window.page.locator("button:visible, nav:visible").count() == 0


def test_evidence_shows_every_column(window: Window, live: Live) -> None:
    page = window.page
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.emulate_media(media="screen")
    exports = live.place.query(FILLED, "SELECT DISTINCT export_id FROM sync_logs ORDER BY 1")
    assert exports
    for (export,) in exports:
        assert window.go(f"/o/{FILLED}/exports/{export}/evidence") == 200
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        # what a system says may be one long word
        page.evaluate(
            "document.querySelectorAll('td:last-child').forEach(one => one.innerHTML ="
            " `<span lang=en>${'x'.repeat(300)}</span><pre lang=en>${'y'.repeat(300)}</pre>`)"
        )
        assert page.locator("#steps-caption").count() == 1
        assert cut_off(window) == []
