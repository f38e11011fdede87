"""Rows a second through `bilag import`: a CSV file of approved claims, one line a cost.

The time is that of the whole command, start of the process included, as a person waits for it.
"""

import csv
import json
import time
from pathlib import Path
from typing import Any

from bench.claims import claims
from bench.plan import Bench

LINES_PER_CLAIM = 3

# Our field -> the column's name; the values are those of a claim and its line, by path.
_CLAIM = (
    "sourceId",
    "category",
    "currency",
    "claimant.id",
    "claimant.name",
    "approvedBy",
    "approvedAt",
    "text",
    "costCentre",
    "project",
)
_LINE = ("line.date", "line.type", "line.amount", "line.text")


def measure(bench: Bench) -> None:
    """Fill `import_rows_per_second`; raises RuntimeError unless every claim was taken in."""
    count = bench.sizes.import_rows // LINES_PER_CLAIM
    path, profile = bench.home / "claims.csv", bench.home / "profile.yaml"
    rows = write_csv(path, bench.numbers(count), count)
    profile.write_text(json.dumps(_PROFILE))
    before = sum(bench.engine.states().values())
    started = time.perf_counter()
    bench.engine.import_file(path, profile)
    seconds = time.perf_counter() - started
    taken = sum(bench.engine.states().values()) - before
    if taken != count:
        raise RuntimeError(f"{count} claims were in the file, {taken} were taken in")
    bench.results["import_rows_per_second"] = round(rows / seconds)
    # delivered now, so that the next measurement finds an empty work list
    bench.sink.reset()
    worker = bench.engine.start_worker()
    try:
        bench.engine.wait_until_finished()
    finally:
        worker.stop()


def write_csv(path: Path, first: int, count: int) -> int:
    """Write claims as CSV, one row for each line of each claim; returns the number of rows."""
    rows = 0
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((*_CLAIM, *_LINE))
        for content in claims(first, count):
            own = [_value(content, name) for name in _CLAIM]
            for line in content["lines"]:
                writer.writerow([*own, *(_value({"line": line}, name) for name in _LINE)])
                rows += 1
    return rows


def _value(content: Any, name: str) -> Any:
    for key in name.split("."):
        content = content[key]
    return content


_PROFILE = {
    "name": "Benchmark",
    "sourceSystem": "bench",
    "timeZone": "UTC",
    "groupBy": ["sourceId"],
    "fields": {name: {"column": name} for name in (*_CLAIM, *_LINE)},
}
