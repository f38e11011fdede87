"""The way out for libraries that bring `requests` along: to allowed targets only (X4).

The same rule as the HTTP client of the connectors, asked before a connection is opened.
"""

import ipaddress
import socket
import time
from collections.abc import Iterable
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.poolmanager import PoolManager

from bilag.connectors.http import Network, why_refused

# Failure policy: asked once, nothing is repeated; a person waits, so connecting and every read may
# take so long, and the whole answer so long. A larger answer is not read to its end.
CONNECT_SECONDS_MAX = 3.0
READ_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 10.0
ANSWER_BYTES_MAX = 1024 * 1024


class GuardedSession(requests.Session):
    """A session that follows no redirect and reaches public https and `allowed` networks only."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        super().__init__()
        self.trust_env = False  # no proxy and no .netrc of whoever started the process
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Guard([ipaddress.ip_network(one) for one in allowed]))

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send one request and read its answer within bounds; raises RequestException."""
        options |= {
            "stream": True,
            "allow_redirects": False,
            "timeout": (CONNECT_SECONDS_MAX, READ_SECONDS_MAX),
        }
        response = super().send(request, **options)
        # `requests` keeps here what has been read of a streamed answer
        response._content = _read(response)
        return response


def _read(response: requests.Response) -> bytes:
    ends, body = time.monotonic() + ANSWER_SECONDS_MAX, b""
    try:
        for chunk in response.iter_content(16384):
            body += chunk
            if len(body) > ANSWER_BYTES_MAX:
                raise requests.exceptions.ContentDecodingError("the answer is too large")
            if time.monotonic() > ends:
                raise requests.exceptions.ReadTimeout("the answer took too long")
    finally:
        response.close()
    return body


class _Guard(HTTPAdapter):
    def __init__(self, allowed: list[Network]) -> None:
        self._allowed = allowed
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, HTTPConnection, self._allowed),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, self._allowed),
        }


def _pool(pool: type[Any], connection: type[Any], allowed: list[Network]) -> type[Any]:
    class Guarded(connection):  # type: ignore[misc]
        _dns_host: str

        def _new_conn(self) -> socket.socket:
            """Connect to an address that was looked at; a name must not mean another one then."""
            name = self._dns_host
            self._dns_host = _permitted(self, allowed, encrypted=connection is HTTPSConnection)
            try:
                connected: socket.socket = super()._new_conn()
            finally:
                self._dns_host = name  # what the certificate is compared with
            return connected

    return type("GuardedPool", (pool,), {"ConnectionCls": Guarded})


def _permitted(connection: Any, allowed: list[Network], *, encrypted: bool) -> str:
    refused = "it has no address"
    try:
        found = socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NewConnectionError(connection, f"no such name: {error}") from error
    for *_, address in found:
        target = str(address[0])
        refused = why_refused(
            ipaddress.ip_address(target.partition("%")[0]), allowed, encrypted=encrypted
        )
        if not refused:
            return target
    raise NewConnectionError(connection, refused)
