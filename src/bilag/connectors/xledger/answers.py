"""Reads an answer of Xledger's GraphQL endpoint: data, errors of documents, or what stopped it.

Limits, logins and schema faults come with HTTP 200 too, so the body is read whatever the status.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from bilag.connectors.faults import status_problem
from bilag.connectors.http import HttpAnswer, retry_after_seconds
from bilag.connectors.redact import Redactor
from bilag.core.clock import utc_now
from bilag.core.outcome import Evidence, Misconfigured, RetryLater, Unknown
from bilag.core.problem import Problem

# Xledger's datetimes carry no zone: they are Central European time.
XLEDGER_TIME = ZoneInfo("Europe/Oslo")
MESSAGE_CHARACTERS_MAX = 500

# Failure policy: what was turned away by a limit was not looked at, so it goes again: after 5 s
# for the burst, 1 s for requests at once, and 20 min for credits unless `resetAt` says when; the
# times are those of Xledger's own sample.
_LIMITS = {
    "BURST_RATE_LIMIT_REACHED": 5.0,
    "CONCURRENCY_LIMIT_REACHED": 1.0,
    "INSUFFICIENT_CREDITS": 1200.0,
}
_RESET_SECONDS_MAX = 86400.0

_LOGIN = re.compile(
    r"api token|not authori[sz]ed|unauthori[sz]ed|unauthenticated|access denied|no access"
    r"|permission|forbidden|scope|(?:expired|invalid|unknown) token|token (?:has |is )?"
    r"(?:expired|invalid|unknown)",
    re.IGNORECASE,
)
_SCHEMA = re.compile(
    r"cannot query field|unknown (?:argument|type|field|fragment)|is not defined by type"
    r"|syntax error",
    re.IGNORECASE,
)
_NOT_FINISHED = re.compile(r"query timed out|internal (?:server )?error", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of `errors`: the text, its codes, and where it points."""

    message: str
    code: str
    path: tuple[object, ...]
    extensions: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that says something about what was asked; `faults` speak of single documents."""

    data: Mapping[str, Any]
    faults: tuple[Fault, ...]
    answer: HttpAnswer
    redact: Redactor = field(repr=False)

    @property
    def evidence(self) -> Evidence:
        """Return the answer as evidence, with secrets stripped."""
        return _evidence(self.answer, self.redact)

    @property
    def refused_whole(self) -> bool:
        """Return whether the server itself says that the request was bad, and gives no data."""
        return 400 <= self.answer.status < 500 and not self.data


Stopped = RetryLater | Misconfigured | Unknown


def read_reply(answer: HttpAnswer, url: str, redact: Redactor) -> Reply | Stopped:
    """Return the reply, or the outcome of everything that was asked when something stopped it.

    Without a readable GraphQL answer the status decides; 5xx is Unknown whatever the body says.
    """
    status = answer.status
    document = _read_json(answer.body)
    if not isinstance(document, dict) or not ("data" in document or "errors" in document):
        return _by_status(answer, url, redact)
    if not (200 <= status < 300 or 400 <= status < 500):
        return _by_status(answer, url, redact)
    faults = _faults(document.get("errors"))
    data = document.get("data")
    data = {k: v for k, v in data.items() if v is not None} if isinstance(data, dict) else {}
    if faults and not data and (stopped := _stopped(answer, document, faults, redact)) is not None:
        return stopped
    if status in (401, 403, 404, 405, 407, 408, 425, 429):
        return _by_status(answer, url, redact)
    if not faults and not isinstance(document.get("data"), dict):
        return _unreadable(answer, "data", _evidence(answer, redact))
    return Reply(data, faults, answer, redact)


def _stopped(
    answer: HttpAnswer, document: Mapping[str, Any], faults: tuple[Fault, ...], redact: Redactor
) -> Stopped | None:
    """Return the outcome of errors that are about the request as a whole, None without one."""
    said = redact("; ".join(fault.message for fault in faults))[:MESSAGE_CHARACTERS_MAX]
    evidence = _evidence(answer, redact)
    for fault in faults:
        if limit := _limit(fault):
            wait = retry_after_seconds(answer.headers) or _wait_seconds(limit, fault, document)
            params = {"limit": limit, "seconds": f"{wait:.0f}"}
            problem = Problem("xledger.limit", params=params)
            return RetryLater(problem.text(), wait, pauses=True, evidence=evidence, problem=problem)
    if answer.status in (401, 403):
        return _misconfigured("xledger.login_refused", said, answer.status, evidence)
    if any(_NOT_FINISHED.search(fault.message) for fault in faults):
        problem = Problem("xledger.fault", params={"reason": said})
        return Unknown(problem.text(), evidence=evidence, problem=problem)
    if any(_SCHEMA.search(fault.message) for fault in faults):
        return _misconfigured("xledger.schema_differs", said, answer.status, evidence)
    if any(map(_is_login, faults)):
        return _misconfigured("xledger.login_refused", said, answer.status, evidence)
    return None


def _faults(errors: object) -> tuple[Fault, ...]:
    found = []
    for error in errors if isinstance(errors, list) else [errors] if errors else []:
        given = error if isinstance(error, dict) else {"message": error}
        extensions = given.get("extensions")
        extensions = extensions if isinstance(extensions, dict) else {}
        path = given.get("path")
        found.append(
            Fault(
                str(given.get("message") or "no message"),
                # the documented place is the error itself; extensions are where others put it
                str(given.get("code") or extensions.get("code") or ""),
                tuple(path) if isinstance(path, list) else (),
                extensions,
            )
        )
    return tuple(found)


def _limit(fault: Fault) -> str:
    """Return the name of the limit that turned the request away, empty when none did."""
    name = fault.code.rpartition(".")[2]
    if name in _LIMITS:
        return name
    return "BURST_RATE_LIMIT_REACHED" if "Too many requests" in fault.message else ""


def _wait_seconds(limit: str, fault: Fault, document: Mapping[str, Any]) -> float:
    if limit == "INSUFFICIENT_CREDITS":
        whole = document.get("extensions")
        stated = fault.extensions.get("resetAt") or (
            whole.get("resetAt") if isinstance(whole, dict) else None
        )
        if (wait := _seconds_until(stated)) is not None:
            return wait
    return _LIMITS[limit]


def _seconds_until(moment: object) -> float | None:
    """Return the seconds until a time of unknown format, at least 1; None when unreadable."""
    try:
        if isinstance(moment, int | Decimal):
            seconds = float(moment)  # a moment, no amount
            at = seconds / 1000 if seconds > 1e11 else seconds
        else:
            read = datetime.fromisoformat(str(moment))
            at = (read if read.tzinfo else read.replace(tzinfo=XLEDGER_TIME)).timestamp()
        wait = at - utc_now().timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(wait, 1.0), _RESET_SECONDS_MAX)


def _is_login(fault: Fault) -> bool:
    code = fault.code.upper()
    if code.startswith(("UNAUTH", "FORBIDDEN", "AUTH", "ACCESS")):
        return True
    # what stands in quotes is a value of ours, not Xledger's own word
    return bool(_LOGIN.search(re.sub(r"'[^']*'", "", fault.message)))


def _by_status(answer: HttpAnswer, url: str, redact: Redactor) -> Stopped:
    status, evidence = answer.status, _evidence(answer, redact)
    if 200 <= status < 300:
        return _unreadable(answer, "GraphQL", evidence)
    problem = status_problem(answer, url)
    if status in (401, 403, 404, 405, 407):
        return Misconfigured(problem.text(), evidence, problem)
    if status in (408, 425, 429):
        return RetryLater(
            problem.text(),
            after_seconds=retry_after_seconds(answer.headers),
            pauses=status == 429,
            evidence=evidence,
            problem=problem,
        )
    return Unknown(
        problem.text(), transport=not 400 <= status < 500, evidence=evidence, problem=problem
    )


def _misconfigured(code: str, said: str, status: int, evidence: Evidence) -> Misconfigured:
    problem = Problem(code, params={"reason": said, "status": str(status)})
    return Misconfigured(problem.text(), evidence, problem)


def _unreadable(answer: HttpAnswer, missing: str, evidence: Evidence) -> Unknown:
    params = {"status": str(answer.status), "missing": missing}
    problem = Problem("connector.success_unproven", params=params)
    return Unknown(problem.text(), evidence=evidence, problem=problem)


def _evidence(answer: HttpAnswer, redact: Redactor) -> Evidence:
    return Evidence(answer.status, answer.excerpt(redact), answer.duration_ms)


def _read_json(body: bytes) -> object:
    """Parse JSON with numbers as decimals, since some of them are amounts; None when it is none."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
