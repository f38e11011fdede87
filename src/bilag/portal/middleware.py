"""What every page answers with: nothing but our own scripts and styles, and nothing kept.

Answers below /api/ have headers of their own.
"""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class PageHeaders:
    """Django middleware; a page that set its own policy or caching keeps it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        response = self._get_response(request)
        if not request.path_info.startswith("/api/"):
            response.headers.setdefault("Content-Security-Policy", _POLICY)
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class NoNul:
    """Django middleware; 400 to a NUL in an address or a form, which no text can hold."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if not request.path_info.startswith("/api/") and _holds_nul(request):
            raise BadRequest("a NUL in the request")
        return self._get_response(request)


def _holds_nul(request: HttpRequest) -> bool:
    parts = [*request.GET.lists(), *request.POST.lists()]
    return "\0" in request.path_info or any(
        "\0" in text for name, values in parts for text in (name, *values)
    )
