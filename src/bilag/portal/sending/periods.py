"""Closed periods (E15): which days of each book are closed, and what happens to claims in them."""

from typing import Any, cast

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from bilag.core.problem import Problem, Refused
from bilag.delivery.organization import ASKING_CODES, ClosedBook, OrganizationSettings
from bilag.portal.numbers import whole
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.sending.data import CATEGORY_NAMES
from bilag.portal.sending.forms import FreeText, PlaceForm, day_input
from bilag.portal.sending.places import only_admins_change, unknown_is_not_found
from bilag.portal.words import amount_words
from bilag.tenants.organizations import REASON_MAX

_POLICIES = (
    ("stop", gettext_lazy("Stop: hold the claim until the period is open again")),
    (
        "first_open_day",
        gettext_lazy("First open day: post it there; the original date stays in its text"),
    ),
    ("ask", gettext_lazy("Ask: a person decides about each claim")),
)
_DECISIONS = (
    ("first_open_day", gettext_lazy("Post them on the first open day")),
    ("wait", gettext_lazy("Let them wait until the period is open")),
)
_PAGE = 50


class PolicyForm(PlaceForm):
    """What happens to a claim whose posting date is closed."""

    policy = forms.ChoiceField(
        label=gettext_lazy("A claim in a closed period"),
        choices=_POLICIES,
        widget=forms.RadioSelect,
    )


class BookForm(PlaceForm):
    """The last closed day of a book."""

    closed_through = forms.DateField(
        label=gettext_lazy("Closed through this day"),
        help_text=gettext_lazy("An earlier day opens some; leave it empty to open every day."),
        required=False,
        widget=day_input(),
    )


class DecisionForm(PlaceForm):
    """Which of the claims that ask, and what becomes of them."""

    claims = forms.MultipleChoiceField(
        label=gettext_lazy("Claims"), widget=forms.CheckboxSelectMultiple
    )
    decision = forms.ChoiceField(
        label=gettext_lazy("Decision"), choices=_DECISIONS, widget=forms.RadioSelect
    )
    reason = FreeText(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("It is kept in the audit log."),
        max_length=REASON_MAX,
    )


@require_http_methods(["GET", "POST"])
@organization_page("admin", "accountant")
def periods(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the policy and the books with what waits, and set the policy."""
    only_admins_change(request, desk)
    settings = _settings(desk)
    if request.method == "POST":
        form = PolicyForm(request.POST)
        if form.is_valid():
            settings.set_period_policy(form.cleaned_data["policy"])
            say(request, _("The policy of closed periods is saved."))
            return redirect("sending:periods", desk.organization.slug)
        __, books = settings.closed_periods()
    else:
        policy, books = settings.closed_periods()
        form = PolicyForm(initial={"policy": policy})
    context = {
        "form": form,
        "policy_words": dict(_POLICIES).get(desk.organization.closed_periods, ""),
        "books": [_told(one) for one in books],
        "asking": sum(one.waiting.get(code, 0) for one in books for code in ASKING_CODES),
    }
    return render(request, "sending/periods.html", context)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def book(request: HttpRequest, desk: Desk, book_key: str) -> HttpResponse:
    """Close the days of a book through one, or open them."""
    __, books = _settings(desk).closed_periods()
    one = next((found for found in books if found.book.key == book_key), None)
    if one is None:
        raise Http404
    form = BookForm(
        request.POST if request.method == "POST" else None,
        initial={"closed_through": one.book.closed_through},
    )
    if request.method == "POST" and form.is_valid():
        day = form.cleaned_data["closed_through"]
        try:
            with unknown_is_not_found():
                desk.exports.close_period(book_key, day)
        except Refused as error:
            form.refuse(error)
        else:
            say(request, _closed(one.book.name, date_format(day) if day else ""))
            return redirect("sending:periods", desk.organization.slug)
    return render(request, "sending/book.html", {"one": _told(one), "form": form})


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def decide(request: HttpRequest, desk: Desk) -> HttpResponse:
    """List claims in a closed period that ask, and decide about those that are chosen."""
    found = _settings(desk).asking(whole(request.GET.get("after", "")) or 0, _PAGE + 1)
    shown = found[:_PAGE]
    form = DecisionForm(request.POST if request.method == "POST" else None)
    cast(forms.MultipleChoiceField, form.fields["claims"]).choices = [
        (str(claim.export_id), _("Claim %(id)s: %(amount)s %(currency)s, %(kind)s") % {
            "id": claim.source_id, "amount": amount_words(claim.amount), "currency": claim.currency,
            "kind": CATEGORY_NAMES.get(claim.category, claim.category),
        })
        for claim in shown
    ]  # fmt: skip
    if request.method == "POST" and form.is_valid():
        ids = [int(one) for one in form.cleaned_data["claims"]]
        decided = desk.exports.decide_period(
            decision=form.cleaned_data["decision"], reason=form.cleaned_data["reason"],
            export_ids=ids,
        )  # fmt: skip
        say(request, _decided(len(decided)))
        return redirect("sending:decide", desk.organization.slug)
    context = {
        "form": form,
        "claims": [
            {"id": one.source_id, "reason": _reason(one.reason, desk.language)} for one in shown
        ],
        "more": shown[-1].export_id if len(found) > _PAGE else None,
    }
    return render(request, "sending/decide.html", context)


def _told(one: ClosedBook) -> dict[str, Any]:
    return {
        "key": one.book.key,
        "name": one.book.name,
        "currency": one.book.currency,
        "closed_through": one.book.closed_through,
        "waiting": sum(one.waiting.values()),
        "asking": sum(one.waiting.get(code, 0) for code in ASKING_CODES),
    }


def _closed(name: str, day: str) -> str:
    if not day:
        return _("Every day of %(book)s is open.") % {"book": name}
    return _("%(book)s is closed through %(day)s.") % {"book": name, "day": day}


def _decided(count: int) -> str:
    return ngettext(
        "Decided about %(count)s claim.", "Decided about %(count)s claims.", count
    ) % {"count": count}  # fmt: skip


def _reason(stored: dict[str, Any], language: str) -> str:
    problems = stored.get("problems", [stored])
    return " ".join(Problem.from_json(one).text(language) for one in problems)


def _settings(desk: Desk) -> OrganizationSettings:
    return desk.installation.settings_of(desk.organization.id, desk.actor)
