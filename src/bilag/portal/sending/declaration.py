"""The written sign-off of the confidentiality declaration (I8), which honoraria wait for."""

from datetime import date

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from bilag.core.problem import Refused
from bilag.delivery.organization import OrganizationSettings
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.sending.forms import FreeText, PlaceForm, day_input
from bilag.portal.sending.places import only_admins_change
from bilag.tenants.organizations import DECLARATION_MAX, REASON_MAX

_NAME_MAX = 200


class SignOffForm(PlaceForm):
    """What was signed off, by whom and when."""

    template_id = forms.CharField(
        label=gettext_lazy("Template"),
        help_text=gettext_lazy("The app's own name of the declaration, as it sends it."),
        max_length=_NAME_MAX,
    )
    version = forms.CharField(
        label=gettext_lazy("Version"),
        help_text=gettext_lazy("Drivers who acknowledged another version are asked again."),
        max_length=_NAME_MAX,
    )
    signed_off_by = FreeText(
        label=gettext_lazy("Signed off by"),
        help_text=gettext_lazy("Who signed for the organization."),
        max_length=_NAME_MAX,
    )
    signed_off_at = forms.DateField(label=gettext_lazy("Signed off on"), widget=day_input())
    text = forms.CharField(
        label=gettext_lazy("Text of the declaration"),
        help_text=gettext_lazy("Kept for those who look it up; it decides nothing."),
        required=False,
        max_length=DECLARATION_MAX,
        widget=forms.Textarea(attrs={"rows": 8}),
    )


class WithdrawForm(PlaceForm):
    """Why the sign-off is taken back."""

    reason = FreeText(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("It is kept in the audit log."),
        max_length=REASON_MAX,
    )


@require_http_methods(["GET", "POST"])
@organization_page("admin", "accountant")
def declaration(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the sign-off and what waits for it, and record one."""
    only_admins_change(request, desk)
    settings = _settings(desk)
    if request.method == "POST":
        form = SignOffForm(request.POST)
        if form.is_valid():
            try:
                settings.sign_off(**form.cleaned_data)
            except Refused as error:
                form.refuse(error)
            else:
                say(request, _("The sign-off is recorded; held honoraria are tried again."))
                return redirect("sending:declaration", desk.organization.slug)
    else:
        form = SignOffForm()
    signed = settings.declaration()
    day = signed.signed_off_at
    context = {
        "signed": signed,
        "signed_on": date_format(date.fromisoformat(day)) if day else "",
        "form": form,
    }
    return render(request, "sending/declaration.html", context)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def withdraw(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Say what happens when the sign-off is taken back, and do it."""
    settings = _settings(desk)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        settings.withdraw_sign_off(form.cleaned_data["reason"])
        say(request, _("The sign-off is taken back; honoraria are held from now on."))
        return redirect("sending:declaration", desk.organization.slug)
    signed = settings.declaration()
    if not signed.is_signed:
        return redirect("sending:declaration", desk.organization.slug)
    return render(request, "sending/withdraw.html", {"signed": signed, "form": form})


def _settings(desk: Desk) -> OrganizationSettings:
    return desk.installation.settings_of(desk.organization.id, desk.actor)
