"""Spans of syncs, sends and requests as a collector gets them; without one nothing is loaded."""

import gzip
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.sandboxes import SandboxProcess
from tests.serving import served
from tests.simulation.world import World, claim

ON = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Collector:
    """Takes spans over HTTP and keeps them, decoded and as they came."""

    def __init__(self) -> None:
        self.url = ""
        self.raw: list[bytes] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        """Take one batch."""
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        packed = environ.get("HTTP_CONTENT_ENCODING") == "gzip"
        self.raw.append(gzip.decompress(body) if packed else body)
        start("200 OK", [("Content-Type", "application/x-protobuf"), ("Content-Length", "0")])
        return [b""]

    def spans(self) -> dict[str, list[dict[str, Any]]]:
        """Return the attributes of all spans by their names; `trace` says which belong together."""
        found = defaultdict(list)
        for raw in self.raw:
            for of_process in ExportTraceServiceRequest.FromString(raw).resource_spans:
                for one in (one for scope in of_process.scope_spans for one in scope.spans):
                    values = {a.key: a.value.string_value or a.value.int_value
                              for a in one.attributes}  # fmt: skip
                    found[one.name].append({**values, "trace": one.trace_id})
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    collecting = Collector()
    with served(collecting) as url:
        collecting.url = url
        yield collecting


def test_a_sync_and_its_sends_are_told_with_ids_and_outcomes_and_nothing_of_a_person(
    world: World, sandbox: SandboxProcess, collector: Collector
) -> None:
    sandbox.faults({"kind": "status", "status": 422, "at": [3]})
    world.accept([claim(number) for number in range(5)])

    world.start_worker("--once", **{ON: collector.url}).wait(60)

    spans = collector.spans()
    first = spans["sync"][0]
    ((run_id, outcome),) = world.query("SELECT id, outcome FROM syncs ORDER BY started_at LIMIT 1")
    assert (first["bilag.run_id"], first["bilag.outcome"]) == (str(run_id), outcome)
    assert first["bilag.organization_id"] == str(world.organization)
    sends = [one for one in spans["send"] if one["bilag.run_id"] == str(run_id)]
    assert {one["trace"] for one in sends} == {first["trace"]}
    assert sum(one.get("bilag.accepted", 0) for one in sends) == world.states()["exported"]
    told = b"".join(collector.raw)
    for personal in (b"Volunteer", b"V017", b"C00000", b"Visit to", b"149.50", b"7140"):
        assert personal not in told


def test_a_request_is_told_by_the_name_of_its_address(world: World, collector: Collector) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "bilag.app.cli", "serve", "--port", str(port)],
        env={**os.environ, **world.environment(), ON: collector.url}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert _get(port, "/healthz", 30).status == 200
        answer = _get(port, "/api/v1/accounting-exports?source=C000001", 5)
        assert answer.status == 401
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(40)
    (one,) = collector.spans()["request"]
    assert one["bilag.request_id"] == answer.headers["X-Request-Id"]
    assert (one["http.request.method"], one["http.response.status_code"]) == ("GET", 401)
    assert "C000001" not in str(one)


def test_a_collector_that_is_away_holds_nothing_up(world: World) -> None:
    world.accept([claim(1)])
    world.start_worker("--once", **{ON: "http://127.0.0.1:9"}).wait(60)
    assert world.states() == {"exported": 1}


def test_without_a_collector_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys; import bilag.app.cli_run; from bilag.app.tracing import tracing\n"
        "with tracing('worker'): pass\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    environment = {name: value for name, value in os.environ.items() if "OTEL_" not in name}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_where_it_is_not_installed_it_says_what_to_do() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from bilag.app.tracing import tracing, TracingUnavailable\n"
        "try: tracing('worker')\nexcept TracingUnavailable as error: print(error)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, ON: "http://127.0.0.1:9"}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert "pip install 'bilag[otel]'" in ran.stdout


def _get(port: int, path: str, seconds: float) -> http.client.HTTPResponse:
    until = time.monotonic() + seconds
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.2)
        else:
            return answer
        finally:
            connection.close()
