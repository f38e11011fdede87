"""E11: how the claims of a run stand now, beside what was answered when the run went out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Standing:
    """The distinct claims of a run: posted or taken, given up or set aside, still open."""

    run_id: UUID
    success_count: int
    failure_count: int
    open_count: int


_CLAIMS = """
SELECT DISTINCT r.run_id, r.integration_id, c.source_id
FROM export_runs r, jsonb_array_elements_text(r.claim_ids) AS c (source_id)
WHERE r.run_id = ANY (%s)
"""

# A claim counts by the worst of its current exports in the integration that the run belongs to. The
# claims come as arrays, whose length the planner knows, and each is one probe of the guard's index.
_STANDING = """
SELECT c.run_id, count(*) FILTER (WHERE s.succeeded)::int AS success_count,
    count(*) FILTER (WHERE s.failed)::int AS failure_count,
    count(*) FILTER (WHERE NOT s.succeeded AND NOT s.failed)::int AS open_count
FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS c (run_id, integration_id, source_id)
CROSS JOIN LATERAL (
    SELECT bool_and(e.state IN ('exported', 'accepted', 'reversed')) AS succeeded,
        bool_or(e.state IN ('failed', 'needs_review', 'held', 'excluded', 'cancelled')) AS failed
    FROM exports e
    WHERE e.organization_id = (SELECT current_organization()) AND e.source_id = c.source_id
      AND e.integration_id = c.integration_id AND e.kind <> 'reversal'
      AND (e.live OR e.state IN ('cancelled', 'reversed', 'needs_review'))) s
GROUP BY c.run_id
"""


def standings(connection: psycopg.Connection[Any], run_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """Return how the claims of each run stand now; a run that sent nothing has no entry."""
    claims = connection.execute(_CLAIMS, [list(run_ids)]).fetchall()
    if not claims:
        return {}
    rows = connection.cursor(row_factory=class_row(Standing))
    asked = [list(column) for column in zip(*claims, strict=True)]
    return {row.run_id: row for row in rows.execute(_STANDING, asked)}
