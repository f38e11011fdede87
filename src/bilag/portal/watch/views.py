"""The overview of an organization (O1), and of all of them (O2)."""

from collections import defaultdict
from typing import Any, cast
from urllib.parse import urlencode

import psycopg
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from bilag.delivery.installation import installation, tenant
from bilag.delivery.queue import STALLED_SECONDS
from bilag.exports.status import totals
from bilag.integrations.store import list_integrations
from bilag.monitoring.alerts import unacknowledged
from bilag.monitoring.health import measure, synced_in_all
from bilag.monitoring.installation import newest_beat_seconds
from bilag.monitoring.overview import SHOWS, SORTS, Show, Sort, overview_page
from bilag.monitoring.settings import read_settings
from bilag.monitoring.trend import trend
from bilag.portal.frame import ALERT_ROLES
from bilag.portal.scope import ROLES, Desk, Person, global_page, organization_page
from bilag.portal.watch.chart import chart
from bilag.portal.watch.words import REASONS, outcome_words, reason_words, summary

_COLUMNS = ("approved", "exported", "accepted", "pending", "sending", "in_doubt", "needs_review",
            "failed", "held", "excluded", "cancelled", "superseded", "reversed")  # fmt: skip
SORT_NAMES: dict[Sort, Any] = {
    "attention": gettext_lazy("what needs attention first"),
    "name": gettext_lazy("name"),
    "last_sync": gettext_lazy("last sync, the oldest first"),
    "pending": gettext_lazy("pending, the most first"),
    "errors": gettext_lazy("errors, the most first"),
}
SHOW_NAMES: dict[Show, Any] = {
    "all": gettext_lazy("all organizations"),
    "attention": gettext_lazy("those that need attention"),
    "stale": gettext_lazy("those without a sync for too long"),
    "enabled": gettext_lazy("those that are switched on"),
}


@require_GET
@organization_page(*ROLES)
def overview(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show how each integration stands, where the claims stand, and the last 30 days."""
    own = desk.organization.id
    with tenant(own) as connection:
        health = measure(connection)
        bounds = read_settings(connection, own)
        context = {
            "health_now": health,
            "summary": summary(health),
            "alerts": unacknowledged(connection, own) if desk.role in ALERT_ROLES else 0,
            "synced": synced_in_all(connection),
            "days": (days := trend(connection)),
            "chart": chart(days),
            "sums": {
                "approved": sum(day.approved for day in days),
                "exported": sum(day.exported for day in days),
                "errors": sum(day.errors for day in days),
            },
            **_standings(connection, desk),
        }
    # the frame around the page has it as well, and need not measure again
    cast(Any, request).health = health
    under_way = desk.syncs.under_way()
    context["integrations"] = [
        {
            "health": one,
            "reasons": [reason_words(reason, one, bounds) for reason in one.reasons],
            "mended": [
                (state, count, _behind(desk, one.key, state))
                for state in _MENDED
                if (count := getattr(one, state))
            ],
            "outcome": outcome_words(one.last_sync_outcome),
            "address": _integration(desk, one.key),
            "claims": _claims(desk, integration=one.key, state=""),
            "under_way": under_way.get(one.id),
        }
        for one in health.integrations
    ]
    return render(request, "watch/overview.html", context)


def _standings(connection: psycopg.Connection[Any], desk: Desk) -> dict[str, Any]:
    names = {one.key: one.name for one in list_integrations(connection, desk.organization.id)}
    counts: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in totals(connection):
        if row.listing == "current":
            counts[row.integration_key, row.currency][row.state] = row.count
    used = [c for c in _COLUMNS if c == "approved" or any(c in one for one in counts.values())]
    standings = [
        {
            "name": names.get(key, key),
            "currency": currency,
            "cells": [
                {
                    "count": found.get(state, 0),
                    "state": state,
                    "address": _behind(desk, key, state)
                    if found.get(state) and state != "approved"
                    else "",
                }
                for state in used
            ],
        }
        for (key, currency), found in sorted(counts.items())
    ]
    return {"standings": standings, "columns": used}


# Where what is in a state is mended, with what the address of that page says besides.
_MENDED = {
    "failed": ("repair:failed", {}),
    "held": ("repair:held", {}),
    "in_doubt": ("repair:doubts", {"state": "in_doubt"}),
    "needs_review": ("repair:doubts", {}),
}


def _behind(desk: Desk, key: str, state: str) -> str:
    """Return the page behind a number: where it is mended, for those who may see that."""
    if state not in _MENDED or desk.role == "coordinator":
        return _claims(desk, integration=key, state=state)
    page, also = _MENDED[state]
    address = reverse(page, args=[desk.organization.slug])
    return f"{address}?{urlencode({'integration': key, **also})}"


def _claims(desk: Desk, **filters: str) -> str:
    """Return the address of the claims behind a number."""
    query = urlencode({name: value for name, value in filters.items() if value})
    return f"/o/{desk.organization.slug}/exports?{query}"


def _integration(desk: Desk, key: str) -> str:
    """Return the address of an integration's page; nothing for who may not see it."""
    if desk.role == "coordinator":
        return ""
    try:
        return reverse("integrations:overview", args=[desk.organization.slug, key])
    except NoReverseMatch:
        return ""


@require_GET
@global_page
def organizations(request: HttpRequest, person: Person) -> HttpResponse:
    """List the organizations with how they stand; what is in them takes support mode to see."""
    sort = cast(Sort, request.GET.get("sort") if request.GET.get("sort") in SORTS else "attention")
    show = cast(Show, request.GET.get("show") if request.GET.get("show") in SHOWS else "all")
    named = request.GET.get("named", "").replace("\x00", "").strip()[:200]
    after = request.GET.get("after"), request.GET.get("slug")
    with installation().pool.connection() as connection:
        try:
            page = overview_page(
                connection, sort=sort, show=show, named=named,
                after=cast(tuple[str, str], after) if all(after) else None,
            )  # fmt: skip
        except psycopg.DataError:  # an address that was not made by us
            page = overview_page(connection, sort=sort, show=show, named=named)
        beat = newest_beat_seconds(connection)
    chosen = {"sort": sort, "show": show, "named": named}
    rows = [
        {"row": row, "reasons": [str(REASONS.get(r, r)) for r in row.reasons]} for row in page.rows
    ]
    context = {
        "rows": rows,
        "in_all": page.in_all,
        "sums": page,
        "sorts": SORT_NAMES.items(),
        "shows": SHOW_NAMES.items(),
        **chosen,
        "filtered": show != "all" or named,
        "next": _next(chosen, page.after),
        "is_first": not all(after),
        "first": urlencode(chosen),
        "no_worker": beat is None or beat > STALLED_SECONDS * 3,
    }
    return render(request, "watch/organizations.html", context)


def _next(chosen: dict[str, str], after: tuple[str, str] | None) -> str:
    return urlencode({**chosen, "after": after[0], "slug": after[1]}) if after else ""
