"""Where allauth asks us: nobody signs up by themselves, and secrets are sealed in the database."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from bilag.portal.accounts.mail import can_mail
from bilag.portal.accounts.proof import FACTORS, PROVEN, has_just_proven
from bilag.portal.scope import Level, say

_LEVELS: dict[int, Level] = {
    messages.SUCCESS: "success",
    messages.INFO: "info",
    messages.WARNING: "warning",
    messages.ERROR: "danger",
}


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is not typed strictly
    """Passwords and sign-in; people come by invitation only."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False: see `invitation.py`."""
        return False

    def is_reauthentication_required(self, *, app: str, **rest: Any) -> bool:
        """Spare who has to set a second factor up now, and who has just proven one."""
        if app == "allauth.mfa" and (
            not self.request.session.get(PROVEN) or has_just_proven(self.request)
        ):
            return False
        return bool(super().is_reauthentication_required(app=app, **rest))

    def send_password_reset_mail(self, user: Any, email: str, context: dict[str, Any]) -> None:
        """Send the link; not to who signs in elsewhere: a password here would outlive that."""
        if can_mail() and user.has_usable_password():
            super().send_password_reset_mail(user, email, context)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say it in the status region of the next page; an empty template says nothing."""
        if message_template:
            try:
                message = render_to_string(message_template, message_context, request).strip()
            except TemplateDoesNotExist:
                return
        if message:
            say(request, message, _LEVELS.get(level, "info"))


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is not typed strictly
    """TOTP keys and recovery codes are stored sealed, and the last second factor stays."""

    def encrypt(self, text: str) -> str:
        """Return a secret as it is stored."""
        return _seal().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return a stored secret; raises InvalidToken when another installation sealed it."""
        return _seal().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Return whether another second factor would be left."""
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=FACTORS)
        return bool(others.exclude(pk=authenticator.pk).exists())

    def build_totp_svg(self, url: str) -> str:
        """Return the QR code as it can stand in a page."""
        _declaration, start, rest = super().build_totp_svg(url).partition("<svg")
        return f"{start}{rest}"

    def generate_authenticator_name(self, user: Any, type: str) -> str:  # noqa: A002
        """Return the name that is proposed for a new passkey."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return _("Passkey %(number)s") % {"number": number}


def _seal() -> Fernet:
    # derived like what signs cookies, so that every web process has the same
    key = salted_hmac("bilag second factor", "", settings.SECRET_KEY, algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(key))
