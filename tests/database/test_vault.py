"""The vault: credentials come back only through their own row, organization and master key."""

import base64
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bilag.integrations.rotation import rewrap
from bilag.integrations.vault import (
    MasterKey,
    Vault,
    VaultError,
    audit_key,
    delete_credential,
    describe_credentials,
    load_data_key,
    load_data_key_async,
    put_credential,
    read_credentials,
    read_credentials_async,
)
from tests.clusters import Database
from tests.database.people import (
    ALICE,
    CHARLIE,
    LEDGER,
    an_integration,
    scope,
    scope_async,
    two_organizations,
)

SECRET = "correct-horse-battery-4711"


def a_vault() -> Vault:
    return Vault(MasterKey(secrets.token_bytes(32)))


@pytest.fixture
def url(database: Database) -> str:
    two_organizations(database.application_url)
    return database.application_url


@pytest.fixture
def vault(url: str) -> Vault:
    """A vault in which Alice's ledger has an API key."""
    vault = a_vault()
    with scope(url, ALICE) as connection:
        put_credential(connection, vault, ALICE, LEDGER, "api_key", SECRET, "Administrator 001")
    return vault


def test_a_credential_is_read_back_and_shown_only_masked(url: str, vault: Vault) -> None:
    expires = datetime(2027, 1, 31, tzinfo=UTC)
    with scope(url, ALICE) as connection:
        put_credential(connection, vault, ALICE, LEDGER, "password", "short-7", "A", expires)
        assert read_credentials(connection, vault, ALICE, LEDGER) == {
            "api_key": SECRET,
            "password": "short-7",
        }
        key, password = describe_credentials(connection, ALICE, LEDGER)
    assert (key.masked, key.set_by, key.expires_at) == ("••••••••4711", "Administrator 001", None)
    assert (password.masked, password.expires_at) == ("••••••••", expires)


def test_nothing_in_the_database_holds_the_secret(
    database: Database, url: str, vault: Vault
) -> None:
    with psycopg.connect(database.owner_url) as owner:
        rows = owner.execute("SELECT row_to_json(c), sealed FROM credentials c").fetchall()
        keys = owner.execute("SELECT row_to_json(k), wrapped FROM data_keys k").fetchall()
    with scope(url, ALICE) as connection:
        data_key = load_data_key(connection, vault, ALICE).key
    assert len(rows) == len(keys) == 1
    assert SECRET not in str(rows)
    assert SECRET.encode() not in rows[0][1]
    assert data_key not in keys[0][1]


def test_the_same_secret_is_sealed_differently_each_time(
    database: Database, url: str, vault: Vault
) -> None:
    def sealed() -> bytes:
        with psycopg.connect(database.owner_url) as owner:
            row = owner.execute("SELECT sealed FROM credentials").fetchone()
        assert row is not None
        return bytes(row[0])

    before = sealed()
    with scope(url, ALICE) as connection:
        put_credential(connection, vault, ALICE, LEDGER, "api_key", SECRET, "A")
    assert sealed() != before


def test_a_credential_moved_to_another_field_does_not_open(
    database: Database, url: str, vault: Vault
) -> None:
    with scope(url, ALICE) as connection:
        put_credential(connection, vault, ALICE, LEDGER, "password", "another-secret", "A")
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE credentials c SET sealed = o.sealed FROM credentials o WHERE o.field <> c.field"
        )
    with scope(url, ALICE) as connection, pytest.raises(VaultError, match="another row"):
        read_credentials(connection, vault, ALICE, LEDGER)


def test_a_credential_moved_to_another_integration_does_not_open(
    database: Database, url: str, vault: Vault
) -> None:
    second = an_integration(key="second")
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "INSERT INTO organization_integrations (id, organization_id, book_id, key, name,"
            " integration_type, is_route) VALUES (%s, %s, %s, 'second', 'S', 'rest', false)",
            [second.id, ALICE, second.book.id],
        )
        owner.execute("UPDATE credentials SET integration_id = %s", [second.id])
    with scope(url, ALICE) as connection, pytest.raises(VaultError, match="'api_key'"):
        read_credentials(connection, vault, ALICE, second.id)


def test_a_credential_moved_to_another_organization_does_not_open(
    database: Database, url: str, vault: Vault
) -> None:
    stolen = an_integration(CHARLIE).id
    move = "UPDATE credentials SET organization_id = %s, integration_id = %s"
    with (
        psycopg.connect(database.owner_url) as owner,
        pytest.raises(psycopg.errors.ForeignKeyViolation),
    ):
        owner.execute(move, [CHARLIE, stolen])
    with psycopg.connect(database.owner_url) as owner:
        # whoever owns the database can take the constraint away, and still reads nothing
        owner.execute(
            "ALTER TABLE credentials DROP CONSTRAINT credentials_organization_id_data_key_id_fkey"
        )
        owner.execute(move, [CHARLIE, stolen])
        owner.execute("UPDATE data_keys SET organization_id = %s", [CHARLIE])
    with scope(url, CHARLIE) as connection, pytest.raises(VaultError, match="another organization"):
        read_credentials(connection, vault, CHARLIE, stolen)


