"""Claims in doubt or to be reviewed (O5): the list, the evidence of each, and the decisions.

What is in doubt is looked up by itself; only what no look-up can settle is decided here.
"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bilag.core.problem import problems_of
from bilag.delivery.installation import tenant
from bilag.exports.decide import DecisionRefused
from bilag.exports.status import ExportRow, export_page, timeline
from bilag.integrations.model import Integration
from bilag.integrations.store import list_integrations
from bilag.portal.audit.paging import Pages
from bilag.portal.forms import Form
from bilag.portal.numbers import whole
from bilag.portal.repair.one_claim import ReasonForm, the_export
from bilag.portal.repair.words import DECISIONS
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.templatetags.portal import state_name

_STATES = ("needs_review", "in_doubt")
_NUMBER_MAX = 120


class DoubtFilterForm(Form):
    """Which claims are listed: those that a person decides about, or those that are looked up."""

    state = forms.ChoiceField(
        choices=[(state, state_name(state)) for state in _STATES], required=False
    )
    integration = forms.ChoiceField(required=False)

    def __init__(self, data: Any, integrations: Sequence[Integration]) -> None:
        super().__init__(data)
        self.fields["integration"].choices = [  # type: ignore[attr-defined]
            ("", ""), *((one.key, one.name) for one in integrations)
        ]  # fmt: skip


class FoundForm(ReasonForm):
    """What was found in the accounting system, with the reason."""

    voucher_number = forms.CharField(
        label=gettext_lazy("Number in the accounting system"),
        required=False,
        max_length=_NUMBER_MAX,
    )
    external_reference = forms.CharField(
        label=gettext_lazy("The accounting system's own id of it"),
        required=False,
        max_length=_NUMBER_MAX,
    )
    field_order = ("voucher_number", "external_reference", "reason")


@require_GET
@organization_page("admin", "accountant")
def listed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """List the claims that a person decides about, or those that are looked up by themselves."""
    own = desk.organization.id
    with tenant(own) as connection:
        integrations = list_integrations(connection, own)
        form = DoubtFilterForm(request.GET, integrations)
        if not form.is_valid():
            raise Http404
        state = form.cleaned_data["state"] or "needs_review"
        chosen = {one.key: one for one in integrations}.get(form.cleaned_data["integration"])

        def read(older: str, newer: str, limit: int) -> Sequence[ExportRow]:
            return export_page(
                connection, before=_key(older), after=_key(newer), limit=limit, state=state,
                integration_id=chosen.id if chosen else None,
            )  # fmt: skip

        pages = Pages(request.GET, form, read, lambda row: str(row.id))
    names = {one.key: one.name for one in integrations}
    context = {
        "state": state,
        "pages": pages,
        "chosen": chosen,
        "rows": [
            (row, _reasons(row, desk.language), names.get(row.integration_key, ""))
            for row in pages.rows
        ],
    }
    return render(request, "repair/doubts.html", context)


@require_GET
@organization_page("admin", "accountant")
def evidence(request: HttpRequest, desk: Desk, export_id: int) -> HttpResponse:
    """Show what was sent when, what was looked up and found, and the decisions that are open."""
    export = the_export(desk, export_id)
    with tenant(desk.organization.id) as connection:
        steps = timeline(connection, export.id)
    decisions = [
        (name, heading, says)
        for name, (heading, says, _button) in DECISIONS.items()
        if export.live or name != "pending"
    ]
    context = {
        "export": export,
        "reasons": _reasons(export, desk.language),
        "steps": steps,
        "decisions": decisions if export.state == "needs_review" else [],
        "may_decide": desk.role == "admin",
    }
    return render(request, "repair/evidence.html", context)


@require_POST
@organization_page("admin")
def look_up(request: HttpRequest, desk: Desk, export_id: int) -> HttpResponse:
    """Look a claim up sooner than by itself."""
    export = the_export(desk, export_id)
    if desk.exports.look_up_export(export.id):
        say(request, _("Claim %(id)s is looked up now.") % {"id": export.source_id})
    else:
        say(
            request,
            _("Claim %(id)s is looked up by itself as soon as its waiting time is over.")
            % {"id": export.source_id},
            "info",
        )
    return redirect("repair:evidence", desk.organization.slug, export.id)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def decide(request: HttpRequest, desk: Desk, export_id: int, decision: str) -> HttpResponse:
    """Say what a decision means, and note it when it is confirmed with a reason."""
    if decision not in DECISIONS:
        raise Http404
    export = the_export(desk, export_id)
    kind = FoundForm if decision == "exported" else ReasonForm
    form = kind(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            desk.exports.decide_export(
                export.id, to_state=decision, reason=given["reason"],
                external_reference=given.get("external_reference", ""),
                voucher_number=given.get("voucher_number", ""),
            )  # fmt: skip
        except DecisionRefused as refused:
            form.add_error(None, refused.problem.text(desk.language))
        else:
            state = {"id": export.source_id, "state": state_name(decision)}
            say(request, _("Claim %(id)s now stands as %(state)s.") % state)
            return redirect("repair:doubts", desk.organization.slug)
    heading, says, button = DECISIONS[decision]
    context = {
        "export": export,
        "form": form,
        "heading": heading,
        "says": says,
        "button": str(button) % {"id": export.source_id},
        "decision": decision,
    }
    return render(request, "repair/decide.html", context)


def _reasons(row: ExportRow, language: str) -> list[str]:
    return [one.text(language) for one in problems_of(row.reason)]


def _key(text: str) -> int | None:
    if not text:
        return None
    number = whole(text)
    if not number:
        raise Http404
    return number
