"""Reconciliations and their findings: the only SQL for them, each inside the tenant scope.

A reconciliation that is finished, and a finding, are never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import orjson
import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One reconciliation: what it covers, how far it came, and how many findings of each kind.

    `outcome` is None until it is finished, then agrees, found, cannot_tell or stopped (`reason`).
    """

    id: UUID
    integration_id: UUID
    integration_key: str
    trigger: str
    actor: str
    from_day: date | None
    to_day: date | None
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    reached: int
    looked_up: int
    compared_by_lines: int
    compared_by_amount: int
    outcome: str | None
    reason: dict[str, Any] | None
    findings: dict[str, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that differs, with the export it is about; `state` is what that was then."""

    id: int
    kind: str
    export_id: int
    source_id: str
    reference: str
    state: str
    currency: str
    amount: Any
    evidence: dict[str, Any]
    at: datetime


class NewFinding(NamedTuple):
    """A finding about to be stored."""

    export_id: int
    kind: str
    state: str
    evidence: dict[str, Any]


_COLUMNS = """
SELECT c.id, c.integration_id, i.key AS integration_key, c.trigger, c.actor, c.from_day, c.to_day,
    c.asked_at, c.started_at, c.finished_at, c.reached, c.looked_up, c.compared_by_lines,
    c.compared_by_amount, c.outcome, c.reason, coalesce(f.findings, '{}') AS findings
FROM (%s) c JOIN organization_integrations i ON i.id = c.integration_id
LEFT JOIN LATERAL (SELECT jsonb_object_agg(k.kind, k.count) AS findings
    FROM (SELECT kind, count(*) FROM reconciliation_findings WHERE reconciliation_id = c.id
          GROUP BY kind) k) f ON true
ORDER BY c.asked_at DESC, c.id DESC
"""
_ONE = _COLUMNS % "SELECT * FROM reconciliations WHERE id = %(id)s"
_OPEN = _COLUMNS % (
    "SELECT * FROM reconciliations WHERE integration_id = %(integration)s AND finished_at IS NULL"
    " ORDER BY asked_at LIMIT 1"
)
_PAGE = _COLUMNS % (
    "SELECT * FROM reconciliations"
    " WHERE (%(integration)s::uuid IS NULL OR integration_id = %(integration)s)"
    " AND (%(before)s::timestamptz IS NULL OR (asked_at, id) < (%(before)s, %(before_id)s))"
    " ORDER BY asked_at DESC, id DESC LIMIT %(limit)s"
)

_ASK = """
INSERT INTO reconciliations
    (id, organization_id, integration_id, trigger, actor, night, from_day, to_day)
SELECT %(id)s, current_organization(), %(integration)s, %(trigger)s, %(actor)s, %(night)s, %(from)s,
    %(to)s
ON CONFLICT (integration_id, night) DO NOTHING
"""

_FINDINGS = """
SELECT f.id, f.kind, f.export_id, e.source_id, e.reference, f.state, e.currency, e.amount,
    f.evidence, f.at
FROM reconciliation_findings f
JOIN exports e ON e.organization_id = f.organization_id AND e.id = f.export_id
WHERE f.reconciliation_id = %(id)s AND f.id > %(after)s ORDER BY f.id LIMIT %(limit)s
"""

_ADD = """
INSERT INTO reconciliation_findings
    (organization_id, reconciliation_id, export_id, kind, state, evidence)
SELECT current_organization(), %s, d.export_id, d.kind, d.state, d.evidence
FROM jsonb_to_recordset(%s) AS d (export_id bigint, kind text, state text, evidence jsonb)
ON CONFLICT (reconciliation_id, export_id, kind) DO NOTHING
"""

_ADVANCE = """
UPDATE reconciliations SET started_at = coalesce(started_at, now()), reached = %s,
    looked_up = looked_up + %s, compared_by_lines = compared_by_lines + %s,
    compared_by_amount = compared_by_amount + %s
WHERE id = %s
"""

_FINISH = """
UPDATE reconciliations c SET started_at = coalesce(started_at, now()), finished_at = now(),
    reason = %(reason)s::jsonb, outcome = CASE WHEN %(reason)s IS NOT NULL THEN 'stopped'
        ELSE coalesce((SELECT CASE WHEN bool_and(f.kind = 'cannot_tell') THEN 'cannot_tell'
                                   ELSE 'found' END
            FROM reconciliation_findings f WHERE f.reconciliation_id = c.id HAVING count(*) > 0),
            'agrees') END
WHERE id = %(id)s
"""


def ask(
    connection: psycopg.Connection[Any],
    integration_id: UUID,
    *,
    actor: str,
    from_day: date | None = None,
    to_day: date | None = None,
) -> UUID:
    """Ask for a reconciliation and return its id: that of an open one over the same days first."""
    row = connection.execute(
        "SELECT id FROM reconciliations WHERE integration_id = %s AND finished_at IS NULL"
        " AND from_day IS NOT DISTINCT FROM %s AND to_day IS NOT DISTINCT FROM %s LIMIT 1",
        [integration_id, from_day, to_day],
    ).fetchone()
    if row is not None:
        return UUID(str(row[0]))
    new = uuid4()
    connection.execute(
        _ASK,
        {"id": new, "integration": integration_id, "trigger": "asked", "actor": actor,
         "night": None, "from": from_day, "to": to_day},
    )  # fmt: skip
    return new


async def ask_nightly(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, night: date, from_day: date
) -> None:
    """Ask for the reconciliation of a night; a second one of the same night is not made."""
    await connection.execute(
        _ASK,
        {"id": uuid4(), "integration": integration_id, "trigger": "nightly", "actor": "",
         "night": night, "from": from_day, "to": None},
    )  # fmt: skip


def read(connection: psycopg.Connection[Any], reconciliation_id: UUID) -> Reconciliation | None:
    """Return one reconciliation of the organization of the scope, or None."""
    rows = connection.cursor(row_factory=class_row(Reconciliation))
    return rows.execute(_ONE, {"id": reconciliation_id}).fetchone()


def page(
    connection: psycopg.Connection[Any],
    *,
    integration_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 20,
) -> list[Reconciliation]:
    """Return reconciliations newest first, asked for before (time, id): keyset pages."""
    rows = connection.cursor(row_factory=class_row(Reconciliation))
    return rows.execute(
        _PAGE,
        {"integration": integration_id, "limit": limit, "before": before[0] if before else None,
         "before_id": before[1] if before else None},
    ).fetchall()  # fmt: skip


def findings(
    connection: psycopg.Connection[Any], reconciliation_id: UUID, *, after: int = 0, limit: int
) -> list[Finding]:
    """Return findings of a reconciliation in the order of their ids, behind `after`."""
    rows = connection.cursor(row_factory=class_row(Finding))
    return rows.execute(
        _FINDINGS, {"id": reconciliation_id, "after": after, "limit": limit}
    ).fetchall()


async def next_open(
    connection: psycopg.AsyncConnection[Any],
    integration_id: UUID,
    reconciliation_id: UUID | None = None,
) -> Reconciliation | None:
    """Return the oldest reconciliation of an integration that is not finished, or the one given."""
    rows = connection.cursor(row_factory=class_row(Reconciliation))
    query = _OPEN if reconciliation_id is None else _ONE
    found = await rows.execute(query, {"integration": integration_id, "id": reconciliation_id})
    row = await found.fetchone()
    return row if row is None or row.finished_at is None else None


async def advance(
    connection: psycopg.AsyncConnection[Any],
    reconciliation_id: UUID,
    *,
    reached: int,
    looked_up: int,
    by_lines: int,
    by_amount: int,
    new: Sequence[NewFinding],
) -> None:
    """Store a set's findings, and that all up to `reached` is done, in one transaction."""
    if new:
        rows = [finding._asdict() for finding in new]
        await connection.execute(_ADD, [reconciliation_id, orjson.dumps(rows).decode()])
    await connection.execute(_ADVANCE, [reached, looked_up, by_lines, by_amount, reconciliation_id])


async def finish(
    connection: psycopg.AsyncConnection[Any],
    reconciliation_id: UUID,
    reason: dict[str, Any] | None = None,
) -> None:
    """End a reconciliation: by what was found, or stopped for a `reason`, a stored problem."""
    text = None if reason is None else orjson.dumps(reason).decode()
    await connection.execute(_FINISH, {"id": reconciliation_id, "reason": text})
