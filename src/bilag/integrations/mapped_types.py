"""What an organization's mappings of now know, without their claimants; each read in one query."""

from collections.abc import Sequence
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


_CURRENT = """
SELECT i.key, m.field_mappings - 'claimants'
FROM organization_integrations i
JOIN mapping_versions m ON m.organization_id = i.organization_id AND m.integration_id = i.id
    AND m.version = i.mapping_version
WHERE i.organization_id = %s AND i.key = ANY (%s)
"""


def current_mappings(
    connection: psycopg.Connection[Any], organization_id: UUID, keys: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the mapping documents of these integrations by their keys, without claimants.

    Of claimants there may be hundreds of thousands; a key without a mapping is left out.
    """
    rows = connection.cursor(row_factory=tuple_row).execute(_CURRENT, [organization_id, list(keys)])
    return {row[0]: row[1] for row in rows.fetchall()}
