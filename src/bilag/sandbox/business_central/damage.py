"""Faults as Business Central would show them; what only harms the wire is the REST sandbox's.

`struck` acts in place of the system, `inside` refuses one operation of a `$batch`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson
from aiohttp import web

from bilag.sandbox.business_central.refusals import (
    Refused,
    as_json,
    credentials,
    locked,
    too_many,
)
from bilag.sandbox.business_central.values import written
from bilag.sandbox.faults import Fault
from bilag.sandbox.rest import damage as wire

SILENT_DROPS = 100

_OTHER = {
    "id": "00000001-0000-4000-8000-0000000000ff",
    "entryNumber": 999999,
    "postingDate": "2026-01-31",
    "documentNumber": "BAAAAAAAAAAAAAAAAAAA",
    "accountNumber": "7140",
    "description": "Another voucher",
    "vendorInvoiceNumber": "BAAAAAAAAAAAAAAAAAAA",
    "lineNumber": 10000,
    "amount": 1,
    "debitAmount": 1,
    "creditAmount": 0,
}
_VOUCHERS = ("generalLedgerEntries", "journalLines", "purchaseInvoices")
_COMPANY = {"id": "b0b0b0b0-1111-4222-8333-444455556666", "name": "Another Organization"}


async def struck(
    fault: Fault,
    request: web.Request,
    logins: wire.Revokes,
    act: Callable[[], Awaitable[web.Response]],
) -> web.StreamResponse:
    """Answer a request that a fault strikes; `act` is what the system would have done."""
    match fault.kind:
        case "wrong_company":
            return _rewritten(await act(), _another_company)
        case "other_reference":
            return _rewritten(await act(), _another_voucher)
        case "expired_token":
            logins.revoke(request.headers)
            return refusal(credentials(), request)
        case "echo":
            return refusal(await _echo(request), request)
        case "cut_answer" | "drip":
            return await _unfinished(fault, request, logins, await act())
        case _:
            if refused := inside(fault):
                return refusal(refused, request)
            return await wire.struck(fault, request, logins, act)


async def _unfinished(
    fault: Fault, request: web.Request, logins: wire.Revokes, answer: web.Response
) -> web.StreamResponse:
    async def acted() -> web.Response:
        return answer

    if answer.body:
        return await wire.struck(fault, request, logins, acted)
    # A 204 has no body to cut or to drip, so that nothing of it arrives, or nothing for long.
    if fault.kind == "drip":
        await asyncio.sleep(fault.seconds * SILENT_DROPS)
    return await wire.struck(replace(fault, kind="lost_answer"), request, logins, acted)


def inside(fault: Fault) -> Refused | None:
    """Return what a fault refuses with; nothing was done. None: it is not that kind of fault."""
    match fault.kind:
        case "lock":
            return locked()
        case "too_many":
            return too_many(101, 100, fault.retry_after)
        case "error_before":
            # dynamics.md §1.9
            return Refused(500, "Internal_ServerError", "An unexpected error occurred.")
        case _:
            return None


def refusal(refused: Refused, request: web.Request) -> web.Response:
    """Return a refusal as a response."""
    headers = {"Retry-After": refused.retry_after} if refused.retry_after else {}
    body = written(as_json(refused, request.headers.get("Accept-Language", "")))
    return web.Response(
        status=refused.status, body=body, headers=headers, content_type="application/json"
    )


async def _echo(request: web.Request) -> Refused:
    headers = {str(name): value for name, value in request.headers.items()}
    words = [value.split()[-1] for value in headers.values() if value.strip()]
    body = (await request.read()).decode("utf-8", "replace")
    return Refused(400, "BadRequest", f"Cannot read {headers} {words} {body}")


def _rewritten(answer: web.Response, change: Callable[[Any], Any]) -> web.Response:
    if not isinstance(answer.body, bytes) or answer.status >= 300:
        return answer
    document = orjson.loads(answer.body)
    if isinstance(document.get("responses"), list):
        for one in document["responses"]:
            if isinstance(one.get("body"), dict):
                one["body"] = change(one["body"])
    return web.Response(body=orjson.dumps(change(document)), content_type="application/json")


def _another_company(document: dict[str, Any]) -> dict[str, Any]:
    if "value" in document:
        return document | {"value": [one | _COMPANY for one in document["value"]]}
    return document | _COMPANY


def _another_voucher(document: dict[str, Any]) -> dict[str, Any]:
    name = str(document.get("@odata.context", "")).rpartition("#")[2]
    return document | {"value": [_OTHER]} if name in _VOUCHERS else document
