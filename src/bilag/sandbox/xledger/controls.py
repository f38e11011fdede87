"""The controls of the Xledger sandbox, under `/_sandbox`, and its front page.

They need no login, and are neither counted nor struck by faults.
"""

from typing import Any

import orjson
from aiohttp import web

from bilag.sandbox.faults import Fault, FaultPlan
from bilag.sandbox.rest.options import Options as RestOptions
from bilag.sandbox.rest.page import front_page
from bilag.sandbox.rest.posting import answered
from bilag.sandbox.traffic import Traffic
from bilag.sandbox.xledger.system import System

SHOWN_MAX = 50


class Controls:
    """Ledger, requests, faults, options, master data, files, meddling and reset."""

    def __init__(self, system: System, plan: FaultPlan, traffic: Traffic) -> None:
        self._system, self._plan, self._traffic = system, plan, traffic

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses."""
        return [
            web.get("/", self._front),
            web.get("/_sandbox/ledger", self._ledger),
            web.get("/_sandbox/requests", self._requests),
            web.get("/_sandbox/files", self._files),
            web.get("/_sandbox/faults", self._faults),
            web.post("/_sandbox/faults", self._add_faults),
            web.delete("/_sandbox/faults", self._clear_faults),
            web.post("/_sandbox/options", self._set_options),
            web.post("/_sandbox/master", self._set_master),
            web.post("/_sandbox/meddle", self._meddle),
            web.post("/_sandbox/reset", self._reset),
        ]

    async def _front(self, _: web.Request) -> web.Response:
        self._system.importer.advance()
        options, ledger = self._system.options, self._system.ledger
        shown = RestOptions(company_id=options.company_number, company_name=options.company_name)
        page = front_page(shown, ledger.summary(), ledger.last(SHOWN_MAX))
        return web.Response(text=page, content_type="text/html")

    async def _ledger(self, request: web.Request) -> web.Response:
        self._system.importer.advance()
        ledger = self._system.ledger
        if "summary" in request.query:
            return answered(200, ledger.summary())
        try:
            offset = int(request.query.get("offset", "0"))
            limit = int(request.query["limit"]) if "limit" in request.query else None
        except ValueError:
            return _refused("offset and limit are whole numbers")
        return web.Response(body=ledger.as_json(offset, limit), content_type="application/json")

    async def _requests(self, _: web.Request) -> web.Response:
        return answered(200, {**self._traffic.as_json(), "limits": self._system.limits.as_json()})

    async def _files(self, _: web.Request) -> web.Response:
        return answered(200, {"files": list(self._system.files.values())})

    async def _faults(self, _: web.Request) -> web.Response:
        return answered(200, {"faults": [fault.as_json() for fault in self._plan.faults]})

    async def _add_faults(self, request: web.Request) -> web.Response:
        try:
            posted = orjson.loads(await request.read())
            posted = posted if isinstance(posted, list) else [posted]
            faults = [Fault.from_json(one) for one in posted]
        except (ValueError, TypeError) as error:
            return _refused(str(error))
        self._plan.faults.extend(faults)
        return await self._faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._plan.faults.clear()
        return await self._faults(request)

    async def _set_options(self, request: web.Request) -> web.Response:
        try:
            self._system.options.set(orjson.loads(await request.read()))
        except (ValueError, AttributeError) as error:
            return _refused(str(error))
        return answered(200, {})

    async def _set_master(self, request: web.Request) -> web.Response:
        try:
            counts = self._system.add_master_data(orjson.loads(await request.read()))
        except ValueError as error:
            return _refused(str(error))
        return answered(200, counts)

    async def _meddle(self, request: web.Request) -> web.Response:
        try:
            asked: dict[str, Any] = orjson.loads(await request.read())
            return answered(200, self._system.meddle(asked))
        except (ValueError, AttributeError, IndexError) as error:
            return _refused(str(error))

    async def _reset(self, _: web.Request) -> web.Response:
        """Empty ledger, import and books; forget faults, files and counts; options stay."""
        self._system.reset()
        self._plan.faults.clear()
        self._traffic.clear()
        return answered(200, {})


def _refused(message: str) -> web.Response:
    return answered(400, {"error": {"message": message}})
