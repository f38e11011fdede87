"""Where the embedded server lies: environment, default home, long paths, what root cannot share.

The socket's path has a limit and the server's account has less rights than root: both are met.
"""

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from bilag.app import postgres_places
from bilag.app.postgres import EmbeddedServer, PostgresError, database_urls, default_home
from bilag.app.postgres_places import find_binaries, find_place
from tests.clusters import count_rows, remove_home, server_of, temporary_home, write_rows

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has no such account")


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


def test_long_path_gets_a_short_socket_folder(home: Path) -> None:
    long = home / ("long-" * 20) / "a folder, with a \" $HOME and 'quotes'"
    server = server_of(long)
    try:
        urls = server.start()
        place = find_place(long)
        assert place is not None
        assert len(os.fsencode(place.cluster)) > 107
        assert len(os.fsencode(place.sockets / ".s.PGSQL.5432")) < 107
        write_rows(urls.owner, 10)
        # A second process finds the same short folder.
        assert (
            count_rows(server_of(long).start().application.replace(urls.application, urls.owner))
            == 10
        )
    finally:
        remove_home(long)


def test_urls_of_the_environment_come_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILAG_DATABASE_OWNER_URL", "postgresql://owner@db/bilag")
    monkeypatch.delenv("BILAG_DATABASE_URL", raising=False)
    with pytest.raises(PostgresError, match="BILAG_DATABASE_URL"):
        database_urls(home)
    monkeypatch.setenv("BILAG_DATABASE_URL", "postgresql://app@db/bilag")
    assert database_urls(home).owner == "postgresql://owner@db/bilag"
    monkeypatch.delenv("BILAG_DATABASE_OWNER_URL")
    urls = database_urls(home)
    assert (urls.application, urls.owner) == ("postgresql://app@db/bilag", "")
    with pytest.raises(PostgresError, match="migrate needs the owner"):
        urls.require_owner("migrate")
    assert not (home / "postgres").exists()


def test_default_home_needs_no_home_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILAG_HOME", "/srv/bilag")
    assert default_home() == Path("/srv/bilag")
    monkeypatch.delenv("BILAG_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    assert default_home() == Path("/srv/data/bilag")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/srv/someone")
    assert default_home() == Path("/srv/someone/.local/share/bilag")
    own = Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".local" / "share" / "bilag"
    monkeypatch.setenv("HOME", "")
    assert default_home() == own
    monkeypatch.delenv("HOME")
    assert default_home() == own


@needs_root
def test_root_puts_what_the_account_cannot_reach_where_it_can(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_places, "SYSTEM_FOLDER", home / "system")
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    source = find_binaries(None, None).folder.parent.parent
    (closed / source.name).symlink_to(source)
    if (libraries := source.with_name(f"{source.name}.libs")).exists():
        (closed / libraries.name).symlink_to(libraries)
    server = EmbeddedServer(closed / "home", closed / source.name / "pginstall" / "bin")
    urls = server.start()
    write_rows(urls.owner, 10)
    pointer = closed / "home" / "postgres"
    assert pointer.is_symlink()
    assert pointer.resolve().parent == home / "system"
    status = server.status()
    assert status is not None
    executable = Path(psutil.Process(status.postmaster).exe())
    version = find_binaries(None, None).version
    assert executable.is_relative_to(home / "system" / f"postgresql-{version}")
    server.stop()
    # A home that was deleted and made again is a new one; the old data is kept beside it.
    shutil.rmtree(closed / "home")
    fresh = EmbeddedServer(closed / "home", executable.parent)
    with pytest.raises(psycopg.errors.UndefinedTable):
        count_rows(fresh.start().owner)
    fresh.stop()
    assert len(list((home / "system").glob("home-*/data/BILAG_COMPLETE"))) == 2


@needs_root
def test_account_that_cannot_be_used_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILAG_POSTGRES_ACCOUNT", "root")
    with pytest.raises(PostgresError, match="BILAG_POSTGRES_ACCOUNT=root"):
        server_of(home).start()
    monkeypatch.setenv("BILAG_POSTGRES_ACCOUNT", "not:a name")
    with pytest.raises(PostgresError, match="BILAG_DATABASE_URL"):
        server_of(home).start()
