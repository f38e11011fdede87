"""T2: what came of each document, committed with its log rows, run rows and link of the chain.

An answer to an attempt that is no longer ours changes nothing but is logged; if it says accepted,
the export goes to `needs_review`, because it may have been posted twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg

from bilag.core.clock import utc_now
from bilag.exports.audit import CHAIN_SQL, keyed_hash, merkle_root, moment_text, row_hash
from bilag.tenants.scope import scoped_statement


class Settlement(NamedTuple):
    """The outcome of one document: the state it leads to and the evidence that is logged.

    `due_seconds` counts from now, or from `send_by` for `in_doubt`; `failures` is added.
    """

    export_id: int
    token: int
    attempt: int
    source_id: str
    reference: str
    submission_id: int | None
    state: str
    outcome: str
    event: str = "sent"
    due_seconds: float = 0.0
    failures: int = 0
    external_reference: str = ""
    external_voucher_number: str = ""
    reason: dict[str, Any] | None = None
    keep_submission: bool = False
    http_status: int | None = None
    duration_ms: int = 0
    message: str = ""
    field: str = ""
    line: int | None = None
    answer: str = ""
    payload: bytes = b""
    forget_external: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Where log rows belong: organization, integration, run, and the organization's audit key."""

    organization_id: UUID
    integration_id: UUID
    run_id: UUID
    audit_key: bytes


_DOCUMENT = """SELECT * FROM ROWS FROM (jsonb_to_recordset(%(rows)s) AS (
        export_id bigint, token bigint, attempt int, source_id text, reference text,
        submission_id bigint, state text, outcome text, event text, due double precision,
        failures int, external text, number text, reason jsonb, keep boolean, http int, ms int,
        message text, field text, line int, answer text, payload_hash text, answer_hash text,
        row_hash text, forget boolean)) WITH ORDINALITY AS d (
        export_id, token, attempt, source_id, reference, submission_id, state, outcome, event, due,
        failures, external, number, reason, keep, http, ms, message, field, line, answer,
        payload_hash, answer_hash, row_hash, forget, position)"""

_LOGGED = """logged AS (
    INSERT INTO sync_logs (organization_id, at, integration_id, run_id, export_id, source_id,
        reference, attempt, submission_id, event, outcome, http_status, duration_ms, message, field,
        line, answer, payload_hash, answer_hash, row_hash, link, position)
    SELECT %(organization)s, %(at)s, %(integration)s, %(run)s, d.export_id, d.source_id,
        d.reference, d.attempt, d.submission_id, d.event, d.outcome, d.http, coalesce(d.ms, 0),
        coalesce(d.message, ''), coalesce(d.field, ''), d.line, coalesce(d.answer, ''),
        decode(d.payload_hash, 'hex'), decode(d.answer_hash, 'hex'), decode(d.row_hash, 'hex'),
        linked.link, d.position
    FROM d, linked"""

_COUNTED = """), counted AS (
    INSERT INTO export_total_deltas
        (organization_id, integration_id, currency, listing, state, count, amount)
    SELECT %(organization)s, %(integration)s, mine.currency, listing_of(mine.kind), 'exported',
        count(*), sum(mine.amount)
    FROM mine WHERE mine.state = 'exported' GROUP BY mine.currency, listing_of(mine.kind)
), tallied AS (
    INSERT INTO sync_tallies AS t (organization_id, run_id, state, currency, count, amount)
    SELECT %(organization)s, %(run)s, mine.state, mine.currency, count(*), sum(mine.amount)
    FROM mine WHERE mine.state <> 'pending' GROUP BY mine.state, mine.currency
    ON CONFLICT (run_id, state, currency)
    DO UPDATE SET count = t.count + excluded.count, amount = t.amount + excluded.amount"""

