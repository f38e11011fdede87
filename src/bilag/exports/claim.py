"""T1: what may be sent next, and the intent to send it, committed before any byte leaves.

A row is taken only from `pending`, under a fresh token, with its number, payload and `send_by`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg

from bilag.tenants.scope import organization_scope_async, scoped_statement

# Above every id of an export, and below none: all of them may go, or none that is fresh.
EVERY_EXPORT, NO_EXPORT = 2**63 - 1, 0


class Candidate(NamedTuple):
    """A pending export with its record; `body` is set when stored bytes must be sent again.

    `external_reference` is set when the system once took it: then it is looked for before it goes.
    """

    id: int
    reference: str
    part: int
    source_id: str
    due_at: datetime
    token: int
    attempt: int
    failures: int
    refusals: int
    accounting_year: int | None
    voucher_number: int | None
    submission_id: int | None
    external_reference: str | None
    created_at: datetime
    content: dict[str, Any]
    body: str | None
    headers: dict[str, str] | None
    mapping_version: int | None


class Intent(NamedTuple):
    """One document about to be sent: export, number, bytes; `fresh` = number newly drawn.

    Documents with the same `position` share a new submission; the first of them carries its bytes.
    `posting_date` and `moved_from` are those of the voucher, None for bytes that are sent again.
    """

    export_id: int
    accounting_year: int
    voucher_number: int
    fresh: bool
    position: int
    body: str | None
    headers: dict[str, str]
    mapping_version: int
    attempt: int
    token: int
    resend_of: int | None = None
    posting_date: date | None = None
    moved_from: date | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """What T1 committed: the token, and the export ids that are now `sending` under it."""

    token: int
    export_ids: frozenset[int]


# The laterals keep the planner at one index look-up a row: with statistics of an hour ago it would
# rather hash all records and all submissions for each handful of candidates (measured). `IS NOT
# FALSE` keeps it from the index of live rows, which holds the whole history.
_CANDIDATES = """
SELECT e.id, e.reference, e.part, e.source_id, e.due_at, e.token, e.attempt, e.failures,
       e.refusals, e.accounting_year, e.voucher_number, e.submission_id, e.external_reference,
       e.created_at, r.content, s.body, s.headers, s.mapping_version
FROM (
    SELECT * FROM exports
    WHERE integration_id = %(integration)s AND for_engine AND state = 'pending'
      AND live IS NOT FALSE
      AND due_at <= now() AND (due_at, id) > (%(due_at)s::timestamptz, %(id)s::bigint)
      AND (attempt > 0 OR id <= %(fresh_through)s AND id > %(fresh_after)s)
    ORDER BY due_at, id LIMIT %(limit)s
) e
CROSS JOIN LATERAL (SELECT content FROM records WHERE id = e.record_id OFFSET 0) r
LEFT JOIN LATERAL (
    SELECT body, headers, mapping_version FROM submissions WHERE id = e.submission_id OFFSET 0
) s ON true
ORDER BY e.due_at, e.id
"""


async def candidates(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    integration_id: UUID,
    *,
    after: tuple[datetime, int] | None,
    limit: int,
    fresh_through: int = EVERY_EXPORT,
    fresh_after: int = 0,
) -> list[Candidate]:
    """Return the next due pending exports in due order, after a (due_at, id) already seen.

    Takes no lock: T1 decides which of them are really ours. What was never attempted is returned up
    to the id `fresh_through` and above the id `fresh_after`; retries always are.
    """
    rows = await scoped_statement(
        connection,
        organization_id,
        _CANDIDATES,
        {
            "integration": integration_id,
            "due_at": after[0] if after else "-infinity",
            "id": after[1] if after else 0,
            "fresh_through": fresh_through,
            "fresh_after": fresh_after,
            "limit": limit,
        },
    )
    return [Candidate(*row) for row in rows]


# A series that is opened after a restore may have been open before it: it starts further on.
_OPEN_SERIES = """
WITH opened AS (
    INSERT INTO voucher_series (organization_id, book_id, accounting_year, next_number)
    SELECT %(organization)s, %(book)s, y, %(start)s + i.numbers_ahead
    FROM instance i, unnest(%(years)s::int[]) y ON CONFLICT DO NOTHING
    RETURNING accounting_year, next_number
)
INSERT INTO voucher_number_gaps
    (organization_id, book_id, accounting_year, first_number, last_number, reason)
SELECT %(organization)s, %(book)s, accounting_year, %(start)s, next_number - 1,
       'restored from backup: these numbers may have been used before'
