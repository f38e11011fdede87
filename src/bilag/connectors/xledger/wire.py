"""One session's way to Xledger: address, login, pace, and what an answer is worth.

Kept in the session's memory, so that all runs of a worker share one pace and one token.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import orjson

from bilag.connectors.faults import evidence_of, host_of, transport_problem
from bilag.connectors.http import (
    ExchangeError,
    HttpAnswer,
    HttpClient,
    NotSent,
    Permit,
    TargetRefused,
    TooLate,
)
from bilag.connectors.interface import Session
from bilag.connectors.oauth import SENDABLE, LoginFailed, Token, TokenSource
from bilag.connectors.xledger.answers import Reply, Stopped, read_reply
from bilag.connectors.xledger.pace import Pace
from bilag.connectors.xledger.refusals import Blaming
from bilag.connectors.xledger.settings import SECRET_OF_KIND, XledgerSettings
from bilag.core.outcome import (
    CannotTell,
    Evidence,
    Misconfigured,
    RetryLater,
    Unknown,
)
from bilag.core.problem import Problem

_MEMORY = "xledger.wire"
# Of what Xledger said to a query: a person reads it, and the evidence holds the rest.
SAID_MAX = 200


class ReadFailed(Exception):
    """Something could not be read; `outcome` says why, `cannot_tell` what a look-up makes of it."""

    def __init__(self, outcome: Stopped) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome

    @property
    def cannot_tell(self) -> CannotTell:
        """Return the look-up's answer to this."""
        return CannotTell(self.outcome.message, self.outcome.evidence, self.outcome.problem)


