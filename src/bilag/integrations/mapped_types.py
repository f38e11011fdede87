"""The expense types that an organization's mappings know; read in one query."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

_TYPES = """
SELECT DISTINCT jsonb_object_keys(m.field_mappings -> 'categories')
FROM organization_integrations i
JOIN mapping_versions m ON m.integration_id = i.id AND m.version = i.mapping_version
WHERE i.organization_id = %s AND jsonb_typeof(m.field_mappings -> 'categories') = 'object'
ORDER BY 1
"""


def mapped_types(connection: psycopg.Connection[Any], organization_id: UUID) -> list[str]:
    """Return the expense types of all current mappings, each once, in order."""
    rows = connection.cursor(row_factory=tuple_row).execute(_TYPES, [organization_id])
    return [row[0] for row in rows.fetchall()]
