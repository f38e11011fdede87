"""Memory of the worker at few and at many claims: it must not grow with the work that waits.

Peak resident memory as the kernel keeps it (VmHWM), children included.
"""

from bench.plan import Bench
from bench.processes import memory_mib
from bench.throughput import check_exactly_once


def measure(bench: Bench) -> None:
    """Fill `worker_rss_mib` by number of claims, and `ratio`: the peak at many to that at few."""
    found: dict[str, float] = {}
    for count in bench.sizes.memory:
        first = bench.numbers(count)
        bench.sink.reset()
        bench.engine.take_in(first, count)
        worker = bench.engine.start_worker()
        try:
            bench.sink.wait_for(count, worker)
            bench.engine.wait_until_finished()
            found[str(count)] = memory_mib(worker.pid)["peak"]
        finally:
            worker.stop()
        check_exactly_once(bench, bench.sink.stats(), count)
    few, many = (found[str(count)] for count in bench.sizes.memory)
    bench.results["worker_rss_mib"] = {**found, "ratio": round(many / few, 3)}
