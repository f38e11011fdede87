"""The page of the field editor (C8): rows of drop-downs, complete without a mouse or a script."""

from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from bilag.core.problem import Refused
from bilag.core.target_field import SECTIONS, Section
from bilag.core.texts import say as sentence
from bilag.delivery.mapping_desk import WorkingCopy
from bilag.mapping.words import field_title, path_name, rule_words
from bilag.portal.mapping.field_rows import (
    Row,
    changes_of,
    check_rows,
    document_with,
    new_row,
    posted_rows,
    rows_of,
    sections_of,
)
from bilag.portal.mapping.room import Room, open_room
from bilag.portal.mapping.rule_places import TEXTS, RulePlace
from bilag.portal.scope import Desk, announce, organization_page

Rows = dict[Section, list[Row]]
Errors = list[tuple[str, str, str]]


@require_http_methods(["GET", "POST"])
@organization_page("admin", "accountant")
def edit(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show the rows, and keep what is posted in the working copy."""
    room = open_room(desk, key)
    copy = room.working()
    if request.method == "GET":
        rows: Rows = {s: rows_of(copy.document, s, desk.language) for s in SECTIONS}
        section = _section(request.GET.get("add", ""))
        if section is not None and desk.role == "admin":
            new_row(rows[section], section, request.GET.get("name", ""))
        return _page(request, room, copy, rows, [])
    if desk.role != "admin":
        raise Http404
    rows = posted_rows(request.POST, copy.document, desk.language)
    do, _colon, where = request.POST.get("do", "keep").partition(":")
    section_name, _colon, number = where.partition(":")
    if do == "remove" and (section := _section(section_name)) is not None:
        rows[section] = [row for row in rows[section] if str(row.number) != number]
    if errors := check_rows(rows):
        return _page(request, room, copy, rows, errors)
    try:
        changed = room.editor.change(key, changes_of(rows, copy.document))
    except Refused as error:
        told = [("content", one.field, one.text(desk.language)) for one in error.problems]
        return _page(request, room, copy, rows, told)
    return _next(request, room, changed, rows, do, section_name, number)


@require_POST
@organization_page("admin")
def check(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Return the problems that the rows would have; announced when they are others than before.

    Nothing is kept by it.
    """
    room = open_room(desk, key)
    copy = room.working()
    rows = posted_rows(request.POST, copy.document, desk.language)
    document = document_with(copy.document, changes_of(rows, copy.document))
    checked = room.editor.check(copy.integration, document, has_claimants=copy.has_claimants)
    told = room.told(checked)
    count = len(checked.faults) + len(checked.hints)
    now = "|".join(one.text for one in (*told["faults"], *told["hints"]))
    response = render(request, "mapping/problem_list.html", {**told, "told": quote(now)})
    if quote(now) == request.POST.get("told", ""):
        return response
    if not count:
        return announce(response, _("The mapping can be saved."))
    counted = ngettext(
        "The mapping has %(count)s problem.", "The mapping has %(count)s problems.", count
    ) % {"count": count}
    first = next(iter((*told["faults"], *told["hints"]))).text
    return announce(response, f"{counted} {first}")


def _next(
    request: HttpRequest,
    room: Room,
    copy: WorkingCopy,
    rows: Rows,
    do: str,
    section_name: str,
    number: str,
) -> HttpResponse:
    section = _section(section_name)
    if do == "add" and section is not None:
        fresh = len(copy.document.get(section, {}))
        response = room.go("fields", add=section)
        response["Location"] += f"#{section}-{fresh}-path"
        return response
    if do == "rule" and section is not None:
        row = next((row for row in rows[section] if str(row.number) == number), None)
        if row is not None:
            return room.go("rule", **RulePlace(section, row.name).address())
    room.say_kept(request, copy)
    response = room.go("fields")
    response["Location"] += f"#{section}-heading" if do == "remove" and section else ""
    return response


def _page(
    request: HttpRequest, room: Room, copy: WorkingCopy, rows: Rows, errors: Errors
) -> HttpResponse:
    samples = room.trial.path_samples(room.key)
    own_fields = sorted(path for path in samples if path.startswith("extra."))
    target = room.editor.target_fields(copy.integration)
    language = room.desk.language
    missing = [
        (one.name, field_title(one.title, one.name, language), one.sections[0])
        for one in target.fields
        if one.required
        and not any(row.name == one.name for section in one.sections for row in rows[section])
    ]
    context = {
        "sections": list(sections_of(rows, target, own_fields, language)),
        "errors": errors,
        "missing": missing,
        "samples": [(path, path_name(path, language), value) for path, value in samples.items()],
        "texts": [
            (name, sentence(f"part.{name}", language), rule_words(rule, language))
            for name in TEXTS
            if (rule := RulePlace(name).whole(copy.document)) is not None
        ],
    }
    return room.shown(request, "fields", "fields", copy, context)


def _section(name: str) -> Section | None:
    return next((section for section in SECTIONS if section == name), None)
