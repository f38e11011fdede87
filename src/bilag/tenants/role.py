"""Refuses a database role that row-level security does not bind (X2).

A superuser, a role with BYPASSRLS and the owner of a table all see every organization's rows.
"""

from typing import Any

import psycopg
from psycopg.rows import tuple_row


class UnsafeRole(RuntimeError):
    """The role could read other organizations' rows; the text says why and what to connect as."""


# Whatever the role could become by SET ROLE counts as if it were that role already.
_ROLE = """
SELECT session_user,
    (SELECT min(r.rolname) FROM pg_roles r
     WHERE r.rolsuper AND pg_has_role(session_user, r.oid, 'MEMBER')),
    (SELECT min(r.rolname) FROM pg_roles r
     WHERE r.rolbypassrls AND pg_has_role(session_user, r.oid, 'MEMBER')),
    (SELECT min(c.relname) FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND pg_has_role(session_user, c.relowner, 'MEMBER'))
"""


def refuse_unsafe_role(connection: psycopg.Connection[Any]) -> None:
    """Raise UnsafeRole when the connected role is superuser, has BYPASSRLS or owns a table.

    `serve` and `worker` call it before anything else; a role is judged with all it is member of.
    """
    _judge(connection.cursor(row_factory=tuple_row).execute(_ROLE).fetchone())


async def refuse_unsafe_role_async(connection: psycopg.AsyncConnection[Any]) -> None:
    """The same on a connection of the worker."""
    cursor = await connection.cursor(row_factory=tuple_row).execute(_ROLE)
    _judge(await cursor.fetchone())


def _judge(row: tuple[Any, ...] | None) -> None:
    if row is None:  # a SELECT without FROM always answers
        raise UnsafeRole("the database did not say which role is connected")
    role, superuser, bypasses, owned = row
    advice = (
        "connect as the application's role, which owns nothing (BILAG_DATABASE_URL);"
        " the owner's URL is for `bilag migrate` only"
    )
    if superuser:
        raise UnsafeRole(f"the database role {role!r} is or may become a superuser: {advice}")
    if bypasses:
        raise UnsafeRole(f"the database role {role!r} has or may take BYPASSRLS: {advice}")
    if owned:
        raise UnsafeRole(f"the database role {role!r} owns tables ({owned}): {advice}")
