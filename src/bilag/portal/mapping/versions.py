"""The pages of versions (C12): who saved which and when, what differs, an old one back again."""

from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bilag.core.problem import Refused
from bilag.delivery.installation import tenant
from bilag.delivery.mapping_editor import SavedMeanwhile
from bilag.mapping.words import differences_in_words
from bilag.monitoring.health import measure
from bilag.portal.mapping.room import Room, open_room
from bilag.portal.numbers import whole
from bilag.portal.scope import Desk, organization_page, say

PAGE = 50


@require_GET
@organization_page("admin", "accountant")
def listed(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show the versions, newest first."""
    room = open_room(desk, key)
    copy = room.working()
    _integration, found = room.editor.versions(key)
    before = whole(request.GET.get("before", ""))
    older = [one for one in found if before is None or one.version < before]
    context = {
        "versions": older[:PAGE],
        "count": len(found),
        "every": [one.version for one in found[:PAGE]],
        "older": older[PAGE - 1].version if older[PAGE:] else None,
        "failed": _failed(request, room),
    }
    return room.shown(request, "versions", "versions", copy, context)


def _failed(request: HttpRequest, room: Room) -> int:
    """Return how many claims wait to be retried; the frame around the page measures no more."""
    with tenant(room.desk.organization.id) as connection:
        health = measure(connection)
    cast(Any, request).health = health
    return next((one.failed for one in health.integrations if one.key == room.key), 0)


@require_GET
@organization_page("admin", "accountant")
def compare(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show what differs between two versions, field by field."""
    room = open_room(desk, key)
    copy = room.working()
    old, new = whole(request.GET.get("old", "")), whole(request.GET.get("new", ""))
    if old is None or new is None:
        raise Http404
    try:
        compared = room.editor.compare(key, old, new)
    except Refused as error:
        raise Http404 from error
    rows = [row for one in compared.differences for row in differences_in_words(one, desk.language)]
    context = {"compared": compared, "rows": rows}
    return room.shown(request, "compare", "versions", copy, context)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def restore(request: HttpRequest, desk: Desk, key: str, version: int) -> HttpResponse:
    """Say what an old version would change, and make it a new one."""
    room = open_room(desk, key)
    copy = room.working()
    try:
        compared = room.editor.compare(key, copy.current.version, version)
    except Refused as error:
        raise Http404 from error
    errors: list[str] = []
    if request.method == "POST":
        seen = whole(request.POST.get("seen", ""))
        try:
            saved = room.editor.restore(key, version, -1 if seen is None else seen)
        except SavedMeanwhile as moved:
            errors = [moved.problem.text(desk.language)]
        except Refused as error:
            errors = [one.text(desk.language) for one in error.problems]
        else:
            say(
                request,
                _("Version %(old)s is in force again, as version %(new)s.")
                % {"old": version, "new": saved.version},
            )
            return room.go("versions")
    rows = [row for one in compared.differences for row in differences_in_words(one, desk.language)]
    context = {"compared": compared, "rows": rows, "version": version, "errors": errors}
    return room.shown(request, "restore", "versions", copy, context)
