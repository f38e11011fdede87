"""Carries out faults on the wire of the Xledger sandbox.

What is Xledger's own is here; cut, dripping, late and missing answers are the REST sandbox's.
"""

from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from bilag.sandbox.faults import Fault
from bilag.sandbox.rest import damage
from bilag.sandbox.xledger.login import WRONG_TOKEN
from bilag.sandbox.xledger.system import System, Twist

# Acts on the request and answers it, as undisturbed as the twist says.
Act = Callable[[Twist], Awaitable[web.Response]]


async def struck(
    fault: Fault, request: web.Request, system: System, act: Act
) -> web.StreamResponse:
    """Answer a GraphQL request that a fault strikes."""
    match fault.kind:
        case "too_many":
            # xledger.md §8: HTTP 200 [C3] and a top-level code [C]; there is no Retry-After.
            return answered(system.options.error_status, [system.limits.error("burst")])
        case "expired_token":
            system.logins.oauth.revoke(request.headers)
            return answered(system.options.auth_status, [{"message": WRONG_TOKEN}])
        case "wrong_company" | "other_reference":
            return await act(fault.kind)
        case "null_data":
            await act("")
            # xledger.md §9 [C3]: data can be null.
            return _json(200, {"data": None})
        case "echo":
            return await _echoed(request)
        case _:

            async def undisturbed() -> web.Response:
                return await act("")

            return await damage.struck(fault, request, system.logins.oauth, undisturbed)


def answered(status: int, errors: list[dict[str, object]]) -> web.Response:
    """Return an answer of errors alone (§8 [C])."""
    return _json(status, {"errors": errors})


def _json(status: int, document: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")


async def _echoed(request: web.Request) -> web.Response:
    headers = {str(name): value for name, value in request.headers.items()}
    body = (await request.read()).decode("utf-8", "replace")
    # Each value's last word alone too: a token is a secret without "token" before it as well.
    words = [value.split()[-1] for value in headers.values() if value.strip()]
    message = f"Cannot read {headers} {body}"
    return answered(400, [{"message": message, "extensions": {"words": words}}])
