"""What is known of exports: totals by state, pages of rows, one claim, the runs of a sync.

Totals come from counters kept with each change, so no query here grows with history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from bilag.exports.states import STATES


@dataclass(frozen=True, slots=True)
class StateTotal:
    """Count and sum of one state in one currency; state `approved` counts what arrived."""

    integration_key: str
    integration_name: str
    currency: str
    listing: str
    state: str
    count: int
    amount: Decimal


# Finished states and arrivals come from counters; what is not finished is counted where it stands.
_TOTALS = """
SELECT i.key, i.name, t.currency, t.listing, t.state, sum(t.count)::bigint, sum(t.amount)
FROM (SELECT integration_id, currency, listing, state, count, amount FROM export_totals
      WHERE organization_id = current_organization()
      UNION ALL
      SELECT integration_id, currency, listing, state, count, amount FROM export_total_deltas
      WHERE organization_id = current_organization()
      UNION ALL
      SELECT e.integration_id, e.currency, listing_of(e.kind), e.state, count(*), sum(e.amount)
      FROM organization_integrations o JOIN exports e ON e.integration_id = o.id AND e.for_engine
      GROUP BY 1, 2, 3, 4
      UNION ALL
      SELECT e.integration_id, e.currency, listing_of(e.kind), e.state, count(*), sum(e.amount)
      FROM organization_integrations o JOIN exports e ON e.integration_id = o.id AND e.for_person
      GROUP BY 1, 2, 3, 4) t
JOIN organization_integrations i ON i.id = t.integration_id
GROUP BY 1, 2, 3, 4, 5 HAVING sum(t.count) <> 0 OR sum(t.amount) <> 0 ORDER BY 1, 3, 4, 5
"""


def totals(connection: psycopg.Connection[Any]) -> list[StateTotal]:
    """Return count and sum per integration, currency, listing and state of the organization.

    Listing `current` obeys the sum rule; `forced` and `reversal` stand apart.
    """
    return [StateTotal(*row) for row in connection.execute(_TOTALS).fetchall()]


def sum_rule(rows: Sequence[StateTotal]) -> dict[tuple[str, str], tuple[int, Decimal]]:
    """Return approved minus all states per (integration, currency): (0, 0), or there is a fault."""
    difference: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for row in rows:
        if row.listing != "current":
            continue
        count, amount = difference.get((row.integration_key, row.currency), (0, Decimal(0)))
        sign = 1 if row.state == "approved" else -1
        difference[row.integration_key, row.currency] = (
            count + sign * row.count,
            amount + sign * row.amount,
        )
    return difference


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One export as people and programs see it; `reason` is a stored problem, or None.

    `posting_date` is the day it was sent with, `moved_from` the one it had in a closed period.
    """

    id: int
    integration_key: str
    source_system: str
    source_id: str
    revision: int
    generation: int
    part: int
    kind: str
    category: str
    state: str
    state_since: datetime
    currency: str
    amount: Decimal
    reference: str
    number_prefix: str
    accounting_year: int | None
    voucher_number: int | None
    external_reference: str | None
    external_voucher_number: str | None
    attempt: int
    due_at: datetime
    reason: dict[str, Any] | None
    mapping_version: int | None
    exported_at: datetime | None
    created_at: datetime
    live: bool
    posting_date: date | None
    moved_from: date | None
    integration_name: str

    @property
    def display_number(self) -> str:
        """Return our voucher number with prefix and year; empty before it is allotted."""
        if self.voucher_number is None:
            return ""
        return f"{self.number_prefix}{self.accounting_year}-{self.voucher_number}"


COLUMNS = """
SELECT e.id, i.key, e.source_system, e.source_id, e.revision, e.generation, e.part, e.kind,
    e.category, e.state, e.state_since, e.currency, e.amount, e.reference, b.number_prefix,
    e.accounting_year, e.voucher_number, e.external_reference, e.external_voucher_number, e.attempt,
    e.due_at, e.reason, e.mapping_version, e.exported_at, e.created_at, e.live,
    e.posting_date, e.moved_from, i.name
FROM exports e JOIN organization_integrations i ON i.id = e.integration_id
JOIN books b ON b.id = e.book_id
"""


# Ids follow the time of arrival but for transactions that overlap, which end long before an hour.
_IDS = """
SELECT (SELECT id FROM exports WHERE organization_id = current_organization()
        AND created_at >= %(from)s::timestamptz - interval '1 hour'
        ORDER BY organization_id, created_at, id LIMIT 1),
    (SELECT id FROM exports WHERE organization_id = current_organization()
        AND created_at < %(end)s::timestamptz + interval '1 hour'
        ORDER BY organization_id DESC, created_at DESC, id DESC LIMIT 1)
"""


