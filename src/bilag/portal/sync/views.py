"""One sync, while it runs and when it has ended; and the newest syncs (O3, E11)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bilag.core.problem import problems_of
from bilag.delivery.sync_now import Progress
from bilag.exports.sync_requests import Cause, SyncRequest, cursor_of, place_of
from bilag.portal.scope import ROLES, Desk, announce, organization_page
from bilag.portal.sending.places import unknown_is_not_found
from bilag.portal.sync.words import (
    asked,
    begun_by,
    claims_address,
    exported,
    message,
    reached,
    sentence,
    standing,
)
from bilag.portal.watch.words import outcome_words

PAGE = 50
CAUSES_MAX = 10
# htmx asks no more after an answer with this status, and puts it into the page as any other.
_LAST = 286


@require_GET
@organization_page(*ROLES)
def shown(request: HttpRequest, desk: Desk, sync_id: UUID) -> HttpResponse:
    """Show how far a sync is, or what came of it; a script asks for the counts again and again."""
    with unknown_is_not_found():
        found = desk.syncs.progress(sync_id)
    if request.headers.get("HX-Request"):
        return _part(request, desk, found)
    return render(request, "sync/one.html", _context(desk, found))


def _part(request: HttpRequest, desk: Desk, found: Progress) -> HttpResponse:
    """Answer the script: the counts, without a word; or what is said, when it has changed.

    What has ended is said once with the last counts, which bring the result along.
    """
    ended, said = found.request.ended_at is not None, request.GET.get("said")
    if said is not None:
        mark = _mark(found)
        answer = render(request, "sync/voice.html", {"mark": mark}, status=_LAST if ended else 200)
        return answer if ended or said == mark else announce(answer, sentence(found))
    context = _context(desk, found)
    if not ended:
        return render(request, "sync/counts.html", context)
    answer = render(request, "sync/ended.html", context, status=_LAST)
    return announce(answer, sentence(found))


def _context(desk: Desk, found: Progress) -> dict[str, Any]:
    one = found.request
    running = one.asked_for and one.ended_at is None
    # texts of claims may hold names, which a coordinator does not see
    causes = [] if running or desk.role == "coordinator" else desk.syncs.causes(one)
    return {
        "desk": desk,
        "found": found,
        "one": one,
        "running": running,
        "standing": standing(found),
        "begun_by": begun_by(one),
        "message": message(one, desk.language),
        "asked": asked(one),
        "lines": list(reached(desk, found)),
        "exported": exported(found.went),
        "causes": _causes(desk, one.integration_key, causes),
        "pending": claims_address(desk, one.integration_key, "pending"),
        "mark": _mark(found),
        "next_run": None if running else _next_run(desk, one.integration_key),
    }


def _next_run(desk: Desk, key: str) -> Any:
    try:
        return desk.syncs.before(key).standing.next_run_at
    except LookupError:
        return None


def _causes(desk: Desk, key: str, causes: Sequence[Cause]) -> list[Mapping[str, Any]]:
    """Return the most frequent causes; claims with the same problems are one, whatever they are."""
    counted: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for cause in causes:
        texts = tuple(problem.text(desk.language) for problem in problems_of(cause.reason))
        counted[cause.state, texts] += cause.records
    return [
        {
            "state": state,
            "records": records,
            "problems": problems,
            "address": claims_address(desk, key, state),
        }
        for (state, problems), records in counted.most_common(CAUSES_MAX)
    ]


def _mark(found: Progress) -> str:
    """Return what a sentence about it would be about, so that the same is not said twice."""
    stopped = found.request.stopped_at is not None
    return f"{found.done}-{found.left}-{found.begun:d}{found.worker:d}{stopped:d}"


def _counted(same: Counter[tuple[str, Any]], one: SyncRequest) -> int:
    """Return the how-manieth of its second it is: links that lead elsewhere are named apart."""
    second = (one.integration_key, one.asked_at.replace(microsecond=0))
    same[second] += 1
    return same[second]


@require_GET
@organization_page(*ROLES)
def listed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """List the newest syncs, of all integrations or of one."""
    integrations = desk.syncs.integrations()
    names = {one.key: one.name for one in integrations}
    key = request.GET.get("integration", "")
    if key and key not in names:
        raise Http404
    try:
        older = request.GET.get("older", "")
        before = place_of(older) if older else None
    except ValueError:
        raise Http404 from None
    found = desk.syncs.newest(integration=key, before=before, limit=PAGE)
    chosen = {"integration": key} if key else {}
    same: Counter[tuple[str, Any]] = Counter()
    rows = [
        {
            "one": one,
            "nth": _counted(same, one),
            "begun_by": begun_by(one),
            "outcome": outcome_words(one.outcome),
            "exported": sum(share.records for share in exported(went)),
            "others": sum(
                share.records for share in went if share.state in ("failed", "in_doubt", "held")
            ),
        }
        for one, went in found
    ]
    context = {
        "rows": rows,
        "integrations": [one for one in integrations if not one.is_draft],
        "key": key,
        "name": names.get(key, ""),
        "is_first": before is None,
        "older": urlencode(chosen | {"older": cursor_of(found[-1][0])})
        if len(found) == PAGE
        else "",
        "newest": urlencode(chosen),
    }
    return render(request, "sync/list.html", context)
