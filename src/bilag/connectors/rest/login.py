"""Logs in: fixed headers, a signature for each request, or an OAuth2 token shared by all senders.

A token is fetched by one at a time and kept until shortly before it expires, never stored.
"""

import asyncio
import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import orjson

from bilag.connectors.http import (
    ExchangeError,
    HttpAnswer,
    HttpClient,
    TargetRefused,
    retry_after_seconds,
)
from bilag.connectors.rest.faults import evidence_of, status_problem, transport_problem
from bilag.connectors.rest.settings import Auth
from bilag.core.clock import running_seconds
from bilag.core.outcome import Evidence, Misconfigured, RetryLater
from bilag.core.problem import Problem

SECRET_OF_KIND = {
    "api_key": "api_key",
    "basic": "password",
    "bearer": "bearer_token",
    "oauth2_client_credentials": "client_secret",
    "hmac": "hmac_key",
}
# Failure policy: a token is renewed this long before it expires (at most a tenth of its life), so
# that it does not run out on the way; without a stated life it is taken to last 5 minutes.
RENEW_BEFORE_SECONDS = 60.0
LIFE_SECONDS_ASSUMED = 300.0

_SENDABLE = re.compile(r"[\x21-\x7e]+")


class LoginFailed(Exception):
    """No login could be had, so nothing was sent; `outcome` says what happens next."""

    def __init__(self, outcome: RetryLater | Misconfigured) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


@dataclass(slots=True)
class Token:
    """An access token; once the system has `accepted` it, a later 401 means that it expired."""

    header: str
    renew_at: float
    accepted: bool = False


class Login:
    """The login of one session; shared by everything that is in flight under it."""

    def __init__(self, auth: Auth, secrets: Mapping[str, str], http: HttpClient) -> None:
        self._auth = auth
        self._http = http
        self._secret = secrets.get(SECRET_OF_KIND.get(auth.kind, ""), "")
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._failure: RetryLater | Misconfigured | None = None
        self._fetches = 0
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
        if name in ("api_key", "bearer_token") and not _SENDABLE.fullmatch(self._secret):
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
        if (token := self._good_token()) is not None:
            return token
        seen = self._fetches
        async with self._lock:
            if self._fetches != seen:
                if (token := self._good_token()) is not None:
                    return token
                if self._failure is not None:
                    raise LoginFailed(self._failure)
            try:
                self._token = await self._fetch(timeout_seconds)
            except LoginFailed as failure:
                self._failure = failure.outcome
                raise
            else:
                self._failure = None
                return self._token
            finally:
                self._fetches += 1

    def forget(self, token: Token) -> None:
        """Drop this token; a newer one that another sender fetched meanwhile stays."""
        if self._token is token:
            self._token = None

    def _good_token(self) -> Token | None:
        token = self._token
        return token if token is not None and running_seconds() < token.renew_at else None

    async def _fetch(self, timeout_seconds: float | None) -> Token:
        auth = self._auth
        form = {"grant_type": "client_credentials"}
        form |= {k: v for k, v in (("scope", auth.scope), ("audience", auth.audience)) if v}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        if auth.client_auth == "header":
            # RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
            headers["Authorization"] = _basic(
                quote(auth.client_id, safe=""), quote(self._secret, safe="")
            )
            self._http.redact.add(headers["Authorization"].removeprefix("Basic "))
        else:
            form |= {"client_id": auth.client_id, "client_secret": self._secret}
        started = running_seconds()
        try:
            answer = await self._http.request(
                "POST",
                auth.token_url,
                body=urlencode(form).encode(),
                headers=headers,
                timeout_seconds=timeout_seconds,
            )
        except ExchangeError as error:
            problem = transport_problem(error, auth.token_url)
            if isinstance(error, TargetRefused):
                raise LoginFailed(
                    Misconfigured(problem.text(), evidence_of(error), problem)
                ) from error
            # Failure policy: a token request posts nothing, so it may be repeated; the engine
            # does that with its own backoff.
            raise LoginFailed(
                RetryLater(
                    problem.text(), transport=True, evidence=evidence_of(error), problem=problem
                )
            ) from error
        return self._read(answer, started)

    def _read(self, answer: HttpAnswer, started: float) -> Token:
        document = _object(answer.body)
        if answer.status != 200 or document is None:
            raise LoginFailed(self._refusal(answer, document))
        value = document.get("access_token")
        if not isinstance(value, str) or not _SENDABLE.fullmatch(value):
            problem = transport_problem(
                ExchangeError("no access_token", "token_missing"), self._auth.token_url
            )
            raise LoginFailed(Misconfigured(problem.text(), self._evidence(answer), problem))
        self._http.redact.add(value, passing=True)
        life = _seconds(document.get("expires_in"))
        return Token(f"Bearer {value}", started + life - min(RENEW_BEFORE_SECONDS, life / 10))

    def _refusal(
        self, answer: HttpAnswer, document: dict[str, object] | None
    ) -> RetryLater | Misconfigured:
        status = answer.status
        problem = status_problem(answer, self._auth.token_url)
        evidence = self._evidence(answer)
        if status in (408, 425, 429):
            return RetryLater(
                problem.text(),
                after_seconds=retry_after_seconds(answer.headers),
                pauses=status == 429,
                evidence=evidence,
                problem=problem,
            )
        if status in (400, 401, 403):
            reason = str((document or {}).get("error", ""))[:60]
            problem = Problem(
                "connector.token_refused",
                params={"status": str(status), "reason": self._http.redact(reason)},
            )
        if 300 <= status < 500:
            return Misconfigured(problem.text(), evidence, problem)
        if status == 200:
            problem = Problem("connector.not_json", params={"path": self._auth.token_url})
        return RetryLater(problem.text(), transport=True, evidence=evidence, problem=problem)

    def _evidence(self, answer: HttpAnswer) -> Evidence:
        return Evidence(answer.status, answer.excerpt(self._http.redact), answer.duration_ms)


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def _object(body: bytes) -> dict[str, object] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _seconds(value: object) -> float:
    text = str(value)
    return float(text[:9]) if text.isascii() and text.isdecimal() else LIFE_SECONDS_ASSUMED
