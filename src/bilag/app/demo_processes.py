"""The processes of the demo: sandbox, worker, API, each with a log in the demo's folder.

They end with the demo, in order, by their own ids; what outlives a killed demo is named.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Self

from bilag.app.cli_exit import CommandFailed, Exit

# Failure policy: a process that does not answer within this has failed, and its log says why.
START_SECONDS_MAX = 30.0
# Failure policy: one that does not end when told is killed; the worker's rows are then looked up.
STOP_SECONDS_MAX = 20.0
_LOG_LINES_SHOWN = 5


@contextmanager
def hold(home: Path) -> Iterator[int]:
    """Keep a second demo out of the same folder; yields the lock that its processes share."""
    path = home / "demo.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandFailed(
                f"a demo runs in {home} already, as process {path.read_text().strip()};"
                " stop it with Ctrl-C there, or end these processes",
                Exit.NOT_USABLE,
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}".encode())
        yield lock
    finally:
        os.close(lock)


class Processes:
    """Starts the processes of one demo and ends them, the last started first."""

    def __init__(self, home: Path, lock: int) -> None:
        self._home = home
        self._lock = lock
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_SECONDS_MAX)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)  # with the processes it started itself
                    process.wait()

    def check(self) -> None:
        """Raise CommandFailed when a process has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                log = self._home / f"{name}.log"
                raise CommandFailed(f"the {name} has ended; see {log}", Exit.FAULT)

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `bilag ARGUMENTS`; what it prints goes to NAME.log in the home folder."""
        with (self._home / f"{name}.log").open("wb") as log:
            # A group of its own: Ctrl-C reaches the demo alone, which then ends them in order.
            process = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
                [sys.executable, "-m", "bilag.app.cli", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(self._lock,),
                process_group=0,
            )
        self._running[name] = process
        os.write(self._lock, f" {process.pid}".encode())
        return process

    def start_sandbox(self, kind: str, *options: str) -> str:
        """Start a sandbox at the address it had before, if that is free; returns its address."""
        name = f"sandbox-{kind}"
        kept = self._home / f"{name}-address"
        before = kept.read_text().strip() if kept.exists() else ""
        port = _free_port(int(before.rpartition(":")[2] or 0))
        self.start(
            name, "sandbox", kind, "--port", str(port), "--answer-after", "0.05",
            "--ledger", str(self._home / f"ledger-{kind}.ndjson"), *options,
        )  # fmt: skip
        address = self._answers(name, port)
        kept.write_text(f"{address}\n")
        return address

    def start_api(self, port: int) -> str:
        """Start the API on the port, or on a free one where it is taken; returns its address."""
        port = _free_port(port)
        self.start("serve", "serve", "--port", str(port))
        # a name, since a passkey belongs to a name and not to an address
        return self._answers("serve", port).replace("127.0.0.1", "localhost")

    def _answers(self, name: str, port: int) -> str:
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline and self._running[name].poll() is None:
            with socket.socket() as connection:
                connection.settimeout(1)
                if connection.connect_ex(("127.0.0.1", port)) == 0:
                    return f"http://127.0.0.1:{port}"
            time.sleep(0.05)
        log = self._home / f"{name}.log"
        last = "\n  ".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:])
        raise CommandFailed(f"the {name} did not start; {log} ends with:\n  {last}", Exit.FAULT)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _free_port(wanted: int) -> int:
    """Return the wanted port of 127.0.0.1 when nobody listens on it, else a free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CommandFailed("no port of 127.0.0.1 is free", Exit.NOT_USABLE)
