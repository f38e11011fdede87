"""How long an organization's evidence is kept (X7), and what of it is over.

Rules are the organization's own. What is over is worked out here and taken out by
`exports/erase.py`; an export row always stays, so that a claim is never booked again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from bilag.core.problem import Problem, Refused
from bilag.core.record import Record
from bilag.exports.audit import record_change

# bokføringsloven § 13: five years after the end of the accounting year
YEARS_MIN, YEARS_MAX = 5, 100
_ERASED = "erased:"
# Days begin in Oslo, wherever the server stands; for one transaction.
DAYS_IN_OSLO = "SELECT set_config('timezone', 'Europe/Oslo', true)"


@dataclass(frozen=True, slots=True)
class Rules:
    """Years after the end of the accounting year, and a day through which nothing is erased.

    `hold_until` is `date.max` for a hold that only a person lifts.
    """

    years: int = YEARS_MIN
    hold_until: date | None = None
    hold_reason: str = ""

    def before(self, today: date, year_start_month: int) -> date:
        """Return the day before which what was logged is over; accounting years may begin late."""
        year = today.year - self.years
        return date(year if year_start_month == 1 else year - 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Over:
    """What of one organization is over: all before a day, all links up to one, and how much it is.

    `held` says why nothing is erased though it is over; `newest` is when its log was last written.
    """

    organization_id: UUID
    slug: str
    rules: Rules
    before: date
    link: int
    claims: int
    attempts: int
    changes: int
    runs: int
    held: bool = False
    newest: datetime | None = None

    @property
    def anything(self) -> bool:
        """Return whether there is something to erase."""
        return not self.held and bool(self.claims or self.attempts or self.changes or self.runs)


_READ = """
SELECT years, CASE WHEN hold_until < DATE 'infinity' THEN hold_until
    WHEN hold_until IS NOT NULL THEN DATE '9999-12-31' END AS hold_until, hold_reason
FROM retention_rules WHERE organization_id = current_organization()
"""
_SAVE = """
INSERT INTO retention_rules AS r (organization_id, years, hold_until, hold_reason)
SELECT current_organization(), %(years)s, %(until)s, %(reason)s
ON CONFLICT (organization_id) DO UPDATE SET years = excluded.years,
    hold_until = excluded.hold_until, hold_reason = excluded.hold_reason
"""


def read_rules(connection: psycopg.Connection[Any]) -> Rules:
    """Return the rules of the organization of the scope: five years where it has no others."""
    found = connection.cursor(row_factory=class_row(Rules)).execute(_READ).fetchone()
    return found or Rules()


def save_rules(
    connection: psycopg.Connection[Any], organization_id: UUID, rules: Rules, *, actor: str
) -> None:
    """Set the rules, with a line in the audit log.

    Raises Refused for years outside 5 to 100, and for a hold without a reason.
    """
    if not YEARS_MIN <= rules.years <= YEARS_MAX:
        raise Refused(Problem("retention_years", "years"))
    if rules.hold_until is not None and not rules.hold_reason.strip():
        raise Refused(Problem("retention_reason", "reason"))
    before = read_rules(connection)
    given = {"years": rules.years, "until": rules.hold_until, "reason": rules.hold_reason}
    connection.execute(_SAVE, given)
    record_change(
        connection, organization_id, actor, "retention.changed", "retention",
        {"before": _told(before), "after": _told(rules)},
    )  # fmt: skip


def _told(rules: Rules) -> dict[str, object]:
    until = rules.hold_until.isoformat() if rules.hold_until else None
    return {"years": rules.years, "holdUntil": until, "reason": rules.hold_reason}


# An export is over when it is finished, the years since its accounting year are over, and it was
# last touched before the day: what was decided about it later is kept with the later year.
OVER = """
    e.state IN ('exported', 'excluded', 'cancelled', 'superseded', 'reversed')
    AND e.state_since < %(before)s
    AND (e.accounting_year IS NULL OR
         make_date(e.accounting_year + 1 + %(years)s, b.year_start_month, 1) <= %(today)s)
