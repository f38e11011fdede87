"""The pages of the frame: the front page, an organization's overview, language and colours."""

from collections import defaultdict
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from bilag.delivery.installation import installation, tenant
from bilag.exports.status import totals
from bilag.integrations.store import integration_states, list_integrations
from bilag.portal.scope import ROLES, Desk, Person, organization_page, person_page
from bilag.tenants.organizations import list_organizations

YEAR = 365 * 86400
_COLUMNS = ("approved", "exported", "accepted", "pending", "sending", "in_doubt", "needs_review",
            "failed", "held", "excluded", "cancelled", "superseded", "reversed")  # fmt: skip


@require_GET
@person_page
def home(request: HttpRequest, person: Person) -> HttpResponse:
    """Show the person's organizations, or go straight to the only one."""
    if len(person.memberships) == 1 and not person.global_admin and "choose" not in request.GET:
        return redirect("portal:overview", person.memberships[0].slug)
    organizations: Any = person.memberships
    if person.global_admin:
        with installation().pool.connection() as connection:
            organizations = list_organizations(connection)
    return render(request, "portal/home.html", {"organizations": organizations})


@require_GET
@organization_page(*ROLES)
def overview(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show where the approved claims stand, by integration and currency."""
    own = desk.organization.id
    with tenant(own) as connection:
        names = {one.key: one.name for one in list_integrations(connection, own)}
        states = integration_states(connection, own)
        counted = totals(connection)
    counts: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in counted:
        if row.listing == "current":
            counts[row.integration_key, row.currency][row.state] = row.count
    for key in names:
        if not any(place[0] == key for place in counts):
            counts[key, ""] = {}
    used = [c for c in _COLUMNS if c == "approved" or any(c in one for one in counts.values())]
    standings = [
        {
            "name": names.get(key, key),
            "state": states.get(key, "disabled"),
            "currency": currency,
            "counts": [found.get(column, 0) for column in used],
        }
        for (key, currency), found in sorted(counts.items())
    ]
    return render(request, "portal/overview.html", {"standings": standings, "columns": used})


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language for this browser and go back to where the person was."""
    response = _back(request)
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        _remember(response, settings.LANGUAGE_COOKIE_NAME, chosen)
    return response


@require_POST
def colours(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or as the device, and go back to where the person was."""
    response = _back(request)
    chosen = request.POST.get("colours", "")
    if chosen in ("auto", "light", "dark"):
        _remember(response, "bilag_colours", chosen)
    return response


def _back(request: HttpRequest) -> HttpResponse:
    address = request.POST.get("next", "/")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(address if ours else "/")


def _remember(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, httponly=True, samesite="Lax")
