"""The engine and its peers on the same sink with the same claims: rate, and what faults leave.

Three rounds at 0 ms, interleaved, so that all meet the same machine; one round at 20 ms.
"""

import statistics
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bench.peers.run import PEERS, PeerRuns
from bench.plan import WINDOW, Bench
from bench.processes import run_bare
from bench.throughput import run_engine

_ROUNDS = 3
_OWN = "bilag"
_BARE = "bare aiohttp loop"


def measure(bench: Bench) -> None:
    """Fill `peers`: for each its rate at 0 and 20 ms, duplicates and losses in both fault runs.

    `times_procrastinate` and `times_fastest` are our rate at 0 ms divided by theirs.
    """
    count = bench.sizes.peers
    claims = bench.bodies(bench.numbers(count), count).rename(bench.home / "peer-claims.jsonl")
    runs = {
        peer.name: PeerRuns(peer, bench.sink, bench.home, lambda: _fresh_database(bench))
        for peer in PEERS
    }
    table: dict[str, dict[str, Any]] = {name: {} for name in (_BARE, _OWN, *runs)}
    _rates(bench, runs, claims, table, latency=0, rounds=_ROUNDS)
    _rates(bench, runs, claims, table, latency=20, rounds=1)
    table[_OWN] |= {
        "lost_answers": _own_lost_answers(bench, count),
        "killed": _own_killed(bench, count),
    }
    for name, run in runs.items():
        table[name] |= {
            "lost_answers": run.lost_answers(claims, count, bench.sizes.lost_answers),
            "killed": run.killed(claims, count),
        }
    bench.results["peers"] = _summary(table, runs)


def _summary(table: dict[str, dict[str, Any]], runs: dict[str, PeerRuns]) -> dict[str, Any]:
    own = table[_OWN]
    rates = {name: table[name]["rate_0_ms"] for name in runs}
    job = max(rate for name, rate in rates.items() if name.startswith("procrastinate"))
    return {
        "table": table,
        "times_procrastinate": round(own["rate_0_ms"] / job, 1),
        "times_fastest": round(own["rate_0_ms"] / max(rates.values()), 1),
        "own_duplicates": own["lost_answers"]["duplicates"] + own["killed"]["duplicates"],
        "own_losses": own["lost_answers"]["losses"] + own["killed"]["losses"],
    }


def _rates(
    bench: Bench,
    runs: dict[str, PeerRuns],
    claims: Path,
    table: dict[str, dict[str, Any]],
    *,
    latency: int,
    rounds: int,
) -> None:
    sizes = dict(bench.sizes.latencies)
    found: dict[str, list[float]] = {name: [] for name in table}
    for _ in range(rounds):
        count = sizes[latency]
        first = bench.numbers(count)
        bodies = bench.bodies(first, count)
        bench.sink.reset(latency)
        found[_BARE].append(run_bare(bench.sink, bodies, WINDOW)["rate"])
        found[_OWN].append(run_engine(bench, first, count, latency)["rate"])
        for name, run in runs.items():
            best = run.rate(claims, bench.sizes.peers, latency)
            found[name].append(best["rate"])
            table[name][f"in_flight_{latency}_ms"] = best["in_flight"]
    for name, rates in found.items():
        table[name][f"rate_{latency}_ms"] = round(statistics.median(rates), 1)


def _own_lost_answers(bench: Bench, count: int) -> dict[str, int]:
    every = count // bench.sizes.lost_answers
    bench.sink.reset(0, list(range(every // 2, count, every)))
    bench.engine.take_in(bench.numbers(count), count)
    worker = bench.engine.start_worker()
    try:
        bench.engine.wait_until_finished()
    finally:
        worker.stop()
    stats = bench.sink.stats()
    return {
        "lost_answers": stats["cut"],
        "duplicates": stats["duplicates"],
        "losses": count - stats["unique"],
    }


def _own_killed(bench: Bench, count: int) -> dict[str, Any]:
    bench.sink.reset(5)
    bench.engine.take_in(bench.numbers(count), count)
    worker = bench.engine.start_worker()
    try:
        bench.sink.wait_for(count // 2, worker)
    finally:
        worker.kill()
    before = bench.sink.stats()
    restart = {"states_after_kill": bench.engine.states()}
    worker = bench.engine.start_worker()
    try:
        bench.engine.wait_until_finished()
    finally:
        worker.stop()
    stats = bench.sink.stats()
    return {
        "before_kill": before["posts"],
        "duplicates": stats["duplicates"],
        "losses": count - stats["unique"],
        "restart": restart,
    }


def _fresh_database(bench: Bench) -> str:
    name = sql.Identifier("bench_peers")
    with psycopg.connect(bench.engine.admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    return make_conninfo(bench.engine.admin_url, dbname="bench_peers")


def _restart(told: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in told.items())


def as_text(table: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Return the rows of the printed table: name, rates, duplicates and losses."""
    rows = []
    for name, found in table.items():
        faults = [found.get("lost_answers"), found.get("killed")]
        rows.append(
            [
                name,
                *(f"{found[f'rate_{latency}_ms']:,.0f}" for latency in (0, 20)),
                *("-" if fault is None else str(fault["duplicates"]) for fault in faults),
                *("-" if fault is None else str(fault["losses"]) for fault in faults),
                _restart(found.get("killed", {}).get("restart", {})),
            ]
        )
    return rows
