"""Command line of the benchmark: `python -m bench [--quick] [--peers] [--large] [--only NAME] ...`.

Prints tables and writes bench/results.json; ends with 1 when a measured target was missed.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from bench import contest, history, imports, large, latency, ledgers, memory, portal, throughput
from bench.engine import Engine, sink_route
from bench.machine import machine_facts, server_settings
from bench.plan import QUICK, TARGETS, Bench, Sizes
from bench.processes import ROOT, SinkProcess
from bench.report import print_results

RESULTS = ROOT / "bench" / "results.json"
HOME = ROOT / ".bilag" / "bench"

MEASUREMENTS: dict[str, Callable[[Bench], None]] = {
    "throughput": throughput.measure,
    "approval": latency.measure,
    "memory": memory.measure,
    "import": imports.measure,
    "ledgers": ledgers.measure,
    "portal": portal.measure,
    "peers": contest.measure,
    "large": large.measure,
    "history": history.measure,
}


def main() -> int:
    """Run the measurements asked for, one after the other; returns the exit code."""
    options = _arguments()
    # told to stop, it still ends its children
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # a log has no width of its own, and a folded table is hard to read
    console = Console(width=None if sys.stdout.isatty() else 140)
    # Never a database that somebody else uses: the benchmark fills and deletes its own.
    for name in ("BILAG_DATABASE_URL", "BILAG_DATABASE_OWNER_URL"):
        os.environ.pop(name, None)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    sizes = QUICK if options.quick else Sizes()
    if options.history:
        sizes = replace(sizes, history_exports=options.history)
    results: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "machine": machine_facts(HOME),
    }
    with _bench(sizes, results) as bench:
        results["settings"] = server_settings(bench.engine.owner_url)
        results["machine"]["sink_loop"] = bench.sink.stats()["loop"]
        for name in _chosen(options):
            console.print(f"measuring {name} ...", style="dim")
            MEASUREMENTS[name](bench)
            # after each, so that a later failure does not take the earlier figures with it
            results["targets"] = [found for one in TARGETS if (found := one.judge(results))]
            RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print_results(console, results)
    console.print(f"written to {RESULTS.relative_to(ROOT)}", style="dim")
    return 0 if options.quick or all(target["met"] for target in results["targets"]) else 1


@contextlib.contextmanager
def _bench(sizes: Sizes, results: dict[str, Any]) -> Iterator[Bench]:
    with SinkProcess() as sink, Engine(HOME, sink_route(sink.url)) as engine:
        yield Bench(sizes=sizes, home=HOME, sink=sink, engine=engine, results=results)


def _chosen(options: argparse.Namespace) -> list[str]:
    if options.only:
        return [options.only]
    extra = {"peers": options.peers, "large": options.large, "history": bool(options.history)}
    return [name for name in MEASUREMENTS if extra.get(name, True)]


def _arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--quick", action="store_true", help="small sizes: shows that it runs")
    options.add_argument("--peers", action="store_true", help="also dlt, singer-sdk, procrastinate")
    options.add_argument("--large", action="store_true", help="also beside 5,000,000 exported rows")
    options.add_argument("--history", type=int, metavar="N", help="also beside N exports")
    options.add_argument("--only", choices=sorted(MEASUREMENTS), help="one measurement alone")
    return options.parse_args()


if __name__ == "__main__":
    sys.exit(main())
