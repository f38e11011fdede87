"""One PostgreSQL cluster: made whole or not at all, started, proven alive, stopped.

A process id proves nothing (a zombie has one too): life is a connection, death is no live process
of the data folder. Callers hold the start lock of `bilag.app.postgres`.
"""

import json
import logging
import os
import secrets
import shutil
import signal
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from bilag.app.postgres_places import Binaries, Place, PostgresError, run_tool

log = logging.getLogger(__name__)

SUPERUSER, OWNER, APPLICATION, DATABASE = "postgres", "bilag_owner", "bilag_app", "bilag"

# Failure policy: a first initdb may be slow on a small disk; past this it is an error and the
# unfinished folder is left beside the data, removed by the next start.
INIT_SECONDS = 120.0
# Failure policy: starting, joining and coming back after kill -9 end within this, with an error
# that carries the log's last lines. A server still in recovery is left running for the next try.
START_SECONDS = 30.0
# Failure policy: a fast shutdown that takes longer is reported and left to finish by itself.
STOP_SECONDS = 30.0
# Failure policy: backends that outlive their postmaster leave by themselves within moments; one
# that computes does not look, and gets the signal the postmaster would have sent it (SIGQUIT).
ORPHAN_SECONDS = 5.0
# Failure policy: a postmaster that accepts but says nothing for this long counts as not answering.
PING_SECONDS = 2
LOG_BYTES_MAX = 10_000_000

# Written once, when the data folder is made: an administrator may change them there.
SETTINGS = """
# Written by bilag when this folder was made. Change them here; a restart takes them up.
max_connections = 200
shared_buffers = '256MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
# The wheel has only pglz, which costs about 0.14 ms of processor a page (measured).
wal_compression = off
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_line_prefix = '%m [%p] %u@%d '
# Without these a refused row, with names and account numbers, would be copied into the log.
log_error_verbosity = 'terse'
log_min_error_statement = 'panic'
log_parameter_max_length_on_error = 0
"""


def passwords_of(place: Place) -> dict[str, str]:
    """The generated passwords, readable by us alone; made before the data they are for."""
    path = place.cluster / "passwords.json"
    try:
        stored: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        if place.marker.exists():
            raise PostgresError(
                f"{path} is missing; restore it from the backup that belongs to {place.data}"
            ) from None
    else:
        return stored
    made = {role: secrets.token_urlsafe(32) for role in (SUPERUSER, OWNER, APPLICATION)}
    _write_private(path, json.dumps(made))
    return made


def _write_private(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def url_of(place: Place, role: str, database: str, passwords: dict[str, str]) -> str:
    folder = quote(str(place.sockets), safe="")
    return f"postgresql://{role}:{quote(passwords[role])}@/{database}?host={folder}&port=5432"


def ping(place: Place) -> Ping:
    """Whether a server answers on our socket: a process id proves nothing, a zombie has one too."""
    conninfo = make_conninfo(
        host=str(place.sockets), port=5432, user=SUPERUSER, connect_timeout=PING_SECONDS
    )
    return Ping(PGconn.ping(conninfo.encode()))


def live_processes(place: Place) -> list[psutil.Process]:
    """The live server processes of this data folder; zombies do not count, our own are reaped."""
    found = []
    for process in psutil.process_iter():
        try:
            if not process.name().startswith(("postgres", "postmaster")):
                continue
            if process.status() == psutil.STATUS_ZOMBIE:
                if process.ppid() == os.getpid():
                    os.waitpid(process.pid, os.WNOHANG)
                continue
            if _belongs(process, place):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, ChildProcessError):
            continue
    return found


def _belongs(process: psutil.Process, place: Place) -> bool:
    # Root in a container often may not read another account's working folder; titles it may.
    title = process.cmdline()
    if str(place.data) in title or any(place.label in part for part in title):
        return True
    return Path(process.cwd()) == place.data


def is_postmaster(process: psutil.Process) -> bool:
    try:
        # Backends overwrite their arguments with a title; only the postmaster keeps "-D".
        return "-D" in process.cmdline()
    except psutil.Error:
        return False


