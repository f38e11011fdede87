"""A whole running portal: `bilag serve` and a worker as processes, and sandboxes to deliver to.

Everything listens on 127.0.0.1 and is ended by its own pid.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clusters import Database
from tests.portal.place import ADDRESSES, SECRET, Place, open_place
from tests.ports import free_port
from tests.sandboxes import SandboxProcess, start_sandbox

# Failure policy: what does not answer or end within this fails the tests that need it.
PATIENCE_SECONDS = 30.0


@dataclass
class Live:
    """The running portal: its address, its place, the sandboxes by type of system, its worker."""

    origin: str
    place: Place
    sandboxes: dict[str, SandboxProcess]
    log: Path
    worker: subprocess.Popen[bytes]

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        """Let the worker stand still, and go on afterwards as if nothing had been."""
        self.worker.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.worker.send_signal(signal.SIGCONT)


@contextmanager
def live_portal(database: Database, home: Path) -> Iterator[Live]:
    """Run the portal on a migrated database; the log of the processes may hold no secret."""
    log = home / "processes.log"
    with ExitStack() as stack:
        sandboxes = {
            "xledger": start_sandbox(
                "xledger", token=SECRET, filter_ext_identifier=True, books_after="0"
            ),
            "dynamics_business_central": start_sandbox("business-central", client_secret=SECRET),
            "rest": start_sandbox("rest", api_key=SECRET),
        }
        for sandbox in sandboxes.values():
            stack.enter_context(sandbox)
        place = stack.enter_context(open_place(database, home, addresses_of(sandboxes)))
        origin = stack.enter_context(serving(place, log))
        worker = stack.enter_context(process(place, log, "worker"))
        yield Live(origin, place, sandboxes, log, worker)
    assert SECRET not in log.read_text(errors="replace"), "a secret is in the log"


def addresses_of(sandboxes: dict[str, SandboxProcess]) -> dict[str, dict[str, Any]]:
    """Return the settings of each type of system, pointed at the sandboxes."""
    xledger, central, rest = (sandboxes[kind].url for kind in ADDRESSES)
    return {
        "xledger": {**ADDRESSES["xledger"], "endpoint": f"{xledger}/graphql"},
        "dynamics_business_central": {
            **ADDRESSES["dynamics_business_central"],
            "baseUrl": f"{central}/v2.0",
            "loginUrl": central,
            "company": "Sandbox Organization",
        },
        "rest": {**ADDRESSES["rest"], "baseUrl": rest},
    }


@contextmanager
def serving(place: Place, log: Path) -> Iterator[str]:
    """Run `bilag serve` on a place and return its address; what it says is added to the log."""
    port = free_port()
    with process(place, log, "serve", "--port", str(port)) as server:
        _wait_for(port, server, log)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def process(place: Place, log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a `bilag` command of a place until the block ends; then it is told to end."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "bilag.app.cli", *arguments],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "BILAG_HOME": str(place.home),
                "BILAG_DATABASE_URL": place.database.application_url,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, log.read_text(errors="replace")
            time.sleep(0.05)
        else:
            return
