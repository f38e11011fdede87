"""The embedded server: started, shared, killed and brought back, with every committed row.

Real servers and real processes only; each test has a home and a cluster of its own.
"""

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from bilag.app import postgres_cluster
from bilag.app.postgres import EmbeddedServer, PostgresError
from bilag.app.postgres_places import Account, find_binaries, find_place
from tests.clusters import (
    Cluster,
    chosen_binaries,
    count_rows,
    server_of,
    temporary_home,
    value_of,
    write_rows,
)

# A process that holds the server until its input closes. With "subreaper" the postmaster becomes
# its child, which it never reaps: the state a container is in when its first process reaps nothing.
HOLDER = """
import ctypes, os, sys
from pathlib import Path
from bilag.app.postgres import EmbeddedServer
home, bin_dir, mode = sys.argv[1:]
if mode == "subreaper":
    assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0
if mode.isdigit():
    os.setgroups([])
    os.setgid(int(mode))
    os.setuid(int(mode))
server = EmbeddedServer(Path(home), Path(bin_dir) if bin_dir else None)
for line in sys.stdin:
    urls = server.start()
    print(urls.owner, os.geteuid(), server.status().postmaster, flush=True)
"""

DEAD = ("gone", psutil.STATUS_ZOMBIE)
Holder = subprocess.Popen[str]


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


@pytest.fixture
def hold(home: Path) -> Iterator[Callable[..., Holder]]:
    """Starts processes that hold the server of `home`, each once it has started or joined it."""
    holders: list[Holder] = []

    def start(mode: str = "plain", bin_dir: Path | None = None) -> Holder:
        command = [
            sys.executable,
            "-c",
            HOLDER,
            str(home),
            str(bin_dir or chosen_binaries() or ""),
            mode,
        ]
        holder = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
        holders.append(holder)
        assert _ask(holder)
        return holder

    yield start
    for holder in holders:
        holder.kill()
        holder.communicate()


def _ask(holder: Holder) -> list[str]:
    """Lets the holder start the server (again); its owner URL, user id and postmaster."""
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("start\n")
    holder.stdin.flush()
    return holder.stdout.readline().split()


def _postmaster(server: EmbeddedServer) -> int:
    status = server.status()
    assert status is not None
    assert status.postmaster is not None
    return status.postmaster


def _answers(server: EmbeddedServer) -> bool:
    status = server.status()
    return status is not None and status.answers


def _state(pid: int) -> str:
    """The process's state in psutil's words, or `gone`."""
    try:
        return psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return "gone"


