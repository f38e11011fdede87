"""Fixtures of the portal's tests: stages for Django's client, and a live portal with a browser.

The tests of a module share both, so they run in one process (tests/dealing.py).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.test.utils import setup_test_environment, teardown_test_environment
from playwright.sync_api import Browser

from tests.clusters import Cluster, Database
from tests.conftest import fresh_database
from tests.portal.browser import chromium
from tests.portal.live import Live, live_portal
from tests.portal.place import Place, open_place
from tests.portal.stage import Portal, portal_stage


@pytest.fixture
def portal(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """The portal on a fresh database."""
    with portal_stage(database, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture(autouse=True)
def observed() -> Iterator[None]:
    """Let Django's test client see the context of pages, and keep e-mails in `mail.outbox`."""
    setup_test_environment()
    yield
    teardown_test_environment()


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Place]:
    """An installation with something of everything in it, in this process."""
    with open_place(database, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="package")
def live(
    cluster: Cluster, template_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """The running portal that the modules of a process share."""
    with (
        fresh_database(cluster, template_database) as database,
        live_portal(database, tmp_path_factory.mktemp("portal")) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of a module's tests; it ends with them, and with it the loop it runs in."""
    with pytest.MonkeyPatch.context() as patch:
        # Playwright keeps an event loop in this thread, in which Django then sees a danger.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with chromium() as running:
            yield running


@pytest.fixture
def count_queries(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a function that says how many statements of ours have run so far."""
    counted = 0
    execute = psycopg.Connection.execute

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal counted
        counted += 1
        return execute(self, *args, **kwargs)

    monkeypatch.setattr(psycopg.Connection, "execute", counting)
    return lambda: counted
