"""The accounting system of the benchmark: a raw HTTP server that only counts, in its own process.

It stores a document when the last byte of the request has arrived, then waits, then answers 201.
"""

import argparse
import asyncio
import importlib
import importlib.util
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httptools

# Used where it is installed, never required; results.json says which loop ran.
uvloop: Any = importlib.import_module("uvloop") if importlib.util.find_spec("uvloop") else None

_REFERENCE = re.compile(rb'"reference"\s*:\s*"([^"]*)"')
_STATUS = {200: b"OK", 201: b"Created", 400: b"Bad Request"}


@dataclass(slots=True)
class Ledger:
    """What has arrived: each key once with the time of its first arrival, and its repeats.

    Times are nanoseconds: `first_ns` and `last_ns` CLOCK_MONOTONIC, `arrivals` since the epoch.
    """

    arrivals: dict[bytes, int] = field(default_factory=dict)
    repeats: dict[bytes, int] = field(default_factory=dict)
    posts: int = 0
    first_ns: int = 0
    last_ns: int = 0
    lost_answers: frozenset[int] = frozenset()
    cut: int = 0

    def post(self, key: bytes) -> bool:
        """Store one document; returns False when the fault plan wants its answer to be lost.

        The plan counts new keys from 1, so a repeat of a lost one gets its answer.
        """
        now = time.monotonic_ns()
        if not self.posts:
            self.first_ns = now
        self.last_ns = now
        self.posts += 1
        if key in self.arrivals:
            self.repeats[key] = self.repeats.get(key, 0) + 1
            return True
        self.arrivals[key] = time.time_ns()
        if len(self.arrivals) in self.lost_answers:
            self.cut += 1
            return False
        return True

    def stats(self) -> dict[str, Any]:
        """Return the counts and times as JSON fields; `duplicates` are posts beyond the first."""
        return {
            "posts": self.posts,
            "unique": len(self.arrivals),
            "duplicates": sum(self.repeats.values()),
            "cut": self.cut,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "loop": "asyncio" if uvloop is None else "uvloop",
        }

    def found(self, key: bytes) -> list[dict[str, str]]:
        """Return each document that stands under the key, as the look-up answers it."""
        hits = 1 + self.repeats.get(key, 0) if key in self.arrivals else 0
        name = key.decode()
        return [
            {"id": f"{name}-{hit}", "voucherNumber": name, "reference": name}
            for hit in range(1, hits + 1)
        ]


class Sink:
    """The server's state: the ledger, the latency, and those who wait for a number of documents."""

    def __init__(self, latency_ms: float) -> None:
        self.latency = latency_ms / 1000
        self.ledger = Ledger()
        self.waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._next = 0

    def post(self, key: bytes) -> bool:
        """Store one document and wake those who waited for it; returns False for a lost answer."""
        answered = self.ledger.post(key)
        if self._next and len(self.ledger.arrivals) >= self._next:
            self._wake()
        return answered

    async def control(self, method: str, url: str, body: bytes) -> dict[str, Any]:
        """Answer a control request; raises ValueError for one that is not known."""
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        match method, parts.path:
            case "GET", "/_stats":
                return self.ledger.stats()
            case "GET", "/_arrivals":
                return {key.decode(): at for key, at in self.ledger.arrivals.items()}
            case "GET", "/_wait":
                await self._until(int(query["unique"][0]))
                return self.ledger.stats()
            case "POST", "/_reset":
                self.ledger = Ledger()
                self.latency = json.loads(body or b"{}").get("latency_ms", 0) / 1000
                return self.ledger.stats()
            case "POST", "/_faults":
                self.ledger.lost_answers = frozenset(json.loads(body)["lost_answers"])
                return self.ledger.stats()
        raise ValueError(f"no control request {method} {parts.path}")

    async def _until(self, unique: int) -> None:
        if len(self.ledger.arrivals) >= unique:
            return
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((unique, future))
        self._next = min(wanted for wanted, _ in self.waiting)
        await future

    def _wake(self) -> None:
        reached = len(self.ledger.arrivals)
        for wanted, future in self.waiting:
            if wanted <= reached and not future.done():
                future.set_result(None)
        self.waiting = [(wanted, future) for wanted, future in self.waiting if not future.done()]
        self._next = min((wanted for wanted, _ in self.waiting), default=0)


class Exchange(asyncio.Protocol):
    """One connection; requests on it are answered one after the other, as HTTP/1.1 clients send."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._url = b""
        self._id = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, as asyncio calls for."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop has a class of its own

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the transport: an answer that is still due goes nowhere."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is not HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._close()

    def on_message_begin(self) -> None:
        """Start a request."""
        self._url = self._id = self._body = b""

    def on_url(self, url: bytes) -> None:
        """Collect the target of the request."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Look for an `id` header: the key of clients whose body carries no reference."""
        if len(name) == 2 and name.lower() == b"id":
            self._id = value

    def on_body(self, body: bytes) -> None:
        """Collect the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Store the document and answer it after the latency, or cut the connection then."""
        posting = self._parser.get_method() == b"POST"
        if self._url.startswith(b"/_"):
            task = self._loop.create_task(self._control(posting, self._url.decode(), self._body))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif not posting:
            reference = parse_qs(urlsplit(self._url.decode()).query).get("reference", [""])[0]
            found = self._sink.ledger.found(reference.encode())
            self._later(self._answer, 200, json.dumps(found).encode())
        else:
            match = _REFERENCE.search(self._body)
            key = match.group(1) if match else self._id
            if not key:
                self._answer(400, b'{"error":"no reference in the body and no id header"}')
            elif self._sink.post(key):
                body = b'{"id":"%b","voucherNumber":"%d"}' % (key, self._sink.ledger.posts)
                self._later(self._answer, 201, body)
            else:
                self._later(self._close)

    def _later(self, act: Any, *args: Any) -> None:
        if self._sink.latency:
            self._loop.call_later(self._sink.latency, act, *args)
        else:
            act(*args)

    async def _control(self, posting: bool, url: str, body: bytes) -> None:
        try:
            answer = await self._sink.control("POST" if posting else "GET", url, body)
        except (ValueError, KeyError) as error:
            self._answer(400, json.dumps({"error": str(error)}).encode())
        else:
            self._answer(200, json.dumps(answer).encode())

    def _answer(self, status: int, body: bytes) -> None:
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (status, _STATUS[status], len(body), body)
            )

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def serve(latency_ms: float) -> None:
    """Listen on a free port of 127.0.0.1, print it as one line of JSON, and serve until killed."""
    sink = Sink(latency_ms)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Exchange(sink), "127.0.0.1", 0, backlog=1024)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


def main() -> None:
    """Run one sink; `--latency-ms` can be changed later by `POST /_reset`."""
    options = argparse.ArgumentParser(description=main.__doc__)
    options.add_argument("--latency-ms", type=float, default=0.0)
    arguments = options.parse_args()
    factory = None if uvloop is None else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(arguments.latency_ms))


if __name__ == "__main__":
    main()
