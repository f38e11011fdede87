"""What keeps an integration from sending now, by the database's clock, and when it sent last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Standing:
    """When an integration was and will be synced; the `until` of what is over is None."""

    last_sync_at: datetime | None
    last_sync_outcome: str | None
    next_run_at: datetime | None
    error_since: datetime | None
    error_message: str | None
    held_until: datetime | None
    breaker_until: datetime | None
    paused_until: datetime | None


_STANDING = """
SELECT last_sync_at, last_sync_outcome, next_run_at, error_since, error_message,
    CASE WHEN hold_from <= now() AND now() < hold_until THEN hold_until END AS held_until,
    CASE WHEN breaker_retry_at > now() THEN breaker_retry_at END AS breaker_until,
    CASE WHEN paused_until > now() THEN paused_until END AS paused_until
FROM integration_runtime WHERE integration_id = %s
"""


def read_standing(connection: psycopg.Connection[Any], integration_id: UUID) -> Standing:
    """Return how an integration stands now; raises LookupError outside its organization's scope."""
    return _standing(connection, integration_id, _STANDING)


def lock_standing(connection: psycopg.Connection[Any], integration_id: UUID) -> Standing:
    """The same, and nobody else changes it, or locks it, until the transaction ends."""
    return _standing(connection, integration_id, f"{_STANDING} FOR UPDATE")


def _standing(
    connection: psycopg.Connection[Any], integration_id: UUID, statement: str
) -> Standing:
    rows = connection.cursor(row_factory=class_row(Standing))
    found = rows.execute(statement.encode(), [integration_id]).fetchone()
    if found is None:
        raise LookupError(f"there is no integration {integration_id} in this organization")
    return found
