"""Sync now (O3): what will go, in count and sum, then the start; and stopping one that goes on."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from bilag.exports.decide import DecisionRefused
from bilag.portal.forms import Form
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.sending.places import unknown_is_not_found
from bilag.portal.sync.words import claims_address, of_person, waiting


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def sync_now(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Say what a sync would send and what it would not, and start it; off while one goes on."""
    form, syncs = Form(request.POST or None), desk.syncs
    with unknown_is_not_found():
        if request.method == "POST":
            try:
                started = syncs.start(key)
            except DecisionRefused as refused:
                # as much of a form as there is: the reason stands in the summary of errors
                form = Form({})
                form.add_error(None, refused.problem.text(desk.language))
            else:
                name = started.integration_name
                say(request, _("The sync of %(name)s has been asked for.") % {"name": name})
                return redirect("sync:one", desk.organization.slug, started.id)
        before = syncs.before(key)
    context = {
        "form": form,
        "before": before,
        "integration": before.integration,
        "records": sum(one.records for one in before.ahead.going),
        "not_going": waiting(desk, before),
        "refusal": before.refusal.text(desk.language) if before.refusal else "",
        "all_claims": claims_address(desk, before.integration.key, "pending"),
    }
    return render(request, "sync/now.html", context, status=409 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def stop(request: HttpRequest, desk: Desk, sync_id: UUID) -> HttpResponse:
    """Say what stopping does, and stop a sync at its next record."""
    form = Form(None)
    with unknown_is_not_found():
        if request.method == "POST":
            try:
                desk.syncs.stop(sync_id)
            except DecisionRefused as refused:
                form = Form({})
                form.add_error(None, refused.problem.text(desk.language))
            else:
                say(request, _("The sync stops at its next record."))
                return redirect("sync:one", desk.organization.slug, sync_id)
        found = desk.syncs.progress(sync_id)
    can_be_stopped = (
        found.request.asked_for
        and found.request.ended_at is None
        and found.request.stopped_at is None
    )
    context = {
        "form": form,
        "found": found,
        "one": found.request,
        "by": of_person(found.request.actor),
        "can_be_stopped": can_be_stopped,
    }
    return render(request, "sync/stop.html", context, status=409 if form.is_bound else 200)
