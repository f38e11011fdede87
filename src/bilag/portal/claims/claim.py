"""One claim: where it stands, what can be done now, and all that ever happened to it, in order.

What it was approved for and what was sent is masked for those who do not need to know (X7).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from bilag.core.problem import problems_of
from bilag.delivery.installation import tenant
from bilag.exports.history import Story, story
from bilag.exports.masking import DOTS, formatted, masked_payload
from bilag.integrations.mapped_types import current_mappings
from bilag.mapping.dates import local_date, month_end
from bilag.portal.audit.views import sees_masks
from bilag.portal.claims.views import CATEGORIES
from bilag.portal.repair.one_claim import actions, fixes_of
from bilag.portal.scope import ROLES, Desk, organization_page

# What a state asks of a person.
_NEXT = {
    "pending": gettext_lazy("It is sent with the next sync. Nothing has to be done."),
    "sending": gettext_lazy("It is being sent now. Nothing has to be done."),
    "accepted": gettext_lazy(
        "The accounting system has it and books it later; it is followed until then."
    ),
    "exported": gettext_lazy("It is booked. It is never sent again, unless somebody forces it."),
    "failed": gettext_lazy(
        "Correct the cause, in the mapping or in the accounting system, and retry."
    ),
    "in_doubt": gettext_lazy(
        "It may have been booked. It is looked up there before anything is sent."
    ),
    "needs_review": gettext_lazy(
        "Look in the accounting system whether it stands there, and decide."
    ),
    "held": gettext_lazy("It waits until what is missing is there, or somebody decides."),
    "excluded": gettext_lazy("A filter leaves it out. It goes when the filter lets it."),
    "cancelled": gettext_lazy("It was cancelled before it was sent. Nothing follows."),
    "superseded": gettext_lazy("A newer one has taken its place."),
    "reversed": gettext_lazy("What was booked has been reversed."),
}


@dataclass(frozen=True, slots=True)
class ApprovedLine:
    """One line of the record as it was approved."""

    day: date | None
    type: str
    amount: Decimal
    text: str


@require_GET
@organization_page(*ROLES)
def shown(request: HttpRequest, desk: Desk, export_id: int) -> HttpResponse:
    """Show one claim."""
    with tenant(desk.organization.id) as connection:
        found = story(connection, desk.organization.id, export_id)
        if found is None:
            raise Http404
        key = found.export.integration_key
        mapping = current_mappings(connection, desk.organization.id, [key]).get(key, {})
    masks = sees_masks(desk)
    show = masked_payload if masks else formatted
    language = get_language() or "nb"
    return render(
        request,
        "claims/claim.html",
        {
            "story": found,
            "export": found.export,
            "others": [row for row in found.exports if row.id != found.export.id],
            "category": CATEGORIES.get(found.export.category, found.export.category),
            "advice": _NEXT[found.export.state],
            "fixes": fixes_of(desk, found, mapping),
            "actions": actions(desk, found.export),
            "reasons": [one.text(language) for one in problems_of(found.export.reason)],
            "masks": masks,
            "approved_on": _approved_on(found.record),
            "posting_why": _posting_why(found),
            "claimant": _claimant(found, masks=masks),
            "text": _hidden(found.record.get("text", ""), masks=masks),
            "lines": list(_lines(found.record, masks=masks)),
            "payload": show(found.sent.payload),
            "answer": show(found.sent.answer),
        },
    )


def _claimant(found: Story, *, masks: bool) -> str:
    claimant = found.record.get("claimant") or {}
    name = str(claimant.get("name") or "")
    number = str(claimant.get("id") or "")
    if masks:
        return DOTS if name or number else ""
    return f"{name} ({number})" if name and number else name or number


def _approved_on(record: Mapping[str, Any]) -> date | None:
    return local_date(record["approvedAt"]) if record.get("approvedAt") else None


def _posting_why(found: Story) -> str:
    """Return which day of the claim it was posted on, as far as the days themselves say it."""
    posted = found.export.posting_date
    if posted is None:
        return ""
    if posted == _approved_on(found.record):
        return _("the day of approval")
    days = (line.day for line in _lines(found.record, masks=False))
    last = max((day for day in days if day and day <= posted), default=None)
    if posted == last:
        return _("the last day of the costs")
    if last and posted == month_end(last):
        return _("the last day of the month of the costs")
    return ""


def _lines(record: Mapping[str, Any], *, masks: bool) -> Iterator[ApprovedLine]:
    for line in record.get("lines", ()):
        yield ApprovedLine(
            date.fromisoformat(line["date"]) if line.get("date") else None,
            line.get("type", ""),
            Decimal(line.get("amount", "0")),
            _hidden(line.get("text", ""), masks=masks),
        )


def _hidden(text: str, *, masks: bool) -> str:
    return DOTS if masks and text else text
