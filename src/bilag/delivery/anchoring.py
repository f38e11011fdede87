"""The worker's daily job: the head of every organization's audit chain goes outside the database.

What is written down in the folder of anchors may be carried on to another machine by a command.
"""

import asyncio
import os
import shlex
from asyncio.subprocess import PIPE
from datetime import date
from typing import Any

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from bilag.core.clock import utc_now
from bilag.exports.anchors import AnchorFiles, head_async
from bilag.tenants.organizations import list_organizations_async
from bilag.tenants.scope import organization_scope_async

log = structlog.get_logger(__name__)

# Failure policy: what could not be written or carried away is tried again with the next look; the
# log says so each time. Deliveries go on: an anchor that is late proves a little less, no more.
LOOK_SECONDS = 3600.0
COMMAND_SECONDS_MAX = 60.0

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


async def anchor_every_day(pool: Pool, files: AnchorFiles) -> None:
    """Anchor at the start and then once a day, until it is cancelled."""
    done: date | None = None
    while True:
        today = utc_now().date()
        try:
            if done != today:
                async with pool.connection() as connection:
                    await anchor_all(connection, files)
                done = today
            await carry_away(files)
        except (psycopg.Error, PoolTimeout, OSError) as error:
            log.warning("anchor_failed", error=f"{type(error).__name__}: {error}")
        await asyncio.sleep(LOOK_SECONDS)


async def anchor_all(connection: psycopg.AsyncConnection[Any], files: AnchorFiles) -> int:
    """Write down the newest link of each organization; returns how many are new."""
    to_send, written = bool(_command()), 0
    for one in await list_organizations_async(connection):
        async with organization_scope_async(connection, one.id):
            newest = await head_async(connection, one.id)
        if newest is not None:
            written += await asyncio.to_thread(files.add, one.slug, newest, to_send=to_send)
    return written


async def carry_away(files: AnchorFiles) -> bool:
    """Hand new anchors to the command that BILAG_ANCHOR_COMMAND names, on its standard input.

    Returns whether nothing waits any more: the command ended well, or there was nothing to carry.
    """
    command, lines = _command(), files.unsent()
    if not command or not lines:
        return not lines
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE)
    try:
        await asyncio.wait_for(process.communicate(lines), COMMAND_SECONDS_MAX)
    except TimeoutError:
        process.kill()
        await process.wait()
    if process.returncode != 0:
        log.warning("anchor_command_failed", code=process.returncode)
        return False
    files.sent(lines)
    return True


def _command() -> list[str]:
    return shlex.split(os.environ.get("BILAG_ANCHOR_COMMAND", ""))
