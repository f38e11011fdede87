"""Who belongs to an organization, and as what; the only source of a user's role (X3).

A subject is the name a person has in the sign-in, compared exactly: the lower-cased e-mail address
of people who sign in here, the `sub` of a JWT from elsewhere.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row

Role = Literal["admin", "coordinator", "accountant"]


@dataclass(frozen=True, slots=True)
class Member:
    """One person's membership of the organization of the scope."""

    subject: str
    role: Role


@dataclass(frozen=True, slots=True)
class Membership:
    """One organization that a person belongs to, and as what."""

    organization_id: UUID
    slug: str
    name: str
    role: Role


def memberships_of(connection: psycopg.Connection[Any], subject: str) -> list[Membership]:
    """Return the organizations a person belongs to, by slug; needs no scope, shows no more."""
    return (
        connection.cursor(row_factory=class_row(Membership))
        .execute(
            "SELECT id AS organization_id, slug, name, role FROM organizations_of(%s)", [subject]
        )
        .fetchall()
    )


def is_global_admin(connection: psycopg.Connection[Any], subject: str) -> bool:
    """Return whether a person looks after the whole installation; needs no scope."""
    found = connection.execute("SELECT FROM global_admins WHERE subject = %s", [subject])
    return found.rowcount == 1


def list_members(connection: psycopg.Connection[Any], organization_id: UUID) -> list[Member]:
    """Return the members of the organization of the scope, by subject."""
    return (
        connection.cursor(row_factory=class_row(Member))
        .execute(
            "SELECT subject, role FROM members WHERE organization_id = %s ORDER BY subject",
            [organization_id],
        )
        .fetchall()
    )


def member_role(
    connection: psycopg.Connection[Any], organization_id: UUID, subject: str
) -> Role | None:
    """Return the role of a subject in the organization of the scope, or None for an outsider."""
    members = (
        connection.cursor(row_factory=class_row(Member))
        .execute(
            "SELECT subject, role FROM members WHERE organization_id = %s AND subject = %s",
            [organization_id, subject],
        )
        .fetchall()
    )
    return members[0].role if members else None


def save_member(
    connection: psycopg.Connection[Any], organization_id: UUID, subject: str, role: Role
) -> bool:
    """Make the subject a member with this role; returns whether that changed anything."""
    return (
        connection.execute(
            "INSERT INTO members AS m (organization_id, subject, role) VALUES (%s, %s, %s)"
            " ON CONFLICT (organization_id, subject) DO UPDATE SET role = excluded.role"
            " WHERE m.role <> excluded.role",
            [organization_id, subject, role],
        ).rowcount
        == 1
    )


def add_member(
    connection: psycopg.Connection[Any], organization_id: UUID, subject: str, role: Role
) -> bool:
    """Make the subject a member; False, with nothing changed, for who is one already."""
    return (
        connection.execute(
            "INSERT INTO members (organization_id, subject, role) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [organization_id, subject, role],
        ).rowcount
        == 1
    )


def lock_admins(connection: psycopg.Connection[Any], organization_id: UUID) -> set[str]:
    """Return the administrators, who stay what they are until the transaction ends.

    Two people who each take the other's role away meet here: the second one sees what is left.
    """
    rows = connection.execute(
        "SELECT subject FROM members WHERE organization_id = %s AND role = 'admin' FOR UPDATE",
        [organization_id],
    ).fetchall()
    return {str(row[0]) for row in rows}


def remove_member(connection: psycopg.Connection[Any], organization_id: UUID, subject: str) -> bool:
    """End a membership; returns whether there was one."""
    return (
        connection.execute(
            "DELETE FROM members WHERE organization_id = %s AND subject = %s",
            [organization_id, subject],
        ).rowcount
        == 1
    )
