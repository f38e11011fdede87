"""Excluded features (C7): what the organization does elsewhere and must not come in from here."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from bilag.core.problem import Refused
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.sending.data import CATEGORY_NAMES
from bilag.portal.sending.forms import FreeText, PlaceForm
from bilag.portal.sending.places import only_admins_change
from bilag.records.fields import ID_MAX
from bilag.tenants.organizations import REASON_MAX

_KINDS = {
    "category": gettext_lazy("kind of records"),
    "type": gettext_lazy("expense type"),
    "other": gettext_lazy("other name"),
}


class FeatureForm(PlaceForm):
    """A feature to exclude, and why."""

    name = forms.CharField(
        label=gettext_lazy("Feature to exclude"),
        help_text=gettext_lazy(
            "A kind of records or an expense type of the app, for example course registration."
        ),
        max_length=ID_MAX,
        widget=forms.TextInput(attrs={"list": "features", "autocomplete": "off"}),
    )
    why = FreeText(
        label=gettext_lazy("Why"),
        help_text=gettext_lazy("For example: members do this in the member portal."),
        required=False,
        max_length=REASON_MAX,
    )


@require_http_methods(["GET", "POST"])
@organization_page("admin", "accountant")
def features(request: HttpRequest, desk: Desk) -> HttpResponse:
    """List what is excluded and what could be, and exclude something."""
    only_admins_change(request, desk)
    settings = desk.installation.settings_of(desk.organization.id, desk.actor)
    form = FeatureForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            key = settings.exclude_feature(form.cleaned_data["name"], form.cleaned_data["why"])
        except Refused as error:
            form.add_error("name", error.problems[0].text(desk.language))
        else:
            say(request, _("Records of %(name)s are refused from now on.") % {"name": key})
            return redirect("sending:features", desk.organization.slug)
    listed = [
        {
            "name": one.name,
            "label": CATEGORY_NAMES.get(one.name, one.name),
            "kind": _KINDS[one.kind],
            "excluded": one.excluded,
            "why": one.why,
        }
        for one in settings.features()
    ]
    context = {
        "listed": listed,
        "excluded": sum(bool(one["excluded"]) for one in listed),
        "form": form,
        "declaration": settings.declaration(),
    }
    return render(request, "sending/features.html", context)


@require_POST
@organization_page("admin")
def include(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Take records of a feature again."""
    name = request.POST.get("name", "")
    try:
        desk.installation.settings_of(desk.organization.id, desk.actor).include_feature(name)
    except Refused as error:
        say(request, error.problems[0].text(desk.language), "danger")
    else:
        say(request, _("Records of %(name)s are taken again.") % {"name": name})
    return redirect("sending:features", desk.organization.slug)
