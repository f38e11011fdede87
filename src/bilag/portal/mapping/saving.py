"""The pages between editing and being in force: what is not saved, what saving would do."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from bilag.core.problem import Refused
from bilag.core.texts import CATALOGUE
from bilag.core.texts import say as sentence
from bilag.delivery.mapping_editor import SavedMeanwhile
from bilag.delivery.mapping_effect import Affected, AlteredValue
from bilag.mapping.words import differences_in_words
from bilag.portal.mapping.room import Room, open_room
from bilag.portal.numbers import whole
from bilag.portal.scope import Desk, announce, organization_page, say
from bilag.portal.words import amount_words


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def unsaved(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show what is changed and not saved beside what others saved; discard it, or put it on top."""
    room = open_room(desk, key)
    copy = room.working()
    if request.method == "POST" and "discard" in request.POST:
        room.editor.discard(key)
        say(request, _("Your changes are discarded."))
        return room.go("categories")
    if request.method == "POST" and "top" in request.POST:
        seen = whole(request.POST["top"])
        try:
            room.editor.put_on_top(key, -1 if seen is None else seen)
        except SavedMeanwhile as moved:
            say(request, moved.problem.text(desk.language), "warning")
        else:
            say(
                request,
                _("Your changes now stand on top of version %(version)s.") % {"version": seen},
            )
        return room.go("unsaved")
    behind = room.editor.unsaved(key)
    context = {
        name: [row for one in found for row in differences_in_words(one, desk.language)]
        for name, found in (
            ("mine", behind.mine), ("theirs", behind.theirs), ("both", behind.both),
        )
    }  # fmt: skip
    return room.shown(request, "unsaved", "", copy, context)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def save(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show what saving would do to the claims that wait, and save."""
    room = open_room(desk, key)
    copy = room.working()
    if not copy.is_changed:
        say(request, _("There is nothing to save."), "info")
        return room.go("categories")
    if copy.is_behind:
        return room.go("unsaved")
    errors: list[str] = []
    if request.method == "POST":
        try:
            saved = room.editor.save(key)
        except SavedMeanwhile as moved:
            say(request, moved.problem.text(desk.language), "warning")
            return room.go("unsaved")
        except Refused as error:
            errors = [one.text(desk.language) for one in error.problems]
        else:
            say(request, _saved(saved.version, saved.released))
            return room.go("versions")
    later = request.method == "GET" and not request.GET and room.trial.takes_long(key)
    context = {"later": later, "errors": errors}
    if not later:
        context |= _effect(room, errors)
    if request.headers.get("HX-Request"):
        response = render(request, "mapping/effect.html", {"room": room, "desk": desk, **context})
        return announce(response, _("It is worked out what saving does."))
    mine = room.editor.unsaved(key).mine
    rows = [row for one in mine for row in differences_in_words(one, desk.language)]
    return room.shown(request, "save", "", copy, {**context, "rows": rows})


def _effect(room: Room, errors: list[str]) -> dict[str, Any]:
    """Return what saving would do, or why nothing can be said of it."""
    language = room.desk.language
    try:
        effect = room.trial.effect(room.key)
    except Refused as error:
        return {"errors": errors or [one.text(language) for one in error.problems]}
    found = (("released", effect.released), ("held", effect.held), ("altered", effect.altered))
    return {"effect": effect, "groups": [(name, *_group(one, language)) for name, one in found]}


def _saved(version: int, released: int) -> str:
    told = _("Version %(version)s of the mapping is in force.") % {"version": version}
    if not released:
        return told
    tried = ngettext(
        "%(count)s held claim is tried again with it.",
        "%(count)s held claims are tried again with it.",
        released,
    ) % {"count": released}
    return f"{told} {tried}"


def _group(
    found: Affected, language: str
) -> tuple[Affected, str, list[tuple[str, str, str, list[str]]]]:
    """Return a group with its sums in words, and a row for each example."""
    sums = ", ".join(f"{amount_words(total)} {code}" for code, total in sorted(found.sums.items()))
    rows = [
        (
            one.source_id,
            one.state,
            f"{amount_words(one.amount)} {one.currency}",
            [p.text(language) for p in one.problems] + [_told(a, language) for a in one.altered],
        )
        for one in found.examples
    ]
    return found, sums, rows


def _told(altered: AlteredValue, language: str) -> str:
    code = f"posting.{altered.name}"
    name = sentence(code, language) if code in CATALOGUE else altered.name
    values = {"name": name, "before": altered.before or "–", "after": altered.after or "–"}
    if altered.line is None:
        return _("%(name)s: %(before)s becomes %(after)s") % values
    return _("posting %(line)s, %(name)s: %(before)s becomes %(after)s") % {
        **values,
        "line": altered.line,
    }
