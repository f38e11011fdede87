"""Drives the peers on our sink: rate, duplicates after lost answers, and what kill -9 leaves.

A peer is started, killed and started again as its own documentation tells a user to.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers.environment import peers_python
from bench.processes import Child, SinkProcess, arrival_rate

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to deliver: its script, the numbers in flight to try for speed, its own options.

    `windows` is empty for a peer that sends one after the other and has no setting for more.
    """

    name: str
    script: str
    windows: tuple[int, ...]
    options: tuple[str, ...] = ()
    database: bool = False


PEERS = (
    Peer("dlt, batches of 1", "dlt_peer.py", (8, 32), ("--batch", "1")),
    Peer("dlt, batches of 100", "dlt_peer.py", (8, 32), ("--batch", "100")),
    Peer("singer-sdk RecordSink", "singer_peer.py", ()),
    Peer("procrastinate, a job per claim", "procrastinate_peer.py", (8, 32), database=True),
)


class PeerRuns:
    """Runs one peer on the sink with the claims of a file; each run begins with nothing kept.

    `fresh_database` makes an empty database and returns its URL.
    """

    def __init__(
        self, peer: Peer, sink: SinkProcess, home: Path, fresh_database: Callable[[], str]
    ) -> None:
        self._peer = peer
        self._sink = sink
        self._home = home / "peer"
        self._log = home / "peers.log"
        self._fresh_database = fresh_database
        self._database = ""

    def rate(self, claims: Path, count: int, latency_ms: float) -> dict[str, Any]:
        """Return the best rate (documents a second at the sink) over the numbers in flight."""
        best: dict[str, Any] = {"rate": 0.0, "in_flight": 1}
        for window in self._peer.windows or (1,):
            self._begin(claims, window, latency_ms=latency_ms)
            self._finish("run", claims, window)
            stats = self._sink.stats()
            if stats["unique"] != count:
                raise RuntimeError(f"{self._peer.name} delivered {stats['unique']} of {count}")
            if arrival_rate(stats) > best["rate"]:
                best = {"rate": arrival_rate(stats), "in_flight": window}
        return best

    def lost_answers(self, claims: Path, count: int, lost: int) -> dict[str, int]:
        """Lose `lost` answers after the document was stored; returns duplicates and losses."""
        window = max(self._peer.windows, default=1)
        every = count // lost
        self._begin(claims, window, lost_answers=range(every // 2, count, every))
        self._finish("run", claims, window)
        stats = self._sink.stats()
        return {
            "lost_answers": stats["cut"],
            "duplicates": stats["duplicates"],
            "losses": count - stats["unique"],
        }

    def killed(self, claims: Path, count: int) -> dict[str, Any]:
        """Kill the peer in the middle and restart it; returns duplicates and losses.

        `restart` is what the peer itself told, such as jobs that stood still before its recipe.
        """
        window = max(self._peer.windows, default=1)
        # A latency, so that the kill really falls into the middle with requests in flight.
        self._begin(claims, window, latency_ms=5.0)
        child = self._start("run", claims, window)
        try:
            self._sink.wait_for(count // 2, child)
        finally:
            child.kill()
        before = self._sink.stats()
        told = self._finish("restart", claims, window)
        stats = self._sink.stats()
        return {
            "before_kill": before["posts"],
            "duplicates": stats["duplicates"],
            "losses": count - stats["unique"],
            "restart": told,
        }

    def _begin(
        self,
        claims: Path,
        window: int,
        *,
        latency_ms: float = 0.0,
        lost_answers: range = range(0),
    ) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True)
        if self._peer.database:
            self._database = self._fresh_database()
        self._sink.reset(latency_ms, list(lost_answers))
        self._finish("prepare", claims, window)

    def _finish(self, step: str, claims: Path, window: int) -> Mapping[str, Any]:
        child = self._start(step, claims, window)
        try:
            code = child.wait()
        finally:
            child.kill()
        if code != 0:
            raise RuntimeError(f"{self._peer.name}: {step} ended with {code}; see {self._log}")
        told: dict[str, Any] = json.loads((self._home / "answer").read_text())
        return told

    def _start(self, step: str, claims: Path, window: int) -> Child:
        command = [
            str(peers_python()), str(_FOLDER / self._peer.script), step,
            "--url", f"{self._sink.url}/vouchers", "--claims", str(claims),
            "--home", str(self._home), "--answer", str(self._home / "answer"), *self._peer.options,
        ]  # fmt: skip
        if self._peer.windows:
            command += ["--window", str(window)]
        if self._peer.database:
            command += ["--database-url", self._database]
        return Child(command, log=self._log)
