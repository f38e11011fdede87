"""How an organization's integrations stand (O1): green, yellow or red, with the reasons.

The rules are the function `health_reasons` of the database, so that one organization and the
overview of all are judged alike. No query here grows with history: what is open is counted where
it stands, up to COUNTED_MAX of an integration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row, tuple_row

from bilag.core.clock import utc_now

Colour = Literal["red", "yellow", "green", "new", "off"]
# `new`: switched on, and nothing was sent yet; `off`: nothing is switched on.
COLOURS: tuple[Colour, ...] = ("red", "yellow", "green", "new", "off")
COUNTED_MAX = 10_000
ERROR_HOURS = 24

# What `sync_logs_errors` of the schema holds; the words are the same, so that it is used.
IS_ERROR = """l.outcome IN ('rejected', 'gave_up', 'unknown', 'retry_later', 'misconfigured',
    'booking_refused') AND l.http_status IS DISTINCT FROM 429"""


@dataclass(frozen=True, slots=True)
class IntegrationHealth:
    """One integration: what waits, what went wrong, and what follows from it.

    `could_go_since`: since when the oldest that waits could have gone. `waiting_since`: since when
    a sync should have come; None when none is missing. `errors_open`: those of the last 24 hours
    whose claim has not gone through since; only these weigh. Counts end at COUNTED_MAX.
    """

    id: UUID
    key: str
    name: str
    type: str
    enabled: bool
    trigger: str
    last_sync_at: datetime | None
    last_sync_outcome: str | None
    next_run_at: datetime | None
    paused_until: datetime | None
    error_message: str | None
    warning: str | None
    pending: int
    sending: int
    accepted: int
    in_doubt: int
    failed: int
    held: int
    needs_review: int
    errors: int
    errors_open: int
    could_go_since: datetime | None
    waiting_since: datetime | None
    stale: bool
    reasons: Sequence[str]
    colour: Colour

    @property
    def for_person(self) -> int:
        """Return how many claims wait for a person's decision."""
        return self.failed + self.held + self.needs_review + self.in_doubt


@dataclass(frozen=True, slots=True)
class Health:
    """An organization: the worst colour of its integrations, and each of them."""

    colour: Colour
    integrations: Sequence[IntegrationHealth]

    @property
    def worst(self) -> IntegrationHealth | None:
        """Return the integration that stands worst, None where there is none."""
        return min(self.integrations, key=lambda i: COLOURS.index(i.colour), default=None)


