"""The control report (O8): a period, its sums, the claims behind each, the file, and the seal."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from bilag.core.clock import utc_now
from bilag.core.problem import Refused
from bilag.delivery.installation import tenant
from bilag.integrations.books import list_books
from bilag.mapping.dates import TIME_ZONE, month_end
from bilag.monitoring.control import (
    STATES,
    ControlReport,
    Listing,
    Period,
    all_rows,
    content_hash,
    control_report,
    made_reports,
    make_report,
    period_of,
    report_rows,
)
from bilag.monitoring.files import control_file
from bilag.portal.forms import Form
from bilag.portal.numbers import whole
from bilag.portal.scope import Desk, organization_page, say

PAGE = 50
LISTINGS: tuple[Listing, ...] = ("current", "forced", "reversal")
_ID_MAX = 2**63 - 1


class PeriodForm(Form):
    """A book and a period; drawn with what was asked for."""

    book = forms.ChoiceField(label=gettext_lazy("Book"))
    first = forms.DateField(
        label=gettext_lazy("From"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    last = forms.DateField(
        label=gettext_lazy("To"),
        help_text=gettext_lazy("The last day, included."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, books: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["book"]
        if isinstance(field, forms.ChoiceField):
            field.choices = books


@require_http_methods(["GET", "POST"])
@organization_page("admin", "accountant")
def control(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the report of a period as of now; a POST makes it, with its hash in the audit log."""
    own = desk.organization.id
    with tenant(own) as connection:
        books = [(book.key, book.name) for book in list_books(connection, own)]
        earlier = made_reports(connection, own)
    given = request.POST if request.method == "POST" else request.GET
    asked = given if books and "book" in given else None
    form = PeriodForm(asked, books=books, initial=_last_month(books))
    report = None
    if form.is_bound and form.is_valid():
        of = form.cleaned_data
        try:
            with tenant(own) as connection:
                period = period_of(connection, own, of["book"], of["first"], of["last"])
                if request.method == "POST":
                    made_now = make_report(connection, own, period, actor=desk.actor)
                    say(request, _("The report is made. Its hash stands in the audit log."))
                    return redirect("reports:made", desk.organization.slug, made_now.id)
                report = control_report(connection, own, period)
        except Refused as error:
            form.refuse(_at_fields(error))
    context = {"form": form, "earlier": earlier, "books": books, "report": report}
    if report is not None:
        context |= _drawn(desk, report)
    return render(request, "reports/control.html", context)


@require_GET
@organization_page("admin", "accountant")
def made(request: HttpRequest, desk: Desk, report_id: int) -> HttpResponse:
    """Show a report as it was made, ready to be printed."""
    own = desk.organization.id
    with tenant(own) as connection:
        found = made_reports(connection, own, report_id=min(report_id, _ID_MAX), limit=1)
    if not found:
        raise Http404
    (one,) = found
    context = {
        "made": one,
        "report": one.report,
        "by": one.actor.removeprefix("user "),
        "is_whole": content_hash(one.report.content()) == one.hash,
        **_drawn(desk, one.report),
    }
    return render(request, "reports/made.html", context)


@require_GET
@organization_page("admin", "accountant")
def claims(request: HttpRequest, desk: Desk, book_key: str) -> HttpResponse:
    """List the claims behind one sum of a report, as they stand now."""
    asked = request.GET
    state = asked.get("state") if asked.get("state") in STATES else None
    listing = next((one for one in LISTINGS if one == asked.get("listing")), None)
    currency = asked.get("currency", "")[:3] or None
    start = whole(asked.get("after", "")) or 0
    with _period(request, desk, book_key) as (connection, period):
        found = report_rows(
            connection, period, currency=currency, listing=listing, state=state, after=start,
            limit=PAGE + 1,
        )  # fmt: skip
    rows = found[:PAGE]
    kept = {name: asked[name] for name in asked if name != "after"}
    context = {
        "rows": rows,
        "period": period,
        "state": state,
        "listing": listing,
        "currency": currency,
        "next": urlencode({**kept, "after": rows[-1].id}) if len(found) > PAGE else "",
        "first": urlencode(kept) if start else "",
        "back": urlencode({"book": book_key}) + f"&{_days(period.first, period.last)}",
    }
    return render(request, "reports/claims.html", context)


@require_GET
@organization_page("admin", "accountant")
def file(request: HttpRequest, desk: Desk, book_key: str) -> HttpResponse:
    """Hand out every claim of a report, as it stands now, as a CSV file."""
    with _period(request, desk, book_key) as (connection, period):
        content = control_file(all_rows(connection, period))
    name = f"control-{period.book.key}-{period.first}-{period.last}.csv"
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@contextmanager
def _period(
    request: HttpRequest, desk: Desk, book_key: str
) -> Iterator[tuple[psycopg.Connection[Any], Period]]:
    """Open the organization at the period of an address; a period that is none is not found."""
    asked, own = request.GET, desk.organization.id
    try:
        first, last = date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"])
    except (KeyError, ValueError):
        raise Http404 from None
    with tenant(own) as connection:
        try:
            period = period_of(connection, own, book_key, first, last)
        except Refused:
            raise Http404 from None
        yield connection, period


def _drawn(desk: Desk, report: ControlReport) -> dict[str, Any]:
    """Return what the template draws: a line for each state, with the address of its claims."""
    days = _days(report.first, report.last)
    slug = desk.organization.slug

    def lines(listing: str, sums: dict[str, Any], currency: str) -> list[dict[str, Any]]:
        return [
            {
                "state": state,
                "count": count,
                "amount": amount,
                "query": f"{days}&"
                + urlencode({"currency": currency, "listing": listing, "state": state}),
            }
            for state, (count, amount) in sums.items()
        ]

    drawn = [
        {
            "sums": one,
            "approved": {"count": one.approved[0], "amount": one.approved[1]},
            "difference": {"count": one.difference[0], "amount": one.difference[1]},
            "states": lines("current", one.states, one.currency),
            "forced": lines("forced", one.forced, one.currency),
            "reversals": lines("reversal", one.reversals, one.currency),
        }
        for one in report.sums
    ]
    query = urlencode({"book": report.book}) + f"&{days}"
    return {"drawn": drawn, "query": query, "days": days, "slug": slug}


def _days(first: date, last: date) -> str:
    return urlencode({"first": first.isoformat(), "last": last.isoformat()})


def _last_month(books: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the month before this one, which is what is usually asked for."""
    today = utc_now().astimezone(TIME_ZONE).date()
    last = today.replace(day=1) - timedelta(days=1)
    first = last.replace(day=1)
    return {"book": books[0][0] if books else "", "first": first, "last": month_end(last)}


def _at_fields(error: Refused) -> Refused:
    """Return a refusal whose problems stand at the fields of the form."""
    names = {"from": "first", "to": "last"}
    return Refused(
        *(
            type(one)(one.code, names.get(one.field, one.field), params=one.params)
            for one in error.problems
        )
    )