"""

# A claim goes as a whole, all its generations and books, or not at all.
CLAIMS = f"""
SELECT e.source_system, e.source_id
FROM exports e JOIN books b ON b.organization_id = e.organization_id AND b.id = e.book_id
WHERE e.organization_id = %(organization)s
GROUP BY 1, 2 HAVING bool_and({OVER}) AND e.source_id NOT LIKE '{_ERASED}%%'
"""

# Links are taken out up to the first that has to stay.
_LINK = """
SELECT coalesce(min(link) - 1,
    (SELECT link FROM audit_heads WHERE organization_id = %(organization)s), 0)
FROM (
    SELECT min(link) AS link FROM sync_logs
    WHERE organization_id = %(organization)s AND at >= %(before)s
    UNION ALL
    SELECT min(link) FROM change_logs WHERE organization_id = %(organization)s AND at >= %(before)s
    UNION ALL
    SELECT min(l.link) FROM sync_logs l
    JOIN exports e ON e.organization_id = l.organization_id AND e.id = l.export_id
    JOIN books b ON b.organization_id = e.organization_id AND b.id = e.book_id
    WHERE l.organization_id = %(organization)s AND l.at < %(before)s
      AND make_date(e.accounting_year + 1 + %(years)s, b.year_start_month, 1) > %(today)s
) kept
"""

_COUNTS = f"""
SELECT (SELECT count(*) FROM ({CLAIMS}) c),
    (SELECT count(*) FROM sync_logs
     WHERE organization_id = %(organization)s AND at < %(before)s AND link <= %(link)s),
    (SELECT count(*) FROM change_logs
     WHERE organization_id = %(organization)s AND at < %(before)s AND link <= %(link)s),
    (SELECT count(*) FROM export_runs
     WHERE organization_id = %(organization)s AND finished_at < %(before)s)
"""

_NEWEST = """
SELECT greatest((SELECT max(at) FROM sync_logs WHERE organization_id = %(organization)s),
    (SELECT max(at) FROM change_logs WHERE organization_id = %(organization)s))
"""


def what_is_over(
    connection: psycopg.Connection[Any], organization_id: UUID, slug: str, today: date
) -> Over:
    """Return what is over on a day; the connection is the owner's, in the organization's scope."""
    connection.execute(DAYS_IN_OSLO)
    rules = read_rules(connection)
    ((month,),) = connection.execute(
        "SELECT coalesce(max(year_start_month), 1) FROM books WHERE organization_id = %s",
        [organization_id],
    ).fetchall()
    before = rules.before(today, month)
    given = {"organization": organization_id, "before": before, "years": rules.years,
             "today": today}  # fmt: skip
    ((link,),) = connection.execute(_LINK, given).fetchall()
    ((claims, attempts, changes, runs),) = connection.execute(
        _COUNTS, {**given, "link": link}
    ).fetchall()
    ((newest,),) = connection.execute(_NEWEST, given).fetchall()
    held = rules.hold_until is not None and rules.hold_until >= today
    return Over(
        organization_id, slug, rules, before, link, claims, attempts, changes, runs, held, newest
    )  # fmt: skip


def erased_id(salt: bytes, source_system: str, source_id: str) -> str:
    """Return by what name the guard row of an erased claim is known."""
    content = b"\0".join((salt, source_system.encode(), source_id.encode()))
    return _ERASED + hashlib.sha256(content).hexdigest()


def erased_before(
    connection: psycopg.Connection[Any], salt: bytes | None, records: Sequence[Record]
) -> set[tuple[str, str]]:
    """Return the claims (system, id) among records that were erased, so that they stay closed.

    Without a salt nothing was erased yet, and nothing is asked.
    """
    if salt is None:
        return set()
    names = {erased_id(salt, r.source_system, r.source_id): (r.source_system, r.source_id)
             for r in records}  # fmt: skip
    found = connection.execute(
        "SELECT DISTINCT source_id FROM exports"
        " WHERE organization_id = current_organization() AND source_id = ANY (%s)",
        [list(names)],
    )
    return {names[source_id] for (source_id,) in found}
