"""The way out: what is certain not to have been sent, what is not known, and where nobody may go.

Against raw sockets on 127.0.0.1, so that each byte the client wrote is seen.
"""

import asyncio
import gzip
import ipaddress
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from pathlib import Path

import pytest

from bilag.connectors.http import (
    ANSWER_BYTES_MAX,
    EVIDENCE_CHARACTERS_MAX,
    HttpAnswer,
    HttpClient,
    NoAnswer,
    NotSent,
    Permit,
    TargetRefused,
    TooLate,
    retry_after_seconds,
    why_refused,
)
from bilag.connectors.redact import Redactor
from bilag.core.clock import running_seconds
from tests.raw_servers import OK, Answer, drips, hangs_up, is_silent, says, self_signed, served

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def client(timeout_seconds: float = 2.0, **options: object) -> HttpClient:
    """A client that may reach this machine."""
    return HttpClient(allowed=LOOPBACK, timeout_seconds=timeout_seconds, **options)  # type: ignore[arg-type]


def permit(seconds: float = 10.0) -> Permit:
    """A permit for this many seconds."""
    return Permit(until=running_seconds() + seconds)


# --- certainly nothing was written


async def test_a_permit_that_ran_out_writes_nothing() -> None:
    late = permit(-0.001)
    async with served(says(OK)) as server, client() as http:
        with pytest.raises(TooLate):
            await http.request("POST", server.url, body=b"{}", permit=late)
    assert server.heads == []
    assert not late.spent


@pytest.mark.parametrize("body", [b"{}", None])
async def test_a_permit_is_checked_after_the_connection_is_there(body: bytes | None) -> None:
    late = permit()
    late.before_write = lambda: setattr(late, "until", running_seconds())
    async with served(says(OK)) as server, client() as http:
        with pytest.raises(TooLate):
            await http.request("POST", server.url, body=body, permit=late)
        assert server.connections == 1
        assert server.heads == []
        # The client is still good for the next request.
        assert (await http.request("POST", server.url, body=b"{}", permit=permit())).status == 200


async def test_a_refused_connection_is_not_sent() -> None:
    asked = permit()
    async with client() as http:
        with pytest.raises(NotSent) as caught:
            await http.request("POST", "http://127.0.0.1:9/", body=b"{}", permit=asked)
    assert caught.value.kind == "refused"
    assert not asked.spent


async def test_a_name_that_does_not_exist_is_not_sent() -> None:
    async with client() as http:
        with pytest.raises(NotSent) as caught:
            await http.request("POST", "https://accounting.invalid/", body=b"{}", permit=permit())
    assert caught.value.kind == "dns"


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("not a url", {}),
        ("ftp://127.0.0.1/", {}),
        ("http://127.0.0.1:9/", {"X-A": "b\r\nEvil: 1"}),
    ],
)
async def test_an_impossible_request_is_not_sent(url: str, headers: dict[str, str]) -> None:
    async with client() as http:
        with pytest.raises(NotSent):
            await http.request("POST", url, body=b"{}", headers=headers, permit=permit())


async def test_a_connection_that_hangs_in_the_handshake_is_not_sent() -> None:
    async with served(says(OK)) as server, client(0.3) as http:
        # A plain server waits for the end of a head that a TLS client never sends.
        with pytest.raises(NotSent) as caught:
            await http.request(
                "POST", server.url.replace("http:", "https:"), body=b"{}", permit=permit()
            )
    assert caught.value.kind == "timeout"
    assert server.heads == []


async def test_an_unknown_certificate_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    async with served(says(OK), self_signed(tmp_path)) as server, client() as http:
        with pytest.raises(NotSent) as caught:
            await http.request("POST", server.url, body=b"{}", permit=permit())
    assert caught.value.kind == "tls"
    assert server.heads == []


# --- not known


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (hangs_up, "disconnected"),
        (is_silent, "timeout"),
        (drips(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"), "timeout"),
        (drips(b"HTTP/1.1 200 OK\r\nX-Long: "), "timeout"),
        (says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "not_http"),
    ],
)
async def test_what_was_written_and_not_answered_is_not_known(answer: Answer, kind: str) -> None:
    asked = permit()
    started = time.monotonic()
    async with served(answer) as server, client(0.5) as http:
        with pytest.raises(NoAnswer) as caught:
            await http.request("POST", server.url, body=b"{}", permit=asked)
    assert caught.value.kind == kind
    assert asked.spent
    assert len(server.heads) == 1
    assert time.monotonic() - started < 1.5


async def test_an_answer_cut_in_half_is_not_known() -> None:
    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()

    async with served(half) as server, client() as http:
        with pytest.raises(NoAnswer):
            await http.request("POST", server.url, body=b"{}", permit=permit())


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_permit_allows_one_write_even_on_a_dead_connection(method: str) -> None:
    """aiohttp repeats PUT by itself when a kept connection dies; that would post twice."""
    answers = iter([says(OK), hangs_up, says(OK)])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(answers)(reader, writer)

    async with served(answer) as server, client() as http:
        await http.request(method, server.url, body=b"{}", permit=permit())
        with pytest.raises(NoAnswer):
            await http.request(method, server.url, body=b"{}", permit=permit())
    assert len(server.heads) == 2


async def test_a_permit_that_was_used_allows_no_second_request() -> None:
    once = permit()
    async with served(says(OK)) as server, client() as http:
        await http.request("POST", server.url, body=b"{}", permit=once)
        with pytest.raises(NoAnswer):
            await http.request("POST", server.url, body=b"{}", permit=once)
    assert len(server.heads) == 1


