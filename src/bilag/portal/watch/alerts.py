"""The alerts of an organization (O7): those that are open, and those that were."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bilag.delivery.installation import tenant
from bilag.monitoring.alerts import Alert, acknowledge, list_alerts
from bilag.monitoring.places import place_of
from bilag.portal.frame import ALERT_ROLES
from bilag.portal.numbers import whole
from bilag.portal.scope import Desk, organization_page, say

PAGE = 50
_ID_MAX = 2**63 - 1


@require_GET
@organization_page(*ALERT_ROLES)
def listed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """List the alerts that are open, or all of them, newest first."""
    cleared = "all" in request.GET
    before = whole(request.GET.get("before", ""))
    own = desk.organization.id
    with tenant(own) as connection:
        found = list_alerts(connection, own, cleared=cleared, before=before, limit=PAGE + 1)
    context = {
        "alerts": [_shown(one, desk) for one in found[:PAGE]],
        "cleared": cleared,
        "is_first": before is None,
        "older": found[PAGE - 1].id if len(found) > PAGE else None,
    }
    return render(request, "watch/alerts.html", context)


@require_POST
@organization_page(*ALERT_ROLES)
def seen(request: HttpRequest, desk: Desk, alert_id: int) -> HttpResponse:
    """Note that this person has seen an alert."""
    own = desk.organization.id
    try:
        with tenant(own) as connection:
            new = acknowledge(connection, own, min(alert_id, _ID_MAX), actor=desk.actor)
    except LookupError:
        raise Http404 from None
    if new:
        say(request, _("Acknowledged. The alert stays until its cause is gone."))
    else:
        say(request, _("Somebody has acknowledged this alert already."), "info")
    return redirect("watch:alerts", desk.organization.slug)


def _shown(one: Alert, desk: Desk) -> dict[str, Any]:
    return {
        "alert": one,
        "text": one.text(desk.language),
        "next": one.next_step(desk.language),
        "place": place_of(one, desk.organization.slug, desk.role, desk.language),
        "by": one.acknowledged_by.removeprefix("user "),
    }
