"""What events, topics and outcomes of the log are called; a code without a word says itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bilag.core.problem import problems_of
from bilag.exports.masking import DOTS

# what was done with a claim, by the engine
EVENTS: dict[str, Promise] = {
    "sent": gettext_lazy("Sent"),
    "looked_up": gettext_lazy("Looked up in the accounting system"),
    "mapped": gettext_lazy("Mapped to a voucher"),
    "found": gettext_lazy("Found unfinished after a stop"),
    "waits": gettext_lazy("Waits to be booked"),
    "resend": gettext_lazy("To be sent again unchanged"),
    "given_to_a_person": gettext_lazy("Given to a person"),
}

# (what it is called, colour of the design system, icon)
OUTCOMES: dict[str, tuple[Promise, str, str]] = {
    "accepted": (gettext_lazy("accepted by the system"), "success", "✓"),
    "posted": (gettext_lazy("found there"), "success", "✓"),
    "rejected": (gettext_lazy("refused"), "danger", "✕"),
    "gave_up": (gettext_lazy("given up after several tries"), "danger", "✕"),
    "booking_refused": (gettext_lazy("refused when it was to be booked"), "danger", "✕"),
    "unknown": (gettext_lazy("no clear answer"), "warning", "?"),
    "worker_lost": (gettext_lazy("stopped while sending"), "warning", "?"),
    "posted_twice": (gettext_lazy("found there twice"), "warning", "?"),
    "absent_unproven": (gettext_lazy("not found, which proves nothing"), "warning", "?"),
    "look_up_failed": (gettext_lazy("look-up failed"), "warning", "?"),
    "cannot_look_up": (gettext_lazy("cannot be looked up"), "warning", "?"),
    "misconfigured": (gettext_lazy("the integration must be mended"), "warning", "!"),
    "put_off": (gettext_lazy("put off, to be sent later"), "info", "…"),
    "retry_later": (gettext_lazy("not taken, to be tried later"), "info", "…"),
    "staged": (gettext_lazy("there, not booked yet"), "info", "…"),
    "not_booked_yet": (gettext_lazy("not booked yet"), "info", "…"),
    "same_key": (gettext_lazy("sent again under the same key"), "info", "→"),
    "absent": (gettext_lazy("not there"), "neutral", "–"),
    "held": (gettext_lazy("held"), "warning", "‖"),
    "excluded": (gettext_lazy("excluded"), "neutral", "–"),
}

# what a change was about: the part of its name before the point
TOPICS: dict[str, Promise] = {
    "export": gettext_lazy("Decisions about claims"),
    "approval": gettext_lazy("Withdrawn approvals"),
    "integration": gettext_lazy("Integrations"),
    "mapping": gettext_lazy("Field mappings"),
    "credential": gettext_lazy("Credentials"),
    "book": gettext_lazy("Books and periods"),
    "organization": gettext_lazy("The organization"),
    "member": gettext_lazy("Members"),
    "token": gettext_lazy("API tokens"),
    "key": gettext_lazy("Keys"),
    "support": gettext_lazy("Support mode"),
    "alert": gettext_lazy("Alerts"),
    "watch": gettext_lazy("Bounds of alerts"),
    "control_report": gettext_lazy("Control report"),
    "wages": gettext_lazy("Wages"),
    "totals": gettext_lazy("Totals"),
    "retention": gettext_lazy("Retention"),
    "sync": gettext_lazy("Syncs"),
}

# The event of a person's decision about a claim in doubt.
DECISION = "export.decided"
CHANGES: dict[str, Promise] = {
    "export.retried": gettext_lazy("Sent again after a refusal"),
    "export.released": gettext_lazy("Released from being held"),
    "export.cancelled": gettext_lazy("Cancelled"),
    DECISION: gettext_lazy("Decided"),
    "export.forced": gettext_lazy("Force re-export asked for"),
    "export.force_approved": gettext_lazy("Force re-export approved"),
    "export.force_refused": gettext_lazy("Force re-export refused"),
    "export.period_decided": gettext_lazy("Decided about a closed period"),
    "export.look_up_asked": gettext_lazy("Look-up asked for"),
    "sync.asked_for": gettext_lazy("Sync asked for"),
    "sync.stopped": gettext_lazy("Sync stopped"),
    "approval.withdrawn": gettext_lazy("Approval withdrawn"),
    "integration.created": gettext_lazy("Integration made"),
    "integration.changed": gettext_lazy("Integration changed"),
    "integration.deleted": gettext_lazy("Integration deleted"),
    "integration.started": gettext_lazy("Set-up of an integration begun"),
    "integration.turned_on": gettext_lazy("Integration switched on"),
    "integration.error_cleared": gettext_lazy("Error of an integration cleared"),
    "mapping.changed": gettext_lazy("Field mapping changed"),
    "credential.set": gettext_lazy("Credential set"),
    "credential.removed": gettext_lazy("Credential removed"),
    "credential.proven": gettext_lazy("New credential has proven itself"),
    "credential.fell_back": gettext_lazy("New credential refused, the former one is used"),
    "book.created": gettext_lazy("Book made"),
    "book.changed": gettext_lazy("Book changed"),
    "organization.created": gettext_lazy("Organization made"),
    "organization.changed": gettext_lazy("Organization changed"),
    "member.invited": gettext_lazy("Member invited"),
    "member.invitation_withdrawn": gettext_lazy("Invitation withdrawn"),
    "member.created": gettext_lazy("Member added"),
    "member.joined": gettext_lazy("Member joined"),
    "member.changed": gettext_lazy("Role of a member changed"),
    "member.removed": gettext_lazy("Member removed"),
    "token.created": gettext_lazy("API token made"),
    "token.revoked": gettext_lazy("API token ended"),
    "key.rotated": gettext_lazy("Keys rotated"),
    "key.rewrapped": gettext_lazy("Keys wrapped anew"),
    "support.started": gettext_lazy("Support mode begun"),
    "support.ended": gettext_lazy("Support mode ended"),
    "alert.acknowledged": gettext_lazy("Alert acknowledged"),
    "watch.changed": gettext_lazy("Bounds of alerts changed"),
    "watch.webhook_secret": gettext_lazy("Secret of the alerts' webhook set"),
    "control_report.made": gettext_lazy("Control report made"),
    "wages.rate": gettext_lazy("Rate of wages changed"),
    "totals.mended": gettext_lazy("Totals mended"),
    "retention.changed": gettext_lazy("Rules of retention changed"),
    "retention.erased": gettext_lazy("Erased, its time was over"),
}


# what a person decided about a claim that no look-up could settle
DECIDED: dict[str, Promise] = {
    "exported": gettext_lazy("It is booked there: it counts as booked, and nothing more is sent."),
    "pending": gettext_lazy("It is not there: it is sent again with the next sync."),
    "failed": gettext_lazy(
        "It is not there, and something must be mended first: it counts as refused."
    ),
    "cancelled": gettext_lazy("It is not there, and shall not be sent: it is cancelled."),
}


def decision_words(
    detail: Mapping[str, Any], language: str, *, masks: bool
) -> Iterator[tuple[str, str]]:
    """Yield what a person decided about a claim in doubt, why, and on what evidence, in words.

    `masks` hides what somebody, or the accounting system, wrote freely.
    """
    decision = str(detail.get("decision", ""))
    yield _("What was decided"), str(DECIDED.get(decision, decision))
    yield _("Why"), DOTS if masks else str(detail.get("reason", ""))
    for problem in problems_of(detail.get("evidence")):
        yield _("Why a person had to decide"), DOTS if masks else problem.text(language)
    if number := detail.get("voucherNumber"):
        yield _("Number that was found there"), str(number)
    if own := detail.get("externalReference"):
        yield _("The accounting system's own id that was found"), str(own)
    if decision == "exported" and not (number or own):
        yield _("Number that was found there"), _("none was given")


def event_name(event: str) -> str:
    """Return what an attempt's step or a change is called."""
    return str(EVENTS.get(event) or CHANGES.get(event) or event.replace("_", " "))


def outcome_name(outcome: str) -> str:
    """Return what an outcome is called."""
    return str(OUTCOMES[outcome][0]) if outcome in OUTCOMES else outcome.replace("_", " ")


def outcome_look(outcome: str) -> tuple[str, str]:
    """Return colour and icon of an outcome's tag."""
    return OUTCOMES[outcome][1:] if outcome in OUTCOMES else ("neutral", "–")
