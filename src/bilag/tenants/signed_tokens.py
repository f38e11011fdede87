"""Signed tokens (JWT) of people's own sign-in, such as Supabase: who is it, and nothing else (X3).

Issuer, audience, expiry and algorithm are pinned. Organization and role are never taken from the
token: a user can write some of what stands in it, and our own members say who belongs where.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from jwt.types import Options

from bilag.tenants.issuers import SYMMETRIC, Fetch, Issuer, KeySet

TOKEN_CHARACTERS_MAX = 8192
SUBJECT_CHARACTERS_MAX = 200
# What Supabase signs for servers: it stands for no person, and it is everybody's master key.
_SERVICE_ROLE = "service_role"
# RSA keys of less than 2,048 bits are refused as well.
_OPTIONS: Options = {
    "require": ["exp", "iss", "aud", "sub"],
    "enforce_minimum_key_length": True,
}
# What reading a hostile token can raise besides PyJWT's own errors.
_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


class SignedTokens:
    """The issuers of an installation; `subject` is safe to call from several threads."""

    def __init__(self, issuers: Sequence[Issuer], fetch: Fetch) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._keys = {issuer.name: KeySet(issuer, fetch) for issuer in issuers if issuer.jwks_url}

    def subject(self, token: str) -> str | None:
        """Return the name under which our members know the person, None without a valid token.

        Raises KeysNotFetched when the issuer's keys cannot be had, since then nobody can tell.
        """
        if len(token) > TOKEN_CHARACTERS_MAX:
            return None
        try:
            header = jwt.get_unverified_header(token)
            # Only to know whose keys to try: the signature is checked with those.
            said = jwt.decode(token, options={"verify_signature": False})
        except _UNREADABLE:
            return None
        name = said.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        algorithm = header.get("alg")
        if issuer is None or not isinstance(algorithm, str) or "crit" in header:
            return None
        if algorithm not in issuer.algorithms:
            return None
        key = self._key(issuer, header, algorithm)
        if key is None:
            return None
        try:
            claims = jwt.decode(
                token, key, algorithms=[algorithm], audience=issuer.audience, issuer=issuer.name,
                leeway=issuer.leeway_seconds, options=_OPTIONS,
            )  # fmt: skip
        except _UNREADABLE:
            return None
        return _subject(claims, issuer)

    def _key(self, issuer: Issuer, header: Mapping[str, Any], algorithm: str) -> Any:
        if algorithm in SYMMETRIC:
            return issuer.secret or None
        kid = header.get("kid")
        return self._keys[issuer.name].key(kid, algorithm) if isinstance(kid, str) else None


def _subject(claims: Mapping[str, Any], issuer: Issuer) -> str | None:
    role, subject = claims.get("role"), claims.get("sub")
    if _SERVICE_ROLE in (role if isinstance(role, list) else [role]):
        return None
    if not isinstance(subject, str) or not subject.strip() or not subject.isprintable():
        return None
    # People who sign in here are known by their e-mail address; nobody else may bring one along.
    if "@" in subject and not issuer.subject_prefix:
        return None
    found = issuer.subject_prefix + subject
    return found if len(found) <= SUBJECT_CHARACTERS_MAX else None
