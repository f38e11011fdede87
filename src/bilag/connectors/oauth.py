"""OAuth2 client credentials: one token for all senders of a session, fetched by one at a time.

A token is kept in memory until shortly before it expires, never stored. RFC 6749, 4.4.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from bilag.connectors.faults import evidence_of, status_problem, transport_problem
from bilag.connectors.http import (
    ExchangeError,
    HttpAnswer,
    HttpClient,
    TargetRefused,
    retry_after_seconds,
)
from bilag.core.clock import running_seconds
from bilag.core.outcome import Evidence, Misconfigured, RetryLater
from bilag.core.problem import Problem

# Failure policy: a token is renewed this long before it expires (at most a tenth of its life), so
# that it does not run out on the way; without a stated life it is taken to last 5 minutes.
RENEW_BEFORE_SECONDS = 60.0
LIFE_SECONDS_ASSUMED = 300.0

SENDABLE = re.compile(r"[\x21-\x7e]+")


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


class TokenSource:
    """Where one session gets its access tokens; shared by everything in flight under it.

    `request` gives form fields and headers of a token request anew each time (assertions expire).
    """

    def __init__(
        self,
        http: HttpClient,
        url: str,
        request: Callable[[], tuple[Mapping[str, str], Mapping[str, str]]],
        scheme: str = "Bearer",
    ) -> None:
        self._http = http
        self._url = url
        self._request = request
        self._scheme = scheme
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._failure: RetryLater | Misconfigured | None = None
        self._fetches = 0

    async def token(self, timeout_seconds: float | None = None) -> Token:
        """Return a token that is still good, fetching one where needed.

        Raises LoginFailed; whoever waited for a fetch that failed fails with it, at once.
        """
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
        form, headers = self._request()
        started = running_seconds()
        try:
            answer = await self._http.request(
                "POST",
                self._url,
                body=urlencode(form).encode(),
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                    **headers,
                },
                timeout_seconds=timeout_seconds,
            )
        except ExchangeError as error:
            problem = transport_problem(error, self._url)
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
        if not isinstance(value, str) or not SENDABLE.fullmatch(value):
            problem = transport_problem(
                ExchangeError("no access_token", "token_missing"), self._url
            )
            raise LoginFailed(Misconfigured(problem.text(), self._evidence(answer), problem))
        self._http.redact.add(value, passing=True)
        life = _seconds(document.get("expires_in"))
        return Token(
            f"{self._scheme} {value}", started + life - min(RENEW_BEFORE_SECONDS, life / 10)
        )

    def _refusal(
        self, answer: HttpAnswer, document: dict[str, object] | None
    ) -> RetryLater | Misconfigured:
        status = answer.status
        problem = status_problem(answer, self._url)
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
            said = (document or {}).get("error")
            # a code of RFC 6749, 5.2; redacted before it is cut, or a cut secret would get through
            reason = self._http.redact(said)[:60] if isinstance(said, str) else ""
            params = {"status": f"{status} {reason}".strip(), "reason": reason}
            problem = Problem("connector.token_refused", params=params)
        if 300 <= status < 500:
            return Misconfigured(problem.text(), evidence, problem)
        if status == 200:
            problem = Problem("connector.not_json", params={"path": self._url})
        return RetryLater(problem.text(), transport=True, evidence=evidence, problem=problem)

    def _evidence(self, answer: HttpAnswer) -> Evidence:
        return Evidence(answer.status, answer.excerpt(self._http.redact), answer.duration_ms)


def _object(body: bytes) -> dict[str, object] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _seconds(value: object) -> float:
    text = str(value)
    return float(text[:9]) if text.isascii() and text.isdecimal() else LIFE_SECONDS_ASSUMED
