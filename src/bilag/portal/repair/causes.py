"""Failed and held claims (O4): grouped by cause with the fix beside it; retried and released.

An administrator retries; an accountant reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bilag.delivery.installation import tenant
from bilag.exports.causes import Cause, causes, claims_kept_by
from bilag.integrations.mapped_types import current_mappings
from bilag.integrations.store import get_integration, list_integrations
from bilag.portal.numbers import whole
from bilag.portal.repair.fixes import Fix, Kept, Origin
from bilag.portal.repair.standing import stopped_integrations
from bilag.portal.repair.words import Told, told
from bilag.portal.scope import Desk, organization_page, say

PAGE = 50
# Each has a section of its own, with the system's words and its links.
CAUSES_PAGE = 20
# What mapping the claim anew cannot change: a person decides, or it is followed by itself.
_NOT_RELEASED = (
    "waits_for_approval",
    "correction_proposed",
    "reversal_proposed",
    "waits_for_earlier",
)


@dataclass(frozen=True, slots=True)
class ShownCause:
    """A cause as the page shows it: numbered, in words, with the pages on which it is mended."""

    number: int
    cause: Cause
    told: Told
    fixes: Sequence[Fix]
    origins: Sequence[Origin]
    sums: Sequence[tuple[str, Any]]
    may_release: bool


@require_GET
@organization_page("admin", "accountant")
def failed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show why claims are refused, those of most claims first."""
    return _grouped(request, desk, "failed")


