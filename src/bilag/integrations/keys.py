"""The two kinds of key of the vault: a master key outside the database, data keys inside it.

AES-256-GCM throughout; a sealed text is version (1 byte), nonce (12 bytes), ciphertext and tag.
"""

import asyncio
import hashlib
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
# The installation's own key belongs to no organization.
NOBODY = UUID(int=0)
# Failure policy: what a remote source has opened is kept in memory so long, so that a sync does not
# ask each time; a key that is taken away there stops working here after that at the latest.
OPENED_SECONDS_MAX = 300.0
_VERSION = b"\x01"
_NONCE_BYTES = 12
_SEPARATOR = "\x1f"


class VaultError(RuntimeError):
    """A key or a credential cannot be used; the text says which and what to do, never its value."""


class KeysUnreachable(VaultError):
    """Where the master key lives did not answer; nothing is wrong with the key, so try again."""


class KeySource(Protocol):
    """A master key, here or far away: it wraps data keys, each bound to the row it stands in."""

    id: str
    is_remote: bool

    def wrap(self, data_key: bytes, bound_to: bytes) -> bytes:
        """Encrypt a data key; raises VaultError, KeysUnreachable for one that may pass."""
        ...

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return the data key; raises InvalidTag when it was changed or is of another row."""
        ...

    def renewed(self, wrapped: bytes) -> bytes | None:
        """Return it under the newest version of this same master key, None where it is so."""
        ...


class MasterKey:
    """A master key at hand; its id is the first 8 hex digits of its SHA-256."""

    is_remote = False

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

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return the data key; raises InvalidTag when it was changed or comes from another row."""
        return _open(self._key, wrapped, bound_to)

    def renewed(self, wrapped: bytes) -> bytes | None:
        """Return None: a key in a file or the environment has one version."""
        return None


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one organization in clear, kept in memory only; `repr` does not show it.

    `audit` is the organization's key for keyed hashes, which stays when the data key changes.
    """

    organization_id: UUID
    id: UUID
    key: bytes = field(repr=False)
    audit: bytes = field(repr=False)

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

    def derived(self, purpose: str) -> str:
        """Return the key that is made from this one for a purpose, as 64 hex digits."""
        return _derived(self.key, purpose).hex()

    def _bound_to(self, integration_id: UUID, name: str) -> bytes:
        parts = (str(self.organization_id), "credentials", str(integration_id), name)
        return _SEPARATOR.join(parts).encode()


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A row of data_keys: a data key that only its master key opens.

    `audit_sealed` is the audit key under this data key; None for an organization's first key, from
    which the audit key is derived.
    """

    organization_id: UUID
    id: UUID
    master_key_id: str
    wrapped: bytes
    audit_sealed: bytes | None = None


