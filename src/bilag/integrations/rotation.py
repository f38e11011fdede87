"""New keys for old, while syncs run (X1): every step is a transaction, and a run goes on after any.

Two runs at once do no harm: each row is re-sealed once, and a key is deleted when nothing needs it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row, tuple_row

from bilag.integrations.keys import DataKey, Vault, VaultError, WrappedKey
from bilag.tenants.scope import organization_scope

# Failure policy: so many rows are re-sealed in one transaction; a sync that reads them never waits.
ROWS_AT_ONCE = 100

# Each with the column whose id a row is sealed for, besides its organization and its field.
_SEALED_TABLES = {
    "credentials": "integration_id",
    "kept_credentials": "integration_id",
    "organization_secrets": "organization_id",
}
_COLUMNS = "organization_id, id, master_key_id, wrapped, audit_sealed"

Note = Callable[[psycopg.Connection[Any], dict[str, str]], None]


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A data key as it stands in the database: who wraps it, since when, how many rows need it."""

    id: UUID
    master_key_id: str
    is_current: bool
    created_at: datetime
    credentials: int
    faults: tuple[str, ...] = ()


def rewrap(connection: psycopg.Connection[Any], vault: Vault, organization_id: UUID) -> int:
    """Wrap an organization's data keys with the current master key; returns how many needed it.

    Runs inside `organization_scope`. Credentials stay as they are, and workers that know both
    master keys notice nothing. No row is locked while a remote master key answers.
    """
    count = 0
    for row in _data_keys(connection, organization_id):
        fresh = vault.rewrap(row)
        if fresh is not None:
            count += connection.execute(
                "UPDATE data_keys SET master_key_id = %s, wrapped = %s"
                " WHERE organization_id = %s AND id = %s AND wrapped = %s",
                [fresh.master_key_id, fresh.wrapped, organization_id, row.id, row.wrapped],
            ).rowcount
    return count


def rotate_data_key(
    connection: psycopg.Connection[Any],
    vault: Vault,
    organization_id: UUID,
    note: Note,
    older_than: datetime | None = None,
) -> Iterator[str]:
    """Give an organization a new data key and re-seal all its rows; yields after each step.

    What an interrupted run left is finished first, without another new key. `older_than` spares a
    key that is newer; `note` writes the change down in the last transaction. Raises VaultError.
    """
    if not _replace_current(connection, vault, organization_id, older_than):
        return
    yield "new data key"
    retired = 1
    while retired:
        with organization_scope(connection, organization_id):
            keys = {row.id: vault.unwrap(row) for row in _data_keys(connection, organization_id)}
            current = _current(connection, organization_id)
        for table in _SEALED_TABLES:
            while count := _reseal(connection, keys, keys[current.id], table):
                yield f"{count} {table} sealed anew"
        with organization_scope(connection, organization_id):
            retired, deleted = _delete_retired(connection, organization_id)
            if deleted:
                note(connection, {"dataKey": str(current.id), "masterKey": current.master_key_id})
    yield "former data key deleted"


def _replace_current(
    connection: psycopg.Connection[Any],
    vault: Vault,
    organization_id: UUID,
    older_than: datetime | None,
) -> bool:
    """Make a new key the current one, or find one that is retired already; False for neither."""
    with organization_scope(connection, organization_id):
        keys = _data_keys(connection, organization_id)
        if len(keys) > 1:
            return True
        due = connection.cursor(row_factory=tuple_row).execute(
            "SELECT FROM data_keys WHERE organization_id = %s AND is_current"
            " AND created_at < coalesce(%s::timestamptz, 'infinity')",
            [organization_id, older_than],
        )
        if due.fetchone() is None:
            return False
    # a remote master key is asked without a transaction
    _, row = vault.successor(vault.unwrap(keys[0]))
    with organization_scope(connection, organization_id):
        retired = connection.execute(
            "UPDATE data_keys SET is_current = false"
            " WHERE organization_id = %s AND id = %s AND is_current",
            [organization_id, keys[0].id],
        )
        if retired.rowcount:
            connection.execute(
                f"INSERT INTO data_keys ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s)",
                [organization_id, row.id, row.master_key_id, row.wrapped, row.audit_sealed],
            )
    return True


