"""Sizes of each measurement, the targets they are held against, and what they all share.

`quick` sizes show that everything runs; their figures mean little.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.engine import Engine
from bench.processes import SinkProcess


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured; latencies in ms with the number of claims sent at each."""

    latencies: tuple[tuple[int, int], ...] = ((0, 20_000), (20, 8_000), (100, 3_200))
    pairs: int = 5
    approvals: int = 300
    approvals_per_second: float = 20.0
    import_rows: int = 30_000
    ledger_claims: int = 2_000
    ledger_pairs: int = 3
    memory: tuple[int, int] = (10_000, 200_000)
    peers: int = 2_000
    lost_answers: int = 20
    exported_rows: int = 5_000_000
    claim_calls: int = 200
    portal_organizations: int = 1_000
    portal_records: int = 1_000_000
    portal_requests: int = 60
    history_exports: int = 10_000_000


QUICK = Sizes(
    latencies=((0, 2_000), (20, 1_000)),
    pairs=2,
    approvals=60,
    import_rows=2_000,
    ledger_claims=200,
    ledger_pairs=1,
    memory=(1_000, 5_000),
    peers=200,
    lost_answers=4,
    exported_rows=50_000,
    claim_calls=50,
    portal_organizations=20,
    portal_records=5_000,
    portal_requests=10,
    history_exports=20_000,
)

WINDOW = 32


@dataclass(slots=True)
class Bench:
    """What the measurements share: sizes, a folder, the sink, the engine; `next` is the next claim.

    Claim numbers are never used twice in one database: the guard would rightly refuse them.
    """

    sizes: Sizes
    home: Path
    sink: SinkProcess
    engine: Engine
    results: dict[str, Any] = field(default_factory=dict)
    next: int = 0

    def numbers(self, count: int) -> int:
        """Reserve `count` claim numbers and return the first."""
        first = self.next
        self.next += count
        return first

    def bodies(self, first: int, count: int) -> Path:
        """Write the bytes that the engine sends for these claims, one body a line."""
        path = self.home / "bodies.jsonl"
        path.write_bytes(b"\n".join(self.engine.bodies(first, count)) + b"\n")
        return path


@dataclass(frozen=True, slots=True)
class Target:
    """One figure that has to be reached: at least or at most `wanted`."""

    name: str
    path: tuple[str, ...]
    wanted: float
    at_least: bool

    def judge(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Return wanted, measured and met; None when this run did not measure it."""
        found: Any = results
        for key in self.path:
            if not isinstance(found, dict) or key not in found:
                return None
            found = found[key]
        met = found >= self.wanted if self.at_least else found <= self.wanted
        sign = ">=" if self.at_least else "<="
        return {
            "name": self.name,
            "wanted": f"{sign} {self.wanted:g}",
            "measured": found,
            "met": met,
        }


TARGETS = (
    Target("ratio to the bare loop at 0 ms", ("ratio_to_bare", "0"), 0.45, True),
    Target("ratio to the bare loop at 20 ms", ("ratio_to_bare", "20"), 0.95, True),
    Target("ratio to the bare loop at 100 ms", ("ratio_to_bare", "100"), 0.95, True),
    Target("approval to ledger, p50 ms", ("approval_to_ledger_ms", "p50"), 50, False),
    Target("approval to ledger, p99 ms", ("approval_to_ledger_ms", "p99"), 250, False),
    Target("worker memory, many to few claims", ("worker_rss_mib", "ratio"), 1.1, False),
    Target("slowest page of the portal, p95 ms", ("portal", "p95_of_slowest"), 100, False),
    Target("slowest page that watches, p95 ms", ("history", "p95_of_slowest"), 100, False),
    Target("the same beside ten times the history", ("history", "growth_of_most"), 2, False),
    Target("rows scanned more for that", ("history", "rows_scanned_more"), 0, False),
    Target("rows fetched more for that", ("history", "rows_fetched_more"), 100, False),
    Target("claiming beside exported rows, p95 ms", ("claim_ms", "p95"), 20, False),
    Target("times a procrastinate job per claim", ("peers", "times_procrastinate"), 10, True),
    Target("times the fastest peer", ("peers", "times_fastest"), 1, True),
    Target("duplicates in every fault run", ("peers", "own_duplicates"), 0, False),
    Target("losses in every fault run", ("peers", "own_losses"), 0, False),
)
