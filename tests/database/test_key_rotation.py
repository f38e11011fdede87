"""New keys for old: nothing is lost wherever a run ends, and the audit key stays what it is."""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from bilag.integrations import rotation
from bilag.integrations.instance_key import (
    check_instance_key,
    instance_key,
    rewrap_instance_key,
)
from bilag.integrations.rotation import check_keys, rewrap, rotate_data_key
from bilag.integrations.vault import (
    MasterKey,
    Vault,
    VaultError,
    audit_key,
    load_data_key,
    open_vault,
    put_credential,
    read_credentials,
)
from tests.clusters import Database
from tests.database.people import ALICE, CHARLIE, LEDGER, scope, two_organizations

FIELDS = 7
CLEAR = {f"field_{n}": f"canary-{n}-value" for n in range(FIELDS)}


@pytest.fixture
def url(database: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database in which a chunk of the rotation is two rows."""
    monkeypatch.setattr(rotation, "ROWS_AT_ONCE", 2)
    two_organizations(database.application_url)
    return database.application_url


@pytest.fixture
def vault(url: str) -> Vault:
    """A vault in which Alice has seven credentials and two in reserve, and Charlie one."""
    vault = Vault(MasterKey(secrets.token_bytes(32)))
    with scope(url, ALICE) as connection:
        for name in ("field_0", "field_1"):
            put_credential(connection, vault, ALICE, LEDGER, name, "former", "A")
        for name, secret in CLEAR.items():
            put_credential(connection, vault, ALICE, LEDGER, name, secret, "A", keep_old=True)
    return vault


@pytest.fixture
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the command line has it."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def noted(_: psycopg.Connection[Any], detail: dict[str, str]) -> None:
    NOTES.append(detail)


NOTES: list[dict[str, str]] = []


def state(url: str, vault: Vault, organization: UUID = ALICE) -> tuple[dict[str, str], bytes, int]:
    """Return credentials in clear, audit key and number of data keys."""
    with scope(url, organization) as connection:
        return (
            read_credentials(connection, vault, organization, LEDGER),
            audit_key(load_data_key(connection, vault, organization)),
            len(check_keys(connection, vault, organization)),
        )


def test_a_new_data_key_seals_everything_and_carries_the_audit_key(
    url: str, vault: Vault, connection: psycopg.Connection[Any]
) -> None:
    NOTES.clear()
    with scope(url, ALICE) as before:
        old = load_data_key(before, vault, ALICE)
    for _ in range(3):
        steps = list(rotate_data_key(connection, vault, ALICE, noted))
        assert steps[0] == "new data key"
        assert steps[-1] == "former data key deleted"
        assert sum("credentials" in step for step in steps) == 4 + 1
        assert state(url, vault) == (CLEAR, audit_key(old), 1)
    with scope(url, ALICE) as after:
        new = load_data_key(after, vault, ALICE)
        reports = check_keys(after, vault, ALICE)
    assert (new.id != old.id, new.key != old.key, new.audit) == (True, True, old.audit)
    assert [(one.credentials, one.faults) for one in reports] == [(FIELDS + 2, ())]
    assert [set(note) for note in NOTES] == [{"dataKey", "masterKey"}] * 3


def test_an_interruption_after_any_step_is_finished_by_the_next_run(
    url: str, vault: Vault, connection: psycopg.Connection[Any]
) -> None:
    audit = state(url, vault)[1]
    for stop in range(1, 7):
        begun = list(islice(rotate_data_key(connection, vault, ALICE, noted), stop))
        assert begun[0] == "new data key"
        assert state(url, vault) == (CLEAR, audit, 2), "everything opens in the middle"
        # what is set in the middle is sealed with the new key
        with scope(url, ALICE) as other:
            put_credential(other, vault, ALICE, LEDGER, "field_3", CLEAR["field_3"], "A")
        NOTES.clear()
        list(rotate_data_key(connection, vault, ALICE, noted))
        assert state(url, vault) == (CLEAR, audit, 1), "no third key was made"
        assert len(NOTES) == 1


def test_two_runs_and_people_at_once_lose_nothing(url: str, vault: Vault) -> None:
    audit = state(url, vault)[1]
    failed: list[BaseException] = []
    until = time.monotonic() + 3

    def again_and_again(what: str) -> None:
        try:
            while time.monotonic() < until:
                if what == "rotate":
                    with psycopg.connect(url, autocommit=True) as own:
                        list(rotate_data_key(own, vault, ALICE, noted))
                elif what == "put":
                    with scope(url, ALICE) as own:
                        for name, secret in CLEAR.items():
                            put_credential(own, vault, ALICE, LEDGER, name, secret, "A")
                else:
                    with scope(url, ALICE) as own:
                        assert read_credentials(own, vault, ALICE, LEDGER) == CLEAR
                        assert audit_key(load_data_key(own, vault, ALICE)) == audit
        except BaseException as error:
            failed.append(error)
            raise

    threads = [
        threading.Thread(target=again_and_again, args=(what,))
        for what in ("rotate", "rotate", "put", "read")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with psycopg.connect(url, autocommit=True) as own:
        list(rotate_data_key(own, vault, ALICE, noted))
    assert state(url, vault) == (CLEAR, audit, 1)


def test_a_newer_key_is_spared(url: str, vault: Vault, connection: psycopg.Connection[Any]) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert list(rotate_data_key(connection, vault, ALICE, noted, yesterday)) == []
    assert list(rotate_data_key(connection, vault, CHARLIE, noted)) == [], "it has no key yet"
    begun = islice(rotate_data_key(connection, vault, ALICE, noted), 1)
    assert list(begun) == ["new data key"]
    assert list(rotate_data_key(connection, vault, ALICE, noted, yesterday)), "begun is finished"
    assert state(url, vault)[2] == 1


def test_a_damaged_row_is_named_and_stops_nobody_else(
    database: Database, url: str, vault: Vault, connection: psycopg.Connection[Any]
) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE credentials SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)"
            " WHERE field = 'field_6'"
        )
    with scope(url, ALICE) as own:
        (report,) = check_keys(own, vault, ALICE)
    (fault,) = report.faults
    assert "'field_6'" in fault
    with pytest.raises(VaultError, match="field_6"):
        list(rotate_data_key(connection, vault, ALICE, noted))
    with scope(url, ALICE) as own:
        put_credential(own, vault, ALICE, LEDGER, "field_6", CLEAR["field_6"], "A")
    list(rotate_data_key(connection, vault, ALICE, noted))
    assert state(url, vault)[0] == CLEAR
    assert state(url, vault)[2] == 1


def test_the_installations_own_key_outlives_a_master_key(
    connection: psycopg.Connection[Any], url: str
) -> None:
    old, new = MasterKey(secrets.token_bytes(32)), MasterKey(secrets.token_bytes(32))
    signing = instance_key(connection, Vault(old)).derived("web")
    assert instance_key(connection, Vault(old)).derived("web") == signing != ""
    assert rewrap_instance_key(connection, Vault(new, old)) == 1
    assert rewrap_instance_key(connection, Vault(new, old)) == 0
    assert instance_key(connection, Vault(new)).derived("web") == signing
    assert instance_key(connection, Vault(new)).derived("other") != signing
    checked = check_instance_key(connection, Vault(old))
    assert checked is not None
    assert new.id in checked.faults[0]


def test_an_outsider_rotates_and_sees_nothing(
    url: str, vault: Vault, connection: psycopg.Connection[Any]
) -> None:
    with scope(url, CHARLIE) as own:
        assert check_keys(own, vault, ALICE) == []
        assert rewrap(own, Vault(MasterKey(secrets.token_bytes(32))), ALICE) == 0
    before = state(url, vault)
    list(rotate_data_key(connection, vault, CHARLIE, noted))
    assert state(url, vault) == before


def test_a_killed_command_is_finished_by_the_next(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database.application_url
    two_organizations(url)
    vault = open_vault(tmp_path, {})
    with scope(url, ALICE) as own:
        for n in range(1500):
            put_credential(own, vault, ALICE, LEDGER, f"field_{n}", f"canary-{n}-value", "A")
    clear, audit, _ = state(url, vault)
    environment = {**os.environ, "BILAG_HOME": str(tmp_path), "BILAG_DATABASE_URL": url}
    command = [sys.executable, "-m", "bilag.app.cli", "keys"]
    interrupted = 0
    for lines in (1, 2, 5, 9):
        process = subprocess.Popen(
            [*command, "rotate", "alice"],
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        list(islice(process.stdout, lines))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = state(url, vault)
        assert found[:2] == (clear, audit)
        interrupted += found[2] == 2
    assert interrupted > 0, "no kill came in the middle"
    done = subprocess.run(
        [*command, "rotate"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert state(url, vault) == (clear, audit, 1)
    checked = subprocess.run(
        [*command, "check", "--json"], env=environment, capture_output=True, text=True, check=True
    )
    assert '"credentials": 1500' in checked.stdout
    assert "canary" not in done.stdout + checked.stdout
    other = {**environment, "BILAG_MASTER_KEY": "A" * 43 + "="}
    lost = subprocess.run(
        [*command, "check"], env=other, capture_output=True, text=True, check=False
    )
    assert lost.returncode == 1
    assert "CANNOT BE OPENED" in lost.stdout
    assert vault.current.id in lost.stderr