def _reseal(
    connection: psycopg.Connection[Any],
    keys: Mapping[UUID, DataKey],
    current: DataKey,
    table: str,
) -> int:
    """Seal a chunk of rows with the current key; returns how many, 0 when none is left."""
    with organization_scope(connection, current.organization_id):
        rows = connection.cursor(row_factory=tuple_row)
        names = {"table": sql.Identifier(table), "of": sql.Identifier(_SEALED_TABLES[table])}
        found = rows.execute(
            sql.SQL(
                "SELECT {of}, field, sealed, data_key_id FROM {table}"
                " WHERE organization_id = %s AND data_key_id <> %s"
                " ORDER BY {of}, field LIMIT %s FOR UPDATE"
            ).format(**names),
            [current.organization_id, current.id, ROWS_AT_ONCE],
        ).fetchall()
        for sealed_for, field, sealed, key_id in found:
            if key_id not in keys:
                return 0  # another run has made a newer key and goes on from there
            secret = keys[key_id].open(sealed, sealed_for, field)
            connection.execute(
                sql.SQL(
                    "UPDATE {table} SET sealed = %s, data_key_id = %s"
                    " WHERE organization_id = %s AND {of} = %s AND field = %s"
                ).format(**names),
                [
                    current.seal(secret, sealed_for, field), current.id,
                    current.organization_id, sealed_for, field,
                ],
            )  # fmt: skip
        return len(found)


def _delete_retired(connection: psycopg.Connection[Any], organization_id: UUID) -> tuple[int, int]:
    """Delete retired keys that no row needs; returns how many are left, and how many are gone.

    One is left where a row was sealed with it, or another run made a newer key, in the meantime.
    """
    rows = connection.cursor(row_factory=tuple_row)
    # Waits for everybody who is sealing with one of them; the next statement sees what they wrote.
    retired = rows.execute(
        "SELECT id FROM data_keys WHERE organization_id = %s AND NOT is_current FOR UPDATE",
        [organization_id],
    ).fetchall()
    ids = [row[0] for row in retired]
    for table in _SEALED_TABLES:
        left = rows.execute(
            sql.SQL(
                "SELECT FROM {} WHERE organization_id = %s AND data_key_id = ANY (%s) LIMIT 1"
            ).format(sql.Identifier(table)),
            [organization_id, ids],
        )
        if left.fetchone() is not None:
            return len(ids), 0
    connection.execute(
        "DELETE FROM data_keys WHERE organization_id = %s AND id = ANY (%s)",
        [organization_id, ids],
    )
    return 0, len(ids)


def check_keys(
    connection: psycopg.Connection[Any], vault: Vault, organization_id: UUID
) -> list[StoredKey]:
    """Open every data key and every credential of an organization; return each key with its faults.

    Runs inside `organization_scope`. No secret is returned.
    """
    described = connection.cursor(row_factory=class_row(StoredKey)).execute(
        "SELECT id, master_key_id, is_current, created_at, 0 AS credentials FROM data_keys"
        " WHERE organization_id = %s",
        [organization_id],
    )
    stored = {one.id: one for one in described}
    rows = [row for row in _data_keys(connection, organization_id) if row.id in stored]
    return [_checked(connection, vault, row, stored[row.id]) for row in rows]


def _checked(
    connection: psycopg.Connection[Any], vault: Vault, row: WrappedKey, stored: StoredKey
) -> StoredKey:
    rows = connection.cursor(row_factory=tuple_row)
    sealed = [
        one
        for table, of in _SEALED_TABLES.items()
        for one in rows.execute(
            sql.SQL(
                "SELECT {}, field, sealed FROM {} WHERE organization_id = %s AND data_key_id = %s"
            ).format(sql.Identifier(of), sql.Identifier(table)),
            [row.organization_id, row.id],
        ).fetchall()
    ]
    faults = []
    try:
        key = vault.unwrap(row)
    except VaultError as error:
        return replace(stored, credentials=len(sealed), faults=(str(error),))
    for sealed_for, field, text in sealed:
        try:
            key.open(text, sealed_for, field)
        except VaultError as error:
            faults.append(str(error))
    return replace(stored, credentials=len(sealed), faults=tuple(faults))


def _data_keys(connection: psycopg.Connection[Any], organization_id: UUID) -> list[WrappedKey]:
    return (
        connection.cursor(row_factory=class_row(WrappedKey))
        .execute(
            f"SELECT {_COLUMNS} FROM data_keys WHERE organization_id = %s ORDER BY created_at, id",
            [organization_id],
        )
        .fetchall()
    )


def _current(connection: psycopg.Connection[Any], organization_id: UUID) -> WrappedKey:
    (row,) = (
        connection.cursor(row_factory=class_row(WrappedKey))
        .execute(
            f"SELECT {_COLUMNS} FROM data_keys WHERE organization_id = %s AND is_current",
            [organization_id],
        )
        .fetchall()
    )
    return row
