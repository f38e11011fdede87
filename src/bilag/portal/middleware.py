"""What every page answers with: nothing but our own scripts and styles, and nothing kept.

Answers below /api/ have headers of their own.
"""

from collections.abc import Callable

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
