"""The control report (O8): where the records that were approved in a period stand, to the øre.

A record belongs to the period in which it was approved, by Oslo's days. That day never changes and
every record has one, posted or not, so that a report of a past period keeps its records.
What was approved is counted from the records themselves, what became of it from the exports: the
difference is nothing, or something is wrong.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import class_row, tuple_row

from bilag.core.money import amount_text
from bilag.core.problem import Problem, Refused
from bilag.exports.audit import record_change
from bilag.integrations.books import list_books
from bilag.integrations.model import Book
from bilag.mapping.dates import TIME_ZONE
from bilag.tenants.organizations import read_organization

EVENT = "control_report.made"
# A report reads the records of its period: two years are the longest.
DAYS_MAX = 731
# The order of the sum rule.
STATES = ("exported", "accepted", "pending", "sending", "failed", "in_doubt", "needs_review",
          "held", "excluded", "cancelled", "superseded", "reversed")  # fmt: skip
Listing = Literal["current", "forced", "reversal"]
Sum = tuple[int, Decimal]
NOTHING: Sum = (0, Decimal(0))


@dataclass(frozen=True, slots=True)
class Period:
    """A book and the days of a report, both included; by `period_of`, which checks them."""

    book: Book
    first: date
    last: date

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """Return when the first day begins and when the last one is over, in Oslo."""
        ends = self.last + timedelta(days=1)
        return (
            datetime.combine(self.first, time(), TIME_ZONE),
            datetime.combine(ends, time(), TIME_ZONE),
        )


@dataclass(frozen=True, slots=True)
class CurrencySums:
    """The sum rule in one currency; what was forced or reversed stands apart, by state."""

    currency: str
    approved: Sum
    states: dict[str, Sum]
    forced: dict[str, Sum]
    reversals: dict[str, Sum]
    without_export: int

    @property
    def difference(self) -> Sum:
        """Return approved minus all states: nothing, or there is a fault."""
        count, amount = self.approved
        return (
            count - sum(n for n, _ in self.states.values()),
            amount - sum((a for _, a in self.states.values()), Decimal(0)),
        )


@dataclass(frozen=True, slots=True)
class ControlReport:
    """A report; `content` is all that it says, `hash` is SHA-256 over it in canonical JSON."""

    organization: str
    organization_name: str
    book: str
    book_name: str
    first: date
    last: date
    sums: tuple[CurrencySums, ...]

    @property
    def balances(self) -> bool:
        """Return whether nothing is missing and nothing is too much."""
        return all(one.difference == NOTHING and not one.without_export for one in self.sums)

    def content(self) -> dict[str, Any]:
        """Return what the report says: amounts as texts, nothing that differs by the hour."""
        return {
            "organization": self.organization,
            "organizationName": self.organization_name,
            "book": self.book,
            "bookName": self.book_name,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "basis": "approved",
            "totals": [_said(one) for one in self.sums],
        }

    @property
    def hash(self) -> str:
        """Return the hash of the content, as 64 hex digits."""
        return content_hash(self.content())


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A report as it was made: when, by whom, and the hash that stands in the audit chain."""

    id: int
    at: datetime
    actor: str
    hash: str
    report: ControlReport


