"""Photographs every page: `python -m tests.portal.screenshots [LANGUAGE]`, in light, dark, 320 px.

Writes screenshots/PAGE.STATE.LOOK.png, where git does not look; what was there before is deleted.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import psycopg

from bilag.app.migrate import migrate
from tests.clusters import chosen_binaries, database_of, temporary_home, throw_away_cluster
from tests.portal.browser import NARROW, WIDE, Window, chromium
from tests.portal.live import Live, live_portal
from tests.portal.place import Place
from tests.portal.routes import pages
from tests.portal.states import NO_PAGE, PARTS, STATES, State, default_states, person
from tests.portal.windows import Windows

FOLDER = Path(__file__).resolve().parents[2] / "screenshots"
_NAME = "bilag_screenshots"


def main(language: str = "nb") -> None:
    """Run a portal of its own, visit every state of every page, and say what was written."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with throw_away_cluster(chosen_binaries()) as cluster, temporary_home() as home:
        database = database_of(cluster, _NAME)
        with psycopg.connect(cluster.urls.owner, autocommit=True) as owner:
            owner.execute(f"CREATE DATABASE {_NAME}")
        migrate(database.owner_url, database.application_url)
        with live_portal(database, home) as live:
            written = _photograph(live, language)
    print(f"{written} pictures in {FOLDER.name}/")


def _photograph(live: Live, language: str) -> int:
    # The states are worked out before the browser runs, whose loop Django would mind.
    states = list(_states(live.place))
    with chromium() as browser:
        windows = Windows(browser, live)
        for state in states:
            window = windows.of(person(live.place, state.visitor), language)
            if state.path and window.answer(state.path) == HTTPStatus.METHOD_NOT_ALLOWED:
                continue  # it takes what a form sends
            state.way(window, live.place)
            if window.status == state.status:
                _take(window, re.sub(r"\W+", "-", f"{state.route}.{state.name}"))
        windows.close()
    return len(list(FOLDER.iterdir()))


def _states(place: Place) -> Iterator[State]:
    for route in pages():
        if route.name not in PARTS and route.name not in NO_PAGE:
            yield from default_states(route, place)
    yield from STATES


def _take(window: Window, name: str) -> None:
    page = window.page
    for look, scheme, size in (
        ("light", "light", WIDE), ("dark", "dark", WIDE), ("narrow", "light", NARROW),
    ):  # fmt: skip
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.screenshot(path=FOLDER / f"{name}.{look}.png", full_page=True)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")


if __name__ == "__main__":
    main(*sys.argv[1:2])
