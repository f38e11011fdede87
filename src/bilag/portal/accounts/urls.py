"""The addresses below /account/: of allauth those that are used, under the names it knows."""

from collections.abc import Callable
from typing import Any

from allauth.account import views as sign_in
from allauth.mfa.base import views as second_factor
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, re_path
from django.utils.translation import gettext as _

from bilag.portal.accounts import oidc, views
from bilag.portal.accounts.mail import can_mail
from bilag.portal.accounts.proof import came_from_elsewhere
from bilag.portal.accounts.removing import RemoveApp, RemovePasskey
from bilag.portal.scope import Person, person_page

View = Callable[..., HttpResponseBase]


def _own(view: View) -> View:
    """Let the frame around a page of allauth know whose it is."""

    def page(request: HttpRequest, _person: Person, /, **rest: Any) -> HttpResponseBase:
        return view(request, **rest)

    return person_page(page)


def _factor(view: View) -> View:
    """Keep second factors from who signs in elsewhere: they would outlive their account there."""

    def page(request: HttpRequest, _person: Person, /, **rest: Any) -> HttpResponseBase:
        user: Any = request.user
        if came_from_elsewhere(request) and not user.has_usable_password():
            return oidc.refusal(
                request, _("You sign in with another provider, which asks for the second factor.")
            )
        return view(request, **rest)

    return person_page(page)


def _password_reset(request: HttpRequest) -> HttpResponseBase:
    if not can_mail():
        return render(request, "account/password_reset.html")
    page: HttpResponseBase = sign_in.password_reset(request)
    return page


def _refused(request: HttpRequest) -> HttpResponseBase:
    return oidc.refusal(request, _("You were not signed in. Try again, or in another way."))


urlpatterns: list[URLPattern] = [
    path("", views.account, name="account"),
    path("login/", sign_in.login, name="account_login"),
    path("logout/", sign_in.logout, name="account_logout"),
    path("inactive/", sign_in.account_inactive, name="account_inactive"),
    path("reauthenticate/", _own(sign_in.reauthenticate), name="account_reauthenticate"),
    path("email/", views.email, name="account_email"),
    path("password/change/", _own(sign_in.password_change), name="account_change_password"),
    path("password/set/", views.password_elsewhere, name="account_set_password"),
    path("password/reset/", _password_reset, name="account_reset_password"),
    path("password/reset/done/", sign_in.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        sign_in.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        sign_in.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("2fa/", _factor(second_factor.index), name="mfa_index"),
    path("2fa/authenticate/", second_factor.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", _factor(second_factor.reauthenticate), name="mfa_reauthenticate"),
    path("2fa/totp/activate/", _factor(totp.activate_totp), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", _factor(RemoveApp.as_view()), name="mfa_deactivate_totp"),
    path("2fa/passkeys/", _factor(passkeys.list_webauthn), name="mfa_list_webauthn"),
    path("2fa/passkeys/add/", _factor(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("2fa/passkeys/login/", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path(
        "2fa/passkeys/reauthenticate/",
        _factor(passkeys.reauthenticate_webauthn),
        name="mfa_reauthenticate_webauthn",
    ),
    path("2fa/passkeys/<int:pk>/edit/", _factor(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path(
        "2fa/passkeys/<int:pk>/remove/",
        _factor(RemovePasskey.as_view()),
        name="mfa_remove_webauthn",
    ),
    path(
        "2fa/recovery-codes/",
        _factor(recovery_codes.view_recovery_codes),
        name="mfa_view_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/generate/",
        _factor(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/download/",
        _factor(recovery_codes.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
    path("sessions/", views.sessions, name="usersessions_list"),
    path("session/extend", views.session_extend, name="account_session_extend"),
    path("session/end", views.session_ending, name="account_session_end"),
    path("invitation/", views.invitation, name="account_invitation"),
    path("invitation/<str:token>/", views.open_invitation, name="account_open_invitation"),
    path("oidc/<slug:provider_id>/login/", oidc.login, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/callback/", oidc.callback, name="openid_connect_callback"),
    path("oidc/cancelled/", _refused, name="socialaccount_login_cancelled"),
    path("oidc/refused/", _refused, name="socialaccount_signup"),
]
