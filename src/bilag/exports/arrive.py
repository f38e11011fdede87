"""Arrival: approved records are stored once and get an export row per book, in one transaction.

A revision supersedes what has not left the house, waits for what is in flight, and becomes a
proposed correction of what was exported; it never makes a second voucher.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import psycopg

from bilag.core.problem import Problem, Refused
from bilag.core.record import Record
from bilag.core.reference import make_reference
from bilag.exports.retention import erased_before
from bilag.exports.states import UNSENT
from bilag.integrations.model import Book, Delivery
from bilag.mapping.amounts import parts
from bilag.records.elsewhere import elsewhere
from bilag.records.intake import Stored, store_records


@dataclass(frozen=True, slots=True)
class _Route:
    integration_id: UUID
    book: Book
    delivery: Delivery
    excluded_features: frozenset[str]
    salt: bytes | None


# Revisions of one claim arrive one after the other, in whatever process; sorted, so that two
# batches wait for each other instead of deadlocking; of 1,024 locks an organization, so that a
# large batch does not fill the server's lock table.
_ONE_AT_A_TIME = """
SELECT count(pg_advisory_xact_lock(hashtext(%s), k)) FROM (
    SELECT DISTINCT hashtext(claim) & 1023 AS k FROM unnest(%s::text[]) claim ORDER BY k) s
"""

_ROUTES = """
SELECT o.excluded_features, (SELECT salt FROM retention_rules), i.id, i.delivery, b.id,
       b.organization_id, b.key, b.name, b.currency, b.year_start_month, b.number_prefix,
       b.number_start, b.rounding_account
FROM organization_integrations i JOIN books b ON b.id = i.book_id
JOIN organizations o ON o.id = i.organization_id
WHERE i.is_route ORDER BY i.key
"""

_EARLIER = """
SELECT e.id, e.book_id, e.source_system, e.source_id, e.generation, e.state, e.live, e.kind, e.part,
    e.left_in_doubt
FROM exports e WHERE e.source_id = ANY (%s) AND e.book_id = ANY (%s) ORDER BY e.id FOR UPDATE
"""

# E6: what a person took out of doubt may be booked, so a newer revision waits until it is looked
# up, or, where nothing of it was to be sent any more, until a person has decided anew.
_DOUBT_AGAIN = """
UPDATE exports SET state = CASE WHEN state = 'failed' THEN 'in_doubt' ELSE 'needs_review' END,
    state_since = now(), due_at = greatest(now(), send_by), failures = 0, live = true,
    left_in_doubt = false, reason = '{"code": "revised_in_doubt"}'
WHERE id = ANY (%s)
"""

# E20: what was approved before the restore may have been exported in the time that was lost.
_OPEN = """
INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system, source_id,
    revision, generation, part, kind, live, category, currency, amount, reference, state, due_at,
    reason)
SELECT current_organization(), d.integration_id, d.book_id, d.record_id, d.source_system,
    d.source_id,
    d.revision, d.generation, d.part, d.kind, d.live, d.category, d.currency, d.amount, d.reference,
    CASE WHEN d.live AND d.approved_at <= i.restored_at THEN 'in_doubt' ELSE d.state END,
    CASE WHEN d.live AND d.approved_at <= i.restored_at
         THEN greatest(now(), i.restored_at + d.look_up_after * interval '1 second') ELSE now() END,
    CASE WHEN d.live AND d.approved_at <= i.restored_at
         THEN jsonb_build_object('code', 'restored', 'epoch', i.epoch) ELSE d.reason END
FROM instance i, jsonb_to_recordset(%s) AS d (integration_id uuid, book_id uuid, record_id uuid,
    source_system text, source_id text, revision int, generation int, part smallint, kind text,
    live boolean, category text, currency text, amount numeric, reference text, state text,
    reason jsonb, approved_at timestamptz, look_up_after double precision)
ORDER BY d.source_system, d.source_id, d.part
"""

_COUNT_APPROVED = """
INSERT INTO export_total_deltas
    (organization_id, integration_id, currency, listing, state, count, amount)
SELECT current_organization(), d.integration_id, d.currency, 'current', 'approved', d.count,
    d.amount
