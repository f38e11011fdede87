"""The wizard (C2): one page a step; what was entered is kept on the server after each.

Leaving and coming back, in another browser too, loses nothing. Other steps are pages of their own.
"""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from bilag.core.problem import Refused
from bilag.core.schedule_words import words
from bilag.delivery.connecting import Connected
from bilag.integrations.model import Filters, Integration
from bilag.portal.integrations.forms import ConfirmForm, SystemForm
from bilag.portal.integrations.settings_form import SettingsForm, draw_login
from bilag.portal.integrations.standing import kind_name, problem_text
from bilag.portal.integrations.steps import INTEGRATIONS, next_step, step_address, step_named
from bilag.portal.mapping.room import open_room
from bilag.portal.numbers import whole
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.sending.data import CATEGORY_NAMES

# Of the mapped expense types so many are named before the integration is turned on.
_TYPES_SHOWN = 12
_read_or_send = require_http_methods(["GET", "HEAD", "POST"])


@_read_or_send
@organization_page("admin")
def new(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Choose the system, names and book, and begin a draft."""
    drafting = desk.drafting
    form = SystemForm(
        drafting.types(desk.language), drafting.books(), chosen=request.GET.get("type", ""),
        data=request.POST if request.method == "POST" else None,
    )  # fmt: skip
    if request.method == "POST" and form.is_valid() and (begun := form.start()):
        try:
            draft = drafting.start(begun)
        except Refused as refused:
            form.refuse(refused)
        else:
            say(request, _("%(name)s is begun. Nothing is sent until you turn it on.")
                % {"name": draft.name})  # fmt: skip
            return redirect(next_step(desk.organization.slug, draft.key, "system"))
    status = 422 if form.is_bound else 200
    context = {"form": form, "integration": None}
    return render(request, "integrations/system.html", context, status=status)


@_read_or_send
@organization_page("admin")
def system(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Change name or book of a draft."""
    found = _found(desk, key)
    if found.draft is None:
        return _finished(desk, key)
    drafting = desk.drafting
    form = SystemForm(
        drafting.types(desk.language), drafting.books(), draft=found.integration,
        version=str(found.draft.version), data=request.POST if request.method == "POST" else None,
    )  # fmt: skip
    if request.method == "POST" and form.is_valid() and (book := form.chosen_book()):
        try:
            seen = whole(form.cleaned_data["version"])
            drafting.rename(key, form.cleaned_data["name"], book, seen)
        except Refused as refused:
            form.refuse(refused)
        else:
            return redirect(next_step(desk.organization.slug, key, "system"))
    context = {"form": form, "integration": found.integration, "kind": found.kind}
    return render(
        request, "integrations/system.html", context, status=422 if form.is_bound else 200
    )


@_read_or_send
@organization_page("admin")
def credentials(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Enter settings and secrets; "later" keeps them as they are and leaves."""
    found = _found(desk, key)
    if found.draft is None or found.kind is None:
        return _finished(desk, key)
    sent = request.method == "POST"
    form = SettingsForm(
        found.kind, settings=found.integration.settings, entered=found.draft.entered,
        credentials=found.credentials, version=str(found.draft.version),
        data=request.POST if sent else None,
    )  # fmt: skip
    if "use" in request.POST:
        draw_login(request, form)
    elif sent:
        valid = form.is_valid()
        try:
            if "later" in request.POST:
                desk.drafting.keep(key, form.entered(), form.secrets(), form.version())
                say(request, _("What you entered of %(name)s is kept. Go on whenever you like.")
                    % {"name": found.integration.name})  # fmt: skip
                return redirect(INTEGRATIONS.format(slug=desk.organization.slug))
            if valid:
                desk.drafting.save(key, form.settings(), form.secrets(), form.version())
                return redirect(next_step(desk.organization.slug, key, "credentials"))
        except Refused as refused:
            form.refuse(refused)
        form.must_be_typed_again()
        form.see(str(found.draft.version))
    context = {"form": form, "integration": found.integration, "kind": found.kind}
    return render(
        request, "integrations/credentials.html", context, status=422 if form.is_bound else 200
    )


@_read_or_send
@organization_page("admin")
def test(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Test the connection, and show what the newest test found."""
    if request.method == "POST":
        return run_test(request, desk, key, step_address(desk.organization.slug, key, "test"))
    found = _found(desk, key)
    if found.draft is None:
        return _finished(desk, key)
    return render(
        request, "integrations/test.html", {"found": found, **_around(desk, found, "test")}
    )


@_read_or_send
@organization_page("admin")
def accounts(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show the lists of the system, search in them, or read them anew."""
    if request.method == "POST":
        return read_lists(request, desk, key)
    found = _found(desk, key)
    kind, text = request.GET.get("kind", ""), request.GET.get("q", "")
    context = {
        "found": found,
        "listed": {one.kind: one for one in found.lists},
        "chosen": kind,
        "q": text,
        "items": desk.drafting.suggest(key, kind, text[:100]) if kind else None,
        **_around(desk, found, "accounts"),
    }
    return render(request, "integrations/accounts.html", context)


@_read_or_send
@organization_page("admin")
def confirm(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show what was chosen and what is missing; turn the integration on."""
    found = _found(desk, key)
    if found.draft is None:
        return _finished(desk, key)
    one = found.integration
    form = ConfirmForm(
        desk.drafting.route_of(one), data=request.POST if request.method == "POST" else None
    )
    if request.method == "POST" and form.is_valid():
        try:
            desk.drafting.turn_on(key, take_over="take_over" in form.fields)
        except Refused as refused:
            form.refuse(refused)
        else:
            say(request, _("%(name)s is on. Approved claims are sent as its schedule says.")
                % {"name": one.name})  # fmt: skip
            return redirect("integrations:overview", desk.organization.slug, key)
    slug, language = desk.organization.slug, desk.language
    missing = [
        (step_named(slug, key, step), problem_text(problem, language))
        for step, problem in desk.drafting.missing(key)
    ]
    waiting = open_room(desk, key).waiting(in_force=True)
    context = {
        "found": found,
        "integration": one,
        "form": form,
        "missing": missing,
        "kinds": [CATEGORY_NAMES[kind] for kind in one.filters.categories],
        "filtered": one.filters != Filters(categories=one.filters.categories),
        "mapped": _mapped(waiting["copy"].current.document, one),
        **waiting,
        "schedule": words(one.delivery.timed(), language),
        "also": _also_sending(desk, one),
        "addresses": {
            step: step_address(slug, key, step)
            for step in ("system", "credentials", "test", "fields", "data", "schedule")
        },
    }
    status = 422 if form.is_bound else 200
    return render(request, "integrations/confirm.html", context, status=status)


def _mapped(document: Mapping[str, Any], one: Integration) -> dict[str, object]:
    """Return what the mapping in force has an account for: some types, how many more, kinds."""
    types = sorted(document.get("categories", ()))
    defaults = document.get("defaults", {})
    return {
        "types": types[:_TYPES_SHOWN],
        "more": max(0, len(types) - _TYPES_SHOWN),
        "kinds": [
            CATEGORY_NAMES[kind]
            for kind in one.filters.categories
            if defaults.get(kind, {}).get("account")
        ],
    }


def _also_sending(desk: Desk, one: Integration) -> list[Integration]:
    """Return the other integrations that are on and take a kind of claim that this one takes.

    Each posts in a book of its own, so that nothing keeps them from posting the same claim.
    """
    wanted = set(one.filters.categories)
    return [
        other
        for other, state in desk.integrations.listed()
        if state == "active"
        and other.book.key != one.book.key
        and wanted & set(other.filters.categories)
    ]


def run_test(request: HttpRequest, desk: Desk, key: str, back: str) -> HttpResponse:
    """Test a connection, say how it went, and go back to where its result stands."""
    language = desk.language
    try:
        tested = desk.connection_tests.test(key)
    except LookupError:
        raise Http404 from None
    except Refused as refused:
        say(request, refused.problems[0].text(language), "warning")
        return redirect(back)
    if not tested.report.login_tried:
        say(request, _("The address answers. The login was not tried."), "warning")
    elif tested.report.ok:
        say(request, _("The test passed: the connection works."))
    else:
        say(request, _("The test did not pass. What to do stands below."), "danger")
    return redirect(back)


def read_lists(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Read the lists of a system anew, say what was read, and go back to them."""
    back = redirect(step_address(desk.organization.slug, key, "accounts"))
    language = desk.language
    try:
        listed = desk.connection_tests.refresh(key)
    except LookupError:
        raise Http404 from None
    except Refused as refused:
        say(request, refused.text(language), "danger")
        return back
    failed = [
        f"{kind_name(one.kind)}: {one.problem.text(language)}" for one in listed if one.problem
    ]
    read = sum(len(one.items) for one in listed)
    if failed:
        say(
            request,
            " ".join([_("Not everything could be read."), *failed]),
            "warning",
        )
    else:
        say(request, _("%(count)s entries were read.") % {"count": read})
    return back


def _found(desk: Desk, key: str) -> Connected:
    try:
        return desk.drafting.describe(key, desk.language)
    except LookupError:
        raise Http404 from None


def _finished(desk: Desk, key: str) -> HttpResponse:
    """Lead from a step to the page of the integration, which is set up already."""
    return redirect("integrations:overview", desk.organization.slug, key)


def _around(desk: Desk, found: Connected, step: str) -> dict[str, object]:
    slug, key = desk.organization.slug, found.integration.key
    home = f"{INTEGRATIONS.format(slug=slug)}/{key}"
    return {
        "integration": found.integration,
        "kind": found.kind,
        "next": next_step(slug, key, step) if found.draft else home,
    }


@require_POST
@organization_page("admin")
def test_now(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Test an integration that is in use, and go back to its page."""
    return run_test(request, desk, key, f"{INTEGRATIONS.format(slug=desk.organization.slug)}/{key}")
