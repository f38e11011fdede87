"""The HTTP side of the REST sandbox: its addresses, and the controls under `/_sandbox`.

One process, one event loop; a write is answered only after the ledger has it.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from aiohttp import web

from bilag.sandbox.faults import Fault, FaultPlan, Place
from bilag.sandbox.ledger import Ledger
from bilag.sandbox.rest.books import Refusal
from bilag.sandbox.rest.damage import struck
from bilag.sandbox.rest.meddle import meddle
from bilag.sandbox.rest.options import Options
from bilag.sandbox.rest.page import front_page
from bilag.sandbox.rest.posting import Posting, answered, refused, unauthorized
from bilag.sandbox.traffic import Traffic

BODY_BYTES_MAX = 4 * 1024 * 1024
SHOWN_MAX = 50

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def serve(
    port: int,
    host: str = "127.0.0.1",
    *,
    options: Options | None = None,
    ledger: Path | None = None,
    announce: bool = False,
) -> None:
    """Serve until cancelled; `port` 0 takes a free one, `announce` prints the address."""
    books = Ledger(ledger)
    runner = web.AppRunner(
        RestSandbox(options or Options(), books).application(),
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
        books.close()


class RestSandbox:
    """Addresses of one sandbox: `/vouchers`, `/company`, master data, tokens, controls."""

    def __init__(self, options: Options, ledger: Ledger) -> None:
        self._posting = Posting(options, ledger)
        self._plan = FaultPlan()
        self._traffic = Traffic()

    def application(self) -> web.Application:
        """Return the application with all its addresses."""
        application = web.Application(middlewares=[self._counted], client_max_size=BODY_BYTES_MAX)
        application.add_routes(
            [
                web.get("/", self._front),
                web.post("/oauth/token", self._token),
                web.post("/vouchers", self._post),
                web.put("/vouchers/{reference}", self._post),
                web.get("/vouchers", self._search),
                web.get("/company", self._company),
                web.get("/accounts", self._master),
                web.get("/cost-centres", self._master),
                web.get("/vat-codes", self._master),
                web.get("/_sandbox/ledger", self._ledger),
                web.get("/_sandbox/requests", self._requests),
                web.get("/_sandbox/faults", self._faults),
                web.post("/_sandbox/faults", self._add_faults),
                web.delete("/_sandbox/faults", self._clear_faults),
                web.post("/_sandbox/options", self._set_options),
                web.post("/_sandbox/master", self._set_master),
                web.post("/_sandbox/meddle", self._meddle),
                web.post("/_sandbox/reset", self._reset),
            ]
        )
        return application

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_sandbox/"):
            return await handler(request)
        self._traffic.arrived(request.method, request.path)
        try:
            return await handler(request)
        finally:
            self._traffic.left()

    async def _faulted(
        self, request: web.Request, place: Place, act: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        fault = self._plan.next(place)
        if fault is None:
            return await act()
        return await struck(fault, request, self._posting.logins, act)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def act() -> web.Response:
            if delay := self._posting.options.answer_after:
                await asyncio.sleep(delay)
            return self._posting.post(request, body, request.match_info.get("reference", ""))

        return await self._faulted(request, "write", act)

    async def _search(self, request: web.Request) -> web.StreamResponse:
        async def act() -> web.Response:
            if not self._posting.logins.accepts(request.headers, b""):
                return unauthorized()
            reference = request.query.get("reference")
            ledger = self._posting.ledger
            found = ledger.last(SHOWN_MAX) if reference is None else ledger.find(reference)
            items = [self._posting.shown(entry, whole=True) for entry in found]
            return answered(200, {"items": items, "count": len(items)})

        return await self._faulted(request, "read", act)

    async def _company(self, request: web.Request) -> web.StreamResponse:
        async def act() -> web.Response:
            if not self._posting.logins.accepts(request.headers, b""):
                return unauthorized()
            options = self._posting.options
            return answered(200, {"id": options.company_id, "name": options.company_name})

        return await self._faulted(request, "company", act)

    async def _master(self, request: web.Request) -> web.StreamResponse:
        async def act() -> web.Response:
            if not self._posting.logins.accepts(request.headers, b""):
                return unauthorized()
            books = self._posting.books
            kept = {
                "/accounts": books.accounts,
                "/cost-centres": books.cost_centres,
                "/vat-codes": books.vat_codes,
            }[request.path]
            items = [{"code": code, "name": name} for code, name in sorted(kept.items())]
            return answered(200, {"items": items})

        return await self._faulted(request, "read", act)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def act() -> web.Response:
            status, document = self._posting.logins.issue(request.headers, body)
            return answered(status, document)

        return await self._faulted(request, "token", act)

    async def _front(self, request: web.Request) -> web.Response:
        ledger, reference = self._posting.ledger, request.query.get("reference", "").strip()
        entries = ledger.find(reference) if reference else ledger.last(SHOWN_MAX)
        page = front_page(self._posting.options, ledger.summary(), entries, reference)
        return web.Response(text=page, content_type="text/html")

    async def _ledger(self, request: web.Request) -> web.Response:
        ledger = self._posting.ledger
        if "summary" in request.query:
            return answered(200, ledger.summary())
        try:
            offset = int(request.query.get("offset", "0"))
            limit = int(request.query["limit"]) if "limit" in request.query else None
        except ValueError:
            return refused(400, [Refusal("invalid", "offset and limit are whole numbers")])
        return web.Response(body=ledger.as_json(offset, limit), content_type="application/json")

    async def _requests(self, _: web.Request) -> web.Response:
        return answered(200, self._traffic.as_json())

    async def _faults(self, _: web.Request) -> web.Response:
        return answered(200, {"faults": [fault.as_json() for fault in self._plan.faults]})

    async def _add_faults(self, request: web.Request) -> web.Response:
        try:
            posted = orjson.loads(await request.read())
            posted = posted if isinstance(posted, list) else [posted]
            faults = [Fault.from_json(one) for one in posted]
        except (ValueError, TypeError) as error:
            return refused(400, [Refusal("invalid_fault", str(error))])
        self._plan.faults.extend(faults)
        return await self._faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._plan.faults.clear()
        return await self._faults(request)

    async def _set_options(self, request: web.Request) -> web.Response:
        try:
            self._posting.options.set(orjson.loads(await request.read()))
        except (ValueError, AttributeError) as error:
            return refused(400, [Refusal("invalid_option", str(error))])
        return answered(200, {})

    async def _set_master(self, request: web.Request) -> web.Response:
        """Add accounts, cost centres and VAT codes (code to name) to the master data."""
        books = self._posting.books
        names = {
            "accounts": books.accounts,
            "costCentres": books.cost_centres,
            "vatCodes": books.vat_codes,
        }
        try:
            for name, added in orjson.loads(await request.read()).items():
                names[name].update({str(code): str(text) for code, text in added.items()})
        except (ValueError, AttributeError, KeyError) as error:
            return refused(400, [Refusal("invalid_master_data", str(error))])
        return answered(200, {name: len(known) for name, known in names.items()})

    async def _meddle(self, request: web.Request) -> web.Response:
        """Delete, alter, double or reverse what is posted under a reference, as a person might."""
        try:
            asked = orjson.loads(await request.read())
            meddle(self._posting.ledger, **asked)
        except (ValueError, TypeError, LookupError) as error:
            return refused(400, [Refusal("cannot_meddle", str(error))])
        return answered(200, {})

    async def _reset(self, _: web.Request) -> web.Response:
        """Empty the ledger; forget faults, counts and keys; options and master data stay."""
        self._posting.ledger.clear()
        self._posting.forget_keys()
        self._plan.faults.clear()
        self._traffic.clear()
        return answered(200, {})
