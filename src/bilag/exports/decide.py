"""What people decide about exports: queue, retry, cancel, release, settle what only a person can.

Each decision is one conditional statement and one row of the audit chain; repeating it is harmless.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
import psycopg

from bilag.core.problem import Problem
from bilag.exports.audit import record_change, record_change_async

DECISIONS = ("exported", "pending", "failed", "cancelled")


class DecisionRefused(Exception):
    """This may not be decided for the export as it stands; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text())
        self.problem = problem


# Rows are locked in the order of their ids, so that two calls at once wait instead of deadlocking.
_REQUEUE = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM exports
    WHERE state = %(from_state)s AND for_person AND live
      AND (%(integration)s::uuid IS NULL OR integration_id = %(integration)s)
      AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s))
      AND (%(cause)s::text IS NULL OR %(cause)s = ANY (coalesce(causes, '{none}')))
      AND (%(reasons)s::text[] IS NULL OR reason ->> 'code' = ANY (%(reasons)s)
           OR (reason ->> 'code' = 'several' AND EXISTS (
               SELECT FROM jsonb_array_elements(reason -> 'problems') p
               WHERE p ->> 'code' = ANY (%(reasons)s))))
    ORDER BY id FOR UPDATE
)
UPDATE exports e SET
    -- it may be booked, whatever was said of it: it is looked up first, and a person decides where
    -- that cannot be
    state = CASE WHEN e.left_in_doubt THEN 'in_doubt' ELSE 'pending' END, left_in_doubt = false,
    state_since = now(), due_at = greatest(now(), CASE WHEN e.left_in_doubt THEN e.send_by END),
    failures = 0, submission_id = NULL, reason = NULL
FROM chosen WHERE e.id = chosen.id AND e.state = %(from_state)s
RETURNING e.id
"""


def retry_failed(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    *,
    actor: str,
    integration_id: UUID | None = None,
    export_ids: Sequence[int] | None = None,
    cause: str | None = None,
) -> list[int]:
    """Put refused exports back to pending: all of the organization, of one integration or cause
    (see exports.causes), or some; what a person noted as refused goes into doubt instead.

    Two calls at once requeue each export once; returns the ids that this call requeued.
    """
    return _requeue(
        connection, organization_id, "failed", "export.retried", actor, integration_id, export_ids,
        cause=cause,
    )  # fmt: skip


def release(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    *,
    actor: str,
    integration_id: UUID,
    from_state: str,
    reasons: Sequence[str] | None = None,
    export_ids: Sequence[int] | None = None,
    cause: str | None = None,
) -> list[int]:
    """Put held exports back to pending, so that the new mapping or declaration is tried.

    `reasons` limits it to those held for one of these codes, alone or among others, `cause` to what
    it keeps, `export_ids` to some; corrections waiting for a person stay.
    """
    return _requeue(
        connection, organization_id, from_state, "export.released", actor, integration_id,
        export_ids, reasons, cause,
    )  # fmt: skip


def _requeue(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    from_state: str,
    event: str,
    actor: str,
    integration_id: UUID | None,
    export_ids: Sequence[int] | None,
    reasons: Sequence[str] | None = None,
    cause: str | None = None,
) -> list[int]:
    cursor = connection.execute(
        _REQUEUE,
        {
            "from_state": from_state,
            "integration": integration_id,
            "ids": None if export_ids is None else list(export_ids),
            "reasons": None if reasons is None else list(reasons),
            "cause": cause,
        },
    )
    ids = [row[0] for row in cursor.fetchall()]
    if ids:
        record_change(
            connection, organization_id, actor, event, f"{len(ids)} exports", {"exports": ids}
        )
    return ids


# With a reason, what is not under way and never was posted, too; a forced one is refused instead.
_CANCEL = """
UPDATE exports SET state = 'cancelled', state_since = now(), live = false,
    reason = coalesce(%(decided)s::jsonb, reason)
WHERE id = %(id)s AND (state = 'pending' OR %(decided)s::text IS NOT NULL
    AND (state = 'failed' OR state = 'held'
         AND reason ->> 'code' IS DISTINCT FROM 'waits_for_approval'))
