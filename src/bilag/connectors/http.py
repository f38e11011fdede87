"""The one way out: an HTTP client that refuses private targets, redirects and late writes.

It tells "certainly nothing was written" (NotSent) from "no usable answer" (NoAnswer): money hangs
on the difference, so whatever is not proven to be NotSent is NoAnswer.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Self

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from yarl import URL

from bilag.connectors.names import Resolver
from bilag.connectors.redact import Redactor
from bilag.core.clock import running_seconds, utc_now

# Failure policy: an answer larger than this is cut off and counts as unreadable, never as success.
ANSWER_BYTES_MAX = 4 * 1024 * 1024
EVIDENCE_CHARACTERS_MAX = 4000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ExchangeError(Exception):
    """`args[0]` says why in words; `kind` is one word that a connector can explain to a person.

    Kinds: dns, refused, tls, not_tls, private_address, timeout, late, too_large, disconnected,
    not_http, network.
    """

    def __init__(self, reason: str, kind: str = "network") -> None:
        super().__init__(reason)
        self.kind = kind


class NotSent(ExchangeError):
    """Nothing was written to the target, so nothing can have been posted."""


class TooLate(NotSent):
    """The permit had run out before the request was written to the socket."""


class TargetRefused(NotSent):
    """The address is private, loopback or link-local and not allowed for this organization."""


class NoAnswer(ExchangeError):
    """The request may have been acted on, but no usable answer came back."""


@dataclass(slots=True)
class Permit:
    """Leave to write one posting request until `until` (seconds of `running_seconds`).

    `spent` turns true at the moment the bytes are handed to the socket; a second write is refused.
    """

    until: float
    before_write: Callable[[], None] | None = None
    spent: bool = False
    reusable: bool = False
    parent: "Permit | None" = None

    def staging(self) -> "Permit":
        """Return a reusable permit for writes that post nothing yet; it ends when this one ends."""
        return Permit(self.until, reusable=True, parent=self.parent or self)

    def again(self) -> "Permit":
        """Return a fresh permit of the same kind; only for a write that was refused for certain."""
        return Permit(self.until, reusable=self.reusable, parent=self.parent or self)

    def use(self) -> None:
        """Mark the permit as spent; raises TooLate when it has run out, NoAnswer when used before.

        A second write is NoAnswer, not NotSent: what the first one did is not known.
        """
        first = self.parent or self
        if first.before_write is not None:
            first.before_write()
        if self.spent and not self.reusable:
            raise NoAnswer("the request was already written once and got no usable answer")
        if running_seconds() >= first.until:
            raise TooLate("the permit to send had run out before the request was written", "late")
        self.spent = True


@dataclass(slots=True)
class _Exchange:
    """What one call of `request` has done so far; `written` decides NotSent or NoAnswer."""

    permit: Permit | None
    encrypted: bool
    written: bool = False
    refused: str = ""

    def cross(self) -> None:
        """Pass from "not written" to "may have arrived"; raises when that is forbidden."""
        if self.permit is not None:
            self.permit.use()
        self.written = True


_exchange: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


class _FencedRequest(ClientRequest):
    """Checks the permit after the connection is there, right before the bytes go to the socket.

    aiohttp buffers the headers and writes them together with the body in `write_bytes`, so a body
    is checked there; a request without a body is written by `send` itself. aiohttp repeats GET and
    PUT on a kept connection that was dead: the permit refuses that second write.
    """

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        exchange = _exchange.get()
        if exchange is not None and not self.body:
            exchange.cross()
        return await super().send(conn)

    async def write_bytes(
        self, writer: Any, conn: Connection, content_length: int | None = None
    ) -> None:
        exchange = _exchange.get()
        if exchange is not None and self.body:
            try:
                exchange.cross()
            except (NotSent, NoAnswer) as error:
                # Nothing is in the socket yet: the waiting response gets the reason, and the
                # connection is closed by aiohttp because the exchange failed.
                if conn.protocol is not None:
                    conn.protocol.set_exception(error)
                return
        await super().write_bytes(writer, conn, content_length)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer: status, headers (names in any case), body, milliseconds it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    duration_ms: int

    def excerpt(self, redact: Callable[[str], str]) -> str:
        """Return the body as text with secrets stripped, at most 4,000 characters."""
        # redacted before it is cut: a secret that the cut goes through would not be known any more
        text = self.body.decode("utf-8", "replace")
        return redact(text.replace("\x00", "�"))[:EVIDENCE_CHARACTERS_MAX]


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the wait that `Retry-After` asks for (seconds or an HTTP date), never below 0.

    Returns None when the header is missing or unreadable. RFC 9110, 10.2.3.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - utc_now()).total_seconds())


class HttpClient:
    """One organization's connections to its targets; use as an async context manager.

    `allowed` are networks the operator opened for this organization besides public addresses; only
    there is plain http allowed, everywhere else TLS is required and its certificate verified.
    """

    def __init__(
        self,
        *,
        allowed: Iterable[Network] = (),
        timeout_seconds: float = 30.0,
        connections_max: int = 32,
        redact: Redactor | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self.timeout_seconds = timeout_seconds
        self._connections_max = connections_max
        self.redact = redact or Redactor()
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=self._connections_max,
            ssl=self._tls if self._tls is not None else True,
            socket_factory=self._guarded_socket,
            resolver=Resolver(),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            request_class=_FencedRequest,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self,
        method: str,
        url: str | URL,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        permit: Permit | None = None,
        timeout_seconds: float | None = None,
    ) -> HttpAnswer:
        """Send one request and read the whole answer; redirects are not followed.

        Raises NotSent when nothing was written, NoAnswer when the outcome is not known. A request
        that could post must carry a permit; without one it must be safe to repeat.
        """
        if self._session is None:
            raise RuntimeError("HttpClient is used as an async context manager")
        scheme = url.scheme if isinstance(url, URL) else url.partition(":")[0].lower()
        exchange = _Exchange(permit, encrypted=scheme != "http")
        outer = _exchange.set(exchange)
        limit = timeout_seconds or self.timeout_seconds
        started = time.perf_counter()
        try:
            # Failure policy: one timeout for the whole exchange, so that a dripping answer ends
            # too; after it the outcome is unknown if the request had been written.
            async with asyncio.timeout(limit):
                async with self._session.request(
                    method, url, data=body, headers=headers, allow_redirects=False
                ) as response:
                    content = await _read(response)
                    return HttpAnswer(
                        status=response.status,
                        headers=response.headers,
                        body=content,
                        duration_ms=round((time.perf_counter() - started) * 1000),
                    )
        except NoAnswer:
            raise
        except TimeoutError as error:
            raise _failure(exchange, f"no answer within {limit:g} seconds", "timeout") from error
        except (NotSent, aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            if isinstance(error, NotSent) and not exchange.written:
                raise
            raise _failure(exchange, self.redact(_in_words(error)), _kind(error)) from error
        finally:
            _exchange.reset(outer)

    def _guarded_socket(self, addr_info: Any) -> socket.socket:
        family, kind, protocol, _, address = addr_info
        exchange = _exchange.get()
        target = ipaddress.ip_address(str(address[0]).partition("%")[0])
        refused = why_refused(
            target, self._allowed, encrypted=exchange is None or exchange.encrypted
        )
        if refused:
            if exchange is not None:
                exchange.refused = refused
            # An OSError, so that another address of the same name may still be tried.
            raise OSError(refused)
        return socket.socket(family, kind, protocol)


_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def why_refused(target: Address, allowed: Iterable[Network], *, encrypted: bool) -> str:
    """Return why an address may not be connected to, or an empty text when it may.

    `allowed` networks may always be reached; others only when they are public and encrypted.
    """
    target = _embedded(target)
    if any(target in network for network in allowed):
        return ""
    if not _is_public(target):
        return f"{target} is a private or local address that the operator has not allowed"
    if not encrypted:
        return f"{target} is asked for over http; outside allowed networks it must be https"
    return ""


def _embedded(target: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for (mapped, NAT64, 6to4), or itself."""
    if isinstance(target, ipaddress.IPv4Address):
        return target
    if target in _NAT64:
        return ipaddress.IPv4Address(int(target) & 0xFFFFFFFF)
    return target.ipv4_mapped or target.sixtofour or target


