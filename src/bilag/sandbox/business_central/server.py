"""The HTTP side of the Business Central sandbox: login, API v2.0, `$batch`, faults, limits.

One process, one event loop; a posting is answered only after the ledger has it.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from aiohttp import web

from bilag.sandbox.business_central import api, receipts
from bilag.sandbox.business_central.batch import as_multipart, read_batch, run
from bilag.sandbox.business_central.books import Books
from bilag.sandbox.business_central.calls import Answer, Call, read_call
from bilag.sandbox.business_central.controls import Controls
from bilag.sandbox.business_central.damage import inside, refusal, struck
from bilag.sandbox.business_central.limits import Limits
from bilag.sandbox.business_central.login import Logins
from bilag.sandbox.business_central.metadata import metadata_xml
from bilag.sandbox.business_central.options import Options
from bilag.sandbox.business_central.page import front_page
from bilag.sandbox.business_central.refusals import Refused, credentials, not_found
from bilag.sandbox.business_central.values import written
from bilag.sandbox.faults import FaultPlan, Place
from bilag.sandbox.ledger import Ledger
from bilag.sandbox.traffic import Traffic

BODY_BYTES_MAX = 350 * 1024 * 1024  # dynamics.md §1.8
SHOWN_MAX = 50
_SETUPS = "/api/bilag/setup/v1.0/"
_POST = "Microsoft.NAV.post"

Act = Callable[[], Awaitable[web.Response]]


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
    runner = web.AppRunner(
        BusinessCentralSandbox(options or Options(), kept).application(),
        access_log=None,
        shutdown_timeout=0.2,
    )
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


class BusinessCentralSandbox:
    """One tenant with one environment and one company."""

    def __init__(self, options: Options, ledger: Ledger) -> None:
        self._options = options
        self._books = Books(options, ledger)
        self._logins = Logins(options)
        self._limits = Limits(options)
        self._plan = FaultPlan()
        self._traffic = Traffic()

    def application(self) -> web.Application:
        """Return the application with all its addresses."""
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.router.add_get("/", self._front)
        application.add_routes(
            Controls(self._books, self._plan, self._traffic, self._limits).routes()
        )
        application.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        application.router.add_route("*", "/v2.0/{tenant}/{environment}/api/{rest:.*}", self._api)
        return application

    async def _front(self, _: web.Request) -> web.Response:
        ledger = self._books.general.ledger
        page = front_page(self._options, ledger.summary(), ledger.last(SHOWN_MAX))
        return web.Response(text=page, content_type="text/html")

    async def _token(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def act() -> web.Response:
            status, document = self._logins.issue(request.match_info["tenant"], body)
            return web.Response(
                status=status, body=written(document), content_type="application/json"
            )

        return await self._faulted(request, "POST /oauth2/v2.0/token", "token", act)

    async def _faulted(
        self, request: web.Request, name: str, place: Place, act: Act
    ) -> web.StreamResponse:
        method, _, path = name.partition(" ")
        self._traffic.arrived(method, path)
        try:
            fault = self._plan.next(place)
            if fault is None:
                return await act()
            return await struck(fault, request, self._logins, act)
        finally:
            self._traffic.left()

    async def _api(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        root, _, _ = request.path.partition("/api/")
        setups = request.path.startswith(root + _SETUPS)
        path = f"{root}{_SETUPS if setups else '/api/v2.0/'}"
        base = f"{request.scheme}://{request.host}{path}"
        if request.path == f"{path}$batch" and request.method == "POST":
            return await self._batch(request, body, base, path)
        try:
            if not request.path.startswith(path):
                raise not_found()
            address = request.raw_path.removeprefix(path)
            call = read_call(request.method, address, request.headers, body, base)
        except Refused as refused:
            return refusal(refused, request)

        async def work() -> web.Response:
            return self._one(call, setups=setups)

        place = _place([call])
        name = f"{call.method} /{call.pattern}"
        return await self._faulted(request, name, place, lambda: self._in_turn(request, work))

    async def _batch(
        self, request: web.Request, body: bytes, base: str, path: str
    ) -> web.StreamResponse:
        try:
            batch = read_batch(
                body, request.headers, base, path, references=self._options.batch_references
            )
        except Refused as refused:
            if "too many parts" in refused.message:
                self._limits.breaches["batch"] += 1
            unread = refused

            async def refuse() -> web.Response:
                raise unread

            return await self._faulted(
                request, "POST /$batch", "write", lambda: self._in_turn(request, refuse)
            )
        self._limits.batch(len(batch.calls))

        def strike(call: Call) -> Refused | None:
            self._limits.operations[call.operation] += 1
            fault = self._plan.next("inner")
            return inside(fault) if fault is not None else None

        async def work() -> web.Response:
            answers = run(self._books, batch, strike, base)
            if "application/json" not in request.headers.get("Accept", ""):
                # dynamics.md §1.7: JSON only for who asks for it.
                kind, content = as_multipart(answers)
                return web.Response(body=content, headers={"Content-Type": kind})
            return web.Response(
                body=written({"responses": answers}), content_type="application/json"
            )

        place = _place([call for _, call in batch.calls if isinstance(call, Call)])
        return await self._faulted(
            request, "POST /$batch", place, lambda: self._in_turn(request, work)
        )

    async def _in_turn(self, request: web.Request, work: Act) -> web.Response:
        """Let who is logged in have a slot, and do the work; refusals become answers."""
        try:
            user = self._known(request)
            async with self._limits.slot(user):
                if delay := self._options.answer_after:
                    await asyncio.sleep(delay)
                return await work()
        except Refused as refused:
            return refusal(refused, request)

    def _known(self, request: web.Request) -> str:
        options = self._options
        user = self._logins.user(request.headers)
        if user is None or request.match_info["tenant"] != options.tenant:
            raise credentials()
        if options.application == "disabled":
            raise credentials()
        if options.application == "no_permission":
            # dynamics.md §1.8: 401 also for missing permission; the code's family is §1.9.
            raise Refused(
                401,
                "Authorization_RequestDenied",
                "Sorry, the current permissions prevented the action.",
            )
        if request.match_info["environment"] != options.environment:
            # Status and code are INFERRED.
            name = request.match_info["environment"]
            raise Refused(404, "NoEnvironment", f"Environment '{name}' does not exist in tenant.")
        return user

    def _one(self, call: Call, *, setups: bool) -> web.Response:
        books = self._books
        self._limits.operations[call.operation] += 1
        if call.operation == "GET $metadata":
            return web.Response(text=metadata_xml(), content_type="application/xml")
        mark = books.undo.mark()
        try:
            answer = self._setup(call) if setups else api.execute(books, call)
        except Refused:
            books.undo.back(mark)
            raise
        finally:
            books.undo.commit()
        return _response(answer, call.base)

    def _setup(self, call: Call) -> Answer:
        if call.operation != "GET journalBatchSetups" or not self._options.exposes_batch_setup:
            raise not_found(f"No HTTP resource matches the request URI '{call.url}'.")
        return receipts.batch_setups(self._books, call)


def _response(answer: Answer, base: str) -> web.Response:
    headers = {"OData-Version": "4.0"}
    if answer.location:
        headers["Location"] = base + answer.location
    if answer.content is not None:
        headers["Content-Type"] = "application/octet-stream"
        return web.Response(status=answer.status, body=answer.content, headers=headers)
    if answer.document is None:
        return web.Response(status=answer.status, headers=headers)
    headers["Content-Type"] = "application/json; odata.metadata=minimal; odata.streaming=true"
    return web.Response(status=answer.status, body=written(answer.document), headers=headers)


def _place(calls: Sequence[Call]) -> Place:
    """Return where faults strike a request: what it does most with."""
    if any(call.pattern.endswith(_POST) for call in calls):
        return "post"
    if any(call.method != "GET" for call in calls):
        return "write"
    if calls and all(call.pattern in ("companies", "companies()") for call in calls):
        return "company"
    return "read"
