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
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bilag.core.clock import utc_now
from bilag.delivery.installation import tenant
from bilag.exports.status import totals
from bilag.integrations.store import integration_states
from bilag.portal.accounts.preferences import colours_of
from bilag.portal.scope import Desk, Person
from bilag.tenants.members import Role

# (name of the address, what it is called, who may use it)
_PLACES: tuple[tuple[str, Promise, tuple[Role, ...]], ...] = (
    ("portal:overview", gettext_lazy("Overview"), ("admin", "accountant", "coordinator")),
    ("integrations:list", gettext_lazy("External integrations"), ("admin", "accountant")),
    ("sending:features", gettext_lazy("Excluded features"), ("admin", "accountant")),
    ("sending:periods", gettext_lazy("Closed periods"), ("admin", "accountant")),
    ("sending:configuration", gettext_lazy("Configuration file"), ("admin",)),
    ("members:list", gettext_lazy("Members"), ("admin",)),
    ("tokens:list", gettext_lazy("API tokens"), ("admin",)),
)
_FOR_A_PERSON = ("needs_review", "in_doubt", "failed", "held")


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
        "health": health(desk) if desk else "",
        "colours": _colours(request),
        "session_ends": _session_end(request),
        "languages": settings.LANGUAGES,
    }


def health(desk: Desk) -> str:
    """Return in one sentence how the organization's integrations stand, the worst first."""
    with tenant(desk.organization.id) as connection:
        states = integration_states(connection, desk.organization.id)
        counted = totals(connection)
    if not states:
        return _("No accounting system is connected yet")
    stopped = sorted(key for key, state in states.items() if state == "error")
    if stopped:
        return _("%(names)s: stopped, needs attention") % {"names": ", ".join(stopped)}
    waiting = sum(
        row.count for row in counted if row.state in _FOR_A_PERSON and row.listing == "current"
    )
    if waiting:
        return ngettext(
            "Needs attention: %(count)s claim waits for a decision",
            "Needs attention: %(count)s claims wait for a decision",
            waiting,
        ) % {"count": waiting}
    if all(state == "disabled" for state in states.values()):
        return _("Switched off: approved claims wait, and nothing is sent")
    return _("All is well")


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
