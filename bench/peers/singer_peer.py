"""singer-sdk with a RecordSink: a target that posts each record to the sink, one after the other.

Usage: singer_peer.py {prepare|run|restart} --url --claims --home --answer.
"""

# mypy: disable-error-code="import-not-found,import-untyped,no-any-return,misc,untyped-decorator"

import argparse
import contextlib
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import backoff
import requests
from singer_sdk import RecordSink, Target
from singer_sdk import typing as th

_STATE_EVERY = 100


class ClaimSink(RecordSink):
    """Posts a record with the SDK's own retry library: connection errors and 5xx, 5 tries.

    Without a retry the target stops at the first lost answer and a rerun posts everything again.
    """

    session: ClassVar[requests.Session] = requests.Session()

    @backoff.on_exception(backoff.constant, requests.RequestException, max_tries=5, interval=0.1)
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        """Post one claim; raises requests.RequestException when the tries are used up."""
        self.session.post(self.config["url"], json=record, timeout=30).raise_for_status()


class ClaimTarget(Target):
    """The target; record metadata and schema validation, both optional, are off for speed."""

    name = "target-sink"
    config_jsonschema = th.PropertiesList(th.Property("url", th.StringType)).to_dict()
    default_sink_class = ClaimSink


def messages(path: Path, start: int) -> Iterator[str]:
    """Yield what a tap would emit from the claim `start` on, with a STATE after each 100."""
    schema = {"type": "object", "properties": {}, "additionalProperties": True}
    yield json.dumps({"type": "SCHEMA", "stream": "claims", "schema": schema, "key_properties": []})
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if number <= start:
            continue
        yield json.dumps({"type": "RECORD", "stream": "claims", "record": json.loads(line)})
        if number % _STATE_EVERY == 0:
            yield json.dumps({"type": "STATE", "value": {"done": number}})


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Run tap and target from the last STATE that the target emitted, as an orchestrator does.

    The input is made before the target starts, so that only the target is measured.
    """
    states = options.home / "states.jsonl"
    emitted = states.read_text().splitlines() if states.exists() else []
    start = json.loads(emitted[-1])["done"] if emitted else 0
    source = io.StringIO("\n".join(messages(options.claims, start)) + "\n")
    config = {"url": options.url, "add_record_metadata": False, "validate_records": False}
    logging.disable(logging.WARNING)
    with states.open("a", buffering=1) as output, contextlib.redirect_stdout(output):
        ClaimTarget(config=config).listen(source)
    return {"started_at": start}


def main() -> None:
    """Prepare (nothing), run or restart (from the last STATE, if there is any)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("step", choices=["prepare", "run", "restart"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--claims", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--answer", type=Path, required=True)
    options = parser.parse_args()
    found = {} if options.step == "prepare" else run(options)
    options.answer.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
