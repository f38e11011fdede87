"""Credentials in the database: sealed with their organization's data key, opened only to be used.

X1. Every function runs inside `organization_scope`; what people see is a mask with the last four.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from bilag.integrations.keys import (
    DataKey,
    MasterKey,
    Vault,
    VaultError,
    WrappedKey,
    audit_key,
    open_vault,
)

__all__ = [
    "CALLBACK_CREDENTIAL", "CredentialDescription", "DataKey", "MasterKey", "Vault", "VaultError",
    "audit_key", "delete_credential", "describe_credentials", "load_data_key",
    "load_data_key_async", "open_vault", "put_credential", "read_credentials",
    "read_credentials_async", "rewrap",
]  # fmt: skip

# What an accounting system signs its callbacks with; an integration of any type may have one.
CALLBACK_CREDENTIAL = "callback_secret"

_MASK = "•" * 8
# Of a shorter secret the last four would give away too much.
_SHOWN_FROM = 8


@dataclass(frozen=True, slots=True)
class CredentialDescription:
    """A credential as it may be shown: `••••••••abcd`, who set it, when, and when it expires."""

    field: str
    masked: str
    set_by: str
    set_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Sealed:
    field: str
    sealed: bytes
    id: UUID | None
    master_key_id: str
    wrapped: bytes


_DATA_KEY = """
SELECT organization_id, id, master_key_id, wrapped FROM data_keys
WHERE organization_id = %s ORDER BY created_at, id LIMIT 1
"""
# Two who miss the key at once wait here for each other, so that an organization gets one key.
_ONE_AT_A_TIME = "SELECT FROM organizations WHERE id = %s FOR NO KEY UPDATE"
_ADD_DATA_KEY = """
INSERT INTO data_keys (organization_id, id, master_key_id, wrapped) VALUES (%s, %s, %s, %s)
"""
_READ = """
SELECT c.field, c.sealed, k.id, coalesce(k.master_key_id, '') AS master_key_id,
    coalesce(k.wrapped, '') AS wrapped
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
        return vault.unwrap(row)
    key, row = vault.new_data_key(organization_id)
    await connection.execute(_ADD_DATA_KEY, _columns(row))
    return key


def rewrap(connection: psycopg.Connection[Any], vault: Vault, organization_id: UUID) -> int:
    """Wrap the organization's data keys with the current master key; returns how many needed it.

    Credentials stay as they are, and workers that know both master keys notice nothing.
    """
    keys = connection.cursor(row_factory=class_row(WrappedKey))
    rows = keys.execute(
        "SELECT organization_id, id, master_key_id, wrapped FROM data_keys"
        " WHERE organization_id = %s AND master_key_id <> %s FOR UPDATE",
        [organization_id, vault.current.id],
    ).fetchall()
    for row in rows:
        fresh = vault.wrap(vault.unwrap(row))
        connection.execute(
            "UPDATE data_keys SET master_key_id = %s, wrapped = %s"
            " WHERE organization_id = %s AND id = %s",
            [fresh.master_key_id, fresh.wrapped, organization_id, row.id],
        )
    return len(rows)


def put_credential(
    connection: psycopg.Connection[Any],
    vault: Vault,
    organization_id: UUID,
    integration_id: UUID,
    field: str,
    secret: str,
    set_by: str,
    expires_at: datetime | None = None,
) -> None:
    """Seal a credential into its row, in place of the one that stood there.

    Raises VaultError for an empty secret, or when the organization's data key cannot be opened.
    """
    if not secret:
        raise VaultError(f"the credential {field!r} is empty")
    key = load_data_key(connection, vault, organization_id)
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
    return _opened(vault, organization_id, integration_id, found)


def describe_credentials(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID
) -> list[CredentialDescription]:
    """Return what may be shown of an integration's credentials, by field; needs no key."""
    return (
        connection.cursor(row_factory=class_row(CredentialDescription))
        .execute(
            "SELECT field, %s || last_four AS masked, set_by, set_at, expires_at"
            " FROM credentials WHERE organization_id = %s AND integration_id = %s ORDER BY field",
            [_MASK, organization_id, integration_id],
        )
        .fetchall()
    )


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
            wrapped = WrappedKey(organization_id, row.id, row.master_key_id, row.wrapped)
            keys[row.id] = vault.unwrap(wrapped)
        opened[row.field] = keys[row.id].open(row.sealed, integration_id, row.field)
    return opened
