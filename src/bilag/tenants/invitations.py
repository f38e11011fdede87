"""Invitations: how a person comes in (X3); the database keeps SHA-256 of the link's token only.

A token is 40 random base62 characters (238 bits), so a fast hash of it cannot be guessed back.
"""

import hashlib
import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.core.exceptions import ValidationError
from django.core.mail.message import sanitize_address
from django.core.validators import validate_email
from psycopg.rows import class_row

from bilag.core.problem import Problem, Refused
from bilag.tenants.members import Role, member_role

DAYS = 7
_EMAIL_MAX = 254  # what the people's own table holds

_ALPHABET = string.ascii_letters + string.digits
_CHARACTERS = 40
_TOKEN = re.compile(rf"[A-Za-z0-9]{{{_CHARACTERS}}}")


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that was neither accepted nor withdrawn; it may have expired."""

    id: UUID
    email: str
    role: Role
    invited_by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FoundInvitation:
    """What a link stands for while it can be used."""

    id: UUID
    organization_id: UUID
    slug: str
    organization_name: str
    language: str
    email: str
    role: Role
    expires_at: datetime


def email_subject(email: str) -> str:
    """Return an e-mail address as the name of a person: lower-cased; raises Refused for none.

    Also for one that no e-mail can be made out to, such as `a@xn--ø.no`.
    """
    found = email.strip().lower()
    try:
        validate_email(found)
        sanitize_address(found, "utf-8")
    except (ValidationError, ValueError) as error:
        raise Refused(Problem("email_not_valid", "email")) from error
    if len(found) > _EMAIL_MAX:
        raise Refused(Problem("email_not_valid", "email"))
    return found


def create_invitation(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    email: str,
    role: Role,
    invited_by: str,
) -> tuple[Invitation, str]:
    """Invite a person to the organization of the scope; returns the token, which is not kept.

    An earlier invitation of the same person is withdrawn. Raises Refused for a member.
    """
    email = email_subject(email)
    if member_role(connection, organization_id, email) is not None:
        raise Refused(Problem("member_already", "email", params={"email": email}))
    # two who invite the same person at once: the later one's link is the one that works
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{organization_id} {email}"]
    )
    connection.execute(
        "UPDATE invitations SET withdrawn_at = now() WHERE organization_id = %s AND email = %s"
        " AND accepted_at IS NULL AND withdrawn_at IS NULL",
        [organization_id, email],
    )
    token = "".join(secrets.choice(_ALPHABET) for _ in range(_CHARACTERS))
    made = (
        connection.cursor(row_factory=class_row(Invitation))
        .execute(
            "INSERT INTO invitations (id, organization_id, email, role, token_hash, invited_by,"
            " expires_at) VALUES (%s, %s, %s, %s, %s, %s, now() + make_interval(days => %s))"
            " RETURNING id, email, role, invited_by, created_at, expires_at",
            [uuid4(), organization_id, email, role, _hash(token), invited_by, DAYS],
        )
        .fetchall()
    )
    return made[0], token


def list_invitations(
    connection: psycopg.Connection[Any], organization_id: UUID
) -> list[Invitation]:
    """Return the invitations of the organization of the scope that are still open, by e-mail."""
    return (
        connection.cursor(row_factory=class_row(Invitation))
        .execute(
            "SELECT id, email, role, invited_by, created_at, expires_at FROM invitations"
            " WHERE organization_id = %s AND accepted_at IS NULL AND withdrawn_at IS NULL"
            " ORDER BY email",
            [organization_id],
        )
        .fetchall()
    )


def withdraw_invitation(
    connection: psycopg.Connection[Any], organization_id: UUID, invitation_id: UUID
) -> str | None:
    """End an open invitation at once and return its e-mail address, or None for none such."""
    withdrawn: list[tuple[str]] = connection.execute(
        "UPDATE invitations SET withdrawn_at = now() WHERE organization_id = %s AND id = %s"
        " AND accepted_at IS NULL AND withdrawn_at IS NULL RETURNING email",
        [organization_id, invitation_id],
    ).fetchall()
    return withdrawn[0][0] if withdrawn else None


def find_invitation(connection: psycopg.Connection[Any], token: str) -> FoundInvitation | None:
    """Return what a link stands for, or None when it is unknown, used, withdrawn or expired.

    Needs no scope: this is how a person who is no member yet finds the organization.
    """
    if not _TOKEN.fullmatch(token):
        return None
    return (
        connection.cursor(row_factory=class_row(FoundInvitation))
        .execute("SELECT * FROM find_invitation(%s)", [_hash(token)])
        .fetchone()
    )


def use_invitation(
    connection: psycopg.Connection[Any], organization_id: UUID, invitation_id: UUID
) -> bool:
    """Mark an invitation as accepted; False when somebody was faster or it ended meanwhile."""
    return (
        connection.execute(
            "UPDATE invitations SET accepted_at = now() WHERE organization_id = %s AND id = %s"
            " AND accepted_at IS NULL AND withdrawn_at IS NULL AND expires_at > now()",
            [organization_id, invitation_id],
        ).rowcount
        == 1
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
