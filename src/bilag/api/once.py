"""Idempotency-Key: a request that is repeated under its key is answered as the first time.

Only answers that did something (2xx) are kept; what was refused may come again, corrected or not.
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import orjson
from django.http import HttpRequest, HttpResponse

from bilag.api.auth import caller_of
from bilag.api.problems import RETRY_SECONDS, ApiProblem
from bilag.core.problem import Problem
from bilag.delivery.installation import installation
from bilag.tenants.idempotency import Answered, Reservation, keep_answer, release, reserve

P = ParamSpec("P")

KEY_LENGTH_MAX = 255
KEY_PATTERN = rf"^[\x21-\x7e]{{1,{KEY_LENGTH_MAX}}}$"
# Of a larger answer only the counts are kept; its list can be asked for again without the key.
_ANSWER_BYTES_MAX = 1024 * 1024
_LISTS = ("lines", "answers")


def once(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Make an operation with a JSON body honour the key; goes under the router's decorator."""

    @wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        body_hash = hashlib.sha256(request.body).digest()
        return answered_once(request, body_hash, lambda: view(request, *args, **kwargs))

    return answer


def answered_once(
    request: HttpRequest, body_hash: bytes, run: Callable[[], HttpResponse]
) -> HttpResponse:
    """Run the operation, or return the answer that the key has; raises ApiProblem (400, 409, 422).

    Without a key it only runs. Of several at once one runs, the others are told to come again.
    """
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return run()
    if not re.fullmatch(KEY_PATTERN, given):
        params = {"maximum": str(KEY_LENGTH_MAX)}
        raise ApiProblem(400, Problem("idempotency_key_not_valid", params=params))
    # Kept as a hash: whatever a client makes its keys from is not for us to store.
    key = f"post:{hashlib.sha256(given.encode()).hexdigest()}"
    organization = caller_of(request).organization_id
    address = f"{request.method} {request.get_full_path()} {request.content_type}\n"
    digest = hashlib.sha256(address.encode() + body_hash).digest()
    with installation().pool.connection() as connection:
        found = reserve(connection, organization, key, digest)
    if isinstance(found, Answered):
        return HttpResponse(
            found.body, status=found.status, content_type="application/json",
            headers={"Idempotent-Replayed": "true"},
        )  # fmt: skip
    if found is Reservation.OTHER_REQUEST:
        raise ApiProblem(422, Problem("idempotency_key_reused"))
    if found is Reservation.IN_PROGRESS:
        problem = Problem("idempotency_in_progress")
        raise ApiProblem(409, problem, Retry_After=str(RETRY_SECONDS))
    kept = False
    try:
        response = run()
        with installation().pool.connection() as connection:
            keep_answer(connection, organization, key, digest, _to_keep(response))
        kept = True
    finally:
        if not kept:
            with installation().pool.connection() as connection:
                release(connection, organization, key, digest)
    return response


def _to_keep(response: HttpResponse) -> Answered:
    body = response.content
    if len(body) > _ANSWER_BYTES_MAX:
        found: dict[str, Any] = orjson.loads(body)
        body = orjson.dumps({name: found[name] for name in found if name not in _LISTS})
    return Answered(response.status_code, body.decode())