def export_page(
    connection: psycopg.Connection[Any],
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 100,
    state: str | None = None,
    integration_id: UUID | None = None,
    source_id: str | None = None,
    received_from: datetime | None = None,
    received_before: datetime | None = None,
) -> list[ExportRow]:
    """Return exports newest first, next below the id `before`, or next above the id `after`.

    Keyset pages that never drift, each filter by an index. Raises ValueError for an unknown state.
    """
    if state is not None and state not in STATES:
        raise ValueError(f"unknown state {state}; one of {', '.join(STATES)}")
    where = "WHERE true"
    if before is not None:
        where += " AND e.id < %(before)s"
    if after is not None:
        where += " AND e.id > %(after)s"
    if state is not None:
        where += " AND e.state = %(state)s"
        if state != "exported":
            where += " AND e.listed_as = %(listed)s"
    if integration_id is not None:
        where += " AND e.integration_id = %(integration)s"
    if source_id is not None:
        where += " AND e.source_id = %(source)s"
    if received_from is not None or received_before is not None:
        # by the ids, so that a page of a long time or of a busy day is read in order; the addition
        # keeps the planner from the index on time, by which it would read and sort all of it
        where += " AND e.id BETWEEN %(low)s AND %(high)s"
        at = " AND e.created_at + interval '0'"
        where += f"{at} >= %(from)s" if received_from is not None else ""
        where += f"{at} < %(end)s" if received_before is not None else ""
    low, high = _ids_between(connection, received_from, received_before)
    newer = after is not None and before is None
    way = "ASC" if newer else "DESC"
    if integration_id is None and source_id is None and state in (None, "exported"):
        # Nearly everything is wanted: its ids alone, in the order of the primary key. With the
        # joins the planner takes one organization of many for a handful of rows, and sorts them all
        where = (
            f"WHERE e.id = ANY (ARRAY(SELECT e.id FROM exports e {where}"
            f" ORDER BY e.organization_id {way}, e.id {way} LIMIT %(limit)s))"
        )
    text = f"{COLUMNS} {where} ORDER BY e.id {way} LIMIT %(limit)s"
    cursor = connection.execute(
        text.encode(),
        {"before": before, "after": after, "state": state, "integration": integration_id,
         "listed": "pending" if state == "sending" else state, "source": source_id,
         "from": received_from, "end": received_before, "low": low, "high": high, "limit": limit},
        prepare=False,  # the values decide which index is right
    )  # fmt: skip
    rows = [ExportRow(*row) for row in cursor.fetchall()]
    return rows[::-1] if newer else rows


def _ids_between(
    connection: psycopg.Connection[Any], first: datetime | None, end: datetime | None
) -> tuple[int, int]:
    if first is None and end is None:
        return 0, 0
    row = connection.execute(
        _IDS, {"from": first or "-infinity", "end": end or "infinity"}
    ).fetchone()
    low, high = row or (None, None)
    return (0, 0) if low is None or high is None else (low, high)


def export_by_id(connection: psycopg.Connection[Any], export_id: int) -> ExportRow | None:
    """Return one export of the scope's organization, or None."""
    row = connection.execute(COLUMNS + "WHERE e.id = %s", [export_id]).fetchone()
    return None if row is None else ExportRow(*row)


def source_ids(connection: psycopg.Connection[Any], export_ids: Sequence[int]) -> dict[int, str]:
    """Return the claims of exports by the exports' ids; what is unknown is left out."""
    rows = connection.execute(
        "SELECT id, source_id FROM exports WHERE organization_id = current_organization()"
        " AND id = ANY (%s)", [list(export_ids)],
    )  # fmt: skip
    return dict(rows.fetchall())


def exports_of_claims(
    connection: psycopg.Connection[Any], source_ids: Sequence[str], book_id: UUID | None = None
) -> list[ExportRow]:
    """Return all exports of these claims, oldest generation first, by the guard's index."""
    cursor = connection.execute(
        COLUMNS + "WHERE e.source_id = ANY (%(ids)s)"
        " AND (%(book)s::uuid IS NULL OR e.book_id = %(book)s)"
        " ORDER BY e.source_id, e.generation, e.part",
        {"book": book_id, "ids": list(source_ids)},
    )
    return [ExportRow(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """E11: one run as the coordinator sees it; the counts are as answered then."""

    run_id: UUID
    integration_key: str
    trigger: str
    actor: str
    started_at: datetime
    exported_at: datetime | None
    outcome: str | None
    message: str | None
    total_claims: int
    success_count: int
    failure_count: int


_RUNS = """
SELECT s.id, i.key, s.trigger, s.actor, s.started_at, s.finished_at, s.outcome, s.message,
    coalesce(r.claims, 0), coalesce(r.successes, 0), coalesce(r.claims - r.successes, 0)
FROM (SELECT * FROM syncs WHERE (%(integration)s::uuid IS NULL OR integration_id = %(integration)s)
      AND (%(run)s::uuid IS NULL OR id = %(run)s)
      ORDER BY started_at DESC LIMIT %(limit)s) s
JOIN organization_integrations i ON i.id = s.integration_id
LEFT JOIN LATERAL (
    SELECT sum(jsonb_array_length(x.claim_ids)) AS claims, sum(x.success_count) AS successes
    FROM export_runs x WHERE x.run_id = s.id AND x.finished_at >= s.started_at) r ON true
ORDER BY s.started_at DESC
"""


def runs(
    connection: psycopg.Connection[Any],
    *,
    integration_id: UUID | None = None,
    run_id: UUID | None = None,
    limit: int = 20,
) -> list[RunSummary]:
    """Return the newest runs of the scope's organization with what was answered in each."""
    cursor = connection.execute(
        _RUNS, {"integration": integration_id, "run": run_id, "limit": limit}
    )
    return [RunSummary(*row) for row in cursor.fetchall()]


def runs_with_claims(
    connection: psycopg.Connection[Any], source_ids: Sequence[str]
) -> list[dict[str, Any]]:
    """Return every submission that carried one of these claims, newest first (GIN index)."""
    cursor = connection.execute("SELECT * FROM runs_with_claims(%s)", [list(source_ids)])
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_TIMELINE = """
SELECT at, event, outcome, attempt, http_status, duration_ms, message, field, line, answer, run_id
FROM sync_logs WHERE export_id = %s ORDER BY at, id
"""


def timeline(connection: psycopg.Connection[Any], export_id: int) -> list[dict[str, Any]]:
    """Return every logged step of one export, oldest first; secrets were stripped before."""
    cursor = connection.execute(_TIMELINE, [export_id])
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
