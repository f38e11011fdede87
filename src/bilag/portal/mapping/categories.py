"""The pages of expense types (C9): the list, one type, defaults of kinds, codes, suggestions."""

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bilag.core.problem import Refused
from bilag.core.record import CATEGORIES
from bilag.core.texts import say as sentence
from bilag.delivery.mapping_tables import SUGGESTED
from bilag.mapping.parts import CODE_TABLES, Changes, change_at, part_at
from bilag.mapping.words import part_name, value_words
from bilag.portal.forms import Form
from bilag.portal.mapping.forms import (
    CodeForm,
    DefaultForm,
    GeneralForm,
    NewTypeForm,
    PostingForm,
    UnmappedForm,
    posting_initial,
)
from bilag.portal.mapping.room import Room, open_room
from bilag.portal.scope import Desk, announce, organization_page

PAGE = 50
_CODE_FIELDS = {"costCentres": "costCentre", "projects": "project", "vatCodes": "vatCode"}


@require_GET
@organization_page("admin", "accountant")
def start(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Lead to the first tab."""
    return open_room(desk, key).go("categories")


@require_GET
@organization_page("admin", "accountant")
def listed(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show every expense type that came in or is mapped; what nothing covers comes first."""
    room = open_room(desk, key)
    search, after = request.GET.get("search", ""), request.GET.get("after", "")
    room.working()
    page = room.tables.types(key, search=search, after=after, limit=PAGE)
    document = page.working.document
    defaults = document.get("defaults", {})
    rows = [
        (row, sentence_of_kinds(row.kinds, desk.language), _other_codes(row.posting, desk.language))
        for row in page.rows
    ]
    context = {
        "page": page,
        "rows": rows,
        "search": search,
        "after": after,
        "next": page.after and room.address("categories", search=search, after=page.after),
        "defaults": [
            (
                kind,
                sentence(f"kind.{kind}", desk.language),
                defaults.get(kind),
                _other_codes(defaults.get(kind), desk.language),
            )
            for kind in page.working.integration.filters.categories
        ],
        "code_tables": [
            (table, len(document.get(table, {}).get("codes", ()))) for table in sorted(CODE_TABLES)
        ],
    }
    return room.shown(request, "categories", "categories", page.working, context)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def category(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Say where one expense type is posted, or take it out."""
    room = open_room(desk, key)
    type_ = request.GET.get("type", "")
    copy = room.working()
    posting = copy.document.get("categories", {}).get(type_)
    if request.method == "POST" and "remove" in request.POST:
        return _keep(request, room, change_at(("categories", type_), None), "categories")
    kind = PostingForm if type_ else NewTypeForm
    if request.method == "POST" and "use" in request.POST:
        # what was written stays, with the suggested account in its place
        form = kind(initial={**request.POST.dict(), "account": request.POST["use"]})
    else:
        form = kind(request.POST or None, initial=posting_initial(posting or {}))
    if request.method == "POST" and form.is_bound and form.is_valid():
        name = type_ or form.cleaned_data["type"]
        changes = change_at(("categories", name), form.posting())
        if (done := _kept(request, room, changes, form)) is not None:
            return done
    context = {
        "form": form,
        "type": type_,
        "is_mapped": posting is not None,
        "suggested": [
            one
            for one in (room.tables.suggestions(key, "account", type_) if type_ else ())
            if one.code != (posting or {}).get("account")
        ][:5],
    }
    return room.shown(request, "category", "categories", copy, context)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def default(request: HttpRequest, desk: Desk, key: str, kind: str) -> HttpResponse:
    """Say where one kind of record is posted when the expense type says nothing."""
    if kind not in CATEGORIES:
        raise Http404
    room = open_room(desk, key)
    copy = room.working()
    posting = copy.document.get("defaults", {}).get(kind)
    form = DefaultForm(request.POST or None, initial=posting_initial(posting or {}))
    if request.method == "POST" and form.is_valid():
        changes = change_at(("defaults", kind), form.posting() or None)
        if (done := _kept(request, room, changes, form)) is not None:
            return done
    heading = part_name(("defaults", kind), desk.language)
    return room.shown(request, "default", "categories", copy, {"form": form, "heading": heading})


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def general(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Set the counter-account, and how lines become postings."""
    room = open_room(desk, key)
    copy = room.working()
    initial = {
        "counterAccount": copy.document.get("counterAccount", ""),
        "lines": copy.document.get("lines", "each"),
    }
    form = GeneralForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        changes = dict(form.cleaned_data)
        if (done := _kept(request, room, changes, form)) is not None:
            return done
    return room.shown(
        request, "default", "categories", copy, {"form": form, "heading": _("The whole mapping")}
    )


@require_http_methods(["GET", "POST"])
@organization_page("admin", "accountant")
def codes(request: HttpRequest, desk: Desk, key: str, table: str) -> HttpResponse:
    """Show what the ledger calls the app's cost centres, projects or VAT codes."""
    if table not in CODE_TABLES or (request.method == "POST" and desk.role != "admin"):
        raise Http404
    room = open_room(desk, key)
    copy = room.working()
    found = copy.document.get(table, {})
    form = UnmappedForm(request.POST or None, initial={"unmapped": found.get("unmapped", "pass")})
    if request.method == "POST" and form.is_valid():
        changes = change_at((table, "unmapped"), form.cleaned_data["unmapped"])
        if (done := _kept(request, room, changes, form, ("codes", table))) is not None:
            return done
    after = request.GET.get("after", "")
    rows = [(name, code) for name, code in sorted(found.get("codes", {}).items()) if name > after]
    context = {
        "form": form,
        "table": table,
        "rows": rows[:PAGE],
        "count": len(found.get("codes", ())),
        "next": room.address("codes", table, after=rows[PAGE - 1][0]) if rows[PAGE:] else "",
        "after": after,
    }
    return room.shown(request, "codes", "categories", copy, context)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def code(request: HttpRequest, desk: Desk, key: str, table: str) -> HttpResponse:
    """Add, change or take out one code of a table."""
    if table not in CODE_TABLES:
        raise Http404
    room = open_room(desk, key)
    copy = room.working()
    name = request.GET.get("code", "")
    place = (table, "codes", name)
    if request.method == "POST" and "remove" in request.POST:
        return _keep(request, room, change_at(place, None), ("codes", table))
    initial = {"app_code": name, "code": part_at(copy.document, place) or ""}
    form = CodeForm(request.POST or None, initial=initial)
    form.fields["code"].widget.attrs["data-suggest"] = _CODE_FIELDS[table]
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        changes: Changes = {table: {"codes": {name: None} if name else {}}}
        changes[table]["codes"][given["app_code"]] = given["code"]
        if (done := _kept(request, room, changes, form, ("codes", table))) is not None:
            return done
    return room.shown(
        request,
        "code",
        "categories",
        copy,
        {
            "form": form,
            "table": table,
            "name": name,
            "ledger_codes": room.tables.ledger_codes(key, _CODE_FIELDS[table]),
        },
    )


@require_GET
@organization_page("admin")
def suggest(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Return choices for a code field, and say the name of the code that is written there."""
    what, field = request.GET.get("what", ""), request.GET.get("field", "")
    text = request.GET.get(field, "").strip()
    if what not in SUGGESTED:
        raise Http404
    room = open_room(desk, key)
    room.working()
    found = room.tables.suggestions(key, what, text)
    named = next((one.name for one in found if one.code == text and one.name), "")
    response = render(
        request, "mapping/suggestions.html", {"found": found, "named": named, "field": field}
    )
    return announce(response, f"{text}: {named}") if named else response


def sentence_of_kinds(kinds: tuple[str, ...], language: str) -> str:
    """Return in which kinds of record a type came in, in words."""
    return ", ".join(sentence(f"kind.{kind}", language) for kind in kinds)


def _other_codes(posting: Mapping[str, str] | None, language: str) -> str:
    codes = {name: code for name, code in (posting or {}).items() if name != "account"}
    return value_words(("categories", ""), codes, language) if codes else ""


def _kept(
    request: HttpRequest,
    room: Room,
    changes: Changes,
    form: Form,
    after: str | tuple[str, str] = "categories",
) -> HttpResponse | None:
    """Change the working copy and leave the page, or put what is wrong at its field."""
    try:
        return _keep(request, room, changes, after)
    except Refused as error:
        for problem in error.problems:
            in_table = ".codes." in problem.field  # whose names may hold dots themselves
            field = "code" if in_table else problem.field.rpartition(".")[2]
            text = problem.text(room.desk.language)
            form.add_error(field if field in form.fields else None, text)
        return None


def _keep(
    request: HttpRequest, room: Room, changes: Changes, after: str | tuple[str, str]
) -> HttpResponse:
    copy = room.editor.change(room.key, changes)
    room.say_kept(request, copy)
    return room.go(*((after,) if isinstance(after, str) else after))
