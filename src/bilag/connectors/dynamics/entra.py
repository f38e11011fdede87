"""Logs in to Microsoft Entra with client credentials: by client secret, or by certificate.

Tokens are kept by connectors/oauth.py; refusals are told by the `error` code, never by its text.
"""

import base64
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bilag.connectors.http import HttpClient
from bilag.connectors.oauth import LoginFailed, Token, TokenSource
from bilag.core.outcome import Misconfigured, RetryLater
from bilag.core.problem import Problem

# Failure policy: an assertion is made anew for each token request and is good for 10 minutes, so
# that a copy of it is soon worthless.
ASSERTION_SECONDS = 600
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# The `error` codes of a token answer that have a sentence of their own.
_REFUSALS = {
    "invalid_client": "dynamics.client_refused",
    "unauthorized_client": "dynamics.client_unauthorized",
    "invalid_request": "dynamics.request_refused",
    "invalid_resource": "dynamics.scope_refused",
    "invalid_scope": "dynamics.scope_refused",
}
_PASSING = frozenset({"temporarily_unavailable", "server_error"})


@dataclass(frozen=True, slots=True)
class ClientLogin:
    """Who we are to Entra; `certificate` says that `secret` is a PEM key with its certificate."""

    token_url: str
    client_id: str
    scope: str
    secret: str
    certificate: bool = False


class UnusableKey(ValueError):
    """The PEM text holds no RSA key without password, or no certificate that belongs to it."""


class EntraLogin:
    """The access tokens of one session; shared by everything in flight under it."""

    def __init__(self, http: HttpClient, client: ClientLogin) -> None:
        self._client = client
        self._signer = Signer(client.secret) if client.certificate else None
        self._tokens = TokenSource(http, client.token_url, self._request)

    async def token(self, timeout_seconds: float | None = None) -> Token:
        """Return a token that is still good, fetching one where needed; raises LoginFailed."""
        try:
            return await self._tokens.token(timeout_seconds)
        except LoginFailed as failure:
            raise LoginFailed(_in_words(failure.outcome)) from failure

    def forget(self, token: Token) -> None:
        """Drop this token; a newer one that another sender fetched meanwhile stays."""
        self._tokens.forget(token)

    def _request(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        client = self._client
        form = {
            "grant_type": "client_credentials",
            "client_id": client.client_id,
            "scope": client.scope,
        }
        if self._signer is None:
            return form | {"client_secret": client.secret}, {}
        assertion = self._signer.assertion(client.client_id, client.token_url)
        return form | {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}, {}


class Signer:
    """Signs client assertions with an RSA key; raises UnusableKey when the PEM does not serve."""

    def __init__(self, pem: str) -> None:
        try:
            key = serialization.load_pem_private_key(pem.encode(), password=None)
            certificate = x509.load_pem_x509_certificate(pem.encode())
        except (ValueError, TypeError) as error:
            raise UnusableKey("no private key with its certificate in PEM form") from error
        if not isinstance(key, rsa.RSAPrivateKey) or certificate.public_key() != key.public_key():
            raise UnusableKey("the certificate does not belong to the RSA key")
        self._key = key
        thumbprint = certificate.fingerprint(hashes.SHA256())
        self._header = {"alg": "RS256", "typ": "JWT", "x5t#S256": _base64url(thumbprint)}

    def assertion(self, client_id: str, audience: str) -> str:
        """Return a signed JWT (RS256) that names us to `audience` for ten minutes."""
        now = int(time.time())
        claims = {
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": str(uuid.uuid4()),
            "nbf": now,
            "exp": now + ASSERTION_SECONDS,
        }
        signed = f"{_base64url(orjson.dumps(self._header))}.{_base64url(orjson.dumps(claims))}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"


def _in_words(outcome: RetryLater | Misconfigured) -> RetryLater | Misconfigured:
    problem = outcome.problem
    if problem is None or problem.code != "connector.token_refused":
        return outcome
    reason = problem.params.get("reason", "")
    if reason in _PASSING:
        return RetryLater(
            problem.text(), transport=True, evidence=outcome.evidence, problem=problem
        )
    if reason not in _REFUSALS:
        return outcome
    told = Problem(_REFUSALS[reason], params=problem.params)
    return Misconfigured(told.text(), outcome.evidence, told)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
