"""The real server process: granian, threads, bodies over a socket, and how it ends."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.clusters import Database
from tests.database.api_stage import RECORDS, Stage, api_stage, record
from tests.ports import free_port

# Failure policy: a server that does not answer or end within this time fails the test.
PATIENCE_SECONDS = 30.0
SERVE = "import sys; from bilag.app.serve import serve; serve(None, '127.0.0.1', int(sys.argv[1]))"


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


class Server:
    """A serving process on a free port."""

    def __init__(self, home: Path, url: str, port: int = 0) -> None:
        self.port = port or free_port()
        environment = {**os.environ, "BILAG_HOME": str(home), "BILAG_DATABASE_URL": url}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(self.port)], env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)

    def wait(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            assert self.process.poll() is None, self.process.stdout.read()  # type: ignore[union-attr]
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.05)
            else:
                return

    def end(self) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, output


@pytest.fixture
def server(stage: Stage, tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path, stage.database.application_url)
    try:
        running.wait()
        yield running
    finally:
        running.end()


def _headers(stage: Stage, **more: str) -> dict[str, str]:
    found = {"Authorization": f"Bearer {stage.alice.token}", "Content-Type": "application/json"}
    return found | {name.replace("_", "-"): value for name, value in more.items()}


def test_records_over_a_socket_and_a_clean_end(stage: Stage, server: Server) -> None:
    connection = server.connect()
    for number in range(20):
        body = json.dumps(record(f"C{number}"))
        connection.request("POST", RECORDS, body, _headers(stage))
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()
        answer.read()
    lines = b"\n".join(json.dumps(record(f"L{n}")).encode() for n in range(5000))
    connection.request("POST", RECORDS, lines, _headers(stage, Content_Type="application/x-ndjson"))
    answer = connection.getresponse()
    assert json.loads(answer.read())["counts"] == {"total": 5000, "accepted": 5000}
    connection.close()

    status, output = server.end()

    assert status == 0, output
    assert "Traceback" not in output
    assert stage.alice.token not in output
    with pytest.raises(ConnectionRefusedError):
        server.connect().request("GET", "/api/v1/status")


def test_the_examples_of_the_page_work(stage: Stage, server: Server, tmp_path: Path) -> None:
    stage.look_up()
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    script = "set -eu\n" + "\n".join(
        re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    )
    url = f"http://127.0.0.1:{server.port}/api/v1"

    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "URL": url, "TOKEN": stage.alice.token},
    )  # fmt: skip

    assert script.count("curl ") == 51
    assert done.returncode == 0, done.stdout + done.stderr
    states = stage.query("SELECT source_id, state FROM exports ORDER BY 1")
    assert states == [("C000017", "pending"), ("C000018", "cancelled")]


def test_a_request_under_way_is_answered_before_the_end(stage: Stage, server: Server) -> None:
    with psycopg.connect(stage.database.owner_url) as owner:
        owner.execute("LOCK TABLE records IN SHARE MODE")
        connection = server.connect()
        connection.request("POST", RECORDS, json.dumps(record()), _headers(stage))
        until = time.monotonic() + PATIENCE_SECONDS
        while not owner.execute("SELECT true FROM pg_locks WHERE NOT granted").fetchone():
            assert time.monotonic() < until
            time.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert server.process.poll() is None
        owner.rollback()

    answer = connection.getresponse()

    assert answer.status == 201
    connection.close()
    assert server.end()[0] == 0
    assert stage.query("SELECT count(*) FROM records") == [(1,)]


def test_a_body_in_chunks_without_a_length_is_refused_clearly(stage: Stage, server: Server) -> None:
    connection = server.connect()
    body = iter([json.dumps(record()).encode()])
    connection.request("POST", RECORDS, body, _headers(stage), encode_chunked=True)

    answer = connection.getresponse()

    assert answer.status == 411
    assert json.loads(answer.read())["code"] == "length_missing"
    connection.close()


def test_a_body_that_ends_early_is_not_taken(stage: Stage, server: Server) -> None:
    line = json.dumps(record()).encode() + b"\n"
    headers = _headers(
        stage, Content_Type="application/x-ndjson", Content_Length=str(len(line) * 2)
    )
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as client:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        client.sendall(f"POST {RECORDS} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + line)
        client.shutdown(socket.SHUT_WR)
        client.recv(65536)

    assert stage.query("SELECT count(*) FROM records") == [(0,)]


SIGN = (
    "import sys; from bilag.app.serve import _application; _application(None);"
    " from django.core import signing; print(getattr(signing, sys.argv[1])(sys.argv[2]))"
)


def test_what_one_web_process_signs_every_other_believes(stage: Stage, tmp_path: Path) -> None:
    """Django's key comes from the master key: also the former one, and no other."""
    first, second, other = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3))

    def run(keys: str, verb: str, text: str) -> str:
        environment = {**os.environ, "BILAG_HOME": str(tmp_path), "BILAG_MASTER_KEY": keys}
        done = subprocess.run(
            [sys.executable, "-c", SIGN, verb, text], env=environment, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    signed = run(first, "dumps", "volunteer-017")
    assert run(f"{second} {first}", "loads", signed) == "volunteer-017"
    assert run(other, "loads", signed) == ""


def test_a_port_in_use_is_refused(stage: Stage, server: Server, tmp_path: Path) -> None:
    second = Server(tmp_path, stage.database.application_url, server.port)

    output, _ = second.process.communicate(timeout=PATIENCE_SECONDS)

    assert second.process.returncode != 0
    assert "Address already in use" in output


def test_a_role_that_row_security_does_not_bind_is_refused(stage: Stage, tmp_path: Path) -> None:
    server = Server(tmp_path, stage.database.owner_url)

    output, _ = server.process.communicate(timeout=PATIENCE_SECONDS)

    assert server.process.returncode != 0
    assert "owns tables" in output


def test_without_the_master_key_it_says_so_instead_of_starting_again_and_again(
    stage: Stage, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.end()
    monkeypatch.setenv("BILAG_MASTER_KEY", base64.b64encode(bytes(32)).decode())
    other = Server(tmp_path, stage.database.application_url)

    output, _ = other.process.communicate(timeout=PATIENCE_SECONDS)

    assert other.process.returncode != 0
    assert "Give that key as well" in output
    assert "granian-worker" not in output


def test_issuers_that_cannot_be_used_are_told_before_anything_is_served(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = tmp_path / "issuers.yaml"
    faulty.write_text("issuers:\n  - issuer: https://issuer.example\n    audience: app\n")
    monkeypatch.setenv("BILAG_JWT_FILE", str(faulty))
    server = Server(tmp_path, stage.database.application_url)

    output, _ = server.process.communicate(timeout=PATIENCE_SECONDS)

    assert server.process.returncode != 0
    assert "BILAG_JWT_FILE issuers[1]" in output
    assert "jwksUrl" in output
