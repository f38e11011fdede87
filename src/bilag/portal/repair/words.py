"""What causes, look-ups, decisions and findings are called, in the language of the page."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bilag.core.problem import Problem

# the field that the accounting system named, where we know it
FIELDS: dict[str, Promise] = {
    "account": gettext_lazy("ledger account"),
    "cost_centre": gettext_lazy("cost centre"),
    "project": gettext_lazy("project"),
    "vat_code": gettext_lazy("VAT code"),
    "party": gettext_lazy("supplier or employee"),
    "posting_date": gettext_lazy("posting date"),
    "text": gettext_lazy("text"),
    "amount": gettext_lazy("amount"),
    "currency": gettext_lazy("currency"),
    "voucher_number": gettext_lazy("voucher number"),
    "reference": gettext_lazy("reference"),
}

# What the system's own message is part of: (what happened, what it means and what to do).
_WITH_MESSAGE: dict[str, tuple[Promise, Promise]] = {
    "refused": (
        gettext_lazy("The accounting system refused the voucher"),
        gettext_lazy("Nothing of it is booked. Mend the cause here or there, then retry."),
    ),
    "refused_and_left": (
        gettext_lazy("The accounting system took the voucher, then refused to book it"),
        gettext_lazy(
            "Its rows still lie in the import there: delete them, mend the cause, then retry."
        ),
    ),
    "still_staged": (
        gettext_lazy("An earlier attempt still lies in the import of the accounting system"),
        gettext_lazy("Nothing was sent now. Delete its rows there, then retry."),
    ),
    "gave_up": (
        gettext_lazy("Given up after several tries"),
        gettext_lazy("Nothing of it is booked. Test the connection, then retry."),
    ),
    "cannot_be_built": (
        gettext_lazy("The voucher cannot be expressed for this system"),
        gettext_lazy("Nothing was sent. Change the mapping, or the claim in the app."),
    ),
}
_NOTED_NOTHING = gettext_lazy("No reason was noted")

# What a person may do about something that stands in doubt: (heading, what happens, button)
DECISIONS: dict[str, tuple[Promise, Promise, Promise]] = {
    "exported": (
        gettext_lazy("It is booked there"),
        gettext_lazy(
            "It counts as booked from now on, and nothing more is sent. Give the number that it"
            " stands under, so that it can be found again."
        ),
        gettext_lazy("Note claim %(id)s as booked"),
    ),
    "pending": (
        gettext_lazy("It is not there: send it again"),
        gettext_lazy(
            "It is sent again with the next sync. If it stands there after all, it will be booked"
            " twice: search there by the reference first."
        ),
        gettext_lazy("Send claim %(id)s again"),
    ),
    "failed": (
        gettext_lazy("It is not there: something must be mended first"),
        gettext_lazy("It counts as refused. It is sent again only when somebody retries it."),
        gettext_lazy("Note claim %(id)s as refused"),
    ),
    "cancelled": (
        gettext_lazy("It is not there, and shall not be sent"),
        gettext_lazy("Nothing of it is sent any more. It counts as neither booked nor waiting."),
        gettext_lazy("Cancel claim %(id)s"),
    ),
}

# what a look-up before a forced re-export found
SEEN: dict[str, Promise] = {
    "posted": gettext_lazy("booked"),
    "staged": gettext_lazy("in the import there, not in the ledger"),
    "booking_refused": gettext_lazy("there, but refused when it was to be booked"),
    "absent": gettext_lazy("not there"),
    "absent_unproven": gettext_lazy("not found, which proves nothing: search there yourself"),
    "cannot_tell": gettext_lazy("cannot be told: search there yourself"),
}

# what a reconciliation finds: (what it is called, what to do next)
FINDINGS: dict[str, tuple[Promise, Promise]] = {
    "missing": (
        gettext_lazy("missing"),
        gettext_lazy(
            "Find out there who removed it or left it unbooked. If it shall stand there, send it"
            " again."
        ),
    ),
    "doubled": (
        gettext_lazy("duplicated"),
        gettext_lazy("Reverse all vouchers but one there, and find out how the other came there."),
    ),
    "altered": (
        gettext_lazy("altered"),
        gettext_lazy(
            "Compare the voucher with the claim. If the change is right, change the mapping too;"
            " if not, mend the voucher there."
        ),
    ),
    "reversed": (
        pgettext_lazy("a finding", "reversed"),
        gettext_lazy(
            "If the reversal was right, nothing is left to do. If the claim shall stand, send it"
            " again."
        ),
    ),
    "unexpected": (
        gettext_lazy("unexpected"),
        gettext_lazy(
            "Do not send it again: it would stand twice. Reverse it there, or let it stand and"
            " note why."
        ),
    ),
    "cannot_tell": (
        gettext_lazy("cannot be told"),
        gettext_lazy("Nothing is decided. Test the connection, and reconcile again."),
    ),
}
OUTCOMES: dict[str, tuple[Promise, str, str]] = {
    "agrees": (gettext_lazy("agrees"), "success", "✓"),
    "nothing": (gettext_lazy("nothing was compared"), "neutral", "–"),
    "found": (gettext_lazy("something differs"), "warning", "!"),
    "cannot_tell": (gettext_lazy("could not be told"), "warning", "?"),
    "stopped": (gettext_lazy("broken off"), "danger", "✕"),
    "": (gettext_lazy("under way"), "info", "…"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A cause in words: what happened, what it means, the field, the system's own message."""

    heading: str
    text: str = ""
    field: str = ""
    message: str = ""


def told(problem: Problem | None, language: str) -> Told:
    """Return a cause in words; what the accounting system said is kept apart, in its language."""
    if problem is None:
        return Told(str(_NOTED_NOTHING))
    field = str(FIELDS.get(problem.field, problem.field)) if _is_theirs(problem) else ""
    if problem.code in _WITH_MESSAGE:
        heading, text = map(str, _WITH_MESSAGE[problem.code])
        if field:
            heading = _("%(what)s: %(field)s") % {"what": heading, "field": field}
        return Told(heading, text, field, problem.params.get("message", ""))
    sentence, _point, rest = problem.text(language).partition(". ")
    return Told(sentence.rstrip("."), rest, field)


def _is_theirs(problem: Problem) -> bool:
    """Return whether the field is one that the accounting system named, none of our record."""
    return problem.code in ("refused", "refused_and_left")


def finding_words(kind: str) -> tuple[str, str]:
    """Return what a kind of finding is called, and what to do next."""
    name, step = FINDINGS.get(kind, (kind, ""))
    return str(name), str(step)


def counts_words(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return how many findings there are of each kind, in words."""
    return [(finding_words(kind)[0], count) for kind, count in counts.items()]
