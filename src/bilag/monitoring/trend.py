"""The last days of an organization (O1): how many claims came in, how many went out, what failed.

Days are Oslo's. They come from daily counters; attempts that failed from an index of only those.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from bilag.core.clock import utc_now
from bilag.mapping.dates import TIME_ZONE
from bilag.monitoring.health import IS_ERROR

DAYS = 30
# Attempts that failed are counted up to so many, the newest first.
ERRORS_COUNTED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Day:
    """One day: claims approved, vouchers exported, attempts that failed."""

    day: date
    approved: int
    exported: int
    errors: int


_DAYS = f"""
SELECT d.day::date AS day, coalesce(c.approved, 0)::int AS approved,
    greatest(coalesce(c.exported, 0), 0)::int AS exported, coalesce(x.errors, 0)::int AS errors
FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') d (day)
LEFT JOIN (
    SELECT t.day, sum(t.count) FILTER (WHERE t.state = 'approved') AS approved,
        sum(t.count) FILTER (WHERE t.state = 'exported') AS exported
    FROM (SELECT day, state, count FROM export_days
          WHERE organization_id = current_organization() AND day >= %(first)s
          UNION ALL
          SELECT (at AT TIME ZONE 'Europe/Oslo')::date, state, count FROM export_total_deltas
          WHERE organization_id = current_organization() AND state IN ('approved', 'exported')) t
    GROUP BY t.day) c ON c.day = d.day
LEFT JOIN (
    SELECT (e.at AT TIME ZONE 'Europe/Oslo')::date AS day, count(*) AS errors
    FROM organization_integrations i CROSS JOIN LATERAL (
        SELECT l.at FROM sync_logs l WHERE l.integration_id = i.id AND l.at >= %(since)s
          AND {IS_ERROR} ORDER BY l.at DESC LIMIT {ERRORS_COUNTED_MAX}) e
    GROUP BY 1) x ON x.day = d.day
ORDER BY d.day
"""


def trend(connection: psycopg.Connection[Any], at: datetime | None = None) -> list[Day]:
    """Return the last DAYS days of the organization of the scope, the oldest first."""
    last = (at or utc_now()).astimezone(TIME_ZONE).date()
    first = last - timedelta(days=DAYS - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=TIME_ZONE)
    rows = connection.cursor(row_factory=class_row(Day))
    return rows.execute(_DAYS, {"first": first, "last": last, "since": since}).fetchall()