def content_hash(content: dict[str, Any]) -> str:
    """Return SHA-256 over the sorted JSON of a report's content, as 64 hex digits."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def period_of(
    connection: psycopg.Connection[Any], organization_id: UUID, book: str, first: date, last: date
) -> Period:
    """Return a period; raises Refused for a book that is not there, or days that are none."""
    every = list_books(connection, organization_id)
    found = next((one for one in every if one.key == book), None)
    if found is None:
        raise Refused(Problem("book_unknown", "book", params={"book": book}))
    if first > last:
        params = {"first": str(first), "last": str(last)}
        raise Refused(Problem("control_days", "from", params=params))
    if (last - first).days >= DAYS_MAX or not date(1990, 1, 1) <= first <= last < date(2200, 1, 1):
        raise Refused(Problem("control_long", "to", params={"days": str(DAYS_MAX)}))
    return Period(found, first, last)


# The records of the period, each with its exports to the book by the guard's index.
_PICKED = """
WITH picked AS MATERIALIZED (
    SELECT r.id, r.source_system, r.source_id, r.currency, r.total, r.approved_at, r.received_at
    FROM records r WHERE r.organization_id = current_organization()
      AND r.approved_at >= %(first)s AND r.approved_at < %(end)s
), opened AS (
    SELECT p.id AS record, p.total, p.approved_at, e.id, e.source_id, e.currency, e.state, e.part,
        e.amount, e.reference, e.generation, e.kind, e.revision, e.voucher_number,
        e.accounting_year, e.external_voucher_number, e.exported_at, listing_of(e.kind) AS listing
    FROM picked p JOIN exports e ON e.organization_id = current_organization()
        AND e.source_id = p.source_id AND e.book_id = %(book)s
        AND e.source_system = p.source_system AND e.record_id = p.id
)
"""
_STATES = f"""{_PICKED}
SELECT currency, listing, state, count(*), sum(amount) FROM opened GROUP BY 1, 2, 3
"""
# What should be there: each record once, or once for each accounting year that it was split into;
# one that was split later counts as a whole too, which is superseded then. A record that came in
# while the book had its route and has no export at all is missing.
_APPROVED = f"""{_PICKED}
SELECT s.currency, sum(s.count)::bigint, sum(s.amount), sum(s.without)::bigint
FROM (
    SELECT p.currency, o.whole + o.parts AS count,
        p.total * (o.whole + least(o.parts, 1)) AS amount, 0 AS without
    FROM picked p JOIN (
        SELECT record, max((part = 0)::int) AS whole, count(*) FILTER (WHERE part > 0) AS parts
        FROM opened WHERE listing = 'current' GROUP BY record) o ON o.record = p.id
    UNION ALL
    SELECT p.currency, 1, p.total, 1 FROM picked p
    WHERE NOT EXISTS (SELECT FROM opened o WHERE o.record = p.id)
      AND p.received_at >= (SELECT min(i.created_at) FROM organization_integrations i
        WHERE i.book_id = %(book)s AND i.is_route)) s
GROUP BY 1
"""


def control_report(
    connection: psycopg.Connection[Any], organization_id: UUID, period: Period
) -> ControlReport:
    """Return the report as of now, of the organization of the scope; it is kept nowhere."""
    where = _where(period)
    rows = connection.cursor(row_factory=tuple_row)
    approved = {row[0]: row[1:] for row in rows.execute(_APPROVED, where).fetchall()}
    listed: dict[str, dict[str, dict[str, Sum]]] = {}
    for currency, listing, state, count, amount in rows.execute(_STATES, where).fetchall():
        listed.setdefault(currency, {}).setdefault(listing, {})[state] = (count, amount)
    sums = []
    for currency in sorted({*approved, *listed}):
        found = listed.get(currency, {})
        count, amount, without = approved.get(currency, (0, Decimal(0), 0))
        sums.append(
            CurrencySums(
                currency, (count, amount), _ordered(found.get("current", {})),
                _ordered(found.get("forced", {})), _ordered(found.get("reversal", {})), without,
            )
        )  # fmt: skip
    organization = read_organization(connection, organization_id)
    return ControlReport(
        organization=organization.slug if organization else "",
        organization_name=organization.name if organization else "",
        book=period.book.key,
        book_name=period.book.name,
        first=period.first,
        last=period.last,
        sums=tuple(sums),
    )


def make_report(
    connection: psycopg.Connection[Any], organization_id: UUID, period: Period, *, actor: str
) -> MadeReport:
    """Make the report and write it, with its hash, into the audit chain; it can be read for ever.

    Runs in the caller's transaction.
    """
    report = control_report(connection, organization_id, period)
    record_change(
        connection, organization_id, actor, EVENT,
        f"book {report.book} {report.first} - {report.last}",
        {"hash": report.hash, "report": report.content()},
    )  # fmt: skip
    return next(iter(made_reports(connection, organization_id, limit=1)))


_MADE = f"""
SELECT id, at, actor, detail FROM change_logs
WHERE organization_id = %(organization)s AND event = '{EVENT}'
  AND (%(id)s::bigint IS NULL OR id = %(id)s)