def test_first_start_makes_a_durable_private_database(home: Path) -> None:
    server = server_of(home)
    assert server.status() is None
    assert not (home / "postgres").exists()
    urls = server.start()
    assert "bilag" not in repr(urls)
    shown = {
        name: value_of(urls.application, f"SHOW {name}")
        for name in ("fsync", "synchronous_commit", "listen_addresses", "data_checksums")
    }
    assert shown == {
        "fsync": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "data_checksums": "on",
    }
    assert value_of(urls.application, "SELECT lower('ÆØÅ')") == "æøå"
    place = find_place(home.resolve())
    assert place is not None
    assert (place.cluster / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert place.sockets.stat().st_mode & 0o777 == 0o700
    without_password = urls.application.replace(urls.application.split(":")[2].split("@")[0], "x")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(without_password)
    # No password in the log, not even as part of a statement.
    passwords = json.loads((place.cluster / "passwords.json").read_text())
    assert not [word for word in passwords.values() if word in place.log.read_text()]
    server.stop()
    assert not _answers(server)


def test_roles_have_no_more_rights_than_they_need(cluster: Cluster) -> None:
    rights = "rolsuper, rolbypassrls, rolcreaterole, rolreplication, rolcreatedb, rolcanlogin"
    with psycopg.connect(cluster.superuser_url) as superuser:
        found = {
            row[0]: row[1:]
            for row in superuser.execute(
                f"SELECT rolname, {rights} FROM pg_roles WHERE rolname LIKE 'bilag%'"
            )
        }
        owner = superuser.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'bilag'"
        ).fetchone()
    assert found == {
        "bilag_app": (False, False, False, False, False, True),
        "bilag_owner": (False, False, False, False, True, True),
    }
    assert owner == ("bilag_owner",)
    with (
        psycopg.connect(cluster.urls.application) as application,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        application.execute("CREATE TABLE mine (number int)")
    with psycopg.connect(cluster.urls.owner) as connection:
        connection.execute("CREATE SCHEMA room CREATE TABLE ours (number int)")
        connection.rollback()


def test_processes_share_one_server_and_the_last_to_leave_stops_it(
    home: Path, hold: Callable[..., Holder]
) -> None:
    first, second = hold(), hold()
    server = server_of(home)
    url, _, postmaster = _ask(first)
    assert _ask(second)[2] == postmaster
    write_rows(url, 10)
    first.communicate()
    assert first.returncode == 0
    assert _answers(server)
    second.communicate()
    assert not _answers(server)
    assert count_rows(server.start().owner) == 10
    server.stop()


def test_first_starts_at_the_same_moment_make_one_cluster(home: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(home), str(chosen_binaries() or ""), "plain"]
    holders = [subprocess.Popen(command, stdin=-1, stdout=-1, text=True) for _ in range(4)]
    for holder in holders:
        assert holder.stdin is not None
        holder.stdin.write("start\n")
        holder.stdin.flush()
    lines = []
    for holder in holders:
        assert holder.stdout is not None
        lines.append(holder.stdout.readline())
    for holder in holders:
        holder.communicate()
    assert len(set(lines)) == 1
    assert lines[0]
    assert [holder.returncode for holder in holders] == [0] * 4
    assert not _answers(server_of(home))


def test_killed_postmaster_comes_back_with_every_row(home: Path) -> None:
    server = server_of(home)
    urls = server.start()
    write_rows(urls.owner, 1000)
    for again in (1, 2, 3):
        killed = _postmaster(server)
        os.kill(killed, signal.SIGKILL)
        began = time.monotonic()
        urls = server.start()
        assert time.monotonic() - began < 30
        assert _postmaster(server) != killed
        assert count_rows(urls.owner) == 1000 * again
        write_rows(urls.owner, 1000)
    server.stop()


def test_zombie_postmaster_counts_as_dead(home: Path, hold: Callable[..., Holder]) -> None:
    holder = hold("subreaper")
    url, _, killed = _ask(holder)
    write_rows(url, 10)
    os.kill(int(killed), signal.SIGKILL)
    server = server_of(home)
    urls = server.start()
    # Still there, dead and not reaped by its parent: it is what had to be seen through.
    assert _state(int(killed)) == psutil.STATUS_ZOMBIE
    assert count_rows(urls.owner) == 10
    # The parent itself reaps it when it has to bring the server back.
    os.kill(_postmaster(server), signal.SIGKILL)
    assert count_rows(_ask(holder)[0]) == 10
    assert _state(int(killed)) == "gone"
    server.stop()


def test_backend_that_outlives_its_postmaster_is_told_to_leave(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_cluster, "ORPHAN_SECONDS", 0.3)
    server = server_of(home)
    urls = server.start()
    write_rows(urls.owner, 10)
    with psycopg.connect(urls.owner) as busy:
        pid = busy.info.backend_pid
        # A loop that computes never looks whether the postmaster lives.
        busy.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
        os.kill(_postmaster(server), signal.SIGKILL)
        assert _state(pid) not in DEAD
        assert count_rows(server.start().owner) == 10
        assert _state(pid) in DEAD
        busy.close()
    server.stop()


def test_killed_holder_leaves_a_server_that_the_next_one_joins(
    home: Path, hold: Callable[..., Holder]
) -> None:
    holder = hold()
    url, _, postmaster = _ask(holder)
    write_rows(url, 10)
    holder.kill()
    holder.wait()
    server = server_of(home)
    assert count_rows(server.start().owner) == 10
    assert _postmaster(server) == int(postmaster)
    server.stop()
    assert not _answers(server)


def test_server_and_holder_killed_together_start_again(
    home: Path, hold: Callable[..., Holder]
) -> None:
    holder = hold()
    url, _, postmaster = _ask(holder)
    write_rows(url, 10)
    holder.kill()
    os.kill(int(postmaster), signal.SIGKILL)
    holder.wait()
    server = server_of(home)
    assert count_rows(server.start().owner) == 10
    server.stop()


def test_stop_without_a_hold_ends_an_abandoned_server(
    home: Path, hold: Callable[..., Holder]
) -> None:
    holder = hold()
    holder.kill()
    holder.wait()
    server = server_of(home)
    assert _answers(server)
    server.stop()
    assert not _answers(server)


def test_another_major_version_is_refused_and_nothing_changed(home: Path) -> None:
    server = server_of(home)
    urls = server.start()
    write_rows(urls.owner, 10)
    server.stop()
    version = home / "postgres" / "data" / "PG_VERSION"
    ours = version.read_text()
    version.write_text("12\n")
    with pytest.raises(PostgresError) as refused:
        server.start()
    message = str(refused.value)
    assert "PostgreSQL 12" in message
    assert f"PostgreSQL {ours.strip()}" in message
    assert str(version.parent) in message
    assert "dump" in message
    version.write_text(ours)
    assert count_rows(server.start().owner) == 10
    server.stop()


def test_unfinished_data_folder_is_set_aside_and_a_foreign_one_refused(home: Path) -> None:
    (home / "postgres" / "data").mkdir(parents=True)
    (home / "postgres" / "data" / "half").touch()
    (home / "postgres" / "data.new-1" / "global").mkdir(parents=True)
    server = server_of(home)
    urls = server.start()
    write_rows(urls.owner, 10)
    server.stop()
    assert [path.name for path in (home / "postgres").glob("data.unfinished-*/*")] == ["half"]
    assert not list((home / "postgres").glob("data.new-*"))
    marker = home / "postgres" / "data" / "BILAG_COMPLETE"
    marker.rename(home / "marker")
    with pytest.raises(PostgresError, match="BILAG_COMPLETE"):
        server.start()
    (home / "marker").rename(marker)
    assert count_rows(server.start().owner) == 10
    server.stop()


def test_start_that_fails_shows_the_end_of_the_log(home: Path) -> None:
    server = server_of(home)
    server.start()
    server.stop()
    with (home / "postgres" / "data" / "postgresql.conf").open("a") as settings:
        settings.write("\nmax_connections = 'many'\n")
    with pytest.raises(PostgresError, match="max_connections"):
        server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_runs_as_an_ordinary_user(home: Path, hold: Callable[..., Holder]) -> None:
    nobody = pwd.getpwnam("nobody")
    account = Account(nobody.pw_name, nobody.pw_uid, nobody.pw_uid)
    os.chown(home, nobody.pw_uid, nobody.pw_uid)
    holder = hold(str(nobody.pw_uid), find_binaries(chosen_binaries(), account).folder)
    url, uid, postmaster = _ask(holder)
    assert int(uid) == nobody.pw_uid
    assert Path(f"/proc/{postmaster}").stat().st_uid == nobody.pw_uid
    write_rows(url, 10)
    # Root joins an ordinary user's server, and starts it again as that user.
    server = server_of(home)
    assert count_rows(server.start().owner) == 10
    os.kill(int(postmaster), signal.SIGKILL)
    assert count_rows(server.start().owner) == 10
    assert Path(f"/proc/{_postmaster(server)}").stat().st_uid == nobody.pw_uid
