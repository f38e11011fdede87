"""dlt with a custom destination: posts each claim of a load package to the sink.

Usage: dlt_peer.py {prepare|run|restart} --url --claims --home --answer [--window] [--batch].
"""

# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,no-any-return"

import argparse
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Set before the import: nothing may be reported to anybody from a benchmark.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"

import dlt
import requests
from dlt.common import json as dlt_json
from dlt.pipeline.exceptions import PipelineStepFailed

# Failure policy: a load that fails so often is given up, and the run is reported as failed.
_LOADS_MAX = 40
_HEADERS = {"Content-Type": "application/json"}
_thread = threading.local()


def _session() -> requests.Session:
    if not hasattr(_thread, "session"):
        _thread.session = requests.Session()
    session: requests.Session = _thread.session
    return session


def pipeline(options: argparse.Namespace) -> Any:
    """Return the pipeline: the same name and folder each time, so a restart finds what is pending.

    `window` load jobs run in threads, the documented way to load in parallel.
    """

    @dlt.destination(
        name="sink",
        batch_size=options.batch,
        loader_parallelism_strategy="parallel",
        max_parallel_load_jobs=options.window,
    )
    def sink(items: list[dict[str, Any]], table: Any) -> None:
        for item in items:
            # dlt's own JSON: it turned the dates into datetime objects on the way
            _session().post(
                options.url, data=dlt_json.dumpb(item), headers=_HEADERS, timeout=30
            ).raise_for_status()

    return dlt.pipeline(
        "bench", pipelines_dir=str(options.home / "dlt"), destination=sink, progress=None
    )


def claims(path: Path) -> Iterator[list[dict[str, Any]]]:
    """Yield the claims of the file in pages of 1,000, as dlt asks of a fast source."""
    lines = path.read_bytes().splitlines()
    for start in range(0, len(lines), 1000):
        yield [json.loads(line) for line in lines[start : start + 1000]]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Run the pipeline and load again what a failed load left pending, as its log says to do.

    Raises PipelineStepFailed when something is still pending after 40 loads.
    """
    # Files small enough that every thread has several: a file is loaded by one thread.
    lines = sum(1 for _ in options.claims.open("rb"))
    os.environ["DATA_WRITER__FILE_MAX_ITEMS"] = str(max(25, lines // (options.window * 4)))
    os.environ["DATA_WRITER__BUFFER_MAX_ITEMS"] = os.environ["DATA_WRITER__FILE_MAX_ITEMS"]
    os.environ["LOAD__WORKERS"] = str(options.window)
    work = pipeline(options)
    resource = dlt.resource(claims(options.claims), name="claims", max_table_nesting=0)
    loads = 0
    while True:
        loads += 1
        try:
            if loads == 1:
                work.run(resource)
            else:
                work.load(workers=options.window)
        except PipelineStepFailed:
            if loads >= _LOADS_MAX:
                raise
        if not work.has_pending_data:
            return {"loads": loads}


def main() -> None:
    """Prepare (nothing), run or restart (the same command: dlt finds its pending package)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("step", choices=["prepare", "run", "restart"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--claims", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--answer", type=Path, required=True)
    parser.add_argument("--window", type=int, default=32)
    parser.add_argument("--batch", type=int, default=1)
    options = parser.parse_args()
    found = {} if options.step == "prepare" else run(options)
    options.answer.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
