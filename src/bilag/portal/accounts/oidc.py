"""Signing in with another provider (OpenID Connect): who may come in, and how it is asked.

A provider opens an existing person's account only by an e-mail address that it says is verified.
"""

from typing import Any

import requests
import structlog
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from bilag.delivery.installation import installation
from bilag.delivery.outgoing import GuardedSession
from bilag.portal.accounts.arrivals import carried_invitation
from bilag.tenants.members import is_global_admin, memberships_of

log = structlog.get_logger(__name__)


class Providers(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth is not typed strictly
    """Lets in who is expected: a person we know, a member, or somebody who was invited."""

    def get_requests_session(self) -> requests.Session:
        """Return a session that reaches public https and the networks given to the providers."""
        apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
        return GuardedSession(
            network for app in apps for network in app["settings"]["allowed_networks"]
        )

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        """Return whether the provider itself says that this address belongs to the person."""
        return email.lower() == _verified_address(login)

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Refuse everything but a sign-in with an account we know or a verified address."""
        if sociallogin.state.get("process") != "login":
            raise ImmediateHttpResponse(refusal(request, _("This is only for signing in.")))
        if not sociallogin.is_existing and not _verified_address(sociallogin):
            raise ImmediateHttpResponse(
                refusal(
                    request,
                    _("%(provider)s did not say that your e-mail address is verified.")
                    % {"provider": sociallogin.provider.name},
                )
            )

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Return True for a member or an invited person; everybody else is shown a page."""
        email = _verified_address(sociallogin)
        invitation = carried_invitation(request)
        with installation().pool.connection() as connection:
            known = memberships_of(connection, email) or is_global_admin(connection, email)
        if known or (invitation and invitation.email == email):
            return True
        raise ImmediateHttpResponse(
            refusal(
                request,
                _(
                    "You are signed in with %(provider)s as %(email)s, but nobody has invited this"
                    " address yet. Ask an administrator of your organization for an invitation,"
                    " and open its link first."
                )
                % {"provider": sociallogin.provider.name, "email": email},
            )
        )


def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the person to the provider; a provider that cannot be reached gets a page."""
    return _asked(openid_connect.login, request, provider_id)


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the person back from the provider; a provider that cannot be reached gets a page."""
    return _asked(openid_connect.callback, request, provider_id)


def _asked(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        response: HttpResponse = view(request, provider_id)
    except (requests.RequestException, KeyError, TypeError, ValueError) as error:
        # the provider's answer may hold anything; its kind says enough
        log.warning("provider_failed", provider=provider_id, error=type(error).__name__)
        return refusal(
            request,
            _("The provider gave no usable answer. Try again, or sign in in another way."),
            status=502,
        )
    return response


def refusal(request: HttpRequest, text: str, status: int = 403) -> HttpResponse:
    """Return the page that says why nobody was signed in, and what to do."""
    return render(request, "accounts/refused.html", {"text": text}, status=status)


def _verified_address(login: SocialLogin) -> str:
    """Return the lower-cased address that the provider vouches for, or an empty text."""
    said = login.account.extra_data
    claims = said.get("userinfo") or said.get("id_token") or {}
    email = str(claims.get("email") or "").lower()
    # the specification's boolean; some send it as a text, of which "false" would count as true
    verified = claims.get("email_verified") in (True, "true")
    domains = login.provider.app.settings["verified_email"]
    if verified or email.partition("@")[2] in domains:
        return email
    return ""