def test_a_changed_byte_is_found(database: Database, url: str, vault: Vault) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE credentials SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)"
        )
    with scope(url, ALICE) as connection, pytest.raises(VaultError, match="Enter it again"):
        read_credentials(connection, vault, ALICE, LEDGER)


def test_a_wrong_master_key_is_named_by_its_id_and_never_shown(url: str, vault: Vault) -> None:
    key = secrets.token_bytes(32)
    wrong = Vault(MasterKey(key))
    with scope(url, ALICE) as connection, pytest.raises(VaultError) as refused:
        read_credentials(connection, wrong, ALICE, LEDGER)
    text = str(refused.value)
    assert vault.current.id in text
    assert wrong.current.id in text
    for hidden in (SECRET, base64.b64encode(key).decode(), key.hex(), repr(key)):
        assert hidden not in text


def test_a_new_master_key_takes_over_without_touching_credentials(
    database: Database, url: str
) -> None:
    old, new = MasterKey(secrets.token_bytes(32)), MasterKey(secrets.token_bytes(32))
    with scope(url, ALICE) as connection:
        put_credential(connection, Vault(old), ALICE, LEDGER, "api_key", SECRET, "A")
    with psycopg.connect(database.owner_url) as owner:
        before = owner.execute("SELECT sealed FROM credentials").fetchall()
    with scope(url, ALICE) as connection:
        assert rewrap(connection, Vault(new, old), ALICE) == 1
        assert rewrap(connection, Vault(new, old), ALICE) == 0
        assert read_credentials(connection, Vault(new), ALICE, LEDGER) == {"api_key": SECRET}
    with psycopg.connect(database.owner_url) as owner:
        assert owner.execute("SELECT sealed FROM credentials").fetchall() == before


def test_an_outsider_gets_nothing_out_and_nothing_in(url: str, vault: Vault) -> None:
    with scope(url, CHARLIE) as connection:
        assert read_credentials(connection, vault, ALICE, LEDGER) == {}
        assert describe_credentials(connection, ALICE, LEDGER) == []
        assert delete_credential(connection, ALICE, LEDGER, "api_key") is False
        assert rewrap(connection, a_vault(), ALICE) == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege), scope(url, CHARLIE) as connection:
        put_credential(connection, vault, ALICE, LEDGER, "api_key", "overwritten", "Charlie")
    with psycopg.connect(url) as unscoped:
        assert read_credentials(unscoped, vault, ALICE, LEDGER) == {}
    with scope(url, ALICE) as connection:
        assert read_credentials(connection, vault, ALICE, LEDGER) == {"api_key": SECRET}


def test_two_at_once_make_one_data_key(database: Database, url: str) -> None:
    vault, both = a_vault(), threading.Barrier(4)

    def load(_: int) -> bytes:
        with scope(url, CHARLIE) as connection:
            both.wait()
            return load_data_key(connection, vault, CHARLIE).key

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(load, range(4)))) == 1
    with psycopg.connect(database.owner_url) as owner:
        assert owner.execute("SELECT count(*) FROM data_keys").fetchone() == (1,)


async def test_the_worker_reads_the_same(url: str, vault: Vault) -> None:
    with scope(url, ALICE) as connection:
        key = load_data_key(connection, vault, ALICE)
    async with scope_async(url, ALICE) as connection:
        assert await read_credentials_async(connection, vault, ALICE, LEDGER) == {"api_key": SECRET}
        assert await load_data_key_async(connection, vault, ALICE) == key
    async with scope_async(url, CHARLIE) as connection:
        assert await read_credentials_async(connection, vault, ALICE, LEDGER) == {}
        made = await load_data_key_async(connection, vault, CHARLIE)
    with scope(url, CHARLIE) as connection:
        assert load_data_key(connection, vault, CHARLIE) == made


def test_the_audit_key_is_each_organizations_own(url: str, vault: Vault) -> None:
    with scope(url, ALICE) as connection:
        alice = load_data_key(connection, vault, ALICE)
    with scope(url, CHARLIE) as connection:
        charlie = load_data_key(connection, vault, CHARLIE)
    assert audit_key(alice) == audit_key(alice)
    assert len({audit_key(alice), audit_key(charlie), alice.key, charlie.key}) == 4
    assert alice.key.hex() not in repr(alice)
    assert repr(alice.key) not in repr(alice)


def test_the_audit_key_of_an_organization_that_was_there_before_stays(vault: Vault) -> None:
    key, row = vault.new_data_key(ALICE)
    derived = HKDF(SHA256(), 32, salt=None, info=b"bilag audit").derive(key.key)
    assert row.audit_sealed is None
    assert audit_key(vault.unwrap(row)) == derived
    _, later = vault.successor(key)
    assert audit_key(vault.unwrap(later)) == derived
    with pytest.raises(VaultError, match="changed in the database"):
        vault.unwrap(replace(later, audit_sealed=vault.successor(key)[1].audit_sealed))


def test_an_empty_secret_is_refused(url: str, vault: Vault) -> None:
    with scope(url, ALICE) as connection, pytest.raises(VaultError, match="'api_key' is empty"):
        put_credential(connection, vault, ALICE, LEDGER, "api_key", "", "A")
