"""The database server: one that BILAG_DATABASE_URL names, or an embedded PostgreSQL in the home.

Local processes share one embedded server: the first starts it, the last to leave cleanly stops it.
It listens on a unix socket only; what it has committed survives kill -9 of any process.
"""

import atexit
import fcntl
import logging
import os
import pwd
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.pq import Ping

from bilag.app.postgres_cluster import (
    APPLICATION,
    DATABASE,
    INIT_SECONDS,
    OWNER,
    START_SECONDS,
    STOP_SECONDS,
    SUPERUSER,
    bring_up,
    is_postmaster,
    live_processes,
    passwords_of,
    ping,
    stop_server,
    url_of,
)
from bilag.app.postgres_places import Place, PostgresError, find_binaries, find_place, make_place

__all__ = ["DatabaseUrls", "EmbeddedServer", "PostgresError", "database_urls", "default_home"]

log = logging.getLogger(__name__)

# Failure policy: who waits for another process to start the server waits for all it may take.
LOCK_SECONDS = INIT_SECONDS + START_SECONDS


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """The two ways into the database; both carry passwords and stay out of `repr`.

    `owner` is empty when only BILAG_DATABASE_URL was given.
    """

    application: str = field(repr=False)
    owner: str = field(repr=False)

    def require_owner(self, purpose: str) -> str:
        """The owner's URL, for migrate and retention; raises PostgresError when it is not set."""
        if not self.owner:
            raise PostgresError(f"{purpose} needs the owner: set BILAG_DATABASE_OWNER_URL as well")
        return self.owner


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What can be seen of a home's embedded server without starting it."""

    answers: bool
    postmaster: int | None
    data: Path
    log: Path


def default_home() -> Path:
    """The folder for all that bilag keeps: BILAG_HOME, else `bilag` in the user's data folder.

    Does not need HOME: without it the account's own folder counts. Raises PostgresError if none.
    """
    named, data = os.environ.get("BILAG_HOME"), os.environ.get("XDG_DATA_HOME", "")
    if named:
        return Path(named).expanduser().absolute()
    if Path(data).is_absolute():
        return Path(data) / "bilag"
    try:
        user = os.environ.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        user = ""
    if not user:
        raise PostgresError("there is no home folder for this user; set BILAG_HOME to a folder")
    return Path(user).absolute() / ".local" / "share" / "bilag"


_held: dict[Path, "EmbeddedServer"] = {}
_held_guard = threading.Lock()


def database_urls(home: Path) -> DatabaseUrls:
    """The URLs from the environment, else those of the embedded server, which is started or joined.

    Call it again after a lost connection: a server that was killed is brought back.
    """
    application = os.environ.get("BILAG_DATABASE_URL", "")
    owner = os.environ.get("BILAG_DATABASE_OWNER_URL", "")
    if application:
        return DatabaseUrls(application, owner)
    if owner:
        raise PostgresError("BILAG_DATABASE_OWNER_URL is set: set BILAG_DATABASE_URL as well")
    with _held_guard:
        server = _held.setdefault(home.resolve(), EmbeddedServer(home))
    return server.start()


class EmbeddedServer:
    """One process's hold on the PostgreSQL server of a home.

    The hold is a shared file lock: kill -9 drops it, and the server stays up for the next to join.
    """

    def __init__(self, home: Path, bin_dir: Path | None = None) -> None:
        self._home = home.expanduser().resolve()
        self._bin_dir = bin_dir
        self._place: Place | None = None
        self._hold: int | None = None
        self._guard = threading.RLock()

    def start(self) -> DatabaseUrls:
        """Start or join the server and hold it until `stop` or a clean exit; safe to repeat.

        Raises PostgresError within a bounded time, with what a person can do.
        """
        with self._guard, _explained(self._home):
            if self._place is None:
                self._place = make_place(self._home)
            if self._hold is None or ping(self._place) is not Ping.OK:
                self._join(self._place)
            return self._urls(self._place)

    def stop(self) -> None:
        """Leave the server; it is stopped when no other process holds it.

        Without a hold of our own it stops a server that was left behind. Makes no folders.
        """
        with self._guard, _explained(self._home):
            atexit.unregister(self._leave_at_exit)
            place = self._place or find_place(self._home)
            if place is None:
                return
            if not place.cluster.exists():
                # Deleted under a running server, locks and all: nobody has a use for it any more.
                self._let_go()
                stop_server(place)
                return
            with _exclusive(place.cluster / "start.lock", START_SECONDS + STOP_SECONDS):
                self._let_go()
                others = os.open(place.cluster / "holders.lock", os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    fcntl.flock(others, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    stop_server(place)
                except BlockingIOError:
                    return  # somebody else still works with it
                finally:
                    os.close(others)

    def status(self) -> ServerStatus | None:
        """Whether the server answers, and where it lies; None when the home has no cluster yet."""
        with _explained(self._home):
            place = self._place or find_place(self._home)
            if place is None:
                return None
            postmaster = next((p.pid for p in live_processes(place) if is_postmaster(p)), None)
            return ServerStatus(ping(place) is Ping.OK, postmaster, place.data, place.log)

    def superuser_url(self) -> str:
        """The URL of PostgreSQL's own superuser, for backups and repairs of a running server.

        `serve` and `worker` must never be given it.
        """
        with _explained(self._home):
            place = self._place or find_place(self._home)
            if place is None:
                raise PostgresError(f"{self._home} has no database yet")
            return url_of(place, SUPERUSER, "postgres", passwords_of(place))

    def _join(self, place: Place) -> None:
        with _exclusive(place.cluster / "start.lock", LOCK_SECONDS):
            held_before = self._hold is not None
            if self._hold is None:
                self._hold = os.open(place.cluster / "holders.lock", os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(self._hold, fcntl.LOCK_SH)
            try:
                bring_up(place, find_binaries(self._bin_dir, place.account))
            except BaseException:
                self._let_go()
                raise
        if not held_before:
            atexit.register(self._leave_at_exit)

    def _leave_at_exit(self) -> None:
        try:
            self.stop()
        except PostgresError as error:
            # Nobody is left to catch it; the next start finds the server as it is.
            log.warning("%s", error)

    def _let_go(self) -> None:
        if self._hold is not None:
            # Closed, not unlocked: a forked child shares the lock and may still be at work.
            os.close(self._hold)
            self._hold = None

    def _urls(self, place: Place) -> DatabaseUrls:
        passwords = passwords_of(place)
        return DatabaseUrls(
            application=url_of(place, APPLICATION, DATABASE, passwords),
            owner=url_of(place, OWNER, DATABASE, passwords),
        )


@contextmanager
def _explained(home: Path) -> Iterator[None]:
    """Turn the system's refusals (permissions, a full disk) into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise PostgresError(
            f"the database under {home / 'postgres'} cannot be used: {error}. Use the account that "
            "made it, or another folder (BILAG_HOME)"
        ) from error


@contextmanager
def _exclusive(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock file alone; raises PostgresError when others keep it longer than `seconds`."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PostgresError(
                        f"another process has been starting or stopping the server for over "
                        f"{seconds:.0f} s; see who holds {path}"
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(lock)
