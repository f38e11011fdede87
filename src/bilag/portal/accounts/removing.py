"""Removing a second factor: the last one of a person stays, and the page says so when asked to."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.views import DeactivateTOTPView
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.http import HttpResponse
from django.utils.translation import gettext as _


class RemoveApp(DeactivateTOTPView):  # type: ignore[misc]  # allauth is not typed
    """allauth's page, which would show its error before anybody asked."""

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return the form as sent; one that was not sent has no errors."""
        named: dict[str, Any] = super().get_form_kwargs()
        return named if self.request.method == "POST" else {**named, "data": None}


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]
    """allauth's page, which would remove the last one as well."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it, or say why it stays."""
        if get_adapter().can_delete_authenticator(self.object):
            return super().form_valid(form)  # type: ignore[no-any-return]
        said = _("This is your last second factor. Set up another one before you remove it.")
        form.add_error(None, said)
        return self.form_invalid(form)  # type: ignore[no-any-return]
