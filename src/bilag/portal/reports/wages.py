"""Wages (I9): persons of a year, how near they are to the limits, and the list for payroll."""

from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from bilag.core.clock import utc_now
from bilag.core.problem import Refused
from bilag.delivery.installation import tenant
from bilag.mapping.dates import TIME_ZONE
from bilag.monitoring.files import payroll_file
from bilag.monitoring.wages import (
    PersonWages,
    YearOfWages,
    list_rates,
    payroll_list,
    persons_of_year,
    set_rate,
    wages_of_year,
)
from bilag.portal.forms import Form
from bilag.portal.scope import Desk, organization_page, say

PAGE = 50
KIND_NAMES: dict[str, Any] = {
    "mileage_tax_free": gettext_lazy("tax-free mileage, NOK a kilometre"),
    "pay_tax_free": gettext_lazy("tax-free pay of a person in a year"),
    "reimbursements_reported": gettext_lazy("reimbursements of a person that need no report"),
    "person_contributions": gettext_lazy("pay of a person without employer's contributions"),
    "organization_contributions": gettext_lazy("pay of the organization without contributions"),
}


class RateForm(Form):
    """A rate or limit of the organization's own, from a day on."""

    kind = forms.ChoiceField(label=gettext_lazy("Rate or limit"), choices=list(KIND_NAMES.items()))
    valid_from = forms.DateField(
        label=gettext_lazy("Holds from"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    amount = forms.CharField(
        label=gettext_lazy("Amount in NOK"),
        help_text=gettext_lazy("Empty takes your own rate of that day away; the law's holds then."),
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def clean_amount(self) -> Decimal | None:
        """Return the amount as people write it, or None; what is no amount is told."""
        text = "".join(str(self.cleaned_data["amount"]).split()).replace(",", ".")
        if not text:
            return None
        try:
            found = Decimal(text)
        except InvalidOperation:
            found = Decimal("NaN")
        if not found.is_finite():
            raise forms.ValidationError(_("Write an amount, for example 3,50."))
        return found


@require_GET
@organization_page("admin", "accountant")
def wages(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show a year: the organization's sums, and its persons page by page, the highest pay first."""
    year, own = _year(request), desk.organization.id
    after = _after(request)
    with tenant(own) as connection:
        try:
            found = wages_of_year(connection, own, year)
        except Refused:
            raise Http404 from None
        persons = persons_of_year(connection, year, after=after, limit=PAGE + 1)
    shown = persons[:PAGE]
    following = ""
    if len(persons) > PAGE:
        place = {"year": year, "basis": shown[-1].basis, "after": shown[-1].claimant_id}
        following = urlencode(place)
    context = {
        "year": found,
        "basis": found.pay + found.mileage_taxable,
        "persons": [_drawn(one, found) for one in shown],
        "next": following,
        "is_first": after is None,
        "before": year - 1,
        "following": year + 1,
    }
    return render(request, "reports/wages.html", context)


@require_GET
@organization_page("admin", "accountant")
def payroll(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Hand out the payroll list of a year as a CSV file."""
    year, own = _year(request), desk.organization.id
    with tenant(own) as connection:
        try:
            content = payroll_file(year, payroll_list(connection, own, year))
        except Refused:
            raise Http404 from None
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="payroll-{year}.csv"'},
    )


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def rates(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the rates and limits that hold, and keep one of the organization's own."""
    own = desk.organization.id
    form = RateForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            with tenant(own) as connection:
                set_rate(
                    connection, own, asked["kind"], asked["valid_from"], asked["amount"],
                    actor=desk.actor,
                )  # fmt: skip
        except Refused as error:
            form.refuse(error)
        else:
            say(request, _("Saved."))
            return redirect("reports:rates", desk.organization.slug)
    with tenant(own) as connection:
        listed = list_rates(connection, own)
    drawn = [{"name": KIND_NAMES[one.kind], "rate": one} for one in listed]
    return render(request, "reports/rates.html", {"form": form, "rates": drawn})


def _drawn(one: PersonWages, year: YearOfWages) -> dict[str, Any]:
    return {"person": one, "limits": [
        {"how": how, "name": KIND_NAMES[name]} for name, how in year.limits.of(one).items() if how
    ]}  # fmt: skip


def _year(request: HttpRequest) -> int:
    """Return the year of the address, else this one."""
    text = request.GET.get("year", "")
    if not text:
        return utc_now().astimezone(TIME_ZONE).year
    if not (text.isascii() and text.isdecimal() and len(text) == 4):
        raise Http404
    return int(text)


def _after(request: HttpRequest) -> tuple[Decimal, str] | None:
    if "basis" not in request.GET:
        return None
    try:
        basis = Decimal(request.GET["basis"])
    except InvalidOperation:
        raise Http404 from None
    claimant = request.GET.get("after", "")
    if not basis.is_finite() or abs(basis) > 10**15 or "\x00" in claimant:
        raise Http404
    return basis, claimant