FROM opened WHERE next_number > %(start)s
"""


async def next_numbers(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    book_id: UUID,
    years: Sequence[int],
    number_start: int,
) -> dict[int, int]:
    """Return the next voucher number per accounting year, opening a series where there is none."""
    async with organization_scope_async(connection, organization_id):
        await connection.execute(
            _OPEN_SERIES,
            {
                "organization": organization_id,
                "book": book_id,
                "start": number_start,
                "years": list(years),
            },
        )
        cursor = await connection.execute(
            "SELECT accounting_year, next_number FROM voucher_series"
            " WHERE book_id = %s AND accounting_year = ANY (%s::int[])",
            [book_id, list(years)],
        )
        return dict(await cursor.fetchall())


# One statement, so that intent, number, bytes and token stand or fall together. `gate` makes a
# running sync stop at the next record: disabled, in error, another sync took over, or a pause of
# the schedule (C14), which keeps what was never attempted. The series moves only when it stands
# where we believed it: then our numbers are right, else nothing is taken.
_TAKE = """
WITH gate AS MATERIALIZED (
    SELECT i.id FROM organization_integrations i
    JOIN integration_runtime r ON r.integration_id = i.id
    WHERE i.id = %(integration)s AND i.enabled AND r.error_since IS NULL AND r.sync_token = %(sync)s
      AND coalesce(r.breaker_retry_at, '-infinity') <= now()
      AND coalesce(r.paused_until, '-infinity') <= now()
      AND NOT (%(fresh)s AND coalesce(r.hold_from <= now() AND now() < r.hold_until, false))
), series AS (
    UPDATE voucher_series s SET next_number = x.next_number
    FROM jsonb_to_recordset(%(series)s) AS x (accounting_year int, expected int, next_number int)
    WHERE s.book_id = %(book)s AND s.accounting_year = x.accounting_year
      AND s.next_number = x.expected AND EXISTS (SELECT FROM gate)
    RETURNING s.accounting_year
), token AS MATERIALIZED (
    SELECT nextval('sending_tokens') AS token FROM gate
    WHERE (SELECT count(*) FROM series) = %(years)s
), d AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(intents)s) AS d (export_id bigint, year int, number int,
        fresh boolean, position int, body text, headers jsonb, version int, resend_of bigint,
        attempt int, token bigint, posting_date date, moved_from date)
), mine AS MATERIALIZED (
    SELECT e.id, e.accounting_year, e.voucher_number FROM exports e, token, d
    WHERE e.id = ANY (%(ids)s) AND e.state = 'pending' AND e.live IS NOT FALSE
      AND d.export_id = e.id AND e.attempt = d.attempt AND e.token = d.token
    FOR UPDATE OF e SKIP LOCKED
), whole AS MATERIALIZED (
    -- a submission goes out with all its documents or not at all: its bytes hold each of them
    SELECT mine.* FROM mine JOIN d ON d.export_id = mine.id WHERE d.position NOT IN (
        SELECT d.position FROM d WHERE d.export_id NOT IN (SELECT id FROM mine))
), stored AS (
    INSERT INTO submissions (id, organization_id, headers, body, mapping_version)
    SELECT token.token * 1000 + d.position, %(organization)s, d.headers, d.body, d.version
    FROM token, d JOIN whole ON whole.id = d.export_id
    WHERE d.resend_of IS NULL AND d.body IS NOT NULL
), gaps AS (
    INSERT INTO voucher_number_gaps
        (organization_id, book_id, accounting_year, first_number, last_number, reason)
    SELECT %(organization)s, %(book)s, d.year, d.number, d.number,
           'withdrawn or changed between numbering and sending'
    FROM token, d WHERE d.fresh AND d.export_id NOT IN (SELECT id FROM whole)
    UNION ALL
    SELECT %(organization)s, %(book)s, whole.accounting_year, whole.voucher_number,
           whole.voucher_number, 'numbered anew: the posting date moved to another accounting year'
    FROM whole JOIN d ON d.export_id = whole.id
    WHERE whole.voucher_number IS NOT NULL
      AND (whole.accounting_year, whole.voucher_number) <> (d.year, d.number)
), taken AS (
    UPDATE exports e SET state = 'sending', state_since = now(), attempt = e.attempt + 1,
        token = token.token, send_by = now() + %(send_within)s * interval '1 second',
        submission_id = coalesce(d.resend_of, token.token * 1000 + d.position),
        mapping_version = d.version, accounting_year = d.year, voucher_number = d.number,
        posting_date = CASE WHEN d.resend_of IS NULL THEN d.posting_date ELSE e.posting_date END,
        moved_from = CASE WHEN d.resend_of IS NULL THEN d.moved_from ELSE e.moved_from END,
        reason = NULL
    FROM d, token, whole
    WHERE e.id = ANY (%(ids)s) AND whole.id = e.id AND d.export_id = e.id
    RETURNING e.id
)
SELECT (SELECT token FROM token), array(SELECT id FROM taken)
"""


# A staged submission goes on with its stored bytes: the same gate and fence, no number, no new row.
_TAKE_AGAIN = """
WITH gate AS MATERIALIZED (
    SELECT i.id FROM organization_integrations i
    JOIN integration_runtime r ON r.integration_id = i.id
    WHERE i.id = %(integration)s AND i.enabled AND r.error_since IS NULL AND r.sync_token = %(sync)s
      AND coalesce(r.breaker_retry_at, '-infinity') <= now()
      AND coalesce(r.paused_until, '-infinity') <= now()
), token AS MATERIALIZED (
    SELECT nextval('sending_tokens') AS token FROM gate
), mine AS MATERIALIZED (
    SELECT e.id FROM exports e, token, jsonb_to_recordset(%(rows)s)
        AS d (export_id bigint, attempt int, token bigint)
    WHERE e.id = ANY (%(ids)s) AND e.state = 'in_doubt' AND e.submission_id = %(submission)s
      AND d.export_id = e.id AND e.attempt = d.attempt AND e.token = d.token
    FOR UPDATE OF e SKIP LOCKED
), taken AS (
    UPDATE exports e SET state = 'sending', state_since = now(), attempt = e.attempt + 1,
        token = token.token, send_by = now() + %(send_within)s * interval '1 second', reason = NULL
    FROM token, mine WHERE e.id = ANY (%(ids)s) AND mine.id = e.id
    RETURNING e.id
)
SELECT (SELECT token FROM token), array(SELECT id FROM taken), s.body, s.headers
FROM submissions s WHERE s.id = %(submission)s
"""


@dataclass(frozen=True, slots=True)
class TakenAgain:
    """A stored submission that goes on: the new token, its export ids, its bytes and headers."""

    token: int
    export_ids: frozenset[int]
    body: bytes
    headers: dict[str, str]


async def take_again(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    integration_id: UUID,
    submission_id: int,
    attempts: Sequence[tuple[int, int, int]],
    *,
    sync_token: int,
    send_within_seconds: float,
) -> TakenAgain | None:
    """Commit the intent to continue a stored submission; `attempts`: (export id, attempt, token).

    Returns None when the gate is closed, or nothing of it is in doubt under these tokens any more.
    """
    rows = [{"export_id": i, "attempt": attempt, "token": token} for i, attempt, token in attempts]
    found = await scoped_statement(
        connection,
        organization_id,
        _TAKE_AGAIN,
        {
            "integration": integration_id,
            "sync": sync_token,
            "rows": orjson.dumps(rows).decode(),
            "ids": [export_id for export_id, _, _ in attempts],
            "submission": submission_id,
            "send_within": send_within_seconds,
        },
    )
    if not found or found[0][0] is None or not found[0][1]:
        return None
    token, taken, body, headers = found[0]
    return TakenAgain(token, frozenset(taken), body.encode(), headers or {})


async def take(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    integration_id: UUID,
    book_id: UUID,
    *,
    sync_token: int,
    intents: Sequence[Intent],
    series: Mapping[int, tuple[int, int]],
    send_within_seconds: float,
) -> Claimed | None:
    """Commit the intent to send: rows go to `sending` with number, bytes, token and `send_by`.

    `series` maps an accounting year to (number expected next, number after ours). Returns None when
    nothing may go out (disabled, error, breaker, pause, another sync) or a series stood elsewhere.
    """
    document = [
        {
            "export_id": i.export_id, "year": i.accounting_year, "number": i.voucher_number,
            "fresh": i.fresh, "position": i.position, "version": i.mapping_version,
            "body": i.body if i.resend_of is None else None, "headers": i.headers or None,
            "resend_of": i.resend_of,
            "attempt": i.attempt,
            "token": i.token,
            "posting_date": i.posting_date,
            "moved_from": i.moved_from,
        }
        for i in intents
    ]  # fmt: skip
    moved = [
        {"accounting_year": year, "expected": expected, "next_number": following}
        for year, (expected, following) in series.items()
    ]
    ((token, taken),) = await scoped_statement(
        connection,
        organization_id,
        _TAKE,
        {
            "organization": organization_id,
            "integration": integration_id,
            "book": book_id,
            "sync": sync_token,
            "series": orjson.dumps(moved).decode(),
            "years": len(moved),
            "intents": orjson.dumps(document).decode(),
            "ids": [i.export_id for i in intents],
            "fresh": any(i.attempt == 0 for i in intents),
            "send_within": send_within_seconds,
        },
    )
    return None if token is None else Claimed(token=token, export_ids=frozenset(taken))
