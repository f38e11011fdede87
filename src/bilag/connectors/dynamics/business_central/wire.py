"""One session's way to Business Central: addresses, login, at most four requests in flight.

Reading raises Stop with RetryLater or Misconfigured; writing raises Stop with Unknown where it
cannot be said what was done. What the system refused for certain is returned, not raised.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import orjson
from yarl import URL

from bilag.connectors.dynamics.business_central.login import Login
from bilag.connectors.dynamics.business_central.messages import MESSAGE_CHARACTERS_MAX, is_lock
from bilag.connectors.dynamics.business_central.settings import BusinessCentralSettings
from bilag.connectors.dynamics.business_central.stop import (
    NoLogin,
    Reply,
    Stop,
    Trouble,
    stopped,
    unsent,
)
from bilag.connectors.dynamics.odata import (
    Fault,
    Inner,
    Item,
    Operation,
    UnreadableAnswer,
    read_batch,
    read_fault,
    read_object,
    read_page,
    write_batch,
)
from bilag.connectors.faults import evidence_of, status_problem, transport_problem
from bilag.connectors.http import (
    ExchangeError,
    HttpAnswer,
    HttpClient,
    NoAnswer,
    Permit,
    retry_after_seconds,
)
from bilag.connectors.interface import Session
from bilag.connectors.oauth import LoginFailed, Token
from bilag.core.outcome import Company, Evidence, Misconfigured, RetryLater, Unknown
from bilag.core.problem import Problem

# Failure policy: Business Central lets one user have five requests under way and queues others
# until they fail; four leave room for a person at the same login. A fifth waits here.
REQUESTS_IN_FLIGHT_MAX = 4
# Failure policy: a page stays far below the largest answer the HTTP client reads.
PAGE_ITEMS = 1000
# Failure policy: a list longer than this many pages is not a list we asked for; reading it ends.
PAGES_MAX = 500
# Of what it said to a query: a person reads it, and the evidence holds the rest.
SAID_MAX = 200
_MEMORY = "business_central.wire"
_UNQUOTED = "$,()'/:="

Query = Mapping[str, str]


@dataclass(slots=True)
class Wire:
    """A session's prepared way to the system; nothing in it is written down anywhere."""

    http: HttpClient
    settings: BusinessCentralSettings
    login: Login
    slots: asyncio.Semaphore
    company: Company | None = None
    company_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    dimension_ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session[BusinessCentralSettings]) -> "Wire":
        """Return the session's wire, making it on first use."""
        kept = session.memory.get(_MEMORY)
        if isinstance(kept, cls):
            return kept
        wire = cls(
            session.http,
            session.settings,
            Login(session.settings, session.secrets, session.http),
            asyncio.Semaphore(REQUESTS_IN_FLIGHT_MAX),
        )
        session.memory[_MEMORY] = wire
        return wire

    # -- reading -----------------------------------------------------------------------------

    async def read(
        self, path: str, query: Query | None = None, *, once_seconds: float | None = None
    ) -> tuple[Item, Evidence]:
        """Return the object at a path below the API, and its evidence; raises Stop.

        Failure policy: repeated once at once when there was no sound answer, since reading changes
        nothing; not with `once_seconds`, where a person waits.
        """
        url = self._url(path, query)
        try:
            return await self._read_once(url, once_seconds)
        except NoLogin:
            raise
        except Stop as stop:
            if once_seconds is not None or not _worth_repeating(stop.outcome):
                raise
        return await self._read_once(url, None)

    async def read_all(
        self, path: str, query: Query | None = None, *, once_seconds: float | None = None
    ) -> tuple[list[Item], Evidence]:
        """Return every item of a list, page by page, and the evidence of the last page."""
        found: list[Item] = []
        next_path, next_query = path, query or {}
        for _ in range(PAGES_MAX):
            document, evidence = await self.read(next_path, next_query, once_seconds=once_seconds)
            try:
                items, following = read_page(document)
            except UnreadableAnswer as error:
                raise self._unreadable(error, evidence) from error
            found.extend(items)
            if not following:
                return found, evidence
            next_path, next_query = self._within(following, evidence), {}
        raise stopped(RetryLater, "dynamics.unreadable", reason="the list has no end")

    async def _read_once(self, url: URL, timeout_seconds: float | None) -> tuple[Item, Evidence]:
        headers = {"Prefer": f"odata.maxpagesize={PAGE_ITEMS}"}
        try:
            answer = await self._exchange("GET", url, None, headers, None, timeout_seconds)
        except ExchangeError as error:
            raise Stop(unsent(error, str(url))) from error
        evidence = self.evidence(answer)
        if answer.status != 200:
            raise Stop(self._read_refusal(answer, str(url), evidence))
        try:
            return read_object(answer.body), evidence
        except UnreadableAnswer as error:
            raise self._unreadable(error, evidence) from error

    def _read_refusal(
        self, answer: HttpAnswer, url: str, evidence: Evidence
    ) -> RetryLater | Misconfigured:
        problem = status_problem(answer, url)
        status = answer.status
        if status in (408, 425, 429) or status >= 500:
            return RetryLater(
                problem.text(),
                after_seconds=retry_after_seconds(answer.headers),
                transport=status >= 500,
                pauses=status == 429,
                evidence=evidence,
                problem=problem,
            )
        fault = self._fault(answer)
        if is_lock(fault):
            problem = Problem("dynamics.locked")
            return RetryLater(problem.text(), evidence=evidence, problem=problem)
        if fault.message and status not in (401, 403):
            params = {"message": fault.message[:SAID_MAX]}
            problem = Problem("dynamics.read_refused", params=params)
        return Misconfigured(problem.text(), evidence, problem)

    # -- writing -----------------------------------------------------------------------------

    async def write(
        self,
        method: str,
        path: str,
        permit: Permit,
        *,
        body: bytes = b"{}",
        headers: dict[str, str] | None = None,
        timeout_seconds: float | None = None,
        expects_object: bool = True,
    ) -> Reply:
        """Write under a permit and return what is certain; raises Stop for all that is not.

        A refused connection, 429 and a refused login are Stops as well: certainly nothing done.
        """
        url = self._url(path)
        sent = {"Content-Type": "application/json", **(headers or {})}
        content = None if method == "DELETE" else body
        try:
            answer = await self._exchange(method, url, content, sent, permit, timeout_seconds)
        except NoAnswer as error:
            problem = transport_problem(error, str(url))
            raise Stop(
                Unknown(problem.text(), evidence=evidence_of(error), problem=problem)
            ) from error
        except ExchangeError as error:
            raise Stop(unsent(error, str(url))) from error
        return self._reply(answer, str(url), expects_object)

    def _reply(self, answer: HttpAnswer, url: str, expects_object: bool) -> Reply:
        evidence, status = self.evidence(answer), answer.status
        if 200 <= status < 300:
            if not expects_object:
                if answer.body.strip() and status == 200:
                    self._object(answer, evidence)
                return Reply(status, {}, evidence)
            return Reply(status, self._object(answer, evidence), evidence)
        problem = status_problem(answer, url)
        if status == 429:
            wait = retry_after_seconds(answer.headers)
            raise Stop(RetryLater(problem.text(), wait, False, True, evidence, problem))
        if status in (401, 403, 407):
            raise Stop(Misconfigured(problem.text(), evidence, problem))
        if status < 400 or status >= 500 or status in (408, 425):
            raise Stop(Unknown(problem.text(), evidence=evidence, problem=problem))
        fault = self._fault(answer)
        if not fault.message:
            fault = Fault(fault.code, problem.text())
        return Reply(status, {}, evidence, fault)

    def _object(self, answer: HttpAnswer, evidence: Evidence) -> Item:
        try:
            return read_object(answer.body)
        except UnreadableAnswer as error:
            problem = Problem("dynamics.unreadable", params={"reason": str(error)})
            raise Stop(Unknown(problem.text(), evidence=evidence, problem=problem)) from error

    async def batch(
        self, operations: Sequence[Operation], permit: Permit, *, whole: bool
    ) -> tuple[list[Inner | None], Evidence]:
        """Carry out at most 100 operations in order and return each one's answer.

        `whole`: all or nothing, and a single refusal undoes those that say 201 as well. Otherwise
        each stands for itself and the ones after a refusal are carried out too.
        """
        how = {"Isolation": "snapshot"} if whole else {"Prefer": "odata.continue-on-error"}
        reply = await self.write(
            "POST", "$batch", permit, body=write_batch(operations), headers=how
        )
        if is_lock(reply.fault):
            raise stopped(RetryLater, "dynamics.locked", reply.evidence)
        if not reply.ok:
            raise Stop(self.refused(reply))
        try:
            return read_batch(reply.document, len(operations)), reply.evidence
        except UnreadableAnswer as error:
            problem = Problem("dynamics.unreadable", params={"reason": str(error)})
            raise Stop(Unknown(problem.text(), evidence=reply.evidence, problem=problem)) from error

    def refused(self, reply: Reply) -> Misconfigured:
        """Return the outcome of a refusal that no document is to blame for."""
        fault = reply.fault
        params = {"message": f"{fault.message} ({fault.code})"[:MESSAGE_CHARACTERS_MAX]}
        problem = Problem("dynamics.refused", params=params)
        return Misconfigured(problem.text(), reply.evidence, problem)

    # -- what all of it needs ----------------------------------------------------------------

    async def _exchange(
        self,
        method: str,
        url: URL,
        body: bytes | None,
        headers: dict[str, str],
        permit: Permit | None,
        timeout_seconds: float | None,
    ) -> HttpAnswer:
        """Send once, and once more under a new token when an older one was refused.

        A 401 says that nothing was done, so a write may be repeated under a fresh permit.
        """
        async with self.slots:
            answer, token = await self._send(method, url, body, headers, permit, timeout_seconds)
            if answer.status == 401 and token.accepted and self.login.forget(token):
                permit = permit.again() if permit is not None else None
                answer, token = await self._send(
                    method, url, body, headers, permit, timeout_seconds
                )
        if answer.status != 401:
            token.accepted = True
        return answer

    async def log_in(self, timeout_seconds: float | None = None) -> Token:
        """Return a token, fetched by one for all that wait; raises NoLogin."""
        try:
            return await self.login.token(timeout_seconds)
        except LoginFailed as error:
            raise NoLogin(error.outcome) from error

    async def _send(
        self,
        method: str,
        url: URL,
        body: bytes | None,
        headers: dict[str, str],
        permit: Permit | None,
        timeout_seconds: float | None,
    ) -> tuple[HttpAnswer, Token]:
        token = await self.log_in(timeout_seconds)
        answer = await self.http.request(
            method,
            url,
            body=body,
            headers={
                "Accept": "application/json",
                # Texts of refusals are matched in English.
                "Accept-Language": "en-US",
                "User-Agent": "bilag",
                "Authorization": token.header,
                **headers,
            },
            permit=permit,
            timeout_seconds=timeout_seconds or self.settings.request_seconds,
        )
        return answer, token

    def _url(self, path: str, query: Query | None = None) -> URL:
        root = self.settings.api_root
        if path.startswith("/"):
            root, path = self.settings.service_root, path[1:]
        text = path if path.startswith(("http://", "https://")) else f"{root}/{path}"
        if query:
            text += "?" + "&".join(
                f"{name}={quote(value, safe=_UNQUOTED)}" for name, value in query.items()
            )
        return URL(text, encoded=True)

    def _within(self, address: str, evidence: Evidence) -> str:
        """Return the address of the next page; only below our API, since it gets our token."""
        try:
            following, root = URL(address), URL(self.settings.api_root)
        except ValueError as error:
            raise self._unreadable(error, evidence) from error
        if following.origin() != root.origin() or ".." in following.raw_path:
            problem = Problem("dynamics.unreadable", params={"reason": "@odata.nextLink"})
            raise Stop(Misconfigured(problem.text(), evidence, problem))
        return address

    def _fault(self, answer: HttpAnswer) -> Fault:
        try:
            fault = read_fault(read_object(answer.body))
        except UnreadableAnswer:
            return Fault("", "")
        redact = self.http.redact
        return Fault(redact(fault.code)[:60], redact(fault.message), fault.correlation_id)

    def _unreadable(self, error: Exception, evidence: Evidence) -> Stop:
        return stopped(RetryLater, "dynamics.unreadable", evidence, reason=str(error))

    def evidence(self, answer: HttpAnswer) -> Evidence:
        """Return the evidence of an answer, with secrets stripped."""
        return Evidence(answer.status, answer.excerpt(self.http.redact), answer.duration_ms)


def json_of(content: Mapping[str, object]) -> bytes:
    """Return the bytes of a body."""
    return orjson.dumps(content)


def _worth_repeating(outcome: Trouble) -> bool:
    if not isinstance(outcome, RetryLater) or outcome.pauses:
        return False
    return outcome.transport or outcome.evidence.http_status == 200
