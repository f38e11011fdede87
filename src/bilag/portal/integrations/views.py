"""External integrations: the list with its kinds of system, and one integration (C1, C3-C5).

An accountant reads; an administrator tests, rotates and changes.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bilag.core.problem import Problem, Refused
from bilag.core.texts_settings import secret_title
from bilag.delivery.connecting import Connected
from bilag.integrations.vault import CALLBACK_CREDENTIAL
from bilag.portal.forms import Form
from bilag.portal.integrations.forms import RotateForm
from bilag.portal.integrations.settings_form import SettingsForm, draw_login, inside
from bilag.portal.integrations.standing import state_words
from bilag.portal.integrations.steps import INTEGRATIONS, step_address
from bilag.portal.scope import Desk, organization_page, say

_read_or_send = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
@organization_page("admin", "accountant")
def listed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the organization's integrations, and every kind of system that can be connected."""
    types = desk.drafting.types(desk.language)
    mine = sorted(
        ((kind, one, state) for kind in types for one, state in kind.integrations),
        key=lambda row: row[1].key,
    )
    return render(request, "integrations/list.html", {"types": types, "mine": mine})


@require_GET
@organization_page("admin", "accountant")
def overview(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show one integration: how it stands, its company, credentials, newest test, and its pages."""
    found = _found(desk, key)
    slug, one = desk.organization.slug, found.integration
    if found.draft is not None and desk.role == "admin":
        missing = desk.drafting.missing(key)
        return redirect(step_address(slug, key, missing[0][0] if missing else "confirm"))
    context = {
        "found": found,
        "integration": one,
        "kind": found.kind,
        "state_words": state_words(found),
        "may_change": desk.role == "admin",
        "not_set": _not_set(found),
        "mapping": step_address(slug, key, "fields"),
    }
    return render(request, "integrations/overview.html", context)


@_read_or_send
@organization_page("admin")
def rotate(request: HttpRequest, desk: Desk, key: str, field: str) -> HttpResponse:
    """Put a new secret in place of one: tested first, and the old one stays when that fails."""
    found = _found(desk, key)
    secrets = _secrets(found, desk.language)
    if found.draft is not None or field not in secrets:
        raise Http404
    form = RotateForm(secrets, field, data=request.POST if request.method == "POST" else None)
    if form.is_bound:
        if form.is_valid():
            try:
                report = desk.credentials.replace(
                    str(found.integration.id), form.secrets(), language=desk.language
                )
            except Refused as refused:
                form.refuse(refused)
            else:
                desk.exports.start_delivery()
                proven = report is not None and report.login_tried
                told = (
                    _("The test passed: the new %(secret)s is in use. The one before it is kept,"
                      " sealed, until something was sent with the new one.")
                    if proven
                    else _("The address answers, but the login was not tried. The new %(secret)s is"
                           " in use. The one before it is kept, sealed, until something was sent"
                           " with the new one.")
                )  # fmt: skip
                say(
                    request,
                    told % {"secret": inside(secrets[field])},
                    "success" if proven else "warning",
                )
                return redirect("integrations:overview", desk.organization.slug, key)
        form.must_be_typed_again()
    known = next((one for one in found.credentials if one.field == field), None)
    context = {"form": form, "integration": found.integration, "known": known,
               "secret": secrets[field]}  # fmt: skip
    return render(
        request, "integrations/rotate.html", context, status=422 if form.is_bound else 200
    )


class _NamedSettings(SettingsForm):
    """The settings of an integration that is in use, and what it is called."""

    def __init__(self, name: str, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        field = forms.CharField(label=_("Name"), max_length=200, initial=name)
        self.fields = {"name": field, **self.fields}


@_read_or_send
@organization_page("admin")
def settings(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Change name and settings, and secrets with them: tested first, all of it or nothing."""
    found = _found(desk, key)
    if found.draft is not None or found.kind is None:
        return redirect("integrations:overview", desk.organization.slug, key)
    one = found.integration
    form = _NamedSettings(
        one.name, found.kind, settings=one.settings, credentials=found.credentials,
        version=_digest(one.settings),
        data=request.POST if request.method == "POST" else None,
    )  # fmt: skip
    if "use" in request.POST:
        draw_login(request, form)
    elif form.is_bound:
        if form.is_valid():
            try:
                if form.seen() != _digest(one.settings):
                    raise Refused(Problem("settings_changed_meanwhile"))  # noqa: TRY301
                desk.drafting.change(
                    key, name=form.cleaned_data["name"], settings=form.settings(),
                    secrets=form.secrets(), seen=one.settings, language=desk.language,
                )  # fmt: skip
            except Refused as refused:
                form.refuse(refused)
            else:
                say(request, _("The settings of %(name)s are saved.")
                    % {"name": form.cleaned_data["name"]})  # fmt: skip
                return redirect("integrations:overview", desk.organization.slug, key)
        form.must_be_typed_again()
        form.see(_digest(one.settings))
    context = {"form": form, "integration": one, "kind": found.kind}
    return render(
        request, "integrations/settings.html", context, status=422 if form.is_bound else 200
    )


@_read_or_send
@organization_page("admin")
def delete(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Delete a draft, or an integration through which nothing was done, after a page that asks."""
    found = _found(desk, key)
    form = Form(data=request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            desk.drafting.delete(key)
        except Refused as refused:
            form.refuse(refused)
        else:
            say(request, _("%(name)s is deleted.") % {"name": found.integration.name})
            return redirect(INTEGRATIONS.format(slug=desk.organization.slug))
    context = {"form": form, "found": found, "integration": found.integration}
    return render(
        request, "integrations/delete.html", context, status=422 if form.is_bound else 200
    )


@require_GET
@organization_page("admin", "accountant")
def suggest(request: HttpRequest, desk: Desk, key: str, kind: str) -> HttpResponse:
    """Answer what is typed with entries of a list: options for htmx, JSON for others.

    The exact code comes first, so that the name of a typed code is the first entry's.
    """
    try:
        found = desk.drafting.suggest(key, kind, request.GET.get("q", "")[:100])
    except LookupError:
        raise Http404 from None
    if request.headers.get("HX-Request"):
        options = ((one.code, f"{one.code} {one.name}") for one in found)
        return HttpResponse(format_html_join("", '<option value="{}">{}</option>', options))
    items = [{"code": one.code, "name": one.name, "usable": one.usable} for one in found]
    return JsonResponse({"items": items})


def _digest(settings: Mapping[str, Any]) -> str:
    """Return a short hash of settings: which ones somebody saw when the form was drawn."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _found(desk: Desk, key: str) -> Connected:
    try:
        return desk.drafting.describe(key, desk.language)
    except LookupError:
        raise Http404 from None


def _secrets(found: Connected, language: str) -> dict[str, str]:
    """Return the title of each secret that this integration can have."""
    own = dict(found.kind.secrets) if found.kind else {}
    return {**own, CALLBACK_CREDENTIAL: secret_title(CALLBACK_CREDENTIAL, language)}


def _not_set(found: Connected) -> list[str]:
    """Return the secrets that the system knows and this integration has none of."""
    known = {one.field for one in found.credentials}
    fields = (*(found.kind.secrets if found.kind else ()), CALLBACK_CREDENTIAL)
    return [field for field in fields if field not in known]
