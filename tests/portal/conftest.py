"""The portal's fixtures: a place for Django's client, and one live portal with one browser.

Tests of the browser share both, so they run in one process: mark them with BROWSER.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.clusters import Cluster, Database
from tests.conftest import fresh_database
from tests.portal.browser import chromium
from tests.portal.live import Live, live_portal
from tests.portal.place import Place, open_place


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Place]:
    """An installation with its organizations and people, in this process."""
    with open_place(database, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def live(
    cluster: Cluster, template_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """The running portal that all tests of the browser share."""
    with (
        fresh_database(cluster, template_database) as database,
        live_portal(database, tmp_path_factory.mktemp("portal")) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser."""
    with chromium() as running:
        yield running
