"""Who may say by a signed token who somebody is: what the operator trusts of each, and its keys.

Keys are fetched by the caller's own means (X4) and kept for ten minutes; nothing is believed of a
token before its signature, and an issuer that cannot be reached lets nobody in.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
import structlog

from bilag.core.clock import running_seconds

log = structlog.get_logger(__name__)

# Signatures that nobody can make with what is public; HS256 is for who shares a secret with us.
ASYMMETRIC = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
SYMMETRIC = ("HS256", "HS384", "HS512")
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_KEYS_MAX = 100

# Failure policy: keys are kept for ten minutes, so that one that was taken back ends by then. A
# token of a key that we do not know asks anew, at most once a minute. What cannot be fetched is
# tried again after ten seconds; until then everybody who needs it is told to come again (503).
KEPT_SECONDS = 600.0
ASK_AGAIN_SECONDS = 60.0
PAUSE_SECONDS = 10.0
# Requests that need the keys while one of them fetches them wait no longer than this.
_PATIENCE_SECONDS = 5.0


class KeysNotFetched(Exception):
    """An issuer's keys cannot be had now; `retry_seconds` says when to come again."""

    def __init__(self, reason: str, retry_seconds: float = PAUSE_SECONDS) -> None:
        super().__init__(reason)
        self.retry_seconds = retry_seconds


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer as the operator configured it; what differs from it is refused.

    With a `secret` its tokens are signed by HMAC and it has no address of keys. `subject_prefix`
    stands before the `sub` of its tokens in our members, so that two issuers cannot be mistaken.
    """

    name: str
    audience: str
    algorithms: Sequence[str]
    jwks_url: str = ""
    secret: str = field(default="", repr=False)
    leeway_seconds: int = 30
    allowed_networks: Sequence[str] = ()
    subject_prefix: str = ""


Fetch = Callable[[Issuer], bytes]


class KeySet:
    """The public keys of one issuer; safe to ask from several threads, of which one fetches."""

    def __init__(
        self, issuer: Issuer, fetch: Fetch, clock: Callable[[], float] = running_seconds
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._found: Mapping[str, tuple[dict[str, Any], ...]] = {}
        self._fetched_at = self._asked_at = float("-inf")

    def key(self, kid: str, algorithm: str) -> Any:
        """Return the key of this name for this algorithm, or None when the issuer has none.

        Raises KeysNotFetched when that cannot be known now.
        """
        found = self._kept(kid)
        if found is None:
            if not self._lock.acquire(timeout=_PATIENCE_SECONDS):
                raise KeysNotFetched("the keys are still being fetched", 1.0)
            try:
                found = self._kept(kid)
                if found is None:
                    found = self._asked(kid)
            finally:
                self._lock.release()
        usable = (_usable(jwk, algorithm) for jwk in found)
        return next((key for key in usable if key is not None), None)

    def _kept(self, kid: str) -> tuple[dict[str, Any], ...] | None:
        """Return the keys of this name, none of them included, or None when one has to ask."""
        now = self._clock()
        if now - self._fetched_at >= KEPT_SECONDS:
            return None
        if kid in self._found:
            return self._found[kid]
        return () if now - self._asked_at < ASK_AGAIN_SECONDS else None

    def _asked(self, kid: str) -> tuple[dict[str, Any], ...]:
        now = self._clock()
        wait = self._asked_at + PAUSE_SECONDS - now
        if self._asked_at > self._fetched_at and wait > 0:
            raise KeysNotFetched("the keys could not be fetched a moment ago", wait)
        self._asked_at = now
        try:
            self._found = _read(self._fetch(self._issuer))
        except KeysNotFetched as error:
            log.warning("jwks_not_fetched", issuer=self._issuer.name, reason=str(error))
            raise
        self._fetched_at = now
        return self._found.get(kid, ())


def _read(content: bytes) -> dict[str, tuple[dict[str, Any], ...]]:
    """Return the keys of a JWK set by their names; those without a name cannot be told apart."""
    try:
        listed = json.loads(content)["keys"]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise KeysNotFetched("the answer is not a set of keys (RFC 7517)") from None
    found: dict[str, tuple[dict[str, Any], ...]] = {}
    for jwk in listed[:_KEYS_MAX] if isinstance(listed, list) else ():
        if isinstance(jwk, dict) and isinstance(kid := jwk.get("kid"), str):
            found[kid] = (*found.get(kid, ()), jwk)
    return found


def _usable(jwk: dict[str, Any], algorithm: str) -> Any:
    """Return the public key when it is one for signatures of this algorithm, else None."""
    if (
        jwk.get("kty") != _KEY_TYPES.get(algorithm[:2])
        or jwk.get("alg", algorithm) != algorithm
        or jwk.get("use", "sig") != "sig"
        or "verify" not in jwk.get("key_ops", ["verify"])
        or "d" in jwk  # a private key that somebody publishes proves nothing any more
    ):
        return None
    try:
        found = jwt.PyJWK(jwk, algorithm)
        # it checks the curve, which making the key does not
        return found.Algorithm.prepare_key(found.key)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
