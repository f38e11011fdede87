"""Credentials in the database: sealed with their organization's data key, opened only to be used.

X1. Every function runs inside `organization_scope`; what people see is a mask with the last four.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from bilag.integrations.key_sources import open_vault
from bilag.integrations.keys import (
    DataKey,
    KeysUnreachable,
    MasterKey,
    Vault,
    VaultError,
    WrappedKey,
    audit_key,
)
from bilag.integrations.runtime import clear_warning

__all__ = [
    "CALLBACK_CREDENTIAL", "CredentialDescription", "DataKey", "KeysUnreachable", "MasterKey",
    "Vault", "VaultError", "audit_key", "delete_credential", "describe_credentials",
    "load_data_key", "load_data_key_async", "open_vault", "put_credential", "read_credentials",
    "read_credentials_async",
]  # fmt: skip

# What an accounting system signs its callbacks with; an integration of any type may have one.
CALLBACK_CREDENTIAL = "callback_secret"

EXPIRES_SOON_DAYS = 14

_MASK = "•" * 8
# Of a shorter secret the last four would give away too much.
_SHOWN_FROM = 8


@dataclass(frozen=True, slots=True)
class CredentialDescription:
    """A credential as it may be shown: `••••••••abcd`, who set it, when, and when it expires.

    `kept` masks the one before it, which is used again should this one be refused before it has
    sent anything; empty when there is none.
    """

    field: str
    masked: str
    set_by: str
    set_at: datetime
    expires_at: datetime | None
    kept: str = ""

    def days_left(self, now: datetime) -> int | None:
        """Return in how many whole days it expires, negative when it has; None without a date."""
        return None if self.expires_at is None else (self.expires_at - now).days

    def expires_soon(self, now: datetime) -> bool:
        """Return whether it has expired, or does so within EXPIRES_SOON_DAYS."""
        left = self.days_left(now)
        return left is not None and left <= EXPIRES_SOON_DAYS


@dataclass(frozen=True, slots=True)
class _Sealed:
    field: str
    sealed: bytes
    id: UUID | None
    master_key_id: str
    wrapped: bytes
    audit_sealed: bytes | None


_DATA_KEY = """
SELECT organization_id, id, master_key_id, wrapped, audit_sealed FROM data_keys
WHERE organization_id = %s AND is_current
"""
# Whoever seals with a key holds it until the row that needs it is there: a rotation waits for that.
_HELD_DATA_KEY = f"{_DATA_KEY} FOR KEY SHARE"
# Two who miss the key at once wait here for each other, so that an organization gets one key.
_ONE_AT_A_TIME = "SELECT FROM organizations WHERE id = %s FOR NO KEY UPDATE"
_ADD_DATA_KEY = """
INSERT INTO data_keys (organization_id, id, master_key_id, wrapped) VALUES (%s, %s, %s, %s)
"""
_READ = """
SELECT c.field, c.sealed, k.id, coalesce(k.master_key_id, '') AS master_key_id,
    coalesce(k.wrapped, '') AS wrapped, k.audit_sealed