FROM jsonb_to_recordset(%s) AS d (integration_id uuid, currency text, count bigint, amount numeric)
"""


def arrive(
    connection: psycopg.Connection[Any], organization_id: UUID, records: Sequence[Record]
) -> list[Stored]:
    """Store approved records and open their exports; the caller holds the tenant scope.

    Known records are answered as the first time and open nothing; refused ones carry a problem.
    Raises Refused while the organization has no route to any book: what could not be delivered must
    not be called accepted.
    """
    routes = _routes(connection)
    if not routes:
        raise Refused(Problem("no_route"))
    connection.execute(
        _ONE_AT_A_TIME,
        [str(organization_id), [f"{r.source_system}/{r.source_id}" for r in records]],
    )
    excluded = routes[0].excluded_features
    erased = erased_before(connection, routes[0].salt, records)
    stored = store_records(
        connection, organization_id, records,
        lambda record: _erased(record, erased) or elsewhere(record, excluded),
    )  # fmt: skip
    fresh = [
        (record, answer) for record, answer in zip(records, stored, strict=True) if answer.is_new
    ]
    if fresh:
        _open_exports(connection, routes, fresh)
    return stored


def _erased(record: Record, erased: set[tuple[str, str]]) -> tuple[Problem, ...]:
    if (record.source_system, record.source_id) not in erased:
        return ()
    return (Problem("claim_erased", "sourceId", None, record.source_id),)


def _open_exports(
    connection: psycopg.Connection[Any],
    routes: Sequence[_Route],
    fresh: Sequence[tuple[Record, Stored]],
) -> None:
    earlier = _earlier(connection, fresh, [route.book.id for route in routes])
    rows: list[dict[str, Any]] = []
    approved: dict[tuple[UUID, str], tuple[int, Decimal]] = {}
    superseded: list[int] = []
    doubted: list[int] = []
    for record, answer in sorted(fresh, key=lambda pair: pair[0].revision):
        for route in routes:
            key = (route.book.id, record.source_system, record.source_id)
            before = earlier.get(key, [])
            doubted.extend(_doubt_again(before))
            opened, ended = _rows(record, answer, route, before)
            rows.extend(opened)
            superseded.extend(ended)
            earlier[key] = [row for row in before if row["id"] not in ended] + [
                {"id": None, **row} for row in opened
            ]
            count, amount = approved.get((route.integration_id, record.currency), (0, Decimal(0)))
            approved[route.integration_id, record.currency] = (
                count + len(opened),
                amount + record.total,
            )
    if superseded:
        connection.execute(
            "UPDATE exports SET state = 'superseded', state_since = now(), live = false"
            " WHERE id = ANY (%s)",
            [superseded],
        )
    if doubted:
        connection.execute(_DOUBT_AGAIN, [doubted])
    connection.execute(_OPEN, [orjson.dumps(rows, default=str).decode()])
    totals = [
        {"integration_id": integration, "currency": currency, "count": count, "amount": str(amount)}
        for (integration, currency), (count, amount) in approved.items()
    ]
    connection.execute(_COUNT_APPROVED, [orjson.dumps(totals, default=str).decode()])


def _doubt_again(before: Sequence[dict[str, Any]]) -> list[int]:
    """Return what counts of a claim and was left in doubt, marked as in doubt; one of each part."""
    current = [row for row in before if row["live"]]
    newest = {
        row["part"]: row
        for row in before
        if row.get("left_in_doubt") and row["state"] in ("failed", "cancelled")
        and (row["live"] or not current)
    }  # fmt: skip
    for row in newest.values():
        row.update(state="in_doubt", live=True, left_in_doubt=False)
    return [row["id"] for row in newest.values()]


def _rows(
    record: Record, answer: Stored, route: _Route, before: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the rows that this revision opens, and the ids of unsent rows that it ends."""
    generation = max((row["generation"] for row in before), default=0) + 1
    current = [row for row in before if row["live"]]
    # a forced generation follows a posted one, so the claim stands there whatever becomes of it;
    # what was only accepted may still be refused in booking, so a revision waits for that
    posted = any(row["state"] == "exported" or row["kind"] == "forced" for row in current)
    kind, live, state, reason = "original", True, "pending", None
    ended: list[int] = []
    if current and not posted and all(row["state"] in UNSENT for row in current):
        kind = "revision"
        ended = [row["id"] for row in current if row["id"] is not None]
        if len(ended) < len(
            current
        ):  # both revisions came in one batch: the older is not yet there
            live, state, reason = False, "held", {"code": "waits_for_earlier"}
    elif posted:
        kind, live, state, reason = "correction", False, "held", {"code": "correction_proposed"}
    elif current:
        kind, live, state, reason = "revision", False, "held", {"code": "waits_for_earlier"}
    elif before:
        kind = "revision"
    waiting = [row["id"] for row in before if row["state"] == "held" and not row["live"]]
    ended.extend(row_id for row_id in waiting if row_id is not None)
    opened = [
        {
            "integration_id": route.integration_id,
            "book_id": route.book.id,
            "record_id": answer.record_id,
            "source_system": record.source_system,
            "source_id": record.source_id,
            "revision": record.revision,
            "generation": generation,
            "part": part,
            "kind": kind,
            "live": live,
            "category": record.category,
            "currency": record.currency,
            "amount": str(amount),
            "reference": make_reference(
                route.book.id,
                record.source_system,
                f"{record.source_id}\x1f{part}" if part else record.source_id,
                generation,
            ),
            "state": state,
            "reason": reason,
            "approved_at": record.approved_at.isoformat(),
            "look_up_after": route.delivery.request_timeout_seconds
            + route.delivery.settle_seconds
            + route.delivery.send_within_seconds,
        }
        for part, amount in parts(record, route.book, route.delivery.two_years)
    ]
    return opened, ended


def _routes(connection: psycopg.Connection[Any]) -> list[_Route]:
    return [
        _Route(row[2], Book(*row[4:]), Delivery.model_validate(row[3]), frozenset(row[0]), row[1])
        for row in connection.execute(_ROUTES).fetchall()
    ]


def _earlier(
    connection: psycopg.Connection[Any],
    fresh: Sequence[tuple[Record, Stored]],
    books: Sequence[UUID],
) -> dict[tuple[UUID, str, str], list[dict[str, Any]]]:
    wanted = list({record.source_id for record, _ in fresh})
    found: dict[tuple[UUID, str, str], list[dict[str, Any]]] = {}
    cursor = connection.execute(_EARLIER, [wanted, list(books)])
    for row in cursor.fetchall():
        found.setdefault((row[1], row[2], row[3]), []).append(
            {
                "id": row[0],
                "generation": row[4],
                "state": row[5],
                "live": row[6],
                "kind": row[7],
                "part": row[8],
                "left_in_doubt": row[9],
            }
        )
    return found
