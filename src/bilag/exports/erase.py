"""Takes out what is over (X7), as the owner of the tables: nothing else ever deletes evidence.

The links of the audit chain stay, and say in the chain itself up to where their rows are gone.
Everything here may be stopped at any time and run again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from bilag.exports.audit import record_change
from bilag.exports.retention import CLAIMS, DAYS_IN_OSLO, Over
from bilag.tenants.scope import organization_scope

# Failure policy: an erasure works in sets of this size, each a transaction of its own, so that
# deliveries never wait long; what a stop leaves is found and erased by the next run.
SET_MAX = 1_000
# Failure policy: a partition that is in use for longer than this is left for the next run.
LOCK_SECONDS_MAX = 5

_SALT = """
INSERT INTO retention_rules AS r (organization_id, salt)
VALUES (%(organization)s, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
ON CONFLICT (organization_id) DO UPDATE SET salt = coalesce(r.salt, excluded.salt)
"""
_NOTED = """
SELECT EXISTS (SELECT FROM change_logs WHERE organization_id = %(organization)s
    AND topic = 'retention' AND event = 'retention.erased'
    AND (detail ->> 'throughLink')::bigint >= %(link)s)
"""
_SET_OF_CLAIMS = CLAIMS + " ORDER BY 1, 2 LIMIT %(most)s"

# The guard stays under a name that nobody can read; what a person wrote goes.
_HIDE = """
UPDATE exports e SET reason = NULL, source_id = 'erased:' || encode(sha256(
    r.salt || '\\x00'::bytea || convert_to(e.source_system, 'UTF8')
    || '\\x00'::bytea || convert_to(e.source_id, 'UTF8')), 'hex')
FROM retention_rules r, unnest(%(systems)s::text[], %(ids)s::text[]) AS c (source_system, source_id)
WHERE r.organization_id = %(organization)s AND e.organization_id = %(organization)s
  AND e.source_system = c.source_system AND e.source_id = c.source_id
"""


@contextmanager
def erasing(connection: psycopg.Connection[Any], over: Over) -> Iterator[psycopg.Connection[Any]]:
    """Open a transaction in which the owner may delete what is append-only, in one organization."""
    with organization_scope(connection, over.organization_id):
        connection.execute(DAYS_IN_OSLO)
        connection.execute("SELECT set_config('bilag.retention', 'on', true)")
        yield connection


def note(connection: psycopg.Connection[Any], over: Over, *, actor: str) -> None:
    """Say in the organization's audit log what is about to be erased; before anything is."""
    given = {"organization": over.organization_id, "link": over.link}
    with organization_scope(connection, over.organization_id):
        connection.execute(_SALT, given)
        ((noted,),) = connection.execute(_NOTED, given).fetchall()
        if not (noted and not over.claims):
            record_change(
                connection, over.organization_id, actor, "retention.erased", "retention",
                {"throughLink": over.link, "before": over.before.isoformat(),
                 "years": over.rules.years, "claims": over.claims, "attempts": over.attempts,
                 "changes": over.changes, "runs": over.runs},
            )  # fmt: skip


def next_claims(
    connection: psycopg.Connection[Any], over: Over, today: date
) -> tuple[list[str], list[str]]:
    """Return the next claims that are over: their systems and their ids, beside each other."""
    rows = connection.execute(
        _SET_OF_CLAIMS,
        {"organization": over.organization_id, "before": over.before, "years": over.rules.years,
         "today": today, "most": SET_MAX},
    ).fetchall()  # fmt: skip
    return [system for system, _ in rows], [source_id for _, source_id in rows]


def hide_claims(
    connection: psycopg.Connection[Any], over: Over, systems: Sequence[str], ids: Sequence[str]
) -> None:
    """Give the guard rows of claims a name that says nothing; in the caller's transaction."""
    connection.execute(
        _HIDE, {"organization": over.organization_id, "systems": systems, "ids": ids}
    )


# The oldest first, by the index on time. A set's rows share one time, so a link that is begun goes
# as a whole: it has all of its rows, or none.
_LOGS = """
WITH oldest AS MATERIALIZED (
    SELECT at, link FROM {0} WHERE organization_id = %(organization)s AND at < %(before)s
      AND link <= %(link)s ORDER BY at, id LIMIT %(most)s
)
DELETE FROM {0} WHERE organization_id = %(organization)s AND at <= (SELECT max(at) FROM oldest)
    AND link IN (SELECT link FROM oldest)
"""
_RUNS = """
DELETE FROM export_runs WHERE organization_id = %(organization)s AND finished_at < %(before)s
"""
_SYNCS = """
WITH gone AS (
    DELETE FROM syncs WHERE organization_id = %(organization)s AND started_at < %(before)s
        AND finished_at IS NOT NULL RETURNING id
)
DELETE FROM sync_tallies WHERE organization_id = %(organization)s
    AND run_id IN (SELECT id FROM gone)
"""
_REQUESTS = """
DELETE FROM sync_requests WHERE organization_id = %(organization)s AND asked_at < %(before)s
    AND ended_at IS NOT NULL
"""
# What was sent goes with the last row of the log that names it, and not while anything is open.
_SUBMISSIONS = """
DELETE FROM submissions s WHERE s.organization_id = %(organization)s AND s.created_at < %(before)s
    AND NOT EXISTS (SELECT FROM sync_logs l
        WHERE l.organization_id = s.organization_id AND l.submission_id = s.id)
    AND NOT EXISTS (SELECT FROM exports e
        WHERE e.organization_id = s.organization_id AND e.submission_id = s.id
          AND (e.for_engine OR e.for_person))
"""


def erase_logs(connection: psycopg.Connection[Any], over: Over) -> None:
    """Take out the rows of the log up to the link, what was sent, and the runs; links stay."""
    given = {"organization": over.organization_id, "link": over.link, "before": over.before,
             "most": SET_MAX}  # fmt: skip
    for table in ("sync_logs", "change_logs"):
        statement = sql.SQL(_LOGS).format(sql.Identifier(table))
        gone = SET_MAX
        while gone:
            with erasing(connection, over):
                gone = connection.execute(statement, given).rowcount
    for single in (_RUNS, _SYNCS, _REQUESTS, _SUBMISSIONS):
        with erasing(connection, over):
            connection.execute(single.encode(), given)


_PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = %s::regclass AND c.relname ~ '_[0-9]{6}$'
  AND to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month' <= %s
ORDER BY 1
"""
# Whether a partition still holds a row that some organization has to keep.
_KEPT = {
    "sync_logs": "NOT coalesce(p.link <= o.link, false)",
    "export_runs": "NOT coalesce(p.finished_at < o.before, false)",
}
_ANY_KEPT = """
SELECT EXISTS (SELECT FROM {} p
    LEFT JOIN unnest(%(ids)s::uuid[], %(links)s::bigint[], %(befores)s::date[])
        AS o (id, link, before) ON o.id = p.organization_id
    WHERE {})
"""


def over_partitions(connection: psycopg.Connection[Any], every: Sequence[Over]) -> list[str]:
    """Return the partitions that hold nothing any organization has to keep, oldest first."""
    going = [over for over in every if not over.held]
    if not going:
        return []
    given = {"ids": [over.organization_id for over in going],
             "links": [over.link for over in going],
             "befores": [over.before for over in going]}  # fmt: skip
    found: list[str] = []
    for parent, kept in _KEPT.items():
        ends = max(over.before for over in going)
        # months begin in UTC, days in Oslo: what a partition holds decides, its name only narrows
        for (name,) in connection.execute(_PARTITIONS, [parent, ends]).fetchall():
            statement = sql.SQL(_ANY_KEPT).format(sql.Identifier(name), sql.SQL(kept))
            with connection.transaction():
                connection.execute(DAYS_IN_OSLO)
                ((kept_there,),) = connection.execute(statement, given).fetchall()
            if not kept_there:
                found.append(name)
    return found


def drop_partition(connection: psycopg.Connection[Any], name: str) -> bool:
    """Drop a partition that `over_partitions` named; False when it was in use for too long."""
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'".encode())
            connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    except psycopg.errors.LockNotAvailable:
        return False
    return True
