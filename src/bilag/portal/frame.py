"""What stands around every page: navigation by role, how the integrations stand, the session's end.

A context processor; it costs one transaction on pages of an organization, and nothing elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from bilag.core.clock import utc_now
from bilag.delivery.installation import tenant
from bilag.monitoring.alerts import unacknowledged
from bilag.monitoring.health import Health, measure
from bilag.portal.accounts.preferences import colours_of
from bilag.portal.scope import Desk, Person
from bilag.portal.watch.words import summary
from bilag.tenants.members import Role

# (name of the address, what it is called, who may use it)
_PLACES: tuple[tuple[str, Promise, tuple[Role, ...]], ...] = (
    ("portal:overview", gettext_lazy("Overview"), ("admin", "accountant", "coordinator")),
    ("claims:list", gettext_lazy("Claims"), ("admin", "accountant", "coordinator")),
    ("sync:list", gettext_lazy("Syncs"), ("admin", "accountant", "coordinator")),
    ("repair:failed", gettext_lazy("Failed claims"), ("admin", "accountant")),
    ("repair:held", gettext_lazy("Held claims"), ("admin", "accountant")),
    ("repair:doubts", gettext_lazy("Claims in doubt"), ("admin", "accountant")),
    ("repair:approvals", gettext_lazy("Approvals"), ("admin", "accountant")),
    ("audit:list", gettext_lazy("Audit log"), ("admin", "accountant", "coordinator")),
    ("watch:alerts", gettext_lazy("Alerts"), ("admin", "accountant")),
    ("reports:control", gettext_lazy("Control report"), ("admin", "accountant")),
    ("repair:reconciliations", gettext_lazy("Reconciliation"), ("admin", "accountant")),
    ("reports:wages", gettext_lazy("Wages"), ("admin", "accountant")),
    ("integrations:list", gettext_lazy("External integrations"), ("admin", "accountant")),
    ("sending:features", gettext_lazy("Excluded features"), ("admin", "accountant")),
    ("sending:periods", gettext_lazy("Closed periods"), ("admin", "accountant")),
    ("sending:configuration", gettext_lazy("Configuration file"), ("admin",)),
    ("watch:settings", gettext_lazy("Bounds and messages"), ("admin",)),
    ("members:list", gettext_lazy("Members"), ("admin",)),
    ("tokens:list", gettext_lazy("API tokens"), ("admin",)),
)
ALERT_ROLES: tuple[Role, ...] = ("admin", "accountant")


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation."""

    address: str
    name: Promise
    current: bool


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return what `portal/base.html` needs besides the page's own context."""
    desk: Desk | None = getattr(request, "desk", None)
    person: Person | None = getattr(request, "person", None)
    return {
        "desk": desk,
        "person": person,
        "places": list(_places(request, desk)) if desk else [],
        **(_standing(request, desk) if desk else {}),
        "colours": _colours(request),
        "session_ends": _session_end(request),
        "languages": settings.LANGUAGES,
    }


def _standing(request: HttpRequest, desk: Desk) -> dict[str, Any]:
    """Return health, measured once for a page and the frame around it, and the alerts to see."""
    found: Health | None = getattr(request, "health", None)
    with tenant(desk.organization.id) as connection:
        health = found or measure(connection)
        alerts = unacknowledged(connection, desk.organization.id)
    return {
        "health": summary(health),
        "alerts_open": alerts if desk.role in ALERT_ROLES else 0,
    }


def _places(request: HttpRequest, desk: Desk) -> Iterator[Place]:
    for name, label, roles in _PLACES:
        if desk.role not in roles:
            continue
        try:
            address = reverse(name, args=[desk.organization.slug])
        except NoReverseMatch:
            continue
        inside = name != "portal:overview" and request.path.startswith(f"{address}/")
        yield Place(address, label, request.path == address or inside)


def _colours(request: HttpRequest) -> str:
    chosen = colours_of(getattr(request, "user", None)) or request.COOKIES.get("bilag_colours")
    return chosen if chosen in ("light", "dark") else "auto"


def _session_end(request: HttpRequest) -> int | None:
    """Return when the session ends, in seconds since 1970; None for who is not signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    return int(utc_now().timestamp()) + int(request.session.get_expiry_age())
