"""The installation as a whole: is it ready, and sums for a monitoring system; no tenant's data.

These functions need no scope, and show nothing of a single organization.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row, tuple_row


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over all organizations; counts of an integration end at 10,000, errors are of 24 hours.

    They are as old as the newest look of a worker: some minutes at most.
    """

    organizations: int
    integrations_enabled: int
    integrations_stopped: int
    breakers_open: int
    pending: int
    for_person: int
    errors: int
    oldest_pending_seconds: float
    notices_waiting: int
    alerts_open: int


def figures(connection: psycopg.Connection[Any]) -> Figures:
    """Return the sums over all organizations."""
    rows = connection.cursor(row_factory=class_row(Figures))
    (found,) = rows.execute("SELECT * FROM installation_figures()").fetchall()
    return found


def newest_beat_seconds(connection: psycopg.Connection[Any]) -> float | None:
    """Return how long ago a worker was heard of, None where none is there."""
    row = (
        connection.cursor(row_factory=tuple_row)
        .execute(
            "SELECT extract(epoch FROM now() - max(last_heartbeat))::double precision"
            " FROM procrastinate_workers"
        )
        .fetchone()
    )
    return None if row is None or row[0] is None else float(row[0])


def jobs_waiting(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Return how many jobs wait or are done now, by state."""
    rows = connection.cursor(row_factory=tuple_row).execute(
        "SELECT status::text, count(*)::int FROM procrastinate_jobs"
        " WHERE status IN ('todo', 'doing') GROUP BY 1"
    )
    return {"todo": 0, "doing": 0, **dict(rows.fetchall())}
