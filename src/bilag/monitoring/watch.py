"""Looking at an organization: how it stands is kept, the rules are asked, people are told.

A worker does it soon after each sync, and every few minutes for each organization.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
import structlog
from psycopg.rows import tuple_row

from bilag.core.clock import utc_now
from bilag.delivery.sync import Engine
from bilag.delivery.worker import Chore
from bilag.monitoring.alerts import carry_out
from bilag.monitoring.health import take_snapshot
from bilag.monitoring.notices import send_due
from bilag.monitoring.rules import RULES
from bilag.tenants.scope import organization_scope_async

log = structlog.get_logger(__name__)

TICK_SECONDS = 5.0
# Without a sync an organization is looked at this often: bounds of hours are passed meanwhile.
WATCH_SECONDS = 300.0
AT_ONCE = 100

# The turn of this organization: what two workers would say twice, one says.
_TURN = """
SELECT mail_roles <> '{}' AS mails, webhook_url <> '' AS calls FROM watch_settings
WHERE organization_id = %s FOR UPDATE
"""
_NOTICES = """
INSERT INTO alert_notices (organization_id, alert_id, channel)
SELECT current_organization(), a, c FROM unnest(%s::bigint[]) a CROSS JOIN unnest(%s::text[]) c
"""


@dataclass(frozen=True, slots=True)
class Outside:
    """What this installation can reach people by: a mail server, and its own address for links."""

    mail: bool
    address: str

    @classmethod
    def here(cls) -> "Outside":
        """Return what the environment says."""
        return cls(bool(os.environ.get("BILAG_SMTP_URL")), os.environ.get("BILAG_URL", ""))


async def look(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    at: datetime,
    *,
    mail: bool = False,
) -> list[int]:
    """Look at the organization of the scope and return the alerts that people are told of now.

    Everything is one transaction: an alert without its notices, or the other way, cannot be.
    """
    turn = await connection.cursor(row_factory=tuple_row).execute(_TURN, [organization_id])
    row = await turn.fetchone()
    if row is None:
        return []
    await take_snapshot(connection, at)
    found = [cause for rule in RULES for cause in await rule(connection, at)]
    told = await carry_out(connection, organization_id, found, at)
    channels = ["mail"] * (mail and row[0]) + ["webhook"] * row[1]
    if told and channels:
        await connection.execute(_NOTICES, [told, channels])
    return told


async def tick(engine: Engine, queue: procrastinate.App) -> None:
    """Look at the organizations whose turn it is, then say what is to be said.

    Failure policy: an organization that cannot be looked at is logged, and comes again; the others
    are looked at all the same. Only a lost connection ends the tick.
    """
    outside = Outside.here()
    async with engine.pool.connection() as connection:
        due = connection.cursor(row_factory=tuple_row)
        await due.execute("SELECT * FROM organizations_to_watch(%s, %s)", [WATCH_SECONDS, AT_ONCE])
        for (organization_id,) in await due.fetchall():
            try:
                async with organization_scope_async(connection, organization_id):
                    told = await look(connection, organization_id, utc_now(), mail=outside.mail)
            except Exception:
                if connection.closed:
                    raise
                log.exception("watch_failed", organization=str(organization_id))
                continue
            if told:
                log.info("alerts", organization=str(organization_id), count=len(told))
        await send_due(connection, engine.vault, outside.address)


# What `bilag worker` does beside the syncs; it has no jobs, only its tick.
WATCHING = Chore("", None, tick, TICK_SECONDS)
