"""Settling what is in doubt, and following what was accepted until it is booked, by look-up.

Only a positive find or a proven absence decides; a look-up that fails decides nothing. What no
look-up can settle goes to a person.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bilag.core.clock import utc_now
from bilag.core.outcome import (
    NOTHING_SEEN,
    Absent,
    BookingRefused,
    CannotTell,
    Evidence,
    Found,
    Posted,
    Staged,
)
from bilag.core.problem import Problem
from bilag.delivery.crash_points import CrashPoint, reach
from bilag.delivery.go_on import go_on, take_back
from bilag.delivery.target import Target
from bilag.delivery.verdict import backoff_seconds, doubt_seconds
from bilag.exports.recover import Doubtful, due_for_follow_up, due_for_look_up, left_behind
from bilag.exports.settle import Settlement, move
from bilag.integrations import runtime
from bilag.tenants.scope import organization_scope_async

ROWS_AT_ONCE = 200


async def recover(connection: psycopg.AsyncConnection[Any], target: Target) -> int:
    """Put rows that a lost worker left in `sending` into doubt; returns how many."""
    total = 0
    wait = doubt_seconds(target.integration.delivery, target.capabilities.settle_seconds_min)
    while True:
        rows = await left_behind(
            connection, target.organization_id, target.integration.id, ROWS_AT_ONCE
        )
        if not rows:
            return total
        moved = await move(
            connection,
            target.chain,
            "sending",
            [
                _settlement(row, "in_doubt", "worker_lost", event="found", due_seconds=wait)
                for row in rows
            ],
        )
        total += moved
        if not moved:
            return total


async def resolve_due(connection: psycopg.AsyncConnection[Any], target: Target) -> int:
    """Look up every row whose waiting time is over and decide; returns how many were decided."""
    decided = 0
    while True:
        rows = await due_for_look_up(
            connection,
            target.organization_id,
            target.integration.id,
            target.capabilities.look_ups_at_once,
        )
        if not rows:
            return decided
        found = await _look_up(connection, target, rows)
        staged = [row for row in rows if _goes_on(target, row, found.get(row.reference))]
        going_on = {row.id for row in staged}
        settlements = [
            _decide(target, row, found.get(row.reference)) for row in rows if row.id not in going_on
        ]
        await move(connection, target.chain, "in_doubt", settlements)
        reach(CrashPoint.AFTER_RESOLVE)
        decided += sum(s.state != "in_doubt" for s in settlements)
        left = await go_on(connection, target, staged)
        if left:
            await move(connection, target.chain, "in_doubt", [_wait(target, row) for row in left])


async def follow_up(connection: psycopg.AsyncConnection[Any], target: Target) -> int:
    """Look whether what was accepted is booked by now; returns how many were looked for.

    Failure policy: one set a call, so that a long queue there holds no sending up here; what is
    left is due at once, and what is not booked is looked for again with a growing delay.
    """
    rows = await due_for_follow_up(
        connection,
        target.organization_id,
        target.integration.id,
        target.capabilities.look_ups_at_once,
    )
    if not rows:
        return 0
    found = await _look_up(connection, target, rows)
    refused = [row for row in rows if isinstance(found.get(row.reference), BookingRefused)]
    taken_back = await take_back(connection, target, refused)
    settlements = [
        _follow(target, row, found.get(row.reference), taken_back=row.id in taken_back)
        for row in rows
    ]
    await move(connection, target.chain, "accepted", settlements)
    reach(CrashPoint.AFTER_RESOLVE)
    return len(rows)


async def prove_look_up(
    connection: psycopg.AsyncConnection[Any],
    target: Target,
    *,
    reference: str = "",
    proven: bool = False,
) -> None:
    """Note that look-up finds what exists: by a find just made, or by looking up `reference`.

    Until then an answer "absent" is not believed, since a wrong search finds nothing either.
    """
    if not proven:
        # it was accepted in this run
        since = utc_now() - timedelta(hours=1)
        found = await target.connector.look_up([reference], target.session, since)
        proven = isinstance(found.get(reference), Posted)
    if proven:
        async with organization_scope_async(connection, target.organization_id):
            await runtime.prove_look_up(connection, target.integration.id, target.sync_token)
        target.look_up_proven = True


async def _look_up(
    connection: psycopg.AsyncConnection[Any], target: Target, rows: Sequence[Doubtful]
) -> Mapping[str, Found]:
    if not target.can_look_up:
        return {}
    reach(CrashPoint.BEFORE_LOOK_UP)
    references = [row.reference for row in rows]
    try:
        found = await target.connector.look_up(references, target.session, _since(rows))
    except Exception as error:  # a connector's fault decides nothing  # noqa: BLE001
        message = target.session.http.redact(f"{type(error).__name__}: {error}")
        found = {reference: CannotTell(message) for reference in references}
    reach(CrashPoint.AFTER_LOOK_UP)
    if any(isinstance(f, Posted) for f in found.values()) and not target.look_up_proven:
        await prove_look_up(connection, target, proven=True)
    return found


def _since(rows: Sequence[Doubtful]) -> datetime | None:
    """Return the earliest moment at which one of these may have been sent, None where unknown."""
    moments = [row.since for row in rows]
    return None if None in moments else min(m for m in moments if m is not None)


def _goes_on(target: Target, row: Doubtful, found: Found | None) -> bool:
    """Return whether a row stands half-way in a system that stages, and we hold its submission."""
    if not (isinstance(found, Staged) and target.capabilities.stages and row.submission_id):
        return False
    return row.attempt < target.integration.delivery.retry.attempts_max


def _decide(target: Target, row: Doubtful, found: Found | None) -> Settlement:
    if found is None:
        return _without_look_up(target, row)
    if isinstance(found, Posted):
        return _posted(row, found)
    if isinstance(found, Absent):
        return _absent(target, row, found)
    if isinstance(found, BookingRefused):
        # taken, then refused: the next look, at once, finds it as an accepted one and says why
        return _settlement(
            row, "accepted", "", event="looked_up", outcome="staged", evidence=found.evidence,
            external_reference=found.external_reference,
        )  # fmt: skip
    if isinstance(found, Staged) and target.capabilities.stages:
        code = "staged_too_often" if row.submission_id else "staged_unknown"
        return _settlement(
            row, "needs_review", code, event="looked_up", outcome="staged", evidence=found.evidence,
            external_reference=found.external_reference, attempts=str(row.attempt),
        )  # fmt: skip
    return _look_again(target, row, found)


def _follow(
    target: Target, row: Doubtful, found: Found | None, *, taken_back: bool = False
) -> Settlement:
    if isinstance(found, Posted):
        return _posted(row, found)
    if isinstance(found, BookingRefused):
        return _booking_refused(row, found, taken_back=taken_back)
    left = target.integration.delivery.booked_within_seconds - row.waited_seconds
    if left <= 0 and not isinstance(found, Staged | CannotTell):
        return _settlement(
            row, "needs_review", "not_booked",
            event="looked_up" if found else "given_to_a_person",
            evidence=found.evidence if found else NOTHING_SEEN,
        )  # fmt: skip
    if found is None:
        return _settlement(
            row, "accepted", "", event="waits", outcome="not_booked_yet", due_seconds=left
        )
    waits = _look_again(target, row, found)
    if left <= 0 and isinstance(found, Staged):
        # it goes on being followed, but a person is told that it waits longer than it should
        params = {"reference": row.reference, "hours": f"{row.waited_seconds / 3600:.0f}"}
        problem = Problem("booking_overdue", record=row.source_id, params=params)
        waits = waits._replace(reason=problem.as_json(), message=problem.text())
    return waits


def _look_again(target: Target, row: Doubtful, found: Staged | Absent | CannotTell) -> Settlement:
    """Return the settlement that leaves a row open for the next look-up; staged is accepted."""
    wait = backoff_seconds(target.integration.delivery, row.failures + 1)
    if isinstance(found, CannotTell):
        return _settlement(
            row, row.state, "look_up_failed", event="looked_up", failures=1, due_seconds=wait,
            evidence=found.evidence, message=found.message,
        )  # fmt: skip
    if isinstance(found, Staged):
        return _settlement(
            row, "accepted", "", event="looked_up", outcome="staged", failures=1, due_seconds=wait,
            evidence=found.evidence, external_reference=found.external_reference,
        )  # fmt: skip
    return _settlement(
        row, row.state, "", event="looked_up", outcome="absent", failures=1, due_seconds=wait,
        evidence=found.evidence,
    )  # fmt: skip


def _wait(target: Target, row: Doubtful) -> Settlement:
    """Return the settlement of what stands half-way there while nothing may go out: in doubt."""
    return _settlement(
        row, row.state, "", event="waits", outcome="staged",
        due_seconds=backoff_seconds(target.integration.delivery, 1),
    )  # fmt: skip


def _without_look_up(target: Target, row: Doubtful) -> Settlement:
    if (
        target.capabilities.honours_key
        and row.sent_with_key
        and row.failures < target.integration.delivery.retry.attempts_max
    ):
        # the same bytes under the same key: the system itself tells a repeat from a first time
        return _settlement(
            row, "pending", "", event="resend", outcome="same_key", failures=1,
            due_seconds=backoff_seconds(target.integration.delivery, row.failures + 1),
        )  # fmt: skip
    return _settlement(row, "needs_review", "cannot_look_up", event="given_to_a_person")


def _posted(row: Doubtful, found: Posted) -> Settlement:
    if found.hits > 1:
        return _settlement(
            row, "needs_review", "found_twice", event="looked_up", outcome="posted_twice",
            evidence=found.evidence, external_reference=found.external_reference,
            hits=str(found.hits),
        )  # fmt: skip
    return _settlement(
        row, "exported", "", event="looked_up", outcome="posted", evidence=found.evidence,
        external_reference=found.external_reference, voucher_number=found.voucher_number,
    )  # fmt: skip


def _booking_refused(row: Doubtful, found: BookingRefused, *, taken_back: bool) -> Settlement:
    """Return the settlement to `failed`; what could not be taken back is looked for at a retry."""
    params = {"message": found.message}
    code = "refused" if taken_back else "refused_and_left"
    problem = Problem(code, found.field, found.line, row.source_id, params)
    settled = _settlement(
        row, "failed", "", event="looked_up", outcome="booking_refused", failures=1,
        evidence=found.evidence, external_reference=found.external_reference,
        message=found.message,
    )  # fmt: skip
    settled = settled._replace(reason=problem.as_json(), field=found.field, line=found.line)
    return settled._replace(forget_external=taken_back)


def _absent(target: Target, row: Doubtful, found: Absent) -> Settlement:
    delivery = target.integration.delivery
    if not target.look_up_proven:
        if row.waited_seconds < delivery.unproven_seconds:
            return _settlement(
                row, "in_doubt", "look_up_unproven", event="looked_up", outcome="absent_unproven",
                due_seconds=min(delivery.retry.base_seconds, 5.0), evidence=found.evidence,
            )  # fmt: skip
        return _settlement(
            row, "needs_review", "look_up_unproven", event="looked_up", outcome="absent_unproven",
            evidence=found.evidence,
        )  # fmt: skip
    if row.attempt >= delivery.retry.attempts_max:
        return _settlement(
            row, "needs_review", "absent_too_often", event="looked_up", outcome="absent",
            evidence=found.evidence, attempts=str(row.attempt),
        )  # fmt: skip
    wait = backoff_seconds(delivery, row.failures + 1) if row.failures else 0.0
    return _settlement(
        row, "pending", "", event="looked_up", outcome="absent", failures=1, due_seconds=wait,
        evidence=found.evidence,
    )  # fmt: skip


def _settlement(
    row: Doubtful,
    state: str,
    code: str,
    *,
    event: str,
    outcome: str = "",
    failures: int = 0,
    due_seconds: float = 0.0,
    evidence: Evidence = NOTHING_SEEN,
    external_reference: str = "",
    voucher_number: str = "",
    message: str = "",
    **params: str,
) -> Settlement:
    reason: dict[str, Any] | None = None
    if code:
        given = {"reference": row.reference, "message": message, **params}
        problem = Problem(code, record=row.source_id, params=given)
        reason, message = problem.as_json(), problem.text()
    return Settlement(
        export_id=row.id, token=row.token, attempt=row.attempt, source_id=row.source_id,
        reference=row.reference, submission_id=row.submission_id, state=state,
        outcome=outcome or code, event=event, due_seconds=due_seconds, failures=failures,
        external_reference=external_reference, external_voucher_number=voucher_number,
        reason=reason, keep_submission=True, http_status=evidence.http_status,
        duration_ms=evidence.duration_ms, message=message[:2000], answer=evidence.answer,
    )  # fmt: skip
