"""What syncs are called: what began them, how they stand, what came of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bilag.core.problem import Problem
from bilag.delivery.sync_now import REACHED, Before, Progress
from bilag.exports.sync_requests import Share, SyncRequest
from bilag.portal.scope import Desk
from bilag.portal.templatetags.portal import state_name
from bilag.portal.watch.words import outcome_words

_TRIGGERS: dict[str, Promise] = {
    "schedule": gettext_lazy("the schedule"),
    "approval": gettext_lazy("an approval"),
    "retry": gettext_lazy("a retry"),
}
# What does not go with a sync, and what that means.
_NOT_GOING: dict[str, Promise] = {
    "held": gettext_lazy("wait for something to be mended first"),
    "failed": gettext_lazy("were refused and go only when somebody sends them again"),
    "needs_review": gettext_lazy("wait for a person's decision"),
    "in_doubt": gettext_lazy("may have been posted: they are looked up, never sent blindly"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A count with its state, what it means, and where the claims behind it are listed."""

    state: str
    count: int
    means: str
    address: str


def of_person(actor: str) -> str:
    """Return who did something, as people know each other."""
    return actor.removeprefix("user ")


def begun_by(one: SyncRequest) -> str:
    """Return what began a sync: a person, a schedule, an approval, or the engine itself."""
    if one.actor and one.trigger in ("manual", "continued"):
        return of_person(one.actor)
    return str(_TRIGGERS.get(one.trigger, _("the system itself")))


def claims_address(desk: Desk, key: str, state: str) -> str:
    """Return where the claims of an integration in a state are listed."""
    query = urlencode({"integration": key, "state": state})
    return f"{reverse('claims:list', args=[desk.organization.slug])}?{query}"


def waiting(desk: Desk, before: Before) -> list[Line]:
    """Return what would not go with a sync, by state; what there is none of is left out."""
    key, found = before.integration.key, []
    later = sum(one.records for one in before.ahead.later)
    if later:
        words = _("were not taken before and are tried again at their own time")
        found.append(Line("pending", later, words, claims_address(desk, key, "pending")))
    for state, means in _NOT_GOING.items():
        if count := before.ahead.count(state):
            found.append(Line(state, count, str(means), claims_address(desk, key, state)))
    return found


def reached(desk: Desk, found: Progress) -> Iterator[Line]:
    """Return where a sync has brought its records, by state; always what is exported."""
    key = found.request.integration_key
    for state in REACHED:
        count = found.count(state)
        if count or state == "exported":
            yield Line(state, count, "", claims_address(desk, key, state))


def standing(found: Progress) -> str:
    """Return in a sentence how a sync stands."""
    one = found.request
    if one.ended_at is not None:
        return _("It has ended: %(how)s.") % {"how": outcome_words(one.outcome)}
    if one.stopped_at is not None:
        return _("%(who)s has stopped it. It ends at its next record.") % {
            "who": of_person(one.stopped_by)
        }
    if not found.worker:
        return _("It waits: no worker is running. Nothing is lost; it begins when one is started.")
    if not found.begun:
        return _("It waits for a worker.")
    return _("It is running.")


def sentence(found: Progress) -> str:
    """Return how far a sync is, in a sentence that is heard on its own."""
    parts = [_("%(done)s of %(total)s done") % {"done": found.done, "total": found.total}]
    parts += [f"{state_name(state)} {count}" for state in REACHED if (count := found.count(state))]
    left = _("%(count)s left") % {"count": found.left}
    return f"{standing(found)} {', '.join([*parts, left])}."


def message(one: SyncRequest, language: str) -> str:
    """Return what is known beyond how a sync ended; it was kept in the organization's language."""
    if one.outcome == "stopped":
        return Problem("sync_stopped", params={"actor": of_person(one.stopped_by)}).text(language)
    if one.outcome == "interrupted":
        return Problem("sync_interrupted").text(language)
    return one.message


def exported(went: Sequence[Share]) -> list[Share]:
    """Return what was exported, by currency."""
    return [one for one in went if one.state == "exported"]


def asked(one: SyncRequest) -> int:
    """Return how many records were to go when it began."""
    return sum(int(share["count"]) for share in one.asked)