RETURNING source_id
"""


def cancel(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    export_id: int,
    *,
    actor: str,
    reason: str = "",
) -> None:
    """Cancel an export, with its later claim to the book: pending, or with a reason failed or held.

    Raises DecisionRefused when it is in any other state, LookupError when it does not exist.
    """
    decided = None
    if reason.strip():
        decided = orjson.dumps(Problem("decided", params={"reason": reason}).as_json()).decode()
    row = connection.execute(_CANCEL, {"id": export_id, "decided": decided}).fetchone()
    if row is None:
        raise _refusal(connection, export_id)
    record_change(
        connection, organization_id, actor, "export.cancelled", f"export {export_id}",
        {"sourceId": row[0], **({"reason": reason} if decided else {})},
    )  # fmt: skip


# The lock comes first: an arriving revision locks the same rows, so it is seen or it waits.
_LOCK = "SELECT live, reason FROM exports WHERE id = %s AND state = 'needs_review' FOR UPDATE"

# A revision that waits could go out beside it, or wait for ever: it is ended first, or sent
# instead.
_WAITED_FOR = """
SELECT 1 FROM exports e JOIN exports n ON n.organization_id = e.organization_id
   AND n.source_id = e.source_id AND n.book_id = e.book_id
   AND n.source_system = e.source_system
WHERE e.id = %s AND e.live AND n.state = 'held' AND n.reason ->> 'code' = 'waits_for_earlier'
LIMIT 1
"""

# What was cancelled and is found posted counts again, unless a newer generation took its place: a
# later revision is then a correction, and a withdrawal leads to its reversal.
_DECIDE = """
UPDATE exports e SET state = %(state)s, state_since = now(), due_at = now(), failures = 0,
    live = %(state)s <> 'cancelled' AND (e.live OR %(state)s = 'exported' AND NOT EXISTS (
        SELECT FROM exports n WHERE n.organization_id = e.organization_id AND n.live
          AND n.source_id = e.source_id AND n.book_id = e.book_id
          AND n.source_system = e.source_system AND n.part = e.part)),
    submission_id = CASE WHEN %(state)s = 'exported' OR (%(state)s = 'pending'
        -- half-way in a system that stages: it goes on with its own bytes, never with new ones
        AND (%(stages)s OR reason ->> 'code' = 'staged_too_often')) THEN submission_id END,
    external_reference = coalesce(nullif(%(external)s, ''), external_reference),
    external_voucher_number = coalesce(nullif(%(number)s, ''), external_voucher_number),
    exported_at = CASE WHEN %(state)s = 'exported' THEN coalesce(exported_at, now()) END,
    reason = CASE WHEN %(state)s = 'failed' THEN %(reason)s::jsonb END,
    left_in_doubt = %(state)s IN ('failed', 'cancelled')
WHERE id = %(id)s AND state = 'needs_review'
RETURNING source_id
"""


def decide(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    export_id: int,
    *,
    to_state: str,
    reason: str,
    actor: str,
    external_reference: str = "",
    voucher_number: str = "",
    stages: bool = False,
) -> None:
    """Settle an export that only a person can settle; a reason is required and kept.

    `stages`: its system sends in steps, so what goes on goes on with its stored submission.
    Raises DecisionRefused unless it is in `needs_review`, when it shall be sent again and no longer
    counts, or be ended while a newer revision waits for it; ValueError for an unknown decision,
    LookupError for an unknown export.
    """
    if to_state not in DECISIONS:
        raise ValueError(f"a person decides one of {', '.join(DECISIONS)}, not {to_state}")
    if not reason.strip():
        raise ValueError("a reason is required")
    locked = connection.execute(_LOCK, [export_id]).fetchone()
    if locked is None:
        raise _refusal(connection, export_id)
    if to_state == "pending" and not locked[0]:
        raise DecisionRefused(Problem("not_current"))
    if (
        to_state in ("failed", "cancelled")
        and connection.execute(_WAITED_FOR, [export_id]).fetchone()
    ):
        raise DecisionRefused(Problem("newer_waits"))
    ((source_id,),) = connection.execute(
        _DECIDE,
        {
            "id": export_id,
            "state": to_state,
            "stages": stages,
            "external": external_reference,
            "number": voucher_number,
            "reason": orjson.dumps({"code": "decided", "params": {"reason": reason}}).decode(),
        },
    ).fetchall()
    record_change(
        connection, organization_id, actor, "export.decided", f"export {export_id}",
        {"sourceId": source_id, "decision": to_state, "reason": reason,
         "externalReference": external_reference, "voucherNumber": voucher_number,
         **({"evidence": locked[1]} if locked[1] else {})},
    )  # fmt: skip


# I7: what has not left the house is cancelled; what has is kept as a reversal proposed to a person.
_WITHDRAW = """
WITH rows AS MATERIALIZED (
    SELECT id, state FROM exports
    WHERE organization_id = current_organization() AND source_system = %(system)s
      AND source_id = %(source)s AND kind <> 'reversal'
      AND revision <= (SELECT max(w.revision) FROM record_withdrawals w
        WHERE w.organization_id = current_organization()
          AND w.source_system = %(system)s AND w.source_id = %(source)s)
    ORDER BY id FOR UPDATE
), cancelled AS (
    UPDATE exports e SET state = 'cancelled', state_since = now(), live = false,
        reason = '{"code": "approval_withdrawn"}'
    FROM rows WHERE e.id = rows.id AND rows.state IN ('pending', 'held', 'failed', 'excluded')
    RETURNING e.id
), needless AS (
    -- taken there and refused in booking: what was never posted has nothing to be reversed
    UPDATE exports r SET state = 'cancelled', state_since = now(),
        reason = '{"code": "approval_withdrawn"}'
    FROM rows JOIN exports e ON e.id = rows.id
    WHERE rows.state = 'failed' AND r.organization_id = current_organization()
      AND r.source_system = %(system)s AND r.source_id = %(source)s AND r.book_id = e.book_id
      AND r.kind = 'reversal' AND r.state = 'held' AND r.reason ->> 'export' = e.id::text
)
SELECT (SELECT count(*) FROM cancelled),
       (SELECT count(*) FROM rows WHERE state IN ('sending', 'in_doubt', 'needs_review')),
       (SELECT count(*) FROM rows WHERE state IN ('exported', 'accepted'))
