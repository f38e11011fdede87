"""Why a sync runs: by which trigger, in whose name, and whether a person wants all that waits.

What somebody has asked for stands in the database until it has ended; a job that is lost, doubled
or taken over by another one changes nothing of it.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from bilag.delivery.queue import is_wish
from bilag.exports.sync_requests import request_of


@dataclass(frozen=True, slots=True)
class Cause:
    """`wished`: a person asked for all that waits, and nobody has stopped it since."""

    trigger: str
    actor: str
    wished: bool
    request_id: UUID | None = None


async def cause_of(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, trigger: str, actor: str
) -> Cause:
    """Return why a sync runs: an open request goes on, whichever job brings the sync."""
    request = await request_of(connection, integration_id)
    if request is None:
        return Cause(trigger, actor, is_wish(trigger))
    trigger = "continued" if request.begun else "manual"
    return Cause(trigger, request.actor, not request.stopped_by, request.id)


async def stopped_by(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, cause: Cause
) -> str:
    """Return who has stopped the request that a sync goes on with; empty when nobody has."""
    if cause.request_id is None:
        return ""
    request = await request_of(connection, integration_id)
    return request.stopped_by if request and request.id == cause.request_id else ""
