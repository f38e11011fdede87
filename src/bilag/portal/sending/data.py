"""Included data (C13): which records an integration sends, counted before it is saved."""

import hashlib
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bilag.core.problem import Refused, problems_of
from bilag.core.record import CATEGORIES
from bilag.delivery.included import Included, IncludedRecords
from bilag.exports.filtered import Followed
from bilag.integrations.model import Filters, Integration
from bilag.portal.numbers import whole
from bilag.portal.scope import Desk, announce, organization_page, say
from bilag.portal.sending.forms import Codes, ExactAmount, PlaceForm, day_input, faults
from bilag.portal.sending.places import unknown_is_not_found
from bilag.portal.words import moment_words

CATEGORY_NAMES = {
    "expense": gettext_lazy("Expense claims"),
    "mileage": gettext_lazy("Mileage claims"),
    "honorarium": gettext_lazy("Driver honoraria"),
    "activity": gettext_lazy("Activity records"),
}
_STATUSES = (
    ("approved", gettext_lazy("Approved, paid in the app or not")),
    ("approved_not_paid", gettext_lazy("Approved, and not paid in the app")),
    ("approved_and_paid", gettext_lazy("Approved and paid, where the app says so")),
)
_FILTER_NAMES = {
    "categories": gettext_lazy("Kinds of records"),
    "status": gettext_lazy("Status"),
    "dates": gettext_lazy("Days"),
    "amounts": gettext_lazy("Amount"),
    "costCentres": gettext_lazy("Cost centres"),
    "projects": gettext_lazy("Projects"),
}
_PAGE = 50


class FiltersForm(PlaceForm):
    """The filters of one integration."""

    categories = forms.MultipleChoiceField(
        label=gettext_lazy("Kinds of records"),
        choices=[(name, CATEGORY_NAMES[name]) for name in CATEGORIES],
        widget=forms.CheckboxSelectMultiple,
    )
    status = forms.ChoiceField(
        label=gettext_lazy("Status"),
        help_text=gettext_lazy("What is pending or rejected in the app is never sent."),
        choices=_STATUSES,
        widget=forms.RadioSelect,
    )
    date_field = forms.ChoiceField(
        label=gettext_lazy("The days below are those of"),
        choices=(
            ("approved", gettext_lazy("the approval")),
            ("created", gettext_lazy("the creation in the app")),
        ),
        widget=forms.RadioSelect,
    )
    from_date = forms.DateField(
        label=gettext_lazy("From this day"), required=False, widget=day_input()
    )
    to_date = forms.DateField(label=gettext_lazy("To this day"), required=False, widget=day_input())
    from_amount = ExactAmount(label=gettext_lazy("From this amount"), required=False)
    to_amount = ExactAmount(label=gettext_lazy("To this amount"), required=False)
    cost_centres = Codes(
        label=gettext_lazy("Cost centres"),
        help_text=gettext_lazy(
            "One code a line. Each line of a claim must have one of them; none listed takes all."
        ),
        required=False,
    )
    projects = Codes(
        label=gettext_lazy("Projects"),
        help_text=gettext_lazy(
            "One code a line. Each line of a claim must have one of them; none listed takes all."
        ),
        required=False,
    )

    def __init__(self, currency: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hint = _("Of the whole claim, in %(currency)s.") % {"currency": currency}
        for name in ("from_amount", "to_amount"):
            self.fields[name].help_text = hint

    def filters(self) -> Filters | None:
        """Return what was chosen; None, with errors, where it cannot be used."""
        found = self.read(Filters, self.cleaned_data) if self.is_valid() else None
        if found is not None and (problems := tuple(found.faults())):
            self.refuse(Refused(*problems))
            return None
        return found


def _initial(filters: Filters) -> dict[str, Any]:
    values = filters.model_dump()
    for name in ("cost_centres", "projects"):
        values[name] = "\n".join(values[name])
    for name in ("from_amount", "to_amount"):
        values[name] = "" if values[name] is None else f"{values[name]:f}"
    return values


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def included_data(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """Show the filters; count what others would keep and drop; save what was counted."""
    verbs = _verbs(desk)
    with unknown_is_not_found():
        one = verbs.filters(key)
    if request.method == "GET":
        form = FiltersForm(one.book.currency, initial=_initial(one.filters))
        return _page(request, one, form)
    form = FiltersForm(one.book.currency, request.POST)
    chosen = form.filters()
    if chosen is None:
        if request.headers.get("HX-Request"):
            return faults(request, form)
        return _page(request, one, form)
    if request.POST.get("act") == "save" and request.POST.get("counted") == _digest(chosen):
        __, followed = verbs.change(key, chosen)
        say(request, _saved(followed))
        return redirect("sending:data", desk.organization.slug, key)
    counted = verbs.preview(key, chosen)
    if request.headers.get("HX-Request"):
        answer = render(request, "sending/data_counts.html", _counts(one, counted))
        return announce(answer, _summary(counted))
    say(request, _summary(counted), "info")
    return _page(request, one, form, counted)


@require_GET
@organization_page("admin", "accountant")
def left_out(request: HttpRequest, desk: Desk, key: str) -> HttpResponse:
    """List what is left out, newest first, each with the reason."""
    verbs = _verbs(desk)
    before = request.GET.get("before", "")
    with unknown_is_not_found():
        one = verbs.filters(key)
        found = verbs.left_out(key, whole(before), _PAGE + 1)
    rows = [
        {
            "source_id": row.source_id,
            "category": CATEGORY_NAMES.get(row.category, row.category),
            "amount": row.amount,
            "currency": row.currency,
            "since": moment_words(row.since),
            "reason": " ".join(one.text(desk.language) for one in problems_of(row.reason)),
        }
        for row in found[:_PAGE]
    ]
    older = found[_PAGE - 1].export_id if len(found) > _PAGE else None
    context = {"integration": one, "rows": rows, "older": older, "newest": not before}
    return render(request, "sending/left_out.html", context)


def _page(
    request: HttpRequest, one: Integration, form: FiltersForm, counted: Included | None = None
) -> HttpResponse:
    context: dict[str, Any] = {"integration": one, "form": form}
    if counted is not None:
        context |= _counts(one, counted)
    return render(request, "sending/data.html", context)


def _counts(one: Integration, counted: Included) -> dict[str, Any]:
    return {
        "integration": one,
        "counted": counted,
        "digest": _digest(counted.filters),
        "summary": _summary(counted),
        "each": [(_FILTER_NAMES[count.name], count) for count in counted.each],
        "kinds": [(CATEGORY_NAMES[name], n) for name, n in sorted(counted.categories.items())],
        "problems": [problem.text(get_language() or "nb") for problem in counted.problems],
        "at_once": one.enabled and one.delivery.trigger != "manual",
    }


def _summary(counted: Included) -> str:
    return _("%(kept)s of %(records)s records would be sent, %(dropped)s left out.") % {
        "kept": counted.all.kept,
        "records": counted.records,
        "dropped": counted.all.dropped,
    }


def _saved(followed: Followed) -> str:
    back = followed.came_back
    told = ngettext(
        "The filters are saved. %(count)s record that was left out waits to be sent.",
        "The filters are saved. %(count)s records that were left out wait to be sent.",
        back,
    ) % {"count": back}
    return told if back else _("The filters are saved.")


def _digest(filters: Filters) -> str:
    return hashlib.sha256(filters.model_dump_json().encode()).hexdigest()


def _verbs(desk: Desk) -> IncludedRecords:
    return desk.installation.included_of(desk.organization.id, desk.actor)