# The state tests are written so that the planner goes by the primary key and never by an index on
# the state. The ids come twice: with the array the planner reads these rows only, also while it
# has no statistics; by the join alone it would read all rows of the organization (measured).
# `late` may not overlap `mine`, since one statement updates a row once.
_SETTLE = f"""
WITH d AS MATERIALIZED (
    {_DOCUMENT}
), mine AS (
    UPDATE exports e SET state = d.state, state_since = now(),
        failures = CASE WHEN d.state IN ('exported', 'accepted') THEN 0
                        ELSE e.failures + coalesce(d.failures, 0) END,
        refusals = e.refusals + (d.outcome = 'rejected')::int,
        due_at = CASE WHEN d.state = 'in_doubt' THEN greatest(now(), e.send_by) ELSE now() END
                 + coalesce(d.due, 0) * interval '1 second',
        submission_id = CASE WHEN d.keep THEN e.submission_id END,
        external_reference = coalesce(d.external, e.external_reference),
        external_voucher_number = coalesce(d.number, e.external_voucher_number),
        reason = d.reason,
        exported_at = CASE WHEN d.state = 'exported' THEN now() ELSE e.exported_at END
    FROM d
    WHERE e.id = ANY (%(ids)s) AND e.id = d.export_id AND e.token = d.token
      AND e.attempt = d.attempt
      AND (CASE WHEN d.state IN ('exported', 'accepted') THEN e.state IN ('sending', 'in_doubt')
                ELSE e.state || '' = 'sending' END)
    RETURNING e.id, e.state, e.currency, e.kind, e.amount
{_COUNTED}
), late AS (
    UPDATE exports e SET state = 'needs_review', state_since = now(),
        -- it may be posted, so until a person decided nothing newer may go live beside it
        live = e.live OR NOT EXISTS (SELECT FROM exports o
            WHERE o.organization_id = e.organization_id AND o.source_id = e.source_id
              AND o.book_id = e.book_id AND o.source_system = e.source_system
              AND o.part = e.part AND o.live),
        reason = jsonb_build_object('code', 'late_answer', 'was', e.state, 'answered', d.external,
                                    'attempt', d.attempt)
    FROM d
    WHERE e.id = ANY (%(ids)s) AND e.id = d.export_id AND d.outcome = 'accepted'
      AND NOT (e.token = d.token AND e.attempt = d.attempt
               AND e.state || '' IN ('sending', 'in_doubt'))
      AND NOT (e.state || '' IN ('exported', 'accepted')
               AND e.external_reference IS NOT DISTINCT FROM d.external)
      AND e.state || '' <> 'needs_review'
    RETURNING e.id
), sealed AS (
    SELECT decode(%(root)s, 'hex') AS root, %(count)s::int AS rows
), {CHAIN_SQL.format(source="'sync_logs'")}, {_LOGGED}
), requests AS (
    INSERT INTO export_runs (organization_id, integration_id, run_id, submission_id, claim_ids,
        success_count, http_status, outcome, error, started_at, finished_at)
    SELECT %(organization)s, %(integration)s, %(run)s, d.submission_id, jsonb_agg(d.source_id),
        count(*) FILTER (WHERE d.outcome = 'accepted'), max(d.http), min(d.outcome),
        max(d.message) FILTER (WHERE d.outcome <> 'accepted'),
        %(at)s::timestamptz - max(coalesce(d.ms, 0)) * interval '1 millisecond', %(at)s
    FROM d GROUP BY d.submission_id
)
SELECT (SELECT count(*) FROM mine), (SELECT count(*) FROM late)
"""


async def settle(
    connection: psycopg.AsyncConnection[Any], chain: Chain, settlements: Sequence[Settlement]
) -> tuple[int, int]:
    """Commit outcomes of attempts; returns (rows that were still ours, possible doubles found).

    One transaction: states, logs, one run row per submission and the chain's link stand together.
    """
    ((mine, late),) = await scoped_statement(
        connection, chain.organization_id, _SETTLE, _parameters(chain, settlements)
    )
    return mine, late


