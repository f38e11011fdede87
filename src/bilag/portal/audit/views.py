"""The audit log (O6): a list with filters in its address, one entry, a file for spreadsheets.

Read-only for everybody. A coordinator sees what happened and who did it, but neither the names of
claimants nor what anybody wrote (X7).
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
from bilag.core.problem import Refused
from bilag.delivery.installation import tenant
from bilag.exports.audit_log import (
    Entry,
    Filters,
    Key,
    between,
    content,
    entries,
    every_entry,
)
from bilag.exports.audit_log import (
    entry as read_entry,
)
from bilag.exports.masking import DOTS, formatted, masked_payload
from bilag.portal.audit.details import told
from bilag.portal.audit.files import csv_file, local
from bilag.portal.audit.paging import Pages, filters_on
from bilag.portal.audit.subjects import names_of, subject_words
from bilag.portal.audit.words import EVENTS, OUTCOMES, TOPICS, event_name, outcome_name
from bilag.portal.forms import Form
from bilag.portal.scope import ROLES, Desk, organization_page

_ALL = ("", gettext_lazy("All"))


def day_field(label: Any) -> forms.DateField:
    """Return a field for a day, sent as 2026-01-31 whatever the language."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget)


class AuditFilterForm(Form):
    """What the list shows; every field may be empty."""

    first = day_field(gettext_lazy("From this day"))
    last = day_field(gettext_lazy("To this day"))
    type = forms.ChoiceField(
        label=gettext_lazy("Type"),
        required=False,
        choices=[
            _ALL,
            ("attempt", gettext_lazy("All attempts to deliver")),
            ("change", gettext_lazy("All changes by people and programs")),
            (
                gettext_lazy("Attempts to deliver"),
                [(f"attempt.{code}", word) for code, word in EVENTS.items()],
            ),
            (
                gettext_lazy("Changes"),
                [(f"change.{code}", word) for code, word in TOPICS.items()],
            ),
        ],
    )
    status = forms.ChoiceField(
        label=gettext_lazy("Outcome of attempts"),
        required=False,
        choices=[_ALL, *((code, word) for code, (word, _colour, _icon) in OUTCOMES.items())],
    )
    record = forms.CharField(
        label=gettext_lazy("Claim"),
        help_text=gettext_lazy("Its id in the app, for example C000017."),
        required=False,
        max_length=200,
    )
    user = forms.CharField(
        label=gettext_lazy("User"),
        help_text=gettext_lazy("Who made a change: an e-mail address, or the id of a token."),
        required=False,
        max_length=200,
    )

    def as_filters(self) -> Filters:
        """Return the filters as the log takes them; only of a valid form."""
        given = self.cleaned_data
        first, end = between(given["first"], given["last"])
        return Filters(
            first, end, given["type"], given["status"], given["record"].strip(),
            given["user"].strip(),
        )  # fmt: skip


@require_GET
@organization_page(*ROLES)
def listed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the log, newest first, as the filters of the address say."""
    form = AuditFilterForm(request.GET)
    context: dict[str, Any] = {"form": form, "on": []}
    if form.is_valid():
        filters = form.as_filters()
        with tenant(desk.organization.id) as connection:

            def read(older: str, newer: str, limit: int) -> Sequence[Entry]:
                return entries(
                    connection, filters, limit=limit,
                    older_than=Key.parse(older) if older else None,
                    newer_than=Key.parse(newer) if newer else None,
                )  # fmt: skip

            try:
                pages = Pages(request.GET, form, read, lambda one: str(one.key))
            except Refused as error:
                raise Http404 from error
            names = names_of(connection, desk.organization.id, pages.rows)
        rows = [(one, subject_words(one.subject, names)) for one in pages.rows]
        context |= {"pages": pages, "rows": rows, "on": list(filters_on(form))}
    return render(request, "audit/list.html", context)


@require_GET
@organization_page(*ROLES)
def shown(request: HttpRequest, desk: Desk, entry: str) -> HttpResponse:
    """Show one entry with what was sent and what was answered, as the role may see it."""
    try:
        key = Key.parse(entry)
    except Refused as error:
        raise Http404 from error
    with tenant(desk.organization.id) as connection:
        one = read_entry(connection, key)
        if one is None:
            raise Http404
        more = content(connection, one) if one.is_attempt else None
        names = names_of(connection, desk.organization.id, [one])
    masks = sees_masks(desk)
    show = masked_payload if masks else formatted
    return render(
        request,
        "audit/entry.html",
        {
            "entry": one,
            "subject": subject_words(one.subject, names),
            "masks": masks,
            "message": DOTS if masks and one.message else one.message,
            "told": told(desk, one, masks=masks),
            "payload": show(more.payload) if more else "",
            "answer": show(more.answer) if more else "",
        },
    )


@require_GET
@organization_page(*ROLES)
def file(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    """Send all entries that the filters leave, for a spreadsheet program."""
    form = AuditFilterForm(request.GET)
    if not form.is_valid():
        return render(request, "audit/list.html", {"form": form, "on": []}, status=422)
    heading = [
        _("Time"), _("What happened"), _("Outcome"), _("Claim"), _("About"), _("User"),
        _("Integration"), _("Attempt"), _("HTTP status"), _("Milliseconds"),
        _("Message of the system"), _("Field"), _("Details"), _("Reference"), _("Run"),
        _("Link of the chain"), _("Entry"),
    ]  # fmt: skip
    name = f"audit-{desk.organization.slug}-{local(utc_now())[:10]}"
    return csv_file(name, heading, _rows(desk, form.as_filters()))


def sees_masks(desk: Desk) -> bool:
    """Return whether claimants' names and free texts are hidden from the person at the desk."""
    return desk.role == "coordinator"


def _rows(desk: Desk, filters: Filters) -> Iterator[Sequence[object]]:
    masks = sees_masks(desk)
    for page in every_entry(lambda: tenant(desk.organization.id), filters):
        with tenant(desk.organization.id) as connection:
            names = names_of(connection, desk.organization.id, page, keys=True)
        for one in page:
            yield (
                local(one.at), event_name(one.event),
                outcome_name(one.outcome) if one.outcome else "", one.source_id,
                subject_words(one.subject, names), one.who, names.integration(one.integration_key),
                one.attempt, one.http_status, one.duration_ms,
                DOTS if masks and one.message else one.message, one.field,
                told(desk, one, masks=masks).as_text(), one.reference,
                one.run_id, one.link, one.key,
            )  # fmt: skip
