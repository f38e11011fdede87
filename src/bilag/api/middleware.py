"""What every answer below /api/ has: a request id, no caching, and problem details when it refuses.

Around everything but the security headers, so that also what Django itself answers (404, 405, a
wrong host) is told in our form.
"""

from collections.abc import Callable
from uuid import uuid4

import structlog
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from bilag.api.problems import MEDIA_TYPE, ApiProblem, problem_response, server_fault
from bilag.core.problem import Problem
from bilag.records.fields import shown

log = structlog.get_logger(__name__)

_CODES = {404: "resource_unknown", 405: "method_not_allowed"}


class ApiAnswers:
    """Django middleware; outside /api/ it only refuses a foreign host."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        request.id = uuid4().hex  # type: ignore[attr-defined]  # a request takes any attribute
        refused = _foreign_host(request)
        if refused is None and not request.path_info.startswith("/api/"):
            return self._get_response(request)
        response = refused or self._answer(request)
        response["Cache-Control"] = "no-store"
        response["Content-Length"] = str(len(response.content))
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        # Django reads no body without a length; taken for empty, it would be refused misleadingly.
        if "Transfer-Encoding" in request.headers and "Content-Length" not in request.headers:
            return problem_response(request, ApiProblem(411, Problem("length_missing")))
        response = self._get_response(request)
        if response.status_code < 400 or response["Content-Type"] == MEDIA_TYPE:
            return response
        if response.status_code >= 500:
            return problem_response(request, server_fault(request, None))
        status = response.status_code if response.status_code in _CODES else 400
        allowed = response.get("Allow", "")
        problem = Problem(
            _CODES.get(status, "request_malformed"), params={"allowed": allowed} if allowed else {}
        )
        headers = {"Allow": allowed} if allowed else {}
        return problem_response(request, ApiProblem(status, problem, **headers))


def _foreign_host(request: HttpRequest) -> HttpResponse | None:
    """Refuse a Host that is not ours; Django would log each one with a traceback."""
    try:
        request.get_host()
    except DisallowedHost:
        host = shown(request.META.get("HTTP_HOST", ""))
        log.warning("host_refused", request=request.id, host=host)  # type: ignore[attr-defined]
        problem = Problem("host_not_allowed", params={"host": host})
        return problem_response(request, ApiProblem(400, problem))
    return None
