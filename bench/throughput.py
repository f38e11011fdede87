"""Claims a second through the whole engine against the bare loop, and where the CPU goes.

Pairs are interleaved (bare, engine, bare, engine ...), because a shared machine drifts.
"""

import statistics
from typing import Any

from bench.machine import postmaster
from bench.plan import WINDOW, Bench
from bench.processes import arrival_rate, cpu_seconds, run_bare


def measure(bench: Bench) -> None:
    """Fill `ratio_to_bare`, `claims_per_second`, `cpu_us_per_claim` and `pairs`, by latency in ms.

    Raises RuntimeError when a claim was posted twice, was lost, or is not exported afterwards.
    """
    mapping = bench.engine.mapping_us_per_claim(bench.numbers(2_000), 2_000)
    for name in ("ratio_to_bare", "claims_per_second", "cpu_us_per_claim", "pairs"):
        bench.results[name] = {}
    for latency, count in bench.sizes.latencies:
        pairs = [_pair(bench, latency, count) for _ in range(bench.sizes.pairs)]
        median = {key: statistics.median(pair[key] for pair in pairs) for key in pairs[0]}
        key = str(latency)
        bench.results["ratio_to_bare"][key] = round(median["ratio"], 3)
        bench.results["claims_per_second"][key] = {
            "engine": round(median["engine"]),
            "bare": round(median["bare"]),
        }
        bench.results["cpu_us_per_claim"][key] = {
            "client": round(median["worker_us"] - mapping, 1),
            "mapping": round(mapping, 1),
            "database": round(median["database_us"], 1),
            "sink": round(median["sink_us"], 1),
            "bare": round(median["bare_us"], 1),
        }
        bench.results["pairs"][key] = [
            {name: round(value, 3) for name, value in pair.items()} for pair in pairs
        ]


def _pair(bench: Bench, latency: int, count: int) -> dict[str, float]:
    first = bench.numbers(count)
    bodies = bench.bodies(first, count)
    bench.sink.reset(latency)
    bare = run_bare(bench.sink, bodies, WINDOW)
    engine = run_engine(bench, first, count, latency)
    return {
        "ratio": engine["rate"] / bare["rate"],
        "bare": bare["rate"],
        "engine": engine["rate"],
        "settled_after_ms": engine["settled_after_ms"],
        "worker_us": engine["worker_us"],
        "database_us": engine["database_us"],
        "sink_us": engine["sink_us"],
        "bare_us": bare["cpu_us_per_claim"],
    }


def run_engine(bench: Bench, first: int, count: int, latency: float) -> dict[str, float]:
    """Take in claims, start a worker and let it deliver them; returns rate and CPU per claim.

    Rate and CPU run from the first to the last arrival at the sink: the start of the process is
    not in them. `settled_after_ms` is how long after the last arrival every outcome was committed.
    """
    engine, sink = bench.engine, bench.sink
    sink.reset(latency)
    engine.take_in(first, count)
    # A checkpoint makes the next change of each page a full image: the worst case for the database.
    engine.checkpoint()
    database = postmaster(engine.owner_url)
    worker = engine.start_worker()
    try:
        sink.wait_for(1, worker)
        before = [cpu_seconds(pid) if pid else 0.0 for pid in (worker.pid, database, sink.pid)]
        sink.wait_for(count, worker)
        after = [cpu_seconds(pid) if pid else 0.0 for pid in (worker.pid, database, sink.pid)]
        settled = engine.wait_until_finished()
    finally:
        worker.stop()
    stats = sink.stats()
    check_exactly_once(bench, stats, count)
    used = [(late - early) * 1e6 / count for early, late in zip(before, after, strict=True)]
    return {
        "rate": arrival_rate(stats),
        "settled_after_ms": settled,
        "worker_us": used[0],
        "database_us": used[1],
        "sink_us": used[2],
    }


def check_exactly_once(bench: Bench, stats: dict[str, Any], count: int) -> None:
    """Raise RuntimeError unless the sink has each claim once and the engine calls all exported."""
    if stats["unique"] != count or stats["duplicates"]:
        raise RuntimeError(f"{count} claims were taken in, the sink has {stats}")
    states = bench.engine.states()
    if set(states) - {"exported"}:
        raise RuntimeError(f"not everything is exported: {states}")