ORDER BY id DESC LIMIT %(limit)s
"""


def made_reports(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    *,
    report_id: int | None = None,
    limit: int = 10,
) -> list[MadeReport]:
    """Return the newest reports that were made, or the one given; none for another's."""
    rows = connection.cursor(row_factory=tuple_row)
    where = {"organization": organization_id, "id": report_id, "limit": limit}
    return [_read(*row) for row in rows.execute(_MADE, where).fetchall()]


def _read(row_id: int, at: datetime, actor: str, detail: dict[str, Any]) -> MadeReport:
    said = detail["report"]
    report = ControlReport(
        organization=said["organization"],
        organization_name=said["organizationName"],
        book=said["book"],
        book_name=said["bookName"],
        first=date.fromisoformat(said["from"]),
        last=date.fromisoformat(said["to"]),
        sums=tuple(_heard(one) for one in said["totals"]),
    )
    return MadeReport(row_id, at, actor, str(detail["hash"]), report)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One export behind a sum of the report."""

    id: int
    source_id: str
    revision: int
    generation: int
    kind: str
    listing: Listing
    state: str
    currency: str
    amount: Decimal
    approved_at: datetime
    reference: str
    voucher_number: int | None
    accounting_year: int | None
    external_voucher_number: str | None
    exported_at: datetime | None


_ROWS = f"""{_PICKED}
SELECT id, source_id, revision, generation, kind, listing, state, currency, amount, approved_at,
    reference, voucher_number, accounting_year, external_voucher_number, exported_at
FROM opened
WHERE id > %(after)s AND (%(currency)s::text IS NULL OR currency = %(currency)s)
  AND (%(listing)s::text IS NULL OR listing = %(listing)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY id LIMIT %(limit)s
"""


def report_rows(
    connection: psycopg.Connection[Any],
    period: Period,
    *,
    currency: str | None = None,
    listing: Listing | None = None,
    state: str | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[ReportRow]:
    """Return the exports behind the report, or behind one of its sums, with ids above `after`."""
    rows = connection.cursor(row_factory=class_row(ReportRow))
    where = _where(period) | {
        "currency": currency, "listing": listing, "state": state, "after": after, "limit": limit,
    }  # fmt: skip
    return rows.execute(_ROWS, where).fetchall()


def all_rows(connection: psycopg.Connection[Any], period: Period) -> Iterator[ReportRow]:
    """Yield every export behind the report, 5,000 at a time."""
    after = 0
    while found := report_rows(connection, period, after=after, limit=5000):
        yield from found
        after = found[-1].id


def _where(period: Period) -> dict[str, Any]:
    first, end = period.moments
    return {"first": first, "end": end, "book": period.book.id}


def _ordered(sums: dict[str, Sum]) -> dict[str, Sum]:
    return {state: sums[state] for state in STATES if state in sums}


def _said(one: CurrencySums) -> dict[str, Any]:
    return {
        "currency": one.currency,
        "approved": _sum_said(one.approved),
        "states": {state: _sum_said(found) for state, found in one.states.items()},
        "forced": {state: _sum_said(found) for state, found in one.forced.items()},
        "reversals": {state: _sum_said(found) for state, found in one.reversals.items()},
        "withoutExport": one.without_export,
        "difference": _sum_said(one.difference),
    }


def _sum_said(found: Sum) -> dict[str, Any]:
    return {"count": found[0], "amount": amount_text(found[1])}


def _heard(said: dict[str, Any]) -> CurrencySums:
    def sums(name: str) -> dict[str, Sum]:
        return _ordered({state: _sum_heard(one) for state, one in said[name].items()})

    return CurrencySums(
        said["currency"], _sum_heard(said["approved"]), sums("states"), sums("forced"),
        sums("reversals"), int(said["withoutExport"]),
    )  # fmt: skip


def _sum_heard(said: dict[str, Any]) -> Sum:
    return int(said["count"]), Decimal(said["amount"])
