"""Starts sandbox accounting systems as processes of their own, for any test that needs one.

Each listens on a free port of 127.0.0.1 and is ended by its own pid.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tests.ports import free_port

# Failure policy: a sandbox that does not start or stop within this time fails the test.
PATIENCE_SECONDS = 20.0


@dataclass
class SandboxProcess:
    """A running sandbox: its address, its pid, and its controls; use it as a context manager."""

    url: str
    process: subprocess.Popen[str]
    arguments: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def ledger(self, *, summary: bool = False) -> dict[str, Any]:
        """What was really posted: totals, and the entries unless only a summary is asked for."""
        return self._call("GET", "/_sandbox/ledger" + ("?summary=1" if summary else ""))

    def faults(self, *faults: Mapping[str, Any]) -> dict[str, Any]:
        """Set faults such as `{"kind": "lost_answer", "at": [1]}`; without any, show them."""
        return self._call("POST", "/_sandbox/faults", list(faults))

    def clear_faults(self) -> None:
        """Take all faults away."""
        self._call("DELETE", "/_sandbox/faults")

    def requests(self) -> dict[str, Any]:
        """How many requests came, by method and path, and how many were in flight at most."""
        return self._call("GET", "/_sandbox/requests")

    def set(self, **options: Any) -> None:
        """Change options while it runs, for example `idempotency="posted"`."""
        self._call("POST", "/_sandbox/options", options)

    def add_master_data(self, **kinds: Mapping[str, str]) -> None:
        """Add accounts, costCentres or vatCodes (code to name)."""
        self._call("POST", "/_sandbox/master", kinds)

    def meddle(self, reference: str, do: str, **how: str) -> None:
        """Delete, alter, double or reverse a posted voucher by hand."""
        self._call("POST", "/_sandbox/meddle", {"reference": reference, "do": do, **how})

    def journals(self) -> dict[str, Any]:
        """What stands in journals and is not posted (Business Central)."""
        return self._call("GET", "/_sandbox/journals")

    def reset(self) -> None:
        """Empty the ledger and forget faults, counts and keys."""
        self._call("POST", "/_sandbox/reset")

    def stop(self) -> None:
        """End it in order; harmless when it has ended already."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it again at the same address, with the same options and ledger file."""
        self.stop()
        self.process = _start([*self.arguments, "--port", str(urlsplit(self.url).port)])[0]

    def _end(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(
            str(parts.hostname), parts.port, timeout=PATIENCE_SECONDS
        )
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        found: dict[str, Any] = json.loads(content)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_sandbox(kind: str, *, ledger: Path | None = None, **options: Any) -> SandboxProcess:
    """Start `bilag sandbox KIND` on a free port; `options` are its flags, `True` for switches."""
    arguments = [kind]
    if ledger is not None:
        arguments += ["--ledger", str(ledger)]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        arguments += [flag] if value is True else [flag, str(value)]
    process, url = _start([*arguments, "--port", str(free_port())])
    return SandboxProcess(url, process, arguments)


def _start(arguments: list[str]) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bilag.sandbox", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("listening on "):
        process.kill()
        process.wait()
        process.stdout.close()
        raise RuntimeError(f"the sandbox {arguments} did not start: {line!r}")
    return process, line.removeprefix("listening on ").strip()