class Vault:
    """The master keys at hand: the first one wraps, the others only open what they once wrapped."""

    def __init__(self, *sources: KeySource) -> None:
        if not sources:
            raise VaultError("the vault needs at least one master key")
        self._sources = {source.id: source for source in sources}
        self.current = sources[0]
        self._opened: dict[WrappedKey, tuple[float, DataKey]] = {}

    def new_data_key(self, organization_id: UUID) -> tuple[DataKey, WrappedKey]:
        """Draw a data key for an organization; returns it in clear and as the row to store."""
        clear = secrets.token_bytes(KEY_BYTES)
        return self._wrapped(DataKey(organization_id, uuid4(), clear, _derived(clear, _AUDIT)))

    def successor(self, old: DataKey) -> tuple[DataKey, WrappedKey]:
        """Draw the data key that follows another; it carries the audit key over, sealed."""
        clear = secrets.token_bytes(KEY_BYTES)
        key, row = self._wrapped(DataKey(old.organization_id, uuid4(), clear, old.audit))
        return key, replace(row, audit_sealed=_seal(key.key, key.audit, _audit_row(key)))

    def unwrap(self, row: WrappedKey) -> DataKey:
        """Return the data key of a row; raises VaultError for a wrong master key or a moved row."""
        source = self._source_of(row)
        if (held := self._held(row)) is not None:
            return held
        try:
            clear = source.unwrap(row.wrapped, _own_row(row))
            audit = (
                _derived(clear, _AUDIT)
                if row.audit_sealed is None
                else _open(clear, row.audit_sealed, _audit_row(row))
            )
        except InvalidTag as error:
            raise VaultError(
                f"the data key {row.id} was changed in the database, or belongs to another"
                f" organization than {row.organization_id}"
            ) from error
        key = DataKey(row.organization_id, row.id, clear, audit)
        if source.is_remote:
            self._hold(row, key)
        return key

    async def unwrap_async(self, row: WrappedKey) -> DataKey:
        """The same without holding up other syncs while a remote source answers."""
        if self._source_of(row).is_remote and self._held(row) is None:
            return await asyncio.to_thread(self.unwrap, row)
        return self.unwrap(row)

    def rewrap(self, row: WrappedKey) -> WrappedKey | None:
        """Return the row under the current master key in its newest version; None where it is so.

        What the new wrapping holds was opened again before it is returned.
        """
        key = self.unwrap(row)
        if row.master_key_id != self.current.id:
            wrapped: bytes | None = self.current.wrap(key.key, _own_row(row))
        else:
            wrapped = self.current.renewed(row.wrapped)
        if wrapped is None:
            return None
        return self._proven(replace(row, master_key_id=self.current.id, wrapped=wrapped), key)

    def _wrapped(self, key: DataKey) -> tuple[DataKey, WrappedKey]:
        wrapped = self.current.wrap(key.key, _own_row(key))
        row = WrappedKey(key.organization_id, key.id, self.current.id, wrapped)
        return key, self._proven(row, key)

    def _proven(self, row: WrappedKey, key: DataKey) -> WrappedKey:
        # A remote key may let us encrypt and not decrypt: that must not be found out afterwards.
        try:
            same = self.current.unwrap(row.wrapped, _own_row(row)) == key.key
        except InvalidTag:
            same = False
        if not same:
            raise VaultError(f"master key {self.current.id} does not open what it has wrapped")
        return row

    def _source_of(self, row: WrappedKey) -> KeySource:
        source = self._sources.get(row.master_key_id)
        if source is None:
            whose = "the installation's own key"
            if row.organization_id != NOBODY:
                whose = f"the data key of organization {row.organization_id}"
            raise VaultError(
                f"{whose} was wrapped by master key {row.master_key_id}, which is not here"
                f" (here: {', '.join(self._sources)}). Give that key as well: in BILAG_MASTER_KEY"
                " or BILAG_MASTER_KEY_FILE, or its place in BILAG_KEY_SOURCE"
            )
        return source

    def _held(self, row: WrappedKey) -> DataKey | None:
        since, key = self._opened.get(row, (0.0, None))
        return key if time.monotonic() - since < OPENED_SECONDS_MAX else None

    def _hold(self, row: WrappedKey, key: DataKey) -> None:
        now = time.monotonic()
        self._opened = {
            one: held for one, held in self._opened.items() if now - held[0] < OPENED_SECONDS_MAX
        } | {row: (now, key)}


_AUDIT = "bilag audit"


def audit_key(data_key: DataKey) -> bytes:
    """Return the organization's key for keyed hashes in the audit log; it never changes.

    HKDF-SHA-256 of the organization's first data key, info `bilag audit`; later ones carry it.
    """
    return data_key.audit


def _derived(key: bytes, purpose: str) -> bytes:
    """Return HKDF-SHA-256 with the purpose as info: it says nothing about the key."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(key)


def _own_row(key: DataKey | WrappedKey) -> bytes:
    return _SEPARATOR.join((str(key.organization_id), str(key.id))).encode()


def _audit_row(key: DataKey | WrappedKey) -> bytes:
    return _SEPARATOR.join((str(key.organization_id), str(key.id), "audit")).encode()


def _seal(key: bytes, clear: bytes, bound_to: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, clear, bound_to)


def _open(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    head = 1 + _NONCE_BYTES
    if sealed[:1] != _VERSION or len(sealed) <= head:
        raise InvalidTag
    return AESGCM(key).decrypt(sealed[1:head], sealed[head:], bound_to)
