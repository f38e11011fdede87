"""Where master keys are found: files, environment, BILAG_KEY_SOURCE; a former one still opens."""

import base64
import secrets
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bilag.integrations.vault import MasterKey, VaultError, open_vault
from tests.database.people import ALICE


def test_the_master_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def opened(_: int) -> str:
        start.wait()
        return open_vault(tmp_path, {}).current.id

    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(opened, range(8)))
    file = tmp_path / "master.key"
    assert len(ids) == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]
    file.chmod(0o640)
    with pytest.raises(VaultError, match="chmod 600"):
        open_vault(tmp_path, {})


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    first, second = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    place = tmp_path / "keys"
    place.write_text(f"{first}\n{second}\n")
    by_file = open_vault(tmp_path, {"BILAG_MASTER_KEY_FILE": str(place)})
    by_name = open_vault(
        tmp_path, {"BILAG_MASTER_KEY": second, "BILAG_MASTER_KEY_FILE": str(place)}
    )
    assert by_file.current.id == MasterKey(base64.b64decode(first)).id
    assert by_name.current.id == MasterKey(base64.b64decode(second)).id
    data_key, row = by_name.new_data_key(ALICE)
    assert by_file.unwrap(row) == data_key
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize("text", ["c2hvcnQ=", "not base64 at all!", "  \n"])
def test_a_key_that_is_none_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    place = tmp_path / "key"
    place.write_text(text)
    with pytest.raises(VaultError, match="openssl rand -base64 32") as refused:
        open_vault(tmp_path, {"BILAG_MASTER_KEY_FILE": str(place)})
    assert not text.strip() or text not in str(refused.value)
    with pytest.raises(VaultError, match="cannot be read"):
        open_vault(tmp_path, {"BILAG_MASTER_KEY_FILE": str(tmp_path / "missing")})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("vault", "vault:MOUNT/KEY"),
        ("aws:x", "kms:ARN"),
        ("kms:alias/bilag", "alias can be moved"),
        ("vault:bilag", "vault:transit/bilag"),
        ("vault:transit/bilag", "VAULT_ADDR"),
    ],
)
def test_a_source_that_is_none_is_refused_with_what_it_looks_like(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(VaultError, match=says):
        open_vault(tmp_path, {"BILAG_KEY_SOURCE": text})


def test_a_former_local_key_is_not_made_anew(tmp_path: Path) -> None:
    source = "kms:arn:aws:kms:eu-north-1:111122223333:key/1-2-3"
    with pytest.raises(VaultError, match="cannot be read"):
        open_vault(tmp_path, {"BILAG_KEY_SOURCE": f"{source} local"})
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)
    monkeypatch.delitem(sys.modules, "bilag.integrations.key_transit", raising=False)
    with pytest.raises(VaultError, match=r"pip install 'bilag\[vault\]'"):
        open_vault(tmp_path, {"BILAG_KEY_SOURCE": "vault:transit/bilag"})