# When what was never attempted could have gone: with its run of the schedule, and not in a pause.
MEASURE = f"""
SELECT i.id, i.key, i.name, i.integration_type AS type, i.enabled, f.trigger, r.last_sync_at,
    r.last_sync_outcome, CASE WHEN i.enabled THEN r.next_run_at END AS next_run_at,
    CASE WHEN f.held THEN r.hold_until END AS paused_until,
    r.error_message, r.warning, e.pending, e.sending, e.accepted, e.in_doubt, p.failed, p.held,
    p.needs_review, x.errors, x.errors_open, e.could_go_since, w.waiting_since,
    coalesce(f.at - greatest(w.waiting_since, CASE WHEN w.waiting_since IS NOT NULL
        THEN r.last_sync_at END) >= s.stale_hours * interval '1 hour', false) AS stale,
    h.reasons, health_colour(i.enabled, r.last_sync_at, h.reasons) AS colour
FROM organization_integrations i
JOIN integration_runtime r ON r.integration_id = i.id
JOIN watch_settings s ON s.organization_id = i.organization_id
CROSS JOIN LATERAL (
    SELECT t.at, t.trigger, t.trigger NOT IN ('manual', 'on_approval') AS timed,
        coalesce(r.hold_from <= t.at AND t.at < r.hold_until, false) AS held,
        greatest(r.pause_ended_at, CASE WHEN r.hold_until <= t.at THEN r.hold_until END) AS unheld
    FROM (SELECT %(at)s::timestamptz AS at,
        coalesce(i.delivery ->> 'trigger', 'on_approval') AS trigger) t
) f
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE o.state = 'pending')::int AS pending,
        count(*) FILTER (WHERE o.state = 'sending')::int AS sending,
        count(*) FILTER (WHERE o.state = 'accepted')::int AS accepted,
        count(*) FILTER (WHERE o.state = 'in_doubt')::int AS in_doubt,
        min(CASE
            WHEN o.state <> 'pending' OR NOT i.enabled THEN NULL
            WHEN o.attempt > 0 THEN greatest(o.state_since, i.enabled_since)
            WHEN f.held THEN NULL
            WHEN f.timed AND o.id > r.run_through THEN CASE WHEN r.next_run_at < f.at
                THEN greatest(o.state_since, i.enabled_since, f.unheld, r.next_run_at) END
            ELSE greatest(o.state_since, i.enabled_since, f.unheld, CASE WHEN f.timed THEN (
                SELECT min(n.due_at) FROM schedule_runs n
                WHERE n.integration_id = i.id AND n.run_through >= o.id) END)
        END) AS could_go_since
    FROM (SELECT id, state, state_since, attempt FROM exports
          WHERE integration_id = i.id AND for_engine ORDER BY due_at LIMIT {COUNTED_MAX}) o
) e
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE o.state = 'failed')::int AS failed,
        count(*) FILTER (WHERE o.state = 'held')::int AS held,
        count(*) FILTER (WHERE o.state = 'needs_review')::int AS needs_review
    FROM (SELECT state FROM exports WHERE integration_id = i.id AND for_person
          LIMIT {COUNTED_MAX}) o
) p
CROSS JOIN LATERAL (
    SELECT count(*)::int AS errors,
        count(*) FILTER (WHERE o.is_over IS NOT TRUE)::int AS errors_open
    FROM (SELECT (SELECT NOT (e.for_engine OR e.for_person) FROM exports e
                  WHERE e.organization_id = l.organization_id AND e.id = l.export_id) AS is_over
          FROM sync_logs l WHERE l.integration_id = i.id
            AND l.at > f.at - interval '{ERROR_HOURS} hours' AND l.at <= f.at AND {IS_ERROR}
          LIMIT {COUNTED_MAX}) o
) x
CROSS JOIN LATERAL (
    SELECT CASE WHEN i.enabled THEN least(
        CASE WHEN f.trigger <> 'manual' THEN e.could_go_since END,
        CASE WHEN f.timed AND r.next_run_at < f.at
            THEN greatest(r.next_run_at, i.enabled_since, f.unheld) END,
        (SELECT greatest(max(n.due_at), i.enabled_since) FROM schedule_runs n
         WHERE f.timed AND n.integration_id = i.id AND n.run_through = r.run_through
         HAVING max(n.due_at) > coalesce(r.last_sync_at, '-infinity'))
    ) END AS waiting_since
) w
CROSS JOIN LATERAL (
    SELECT health_reasons(i.enabled, r.error_since IS NOT NULL, r.last_sync_outcome, r.last_sync_at,
        w.waiting_since, e.could_go_since, x.errors_open,
        p.failed + p.held + p.needs_review + e.in_doubt, r.warning IS NOT NULL, s, f.at) AS reasons
) h
WHERE NOT i.is_draft
"""

# The totals of the finished states hold what was ever exported; nothing is counted anew.
_SYNCED = """
SELECT coalesce(sum(t.count), 0)::bigint
FROM (SELECT state, listing, count FROM export_totals
      WHERE organization_id = current_organization()
      UNION ALL
      SELECT state, listing, count FROM export_total_deltas
      WHERE organization_id = current_organization()) t
WHERE t.state IN ('exported', 'reversed') AND t.listing <> 'reversal'
"""


def measure(connection: psycopg.Connection[Any], at: datetime | None = None) -> Health:
    """Return how the integrations of the organization of the scope stand, at a moment (now)."""
    rows = connection.cursor(row_factory=class_row(IntegrationHealth))
    found = rows.execute(f"{MEASURE} ORDER BY i.key", {"at": at or utc_now()}).fetchall()
    return Health(worst_colour([one.colour for one in found]), found)


def worst_colour(colours: Sequence[Colour]) -> Colour:
    """Return the colour of the worst, `off` where there is none."""
    return min(colours, key=COLOURS.index, default="off")


def synced_in_all(connection: psycopg.Connection[Any]) -> int:
    """Return how many vouchers went out since the start, those reversed since included."""
    row = connection.cursor(row_factory=tuple_row).execute(_SYNCED).fetchone()
    return int(row[0]) if row else 0


_TAKE = f"""
INSERT INTO health_snapshots AS h (organization_id, integration_id, pending, for_person, errors,
    errors_open, could_go_since, waiting_since, taken_at)
SELECT current_organization(), m.id, m.pending, m.failed + m.held + m.needs_review + m.in_doubt,
    m.errors, m.errors_open, m.could_go_since, m.waiting_since, %(at)s
FROM ({MEASURE}) m
ON CONFLICT (integration_id) DO UPDATE SET pending = excluded.pending,
    for_person = excluded.for_person, errors = excluded.errors,
    errors_open = excluded.errors_open,
    could_go_since = excluded.could_go_since, waiting_since = excluded.waiting_since,
    taken_at = excluded.taken_at
"""


async def take_snapshot(connection: psycopg.AsyncConnection[Any], at: datetime) -> None:
    """Keep how the integrations of the organization of the scope stand, for the global overview."""
    await connection.execute(_TAKE, {"at": at})
