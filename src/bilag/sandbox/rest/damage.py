"""Carries out faults on the wire: cut, dripping, garbled, late or missing answers.

`before` acts instead of the system, `after` on its answer; together they cover every kind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import orjson
from aiohttp import web

from bilag.sandbox.faults import Fault
from bilag.sandbox.rest.posting import unauthorized

# Failure policy: a silent or dripping answer ends after 2 minutes, so that no socket of a test
# run outlives it for long.
ENDLESS_SECONDS = 120.0
HUGE_BYTES = 8 * 1024 * 1024


class Revokes(Protocol):
    """What an expired token is told to."""

    def revoke(self, headers: Mapping[str, str]) -> None:
        """Make the token of a request worthless."""


_PAGE = b"<html><body><h1>Welcome</h1></body></html>"


async def struck(
    fault: Fault, request: web.Request, logins: Revokes, act: Callable[[], Awaitable[web.Response]]
) -> web.StreamResponse:
    """Answer a request that a fault strikes; `act` is what the system would have done."""
    if fault.kind == "late_commit":
        await asyncio.sleep(fault.seconds)
        return await act()
    if (instead := await _before(fault, request, logins)) is not None:
        return instead
    return await _after(fault, request, await act())


async def _before(fault: Fault, request: web.Request, logins: Revokes) -> web.StreamResponse | None:
    match fault.kind:
        case "error_before":
            return _page(500)
        case "status":
            return _page(fault.status)
        case "echo":
            return await _echoed(request)
        case "too_many":
            return web.Response(
                status=429,
                body=b'{"error":{"message":"Too many requests"}}',
                headers={"Retry-After": fault.retry_after},
                content_type="application/json",
            )
        case "expired_token":
            logins.revoke(request.headers)
            return unauthorized()
        case "reset_before":
            return _cut(request)
        case "silent":
            await asyncio.sleep(ENDLESS_SECONDS)
            return _cut(request)
        case "redirect":
            return web.Response(status=307, headers={"Location": fault.location})
        case "huge":
            return web.Response(body=b" " * HUGE_BYTES, content_type="application/json")
        case _:
            return None


async def _after(fault: Fault, request: web.Request, answer: web.Response) -> web.StreamResponse:
    match fault.kind:
        case "lost_answer":
            return _cut(request)
        case "error_after":
            return _page(500)
        case "gateway_timeout":
            await asyncio.sleep(fault.seconds)
            return _page(504)
        case "garbage":
            return _page(200)
        case "slow":
            await asyncio.sleep(fault.seconds)
            return answer
        case "drip":
            return await _dripped(fault, request, answer)
        case "cut_answer":
            return await _half(request, answer)
        case "wrong_company":
            return _changed(answer, {"id": "111111111", "name": "Another Organization"})
        case _:
            return _with_other_reference(answer)


def _page(status: int) -> web.Response:
    return web.Response(status=status, body=_PAGE, content_type="text/html")


async def _echoed(request: web.Request) -> web.Response:
    headers = {str(name): value for name, value in request.headers.items()}
    body = (await request.read()).decode("utf-8", "replace")
    error = {"message": f"Cannot read {headers} {body}", "field": f"{headers}"}
    # Each value's last word alone too: a token is a secret without "Bearer" before it as well.
    words = [value.split()[-1] for value in headers.values() if value.strip()]
    document = {"error": error, "headers": headers, "body": body, "words": words}
    return web.Response(status=400, body=orjson.dumps(document), content_type="application/json")


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _content(answer: web.Response) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b""


async def _dripped(fault: Fault, request: web.Request, answer: web.Response) -> web.StreamResponse:
    content = _content(answer)
    stream = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
    stream.content_length = len(content)
    await stream.prepare(request)
    async with asyncio.timeout(ENDLESS_SECONDS):
        for place in range(len(content)):
            await stream.write(content[place : place + 1])
            await asyncio.sleep(fault.seconds)
    return stream


async def _half(request: web.Request, answer: web.Response) -> web.StreamResponse:
    content = _content(answer)
    stream = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
    stream.content_length = len(content)
    await stream.prepare(request)
    await stream.write(content[: len(content) // 2])
    # The half has to leave before the connection is cut, or the client sees nothing of it.
    await asyncio.sleep(0.05)
    _cut(request)
    return stream


def _changed(answer: web.Response, changes: dict[str, str]) -> web.Response:
    document = orjson.loads(_content(answer)) | changes
    return web.Response(
        status=answer.status, body=orjson.dumps(document), content_type="application/json"
    )


def _with_other_reference(answer: web.Response) -> web.Response:
    other = {
        "id": "V-999999",
        "reference": "BAAAAAAAAAAAAAAAAAAA",
        "voucherNumber": "2026-9999",
        "postingDate": "2026-01-31",
        "currency": "NOK",
        "amount": "1",
        "status": "posted",
    }
    return _changed_items(answer, [other])


def _changed_items(answer: web.Response, items: list[dict[str, str]]) -> web.Response:
    document = orjson.loads(_content(answer)) | {"items": items, "count": len(items)}
    return web.Response(
        status=answer.status, body=orjson.dumps(document), content_type="application/json"
    )
