"""Every claim with its state: filters in the address, pages by keys, and a file of what they leave.

A claim stands here once for each generation, book and accounting year, as it does in the ledger.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from bilag.core.clock import utc_now
from bilag.core.money import amount_text
from bilag.delivery.installation import tenant
from bilag.exports.audit_log import between
from bilag.exports.states import STATES
from bilag.exports.status import ExportRow, export_page
from bilag.integrations.model import Integration
from bilag.integrations.store import list_integrations
from bilag.portal.audit.files import csv_file, local
from bilag.portal.audit.paging import Pages, filters_on
from bilag.portal.audit.views import day_field
from bilag.portal.forms import Form
from bilag.portal.numbers import whole
from bilag.portal.scope import ROLES, Desk, organization_page
from bilag.portal.templatetags.portal import state_name

# A file is read in pages of this size, each in a transaction of its own.
_FILE_PAGE = 1_000

CATEGORIES = {
    "expense": gettext_lazy("expense claim"),
    "mileage": gettext_lazy("mileage claim"),
    "honorarium": gettext_lazy("driver honorarium"),
    "activity": gettext_lazy("activity record"),
}


class ClaimFilterForm(Form):
    """What the list shows; every field may be empty."""

    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    integration = forms.ChoiceField(label=gettext_lazy("Integration"), required=False)
    record = forms.CharField(
        label=gettext_lazy("Claim"),
        help_text=gettext_lazy("Its id in the app, for example C000017."),
        required=False,
        max_length=200,
    )
    first = day_field(gettext_lazy("Received from this day"))
    last = day_field(gettext_lazy("Received to this day"))

    def __init__(self, data: Any, integrations: Sequence[Integration]) -> None:
        super().__init__(data)
        every = [("", _("All"))]
        self.fields["state"].choices = every + [  # type: ignore[attr-defined]
            (state, state_name(state)) for state in STATES
        ]
        self.fields["integration"].choices = every + [  # type: ignore[attr-defined]
            (one.key, one.name) for one in integrations
        ]

    def as_filters(self, integrations: Sequence[Integration]) -> dict[str, Any]:
        """Return the filters as the list of exports takes them; only of a valid form."""
        given = self.cleaned_data
        first, end = between(given["first"], given["last"])
        ids = {one.key: one.id for one in integrations}
        return {
            "state": given["state"] or None,
            "integration_id": ids.get(given["integration"]),
            "source_id": given["record"].strip() or None,
            "received_from": first,
            "received_before": end,
        }


@require_GET
@organization_page(*ROLES)
def listed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the claims, newest first, as the filters of the address say."""
    with tenant(desk.organization.id) as connection:
        integrations = list_integrations(connection, desk.organization.id)
        form = ClaimFilterForm(request.GET, integrations)
        context: dict[str, Any] = {"form": form, "on": []}
        if form.is_valid():
            filters = form.as_filters(integrations)

            def read(older: str, newer: str, limit: int) -> Sequence[ExportRow]:
                before, after = _key(older), _key(newer)
                return export_page(connection, before=before, after=after, limit=limit, **filters)

            pages = Pages(request.GET, form, read, lambda row: str(row.id))
            context |= {"pages": pages, "on": list(filters_on(form))}
    return render(request, "claims/list.html", context)


@require_GET
@organization_page(*ROLES)
def file(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    """Send all claims that the filters leave, for a spreadsheet program."""
    with tenant(desk.organization.id) as connection:
        integrations = list_integrations(connection, desk.organization.id)
    form = ClaimFilterForm(request.GET, integrations)
    if not form.is_valid():
        return render(request, "claims/list.html", {"form": form, "on": []}, status=422)
    heading = [
        _("Claim"), _("Revision"), _("Generation"), _("Category"), _("State"), _("Since"),
        _("Amount"), _("Currency"), _("Voucher number"), _("Number in the accounting system"),
        _("Reference"), _("Integration"), _("Accounting year"), _("Received"), _("Booked"),
        _("Source"), _("Export"),
    ]  # fmt: skip
    name = f"claims-{desk.organization.slug}-{local(utc_now())[:10]}"
    return csv_file(name, heading, _rows(desk, form.as_filters(integrations)))


def _rows(desk: Desk, filters: dict[str, Any]) -> Iterator[Sequence[object]]:
    before: int | None = None
    while True:
        with tenant(desk.organization.id) as connection:
            found = export_page(connection, before=before, limit=_FILE_PAGE, **filters)
        for row in found:
            yield (
                row.source_id, row.revision, row.generation, CATEGORIES.get(row.category, ""),
                state_name(row.state), local(row.state_since),
                amount_text(row.amount).replace(".", ","), row.currency, row.display_number,
                row.external_voucher_number, row.reference, _named(row),
                row.accounting_year, local(row.created_at), local(row.exported_at),
                row.source_system, row.id,
            )  # fmt: skip
        if len(found) < _FILE_PAGE:
            return
        before = found[-1].id


def _named(row: ExportRow) -> str:
    key, name = row.integration_key, row.integration_name
    return name if name == key else f"{name} ({key})"


def _key(text: str) -> int | None:
    if not text:
        return None
    number = whole(text)
    if not number:
        raise Http404
    return number
