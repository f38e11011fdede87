"""Logs in: fixed headers, a signature for each request, or an OAuth2 token shared by all senders.

Nothing of it is stored; tokens are kept by connectors/oauth.py.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import quote

from bilag.connectors.http import HttpClient
from bilag.connectors.oauth import SENDABLE, LoginFailed, Token, TokenSource
from bilag.connectors.rest.login_settings import SECRET_OF_KIND, Auth
from bilag.core.outcome import Misconfigured
from bilag.core.problem import Problem


class Login:
    """The login of one session; shared by everything that is in flight under it."""

    def __init__(self, auth: Auth, secrets: Mapping[str, str], http: HttpClient) -> None:
        self._auth = auth
        self._http = http
        self._secret = secrets.get(SECRET_OF_KIND.get(auth.kind, ""), "")
        self._tokens = TokenSource(http, auth.token_url, self._token_request)
        self.problem = self._find_problem()
        self.headers = {} if self.problem else self._fixed_headers()
        for value in self.headers.values():
            http.redact.add(value.rpartition(" ")[2])

    @property
    def signs(self) -> bool:
        """True when each request gets headers of its own (a token or a signature)."""
        return self._auth.kind in ("oauth2_client_credentials", "hmac")

    def _find_problem(self) -> Problem | None:
        name = SECRET_OF_KIND.get(self._auth.kind)
        if name is None:
            return None
        if not self._secret:
            return Problem("connector.secret_missing", params={"secret": name})
        if name in ("api_key", "bearer_token") and not SENDABLE.fullmatch(self._secret):
            return Problem("connector.secret_unusable", params={"secret": name})
        return None

    def _fixed_headers(self) -> dict[str, str]:
        if self._auth.kind == "api_key":
            return {self._auth.api_key_header: self._secret}
        if self._auth.kind == "bearer":
            return {"Authorization": f"Bearer {self._secret}"}
        if self._auth.kind == "basic":
            return {"Authorization": _basic(self._auth.username, self._secret)}
        return {}

    def sign(self, method: str, path: str, body: bytes) -> dict[str, str]:
        """Return the HMAC-SHA256 headers for one request; nothing for other logins."""
        if self._auth.kind != "hmac":
            return {}
        stamp = str(int(time.time()))
        before, _, after = self._auth.signed_text.partition("{body}")

        def filled(text: str) -> bytes:
            text = text.replace("{timestamp}", stamp).replace("{method}", method)
            return text.replace("{path}", path).encode()

        signed = filled(before) + body + filled(after)
        digest = hmac.new(self._secret.encode(), signed, hashlib.sha256).hexdigest()
        return {
            self._auth.timestamp_header: stamp,
            self._auth.signature_header: self._auth.signature_prefix + digest,
        }

    async def token(self, timeout_seconds: float | None = None) -> Token | None:
        """Return a token that is still good, fetching one where needed; None without OAuth2.

        Raises LoginFailed; whoever waited for a fetch that failed fails with it, at once.
        """
        if self.problem is not None:
            raise LoginFailed(Misconfigured(self.problem.text(), problem=self.problem))
        if self._auth.kind != "oauth2_client_credentials":
            return None
        return await self._tokens.token(timeout_seconds)

    def forget(self, token: Token) -> None:
        """Drop this token; a newer one that another sender fetched meanwhile stays."""
        self._tokens.forget(token)

    def _token_request(self) -> tuple[dict[str, str], dict[str, str]]:
        auth = self._auth
        form = {"grant_type": "client_credentials"}
        form |= {k: v for k, v in (("scope", auth.scope), ("audience", auth.audience)) if v}
        if auth.client_auth != "header":
            return form | {"client_id": auth.client_id, "client_secret": self._secret}, {}
        # RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
        basic = _basic(quote(auth.client_id, safe=""), quote(self._secret, safe=""))
        self._http.redact.add(basic.removeprefix("Basic "))
        return form, {"Authorization": basic}


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
