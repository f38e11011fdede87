"""Asking for the export of claims by their own ids: queue what may go, answer for the rest.

Rows are locked in the order of their ids, so the same 10,000 ids asked for twice at once are safe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg


@dataclass(frozen=True, slots=True)
class QueuedUp:
    """How one claim stands: result, its live exports, the run and time of a finished export."""

    result: str
    export_ids: tuple[int, ...]
    run_id: UUID | None
    exported_at: datetime | None
    reasons: tuple[dict[str, Any], ...]


# A refused export that is asked for again goes; so does a pending one that waits for its next try.
# What only a person noted as refused may be booked: it is looked up first.
_QUEUE_UP = """
WITH chosen AS MATERIALIZED (
    SELECT e.id, e.source_id, e.state, e.live, e.generation, e.exported_at, e.reason,
        e.state = 'failed' AND e.left_in_doubt AS doubted
    FROM exports e
    WHERE e.organization_id = current_organization() AND e.book_id = %(book)s
      AND e.source_id = ANY (%(ids)s)
    ORDER BY e.id FOR UPDATE
), queued AS (
    UPDATE exports e SET state = CASE WHEN c.doubted THEN 'in_doubt' ELSE 'pending' END,
        left_in_doubt = false,
        due_at = greatest(now(), CASE WHEN c.doubted THEN e.send_by END),
        state_since = CASE WHEN e.state = 'pending' THEN e.state_since ELSE now() END,
        failures = 0, submission_id = CASE WHEN e.state = 'pending' THEN e.submission_id END,
        reason = NULL
    FROM chosen c
    WHERE e.id = c.id AND c.live
      AND (c.state = 'failed' OR (c.state = 'pending' AND e.due_at > now()))
    RETURNING e.id
)
SELECT c.id, c.source_id, CASE WHEN c.doubted AND c.live THEN 'in_doubt' ELSE c.state END,
    c.live, c.generation, c.exported_at, c.reason FROM chosen c
ORDER BY c.source_id, c.generation
"""

_RUN_OF = """
SELECT DISTINCT ON (l.export_id) l.export_id, l.run_id FROM sync_logs l
WHERE l.export_id = ANY (%s) AND l.outcome IN ('accepted', 'posted') ORDER BY l.export_id, l.id DESC
"""

# The worst of a claim's parts is what is answered; the order is from "needs care" to "done".
_RESULTS = (
    ("in_doubt", "in_doubt"),
    ("needs_review", "in_doubt"),
    ("sending", "in_progress"),
    ("accepted", "in_progress"),
    ("pending", "queued"),
    ("failed", "queued"),
    ("held", "held"),
    ("excluded", "held"),
    ("exported", "already_exported"),
    ("reversed", "already_exported"),
    ("superseded", "not_approved"),
    ("cancelled", "not_approved"),
)


def queue_up(
    connection: psycopg.Connection[Any], book_id: UUID, source_ids: Sequence[str]
) -> dict[str, QueuedUp]:
    """Queue the claims that may go to this book and say how each stands; unknown ids are left out.

    Idempotent: what is exported, under way or in doubt is answered and left as it is.
    """
    cursor = connection.execute(_QUEUE_UP, {"book": book_id, "ids": list(set(source_ids))})
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for row in cursor.fetchall():
        rows.setdefault(row[1], []).append(row)
    done = [row[0] for found in rows.values() for row in found if row[2] == "exported"]
    runs = dict(connection.execute(_RUN_OF, [done]).fetchall()) if done else {}
    return {source_id: _stand(found, runs) for source_id, found in rows.items()}


def _stand(rows: Sequence[tuple[Any, ...]], runs: dict[int, UUID]) -> QueuedUp:
    current = [row for row in rows if row[3]] or [rows[-1]]
    states = [row[2] for row in current]
    result = next(answer for state, answer in _RESULTS if state in states)
    exported = [row for row in current if row[2] == "exported"]
    return QueuedUp(
        result=result,
        export_ids=tuple(row[0] for row in current),
        run_id=runs.get(exported[0][0]) if exported else None,
        exported_at=exported[0][5] if exported else None,
        reasons=tuple(row[6] for row in current if row[6])
        if result in ("held", "in_doubt")
        else (),
    )
