"""What health is called, and what its reasons say, in the language of the page."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bilag.monitoring.health import COUNTED_MAX, Colour, Health, IntegrationHealth
from bilag.monitoring.settings import WatchSettings

# colour -> (the word, colour of the design system, icon)
HEALTH: dict[Colour, tuple[Promise, str, str]] = {
    "green": (gettext_lazy("all is well"), "success", "✓"),
    "yellow": (gettext_lazy("needs attention"), "warning", "!"),
    "red": (gettext_lazy("does not work"), "danger", "✕"),
    "new": (gettext_lazy("nothing sent yet"), "info", "…"),
    "off": (gettext_lazy("switched off"), "neutral", "–"),
}
OUTCOMES: dict[str, Promise] = {
    "ok": gettext_lazy("without errors"),
    "partly": gettext_lazy("some claims did not go through"),
    "paused": gettext_lazy("the system asked us to wait"),
    "pause_window": gettext_lazy("pause of the schedule"),
    "stopped": gettext_lazy("stopped by somebody"),
    "breaker": gettext_lazy("the circuit breaker is open"),
    "misconfigured": gettext_lazy("stopped by an error"),
    "disabled": gettext_lazy("switched off"),
    "interrupted": gettext_lazy("broken off"),
}
# What a reason is called where there is no room for its figures.
REASONS: dict[str, Promise] = {
    "stopped": gettext_lazy("stopped by an error"),
    "sync_failed": gettext_lazy("the last sync failed"),
    "no_sync": gettext_lazy("no sync for too long"),
    "waits_for_person": gettext_lazy("claims wait for a decision"),
    "sync_partly": gettext_lazy("some claims did not go through"),
    "errors": gettext_lazy("errors in the last 24 hours"),
    "pending_old": gettext_lazy("claims pending for too long"),
    "warning": gettext_lazy("a warning"),
    "not_measured": gettext_lazy("not measured lately"),
}


def reason_words(reason: str, one: IntegrationHealth, bounds: WatchSettings) -> str:
    """Return what is wrong with an integration, with the figures behind it."""
    if reason == "stopped":
        return _("Stopped by an error: %(message)s") % {"message": one.error_message or ""}
    if reason == "sync_failed":
        return _("The last sync failed: %(how)s.") % {"how": outcome_words(one.last_sync_outcome)}
    if reason == "no_sync":
        return _("No sync for %(hours)s hours, though there was something to send.") % {
            "hours": bounds.no_sync_hours
        }
    if reason == "waits_for_person":
        return _waits(one.for_person)
    if reason == "sync_partly":
        return _("In the last sync some claims did not go through.")
    if reason == "errors":
        return ngettext(
            "%(count)s error of the last 24 hours is not put right.",
            "%(count)s errors of the last 24 hours are not put right.",
            one.errors_open,
        ) % {"count": counted(one.errors_open)}
    if reason == "pending_old":
        return _("The oldest pending claim could have gone over %(hours)s hours ago.") % {
            "hours": bounds.pending_hours
        }
    return one.warning or ""


def outcome_words(outcome: str | None) -> str:
    """Return how a sync went; one that never was is told as nothing."""
    return str(OUTCOMES.get(outcome or "", outcome or ""))


def counted(count: int) -> str:
    """Return a count that was ended at COUNTED_MAX as what it is."""
    return _("at least %(count)s") % {"count": count} if count >= COUNTED_MAX else str(count)


def summary(health: Health) -> str:
    """Return in one sentence how the organization's integrations stand, the worst first."""
    worst = health.worst
    if worst is None:
        return _("No accounting system is connected yet")
    waiting = sum(one.for_person for one in health.integrations)
    if health.colour == "red":
        bad = [one.name for one in health.integrations if one.colour == "red"]
        return _("%(names)s: does not work") % {"names": ", ".join(bad)}
    if health.colour == "yellow" and waiting:
        return _("Needs attention: %(what)s") % {"what": _waits(waiting)}
    if health.colour == "yellow":
        names = {"name": worst.name, "what": REASONS[worst.reasons[0]]}
        return _("%(name)s: needs attention – %(what)s") % names
    if health.colour == "new":
        return _("Nothing has been sent yet")
    if health.colour == "off":
        return _("Switched off: approved claims wait, and nothing is sent")
    return _("All is well")


def _waits(count: int) -> str:
    return ngettext(
        "%(count)s claim waits for a decision",
        "%(count)s claims wait for a decision",
        count,
    ) % {"count": counted(count)}
