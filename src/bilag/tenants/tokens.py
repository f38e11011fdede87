"""API tokens: scoped, expiring, shown once; the database keeps SHA-256 and the last four only (X3).

A token is 40 random base62 characters (238 bits), so a fast hash of it cannot be guessed back.
"""

import hashlib
import re
import secrets
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import class_row, tuple_row

from bilag.core.problem import Problem, Refused
from bilag.tenants.callers import SCOPES, Caller

DAYS_DEFAULT = 365
DAYS_MAX = 730
NAME_MAX = 200

PREFIX = "bilag_"
_ALPHABET = string.ascii_letters + string.digits
_CHARACTERS = 40
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9]{{{_CHARACTERS}}}")


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token as it may be shown: never more of it than its last four characters.

    `last_used_at` is true to the hour; `in_use` is false once it was ended or has expired.
    """

    id: UUID
    name: str
    last_four: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    in_use: bool


def create_token(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    name: str,
    scopes: Iterable[str],
    days: int = DAYS_DEFAULT,
    token_id: UUID | None = None,
) -> str:
    """Make a token for the organization of the scope and return it; it cannot be read again.

    Raises Refused for an empty or overlong name, an unknown or missing scope, or days outside 1 to
    730.
    """
    wanted = sorted(set(scopes))
    problems = []
    if not name.strip():
        problems.append(Problem("token_without_name", "name"))
    if len(name.strip()) > NAME_MAX:
        problems.append(Problem("value_text_long", "name", params={"maximum": str(NAME_MAX)}))
    known = ", ".join(SCOPES)
    if not wanted:
        problems.append(Problem("token_without_scope", "scope", params={"scopes": known}))
    for unknown in sorted(set(wanted) - set(SCOPES)):
        params = {"scope": unknown, "scopes": known}
        problems.append(Problem("token_scope_unknown", "scope", params=params))
    if not 1 <= days <= DAYS_MAX:
        problems.append(Problem("token_days", "days", params={"most": str(DAYS_MAX)}))
    if problems:
        raise Refused(*problems)
    token = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_CHARACTERS))
    connection.execute(
        "INSERT INTO api_tokens (id, organization_id, name, token_hash, last_four, scopes,"
        " expires_at) VALUES (%s, %s, %s, %s, %s, %s, now() + make_interval(days => %s))",
        [
            token_id or uuid4(), organization_id, name.strip(), token_hash(token), token[-4:],
            wanted, days,
        ],
    )  # fmt: skip
    return token


def authenticate(connection: psycopg.Connection[Any], token: str) -> Caller | None:
    """Return who a token speaks for, or None when it is unknown, revoked or expired.

    Needs no scope: this is how a request finds out which scope to open. Notes the hour of use.
    """
    if not _TOKEN.fullmatch(token):
        return None
    row = (
        connection.cursor(row_factory=tuple_row)
        .execute(
            "SELECT organization_id, token_id, scopes FROM authenticate_token(%s)",
            [token_hash(token)],
        )
        .fetchone()
    )
    return Caller(row[0], f"token {row[1]}", tuple(row[2])) if row else None


def list_tokens(connection: psycopg.Connection[Any], organization_id: UUID) -> list[ListedToken]:
    """Return the tokens of the organization of the scope, newest first, masked."""
    return (
        connection.cursor(row_factory=class_row(ListedToken))
        .execute(
            "SELECT id, name, last_four, scopes, created_at, expires_at, revoked_at, last_used_at,"
            " revoked_at IS NULL AND expires_at > now() AS in_use"
            " FROM api_tokens WHERE organization_id = %s ORDER BY created_at DESC, id",
            [organization_id],
        )
        .fetchall()
    )


def revoke(connection: psycopg.Connection[Any], organization_id: UUID, token_id: UUID) -> bool:
    """End a token at once; returns False when there was no such token in use."""
    return (
        connection.execute(
            "UPDATE api_tokens SET revoked_at = now()"
            " WHERE organization_id = %s AND id = %s AND revoked_at IS NULL",
            [organization_id, token_id],
        ).rowcount
        == 1
    )


def token_hash(token: str) -> bytes:
    """Return the hash by which a token is known; the token cannot be had back from it."""
    return hashlib.sha256(token.encode()).digest()
