"""Which expense types have come in, and on how many records (C9): counted as records are stored.

The only writer of the counters; what they say never reads the records themselves.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg

_COUNT = """
INSERT INTO record_type_deltas (organization_id, category, type, records)
SELECT %s, d.category, d.type, d.records
FROM jsonb_to_recordset(%s::jsonb) AS d (category text, type text, records bigint)
"""

_SEEN = """
SELECT category, type, sum(records)::bigint FROM (
    SELECT category, type, records FROM record_types WHERE organization_id = %(organization)s
    UNION ALL
    SELECT category, type, records FROM record_type_deltas
    WHERE organization_id = %(organization)s) t
GROUP BY 1, 2 ORDER BY 1, 2
"""


class SeenType(NamedTuple):
    """An expense type in one record category, and how many stored revisions have a line of it."""

    category: str
    type: str
    records: int


def count_types(
    connection: psycopg.Connection[Any], organization_id: UUID, contents: Iterable[dict[str, Any]]
) -> None:
    """Count the expense types of records that were just stored, in the caller's transaction."""
    counted = Counter(
        (content["category"], type_)
        for content in contents
        for type_ in {line.get("type", "") for line in content.get("lines", ())}
    )
    if counted:
        rows = [
            {"category": category, "type": type_, "records": records}
            for (category, type_), records in sorted(counted.items())
        ]
        connection.execute(_COUNT, [organization_id, orjson.dumps(rows).decode()])


def seen_types(connection: psycopg.Connection[Any], organization_id: UUID) -> list[SeenType]:
    """Return every expense type that has come in, by category and type."""
    found = connection.execute(_SEEN, {"organization": organization_id})
    return [SeenType(*row) for row in found.fetchall()]
