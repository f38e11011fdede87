"""Secrets of an organization that belong to none of its integrations, such as its webhook's (X1).

Every function runs inside `organization_scope`; they are sealed and rotated as credentials are.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, tuple_row

from bilag.integrations.keys import Vault, VaultError, WrappedKey
from bilag.integrations.vault import load_data_key

# Of a shorter secret the last four would give away too much.
_SHOWN_FROM = 8

_PUT = """
INSERT INTO organization_secrets (organization_id, field, data_key_id, sealed, last_four, set_by)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (organization_id, field) DO UPDATE SET data_key_id = excluded.data_key_id,
    sealed = excluded.sealed, last_four = excluded.last_four, set_by = excluded.set_by,
    set_at = now()
"""
# Whoever seals with a key holds it until the row that needs it is there: a rotation waits for that.
_HOLD = "SELECT FROM data_keys WHERE organization_id = %s AND id = %s AND is_current FOR KEY SHARE"
_READ = """
SELECT s.sealed, k.organization_id, k.id, k.master_key_id, k.wrapped, k.audit_sealed
FROM organization_secrets s
JOIN data_keys k ON k.id = s.data_key_id AND k.organization_id = s.organization_id
WHERE s.organization_id = %s AND s.field = %s
"""


@dataclass(frozen=True, slots=True)
class SecretDescription:
    """What may be shown of a secret: its last four characters, who set it, and when."""

    last_four: str
    set_by: str
    set_at: datetime


def put_secret(
    connection: psycopg.Connection[Any],
    vault: Vault,
    organization_id: UUID,
    field: str,
    secret: str,
    set_by: str,
) -> None:
    """Seal a secret into its row, in place of the one that stood there.

    Raises VaultError when the data key cannot be opened, or is being replaced for the third time.
    """
    for _ in range(3):
        key = load_data_key(connection, vault, organization_id)
        if connection.execute(_HOLD, [organization_id, key.id]).rowcount:
            break
    else:
        raise VaultError("the organization's data key is being replaced; try again")
    sealed = key.seal(secret, organization_id, field)
    shown = secret[-4:] if len(secret) >= _SHOWN_FROM else ""
    connection.execute(_PUT, [organization_id, field, key.id, sealed, shown, set_by])


def describe_secret(
    connection: psycopg.Connection[Any], organization_id: UUID, field: str
) -> SecretDescription | None:
    """Return what may be shown of a secret, None where there is none; needs no key."""
    rows = connection.cursor(row_factory=class_row(SecretDescription))
    return rows.execute(
        "SELECT last_four, set_by, set_at FROM organization_secrets"
        " WHERE organization_id = %s AND field = %s",
        [organization_id, field],
    ).fetchone()


async def read_secret_async(
    connection: psycopg.AsyncConnection[Any], vault: Vault, organization_id: UUID, field: str
) -> str:
    """Return a secret in clear, for the worker to sign with; empty where there is none.

    Raises VaultError when it was sealed for another row.
    """
    rows = connection.cursor(row_factory=tuple_row)
    row = await (await rows.execute(_READ, [organization_id, field])).fetchone()
    if row is None:
        return ""
    key = await vault.unwrap_async(WrappedKey(*row[1:]))
    return key.open(row[0], organization_id, field)
