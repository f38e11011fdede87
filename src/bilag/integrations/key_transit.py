"""Master key in HashiCorp Vault (or OpenBao): its Transit engine wraps; the key never leaves it.

Needs the extra `bilag[vault]`. Address and token as Vault's own tools take them.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hvac
import requests
from cryptography.exceptions import InvalidTag
from hvac import exceptions

from bilag.integrations.keys import KeysUnreachable, VaultError

# Failure policy: asked once, nothing is repeated here; connecting and reading may each take so
# long. What may pass is KeysUnreachable, and the integration waits as behind an open breaker.
CONNECT_SECONDS_MAX = 2.0
READ_SECONDS_MAX = 5.0

_NAME = re.compile(r"(?P<mount>[\w./-]*\w)/(?P<key>[\w.-]+)")
_VERSIONED = re.compile(r"vault:v([0-9]+):.+")
_PASSING = (
    exceptions.VaultDown,
    exceptions.VaultNotInitialized,
    exceptions.RateLimitExceeded,
    exceptions.BadGateway,
    exceptions.InternalServerError,
    exceptions.PreconditionFailed,
)
_BOUND_BYTES = 32


def source(name: str, environ: Mapping[str, str]) -> "TransitKey":
    """Return the master key `MOUNT/KEY`; raises VaultError when name or address cannot be used."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise VaultError(f"BILAG_KEY_SOURCE has `vault:{name}`; it looks like vault:transit/bilag")
    if not environ.get("VAULT_ADDR"):
        raise VaultError("VAULT_ADDR does not say where Vault is, such as https://vault:8200")
    return TransitKey(found["mount"], found["key"], environ)


class TransitKey:
    """A key of the Transit engine; `id` stays the same when Vault rotates the key inside.

    The row is bound inside the plaintext, since `rewrap` takes no associated data.
    """

    is_remote = True

    def __init__(self, mount: str, key: str, environ: Mapping[str, str]) -> None:
        self.id = f"vault:{mount}/{key}"
        self._mount, self._key = mount, key
        self._environ = environ
        self._client = hvac.Client(
            url=environ["VAULT_ADDR"],
            # never the token of whoever runs this by hand
            token="",
            verify=environ.get("VAULT_CACERT") or True,
            timeout=(CONNECT_SECONDS_MAX, READ_SECONDS_MAX),
            # the token must not follow a redirect to somewhere else
            allow_redirects=False,
            namespace=environ.get("VAULT_NAMESPACE") or None,
        )

    def __repr__(self) -> str:
        return f"TransitKey({self.id})"

    def wrap(self, data_key: bytes, bound_to: bytes) -> bytes:
        """Encrypt a data key together with the hash of the row it belongs to."""
        plain = base64.b64encode(hashlib.sha256(bound_to).digest() + data_key).decode()
        return self._ciphertext(
            self._ask(self._client.secrets.transit.encrypt_data, plaintext=plain)
        )

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return the data key; raises InvalidTag when it was changed or comes from another row."""
        text = wrapped.decode("ascii", "replace")
        if _VERSIONED.fullmatch(text) is None:
            raise InvalidTag
        answer = self._ask(self._client.secrets.transit.decrypt_data, ciphertext=text)
        try:
            plain = base64.b64decode(answer["plaintext"], validate=True)
        except (KeyError, TypeError, binascii.Error) as error:
            raise self._unreadable() from error
        if not hmac.compare_digest(plain[:_BOUND_BYTES], hashlib.sha256(bound_to).digest()):
            raise InvalidTag
        return plain[_BOUND_BYTES:]

    def renewed(self, wrapped: bytes) -> bytes | None:
        """Return it under the key's newest version, by Vault itself; None where it is so."""
        text = wrapped.decode("ascii", "replace")
        fresh = self._ciphertext(
            self._ask(self._client.secrets.transit.rewrap_data, ciphertext=text)
        )
        return None if _version(fresh) == _version(wrapped) else fresh

    def _ask(self, verb: Callable[..., Any], **what: str) -> Mapping[str, Any]:
        token = self._client.token = self._token()
        try:
            answer = verb(self._key, mount_point=self._mount, **what)
            data = answer["data"]
        except _PASSING as error:
            raise KeysUnreachable(self._said(error, token)) from None
        except requests.RequestException as error:
            passing = isinstance(error, requests.ConnectionError | requests.Timeout)
            wrong = isinstance(error, requests.exceptions.SSLError) or not passing
            # its text would show the request; the name says enough (ConnectTimeout, SSLError)
            said = f"master key {self.id} cannot be used: no answer ({type(error).__name__})"
            raise (VaultError if wrong else KeysUnreachable)(said) from None
        except exceptions.InvalidRequest as error:
            # also what Vault says of a text that was changed: "invalid ciphertext", "unable to ..."
            if "ciphertext" in what:
                raise InvalidTag from None
            raise VaultError(self._said(error, token)) from None
        except exceptions.VaultError as error:
            raise VaultError(
                f"{self._said(error, token)}. The token needs `update` on"
                f" {self._mount}/encrypt/{self._key}, {self._mount}/decrypt/{self._key} and"
                f" {self._mount}/rewrap/{self._key}"
            ) from None
        except (KeyError, TypeError, ValueError) as error:
            raise self._unreadable() from error
        if not isinstance(data, Mapping):
            raise self._unreadable()
        return data

    def _token(self) -> str:
        """Return the token; a file is read each time, since Vault Agent renews what is in it."""
        token = self._environ.get("VAULT_TOKEN", "").strip()
        if not token and (place := self._environ.get("BILAG_VAULT_TOKEN_FILE")):
            try:
                token = Path(place).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise VaultError(
                    f"the Vault token in {place} (BILAG_VAULT_TOKEN_FILE) cannot be read:"
                    f" {type(error).__name__}"
                ) from None
        if not token:
            raise VaultError(
                "there is no token for Vault: give it in VAULT_TOKEN, or a file with it in"
                " BILAG_VAULT_TOKEN_FILE"
            )
        return token

    def _ciphertext(self, answer: Mapping[str, Any]) -> bytes:
        text = answer.get("ciphertext")
        if not isinstance(text, str) or _VERSIONED.fullmatch(text) is None or not text.isascii():
            raise self._unreadable()
        return text.encode()

    def _said(self, what: object, token: str) -> str:
        reason = str(what).replace(token, "[secret]")[:300]
        return f"master key {self.id} cannot be used, Vault says: {reason}"

    def _unreadable(self) -> VaultError:
        return VaultError(
            f"master key {self.id} cannot be used: what answers at VAULT_ADDR is not the Transit"
            " engine of a Vault"
        )


def _version(wrapped: bytes) -> str:
    found = _VERSIONED.fullmatch(wrapped.decode("ascii", "replace"))
    return found[1] if found else ""
