"""When the organization is yellow or red, when people are told, and how (O1, O7)."""

from dataclasses import asdict, replace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from bilag.core.problem import Refused
from bilag.delivery.installation import tenant
from bilag.integrations.organization_secrets import describe_secret
from bilag.monitoring.settings import (
    BOUNDS,
    WEBHOOK_SECRET,
    new_webhook_secret,
    read_settings,
    save_settings,
)
from bilag.portal.forms import Form
from bilag.portal.scope import Desk, organization_page, say

ROLE_NAMES = (
    ("admin", gettext_lazy("administrators")),
    ("accountant", gettext_lazy("accountants")),
    ("coordinator", gettext_lazy("coordinators")),
)


def _number(name: str, label: Any, hint: Any = "") -> forms.IntegerField:
    least, greatest = BOUNDS[name]
    return forms.IntegerField(
        label=label,
        help_text=hint,
        min_value=least,
        max_value=greatest,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class BoundsForm(Form):
    """The bounds, who gets e-mail, and where the webhook is; the wages' share and code."""

    pending_hours = _number(
        "pending_hours",
        gettext_lazy("Yellow when a claim is pending for more than so many hours"),
        gettext_lazy("Counted from when it could have gone: the schedule, a pause, switching on."),
    )
    no_sync_hours = _number(
        "no_sync_hours", gettext_lazy("Red without a sync for so many hours, with claims to send")
    )
    stale_hours = _number(
        "stale_hours", gettext_lazy("Flagged in the overview of all organizations after (hours)")
    )
    pending_alert_hours = _number(
        "pending_alert_hours",
        gettext_lazy("Alert when a claim is pending for more than so many hours"),
    )
    errors_max = _number(
        "errors_max", gettext_lazy("Alert when there are more errors in 24 hours than")
    )
    failures_in_a_row = _number(
        "failures_in_a_row", gettext_lazy("Alert when a claim has failed so many times in a row")
    )
    credential_days = _number(
        "credential_days", gettext_lazy("Alert so many days before a credential expires")
    )
    silence_days = _number(
        "silence_days",
        gettext_lazy("Alert when no new claim has arrived for so many days"),
        gettext_lazy("0 never asks."),
    )
    mail_roles = forms.MultipleChoiceField(
        label=gettext_lazy("Who gets alerts by e-mail"),
        choices=ROLE_NAMES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    webhook_url = forms.CharField(
        label=gettext_lazy("Address of a webhook"),
        help_text=gettext_lazy(
            "Alerts are posted there as JSON, signed (Standard Webhooks). Begins with https://."
        ),
        required=False,
        max_length=2000,
        widget=forms.TextInput(
            attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    wage_warning_percent = _number(
        "wage_warning_percent",
        gettext_lazy("Wages: warn from so many percent of a limit on"),
    )
    wage_income_code = forms.CharField(
        label=gettext_lazy("Wages: income code of honoraria"),
        help_text=gettext_lazy("As the tax authority calls it; ask whoever does the payroll."),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def bounds(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show and change the settings."""
    own = desk.organization.id
    with tenant(own) as connection:
        now = read_settings(connection, own)
    form = BoundsForm(request.POST if request.method == "POST" else None, initial=asdict(now))
    if request.method == "POST" and form.is_valid():
        try:
            with tenant(own) as connection:
                wanted = replace(now, **form.cleaned_data)
                changed = save_settings(connection, own, wanted, actor=desk.actor)
        except Refused as error:
            form.refuse(error)
        else:
            say(request, _("Saved.") if changed else _("Nothing was changed."))
            return redirect("watch:settings", desk.organization.slug)
    return _page(request, desk, form)


@require_POST
@organization_page("admin")
def secret(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Make a new secret for the webhook; this answer is the only place where it stands."""
    own = desk.organization.id
    with tenant(own) as connection:
        made = new_webhook_secret(connection, desk.installation.vault, own, actor=desk.actor)
        now = read_settings(connection, own)
    return _page(request, desk, BoundsForm(initial=asdict(now)), made)


def _page(request: HttpRequest, desk: Desk, form: BoundsForm, made: str = "") -> HttpResponse:
    with tenant(desk.organization.id) as connection:
        described = describe_secret(connection, desk.organization.id, WEBHOOK_SECRET)
    context = {"form": form, "secret": described, "made": made}
    return render(request, "watch/settings.html", context)