def _is_public(target: Address) -> bool:
    if isinstance(target, ipaddress.IPv6Address) and target not in _GLOBAL_UNICAST:
        return False
    return target.is_global and not target.is_multicast


def _failure(exchange: _Exchange, reason: str, kind: str) -> NotSent | NoAnswer:
    if exchange.written:
        return NoAnswer(reason, kind)
    if exchange.refused:
        return TargetRefused(exchange.refused, "private_address")
    return NotSent(reason, kind)


_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (ExchangeError, "late"),
    (aiohttp.ClientConnectorDNSError, "dns"),
    (UnicodeError, "dns"),
    (aiohttp.ClientConnectorCertificateError, "tls"),
    (aiohttp.ClientSSLError, "not_tls"),
    (aiohttp.ClientConnectorError, "refused"),
    (aiohttp.ServerDisconnectedError, "disconnected"),
    (aiohttp.ClientOSError, "disconnected"),
    (aiohttp.ClientPayloadError, "disconnected"),
    (aiohttp.ClientResponseError, "not_http"),
)


def _kind(error: Exception) -> str:
    return next((kind for sort, kind in _KINDS if isinstance(error, sort)), "network")


def _in_words(error: Exception) -> str:
    certificate = getattr(error, "certificate_error", None)
    if isinstance(certificate, ssl.SSLCertVerificationError):
        return certificate.verify_message
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


async def _read(response: aiohttp.ClientResponse) -> bytes:
    # Counted after decompression: a small compressed answer may hide a huge one.
    too_large = NoAnswer(f"the answer is larger than {ANSWER_BYTES_MAX} bytes", "too_large")
    if (response.content_length or 0) > ANSWER_BYTES_MAX:
        raise too_large
    chunks = [await response.content.readany()]
    size = len(chunks[0])
    while size <= ANSWER_BYTES_MAX:
        if response.content.at_eof():
            return b"".join(chunks)
        chunks.append(await response.content.readany())
        size += len(chunks[-1])
    raise too_large
