"""Entra's token endpoint: client credentials with a secret, or with a signed assertion.

Answers as Entra does, with AADSTS codes in the text; tokens are forgotten when the sandbox ends.
"""

import base64
import binascii
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bilag.sandbox.business_central.options import Options

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class AssertionRefused(Exception):
    """A client assertion that proves nothing."""


class Logins:
    """Hands out tokens, and knows whose a token is."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tokens: dict[str, tuple[str, float]] = {}

    def user(self, headers: Mapping[str, str]) -> str | None:
        """Return the application whose living token a request carries."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        user, until = self._tokens.get(token, ("", 0.0))
        return user if scheme == "Bearer" and until > time.monotonic() else None

    def revoke(self, headers: Mapping[str, str]) -> None:
        """Make the token of a request worthless."""
        self._tokens.pop(headers.get("Authorization", "").removeprefix("Bearer "), None)

    def issue(self, tenant: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer a token request (dynamics.md §1.2): status and JSON."""
        form = {name: values[0] for name, values in
                parse_qs(body.decode("utf-8", "replace")).items()}  # fmt: skip
        if refused := self._refusal(tenant, form):
            return refused
        token = "eyJ0eXAi." + secrets.token_urlsafe(48)
        life = self._options.token_seconds
        self._tokens[token] = (form["client_id"], time.monotonic() + life)
        return 200, {"token_type": "Bearer", "expires_in": int(life), "access_token": token}

    def _refusal(self, tenant: str, form: Mapping[str, str]) -> tuple[int, dict[str, Any]] | None:
        options = self._options
        if tenant != options.tenant:
            # This code and 900144, 700016, 700027 are not in dynamics.md: INFERRED.
            return error(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if form.get("grant_type") != "client_credentials":
            return error(400, "unsupported_grant_type", 70003, "The grant type is not supported.")
        if form.get("client_id") != options.client_id:
            return error(
                400, "unauthorized_client", 700016,
                f"Application with identifier '{form.get('client_id', '')}' was not found in the "
                f"directory '{tenant}'.",
            )  # fmt: skip
        return self._wrong_proof(tenant, form) or self._wrong_scope(form.get("scope", ""))

    def _wrong_scope(self, scope: str) -> tuple[int, dict[str, Any]] | None:
        if scope == self._options.scope:
            return None
        if scope.endswith("/.default"):
            return error(
                400, "invalid_resource", 500011,
                f"The resource principal named {scope.removesuffix('/.default')} was not found in "
                f"the tenant named {self._options.tenant}.",
            )  # fmt: skip
        return error(
            400, "invalid_scope", 70011,
            "The provided request must include a 'scope' input parameter. "
            f"The provided value for the input parameter 'scope' is not valid: {scope}.",
        )  # fmt: skip

    def _wrong_proof(
        self, tenant: str, form: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]] | None:
        # Codes: dynamics.md §1.2
        options = self._options
        if form.get("client_assertion_type") == ASSERTION and options.certificate:
            try:
                verify_assertion(
                    form.get("client_assertion", ""),
                    Path(options.certificate).read_bytes(),
                    options.client_id,
                    tenant,
                )
            except AssertionRefused as refused:
                return error(
                    401, "invalid_client", 700027,
                    f"The certificate with identifier used to sign the client assertion is not "
                    f"registered on application. {refused}",
                )  # fmt: skip
            return None
        secret = form.get("client_secret")
        if secret is None:
            return error(
                401, "invalid_client", 7000218,
                "The request body must contain the following parameter: 'client_assertion' or "
                "'client_secret'.",
            )  # fmt: skip
        if not hmac.compare_digest(secret.encode(), options.client_secret.encode()):
            return error(
                401, "invalid_client", 7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is "
                "the client secret value, not the client secret ID, for a secret added to app "
                f"'{options.client_id}'.",
            )  # fmt: skip
        if options.secret_expired:
            return error(
                401, "invalid_client", 7000222,
                f"The provided client secret keys for app '{options.client_id}' are expired.",
            )  # fmt: skip
        return None


def error(status: int, name: str, code: int, text: str) -> tuple[int, dict[str, Any]]:
    """Return an error of the token endpoint as Entra shapes it (dynamics.md §1.2)."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
    return status, {
        "error": name,
        "error_description": f"AADSTS{code}: {text}\r\nTrace ID: {trace}\r\n"
        f"Correlation ID: {correlation}\r\nTimestamp: {stamp}",
        "error_codes": [code],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }


def verify_assertion(token: str, pem: bytes, client_id: str, tenant: str) -> None:
    """Raise AssertionRefused unless the JWT is signed by the certificate, for us, and in time."""
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        head_part, claims_part, signature_part = token.split(".")
        head, claims = json.loads(_decoded(head_part)), json.loads(_decoded(claims_part))
        signature = _decoded(signature_part)
    except (ValueError, binascii.Error):
        raise AssertionRefused("The assertion is not a JSON web token.") from None
    thumbprints = {
        "x5t": _encoded(certificate.fingerprint(hashes.SHA1())),  # noqa: S303 - as Entra names it
        "x5t#S256": _encoded(certificate.fingerprint(hashes.SHA256())),
    }
    if not any(head.get(name) == value for name, value in thumbprints.items()):
        raise AssertionRefused("The thumbprint is not the certificate's.")
    paddings: dict[str, padding.AsymmetricPadding] = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
    }
    key, chosen = certificate.public_key(), paddings.get(head.get("alg"))
    if chosen is None or not isinstance(key, rsa.RSAPublicKey):
        raise AssertionRefused("The algorithm is not supported.")
    try:
        key.verify(signature, f"{head_part}.{claims_part}".encode(), chosen, hashes.SHA256())
    except InvalidSignature:
        raise AssertionRefused("The signature does not fit.") from None
    now = time.time()
    if not isinstance(claims.get("exp"), int) or claims["exp"] < now:
        raise AssertionRefused("The assertion has expired.")
    if isinstance(claims.get("nbf"), int) and claims["nbf"] > now + 300:
        raise AssertionRefused("The assertion is not valid yet.")
    if claims.get("iss") != client_id or claims.get("sub") != client_id or not claims.get("jti"):
        raise AssertionRefused("Issuer and subject are not the application, or jti is missing.")
    audience = str(claims.get("aud", ""))
    if not audience.endswith((f"/{tenant}/oauth2/v2.0/token", f"/{tenant}/v2.0")):
        raise AssertionRefused("The audience is not this token endpoint.")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
