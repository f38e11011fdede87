"""The alerts of an organization (O7): told once for each cause and window, cleared by themselves.

`decide` is pure; what it says is carried out in the transaction that looked for the causes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import class_row, tuple_row

from bilag.core.problem import Problem
from bilag.core.texts import say
from bilag.exports.audit import record_change
from bilag.mapping.dates import TIME_ZONE
from bilag.monitoring.rules import Cause

# A cause that comes back within this time was told already.
QUIET = timedelta(hours=24)
# More errors than the bound are told of again so long after the last time, while it lasts.
ERRORS_WINDOW = timedelta(hours=24)
# What an auditor or a coordinator cannot mend is the administrator's.
ROLES: dict[str, tuple[str, ...]] = {"errors": ("admin", "global_admin")}


@dataclass(frozen=True, slots=True)
class Known:
    """An alert that is open, or that people were told of lately."""

    id: int
    rule: str
    cause: str
    told_at: datetime
    is_open: bool


@dataclass(slots=True)
class Changes:
    """What is to be done with alerts: made, told again, opened again, refreshed, or cleared."""

    new: list[Cause] = field(default_factory=list)
    told_again: list[tuple[int, Cause]] = field(default_factory=list)
    reopened: list[tuple[int, Cause]] = field(default_factory=list)
    refreshed: list[tuple[int, Cause]] = field(default_factory=list)
    cleared: list[int] = field(default_factory=list)


def decide(found: Sequence[Cause], known: Sequence[Known], at: datetime) -> Changes:
    """Return what follows from the causes found at a moment; pure.

    A refusal is told once for each cause and day in Oslo, errors once in 24 hours, everything else
    once while it lasts; what comes back within 24 hours (a refusal: the same day) opens quietly.
    Where a rule found more causes than it names, a cause that is not named may still be there.
    """
    changes = Changes()
    by_cause: dict[tuple[str, str], Known] = {}
    for one in sorted(known, key=lambda one: (one.is_open, one.told_at)):
        by_cause[one.rule, one.cause] = one
    seen: set[tuple[str, str]] = set()
    for cause in found:
        key = (cause.rule, cause.cause)
        if key in seen:
            continue
        seen.add(key)
        before = by_cause.get(key)
        if before is None or (not before.is_open and not _lately(cause, before, at)):
            changes.new.append(cause)
        elif not before.is_open:
            changes.reopened.append((before.id, cause))
        elif _again(cause, before, at):
            changes.told_again.append((before.id, cause))
        else:
            changes.refreshed.append((before.id, cause))
    cut = {cause.rule for cause in found if cause.is_cut}
    changes.cleared = [
        k.id for k in known if k.is_open and (k.rule, k.cause) not in seen and k.rule not in cut
    ]
    return changes


def _lately(cause: Cause, before: Known, at: datetime) -> bool:
    if cause.rule == "refusal":
        return _day(before.told_at) == _day(cause.newest or at)
    return at - before.told_at < QUIET


def _again(cause: Cause, before: Known, at: datetime) -> bool:
    if cause.rule == "refusal":
        return cause.newest is not None and _day(cause.newest) > _day(before.told_at)
    return cause.rule == "errors" and at - before.told_at >= ERRORS_WINDOW


def _day(moment: datetime) -> date:
    return moment.astimezone(TIME_ZONE).date()


_KNOWN = """
SELECT id, rule, cause, told_at, cleared_at IS NULL AS is_open FROM alerts
WHERE organization_id = %(organization)s AND cleared_at IS NULL
UNION
SELECT id, rule, cause, told_at, cleared_at IS NULL FROM alerts
WHERE organization_id = %(organization)s AND told_at > %(since)s
"""
_NEW = """
INSERT INTO alerts (organization_id, rule, cause, integration_id, params, opened_at, told_at)
SELECT current_organization(), d.rule, d.cause, d.integration_id, d.params, %s, %s
FROM jsonb_to_recordset(%s) AS d (rule text, cause text, integration_id uuid, params jsonb)
RETURNING id
"""
_TOLD_AGAIN = """
UPDATE alerts a SET told_at = %s, params = d.params, acknowledged_at = NULL, acknowledged_by = ''
FROM jsonb_to_recordset(%s) AS d (id bigint, params jsonb)
WHERE a.organization_id = current_organization() AND a.id = d.id
"""
_OPEN = """
UPDATE alerts a SET cleared_at = NULL, params = d.params
FROM jsonb_to_recordset(%s) AS d (id bigint, params jsonb)
WHERE a.organization_id = current_organization() AND a.id = d.id
  AND (a.cleared_at IS NOT NULL OR a.params IS DISTINCT FROM d.params)
