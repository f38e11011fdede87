"""A sandbox of the product in a process of its own that writes down the requests it gets.

What was written down can be sent again to the same sandbox, emptied. Tokens are not kept.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from aiohttp import web

from bilag.sandbox import business_central, xledger
from bilag.sandbox.business_central.journals import Stamps
from bilag.sandbox.business_central.server import BusinessCentralSandbox
from bilag.sandbox.business_central.values import Row
from bilag.sandbox.ledger import Ledger
from bilag.sandbox.xledger.server import XledgerSandbox
from bilag.sandbox.xledger.system import System

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

KINDS = ("business-central", "xledger")
# Made anew by whoever sends a request again; all other headers belong to it.
_NOT_KEPT = frozenset(("authorization", "content-length", "host"))


@dataclass(slots=True)
class Recorded:
    """One request as it came, and the status it was answered with."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int = 0


@dataclass(slots=True)
class Recorder:
    """The requests since the last reset, and when the first came and the last was answered.

    Times are nanoseconds since the epoch. Controls and requests for a token are not among them.
    """

    requests: list[Recorded] = field(default_factory=list)
    first_ns: int = 0
    last_ns: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the sandbox answer, and write down what it was asked."""
        if request.path.startswith("/_") or request.path.endswith("/token"):
            return await handler(request)
        if not self.requests:
            self.first_ns = time.time_ns()
            self.begun.set()
        headers = {n: v for n, v in request.headers.items() if n.lower() not in _NOT_KEPT}
        body = (await request.read()).decode()
        recorded = Recorded(request.method, request.raw_path, headers, body)
        self.requests.append(recorded)
        response = await handler(request)
        recorded.status = response.status
        self.last_ns = time.time_ns()
        return response

    async def reset(self, _: web.Request) -> web.Response:
        """Begin a new record."""
        self.requests, self.first_ns, self.last_ns = [], 0, 0
        self.begun.clear()
        return self._stats()

    async def wait(self, _: web.Request) -> web.Response:
        """Answer when the first request has come."""
        await self.begun.wait()
        return self._stats()

    async def stats(self, _: web.Request) -> web.Response:
        """Answer how many requests came, and the times of the first and the last."""
        return self._stats()

    async def record(self, _: web.Request) -> web.Response:
        """Answer with the record, in the order of arrival."""
        return web.json_response({"requests": [asdict(one) for one in self.requests]})

    def _stats(self) -> web.Response:
        return web.json_response(
            {"requests": len(self.requests), "first_ns": self.first_ns, "last_ns": self.last_ns}
        )


def _sandbox(kind: str, options: dict[str, Any]) -> web.Application:
    ledger = Ledger()
    if kind == "xledger":
        system = System(xledger.Options(**options), ledger, None)
        return XledgerSandbox(system).application()
    _name_by_place()
    return BusinessCentralSandbox(business_central.Options(**options), ledger).application()


def _name_by_place() -> None:
    """Give journals and lines ids made of the journal's code and the line's number, not drawn.

    So requests that name them by id fit the emptied books as they fitted the first time, and show
    which journal they are about. A code of 10 characters is 20 of the 32 digits.
    """
    drawn = Stamps.new

    def new(stamps: Stamps, row: Row) -> Row:
        drawn(stamps, row)
        code = row.get("journalDisplayName") or row["code"]
        row["id"] = str(UUID(f"{code.ljust(10).encode().hex()}{row.get('lineNumber', 0):012x}"))
        return row

    Stamps.new = new  # type: ignore[assignment, method-assign]


async def serve(kind: str, options: dict[str, Any]) -> None:
    """Listen on a free port of 127.0.0.1, print it as one line of JSON, and serve until killed."""
    recorder = Recorder()

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await recorder.watch(request, handler)

    application = _sandbox(kind, options)
    application.middlewares.append(watch)
    application.add_routes(
        [
            web.post("/_record/reset", recorder.reset),
            web.get("/_record/wait", recorder.wait),
            web.get("/_record/stats", recorder.stats),
            web.get("/_record", recorder.record),
        ]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Run one sandbox with its options, given as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--options", type=json.loads, default={})
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.kind, arguments.options))


if __name__ == "__main__":
    main()
