"""The language and colours that a person has chosen; they follow them to every browser."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from bilag.portal.accounts.models import COLOURS, LANGUAGES
from bilag.portal.accounts.sessions import is_for_people


def language_of(user: Any) -> str:
    """Return nb, nn or en as a signed-in person has chosen, else an empty text."""
    return getattr(user, "language", "")


def colours_of(user: Any) -> str:
    """Return auto, light or dark as a signed-in person has chosen, else an empty text."""
    return getattr(user, "colours", "")


def remember(user: Any, *, language: str = "", colours: str = "") -> None:
    """Keep what a signed-in person has chosen; what is unknown or left out stays as it was."""
    if not user.is_authenticated:
        return
    changed = {}
    if language in LANGUAGES:
        changed["language"] = language
    if colours in COLOURS:
        changed["colours"] = colours
    for name, value in changed.items():
        setattr(user, name, value)
    if changed:
        user.save(update_fields=list(changed))


class ChosenLanguage:
    """Django middleware: a signed-in person's own language goes before the browser's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if is_for_people(request):
            chosen = language_of(request.user)
            if chosen:
                translation.activate(chosen)
                request.LANGUAGE_CODE = chosen
        return self._get_response(request)