@dataclass(slots=True)
class Wire:
    """One session's prepared way to the system; nothing in it is written down anywhere."""

    http: HttpClient
    settings: XledgerSettings
    url: str
    pace: Pace
    blaming: Blaming
    tokens: TokenSource | None
    api_token: str
    problem: Problem | None

    @classmethod
    def of(cls, session: Session[XledgerSettings]) -> "Wire":
        """Return the session's wire, making it on first use."""
        kept = session.memory.get(_MEMORY)
        if isinstance(kept, cls):
            return kept
        settings = session.settings
        for value in session.secrets.values():
            session.http.redact.add(value)
        name = SECRET_OF_KIND[settings.auth.kind]
        secret = session.secrets.get(name, "")
        problem = None
        if not secret:
            problem = Problem("connector.secret_missing", params={"secret": name})
        elif name == "api_token" and not SENDABLE.fullmatch(secret):
            problem = Problem("connector.secret_unusable", params={"secret": name})
        pace = settings.pace
        wire = cls(
            http=session.http,
            settings=settings,
            url=settings.url,
            pace=Pace(pace.burst_requests, pace.burst_seconds, pace.requests_in_flight_max),
            blaming=Blaming(settings),
            tokens=_tokens(settings, session.http, secret) if name == "client_secret" else None,
            api_token=secret,
            problem=problem,
        )
        session.memory[_MEMORY] = wire
        return wire

    async def exchange(
        self,
        body: bytes,
        permit: Permit | None = None,
        timeout_seconds: float | None = None,
    ) -> Reply | Stopped:
        """Send one request and return what came of it; never raises, never repeats."""
        if self.problem is not None:
            return Misconfigured(self.problem.text(), problem=self.problem)
        limit = self._limit(timeout_seconds)
        try:
            token = await self.tokens.token(limit) if self.tokens is not None else None
            answer = await self._request(body, token, permit, limit)
        except LoginFailed as error:
            return error.outcome
        except ExchangeError as error:
            return self._no_answer(error)
        reply = read_reply(answer, self.url, self.http.redact)
        if token is None or self.tokens is None:
            return reply
        if token.accepted and _is_login_refused(reply):
            # what was accepted before has expired; nothing was done under it
            self.tokens.forget(token)
            problem = Problem("connector.token_expired")
            return RetryLater(
                problem.text(), after_seconds=0, evidence=reply.evidence, problem=problem
            )
        token.accepted = token.accepted or isinstance(reply, Reply)
        return reply

    async def read(
        self, query: str, timeout_seconds: float | None = None, *, repeat: bool = True
    ) -> tuple[Mapping[str, Any], Reply]:
        """Return the data of a query, which must change nothing; raises ReadFailed.

        Failure policy: one repeat at once when the way there or the login failed, since reading
        posts nothing; limits are not repeated, and a second failure is the caller's.
        """
        body = orjson.dumps({"query": query})
        reply = await self.exchange(body, timeout_seconds=timeout_seconds)
        if (repeat and isinstance(reply, Unknown | RetryLater) and reply.transport) or (
            # the token had expired: a new one costs little, whoever waits
            isinstance(reply, RetryLater) and reply.after_seconds == 0
        ):
            reply = await self.exchange(body, timeout_seconds=timeout_seconds)
        if not isinstance(reply, Reply):
            raise ReadFailed(self._as_read(reply))
        if reply.faults:
            said = self.http.redact("; ".join(fault.message for fault in reply.faults))[:SAID_MAX]
            problem = Problem("xledger.fault", params={"reason": said})
            raise ReadFailed(
                Unknown(problem.text(), transport=False, evidence=reply.evidence, problem=problem)
            )
        return reply.data, reply

    def _as_read(self, stopped: Stopped) -> Stopped:
        """Say of a query what is said of vouchers where an answer is not understood."""
        problem = stopped.problem
        if problem is None or problem.code != "connector.success_unproven":
            return stopped
        params = {**problem.params, "host": host_of(self.url)}
        told = Problem("xledger.unreadable", params=params)
        return Unknown(told.text(), evidence=stopped.evidence, problem=told)

    async def _request(
        self, body: bytes, token: Token | None, permit: Permit | None, limit: float
    ) -> HttpAnswer:
        async with self.pace.place():
            return await self.http.request(
                "POST",
                self.url,
                body=body,
                headers={
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                    "User-Agent": "bilag",
                    "Authorization": token.header if token else f"token {self.api_token}",
                },
                permit=permit,
                timeout_seconds=limit,
            )

    def _limit(self, timeout_seconds: float | None) -> float:
        own = self.settings.pace.request_timeout_seconds
        limits = (self.http.timeout_seconds, timeout_seconds or 0.0, own)
        return min(limit for limit in limits if limit > 0)

    def _no_answer(self, error: ExchangeError) -> Stopped:
        problem, evidence = transport_problem(error, self.url), evidence_of(error)
        if isinstance(error, TargetRefused):
            return Misconfigured(problem.text(), evidence, problem)
        if isinstance(error, NotSent):
            # Running late is our own fault, so it does not feed the circuit breaker.
            return RetryLater(
                problem.text(),
                transport=not isinstance(error, TooLate),
                evidence=evidence,
                problem=problem,
            )
        return Unknown(problem.text(), evidence=evidence, problem=problem)


def _is_login_refused(reply: Reply | Stopped) -> TypeGuard[Misconfigured]:
    codes = ("xledger.login_refused", "connector.credentials_refused", "connector.forbidden")
    return (
        isinstance(reply, Misconfigured)
        and reply.problem is not None
        and reply.problem.code in codes
    )


def unreadable(missing: str, evidence: Evidence) -> ReadFailed:
    """Return the failure of an answer that lacks what was asked for."""
    problem = Problem("connector.hit_unreadable", params={"missing": missing})
    return ReadFailed(Unknown(problem.text(), evidence=evidence, problem=problem))


def _tokens(settings: XledgerSettings, http: HttpClient, secret: str) -> TokenSource:
    auth = settings.auth
    form = {
        "grant_type": "client_credentials",
        "client_id": auth.client_id,
        "client_secret": secret,
    } | ({"scope": auth.scope} if auth.scope else {})
    return TokenSource(http, auth.token_url, lambda: (form, {}), auth.scheme)
