"""Processes of the benchmark: servers and their control requests, the bare loop, CPU by process.

Only processes started here are ever ended, each by its own id.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

ROOT = Path(__file__).resolve().parent.parent

# Failure policy: a child that takes longer than this, and a sink that nothing new reaches for so
# long, end the benchmark with an error.
RUN_SECONDS_MAX = 900.0
STILL_SECONDS_MAX = 60.0


class Child:
    """One process in a session of its own, so that it can be killed together with its children."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
        listen: bool = False,
    ) -> None:
        output = log.open("ab") if log is not None else None
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if listen else output,
            stderr=output,
            start_new_session=True,
        )
        if output is not None:
            output.close()
        self.pid = self.process.pid

    def line(self) -> dict[str, Any]:
        """Read the one line of JSON the process prints; raises RuntimeError when it ends first."""
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()}")
        found: dict[str, Any] = json.loads(text)
        return found

    def wait(self, timeout: float = RUN_SECONDS_MAX) -> int:
        """Wait for the end and return the exit code; after `timeout` seconds kill and raise."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """Send SIGKILL to the process and its children, as a power cut would end them."""
        if self.process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def stop(self, timeout: float = 60.0) -> None:
        """Send SIGTERM and wait; a process that does not end within `timeout` is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
        self.kill()


class Server(Child):
    """A server of the benchmark on a free port of 127.0.0.1; use as a context manager."""

    def __init__(self, module: str, *arguments: str) -> None:
        super().__init__([sys.executable, "-m", module, *arguments], listen=True)
        self.port = int(self.line()["port"])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def ask(
        self, method: str, path: str, body: Any = None, timeout: float = 60.0
    ) -> dict[str, Any]:
        """Send one control request; raises RuntimeError unless it is answered with 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {text[:200]!r}")
        found: dict[str, Any] = json.loads(text)
        return found


class SinkProcess(Server):
    """The sink, with its control requests."""

    def __init__(self) -> None:
        super().__init__("bench.sink")

    def reset(self, latency_ms: float = 0.0, lost_answers: Sequence[int] = ()) -> None:
        """Forget all documents and set latency (ms) and the new keys whose answers get lost."""
        self.ask("POST", "/_reset", {"latency_ms": latency_ms})
        if lost_answers:
            self.ask("POST", "/_faults", {"lost_answers": list(lost_answers)})

    def stats(self) -> dict[str, Any]:
        """Return the counts and times of what has arrived since the last reset."""
        return self.ask("GET", "/_stats")

    def wait_for(self, unique: int, sender: Child) -> dict[str, Any]:
        """Return the counts as soon as so many different documents have arrived.

        Raises RuntimeError when the sender ends before, or nothing new arrives for 60 seconds.
        """
        seen = -1
        while True:
            try:
                path = f"/_wait?unique={unique}"
                return self.ask("GET", path, timeout=STILL_SECONDS_MAX)
            except TimeoutError:
                arrived = self.stats()["unique"]
            if sender.process.poll() is not None or arrived == seen:
                raise RuntimeError(f"{arrived} of {unique} arrived, and no more are coming")
            seen = arrived

    def arrivals(self) -> dict[str, int]:
        """Return each reference with its first arrival in nanoseconds since the epoch."""
        return self.ask("GET", "/_arrivals")


def arrival_rate(stats: Mapping[str, Any]) -> float:
    """Return documents a second from the first to the last arrival; 0 for fewer than two."""
    span: int = stats["last_ns"] - stats["first_ns"]
    return (stats["posts"] - 1) * 1e9 / span if span > 0 else 0.0


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds of a process and all its children, the ended ones included.

    An ended child counts once its parent has waited for it; resolution is one tick (10 ms).
    """
    total = 0.0
    try:
        process = psutil.Process(pid)
        for part in (process, *process.children(recursive=True)):
            try:
                used = part.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += used.user + used.system + used.children_user + used.children_system
    except psutil.NoSuchProcess:
        return total
    return total


def memory_mib(pid: int) -> dict[str, float]:
    """Return resident MiB of a process and its children: now (`rss`) and at their peak (`peak`)."""
    now = peak = 0
    process = psutil.Process(pid)
    for part in (process, *process.children(recursive=True)):
        for line in Path(f"/proc/{part.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                now += int(line.split()[1])
            elif line.startswith("VmHWM:"):
                peak += int(line.split()[1])
    return {"rss": round(now / 1024, 1), "peak": round(peak / 1024, 1)}


def run_bare(sink: SinkProcess, bodies: Path, window: int) -> dict[str, float]:
    """Post the bodies by the bare loop; returns its CPU per claim and its rate at the sink."""
    child = Child(
        [
            sys.executable, "-m", "bench.bare", "--url", f"{sink.url}/vouchers",
            "--bodies", str(bodies), "--window", str(window),
        ],
        listen=True,
    )  # fmt: skip
    try:
        found = child.line()
        if child.wait() != 0:
            raise RuntimeError("the bare loop failed")
    finally:
        child.kill()
    stats = sink.stats()
    if stats["duplicates"] or stats["unique"] != found["posts"]:
        raise RuntimeError(f"the bare loop posted {found['posts']}, the sink has {stats}")
    return {"rate": arrival_rate(stats), "cpu_us_per_claim": found["cpu_us_per_claim"]}