# Look-ups and found-after-crash rows: the from-state is the condition, there is no answer to fence.
_MOVE = f"""
WITH d AS MATERIALIZED (
    {_DOCUMENT}
), mine AS (
    UPDATE exports e SET state = d.state,
        state_since = CASE WHEN e.state = d.state THEN e.state_since ELSE now() END,
        failures = e.failures + coalesce(d.failures, 0),
        due_at = CASE WHEN d.state = 'in_doubt' AND e.state || '' = 'sending'
                      THEN greatest(now(), e.send_by) ELSE now() END
                 + coalesce(d.due, 0) * interval '1 second',
        submission_id = CASE WHEN d.keep THEN e.submission_id END,
        external_reference = CASE WHEN d.forget THEN NULL
                             ELSE coalesce(d.external, e.external_reference) END,
        external_voucher_number = coalesce(d.number, e.external_voucher_number),
        reason = d.reason,
        exported_at = CASE WHEN d.state = 'exported' THEN now() ELSE e.exported_at END
    FROM d
    WHERE e.id = ANY (%(ids)s) AND e.id = d.export_id AND e.token = d.token
      AND e.state || '' = %(from_state)s
    RETURNING e.id, e.state, e.currency, e.kind, e.amount
{_COUNTED}
), sealed AS (
    SELECT decode(%(root)s, 'hex') AS root, %(count)s::int AS rows
), {CHAIN_SQL.format(source="'sync_logs'")}, {_LOGGED}
)
SELECT count(*) FROM mine
"""


async def move(
    connection: psycopg.AsyncConnection[Any],
    chain: Chain,
    from_state: str,
    settlements: Sequence[Settlement],
) -> int:
    """Move rows that still stand in `from_state` under the token given, and log why.

    Used for what was looked up, set aside by mapping or found after a crash; returns rows moved.
    """
    if not settlements:
        return 0
    parameters = _parameters(chain, settlements)
    parameters["from_state"] = from_state
    ((moved,),) = await scoped_statement(connection, chain.organization_id, _MOVE, parameters)
    return int(moved)


def _parameters(chain: Chain, settlements: Sequence[Settlement]) -> dict[str, Any]:
    organization, integration = str(chain.organization_id), str(chain.integration_id)
    run, at, key = str(chain.run_id), moment_text(utc_now()), chain.audit_key
    rows, hashes = [], []
    for s in settlements:
        payload = keyed_hash(key, s.payload).hex() if s.payload else None
        answer = keyed_hash(key, s.answer.encode()).hex() if s.answer else None
        digest = row_hash(
            (organization, at, integration, run, s.export_id, s.source_id, s.reference, s.attempt,
             s.submission_id, s.event, s.outcome, s.http_status, s.duration_ms, s.message, s.field,
             s.line, payload, answer)
        )  # fmt: skip
        hashes.append(digest)
        row = {
            "export_id": s.export_id, "token": s.token, "attempt": s.attempt,
            "source_id": s.source_id, "reference": s.reference, "submission_id": s.submission_id,
            "state": s.state, "outcome": s.outcome, "event": s.event, "http": s.http_status,
            "ms": s.duration_ms, "external": s.external_reference or None,
            "number": s.external_voucher_number or None, "answer": s.answer,
            "payload_hash": payload, "answer_hash": answer, "row_hash": digest.hex(),
            "keep": s.keep_submission,
        }  # fmt: skip
        if s.outcome != "accepted" or s.due_seconds:  # most rows need none of these
            row |= {"due": s.due_seconds, "failures": s.failures, "reason": s.reason}
        if s.forget_external:
            row["forget"] = True
        if s.message or s.field or s.line is not None:
            row |= {"message": s.message, "field": s.field, "line": s.line}
        rows.append(row)
    return {
        "organization": chain.organization_id,
        "integration": chain.integration_id,
        "run": chain.run_id,
        "at": at,
        "rows": orjson.dumps(rows).decode(),
        "root": merkle_root(hashes).hex(),
        "count": len(rows),
        "ids": [s.export_id for s in settlements],
    }
