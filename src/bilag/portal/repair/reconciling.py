"""Reconciliation (E13): start one, see how far it came, and what differs with the next step."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from bilag.core.problem import Problem
from bilag.delivery.installation import tenant
from bilag.integrations.store import list_integrations
from bilag.monitoring import store
from bilag.monitoring.job import defer_reconcile
from bilag.monitoring.words import not_comparable, said
from bilag.portal.audit.views import day_field
from bilag.portal.forms import Form
from bilag.portal.numbers import whole
from bilag.portal.repair.one_claim import Action
from bilag.portal.repair.words import OUTCOMES, counts_words, finding_words
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.templatetags.portal import state_name

PAGE = 50


class ReconcileForm(Form):
    """Which integration, and the days on which its claims were booked."""

    integration = forms.ChoiceField(label=gettext_lazy("Integration"))
    first = day_field(gettext_lazy("Booked from this day"))
    last = day_field(gettext_lazy("Booked to this day"))

    def clean(self) -> dict[str, Any]:
        """Refuse days that run backwards."""
        given = super().clean() or self.cleaned_data
        first, last = given.get("first"), given.get("last")
        if first and last and first > last:
            self.add_error("last", _("The last day is before the first. Swap them."))
        return given


@require_http_methods(["GET", "POST"])
@organization_page("admin", "accountant")
def listed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """List the reconciliations, newest first, and start one."""
    own = desk.organization.id
    if request.method == "POST" and desk.role != "admin":
        raise Http404
    with tenant(own) as connection:
        integrations = list_integrations(connection, own)
        why = [(one, not_comparable(desk.drafting, one)) for one in integrations]
        form = ReconcileForm(request.POST if request.method == "POST" else None)
        form.fields["integration"].choices = [  # type: ignore[attr-defined]
            (one.key, one.name) for one, problem in why if problem is None
        ]
        asked: UUID | None = None
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            chosen = next(one for one in integrations if one.key == given["integration"])
            asked = store.ask(
                connection, chosen.id, actor=desk.actor, from_day=given["first"],
                to_day=given["last"],
            )  # fmt: skip
        found = [] if asked else store.page(connection, before=_before(request), limit=PAGE + 1)
    if asked:
        defer_reconcile(desk.installation.queue, own, chosen.id)
        say(request, _("The reconciliation is asked for. A worker looks every voucher up."))
        return redirect("repair:reconciliation", desk.organization.slug, asked)
    names = {one.key: one.name for one in integrations}
    last = found[PAGE - 1] if len(found) > PAGE else None
    context = {
        "form": form,
        "left_out": [(one, problem.text(desk.language)) for one, problem in why if problem],
        "may_start": desk.role == "admin" and any(problem is None for _one, problem in why),
        "rows": [
            (one, names.get(one.integration_key, one.integration_key), _outcome(one),
             sum(one.findings.values()))
            for one in found[:PAGE]
        ],
        "older": f"{last.asked_at.isoformat()}|{last.id}" if last else "",
        "is_first": "older" not in request.GET,
    }  # fmt: skip
    return render(request, "repair/reconciliations.html", context)


def _nothing(one: store.Reconciliation) -> bool:
    # what compared nothing proves nothing, and must not look as if it did
    return _cannot(one) or (one.outcome == "agrees" and not one.looked_up)


def _cannot(one: store.Reconciliation) -> bool:
    return (one.reason or {}).get("code") == "no_look_up"


def _outcome(one: store.Reconciliation) -> tuple[Promise, str, str]:
    return OUTCOMES["nothing" if _nothing(one) else one.outcome or ""]


def _reason(one: store.Reconciliation, name: str, language: str) -> str:
    if _cannot(one):
        params = {"integration": name or one.integration_key}
        return Problem("reconcile_no_look_up", params=params).text(language)
    if _nothing(one):
        return Problem("reconcile_nothing").text(language)
    return Problem.from_json(one.reason).text(language) if one.reason else ""


@require_GET
@organization_page("admin", "accountant")
def shown(request: HttpRequest, desk: Desk, reconciliation_id: UUID) -> HttpResponse:
    """Show how far a reconciliation came and what differs, each with the next step."""
    after = whole(request.GET.get("after", "0"))
    if after is None:
        raise Http404
    with tenant(desk.organization.id) as connection:
        one = store.read(connection, reconciliation_id)
        found = store.findings(connection, reconciliation_id, after=after, limit=PAGE + 1)
        integrations = list_integrations(connection, desk.organization.id, drafts=True)
    if one is None:
        raise Http404
    shown_ = found[:PAGE]
    name = next((i.name for i in integrations if i.key == one.integration_key), "")
    context = {
        "one": one,
        "name": name,
        "outcome": _outcome(one),
        "counts": counts_words(one.findings),
        "reason": _reason(one, name, desk.language),
        "findings": [_told(desk, finding, one.integration_key) for finding in shown_],
        "after": shown_[-1].id if len(found) > PAGE else None,
        "is_first": after == 0,
    }
    return render(request, "repair/reconciliation.html", context)


def _told(desk: Desk, one: store.Finding, key: str) -> dict[str, Any]:
    name, step = finding_words(one.kind)
    return {
        "finding": one,
        "name": name,
        "step": step,
        "text": said(one.kind, state_name(one.state), one.reference, one.evidence, desk.language),
        "action": _next(desk, one, key),
    }


def _next(desk: Desk, one: store.Finding, key: str) -> Action | None:
    """Return the page of the next step; the claim itself is linked in any case."""
    slug, claim = desk.organization.slug, {"id": one.source_id}
    if desk.role == "admin" and one.kind in ("missing", "reversed"):
        label = _("Send claim %(id)s again") % claim
        return Action(label, reverse("repair:force", args=[slug, one.export_id]))
    if one.kind in ("unexpected", "doubled"):
        label = _("Evidence of claim %(id)s") % claim
        return Action(label, reverse("repair:evidence", args=[slug, one.export_id]))
    if one.kind == "altered":
        return Action(_("The mapping"), reverse("mapping:categories", args=[slug, key]))
    if one.kind == "cannot_tell":
        return Action(_("The integration"), reverse("integrations:overview", args=[slug, key]))
    return None


def _before(request: HttpRequest) -> tuple[datetime, UUID] | None:
    at, _bar, last = request.GET.get("older", "").partition("|")
    if not at:
        return None
    try:
        moment, found = datetime.fromisoformat(at), UUID(last)
    except ValueError as error:
        raise Http404 from error
    if moment.tzinfo is None:
        raise Http404
    return moment, found
