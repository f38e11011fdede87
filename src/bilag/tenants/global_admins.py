"""Who looks after the whole installation (X3): written by the owner of the tables only.

The application's role may read the table and nothing else, so no page can make anybody one.
"""

from typing import Any

import psycopg


def list_global_admins(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the global administrators' e-mail addresses."""
    rows = connection.execute("SELECT subject FROM global_admins ORDER BY subject").fetchall()
    return [str(row[0]) for row in rows]


def add_global_admin(owner: psycopg.Connection[Any], subject: str) -> bool:
    """Make a person a global administrator; returns whether that changed anything."""
    return (
        owner.execute(
            "INSERT INTO global_admins (subject) VALUES (%s) ON CONFLICT DO NOTHING", [subject]
        ).rowcount
        == 1
    )


def remove_global_admin(owner: psycopg.Connection[Any], subject: str) -> bool:
    """Make a person a global administrator no more; returns whether that changed anything."""
    return owner.execute("DELETE FROM global_admins WHERE subject = %s", [subject]).rowcount == 1
