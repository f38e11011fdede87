"""The HTTP side of the Xledger sandbox: one GraphQL address, tokens, and `/_sandbox`.

One process, one event loop; a mutation is answered only after its files have what it changed.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from bilag.sandbox.faults import FaultPlan, Place
from bilag.sandbox.ledger import Ledger
from bilag.sandbox.traffic import Traffic
from bilag.sandbox.xledger.controls import Controls
from bilag.sandbox.xledger.damage import answered, struck
from bilag.sandbox.xledger.execution import Errors, Prepared, prepare, run
from bilag.sandbox.xledger.options import Options
from bilag.sandbox.xledger.requests import Posted, read_posted
from bilag.sandbox.xledger.schema import schema_for
from bilag.sandbox.xledger.system import MUTATIONS, System, Twist

BODY_BYTES_MAX = 32 * 1024 * 1024


async def serve(
    port: int,
    host: str = "127.0.0.1",
    *,
    options: Options | None = None,
    ledger: Path | None = None,
    announce: bool = False,
) -> None:
    """Serve until cancelled; `port` 0 takes a free one, `announce` prints the address."""
    kept = Ledger(ledger)
    system = System(options or Options(), kept, ledger)
    application = XledgerSandbox(system).application()
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        if announce:
            sys.stdout.write(f"listening on http://{host}:{runner.addresses[0][1]}\n")
            sys.stdout.flush()
        stopped = asyncio.Event()
        if announce:
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await stopped.wait()
    finally:
        await runner.cleanup()
        kept.close()
        system.events.close()


class XledgerSandbox:
    """`POST /graphql` (xledger.md §1 [C]), `POST /oauth/token` (not Xledger's), and controls."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._plan = FaultPlan()
        self._traffic = Traffic()

    def application(self) -> web.Application:
        """Return the application with all its addresses."""
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        controls = Controls(self._system, self._plan, self._traffic)
        application.add_routes(
            [
                web.post("/graphql", self._graphql),
                web.post("/oauth/token", self._token),
                *controls.routes(),
            ]
        )
        return application

    async def _graphql(self, request: web.Request) -> web.StreamResponse:
        system = self._system
        posted = await read_posted(request)
        prepared = _prepared(system.options, posted)
        # Counted as an address of its own, so that writes are told from reads.
        self._traffic.arrived("POST", f"/graphql {'+'.join(prepared.fields)}".strip())
        try:
            refused = system.limits.arrived(prepared.fields)
            if refused is not None:
                return answered(system.options.error_status, [refused])

            async def act(twist: Twist) -> web.Response:
                if delay := system.options.answer_after:
                    await asyncio.sleep(delay)
                return self._answer(request, posted, prepared, twist)

            fault = self._plan.next(_place(prepared.fields))
            if fault is None:
                return await act("")
            return await struck(fault, request, system, act)
        finally:
            system.limits.left()
            self._traffic.left()

    def _answer(
        self, request: web.Request, posted: Posted | None, prepared: Prepared, twist: Twist
    ) -> web.Response:
        system, options = self._system, self._system.options
        if why := system.logins.refusal(request.headers):
            return answered(options.auth_status, [{"message": why}])
        if posted is None:
            return answered(options.error_status, [{"message": "The request is not GraphQL"}])
        files = {name: system.keep_file(name, content) for name, content in posted.files.items()}
        errors: Errors = []

        def resolve(name: str, arguments: dict[str, Any]) -> Any:
            return system.answer(name, arguments, files, errors, twist)

        data, found = run(schema_for(options), prepared, posted.variables, resolve)
        errors += found
        if not errors:
            return _json(200, {"data": data})
        if not data or all(value is None for value in data.values()):
            return answered(options.error_status, errors)
        return _json(options.error_status, {"data": data, "errors": errors})

    async def _token(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self._traffic.arrived("POST", "/oauth/token")

        async def act(_: Twist) -> web.Response:
            status, document = self._system.logins.issue(request.headers, body)
            return _json(status, document)

        try:
            fault = self._plan.next("token")
            return await (act("") if fault is None else struck(fault, request, self._system, act))
        finally:
            self._traffic.left()


def _prepared(options: Options, posted: Posted | None) -> Prepared:
    if posted is None:
        return Prepared()
    return prepare(schema_for(options), posted.query, posted.operation_name)


def _place(fields: tuple[str, ...]) -> Place:
    if any(name in MUTATIONS for name in fields):
        return "write"
    return "company" if "entities" in fields else "read"


def _json(status: int, document: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")
