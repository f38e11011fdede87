"""Fixtures of the portal's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test.utils import setup_test_environment, teardown_test_environment

from tests.clusters import Database
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
