"""Look-ups pulled forward because a person or a callback asks; never before their waiting time.

The first look-up of an attempt waits until nothing can be under way any more; nobody shortens that.
"""

from typing import Any
from uuid import UUID

import psycopg

# Only a row that was looked up in vain, and waits for the next try, is looked up sooner; and the
# bound of its attempt is asked once more, whatever led here.
_SOONER = """
UPDATE exports e SET due_at = CASE WHEN e.state = 'accepted' THEN now()
    ELSE greatest(now(), e.send_by + r.doubt_seconds * interval '1 second') END
FROM integration_runtime r
WHERE r.integration_id = e.integration_id AND e.due_at > now()
  AND (e.state = 'accepted' OR (e.state = 'in_doubt'
       AND e.reason ->> 'code' IN ('look_up_failed', 'look_up_unproven')))
"""


def look_up_sooner(
    connection: psycopg.Connection[Any],
    *,
    integration_id: UUID | None = None,
    export_id: int | None = None,
) -> int:
    """Make one export, or an integration's, due for the next look-up; sets no state.

    Returns how many rows that hurried. Raises ValueError unless exactly one of both is given.
    """
    if (integration_id is None) == (export_id is None):
        raise ValueError("give an integration or an export")
    if export_id is not None:
        return connection.execute(_SOONER + "AND e.id = %s", [export_id]).rowcount
    return connection.execute(_SOONER + "AND e.integration_id = %s", [integration_id]).rowcount
