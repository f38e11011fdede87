"""The REST connection test against servers that misbehave below HTTP.

Whatever they do, the check ends in time and tells a person what to do.
"""

import asyncio
import ipaddress
import ssl
import time
from pathlib import Path

import pytest

from bilag.connectors.http import HttpClient
from bilag.connectors.interface import Session
from bilag.connectors.rest import RestConnector, RestSettings
from bilag.core.outcome import ConnectionReport
from tests.raw_servers import OK, Answer, hangs_up, is_silent, says, self_signed, served

EMPTY = b"Content-Length: 0\r\n\r\n"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


async def checked(url: str) -> ConnectionReport:
    """Check a system at this address."""
    settings = RestSettings.model_validate({"baseUrl": url, "company": {"path": "/company"}})
    async with HttpClient(allowed=LOOPBACK, timeout_seconds=60) as http:
        return await RestConnector().check(Session(http, settings, {}))


async def test_a_certificate_nobody_vouches_for(tmp_path: Path) -> None:
    async with served(says(OK), self_signed(tmp_path)) as server:
        report = await checked(server.url)
    assert not report.ok
    assert "certificate" in report.message
    assert server.heads == []


async def test_a_certificate_the_operator_trusts(tmp_path: Path) -> None:
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id":"7"}'
    async with served(says(answer), self_signed(tmp_path)) as server:
        trusted = ssl.create_default_context(cafile=tmp_path / "server.pem")
        settings = RestSettings.model_validate(
            {"baseUrl": server.url, "company": {"path": "/company"}}
        )
        async with HttpClient(allowed=LOOPBACK, tls=trusted) as http:
            report = await RestConnector().check(Session(http, settings, {}))
    assert report.ok
    assert report.company_id == "7"


async def test_a_server_that_accepts_and_never_speaks() -> None:
    started = time.monotonic()
    async with served(is_silent) as server:
        report = await checked(server.url)
    assert not report.ok
    assert "no complete answer" in report.message
    assert time.monotonic() - started < 10


async def test_slow_steps_end_together_within_ten_seconds() -> None:
    """Each request stays under its own limit; only the limit of the whole check ends this."""

    async def slowly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3.2)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"id":"7","items":[]}')

    look_up = {"path": "/v?r={reference}", "hits": "/items", "reference": "/reference"}
    started = time.monotonic()
    async with served(slowly) as server:
        settings = RestSettings.model_validate(
            {"baseUrl": server.url, "company": {"path": "/company"}, "lookUp": look_up}
        )
        async with HttpClient(allowed=LOOPBACK, timeout_seconds=60) as http:
            session = Session(http, settings, {})
            report = await RestConnector().check(session, ("BAAAAAAAAAAAAAAAAAAA",))
    assert not report.ok
    assert "no complete answer" in report.message
    assert report.company_id == "7"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (hangs_up, "cut the connection"),
        (says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "not as an API does"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<html>hi>"), "not JSON"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), "no company id"),
        (says(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), "lacks rights"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}"), "too large"),
        (
            says(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/a?t=x\r\n" + EMPTY),
            "redirects to 10.0.0.1.",
        ),
    ],
)
async def test_each_fault_has_its_own_words(answer: Answer, said: str) -> None:
    async with served(answer) as server:
        report = await checked(server.url)
    assert not report.ok
    assert said in report.message


async def test_a_private_address_needs_the_operator() -> None:
    async with served(says(OK)) as server:
        settings = RestSettings.model_validate({"baseUrl": server.url})
        async with HttpClient(timeout_seconds=5) as http:
            report = await RestConnector().check(Session(http, settings, {}))
    assert not report.ok
    assert "operator" in report.message
    assert server.connections == 0
