"""One submission on its way: looked for first where it may be there already, then sent once.

Whatever a connector does wrong ends here as an outcome; nothing is raised and nothing is retried.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from bilag.connectors.http import Permit
from bilag.connectors.interface import Submission
from bilag.core.clock import running_seconds
from bilag.core.outcome import (
    Absent,
    Accepted,
    BookingRefused,
    Discarded,
    Found,
    Outcome,
    Posted,
    Rejected,
    RetryLater,
    Staged,
    Unknown,
)
from bilag.core.problem import Problem
from bilag.core.spans import Attributes, span
from bilag.delivery.crash_points import CrashPoint, reach
from bilag.delivery.target import Target
from bilag.delivery.verdict import Attempt
from bilag.exports.claim import Candidate, Intent

NO_OUTCOME = Unknown("the connector gave no outcome for this reference")


class UnderWay(NamedTuple):
    """A submission that T1 has committed, until when it may be written, and what to look for first.

    `until` is in seconds of `running_seconds`; `look_first` are references the system once took,
    not before `since`.
    """

    attempts: tuple[Attempt, ...]
    submission: Submission
    until: float
    look_first: frozenset[str] = frozenset()
    since: datetime | None = None


def send_until(target: Target) -> float:
    """Return until when a submission that T1 commits now may be written."""
    return running_seconds() + target.send_within_seconds


async def send(target: Target, item: UnderWay) -> Mapping[str, Outcome]:
    """Send a submission once and return an outcome for each reference that has one."""
    about: Attributes = {"bilag.run_id": str(target.run_id), "bilag.documents": len(item.attempts)}
    with span("send", about) as note:
        outcomes = await _sent(target, item)
        note(Counter(f"bilag.{type(one).__name__.lower()}" for one in outcomes.values()))
        return outcomes


async def _sent(target: Target, item: UnderWay) -> Mapping[str, Outcome]:
    if not item.look_first:
        return await _send(target, item.submission, item.until)
    known = await _look_first(target, item.look_first, item.since)
    left = tuple(r for r in item.submission.references if r not in known)
    if left:
        known |= await _send(target, replace(item.submission, references=left), item.until)
    return known


async def discard(target: Target, item: UnderWay) -> Mapping[str, Outcome]:
    """Take back what is staged of a submission; what is certainly gone may be sent anew."""
    permit = Permit(item.until, before_write=_before_write)
    try:
        done = await target.connector.discard(item.submission, target.session, permit)
    except Exception as error:  # a connector's fault is an unknown outcome  # noqa: BLE001
        message = target.session.http.redact(f"{type(error).__name__}: {error}")
        return dict.fromkeys(item.submission.references, Unknown(message, transport=False))
    outcome: Outcome = (
        RetryLater("taken back", after_seconds=0, pauses=True, evidence=done.evidence)
        if isinstance(done, Discarded)
        else Unknown(done.message, evidence=done.evidence, problem=done.problem)
    )
    return dict.fromkeys(item.submission.references, outcome)


async def _send(target: Target, submission: Submission, until: float) -> dict[str, Outcome]:
    permit = Permit(until, before_write=_before_write)
    try:
        return dict(await target.connector.send(submission, target.session, permit))
    except Exception as error:  # a connector's fault is an unknown outcome  # noqa: BLE001
        message = target.session.http.redact(f"{type(error).__name__}: {error}")
        staged = target.capabilities.stages
        unsent = not permit.spent and not staged
        outcome: Outcome = RetryLater(message) if unsent else Unknown(message, transport=False)
        return dict.fromkeys(submission.references, outcome)


async def _look_first(
    target: Target, references: frozenset[str], since: datetime | None
) -> dict[str, Outcome]:
    """Return the outcomes of what must not be sent: it stands there, or nobody can tell."""
    try:
        found = await target.connector.look_up(sorted(references), target.session, since)
    except Exception as error:  # a connector's fault decides nothing  # noqa: BLE001
        message = target.session.http.redact(f"{type(error).__name__}: {error}")
        return dict.fromkeys(references, RetryLater(message, transport=True))
    outcomes = {
        reference: _known(target, reference, found.get(reference)) for reference in references
    }
    return {reference: outcome for reference, outcome in outcomes.items() if outcome is not None}


def _known(target: Target, reference: str, found: Found | None) -> Outcome | None:
    if isinstance(found, Posted):
        if found.hits > 1:
            return Unknown("it stands there more than once", transport=False)
        return Accepted(found.external_reference, found.voucher_number, evidence=found.evidence)
    if isinstance(found, Absent):
        if target.look_up_proven:
            return None
        return _still_there(reference, "look_up_unproven", found)
    if isinstance(found, Staged):
        if target.capabilities.stages and not target.capabilities.books_later:
            # nobody there posts it of himself, and its own submission is not the one to be sent
            return _still_there(reference, "still_staged", found)
        return Accepted(found.external_reference, booked=False, evidence=found.evidence)
    if isinstance(found, BookingRefused):
        return _still_there(reference, "still_staged", found)
    message = found.message if found is not None else "the look-up said nothing of this reference"
    return RetryLater(message, transport=True)


def _still_there(reference: str, code: str, found: Absent | BookingRefused | Staged) -> Rejected:
    message = found.message if isinstance(found, BookingRefused) else ""
    problem = Problem(code, params={"reference": reference, "message": message})
    return Rejected(problem.text(), evidence=found.evidence, problem=problem)


def _before_write() -> None:
    reach(CrashPoint.BEFORE_WRITE)


def under_way(
    submission_id: int,
    token: int,
    group: Sequence[tuple[Intent, Candidate]],
    until: float,
    *,
    stages: bool,
) -> UnderWay:
    """Return the submission of these documents; the first intent carries its bytes.

    `until` is of the clock that runs while the machine sleeps; `stages`: it is sent in steps.
    """
    first = group[0][0]
    body = (first.body or "").encode()
    attempts = tuple(
        Attempt(
            export_id=candidate.id,
            token=token,
            attempt=candidate.attempt + 1,
            failures=candidate.failures,
            source_id=candidate.source_id,
            reference=candidate.reference,
            submission_id=submission_id,
            body=body,
            goes_on=stages and intent.resend_of is not None,
            staged=stages and intent.resend_of is not None and bool(candidate.external_reference),
        )
        for intent, candidate in group
    )
    references = tuple(candidate.reference for _, candidate in group)
    # what goes on with its own bytes in a system that stages is looked for by the connector itself
    look_first = frozenset(
        c.reference for i, c in group
        if c.external_reference and not (stages and i.resend_of is not None)
    )  # fmt: skip
    since = min(candidate.created_at for _, candidate in group)
    return UnderWay(attempts, Submission(references, body, first.headers), until, look_first, since)
