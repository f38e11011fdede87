"""Fixtures for all tests: one throw-away PostgreSQL a session, a fresh database a test.

BILAG_TEST_DATABASE=system runs them on Debian's PostgreSQL 15 instead of the wheel's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bilag.app.migrate import migrate
from tests.clusters import Cluster, Database, chosen_binaries, database_of, throw_away_cluster
from tests.dealing import Dealer

_numbers = count(1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Dealer:
    """Deal modules of the portal out as a whole."""
    return Dealer(config, log)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running throw-away cluster, stopped and deleted when the session ends."""
    with throw_away_cluster(chosen_binaries()) as running:
        yield running


@pytest.fixture(scope="session")
def template_database(cluster: Cluster) -> Database:
    """A database with every migration applied, closed to connections so that it can be cloned."""
    template = database_of(cluster, "bilag_template")
    with psycopg.connect(cluster.urls.owner, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {template.name}")
    migrate(template.owner_url, template.application_url)
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        # A connection that migrate left open would make every clone fail.
        superuser.execute(f"ALTER DATABASE {template.name} ALLOW_CONNECTIONS false")
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [template.name],
        )
    return template


@pytest.fixture
def database(cluster: Cluster, template_database: Database) -> Iterator[Database]:
    """A fresh migrated database, dropped afterwards even when a test left connections open."""
    with fresh_database(cluster, template_database) as fresh:
        yield fresh


@contextmanager
def fresh_database(cluster: Cluster, template_database: Database) -> Iterator[Database]:
    """A fresh migrated database for as long as the block lasts."""
    fresh = database_of(cluster, f"bilag_test_{next(_numbers)}")
    name, template = sql.Identifier(fresh.name), sql.Identifier(template_database.name)
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER bilag_owner").format(name, template)
        )
    yield fresh
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
