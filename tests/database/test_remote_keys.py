"""Master keys far away: Vault's Transit engine (a stand-in) and AWS KMS (moto), over real HTTP."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from moto.server import ThreadedMotoServer

from bilag.integrations import key_kms, key_transit, keys
from bilag.integrations.keys import KeysUnreachable
from bilag.integrations.rotation import check_keys, rewrap
from bilag.integrations.vault import (
    Vault,
    VaultError,
    audit_key,
    load_data_key,
    load_data_key_async,
    open_vault,
    put_credential,
    read_credentials,
    read_credentials_async,
)
from tests.clusters import Database
from tests.database.people import ALICE, CHARLIE, LEDGER, scope, scope_async, two_organizations
from tests.vault_server import TransitServer, transit_server

SECRET = "canary-remote-4711"
REGION = "eu-north-1"


@pytest.fixture
def url(database: Database) -> str:
    two_organizations(database.application_url)
    return database.application_url


@pytest.fixture
def transit() -> Iterator[TransitServer]:
    with transit_server() as server:
        yield server


@pytest.fixture
def of_transit(transit: TransitServer) -> dict[str, str]:
    """The environment of an installation whose master key is in Vault."""
    return {
        "BILAG_KEY_SOURCE": "vault:transit/bilag",
        "VAULT_ADDR": transit.url,
        "VAULT_TOKEN": transit.token,
    }


@pytest.fixture
def kms_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-aws-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://{host}:{port}")
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def of_kms(kms_url: str) -> dict[str, str]:
    """The environment of an installation whose master key is in KMS."""
    made = boto3.client("kms", region_name=REGION).create_key()
    return {"BILAG_KEY_SOURCE": f"kms:{made['KeyMetadata']['Arn']}"}


@pytest.fixture(params=["of_transit", "of_kms"])
def environ(request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = request.getfixturevalue(request.param)
    return found


def put(url: str, vault: Vault) -> None:
    with scope(url, ALICE) as connection:
        put_credential(connection, vault, ALICE, LEDGER, "api_key", SECRET, "A")


def read(url: str, vault: Vault) -> dict[str, str]:
    with scope(url, ALICE) as connection:
        return read_credentials(connection, vault, ALICE, LEDGER)


async def test_a_data_key_is_wrapped_and_opened_far_away(
    url: str, tmp_path: Path, environ: dict[str, str], database: Database
) -> None:
    put(url, open_vault(tmp_path, environ))
    another = open_vault(tmp_path, environ)
    assert read(url, another) == {"api_key": SECRET}
    async with scope_async(url, ALICE) as connection:
        third = open_vault(tmp_path, environ)
        assert await read_credentials_async(connection, third, ALICE, LEDGER) == {"api_key": SECRET}
        key = await load_data_key_async(connection, open_vault(tmp_path, environ), ALICE)
    async with scope_async(url, CHARLIE) as connection:
        made = await load_data_key_async(connection, another, CHARLIE)
    assert made.key != key.key
    with psycopg.connect(database.owner_url) as owner:
        rows = owner.execute("SELECT to_jsonb(k)::text FROM data_keys k").fetchall()
    assert len(rows) == 2
    assert key.key.hex() not in str(rows)
    assert environ["BILAG_KEY_SOURCE"] in str(rows)


def test_no_key_is_kept_in_a_file(url: str, tmp_path: Path, environ: dict[str, str]) -> None:
    put(url, open_vault(tmp_path, environ))
    assert list(tmp_path.iterdir()) == []


def test_a_data_key_moved_to_another_row_does_not_open(
    url: str, tmp_path: Path, environ: dict[str, str], database: Database
) -> None:
    vault = open_vault(tmp_path, environ)
    put(url, vault)
    with scope(url, CHARLIE) as connection:
        load_data_key(connection, vault, CHARLIE)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE data_keys k SET wrapped = o.wrapped FROM data_keys o"
            " WHERE o.organization_id <> k.organization_id"
        )
    with pytest.raises(VaultError, match="belongs to another organization"):
        read(url, vault)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE data_keys SET wrapped ="
            " set_byte(wrapped, length(wrapped) - 5, get_byte(wrapped, length(wrapped) - 5) # 1)"
        )
    with pytest.raises(VaultError, match="changed in the database"):
        read(url, open_vault(tmp_path, environ))


def test_the_source_changes_and_back_and_nothing_is_lost(
    url: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    local = open_vault(tmp_path, {})
    put(url, local)
    with scope(url, ALICE) as connection:
        audit = audit_key(load_data_key(connection, local, ALICE))
    source = environ["BILAG_KEY_SOURCE"]
    with pytest.raises(VaultError, match="which is not here"):
        read(url, open_vault(tmp_path, environ))
    both = open_vault(tmp_path, {**environ, "BILAG_KEY_SOURCE": f"{source} local"})
    assert read(url, both) == {"api_key": SECRET}, "the former key still opens"
    with scope(url, ALICE) as connection:
        assert rewrap(connection, both, ALICE) == 1
        assert rewrap(connection, both, ALICE) == 0
    far = open_vault(tmp_path, environ)
    assert read(url, far) == {"api_key": SECRET}, "the former key is not needed any more"
    with scope(url, ALICE) as connection:
        assert audit_key(load_data_key(connection, far, ALICE)) == audit
    back = open_vault(tmp_path, {**environ, "BILAG_KEY_SOURCE": f"local {source}"})
    with scope(url, ALICE) as connection:
        assert rewrap(connection, back, ALICE) == 1
    assert read(url, local) == {"api_key": SECRET}


def test_the_key_is_rotated_inside_vault(
    url: str, tmp_path: Path, of_transit: dict[str, str], transit: TransitServer
) -> None:
    vault = open_vault(tmp_path, of_transit)
    put(url, vault)
    transit.rotate()
    with scope(url, ALICE) as connection:
        assert rewrap(connection, vault, ALICE) == 1
        assert rewrap(connection, vault, ALICE) == 0
    transit.versions[0] = transit.versions[1]  # the first version is gone
    assert read(url, open_vault(tmp_path, of_transit)) == {"api_key": SECRET}


def test_what_was_opened_is_remembered_for_a_while_only(
    url: str,
    tmp_path: Path,
    of_transit: dict[str, str],
    transit: TransitServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vault = open_vault(tmp_path, of_transit)
    put(url, vault)
    transit.seen.clear()
    for _ in range(5):
        read(url, vault)
    assert transit.seen == [], "a sync does not ask each time"
    transit.token = "hvs.revoked"
    monkeypatch.setattr(keys, "OPENED_SECONDS_MAX", 0.0)
    with pytest.raises(VaultError, match="permission denied"):
        read(url, vault)


@pytest.mark.parametrize(
    ("fault", "passing", "says"),
    [
        ((403, "permission denied"), False, "transit/decrypt/bilag"),
        ((404, "no handler for route"), False, "no handler"),
        ((400, "encryption key not found"), False, "encryption key not found"),
        ((429, "too many"), True, "too many"),
        ((500, "internal error"), True, "internal error"),
        ((503, "Vault is sealed"), True, "sealed"),
    ],
)
def test_what_vault_says_is_told_without_the_token(
    url: str,
    tmp_path: Path,
    of_transit: dict[str, str],
    transit: TransitServer,
    fault: tuple[int, str],
    passing: bool,
    says: str,
) -> None:
    transit.fault = (fault[0], f"{fault[1]} for {transit.token}")
    with pytest.raises(VaultError, match=says) as told:
        put(url, open_vault(tmp_path, of_transit))
    assert isinstance(told.value, KeysUnreachable) is passing
    assert transit.token not in str(told.value)
    assert "vault:transit/bilag" in str(told.value)
    with scope(url, ALICE) as connection:
        assert check_keys(connection, open_vault(tmp_path, {}), ALICE) == [], "nothing is stored"


def test_a_vault_that_does_not_answer_is_not_waited_for_long(
    url: str,
    tmp_path: Path,
    of_transit: dict[str, str],
    transit: TransitServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_transit, "READ_SECONDS_MAX", 0.3)
    transit.delay_seconds = 2.0
    started = time.monotonic()
    with pytest.raises(KeysUnreachable, match="ReadTimeout"):
        put(url, open_vault(tmp_path, of_transit))
    assert time.monotonic() - started < 1.5
    gone = {**of_transit, "VAULT_ADDR": "http://127.0.0.1:1"}
    with pytest.raises(KeysUnreachable, match="no answer"):
        put(url, open_vault(tmp_path, gone))


def test_a_key_that_wraps_and_does_not_open_is_found_out_before_it_is_used(
    url: str, tmp_path: Path, of_transit: dict[str, str], transit: TransitServer
) -> None:
    transit.may_decrypt = False
    with pytest.raises(VaultError, match="permission denied"):
        put(url, open_vault(tmp_path, of_transit))


def test_a_token_in_a_file_is_read_anew(
    url: str, tmp_path: Path, of_transit: dict[str, str], transit: TransitServer
) -> None:
    place = tmp_path / "token"
    place.write_text("hvs.old\n")
    environ = {**of_transit, "VAULT_TOKEN": "", "BILAG_VAULT_TOKEN_FILE": str(place)}
    vault = open_vault(tmp_path, environ)
    with pytest.raises(VaultError, match="permission denied"):
        put(url, vault)
    place.write_text(f"{transit.token}\n")
    put(url, vault)
    place.unlink()
    with pytest.raises(VaultError, match="BILAG_VAULT_TOKEN_FILE"):
        read(url, open_vault(tmp_path, environ))
    with pytest.raises(VaultError, match="VAULT_TOKEN"):
        read(url, open_vault(tmp_path, {**of_transit, "VAULT_TOKEN": ""}))


def test_what_kms_says_is_told(
    url: str, tmp_path: Path, of_kms: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = of_kms["BILAG_KEY_SOURCE"].removeprefix("kms:")
    other = arn[:-4] + secrets.token_hex(2)
    with pytest.raises(VaultError, match=r"KMS says.*NotFoundException") as told:
        put_in(url, open_vault(tmp_path, {"BILAG_KEY_SOURCE": f"kms:{other}"}))
    assert not isinstance(told.value, KeysUnreachable)
    assert "canary" not in str(told.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
    monkeypatch.setattr(key_kms, "ATTEMPTS_MAX", 1)
    with pytest.raises(KeysUnreachable, match="does not answer"):
        put_in(url, open_vault(tmp_path, of_kms))


def put_in(url: str, vault: Vault) -> Any:
    """Make a data key for Charlie's organization, which has none yet."""
    with scope(url, CHARLIE) as connection:
        return load_data_key(connection, vault, CHARLIE)
