"""From the approval of one claim to its arrival at the accounting system, while a worker runs.

The arrival is stamped when the sink has the whole request, so the sink's own latency is not in it.
"""

import math
import time
from collections.abc import Sequence

from bench.plan import Bench
from bench.throughput import check_exactly_once


def measure(bench: Bench) -> None:
    """Fill `approval_to_ledger_ms`: p50, p99 and the largest of single approvals at a steady rate.

    An approval's clock starts when it was due, so a slow one counts against those behind it too.
    """
    engine, sizes = bench.engine, bench.sizes
    count, warm = sizes.approvals, 20
    first = bench.numbers(count + warm)
    bench.sink.reset()
    worker = engine.start_worker()
    try:
        # The first approvals wait for the worker to be there; they are not counted.
        for number in range(first, first + warm):
            engine.approve(number)
        bench.sink.wait_for(warm, worker)
        due = _approve(bench, first + warm, count)
        bench.sink.wait_for(count + warm, worker)
        engine.wait_until_finished()
    finally:
        worker.stop()
    check_exactly_once(bench, bench.sink.stats(), count + warm)
    arrivals = bench.sink.arrivals()
    taken = sorted((arrivals[reference] - at) / 1e6 for reference, at in due.items())
    bench.results["approval_to_ledger_ms"] = {
        "p50": round(percentile(taken, 50), 1),
        "p99": round(percentile(taken, 99), 1),
        "max": round(taken[-1], 1),
        "count": count,
        "per_second": sizes.approvals_per_second,
    }


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least so many percent of the values do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _approve(bench: Bench, first: int, count: int) -> dict[str, int]:
    pause = 1e9 / bench.sizes.approvals_per_second
    due: dict[str, int] = {}
    started = time.time_ns()
    for index in range(count):
        at = started + round(index * pause)
        time.sleep(max(0, at - time.time_ns()) / 1e9)
        due[bench.engine.reference(first + index)] = at
        bench.engine.approve(first + index)
    return due
