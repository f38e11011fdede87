"""The credential before the one in use: in reserve until the new one has sent something (C5).

Every function runs inside `organization_scope`. One that was replaced meanwhile is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, tuple_row


@dataclass(frozen=True, slots=True)
class OnTrial:
    """A credential that has sent nothing yet and has its predecessor in reserve, as last set."""

    field: str
    set_at: datetime
    set_by: str


_ON_TRIAL = """
SELECT c.field, c.set_at, c.set_by FROM kept_credentials k
JOIN credentials c ON c.integration_id = k.integration_id AND c.field = k.field
WHERE k.organization_id = %s AND k.integration_id = %s ORDER BY c.field
"""
_STILL_THOSE = """
c.organization_id = %(organization)s AND c.integration_id = %(integration)s
    AND k.integration_id = c.integration_id AND k.field = c.field
    AND (c.field, c.set_at) IN (SELECT * FROM unnest(%(fields)s::text[], %(set)s::timestamptz[]))
"""
_FORGET = f"DELETE FROM kept_credentials k USING credentials c WHERE {_STILL_THOSE}"
_BACK = f"""
WITH gone AS (
    DELETE FROM kept_credentials k USING credentials c WHERE {_STILL_THOSE} RETURNING k.*
)
UPDATE credentials c SET data_key_id = g.data_key_id, sealed = g.sealed, last_four = g.last_four,
    set_by = g.set_by, set_at = g.set_at, expires_at = g.expires_at
FROM gone g WHERE c.integration_id = g.integration_id AND c.field = g.field RETURNING c.field
"""


async def on_trial(
    connection: psycopg.AsyncConnection[Any], organization_id: UUID, integration_id: UUID
) -> tuple[OnTrial, ...]:
    """Return which credentials of an integration have sent nothing yet and could be taken back."""
    rows = connection.cursor(row_factory=class_row(OnTrial))
    found = await rows.execute(_ON_TRIAL, [organization_id, integration_id])
    return tuple(await found.fetchall())


async def forget_reserve(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    integration_id: UUID,
    proven: Sequence[OnTrial],
) -> bool:
    """Erase what stood in reserve for these; returns whether there was anything."""
    chosen = _parameters(organization_id, integration_id, proven)
    return (await connection.execute(_FORGET, chosen)).rowcount > 0


async def fall_back(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    integration_id: UUID,
    refused: Sequence[OnTrial],
) -> list[str]:
    """Put what stood in reserve in the place of these, and erase these; returns the fields."""
    chosen = _parameters(organization_id, integration_id, refused)
    rows = connection.cursor(row_factory=tuple_row)
    return sorted(row[0] for row in await (await rows.execute(_BACK, chosen)).fetchall())


def forget_all_reserves(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID
) -> None:
    """Erase what an integration has in reserve: with other settings it might go astray."""
    connection.execute(
        "DELETE FROM kept_credentials WHERE organization_id = %s AND integration_id = %s",
        [organization_id, integration_id],
    )


def _parameters(
    organization_id: UUID, integration_id: UUID, these: Sequence[OnTrial]
) -> dict[str, object]:
    return {
        "organization": organization_id,
        "integration": integration_id,
        "fields": [one.field for one in these],
        "set": [one.set_at for one in these],
    }
