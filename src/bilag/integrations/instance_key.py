"""The installation's own key: what signs for the whole installation is derived from it.

One row, wrapped like a data key, so that it works with every source of master keys.
"""

from typing import Any

import psycopg
from psycopg.rows import class_row, tuple_row

from bilag.integrations.keys import NOBODY, DataKey, Vault, VaultError, WrappedKey
from bilag.integrations.rotation import StoredKey


def instance_key(connection: psycopg.Connection[Any], vault: Vault) -> DataKey:
    """Return the installation's own key, made now when there is none; raises VaultError."""
    row = _row(connection)
    if row is None:
        _, fresh = vault.new_data_key(NOBODY)
        connection.execute(
            "INSERT INTO instance_keys (id, master_key_id, wrapped) VALUES (%s, %s, %s)"
            " ON CONFLICT (singleton) DO NOTHING",
            [fresh.id, fresh.master_key_id, fresh.wrapped],
        )
        row = _row(connection) or fresh
    return vault.unwrap(row)


def check_instance_key(connection: psycopg.Connection[Any], vault: Vault) -> StoredKey | None:
    """Return the installation's own key with what is wrong with it, or None while it has none."""
    row = _row(connection)
    if row is None:
        return None
    ((created_at,),) = (
        connection.cursor(row_factory=tuple_row)
        .execute("SELECT created_at FROM instance_keys")
        .fetchall()
    )
    faults: tuple[str, ...] = ()
    try:
        vault.unwrap(row)
    except VaultError as error:
        faults = (str(error),)
    return StoredKey(row.id, row.master_key_id, True, created_at, 0, faults)


def rewrap_instance_key(connection: psycopg.Connection[Any], vault: Vault) -> int:
    """Wrap the installation's own key with the current master key; returns 1 when it needed it."""
    row = _row(connection)
    fresh = vault.rewrap(row) if row is not None else None
    if row is None or fresh is None:
        return 0
    return connection.execute(
        "UPDATE instance_keys SET master_key_id = %s, wrapped = %s WHERE id = %s AND wrapped = %s",
        [fresh.master_key_id, fresh.wrapped, row.id, row.wrapped],
    ).rowcount


def _row(connection: psycopg.Connection[Any]) -> WrappedKey | None:
    return (
        connection.cursor(row_factory=class_row(WrappedKey))
        .execute(
            "SELECT %s::uuid AS organization_id, id, master_key_id, wrapped FROM instance_keys",
            [NOBODY],
        )
        .fetchone()
    )
