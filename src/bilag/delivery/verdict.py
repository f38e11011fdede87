"""What an outcome means for an export: a pure table from outcome to the next state.

Unknown is never "failed" and never "pending": it is `in_doubt` until somebody looked.
"""

import random
from typing import Any, NamedTuple

from bilag.core.outcome import Accepted, Evidence, Misconfigured, Outcome, Rejected, RetryLater
from bilag.core.problem import Problem
from bilag.exports.settle import Settlement
from bilag.integrations.model import Delivery


class Attempt(NamedTuple):
    """One document under way: which export, under which token, how often it was tried before.

    `goes_on`: it may be staged there from an earlier attempt, so its submission is not given up.
    `staged`: it was seen there, so that it is in doubt until it is posted or taken back.
    """

    export_id: int
    token: int
    attempt: int
    failures: int
    source_id: str
    reference: str
    submission_id: int
    body: bytes
    goes_on: bool = False
    staged: bool = False


def backoff_seconds(delivery: Delivery, failures: int, draw: float | None = None) -> float:
    """Return min(base * factor^(n-1), maximum) plus jitter for the n-th failure in a row (E4)."""
    retry = delivery.retry
    exponent = min(max(failures - 1, 0), 64)
    delay = min(retry.base_seconds * retry.factor**exponent, retry.maximum_seconds)
    share = random.random() if draw is None else draw  # spreading load, no secret  # noqa: S311
    return delay * (1 + retry.jitter * share)


def doubt_seconds(delivery: Delivery, settle_seconds_min: float) -> float:
    """Return how long after `send_by` a look-up may decide: request timeout plus settle time."""
    return delivery.request_timeout_seconds + max(delivery.settle_seconds, settle_seconds_min)


def judge(
    attempt: Attempt, outcome: Outcome, delivery: Delivery, settle_seconds_min: float
) -> Settlement:
    """Return the settlement of one attempt; the caller commits it."""
    if isinstance(outcome, Accepted):
        return _settlement(
            attempt, outcome.evidence, outcome.message,
            state="exported" if outcome.booked else "accepted", outcome="accepted",
            keep_submission=True, external_reference=outcome.external_reference,
            external_voucher_number=outcome.voucher_number,
            due_seconds=0.0 if outcome.booked else delivery.settle_seconds,
        )  # fmt: skip
    if isinstance(outcome, Rejected):
        problem = outcome.problem or Problem(
            "refused", outcome.field, outcome.line, attempt.source_id, {"message": outcome.message}
        )
        return _settlement(
            attempt, outcome.evidence, outcome.message, state="failed", outcome="rejected",
            failures=1, field=outcome.field, line=outcome.line, reason=problem.as_json(),
        )  # fmt: skip
    if isinstance(outcome, RetryLater):
        return _retry(attempt, outcome, delivery)
    if isinstance(outcome, Misconfigured):
        if attempt.staged:
            return _stays_staged(attempt, outcome, "misconfigured")
        return _settlement(
            attempt, outcome.evidence, outcome.message, state="pending", outcome="misconfigured",
            keep_submission=attempt.goes_on,
        )  # fmt: skip
    return _settlement(
        attempt, outcome.evidence, outcome.message, state="in_doubt", outcome="unknown",
        keep_submission=True, due_seconds=doubt_seconds(delivery, settle_seconds_min),
        reason=Problem(
            "no_clear_answer", record=attempt.source_id, params={"message": outcome.message}
        ).as_json(),
    )  # fmt: skip


def _retry(attempt: Attempt, outcome: RetryLater, delivery: Delivery) -> Settlement:
    failures = attempt.failures + (0 if outcome.pauses else 1)
    if failures >= delivery.retry.attempts_max and not attempt.goes_on:
        problem = Problem(
            "gave_up", record=attempt.source_id,
            params={"attempts": str(failures), "message": outcome.message},
        )  # fmt: skip
        return _settlement(
            attempt, outcome.evidence, outcome.message, state="failed", outcome="gave_up",
            failures=1, reason=problem.as_json(),
        )  # fmt: skip
    wait = backoff_seconds(delivery, failures)
    if outcome.after_seconds is not None:
        wait = max(outcome.after_seconds, 0.0) if outcome.pauses else outcome.after_seconds
    # who is asked to wait has met no error, and counts none
    name = "put_off" if outcome.pauses else "retry_later"
    if attempt.staged:
        return _stays_staged(attempt, outcome, name, wait)
    return _settlement(
        attempt, outcome.evidence, outcome.message, state="pending", outcome=name,
        failures=0 if outcome.pauses else 1, due_seconds=wait, keep_submission=attempt.goes_on,
    )  # fmt: skip


def _stays_staged(
    attempt: Attempt, outcome: RetryLater | Misconfigured, name: str, wait: float = 0.0
) -> Settlement:
    """Return the settlement of what was not written now and stands there from an earlier attempt.

    In doubt and not pending: a withdrawal or a newer revision then takes it back first.
    """
    problem = Problem(
        "no_clear_answer", record=attempt.source_id, params={"message": outcome.message}
    )
    return _settlement(
        attempt, outcome.evidence, outcome.message, state="in_doubt", outcome=name,
        due_seconds=wait, keep_submission=True, reason=problem.as_json(),
    )  # fmt: skip


def _settlement(
    attempt: Attempt,
    evidence: Evidence,
    message: str,
    *,
    state: str,
    outcome: str,
    failures: int = 0,
    due_seconds: float = 0.0,
    external_reference: str = "",
    external_voucher_number: str = "",
    reason: dict[str, Any] | None = None,
    keep_submission: bool = False,
    field: str = "",
    line: int | None = None,
) -> Settlement:
    return Settlement(
        export_id=attempt.export_id,
        token=attempt.token,
        attempt=attempt.attempt,
        source_id=attempt.source_id,
        reference=attempt.reference,
        submission_id=attempt.submission_id,
        state=state,
        outcome=outcome,
        due_seconds=due_seconds,
        failures=failures,
        external_reference=external_reference,
        external_voucher_number=external_voucher_number,
        reason=reason,
        keep_submission=keep_submission,
        http_status=evidence.http_status,
        duration_ms=evidence.duration_ms,
        message=message[:2000],
        field=field,
        line=line,
        answer=evidence.answer,
        payload=attempt.body,
    )
