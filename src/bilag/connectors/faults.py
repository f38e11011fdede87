"""Puts what went wrong on the way, or in an answer, into words for a person.

Every function returns a Problem of the catalogue; none of them decides an outcome.
"""

from urllib.parse import urlsplit

from bilag.connectors.http import EVIDENCE_CHARACTERS_MAX, ExchangeError, HttpAnswer
from bilag.core.outcome import Evidence, Misconfigured
from bilag.core.problem import Problem

# How connectors say that the login itself was refused; a token endpoint may do so with a 400, a
# GraphQL server with a 200.
_LOGIN_REFUSED = frozenset({
    "connector.credentials_refused", "connector.token_refused", "dynamics.client_refused",
    "xledger.login_refused",
})  # fmt: skip


def refuses_login(outcome: Misconfigured) -> bool:
    """Return whether it was the credentials that were refused, not an address or a company."""
    code = outcome.problem.code if outcome.problem else ""
    return outcome.evidence.http_status == 401 or code in _LOGIN_REFUSED


def transport_problem(error: ExchangeError, url: str) -> Problem:
    """Return what to do about a request that got no answer."""
    return Problem(
        f"connector.{error.kind}", params={"host": host_of(url), "reason": str(error)[:300]}
    )


def status_problem(answer: HttpAnswer, url: str) -> Problem:
    """Return what to do about a status that is neither success nor a refusal of a document."""
    status = answer.status
    params = {"host": host_of(url), "path": urlsplit(url).path, "status": str(status)}
    if 300 <= status < 400:
        target = answer.headers.get("location", "")
        # Only the host: a redirect to a login page may carry a session in its query.
        return Problem("connector.redirect", params=params | {"target": host_of(target) or target})
    codes = {
        401: "connector.credentials_refused",
        403: "connector.forbidden",
        404: "connector.nothing_there",
        405: "connector.nothing_there",
        407: "connector.proxy",
        408: "connector.too_many",
        409: "connector.conflict",
        425: "connector.too_many",
        429: "connector.too_many",
    }
    usual = "connector.system_fault" if status >= 500 else "connector.unexpected_status"
    return Problem(codes.get(status, usual), params=params)


def host_of(url: str) -> str:
    """Return host and port of an address, without anything else that may stand in it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    return f"{parts.hostname}:{port}" if port else parts.hostname or ""


def evidence_of(error: ExchangeError) -> Evidence:
    """Return the evidence of a request without an answer: the reason, secrets already stripped."""
    return Evidence(answer=str(error)[:EVIDENCE_CHARACTERS_MAX])
