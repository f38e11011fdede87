"""Master key in AWS KMS: a symmetric key there wraps data keys and never leaves it.

Needs the extra `bilag[kms]`. Credentials as every AWS program finds them.
"""

import re
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - the library's name
    HTTPClientError,
)
from cryptography.exceptions import InvalidTag

from bilag.integrations.keys import KeysUnreachable, VaultError

# Failure policy: boto tries at most twice, with these limits each; what may pass is
# KeysUnreachable, and the integration waits as behind an open breaker.
CONNECT_SECONDS_MAX = 2.0
READ_SECONDS_MAX = 5.0
ATTEMPTS_MAX = 2

_ARN = re.compile(r"arn:[\w-]+:kms:(?P<region>[\w-]+):[0-9]{12}:key/[\w-]+")
_CHANGED = {"InvalidCiphertextException", "IncorrectKeyException"}
_PASSING = {
    "ThrottlingException",
    "LimitExceededException",
    "KMSInternalException",
    "DependencyTimeoutException",
    "KeyUnavailableException",
    "ServiceUnavailableException",
    "RequestTimeout",
    "InternalFailure",
}


def source(name: str, environ: Mapping[str, str]) -> "KmsKey":
    """Return the master key with this ARN; raises VaultError for anything else, aliases too."""
    found = _ARN.fullmatch(name)
    if found is None:
        raise VaultError(
            f"BILAG_KEY_SOURCE has `kms:{name}`; give the key's ARN, such as"
            " kms:arn:aws:kms:eu-north-1:111122223333:key/... (an alias can be moved to another"
            " key, which does not open what this one has wrapped)"
        )
    return KmsKey(name, found["region"])


class KmsKey:
    """A symmetric KMS key; the row of a data key is its encryption context, seen in CloudTrail."""

    is_remote = True

    def __init__(self, arn: str, region: str) -> None:
        self.id = f"kms:{arn}"
        self._arn = arn
        self._client = boto3.session.Session().client(
            "kms",
            region_name=region,
            config=Config(
                connect_timeout=CONNECT_SECONDS_MAX,
                read_timeout=READ_SECONDS_MAX,
                retries={"total_max_attempts": ATTEMPTS_MAX, "mode": "standard"},
            ),
        )

    def __repr__(self) -> str:
        return f"KmsKey({self.id})"

    def wrap(self, data_key: bytes, bound_to: bytes) -> bytes:
        """Encrypt a data key under the context of the row it belongs to."""
        return self._ask("encrypt", "CiphertextBlob", bound_to, Plaintext=data_key)

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return the data key; raises InvalidTag when it was changed or comes from another row."""
        return self._ask("decrypt", "Plaintext", bound_to, CiphertextBlob=wrapped)

    def renewed(self, wrapped: bytes) -> bytes | None:
        """Return None: KMS rotates inside and opens with every former version by itself."""
        return None

    def _ask(self, verb: str, wanted: str, bound_to: bytes, **what: bytes) -> bytes:
        context = {"bilag": bound_to.decode().replace("\x1f", "/")}
        try:
            answer: Mapping[str, Any] = getattr(self._client, verb)(
                KeyId=self._arn, EncryptionContext=context, **what
            )
            return bytes(answer[wanted])
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _CHANGED and verb == "decrypt":
                raise InvalidTag from None
            said = f"master key {self.id} cannot be used, KMS says: {error}"
            raise (KeysUnreachable if code in _PASSING else VaultError)(said) from None
        except (ConnectionError, HTTPClientError) as error:
            raise KeysUnreachable(
                f"master key {self.id} cannot be used: KMS does not answer ({type(error).__name__})"
            ) from None
        except BotoCoreError as error:
            raise VaultError(
                f"master key {self.id} cannot be used: {error}. The role needs kms:Encrypt and"
                " kms:Decrypt on it"
            ) from None
