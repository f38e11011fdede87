"""Rows a second through `bilag import`: a CSV file of approved claims, one line a cost.

The time is that of the whole command, start of the process included, as a person waits for it.
"""

import csv
import time
from pathlib import Path

from bench.claims import claims
from bench.plan import Bench

LINES_PER_CLAIM = 3


def measure(bench: Bench) -> None:
    """Fill `import_rows_per_second`; raises RuntimeError unless every claim was taken in."""
    count = bench.sizes.import_rows // LINES_PER_CLAIM
    path = bench.home / "claims.csv"
    rows = write_csv(path, bench.numbers(count), count)
    before = sum(bench.engine.states().values())
    started = time.perf_counter()
    bench.engine.import_file(path)
    seconds = time.perf_counter() - started
    taken = sum(bench.engine.states().values()) - before
    if taken != count:
        raise RuntimeError(f"{count} claims were in the file, {taken} were taken in")
    bench.results["import_rows_per_second"] = round(rows / seconds)


def write_csv(path: Path, first: int, count: int) -> int:
    """Write claims as CSV, one row for each line of each claim; returns the number of rows."""
    rows = 0
    with path.open("w", newline="") as file:
        writer: csv.DictWriter[str] | None = None
        for claim in claims(first, count):
            for line in claim["lines"]:
                row = {
                    "sourceSystem": claim["sourceSystem"],
                    "sourceId": claim["sourceId"],
                    "category": claim["category"],
                    "currency": claim["currency"],
                    "claimantId": claim["claimant"]["id"],
                    "claimantName": claim["claimant"]["name"],
                    "approvedBy": claim["approvedBy"],
                    "approvedAt": claim["approvedAt"],
                    "text": claim["text"],
                    "lineDate": line["date"],
                    "lineType": line["type"],
                    "lineAmount": line["amount"],
                    "lineText": line["text"],
                }
                if writer is None:
                    writer = csv.DictWriter(file, row)
                    writer.writeheader()
                writer.writerow(row)
                rows += 1
    return rows
