"""Removing a passkey: the last second factor of a person stays."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.http import HttpResponse
from django.utils.translation import gettext as _


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]  # allauth is not typed
    """allauth's page, which would remove the last one as well."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it, or say why it stays."""
        if self._stays():
            return self.render_to_response(self.get_context_data(), status=409)  # type: ignore[no-any-return]
        return super().form_valid(form)  # type: ignore[no-any-return]

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Return what the page shows; `problem` in place of the button when it has to stay."""
        said = _("This is your last second factor. Set up another one before you remove it.")
        return {**super().get_context_data(**more), "problem": said if self._stays() else ""}

    def _stays(self) -> bool:
        return not get_adapter().can_delete_authenticator(self.object)