async def test_a_reusable_permit_still_tells_the_requests_apart() -> None:
    several = Permit(until=running_seconds() + 10, reusable=True)
    async with served(says(OK)) as server, client() as http:
        await http.request("POST", server.url, body=b"{}", permit=several)
        with pytest.raises(NotSent):
            await http.request("POST", "http://127.0.0.1:9/", body=b"{}", permit=several)
    assert len(server.heads) == 1


async def test_a_permit_that_runs_out_after_a_write_does_not_undo_it() -> None:
    several = Permit(until=running_seconds() + 10, reusable=True)
    writes = count(1)

    def runs_out() -> None:
        if next(writes) == 3:
            several.until = running_seconds()

    several.before_write = runs_out
    answers = iter([says(OK), hangs_up])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(answers)(reader, writer)

    async with served(answer) as server, client() as http:
        await http.request("PUT", server.url, body=b"{}", permit=several)
        with pytest.raises(NoAnswer):
            await http.request("PUT", server.url, body=b"{}", permit=several)
    assert len(server.heads) == 2


async def test_a_read_is_repeated_on_a_dead_connection() -> None:
    answers = iter([says(OK), hangs_up, says(OK)])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(answers)(reader, writer)

    async with served(answer) as server, client() as http:
        for _ in range(2):
            assert (await http.request("GET", server.url)).body == b"ok"
    assert len(server.heads) == 3


# --- size


def chunked(content: bytes) -> bytes:
    """The same content without a length in the head."""
    return (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + f"{len(content):x}\r\n".encode()
        + content
        + b"\r\n0\r\n\r\n"
    )


def compressed(content: bytes) -> bytes:
    """The same content, much smaller on the wire."""
    small = gzip.compress(content)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(small)}\r\n\r\n"
    return head.encode() + small


def plain(content: bytes) -> bytes:
    """The content with its length."""
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


@pytest.mark.parametrize("form", [plain, chunked, compressed])
async def test_an_answer_is_read_up_to_the_limit_and_no_further(
    form: Callable[[bytes], bytes],
) -> None:
    right, huge = b" " * ANSWER_BYTES_MAX, b" " * (ANSWER_BYTES_MAX + 1)
    async with client() as http:
        async with served(says(form(right))) as server:
            assert (await http.request("GET", server.url)).body == right
        async with served(says(form(huge))) as server:
            with pytest.raises(NoAnswer) as caught:
                await http.request("GET", server.url)
    assert caught.value.kind == "too_large"


def test_an_excerpt_is_short_and_without_secrets() -> None:
    secret = "s3cr3t-of-the-house"
    body = f"\x00{secret} ".encode() * 5000
    excerpt = HttpAnswer(200, {}, body, 1).excerpt(Redactor([secret]))
    assert len(excerpt) == EVIDENCE_CHARACTERS_MAX
    assert secret not in excerpt
    assert "\x00" not in excerpt


# --- where nobody may go


async def test_redirects_are_not_followed() -> None:
    async with served(says(OK)) as target:
        redirect = f"HTTP/1.1 307 Moved\r\nLocation: {target.url}\r\nContent-Length: 0\r\n\r\n"
        async with served(says(redirect.encode())) as server, client() as http:
            answer = await http.request("POST", server.url, body=b"{}", permit=permit())
        assert answer.status == 307
        assert target.heads == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",  # noqa: S104
        "10.1.2.3",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "224.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
        "[fe80::1]",
        "[fc00::1]",
        "[fec0::1]",
        "[ff02::1]",
    ],
)
async def test_a_private_address_is_never_connected_to(host: str) -> None:
    async with served(says(OK)) as server, HttpClient(timeout_seconds=2) as http:
        port = server.url.split(":")[2]
        for scheme in ("http", "https"):
            with pytest.raises(NotSent) as caught:
                await http.request("POST", f"{scheme}://{host}:{port}", body=b"{}")
            # A host may lack IPv6 or refuse odd spellings; then the name leads nowhere at all.
            assert isinstance(caught.value, TargetRefused) or caught.value.kind in (
                "dns",
                "network",
            )
        assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254"])
async def test_a_refused_address_says_that_the_operator_may_allow_it(host: str) -> None:
    async with HttpClient(timeout_seconds=2) as http:
        with pytest.raises(TargetRefused, match="operator") as caught:
            await http.request("GET", f"https://{host}/")
    assert caught.value.kind == "private_address"


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_public_address_is_reached_over_tls_only(address: str) -> None:
    target = ipaddress.ip_address(address)
    assert why_refused(target, (), encrypted=True) == ""
    assert "https" in why_refused(target, (), encrypted=False)
    assert why_refused(target, (ipaddress.ip_network(address),), encrypted=False) == ""


def test_an_ipv6_only_network_reaches_public_ipv4_through_nat64() -> None:
    public = ipaddress.ip_address("64:ff9b::5db8:d70e")
    assert why_refused(public, (), encrypted=True) == ""


def test_an_allowed_network_covers_mapped_addresses_too() -> None:
    mapped = ipaddress.ip_address("::ffff:127.0.0.1")
    assert why_refused(mapped, LOOPBACK, encrypted=False) == ""
    assert why_refused(ipaddress.ip_address("10.0.0.1"), LOOPBACK, encrypted=False)


# --- how long to wait


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("", None), ("soon", None), ("-3", None), ("1.5", None)],
)
def test_retry_after_in_seconds(header: str, seconds: float | None) -> None:
    assert retry_after_seconds({"retry-after": header} if header else {}) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(90, 90), (-90, 0)])
def test_retry_after_as_a_date(ahead: int, seconds: int) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=ahead)
    header = format_datetime(moment, usegmt=True)
    assert retry_after_seconds({"retry-after": header}) == pytest.approx(seconds, abs=2)
