"""When a session ends: after a time without requests, and after a time whatever happens.

The end is kept in the session itself, so that Django forgets it then, also in the database.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

STARTED, ENDS = "signed_in_at", "session_ends_at"
# A request within this many seconds of the last one does not write the session again.
_WRITE_SECONDS = 60


def is_for_people(request: HttpRequest) -> bool:
    """Return whether a request may belong to somebody signed in; others cost no query."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and not request.path_info.startswith(
        "/api/"
    )


class SessionEnd:
    """Django middleware: every request of a signed-in person puts the idle end off.

    Asking for the end does not; so a page that asks keeps nobody signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if is_for_people(request) and request.path_info != reverse("account_session_end"):
            put_off(request)
        return self._get_response(request)


def put_off(request: HttpRequest, *, at_once: bool = False) -> None:
    """Let the session end later, as far as it may; writes it at most once a minute."""
    if not request.user.is_authenticated:
        return
    now = timezone.now().timestamp()
    started = request.session.setdefault(STARTED, now)
    end = min(now + settings.SESSION_IDLE_SECONDS, started + settings.SESSION_ABSOLUTE_SECONDS)
    if end <= now:
        logout(request)
    elif abs(end - request.session.get(ENDS, 0)) > (0 if at_once else _WRITE_SECONDS):
        request.session[ENDS] = end
        request.session.set_expiry(datetime.fromtimestamp(end, UTC))
        seen = UserSession.objects.filter(session_key=request.session.session_key)
        seen.update(last_seen_at=timezone.now())


def session_end(request: HttpRequest) -> datetime:
    """Return when the session ends if nothing more is asked for."""
    return timezone.now() + timedelta(seconds=request.session.get_expiry_age())


def forget_ended_sessions() -> None:
    """Delete sessions that have ended; called at each sign-in, so there are never many."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
