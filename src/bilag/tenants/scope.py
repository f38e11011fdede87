"""The tenant scope: a transaction in which the database shows one organization's rows.

The setting is local to the transaction, so a pooled connection never carries it to the next user.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import psycopg

_SET = "SELECT set_config('bilag.organization', %s, true)"


@contextmanager
def organization_scope(
    connection: psycopg.Connection[Any], organization_id: UUID
) -> Iterator[psycopg.Connection[Any]]:
    """Open a transaction on `connection` in which only this organization's rows exist.

    Commits at the end, rolls back on an exception; nested inside a transaction it is a savepoint.
    """
    with connection.transaction():
        connection.execute(_SET, [str(organization_id)])
        yield connection


@asynccontextmanager
async def organization_scope_async(
    connection: psycopg.AsyncConnection[Any], organization_id: UUID
) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """The same for the worker's connections."""
    async with connection.transaction():
        await connection.execute(_SET, [str(organization_id)])
        yield connection


async def scoped_statement(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    statement: str,
    parameters: Any,
) -> list[tuple[Any, ...]]:
    """Run one statement in the scope as a transaction of its own, in a single round trip.

    The connection must be in autocommit: what is sent before the pipeline's one sync is then one
    implicit transaction, so the setting ends with it and an error rolls everything back.
    """
    async with connection.pipeline():
        await connection.execute(_SET, [str(organization_id)])
        cursor = await connection.execute(statement, parameters)
    return await cursor.fetchall()