@require_GET
@organization_page("admin", "accountant")
def held(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show what holds claims back."""
    return _grouped(request, desk, "held")


def _grouped(request: HttpRequest, desk: Desk, state: str) -> HttpResponse:
    own, key = desk.organization.id, request.GET.get("integration", "")
    skip = _number(request.GET.get("skip", "")) if request.GET.get("skip") else 0
    with tenant(own) as connection:
        integrations = list_integrations(connection, own)
        chosen = next((one for one in integrations if one.key == key), None)
        if key and chosen is None:
            raise Http404
        found = causes(
            connection, state, integration_id=chosen.id if chosen else None,
            skip=min(skip, 100_000), limit=CAUSES_PAGE,
        )  # fmt: skip
        mappings = current_mappings(connection, own, [one.integration_key for one in found.page])
        stopped = stopped_integrations(connection, request) if state == "failed" else []
    context = {
        "state": state,
        "integrations": integrations,
        "chosen": chosen,
        "causes": [
            _shown(desk, number, one, mappings.get(one.integration_key, {}))
            for number, one in enumerate(found.page, skip + 1)
        ],
        "found": found,
        "stopped": stopped,
        "next": skip + CAUSES_PAGE if skip + len(found.page) < found.total else None,
        "is_first": not skip,
    }
    return render(request, f"repair/{state}.html", context)


def _shown(desk: Desk, number: int, one: Cause, mapping: dict[str, Any]) -> ShownCause:
    fixes: Sequence[Fix] = ()
    origins: Sequence[Origin] = ()
    if one.problem is not None:
        kept = Kept(desk, one.integration_key, one.problem, mapping, one.record)
        fixes, origins = kept.fixes(), kept.origins()
    return ShownCause(
        number, one, told(one.problem, desk.language), fixes, origins, list(one.sums.items()),
        one.problem is None or may_release(one.problem.code),
    )  # fmt: skip


def may_release(code: str) -> bool:
    """Return whether mapping a held claim anew can help; a closed period is followed by itself."""
    return code not in _NOT_RELEASED and not code.startswith("period_closed")


@require_http_methods(["GET", "POST"])
@organization_page("admin", "accountant")
def failed_claims(request: HttpRequest, desk: Desk, key: str, cause: str) -> HttpResponse:
    """List the claims that a cause has refused, and retry those that are chosen."""
    return _claims(request, desk, "failed", key, cause)


@require_http_methods(["GET", "POST"])
@organization_page("admin", "accountant")
def held_claims(request: HttpRequest, desk: Desk, key: str, cause: str) -> HttpResponse:
    """List the claims that a cause holds, and map those anew that are chosen."""
    return _claims(request, desk, "held", key, cause)


def _claims(request: HttpRequest, desk: Desk, state: str, key: str, cause: str) -> HttpResponse:
    own, integration_id = desk.organization.id, _integration(desk, key)
    named = (whole(one) for one in request.POST.getlist("claims")[:PAGE])
    chosen = [one for one in named if one is not None]
    nothing_chosen = request.method == "POST" and not chosen
    if request.method == "POST":
        if desk.role != "admin":
            raise Http404
        if chosen:
            _again(request, desk, state, key, export_ids=chosen)
            return redirect(f"repair:{state}_claims", desk.organization.slug, key, cause)
    after = _number(request.GET["after"]) if request.GET.get("after") else 0
    with tenant(own) as connection:
        found = causes(connection, state, integration_id=integration_id, cause=cause, limit=1)
        rows = claims_kept_by(
            connection, state, cause, integration_id=integration_id, after=after, limit=PAGE + 1
        )
        mapping = current_mappings(connection, own, [key]).get(key, {})
    context = {
        "state": state,
        "key": key,
        "cause": _shown(desk, 1, found.page[0], mapping) if found.page else None,
        "cause_key": cause,
        "rows": rows[:PAGE],
        "after": rows[PAGE - 1].id if len(rows) > PAGE else None,
        "is_first": not after,
        "nothing_chosen": nothing_chosen,
    }
    status = 422 if nothing_chosen else 200
    return render(request, "repair/claims.html", context, status=status)


@require_POST
@organization_page("admin")
def retry_all(request: HttpRequest, desk: Desk, key: str, cause: str) -> HttpResponse:
    """Retry all claims that a cause has refused."""
    _integration(desk, key)
    _again(request, desk, "failed", key, cause=cause)
    return redirect("repair:failed", desk.organization.slug)


@require_POST
@organization_page("admin")
def release_all(request: HttpRequest, desk: Desk, key: str, cause: str) -> HttpResponse:
    """Map all claims anew that a cause holds."""
    _integration(desk, key)
    _again(request, desk, "held", key, cause=cause)
    return redirect("repair:held", desk.organization.slug)


def _again(
    request: HttpRequest,
    desk: Desk,
    state: str,
    key: str,
    *,
    export_ids: Sequence[int] | None = None,
    cause: str | None = None,
) -> None:
    exports = desk.exports
    if state == "failed":
        ids = exports.retry_failed_exports(key, export_ids, cause)
    else:
        ids = exports.release_held_exports(key, export_ids=export_ids, cause=cause)
    say_queued(request, desk, key, len(ids))


def say_queued(request: HttpRequest, desk: Desk, key: str, count: int) -> None:
    """Say how many claims wait to be sent now, with a link to the sync that takes them.

    None wait when somebody else was faster.
    """
    if not count:
        say(request, _("Nothing was queued: these claims do not stand as they did."), "info")
        return
    words = ngettext(
        "%(count)s claim is queued. It is mapped anew and sent with the next sync. If it may be"
        " booked already, it is looked up first.",
        "%(count)s claims are queued. They are mapped anew and sent with the next sync. What may be"
        " booked already is looked up first.",
        count,
    )
    link = format_html('<a class="ds-link" href="{}">{}</a>', *_sync_of(desk, key))
    say(request, format_html("{} {}", words % {"count": count}, link))


def _sync_of(desk: Desk, key: str) -> tuple[str, str]:
    """Return the page of the sync under way that somebody asked for, else where it will stand."""
    before, slug = desk.syncs.before(key), desk.organization.slug
    if before.under_way is not None:
        address = reverse("sync:one", args=[slug, before.under_way.id])
        return address, _("See how far the sync is")
    query = urlencode({"integration": key})
    name = {"name": before.integration.name}
    return f"{reverse('sync:list', args=[slug])}?{query}", _(
        "Follow it among the syncs of %(name)s"
    ) % name


def _integration(desk: Desk, key: str) -> UUID:
    with tenant(desk.organization.id) as connection:
        found = get_integration(connection, desk.organization.id, key)
    if found is None:
        raise Http404
    return found.id


def _number(text: str) -> int:
    number = whole(text)
    if number is None:
        raise Http404
    return number