"""

_PROPOSE_REVERSAL = """
INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system, source_id,
    revision, generation, part, kind, live, category, currency, amount, reference, state, reason)
SELECT e.organization_id, e.integration_id, e.book_id, e.record_id, e.source_system, e.source_id,
    e.revision, (SELECT max(generation) + 1 FROM exports m
                 WHERE m.organization_id = e.organization_id AND m.book_id = e.book_id
                   AND m.source_system = e.source_system AND m.source_id = e.source_id),
    e.part, 'reversal', false, e.category, e.currency, -e.amount, e.reference || 'R', 'held',
    jsonb_build_object('code', 'reversal_proposed', 'export', e.id)
FROM exports e
WHERE e.organization_id = current_organization() AND e.source_system = %(system)s
  AND e.source_id = %(source)s AND e.live AND e.state IN ('exported', 'accepted')
  AND NOT EXISTS (SELECT FROM exports r WHERE r.organization_id = e.organization_id
        AND r.book_id = e.book_id AND r.source_system = e.source_system
        AND r.source_id = e.source_id AND r.part = e.part AND r.kind = 'reversal'
        AND r.state NOT IN ('superseded', 'cancelled')
        AND r.generation > e.generation)
"""


def withdraw(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    source_system: str,
    source_id: str,
    *,
    actor: str,
) -> Mapping[str, int]:
    """Follow a withdrawn approval: cancel what is unsent, propose the reversal of what was posted.

    What is in flight waits: the engine proposes its reversal once it is settled. Safe to repeat.
    """
    where = {"system": source_system, "source": source_id}
    row = connection.execute(_WITHDRAW, where).fetchone()
    proposed = connection.execute(_PROPOSE_REVERSAL, where).rowcount
    counts = _counts(row, proposed)
    record_change(
        connection, organization_id, actor, "approval.withdrawn",
        f"{source_system}/{source_id}", counts,
    )  # fmt: skip
    return counts


async def withdraw_async(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    source_system: str,
    source_id: str,
) -> Mapping[str, int]:
    """The same in the engine, once a claim that was in flight when it was withdrawn is settled."""
    where = {"system": source_system, "source": source_id}
    row = await (await connection.execute(_WITHDRAW, where)).fetchone()
    proposed = (await connection.execute(_PROPOSE_REVERSAL, where)).rowcount
    counts = _counts(row, proposed)
    await record_change_async(
        connection, organization_id, "engine", "approval.withdrawn",
        f"{source_system}/{source_id}", counts,
    )  # fmt: skip
    return counts


def _counts(row: tuple[Any, ...] | None, proposed: int) -> dict[str, int]:
    cancelled, in_flight, _ = row or (0, 0, 0)
    return {"cancelled": cancelled, "inFlight": in_flight, "reversalsProposed": proposed}


def _refusal(connection: psycopg.Connection[Any], export_id: int) -> DecisionRefused:
    row = connection.execute("SELECT state FROM exports WHERE id = %s", [export_id]).fetchone()
    if row is None:
        raise LookupError(f"export {export_id} does not exist")
    return DecisionRefused(Problem("export_state", params={"state": str(row[0])}))
