"""Fixtures of the portal's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.clusters import Database
from tests.portal.stage import Portal, portal_stage


@pytest.fixture
def portal(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """The portal on a fresh database."""
    with portal_stage(database, tmp_path, monkeypatch) as found:
        yield found


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
