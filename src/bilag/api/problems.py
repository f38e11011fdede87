"""Every refusal as RFC 9457 problem details, in the caller's language, with nothing from inside.

An unexpected fault is logged by type and place under the request's id; the caller gets the id.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils.translation.trans_real import parse_accept_lang_header
from ninja.errors import AuthenticationError, HttpError, ValidationError
from psycopg_pool import PoolTimeout

from bilag.api.values import value_problem
from bilag.core.problem import Problem, Refused
from bilag.core.texts import LANGUAGES, say
from bilag.delivery.installation import tenant
from bilag.exports.decide import DecisionRefused
from bilag.integrations.keys import KeysUnreachable
from bilag.records.json_text import BadJson
from bilag.tenants.callers import Caller
from bilag.tenants.organizations import read_organization

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
# A record can have more faults than anybody reads; the answer lists so many and counts the rest.
PROBLEMS_MAX = 1_000
# Failure policy: a caller that is told to wait should come again after so many seconds.
RETRY_SECONDS = 1


class ApiProblem(Exception):
    """Answers with this HTTP status and these problems; the first one's code names the whole."""

    def __init__(self, status: int, *problems: Problem, **headers: str) -> None:
        super().__init__(status, problems[0].code)
        self.status = status
        self.problems = problems
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@contextmanager
def not_found_if_unknown() -> Iterator[None]:
    """Turn the LookupError with which a verb says "unknown" into 404; a KeyError stays a fault."""
    try:
        yield
    except LookupError as error:
        if type(error) is not LookupError:
            raise
        raise ApiProblem(404, Problem("resource_unknown")) from error


def problem_response(request: HttpRequest, problem: ApiProblem) -> HttpResponse:
    """Return the problem details of a refusal, in the language of `language_of`."""
    language = language_of(request)
    first = problem.problems[0]
    several = len(problem.problems) > 1
    count = {"count": str(len(problem.problems))}
    body: dict[str, Any] = {
        "type": f"urn:bilag:problem:{first.code}",
        "title": say(f"api_title_{problem.status}", language),
        "status": problem.status,
        "detail": say("problems_several", language, **count) if several else first.text(language),
        "code": first.code,
        "requestId": request_id_of(request),
        "problems": [p.as_json(language) for p in problem.problems[:PROBLEMS_MAX]],
    }
    if len(problem.problems) > PROBLEMS_MAX:
        body["moreProblems"] = len(problem.problems) - PROBLEMS_MAX
    return HttpResponse(
        orjson.dumps(body), status=problem.status, content_type=MEDIA_TYPE, headers=problem.headers
    )


def response_of(request: HttpRequest, error: Any) -> HttpResponse:
    """Return the answer to anything an operation raises; never raises, never shows the inside."""
    return problem_response(request, _as_problem(request, error))


def _as_problem(request: HttpRequest, error: Exception) -> ApiProblem:
    # The framework hides what its body parser raised in a 400; the cause says what it was.
    if isinstance(error, HttpError) and isinstance(error.__cause__, ApiProblem | BadJson):
        error = error.__cause__
    match error:
        case ApiProblem():
            return error
        case Refused():
            return ApiProblem(422, *error.problems)
        case BadJson():
            return ApiProblem(400, error.problem)
        case ValidationError():
            return ApiProblem(422, *(value_problem(fault) for fault in error.errors))
        case DecisionRefused():
            return ApiProblem(409, error.problem)
        case AuthenticationError():
            headers = {"WWW_Authenticate": "Bearer"}
            return ApiProblem(401, Problem("token_not_valid"), **headers)
        case UnreadablePostError():  # the caller went away while it was sending
            return ApiProblem(400, Problem("request_malformed"))
        case RequestDataTooBig():
            params = {"maximum": str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)}
            return ApiProblem(413, Problem("body_too_large", params=params))
        case psycopg.OperationalError() | PoolTimeout():
            _log_fault(request, "database_unavailable", error)
            problem = Problem("database_unavailable")
            return ApiProblem(503, problem, Retry_After=str(RETRY_SECONDS))
        case KeysUnreachable():
            _log_fault(request, "keys_unavailable", error)
            return ApiProblem(503, Problem("keys_unavailable"), Retry_After=str(RETRY_SECONDS))
        case _:
            return server_fault(request, error)


def server_fault(request: HttpRequest, error: BaseException | None) -> ApiProblem:
    """Log a fault by its type and place, never its text; return the 500 with the request's id."""
    _log_fault(request, "request_failed", error)
    return ApiProblem(500, Problem("server_fault", params={"request": request_id_of(request)}))


def language_of(request: HttpRequest) -> str:
    """Return the first of nb, nn, en in Accept-Language, else the organization's language."""
    for wanted, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        language = wanted.split("-")[0]
        if language in LANGUAGES:
            return language
        if language == "no":
            return "nb"
    caller = getattr(request, "auth", None)
    if not isinstance(caller, Caller):
        return "nb"
    try:
        with tenant(caller.organization_id, RETRY_SECONDS) as connection:
            organization = read_organization(connection, caller.organization_id)
    except (psycopg.OperationalError, PoolTimeout):
        return "nb"
    return organization.language if organization else "nb"


def request_id_of(request: HttpRequest) -> str:
    """Return the id under which this request is logged; the middleware draws it."""
    return str(getattr(request, "id", ""))


def _log_fault(request: HttpRequest, event: str, error: BaseException | None) -> None:
    frames = traceback.extract_tb(error.__traceback__) if error else []
    place = [f"{frame.filename.rpartition('bilag/')[2]}:{frame.lineno}" for frame in frames[-5:]]
    log.error(event, request=request_id_of(request), method=request.method,
              error=type(error).__name__, at=place)  # fmt: skip
