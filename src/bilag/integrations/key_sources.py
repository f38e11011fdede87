"""Where the master keys are: files and environment here, HashiCorp Vault or AWS KMS far away.

`BILAG_KEY_SOURCE` chooses; what a former source has wrapped stays readable while it is listed.
"""

import base64
import binascii
import importlib
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from uuid import uuid4

from bilag.integrations.keys import KEY_BYTES, KeySource, MasterKey, Vault, VaultError

LOCAL = "local"
_FILE = "master.key"
# The library of a remote source is loaded only where the source is used: kind -> extra, module.
_REMOTE = {"vault": "bilag.integrations.key_transit", "kms": "bilag.integrations.key_kms"}


def open_vault(home: Path, environ: Mapping[str, str]) -> Vault:
    """Return the vault with the master keys that BILAG_KEY_SOURCE names, the current one first.

    `local` (the default): BILAG_MASTER_KEY, else BILAG_MASTER_KEY_FILE, else `master.key` in the
    home folder, made (0600) when there is none. Raises VaultError; no remote source is asked yet.
    """
    sources: list[KeySource] = []
    for text in environ.get("BILAG_KEY_SOURCE", "").split() or [LOCAL]:
        if text == LOCAL:
            # a former key is never made anew: that would only hide that the real one is missing
            sources.extend(_local_keys(home, environ, may_make=not sources))
        else:
            sources.append(_remote_key(text, environ))
    return Vault(*sources)


def _remote_key(text: str, environ: Mapping[str, str]) -> KeySource:
    kind, _, name = text.partition(":")
    module = _REMOTE.get(kind)
    if module is None or not name:
        raise VaultError(
            f"BILAG_KEY_SOURCE has {text!r}; it takes `{LOCAL}`, `vault:MOUNT/KEY` and `kms:ARN`,"
            " with white space between several, the current one first"
        )
    try:
        make: Callable[[str, Mapping[str, str]], KeySource] = importlib.import_module(module).source
    except ModuleNotFoundError as error:
        raise VaultError(
            f"BILAG_KEY_SOURCE has {text!r}, and the library for it is not installed"
            f" ({error.name}): pip install 'bilag[{kind}]'"
        ) from error
    return make(name, environ)


def _local_keys(home: Path, environ: Mapping[str, str], *, may_make: bool) -> list[MasterKey]:
    if text := environ.get("BILAG_MASTER_KEY", "").strip():
        return _read_keys(text.split(), "BILAG_MASTER_KEY")
    if place := environ.get("BILAG_MASTER_KEY_FILE", ""):
        return _keys_of(Path(place))
    path = home / _FILE
    if not path.exists() and may_make:
        _make_key(path)
    if path.exists() and path.stat().st_mode & 0o077:
        raise VaultError(f"{path} can be read by others: chmod 600 {path}")
    return _keys_of(path)


def _keys_of(path: Path) -> list[MasterKey]:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise VaultError(f"the master key in {path} cannot be read: {_why(error)}") from error
    return _read_keys(text.split(), str(path))


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
