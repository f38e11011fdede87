"""The pages of claimants (C17): the list, one of them, who has no party, CSV in and out."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bilag.core.problem import Refused
from bilag.core.record import CATEGORIES
from bilag.delivery.claimants_csv import claimants_text, too_large
from bilag.mapping.parts import Changes, change_at
from bilag.portal.mapping.forms import ClaimantForm, FileForm, PayeesForm
from bilag.portal.mapping.room import open_room
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.sending.uploads import was_too_large

PAGE = 50
_WAITING_SHOWN = 20
# Of the bad lines of a file so many are told; the rest is counted.
_LINES_SHOWN = 100


@require_GET
@organization_page("admin", "accountant")
def listed(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show claimants by id, a page at a time, and those that held claims wait for."""
    room = open_room(desk, key)
    search, after = request.GET.get("search", ""), request.GET.get("after", "")
    room.working()
    copy, page = room.tables.claimants(key, search=search, after=after, limit=PAGE)
    waiting = room.tables.waiting_claimants(key)
    context = {
        "page": page,
        "search": search,
        "after": after,
        "next": page.after and room.address("claimants", search=search, after=page.after),
        "waiting": waiting[:_WAITING_SHOWN],
        "waiting_count": len(waiting),
        "clears": copy.document.get("missingClaimant") == "clearing",
        "clearing_account": copy.document.get("clearingAccount", ""),
    }
    return room.shown(request, "claimants", "claimants", copy, context)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def one(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Add, change or take out one claimant."""
    room = open_room(desk, key)
    copy = room.working()
    claimant = request.GET.get("claimant", "")
    if request.method == "POST" and "remove" in request.POST:
        room.say_kept(request, room.editor.change(key, change_at(("claimants", claimant), None)))
        return room.go("claimants")
    party = room.tables.claimant(key, claimant) if claimant else None
    form = ClaimantForm(request.POST or None, initial={"claimant": claimant, "party": party or ""})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        changes: Changes = {"claimants": {given["claimant"]: given["party"]}}
        if claimant and given["claimant"] != claimant:
            changes["claimants"][claimant] = None
        try:
            room.say_kept(request, room.editor.change(key, changes))
            return room.go("claimants", search=given["claimant"])
        except Refused as error:
            for problem in error.problems:
                form.add_error("claimant", problem.text(desk.language))
    context = {"form": form, "claimant": claimant, "is_mapped": party is not None}
    return room.shown(request, "claimant", "claimants", copy, context)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def payees(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Say what becomes of claims whose claimant has no party."""
    room = open_room(desk, key)
    copy = room.working()
    document = copy.document
    initial = {
        "missingClaimant": document.get("missingClaimant", "held"),
        "clearingAccount": document.get("clearingAccount", ""),
        **document.get("clearingAccounts", {}),
    }
    form = PayeesForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        changes: Changes = {
            "missingClaimant": given["missingClaimant"],
            "clearingAccount": given["clearingAccount"],
            "clearingAccounts": {kind: given[kind] or None for kind in CATEGORIES},
        }
        try:
            room.say_kept(request, room.editor.change(key, changes))
            return room.go("claimants")
        except Refused as error:
            for problem in error.problems:
                field = problem.field.removeprefix("clearingAccounts.")
                form.add_error(field if field in form.fields else None, problem.text(desk.language))
    return room.shown(request, "payees", "claimants", copy, {"form": form})


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def take_in(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Import a CSV of claimants; nothing of a file with a bad line is taken."""
    room = open_room(desk, key)
    copy = room.working()
    form = FileForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    lines: list[tuple[int | None, str]] = []
    more = 0
    if request.method == "POST" and was_too_large(request):
        form.errors.clear()
        form.add_error("file", too_large().problems[0].text(desk.language))
    elif request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            text = claimants_text(file.read(), file.name)
            done = room.tables.import_claimants(key, text, file.name)
        except Refused as error:
            told = [(problem.line, problem.text(desk.language)) for problem in error.problems]
            lines, more = told[:_LINES_SHOWN], max(0, len(told) - _LINES_SHOWN)
            form.add_error("file", _("Nothing was taken in. Mend the file and choose it again."))
        else:
            say(
                request,
                _(
                    "%(added)s claimants are added, %(changed)s changed, %(same)s were as they"
                    " are. It is in force once you have saved the mapping."
                )
                % {"added": done.added, "changed": done.changed, "same": done.same},
            )
            return room.go("claimants")
    context = {"form": form, "lines": lines, "more": more}
    return room.shown(request, "import", "claimants", copy, context)


@require_GET
@organization_page("admin", "accountant")
def hand_out(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Return the claimants of the working copy as a file, its cells safe from formulas."""
    room = open_room(desk, key)
    room.working()
    response = HttpResponse(
        room.tables.export_claimants(key).encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="claimants-{key}.csv"'
    return response
