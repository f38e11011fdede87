"""Force re-export (E12): what stands there is shown first; a second person where it is much.

Nothing is opened unless what the person saw is still what the accounting system answers.
"""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from bilag.delivery.force import Evidence, ForcedExports
from bilag.delivery.installation import tenant
from bilag.exports.decide import DecisionRefused
from bilag.exports.force import waiting_exports
from bilag.exports.status import ExportRow
from bilag.portal.numbers import whole
from bilag.portal.repair.one_claim import ReasonForm, the_export
from bilag.portal.repair.words import SEEN
from bilag.portal.scope import Desk, organization_page, say

PAGE = 50


class ForceForm(ReasonForm):
    """Why it is sent again, and that what stands there was seen."""

    understood = forms.BooleanField(
        label=gettext_lazy("I have seen what stands in the accounting system, and send it again")
    )
    confirmation = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)


class ApprovalForm(ReasonForm):
    """Whether it goes out; a refusal needs a reason."""

    decision = forms.ChoiceField(
        label=gettext_lazy("Decision"),
        choices=(
            ("approve", gettext_lazy("Approve: it is sent again")),
            ("refuse", gettext_lazy("Refuse: it is not sent")),
        ),
        widget=forms.RadioSelect,
    )
    field_order = ("decision", "reason")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["reason"].required = self.data.get("decision") == "refuse"
        self.fields["reason"].help_text = gettext_lazy(
            "Needed where you refuse. It is kept in the audit log."
        )


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def force(request: HttpRequest, desk: Desk, export_id: int) -> HttpResponse:
    """Show what stands there of a claim, and send it again when that is confirmed."""
    export, verbs = the_export(desk, export_id), _verbs(desk)
    data = request.POST.copy() if request.method == "POST" else None
    form = ForceForm(data)
    if form.is_valid():
        given = form.cleaned_data
        try:
            forced = verbs.force(
                export.id, reason=given["reason"], confirmation=given["confirmation"]
            )
        except DecisionRefused as refused:
            form.add_error(None, refused.problem.text(desk.language))
        else:
            _say_forced(request, export, waits=forced.waits_for_approval)
            return redirect("claims:claim", desk.organization.slug, forced.export_id)
    refusal, found = "", None
    try:
        found = verbs.evidence(export.id)
    except DecisionRefused as refused:
        refusal = refused.problem.text(desk.language)
    else:
        # what is confirmed next is what this page shows
        form.initial["confirmation"] = found.confirmation
        if data is not None:
            data["confirmation"] = found.confirmation
    context = {
        "export": export,
        "form": form,
        "refusal": refusal,
        "evidence": found,
        "seen": _seen(found),
    }
    return render(request, "repair/force.html", context)


@require_GET
@organization_page("admin", "accountant")
def approvals(request: HttpRequest, desk: Desk) -> HttpResponse:
    """List the forced exports that wait for a second person."""
    after = whole(request.GET.get("after", "")) or 0
    with tenant(desk.organization.id) as connection:
        found = waiting_exports(connection, after=after, limit=PAGE + 1)
    context = {
        "rows": [(one, one.asked_by.removeprefix("user ")) for one in found[:PAGE]],
        "after": found[PAGE - 1].id if len(found) > PAGE else None,
        "is_first": not after,
    }
    return render(request, "repair/approvals.html", context)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def approval(request: HttpRequest, desk: Desk, export_id: int) -> HttpResponse:
    """Show who asked for a forced export and what stands there, and approve or refuse it."""
    export, verbs = the_export(desk, export_id), _verbs(desk)
    form = ApprovalForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            if form.cleaned_data["decision"] == "approve":
                verbs.approve(export.id)
                say(request, _("Approved. Claim %(id)s is sent again.") % {"id": export.source_id})
            else:
                verbs.refuse(export.id, reason=form.cleaned_data["reason"])
                say(
                    request,
                    _("Refused. Claim %(id)s is not sent again.") % {"id": export.source_id},
                )
        except DecisionRefused as refused:
            form.add_error(None, refused.problem.text(desk.language))
        else:
            return redirect("repair:approvals", desk.organization.slug)
    refusal, review = "", None
    try:
        review = verbs.review(export.id)
    except DecisionRefused as refused:
        refusal = refused.problem.text(desk.language)
    context = {
        "export": export,
        "form": form,
        "refusal": refusal,
        "review": review,
        "asked_by": review.asked_by.removeprefix("user ") if review else "",
        "is_own": review is not None and review.asked_by == desk.actor,
        "seen": _seen(review.evidence if review else None),
    }
    return render(request, "repair/approval.html", context)


def _say_forced(request: HttpRequest, export: ExportRow, *, waits: bool) -> None:
    claim = {"id": export.source_id}
    if waits:
        say(request, _("Claim %(id)s waits: another administrator must approve.") % claim, "info")
    else:
        say(request, _("Claim %(id)s is sent again with the next sync.") % claim)


def _seen(found: Evidence | None) -> list[tuple[Any, str]]:
    return [(one, str(SEEN[one.result])) for one in found.seen] if found else []


def _verbs(desk: Desk) -> ForcedExports:
    return desk.installation.forced_exports_of(desk.organization.id, desk.actor)