def bring_up(place: Place, binaries: Binaries) -> None:
    """Join the server that answers, or start one; the caller holds the start lock."""
    _refuse_other_major(place, binaries)
    deadline = time.monotonic() + START_SECONDS
    if not _answers(place, deadline):
        if not place.marker.exists():
            _initialise(place, binaries)
            deadline = time.monotonic() + START_SECONDS
        _start_postmaster(place, binaries, deadline)
    _make_roles(place)


def _refuse_other_major(place: Place, binaries: Binaries) -> None:
    try:
        found = (place.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return
    if found != binaries.major:
        raise PostgresError(
            f"{place.data} was made by PostgreSQL {found}, but {binaries.folder} is PostgreSQL "
            f"{binaries.version}. Nothing was changed. Start it with PostgreSQL {found} "
            f"(BILAG_POSTGRES_BIN=its bin folder) and dump it with pg_dump, move the folder away, "
            f"then start with {binaries.major} and restore the dump"
        )


def _answers(place: Place, deadline: float) -> bool:
    """True when the server takes connections; False once no process of the data folder is left.

    Waits while it starts, recovers or stops; tells backends to leave that lost their postmaster.
    """
    orphans_since: float | None = None
    while True:
        answer = ping(place)
        if answer is Ping.OK:
            return True
        alive = live_processes(place)
        if answer is not Ping.REJECT and not alive:
            return False
        now = time.monotonic()
        if now > deadline:
            raise PostgresError(
                f"the server on {place.data} does not answer, and processes "
                f"{[process.pid for process in alive]} of it still run; a long recovery needs "
                f"another try, anything else must be ended by hand{_log_tail(place)}"
            )
        if not alive or any(is_postmaster(process) for process in alive):
            orphans_since = None
        elif orphans_since is None:
            orphans_since = now
        elif now > orphans_since + ORPHAN_SECONDS:
            _signal(alive, signal.SIGQUIT)
            orphans_since = now
        time.sleep(0.05)


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _initialise(place: Place, binaries: Binaries) -> None:
    """Make the data folder beside its place and rename it: a crash never leaves half of one."""
    for leftover in place.cluster.glob("data.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if place.data.exists():
        _set_aside(place)
    passwords = passwords_of(place)
    fresh = place.cluster / f"data.new-{os.getpid()}"
    fresh.mkdir(mode=0o700)
    place.own(fresh)
    password_file = place.cluster / "initdb.password"
    _write_private(password_file, passwords[SUPERUSER])
    place.own(password_file)
    # The wheel has no ICU; the builtin provider orders and folds case alike on every machine.
    locale = ["--locale-provider=builtin"] if int(binaries.major) >= 17 else []
    command = [
        binaries.folder / "initdb",
        *("--pgdata", fresh, "--username", SUPERUSER, "--pwfile", password_file),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions"),
        *(*locale, "--locale=C.UTF-8"),
    ]
    try:
        made = run_tool(command, place.account, seconds=INIT_SECONDS, cwd=place.cluster)
    finally:
        password_file.unlink()
    if made.returncode != 0:
        raise PostgresError(f"initdb in {fresh} failed: {(made.stderr or made.stdout).strip()}")
    # Written as the account: root follows no link in a folder that is the account's to change.
    finish = 'printf %s "$1" >> postgresql.conf && : > "$2"'
    done = run_tool(
        ["/bin/sh", "-c", finish, "sh", SETTINGS, place.marker.name], place.account, cwd=fresh
    )
    if done.returncode != 0:
        raise PostgresError(f"the settings in {fresh} could not be written: {done.stderr.strip()}")
    for path in (fresh / "postgresql.conf", fresh):
        _sync(path)
    fresh.rename(place.data)
    _sync(place.cluster)


def _set_aside(place: Place) -> None:
    """Move away what is no whole data folder; refuse what may be a whole one of somebody else's."""
    if (place.data / "global" / "pg_control").exists():
        # Fail closed: an empty database instead of a real one would deliver everything again.
        raise PostgresError(
            f"{place.data} holds a database but not the file {place.marker.name} that bilag writes "
            "last. Move the folder away to begin with an empty database, or make that file if the "
            "folder is a whole one of bilag's"
        )
    aside = place.cluster / f"data.unfinished-{time.time_ns()}"
    place.data.rename(aside)
    log.warning("%s was not a whole data folder; set aside as %s", place.data, aside)


def _start_postmaster(place: Place, binaries: Binaries, deadline: float) -> None:
    """Start PostgreSQL on a data folder that no process uses, and wait until it answers."""
    place.make_sockets()
    # No live process is left, so these name dead ones, zombies or strangers with the same number.
    stale = (place.sockets / ".s.PGSQL.5432", place.sockets / ".s.PGSQL.5432.lock")
    for path in (place.data / "postmaster.pid", *stale):
        path.unlink(missing_ok=True)
    _prepare_log(place)
    folder = str(place.sockets).replace('"', '""')
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{folder}"',
        "unix_socket_permissions": "0700",
        "port": "5432",
        "cluster_name": place.label,
        "password_encryption": "scram-sha-256",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
    }
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    # The shell ends at once, so the postmaster belongs to no process of ours; `$!` is its id.
    detach = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
    postgres = [binaries.folder / "postgres", "-D", place.data, *options]
    command = ["/bin/sh", "-c", detach, "sh", place.log, *postgres]
    launched = run_tool(command, place.account, cwd=place.cluster)
    if launched.returncode != 0:
        raise PostgresError(f"PostgreSQL did not start: {launched.stderr.strip()}")
    pid = int(launched.stdout)
    while ping(place) is not Ping.OK:
        if not _is_alive(pid):
            raise PostgresError(f"PostgreSQL ended while starting{_log_tail(place)}")
        if time.monotonic() > deadline:
            raise PostgresError(
                f"PostgreSQL is not ready after {START_SECONDS:.0f} s; it is left running (process "
                f"{pid}) in case it recovers, try again{_log_tail(place)}"
            )
        time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return True
        if process.ppid() == os.getpid():
            os.waitpid(pid, os.WNOHANG)
    except (psutil.NoSuchProcess, ChildProcessError):
        pass
    return False


def _prepare_log(place: Place) -> None:
    if place.log.exists() and place.log.stat().st_size > LOG_BYTES_MAX:
        place.log.replace(place.log.with_suffix(".log.1"))
    os.close(os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    place.own(place.log)


def _log_tail(place: Place) -> str:
    """The last lines of the server's log, to end an error message with."""
    try:
        lines = place.log.read_text(errors="replace").splitlines()[-15:]
    except OSError:
        return ""
    return "\n".join([f"\nLast lines of {place.log}:", *lines]) if lines else ""


def _make_roles(place: Place) -> None:
    """Make the two roles and the database where missing; a crash in between is made up for here."""
    passwords = passwords_of(place)
    rights = {
        OWNER: "LOGIN CREATEDB NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS",
        APPLICATION: "LOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS",
    }
    url = url_of(place, SUPERUSER, "postgres", passwords)
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for role in (role for role in rights if role not in known):
                # Hashed on this side: the password itself appears in no statement and no log.
                verifier = connection.pgconn.encrypt_password(
                    passwords[role].encode(), role.encode(), b"scram-sha-256"
                )
                connection.execute(
                    sql.SQL("CREATE ROLE {} {} PASSWORD {}").format(
                        sql.Identifier(role), sql.SQL(rights[role]), verifier.decode()
                    )
                )
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    except psycopg.Error as error:
        raise PostgresError(f"the roles could not be made: {error}{_log_tail(place)}") from error


def stop_server(place: Place) -> None:
    """Fast shutdown: open transactions are rolled back, what was committed is on disk."""
    deadline = time.monotonic() + STOP_SECONDS
    _signal([p for p in live_processes(place) if is_postmaster(p)], signal.SIGINT)
    while alive := live_processes(place):
        if time.monotonic() > deadline:
            raise PostgresError(
                f"PostgreSQL has not stopped within {STOP_SECONDS:.0f} s; processes "
                f"{[process.pid for process in alive]} still run{_log_tail(place)}"
            )
        time.sleep(0.02)
