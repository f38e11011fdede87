"""Fixtures of the portal's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import Database
from tests.portal.stage import Portal, portal_stage


@pytest.fixture
def portal(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """The portal on a fresh database."""
    with portal_stage(database, tmp_path, monkeypatch) as found:
        yield found