FROM credentials c
LEFT JOIN data_keys k ON k.id = c.data_key_id AND k.organization_id = c.organization_id
WHERE c.organization_id = %s AND c.integration_id = %s
"""
_PUT = """
INSERT INTO credentials
    (organization_id, integration_id, field, data_key_id, sealed, last_four, set_by, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (integration_id, field) DO UPDATE SET data_key_id = excluded.data_key_id,
    sealed = excluded.sealed, last_four = excluded.last_four, set_by = excluded.set_by,
    set_at = now(), expires_at = excluded.expires_at
"""
_KEEP = """
INSERT INTO kept_credentials (organization_id, integration_id, field, data_key_id, sealed,
    last_four, set_by, set_at, expires_at)
SELECT organization_id, integration_id, field, data_key_id, sealed, last_four, set_by, set_at,
    expires_at FROM credentials
WHERE organization_id = %s AND integration_id = %s AND field = %s
ON CONFLICT (integration_id, field) DO NOTHING
"""
_FORGET_KEPT = """
DELETE FROM kept_credentials WHERE organization_id = %s AND integration_id = %s AND field = %s
"""
_DESCRIBE = """
SELECT c.field, %(mask)s || c.last_four AS masked, c.set_by, c.set_at, c.expires_at,
    coalesce(%(mask)s || k.last_four, '') AS kept
FROM credentials c
LEFT JOIN kept_credentials k ON k.integration_id = c.integration_id AND k.field = c.field
    AND k.organization_id = c.organization_id
WHERE c.organization_id = %(organization)s AND c.integration_id = %(integration)s ORDER BY c.field
"""


def load_data_key(
    connection: psycopg.Connection[Any], vault: Vault, organization_id: UUID
) -> DataKey:
    """Return the organization's data key in clear, made now when there is none yet.

    Raises VaultError when its master key is not here or the row was changed.
    """
    keys = connection.cursor(row_factory=class_row(WrappedKey))
    row = keys.execute(_DATA_KEY, [organization_id]).fetchone()
    if row is None:
        connection.execute(_ONE_AT_A_TIME, [organization_id])
        row = keys.execute(_DATA_KEY, [organization_id]).fetchone()
    if row is not None:
        return vault.unwrap(row)
    key, row = vault.new_data_key(organization_id)
    connection.execute(_ADD_DATA_KEY, _columns(row))
    return key


async def load_data_key_async(
    connection: psycopg.AsyncConnection[Any], vault: Vault, organization_id: UUID
) -> DataKey:
    """The same for the worker."""
    keys = connection.cursor(row_factory=class_row(WrappedKey))
    row = await (await keys.execute(_DATA_KEY, [organization_id])).fetchone()
    if row is None:
        await connection.execute(_ONE_AT_A_TIME, [organization_id])
        row = await (await keys.execute(_DATA_KEY, [organization_id])).fetchone()
    if row is not None:
        return await vault.unwrap_async(row)
    key, made = await asyncio.to_thread(vault.new_data_key, organization_id)
    await connection.execute(_ADD_DATA_KEY, _columns(made))
    return key


def put_credential(
    connection: psycopg.Connection[Any],
    vault: Vault,
    organization_id: UUID,
    integration_id: UUID,
    field: str,
    secret: str,
    set_by: str,
    expires_at: datetime | None = None,
    *,
    keep_old: bool = False,
) -> None:
    """Seal a credential into its row, in place of the one that stood there.

    With `keep_old` that one stays in reserve, sealed; the one already in reserve has proven itself
    and goes before it. Raises VaultError for an empty secret, or a data key that cannot be opened.
    """
    if not secret:
        raise VaultError(f"the credential {field!r} is empty")
    key = _key_to_seal_with(connection, vault, organization_id)
    place = [organization_id, integration_id, field]
    connection.execute(_KEEP if keep_old else _FORGET_KEPT, place)
    clear_warning(connection, integration_id)
    connection.execute(
        _PUT,
        [
            organization_id,
            integration_id,
            field,
            key.id,
            key.seal(secret, integration_id, field),
            secret[-4:] if len(secret) >= _SHOWN_FROM else "",
            set_by,
            expires_at,
        ],
    )


def delete_credential(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID, field: str
) -> bool:
    """Remove a credential; returns whether there was one."""
    return (
        connection.execute(
            "DELETE FROM credentials"
            " WHERE organization_id = %s AND integration_id = %s AND field = %s",
            [organization_id, integration_id, field],
        ).rowcount
        == 1
    )


def read_credentials(
    connection: psycopg.Connection[Any], vault: Vault, organization_id: UUID, integration_id: UUID
) -> dict[str, str]:
    """Return an integration's credentials in clear, by field: for sending and testing only.

    Raises VaultError when one was sealed for another row; there is no half of an answer.
    """
    rows = connection.cursor(row_factory=class_row(_Sealed))
    found = rows.execute(_READ, [organization_id, integration_id]).fetchall()
    return _opened(vault, organization_id, integration_id, found)


async def read_credentials_async(
    connection: psycopg.AsyncConnection[Any],
    vault: Vault,
    organization_id: UUID,
    integration_id: UUID,
) -> dict[str, str]:
    """The same for the worker."""
    rows = connection.cursor(row_factory=class_row(_Sealed))
    found = await (await rows.execute(_READ, [organization_id, integration_id])).fetchall()
    for row in found:
        if row.id is not None:
            await vault.unwrap_async(_wrapped(organization_id, row.id, row))
    return _opened(vault, organization_id, integration_id, found)


def describe_credentials(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID
) -> list[CredentialDescription]:
    """Return what may be shown of an integration's credentials, by field; needs no key."""
    return (
        connection.cursor(row_factory=class_row(CredentialDescription))
        .execute(
            _DESCRIBE,
            {"mask": _MASK, "organization": organization_id, "integration": integration_id},
        )
        .fetchall()
    )


def _key_to_seal_with(
    connection: psycopg.Connection[Any], vault: Vault, organization_id: UUID
) -> DataKey:
    load_data_key(connection, vault, organization_id)
    row = (
        connection.cursor(row_factory=class_row(WrappedKey))
        .execute(_HELD_DATA_KEY, [organization_id])
        .fetchone()
    )
    # The key that was read without a lock may have been retired since; the one held cannot be.
    return vault.unwrap(row) if row else load_data_key(connection, vault, organization_id)


def _columns(row: WrappedKey) -> list[object]:
    return [row.organization_id, row.id, row.master_key_id, row.wrapped]


def _opened(
    vault: Vault, organization_id: UUID, integration_id: UUID, rows: Sequence[_Sealed]
) -> dict[str, str]:
    keys: dict[UUID, DataKey] = {}
    opened = {}
    for row in rows:
        if row.id is None:
            raise VaultError(
                f"the credential {row.field!r} of integration {integration_id} was sealed with a"
                " key of another organization; nothing is sent with it. Enter it again"
            )
        if row.id not in keys:
            keys[row.id] = vault.unwrap(_wrapped(organization_id, row.id, row))
        opened[row.field] = keys[row.id].open(row.sealed, integration_id, row.field)
    return opened


def _wrapped(organization_id: UUID, key_id: UUID, row: _Sealed) -> WrappedKey:
    return WrappedKey(organization_id, key_id, row.master_key_id, row.wrapped, row.audit_sealed)
