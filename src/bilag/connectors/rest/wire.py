"""What one session needs over and over, worked out once: addresses, headers, login, rules.

Kept in the session's memory, so that tokens are shared and nothing is read from settings twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from yarl import URL

from bilag.connectors.http import ExchangeError, HttpAnswer, HttpClient
from bilag.connectors.interface import Session
from bilag.connectors.oauth import Token
from bilag.connectors.rest.answers import Answers
from bilag.connectors.rest.login import Login
from bilag.connectors.rest.settings import REFERENCE, RestSettings
from bilag.core.outcome import Evidence

_MEMORY = "rest.wire"


@dataclass(slots=True)
class Wire:
    """One session's prepared way to the system; nothing in it is written down anywhere."""

    http: HttpClient
    settings: RestSettings
    login: Login
    answers: Answers
    headers: Mapping[str, str]
    write_address: str
    write_url: URL | None

    @classmethod
    def of(cls, session: Session[RestSettings]) -> "Wire":
        """Return the session's wire, making it on first use."""
        kept = session.memory.get(_MEMORY)
        if isinstance(kept, cls):
            return kept
        settings = session.settings
        login = Login(settings.auth, session.secrets, session.http)
        for secret in session.secrets.values():
            session.http.redact.add(secret)
        address = settings.base_url + settings.path
        wire = cls(
            http=session.http,
            settings=settings,
            login=login,
            answers=Answers(settings, session.http.redact, address),
            headers={
                "Accept": "application/json",
                "User-Agent": "bilag",
                **settings.headers,
                **login.headers,
            },
            write_address=address,
            write_url=None if REFERENCE in address else URL(address),
        )
        session.memory[_MEMORY] = wire
        return wire

    def url(self, path: str, reference: str = "") -> URL:
        """Return the address of a path, with the reference put in where the path asks for it."""
        return URL(
            self.settings.base_url + path.replace(REFERENCE, quote(reference, safe="")),
            encoded=True,
        )

    def login_headers(
        self, token: Token | None, method: str, url: URL, body: bytes
    ) -> dict[str, str]:
        """Return the headers that only this request has: its token, or its signature."""
        if token is not None:
            return {"Authorization": token.header}
        return self.login.sign(method, url.raw_path_qs, body) if self.login.signs else {}

    async def read(self, url: URL, timeout_seconds: float | None = None) -> HttpAnswer:
        """Get an address; once more at once when an older token was refused.

        Raises LoginFailed or ExchangeError; changes nothing, so the caller may ask again.
        """
        answer, token = await self._read_once(url, timeout_seconds)
        if answer.status in (401, 403) and token is not None and token.accepted:
            self.login.forget(token)
            answer, token = await self._read_once(url, timeout_seconds)
        if token is not None and answer.status not in (401, 403):
            token.accepted = True
        return answer

    async def read_again(self, url: URL) -> HttpAnswer:
        """Get an address, and a second time at once when the first got no sound answer.

        Failure policy: one repeat, no wait: reading posts nothing. A second failure is the
        caller's, who decides nothing by it.
        """
        try:
            answer = await self.read(url)
        except ExchangeError:
            return await self.read(url)
        return await self.read(url) if answer.status >= 500 else answer

    async def _read_once(
        self, url: URL, timeout_seconds: float | None
    ) -> tuple[HttpAnswer, Token | None]:
        token = await self.login.token(timeout_seconds)
        answer = await self.http.request(
            "GET",
            url,
            headers={**self.headers, **self.login_headers(token, "GET", url, b"")},
            timeout_seconds=timeout_seconds,
        )
        return answer, token

    def evidence(self, answer: HttpAnswer) -> Evidence:
        """Return the evidence of an answer, with secrets stripped."""
        return Evidence(answer.status, answer.excerpt(self.http.redact), answer.duration_ms)
