"""The login of one Business Central session: Entra, or user name and access key on-premises.

A missing or unusable secret is a problem found before anything is sent.
"""

import base64
from collections.abc import Mapping

from bilag.connectors.dynamics.business_central.settings import (
    SECRET_OF_AUTH,
    BusinessCentralSettings,
)
from bilag.connectors.dynamics.entra import ClientLogin, EntraLogin, UnusableKey
from bilag.connectors.http import HttpClient
from bilag.connectors.oauth import LoginFailed, Token
from bilag.core.outcome import Misconfigured
from bilag.core.problem import Problem


class Login:
    """How a session proves who it is; shared by everything in flight under it."""

    def __init__(
        self, settings: BusinessCentralSettings, secrets: Mapping[str, str], http: HttpClient
    ) -> None:
        name = SECRET_OF_AUTH[settings.auth]
        secret = secrets.get(name, "")
        self._problem: Problem | None = None
        self._entra: EntraLogin | None = None
        self._fixed = ""
        for one in secrets.values():
            http.redact.add(one)
        if not secret:
            self._problem = Problem("connector.secret_missing", params={"secret": name})
        elif settings.auth == "basic":
            pair = base64.b64encode(f"{settings.username}:{secret}".encode()).decode()
            http.redact.add(pair)
            self._fixed = f"Basic {pair}"
        else:
            certificate = settings.auth == "certificate"
            client = ClientLogin(
                settings.token_url, settings.client_id, settings.scope, secret, certificate
            )
            try:
                self._entra = EntraLogin(http, client)
            except UnusableKey as error:
                params = {"secret": name, "reason": str(error)}
                self._problem = Problem("dynamics.key_unusable", params=params)

    async def token(self, timeout_seconds: float | None = None) -> Token:
        """Return what goes into the Authorization header; raises LoginFailed."""
        if self._problem is not None:
            raise LoginFailed(Misconfigured(self._problem.text(), problem=self._problem))
        if self._entra is None:
            return Token(self._fixed, renew_at=0.0)
        return await self._entra.token(timeout_seconds)

    def forget(self, token: Token) -> bool:
        """Drop a token that was refused; False when there is no other to be had."""
        if self._entra is None:
            return False
        self._entra.forget(token)
        return True
