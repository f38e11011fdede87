"""Switching an integration on or off (C6), with what happens to what waits."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.sending.forms import FreeText, PlaceForm
from bilag.portal.sending.panel import read_panel
from bilag.portal.sending.places import unknown_is_not_found
from bilag.tenants.organizations import REASON_MAX


class SwitchForm(PlaceForm):
    """Why, for the audit log."""

    reason = FreeText(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("It is kept in the audit log."),
        required=False,
        max_length=REASON_MAX,
    )


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def switch(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Say what happens when the integration is switched on or off, and do it."""
    with unknown_is_not_found():
        panel = read_panel(desk, key)
        waiting = desk.integrations.waiting(key)
    form = SwitchForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        # the page says to what, so that a second press of the button does not switch it back
        enabled = request.POST.get("to") == "on"
        desk.integrations.switch(key, enabled=enabled, reason=form.cleaned_data["reason"])
        told = _("%(name)s is switched on.") if enabled else _("%(name)s is switched off.")
        say(request, told % {"name": panel.name})
        return redirect("sending:switch", desk.organization.slug, key)
    context = {"panel": panel, "waiting": waiting, "form": form}
    return render(request, "sending/switch.html", context)