"""
_CLEAR = """
UPDATE alerts SET cleared_at = %s
WHERE organization_id = current_organization() AND id = ANY (%s)
"""


async def carry_out(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    found: Sequence[Cause],
    at: datetime,
) -> list[int]:
    """Bring the alerts of the organization of the scope up to date; returns which are to be told.

    The caller holds the organization's row of `watch_settings`, so that two workers take turns.
    """
    rows = connection.cursor(row_factory=class_row(Known))
    since = at - max(QUIET, ERRORS_WINDOW) - timedelta(hours=2)
    known = await (
        await rows.execute(_KNOWN, {"organization": organization_id, "since": since})
    ).fetchall()
    changes = decide(found, known, at)
    if changes.cleared:
        await connection.execute(_CLEAR, [at, changes.cleared])
    quietly = [*changes.reopened, *changes.refreshed]
    if quietly:
        await connection.execute(_OPEN, [_params(quietly)])
    if changes.told_again:
        await connection.execute(_TOLD_AGAIN, [at, _params(changes.told_again)])
    told = [alert for alert, _ in changes.told_again]
    if changes.new:
        new = orjson.dumps(
            [{"rule": c.rule, "cause": c.cause, "integration_id": c.integration_id,
              "params": c.params} for c in changes.new]
        ).decode()  # fmt: skip
        made = connection.cursor(row_factory=tuple_row)
        told += [row[0] for row in await (await made.execute(_NEW, [at, at, new])).fetchall()]
    return told


def _params(changed: Sequence[tuple[int, Cause]]) -> str:
    return orjson.dumps([{"id": i, "params": cause.params} for i, cause in changed]).decode()


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as people see it; without `cleared_at` its cause is still there."""

    id: int
    rule: str
    integration_key: str | None
    params: dict[str, Any]
    opened_at: datetime
    told_at: datetime
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str

    def text(self, language: str) -> str:
        """Return what happened, in a language."""
        params = {name: _word(value, language) for name, value in self.params.items()}
        return say(f"alert_{self.rule}", language, **params).strip()

    def next_step(self, language: str) -> str:
        """Return what a person may do about it, in a language."""
        return say(f"alert_next_{self.rule}", language)


def _word(value: Any, language: str) -> str:
    return Problem.from_json(value).text(language) if isinstance(value, dict) else str(value or "")


ALERT_COLUMNS = """a.id, a.rule, i.key AS integration_key, a.params, a.opened_at, a.told_at,
    a.cleared_at, a.acknowledged_at, a.acknowledged_by"""
_LIST = f"""
SELECT {ALERT_COLUMNS} FROM alerts a
LEFT JOIN organization_integrations i ON i.id = a.integration_id
WHERE a.organization_id = %(organization)s AND (%(all)s OR a.cleared_at IS NULL)
  AND (%(before)s::bigint IS NULL OR a.id < %(before)s)
ORDER BY a.id DESC LIMIT %(limit)s
"""


def list_alerts(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    *,
    cleared: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> list[Alert]:
    """Return alerts newest first, open ones only or all, with ids below `before`."""
    rows = connection.cursor(row_factory=class_row(Alert))
    where = {"organization": organization_id, "all": cleared, "before": before, "limit": limit}
    return rows.execute(_LIST, where).fetchall()


def unacknowledged(connection: psycopg.Connection[Any], organization_id: UUID) -> int:
    """Return how many open alerts nobody has acknowledged yet."""
    rows = connection.cursor(row_factory=tuple_row)
    row = rows.execute(
        "SELECT count(*) FROM alerts"
        " WHERE organization_id = %s AND cleared_at IS NULL AND acknowledged_at IS NULL",
        [organization_id],
    ).fetchone()
    return int(row[0]) if row else 0


def acknowledge(
    connection: psycopg.Connection[Any], organization_id: UUID, alert_id: int, *, actor: str
) -> bool:
    """Note that a person has seen an alert; returns whether it was not noted before.

    Raises LookupError for an unknown alert. It stays open until its cause is gone.
    """
    rows = connection.cursor(row_factory=tuple_row)
    found = rows.execute(
        "UPDATE alerts SET acknowledged_at = now(), acknowledged_by = %s"
        " WHERE organization_id = %s AND id = %s AND acknowledged_at IS NULL RETURNING rule, cause",
        [actor, organization_id, alert_id],
    ).fetchone()
    if found is None:
        there = rows.execute(
            "SELECT FROM alerts WHERE organization_id = %s AND id = %s", [organization_id, alert_id]
        )
        if there.fetchone() is None:
            raise LookupError(f"there is no alert {alert_id}")
        return False
    record_change(
        connection, organization_id, actor, "alert.acknowledged", f"alert {alert_id}",
        {"rule": found[0], "cause": found[1]},
    )  # fmt: skip
    return True
