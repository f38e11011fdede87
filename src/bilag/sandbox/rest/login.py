"""Who may use the REST sandbox: API key, basic, bearer, OAuth2 tokens, signed requests.

Tokens live as long as the option says and are forgotten when the sandbox ends.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

from bilag.sandbox.rest.options import Options

SIGNATURE_SECONDS_MAX = 300


class Logins:
    """Checks each request's login against the options and hands out tokens."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tokens: dict[str, float] = {}

    def accepts(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Return whether one of the accepted logins is there and right."""
        options = self._options
        accepted = options.auth.split(",")
        if "none" in accepted:
            return True
        authorization = headers.get("Authorization", "")
        return (
            ("api_key" in accepted and _same(headers.get("X-API-Key", ""), options.api_key))
            or (
                "basic" in accepted
                and _basic(authorization) == (options.username, options.password)
            )
            or ("bearer" in accepted and _same(authorization, f"Bearer {options.bearer_token}"))
            or ("oauth2" in accepted and self._live(authorization))
            or ("hmac" in accepted and self._signed(headers, body))
        )

    def issue(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, object]]:
        """Answer a token request (RFC 6749, 4.4): status and JSON."""
        posted = parse_qs(body.decode("utf-8", "replace"))
        form = {name: values[0] for name, values in posted.items()}
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        by_header = _basic(headers.get("Authorization", ""))
        client = (
            (unquote(by_header[0]), unquote(by_header[1]))
            if by_header
            else (form.get("client_id", ""), form.get("client_secret", ""))
        )
        if client != (self._options.client_id, self._options.client_secret):
            return 401, {"error": "invalid_client", "error_description": "Unknown client or secret"}
        token = secrets.token_urlsafe(32)
        life = self._options.token_seconds
        self._tokens[token] = time.monotonic() + life
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": int(life)}

    def revoke(self, headers: Mapping[str, str]) -> None:
        """Make the token of a request worthless."""
        self._tokens.pop(headers.get("Authorization", "").removeprefix("Bearer "), None)

    def _live(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and self._tokens.get(token, 0) > time.monotonic()

    def _signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        stamp = headers.get("X-Timestamp", "")
        if not stamp.isdecimal() or abs(time.time() - int(stamp)) > SIGNATURE_SECONDS_MAX:
            return False
        key = self._options.hmac_key.encode()
        digest = hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return _same(headers.get("X-Signature", ""), f"sha256={digest}")


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme != "Basic":
        return None
    try:
        name, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password
