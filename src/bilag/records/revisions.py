"""The stored revisions of one record, and whether the approval of each was taken back."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """One revision as stored, without its content; `total` is in `currency`.

    `approved_by` is empty where the source does not say it, or the content is erased.
    """

    source_system: str
    source_id: str
    revision: int
    record_id: UUID
    category: str
    currency: str
    total: Decimal
    approved_at: datetime
    approved_by: str
    received_at: datetime
    withdrawn_at: datetime | None


# The key of records begins with the source system; going from one system to the next by that key
# costs a probe each, where a search by source id alone would read the whole organization.
_REVISIONS = """
WITH RECURSIVE systems AS (
    SELECT min(source_system) AS name FROM records WHERE organization_id = %(organization)s
    UNION ALL
    SELECT (SELECT min(r.source_system) FROM records r
            WHERE r.organization_id = %(organization)s AND r.source_system > s.name)
    FROM systems s WHERE s.name IS NOT NULL
)
SELECT r.source_system, r.source_id, r.revision, r.id AS record_id, r.category, r.currency, r.total,
    r.approved_at, coalesce(r.content ->> 'approvedBy', '') AS approved_by, r.received_at,
    w.withdrawn_at
FROM systems s
JOIN records r ON r.organization_id = %(organization)s AND r.source_system = s.name
    AND r.source_id = %(source_id)s
LEFT JOIN record_withdrawals w USING (organization_id, source_system, source_id, revision)
WHERE %(system)s::text IS NULL OR r.source_system = %(system)s
ORDER BY r.source_system, r.revision
"""


def list_revisions(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    source_id: str,
    source_system: str | None = None,
) -> list[StoredRevision]:
    """Return the revisions of a record by source system, oldest first; empty when it is unknown."""
    rows = connection.cursor(row_factory=class_row(StoredRevision))
    asked = {"organization": organization_id, "source_id": source_id, "system": source_system}
    return rows.execute(_REVISIONS, asked).fetchall()
