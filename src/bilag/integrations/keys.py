"""The two kinds of key of the vault: a master key outside the database, data keys inside it.

AES-256-GCM throughout; a sealed text is version (1 byte), nonce (12 bytes), ciphertext and tag.
"""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12
_SEPARATOR = "\x1f"
_FILE = "master.key"


class VaultError(RuntimeError):
    """A key or a credential cannot be used; the text says which and what to do, never its value."""


class MasterKey:
    """A key that wraps data keys; its id is the first 8 hex digits of its SHA-256."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise VaultError(
                f"a master key is {KEY_BYTES} bytes in base64 (44 characters); this one is"
                f" {len(key)} bytes. Make one with: openssl rand -base64 32"
            )
        self.id = hashlib.sha256(key).hexdigest()[:8]
        self._key = key

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"

    def wrap(self, data_key: bytes, bound_to: bytes) -> bytes:
        """Encrypt a data key so that only this master key opens it, and only in its own row."""
        return _seal(self._key, data_key, bound_to)

    def derived(self, purpose: str) -> str:
        """Return the key that is made from this one for a purpose, as 64 hex digits."""
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(self._key).hex()

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return the data key; raises InvalidTag when it was changed or comes from another row."""
        return _open(self._key, wrapped, bound_to)


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one organization in clear, kept in memory only; `repr` does not show it."""

    organization_id: UUID
    id: UUID
    key: bytes = field(repr=False)

    def seal(self, secret: str, integration_id: UUID, name: str) -> bytes:
        """Encrypt one credential, bound to organization, integration and field."""
        return _seal(self.key, secret.encode(), self._bound_to(integration_id, name))

    def open(self, sealed: bytes, integration_id: UUID, name: str) -> str:
        """Return the credential; raises VaultError when it was sealed for another row."""
        try:
            return _open(self.key, sealed, self._bound_to(integration_id, name)).decode()
        except InvalidTag as error:
            raise VaultError(
                f"the credential {name!r} of integration {integration_id} was changed in the"
                " database, or belongs to another row; nothing is sent with it. Enter it again"
            ) from error

    def _bound_to(self, integration_id: UUID, name: str) -> bytes:
        parts = (str(self.organization_id), "credentials", str(integration_id), name)
        return _SEPARATOR.join(parts).encode()


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A row of data_keys: a data key that only its master key opens."""

    organization_id: UUID
    id: UUID
    master_key_id: str
    wrapped: bytes


class Vault:
    """The master keys at hand: the first one wraps, the others only open what they once wrapped."""

    def __init__(self, *keys: MasterKey) -> None:
        if not keys:
            raise VaultError("the vault needs at least one master key")
        self._keys = {key.id: key for key in keys}
        self.current = keys[0]

    def derived(self, purpose: str) -> list[str]:
        """Return a text key for one purpose from each master key, the current one's first.

        HKDF-SHA-256 with the purpose as info: it says nothing about the master key.
        """
        return [key.derived(purpose) for key in self._keys.values()]

    def new_data_key(self, organization_id: UUID) -> tuple[DataKey, WrappedKey]:
        """Draw a data key for an organization; returns it in clear and as the row to store."""
        key = DataKey(organization_id, uuid4(), secrets.token_bytes(KEY_BYTES))
        return key, self.wrap(key)

    def wrap(self, key: DataKey) -> WrappedKey:
        """Wrap a data key with the current master key."""
        wrapped = self.current.wrap(key.key, _own_row(key))
        return WrappedKey(key.organization_id, key.id, self.current.id, wrapped)

    def unwrap(self, row: WrappedKey) -> DataKey:
        """Return the data key of a row; raises VaultError for a wrong master key or a moved row."""
        master = self._keys.get(row.master_key_id)
        if master is None:
            raise VaultError(
                f"the data key of organization {row.organization_id} was wrapped by master key"
                f" {row.master_key_id}, which is not here (here: {', '.join(self._keys)})."
                " Give that key in BILAG_MASTER_KEY or BILAG_MASTER_KEY_FILE"
            )
        try:
            return DataKey(row.organization_id, row.id, master.unwrap(row.wrapped, _own_row(row)))
        except InvalidTag as error:
            raise VaultError(
                f"the data key {row.id} was changed in the database, or belongs to another"
                f" organization than {row.organization_id}"
            ) from error


def audit_key(data_key: DataKey) -> bytes:
    """Return the key for keyed hashes in the audit log: HKDF-SHA-256, info `bilag audit`."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"bilag audit").derive(data_key.key)


def open_vault(home: Path, environ: Mapping[str, str]) -> Vault:
    """Return the vault with the keys of BILAG_MASTER_KEY, else BILAG_MASTER_KEY_FILE, else home.

    Keys are base64, one or more separated by white space, the current one first; `master.key` in
    the home folder is made (0600) when there is none. Raises VaultError.
    """
    if text := environ.get("BILAG_MASTER_KEY", "").strip():
        return Vault(*_read_keys(text.split(), "BILAG_MASTER_KEY"))
    if place := environ.get("BILAG_MASTER_KEY_FILE", ""):
        return _vault_of(Path(place))
    path = home / _FILE
    if not path.exists():
        _make_key(path)
    if path.stat().st_mode & 0o077:
        raise VaultError(f"{path} can be read by others: chmod 600 {path}")
    return _vault_of(path)


def _vault_of(path: Path) -> Vault:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise VaultError(f"the master key in {path} cannot be read: {_why(error)}") from error
    return Vault(*_read_keys(text.split(), str(path)))


def _read_keys(texts: Iterable[str], place: str) -> list[MasterKey]:
    keys = []
    for text in texts:
        try:
            keys.append(MasterKey(base64.b64decode(text, validate=True)))
        except (binascii.Error, VaultError, ValueError):
            # without the cause: its text or traceback could show the key
            raise VaultError(
                f"{place} does not hold {KEY_BYTES} bytes in base64 (44 characters)."
                " Make a key with: openssl rand -base64 32"
            ) from None
    if not keys:
        raise VaultError(f"{place} is empty; make a key with: openssl rand -base64 32")
    return keys


def _make_key(path: Path) -> None:
    """Write a new key under its name in one step, so that two first starts agree on one key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link fails where the name exists: the other process was first, and its key counts.
        path.hardlink_to(draft)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "not ASCII"


def _own_row(key: DataKey | WrappedKey) -> bytes:
    return _SEPARATOR.join((str(key.organization_id), str(key.id))).encode()


def _seal(key: bytes, clear: bytes, bound_to: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, clear, bound_to)


def _open(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    head = 1 + _NONCE_BYTES
    if sealed[:1] != _VERSION or len(sealed) <= head:
        raise InvalidTag
    return AESGCM(key).decrypt(sealed[1:head], sealed[head:], bound_to)
