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


# A claim counts by the worst of its current exports in the integration that the run belongs to.
_STANDING = """
WITH claims AS MATERIALIZED (
    SELECT DISTINCT r.run_id, r.integration_id, c.source_id
    FROM export_runs r, jsonb_array_elements_text(r.claim_ids) AS c (source_id)
    WHERE r.run_id = ANY (%s)
), stands AS (
    SELECT c.run_id, c.source_id,
        bool_or(e.state IN ('failed', 'needs_review', 'held', 'excluded', 'cancelled')) AS failed,
        bool_and(e.state IN ('exported', 'accepted', 'reversed')) AS succeeded
    FROM claims c JOIN exports e
      ON e.organization_id = current_organization() AND e.source_id = c.source_id
     AND e.integration_id = c.integration_id AND e.kind <> 'reversal'
     AND (e.live OR e.state IN ('cancelled', 'reversed', 'needs_review'))
    GROUP BY c.run_id, c.source_id
)
SELECT run_id, count(*) FILTER (WHERE succeeded)::int AS success_count,
    count(*) FILTER (WHERE failed)::int AS failure_count,
    count(*) FILTER (WHERE NOT succeeded AND NOT failed)::int AS open_count
FROM stands GROUP BY run_id
"""


def standings(connection: psycopg.Connection[Any], run_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """Return how the claims of each run stand now; a run that sent nothing has no entry."""
    rows = connection.cursor(row_factory=class_row(Standing))
    return {row.run_id: row for row in rows.execute(_STANDING, [list(run_ids)])}
