"""What can be done about one claim now: the buttons on its page, retry, release, cancel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from bilag.core.problem import problems_of
from bilag.exports.decide import DecisionRefused
from bilag.exports.history import Story
from bilag.exports.status import ExportRow
from bilag.portal.forms import Form
from bilag.portal.repair.causes import may_release, say_queued
from bilag.portal.repair.fixes import Fix, Kept
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.sending.forms import FreeText
from bilag.tenants.organizations import REASON_MAX

_CANCELLED_WITH_REASON = ("failed", "held")


@dataclass(frozen=True, slots=True)
class Action:
    """A link or a button on a claim's page; `is_post` where it does something at once."""

    label: str
    address: str
    is_post: bool = False


class ReasonForm(Form):
    """Why; kept in the audit log."""

    reason = FreeText(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("It is kept in the audit log."),
        max_length=REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def actions(desk: Desk, export: ExportRow) -> list[Action]:
    """Return what this person may do about a claim as it stands; nothing for a coordinator."""
    return list(_actions(desk, export)) if desk.role != "coordinator" else []


def _actions(desk: Desk, export: ExportRow) -> Iterator[Action]:
    claim, state = {"id": export.source_id}, export.state
    code = (export.reason or {}).get("code", "")

    def to(page: str) -> str:
        return reverse(f"repair:{page}", args=[desk.organization.slug, export.id])

    if code == "waits_for_approval":
        yield Action(_("Approve or refuse sending claim %(id)s again") % claim, to("approval"))
        return
    if state in ("in_doubt", "needs_review"):
        yield Action(_("See the evidence, and decide about claim %(id)s") % claim, to("evidence"))
    if desk.role != "admin":
        return
    if state == "failed":
        yield Action(_("Retry claim %(id)s") % claim, to("retry"), is_post=True)
    if state == "held" and export.live and may_release(code):
        yield Action(_("Map claim %(id)s anew") % claim, to("release"), is_post=True)
    if state in ("exported", "accepted", "reversed"):
        yield Action(_("Send claim %(id)s again (force re-export)") % claim, to("force"))
    if state in ("pending", *_CANCELLED_WITH_REASON):
        yield Action(_("Cancel claim %(id)s") % claim, to("cancel"))


def fixes_of(desk: Desk, story: Story, mapping: Mapping[str, Any]) -> Sequence[Fix]:
    """Return the pages on which is mended what keeps a failed or held claim."""
    export = story.export
    if export.state not in ("failed", "held") or desk.role == "coordinator":
        return ()
    every = [
        fix
        for problem in problems_of(export.reason)
        for fix in Kept(desk, export.integration_key, problem, mapping, story.record).fixes()
    ]
    return list(dict.fromkeys(every))


def the_export(desk: Desk, export_id: int) -> ExportRow:
    """Return an export of the organization; a page of any other is not found."""
    found = desk.exports.get_export(export_id) if export_id < 2**63 else None
    if found is None:
        raise Http404
    return found


@require_POST
@organization_page("admin")
def retry(request: HttpRequest, desk: Desk, export_id: int) -> HttpResponse:
    """Retry one refused claim."""
    export = the_export(desk, export_id)
    ids = desk.exports.retry_failed_exports(export_ids=[export.id])
    say_queued(request, desk, export.integration_key, len(ids))
    return redirect("claims:claim", desk.organization.slug, export.id)


@require_POST
@organization_page("admin")
def release(request: HttpRequest, desk: Desk, export_id: int) -> HttpResponse:
    """Map one held claim anew."""
    export = the_export(desk, export_id)
    ids = desk.exports.release_held_exports(export.integration_key, export_ids=[export.id])
    say_queued(request, desk, export.integration_key, len(ids))
    return redirect("claims:claim", desk.organization.slug, export.id)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def cancel(request: HttpRequest, desk: Desk, export_id: int) -> HttpResponse:
    """Say what cancelling means, and cancel when it is confirmed with a reason."""
    export = the_export(desk, export_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            desk.exports.cancel_export(export.id, reason=form.cleaned_data["reason"])
        except DecisionRefused as refused:
            form.add_error(None, refused.problem.text(desk.language))
        else:
            say(request, _("Claim %(id)s is cancelled.") % {"id": export.source_id})
            return redirect("claims:claim", desk.organization.slug, export.id)
    context = {
        "export": export,
        "form": form,
        "may": export.state in ("pending", *_CANCELLED_WITH_REASON),
    }
    return render(request, "repair/cancel.html", context)
