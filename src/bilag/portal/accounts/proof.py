"""Whether this session has proven a second factor; without one nothing but setting one up is open.

It is asked of the session, not of the person: somebody who has only the password must not profit
from a second factor that its owner sets up meanwhile elsewhere.
"""

import time
from collections.abc import Callable
from typing import Any

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from allauth.account.signals import user_logged_in
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.conf import settings
from django.contrib.auth import logout
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from bilag.portal.accounts.sessions import ENDS, STARTED, forget_ended_sessions, is_for_people
from bilag.portal.scope import say

PROVEN = "second_factor_proven_at"
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]

# What may be asked for while a second factor is still to be set up.
_OPEN = ("account_login", "account_logout", "mfa_index", "mfa_activate_totp", "mfa_add_webauthn",
         "mfa_view_recovery_codes", "account_reauthenticate", "account_session_end",
         "account_session_extend", "portal:language", "portal:colours")  # fmt: skip


def has_just_proven(request: HttpRequest) -> bool:
    """Return whether the second factor was proven here so lately that nobody asks again."""
    seconds = time.time() - float(request.session.get(PROVEN, 0))
    return seconds < app_settings.REAUTHENTICATION_TIMEOUT and not came_from_elsewhere(request)


def came_from_elsewhere(request: HttpRequest) -> bool:
    """Return whether this session was opened by another provider, which checks people itself."""
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "socialaccount" for record in records)


class SecondFactor:
    """Django middleware: who signed in with a password alone is sent to set a second factor up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if not is_for_people(request) or self._may_pass(request):
            return self._get_response(request)
        if get_adapter().is_mfa_enabled(request.user, FACTORS):  # set up meanwhile, elsewhere
            logout(request)
            return redirect("account_login")
        if request.path_info in {reverse(name) for name in _OPEN}:
            return self._get_response(request)
        if request.method == "GET":
            say(request, _("Set up a second factor first; it protects the accounts."), "info")
        return redirect("mfa_index")

    @staticmethod
    def _may_pass(request: HttpRequest) -> bool:
        return (
            not request.user.is_authenticated
            or bool(request.session.get(PROVEN))
            or request.path_info.startswith(settings.STATIC_URL)
        )


@receiver(authenticator_added)
def _added(request: HttpRequest, authenticator: Any, **_: Any) -> None:
    if authenticator.type in FACTORS:
        request.session[PROVEN] = time.time()


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: Any, **_: Any) -> None:
    records = get_authentication_records(request, user)
    if any(record.get("method") in ("mfa", "socialaccount") for record in records):
        request.session[PROVEN] = time.time()
    for left_over in (STARTED, ENDS):
        request.session.pop(left_over, None)
    forget_ended_sessions()
