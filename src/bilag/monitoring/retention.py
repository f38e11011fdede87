"""Erases what is over in every organization (X7): records, what was sent and logged, comparisons.

Each organization goes by its own rules; what several share goes when the last one's time is over.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from bilag.core.problem import Problem, Refused
from bilag.exports.erase import (
    drop_partition,
    erase_logs,
    erasing,
    hide_claims,
    next_claims,
    note,
    over_partitions,
)
from bilag.exports.retention import Over, what_is_over
from bilag.records.erase import erase_records
from bilag.tenants.organizations import list_organizations
from bilag.tenants.scope import organization_scope

# An installation in use writes daily; longer than holidays is a clock that was set ahead.
SILENCE_MAX = timedelta(days=31)

_RECONCILIATIONS = """
WITH old AS MATERIALIZED (
    SELECT id FROM reconciliations
    WHERE organization_id = %(organization)s AND finished_at < %(before)s
), findings AS (
    DELETE FROM reconciliation_findings f USING old
    WHERE f.organization_id = %(organization)s AND f.reconciliation_id = old.id
)
DELETE FROM reconciliations r USING old
WHERE r.organization_id = %(organization)s AND r.id = old.id
"""


def plan(connection: psycopg.Connection[Any], today: date) -> list[Over]:
    """Return what is over in each organization on a day; changes nothing."""
    every = []
    for one in list_organizations(connection):
        with organization_scope(connection, one.id):
            every.append(what_is_over(connection, one.id, one.slug, today))
    return every


def check_clock(every: Sequence[Over], now: datetime) -> None:
    """Refuse to trust the clock where no log of any organization was written for a long time.

    Raises Refused: years ahead, what is not over would go for good. The log tells what day it is.
    """
    newest = max((over.newest for over in every if over.newest is not None), default=None)
    if newest is not None and now - newest > SILENCE_MAX:
        params = {"now": f"{now:%Y-%m-%d}", "newest": f"{newest:%Y-%m-%d}",
                  "days": str(SILENCE_MAX.days)}  # fmt: skip
        raise Refused(Problem("retention_clock", params=params))


def erase(
    connection: psycopg.Connection[Any], every: Sequence[Over], today: date, *, actor: str
) -> Iterator[str]:
    """Erase what `plan` found, and yield the name of each partition that was dropped on the way.

    The connection is of the owner of the tables, in autocommit. May be stopped and run again.
    """
    going = [over for over in every if over.anything]
    for over in going:
        note(connection, over, actor=actor)
    for over in going:
        _erase_claims(connection, over, today)
        with erasing(connection, over):
            connection.execute(
                _RECONCILIATIONS, {"organization": over.organization_id, "before": over.before}
            )
    # whole months first: what they hold need not be deleted row by row
    for name in over_partitions(connection, every):
        if drop_partition(connection, name):
            yield name
    for over in going:
        erase_logs(connection, over)


def _erase_claims(connection: psycopg.Connection[Any], over: Over, today: date) -> None:
    while True:
        with erasing(connection, over):
            systems, ids = next_claims(connection, over, today)
            if not ids:
                return
            erase_records(connection, over.organization_id, systems, ids)
            hide_claims(connection, over, systems, ids)
