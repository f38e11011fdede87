"""What the pages of one integration have in common: it exists, and who may change it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import Http404, HttpRequest

from bilag.portal.scope import Desk


@contextmanager
def unknown_is_not_found() -> Iterator[None]:
    """Turn the LookupError with which a verb says "unknown" into a page that is not there."""
    try:
        yield
    except LookupError as error:
        if type(error) is not LookupError:
            raise
        raise Http404 from error


def only_admins_change(request: HttpRequest, desk: Desk) -> None:
    """Let everybody who may see the page read it, and an administrator send its form."""
    if request.method == "POST" and desk.role != "admin":
        raise Http404
