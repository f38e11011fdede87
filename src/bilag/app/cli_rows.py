"""The questions that only the command line asks: what is left to do, and who works.

They stand here until another room wants them; each runs inside the tenant scope.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from bilag.delivery.queue import STALLED_SECONDS, lock_of

# What falls due later than this is not waited for.
SOON_SECONDS = 60


@dataclass(frozen=True, slots=True)
class WorkLeft:
    """Whether a sync is asked for or going on, and whether rows fall due soon."""

    sync_waits: bool
    sync_runs: bool
    due_soon: bool


# Each test goes by the index of unfinished exports, so none grows with what was exported.
_WORK_LEFT = """
SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE lock = %(lock)s AND status = 'todo'),
    EXISTS (SELECT FROM procrastinate_jobs WHERE lock = %(lock)s AND status = 'doing'),
    EXISTS (SELECT FROM exports e WHERE e.integration_id = %(integration)s AND e.state = 'sending')
    OR EXISTS (SELECT FROM exports e WHERE e.integration_id = %(integration)s
        AND e.state IN ('in_doubt', 'accepted')
        AND e.due_at <= now() + make_interval(secs => %(soon)s))
    OR EXISTS (SELECT FROM organization_integrations i
        JOIN integration_runtime r ON r.integration_id = i.id
        WHERE i.id = %(integration)s AND i.enabled AND r.error_since IS NULL
        AND coalesce(greatest(r.paused_until, r.breaker_retry_at), '-infinity')
            <= now() + make_interval(secs => %(soon)s)
        AND EXISTS (SELECT FROM exports e
            WHERE e.integration_id = %(integration)s AND e.state = 'pending'
            AND (e.attempt > 0 OR coalesce(now() < r.hold_from OR r.hold_until <= now(), true))
            AND e.due_at <= now() + make_interval(secs => %(soon)s)))
"""

_WORKERS = """
SELECT count(*) FROM procrastinate_workers
WHERE last_heartbeat > now() - make_interval(secs => %s)
"""


def work_left(connection: psycopg.Connection[Any], integration_id: UUID) -> WorkLeft:
    """Return what an integration of the scope has still to do now or within a minute."""
    where = {"integration": integration_id, "lock": lock_of(integration_id), "soon": SOON_SECONDS}
    row = connection.execute(_WORK_LEFT, where).fetchone()
    return WorkLeft(*row) if row else WorkLeft(False, False, False)


def workers_alive(connection: psycopg.Connection[Any]) -> int:
    """Return how many workers have been heard of lately."""
    row = connection.execute(_WORKERS, [STALLED_SECONDS]).fetchone()
    return int(row[0]) if row else 0
