"""Sync now in a browser: by keyboard, with the script that refreshes counts and says how far it is.

It has a portal of its own, since it delivers what others only look at.
"""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser

from tests.clusters import Cluster, Database
from tests.conftest import fresh_database
from tests.portal.axe import axe
from tests.portal.browser import Window, open_window
from tests.portal.live import Live, live_portal
from tests.portal.place import MAPPED, claim
from tests.portal.windows import open_context

pytestmark = pytest.mark.xdist_group("browser")
CLAIMS = 40
# What the live regions say, with the second in which they say it.
_LISTEN = """
window.heard = [];
new MutationObserver(changes => changes.forEach(change => change.addedNodes.forEach(node =>
    window.heard.push([performance.now() / 1000, node.textContent.trim()]))))
    .observe(document.getElementById('status'), {childList: true, subtree: true});
"""


@pytest.fixture(scope="module")
def own(
    cluster: Cluster, template_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """A running portal with claims that wait."""
    with (
        fresh_database(cluster, template_database) as database,
        live_portal(database, tmp_path_factory.mktemp("sync")) as live,
    ):
        live.place.installation.exports_of(
            live.place.organizations[MAPPED["en"]], "test"
        ).accept_records([claim(number) for number in range(CLAIMS)])
        live.place.query(
            MAPPED["en"],
            "UPDATE organization_integrations"
            " SET delivery = delivery || jsonb_build_object('requestsInFlight', 2)",
        )
        live.sandboxes["rest"].add_master_data(
            accounts={"7140": "Travel", "7160": "Meals", "2910": "Staff"}
        )
        yield live


def test_it_is_watched_by_keyboard_and_ear_and_the_focus_stays(browser: Browser, own: Live) -> None:
    rest = own.sandboxes["rest"]
    rest.faults({"kind": "slow", "seconds": 2.0, "every": 1})
    window = open_window(
        open_context(browser, own, own.place.people["mapper-en"], "en"), own.origin
    )
    page = window.page
    window.go(f"/o/{MAPPED['en']}/sync/rest")
    assert "40 records will be sent." in page.locator("main").inner_text()
    page.get_by_role("button", name="now").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*")
    page.evaluate(_LISTEN)
    assert axe(window) == []
    stop = page.get_by_role("link", name="Stop this sync")
    stop.focus()
    until = time.monotonic() + 30
    while int(page.locator("#bar").get_attribute("value") or 0) < 4:
        assert time.monotonic() < until
        page.wait_for_timeout(200)
    assert _focused(window) == "Stop this sync"
    page.wait_for_timeout(21_000)
    assert page.locator("#bar").count() == 1
    rest.clear_faults()
    page.get_by_role("heading", name="What came of it").wait_for()
    assert _focused(window) == "Stop this sync", "the end takes no focus"
    assert axe(window) == []
    heard = page.evaluate("window.heard")
    times = [at for at, said in heard if "done" in said]
    assert all(later - sooner > 9 for sooner, later in pairwise(times[:-1])), heard
    assert "It has ended: without errors. 40 of 40 done" in heard[-1][1]
    assert 2 <= len(times) <= 8
    assert window.mistakes() == []
    assert len(rest.ledger()["entries"]) == CLAIMS


def _focused(window: Window) -> str:
    return str(window.page.evaluate("document.activeElement.textContent.trim()"))
