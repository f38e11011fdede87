"""The controls under `/_sandbox`: ledger, requests, faults, options, master data, meddling.

They need no login, are not counted, and are never struck by a fault.
"""

from collections.abc import Mapping

import orjson
from aiohttp import web

from bilag.sandbox.business_central.books import Books
from bilag.sandbox.business_central.limits import Limits
from bilag.sandbox.business_central.master import COST_CENTRE, PROJECT
from bilag.sandbox.business_central.meddling import meddle
from bilag.sandbox.business_central.posting import add_stray_line
from bilag.sandbox.business_central.refusals import Refused
from bilag.sandbox.business_central.values import written
from bilag.sandbox.faults import Fault, FaultPlan
from bilag.sandbox.traffic import Traffic


class Controls:
    """Handlers of the controls."""

    def __init__(self, books: Books, plan: FaultPlan, traffic: Traffic, limits: Limits) -> None:
        self._books = books
        self._plan = plan
        self._traffic = traffic
        self._limits = limits

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/_sandbox/ledger", self._ledger),
            web.get("/_sandbox/journals", self._journals),
            web.get("/_sandbox/requests", self._requests),
            web.get("/_sandbox/faults", self._faults),
            web.post("/_sandbox/faults", self._add_faults),
            web.delete("/_sandbox/faults", self._clear_faults),
            web.post("/_sandbox/options", self._set_options),
            web.post("/_sandbox/master", self._set_master),
            web.post("/_sandbox/meddle", self._meddle),
            web.post("/_sandbox/reset", self._reset),
        ]

    async def _ledger(self, request: web.Request) -> web.Response:
        ledger = self._books.general.ledger
        if "summary" in request.query:
            return _answer(ledger.summary())
        try:
            offset = int(request.query.get("offset", "0"))
            limit = int(request.query["limit"]) if "limit" in request.query else None
        except ValueError:
            return _refused("offset and limit are whole numbers")
        return web.Response(body=ledger.as_json(offset, limit), content_type="application/json")

    async def _journals(self, _: web.Request) -> web.Response:
        """Show what is staged and not posted, and why scheduled postings failed."""
        journals = [
            {**journal.row, "lines": [line.row | {"dimensions": line.dimensions}
                                      for line in journal.in_order()]}
            for journal in self._books.journals.by_id.values()
        ]  # fmt: skip
        return _answer({"journals": journals, "jobsFailed": self._books.jobs_failed})

    async def _requests(self, _: web.Request) -> web.Response:
        return _answer({**self._traffic.as_json(), "limits": self._limits.as_json()})

    async def _faults(self, _: web.Request) -> web.Response:
        return _answer({"faults": [fault.as_json() for fault in self._plan.faults]})

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
            self._books.options.set(orjson.loads(await request.read()))
        except (ValueError, AttributeError) as error:
            return _refused(str(error))
        return _answer({})

    async def _set_master(self, request: web.Request) -> web.Response:
        """Add accounts, costCentres, projects, vendors and employees (code to name)."""
        master = self._books.master
        try:
            for name, added in orjson.loads(await request.read()).items():
                self._add(name, {str(code): str(text) for code, text in added.items()})
        except (ValueError, AttributeError, KeyError) as error:
            return _refused(str(error))
        return _answer({name: len(rows) for name, rows in master.sets.items()})

    def _add(self, name: str, added: Mapping[str, str]) -> None:
        master = self._books.master
        if name in ("costCentres", "projects"):
            master.add_values(COST_CENTRE if name == "costCentres" else PROJECT, dict(added))
            return
        adds = {
            "accounts": master.add_account,
            "vendors": master.add_vendor,
            "employees": master.add_employee,
        }[name]
        for code, text in added.items():
            adds(code, text)

    async def _meddle(self, request: web.Request) -> web.Response:
        try:
            asked = orjson.loads(await request.read())
            if asked["do"] == "stray_line":
                return _answer(add_stray_line(self._books, asked["journal"]))
            changed = meddle(
                self._books.general, asked["reference"], asked["do"], asked.get("account", "")
            )
        except (ValueError, TypeError, KeyError, Refused) as error:
            return _refused(str(error))
        return _answer({"changed": changed})

    async def _reset(self, _: web.Request) -> web.Response:
        """Empty ledger and journals; forget faults and counts; options and master data stay."""
        self._books.reset()
        self._plan.faults.clear()
        self._traffic.clear()
        self._limits.clear()
        return _answer({})


def _answer(document: object) -> web.Response:
    return web.Response(body=written(document), content_type="application/json")


def _refused(text: str) -> web.Response:
    return web.Response(
        status=400, body=written({"error": {"message": text}}), content_type="application/json"
    )
