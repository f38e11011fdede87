"""Tests a connection by reading only: address, certificate, login, company, look-up.

Ends within 10 seconds whatever the network does, and says what to do about the first fault.
"""

import asyncio
from dataclasses import dataclass, replace

from yarl import URL

from bilag.connectors.faults import host_of, status_problem, transport_problem
from bilag.connectors.http import ExchangeError, HttpAnswer
from bilag.connectors.oauth import LoginFailed
from bilag.connectors.rest.answers import read_json
from bilag.connectors.rest.look_up import look_up
from bilag.connectors.rest.pointer import MISSING, compile_pointer, text_at
from bilag.connectors.rest.wire import Wire
from bilag.core.outcome import (
    LOGIN_NOT_TRIED,
    Absent,
    BookingRefused,
    CannotTell,
    Company,
    ConnectionReport,
    Misconfigured,
    Posted,
    RetryLater,
    Staged,
)
from bilag.core.problem import Problem

# Failure policy: one request may take 4 seconds and the whole check 7, which leaves 3 of the 10
# promised to a command that starts; what is not answered by then is reported as a timeout.
REQUEST_SECONDS_MAX = 4.0
CHECK_SECONDS_MAX = 7.0
# Nothing is ever posted under this reference: finding it shows that the search does not select.
MADE_UP_REFERENCE = "BZZZZZZZZZZZZZZZZZZZ"

# Faults that pass by themselves; every other one needs somebody to change a setting.
_PASSING = frozenset(
    {
        "connector.dns",
        "connector.refused",
        "connector.timeout",
        "connector.disconnected",
        "connector.not_http",
        "connector.network",
        "connector.too_many",
        "connector.system_fault",
        "connector.not_json",
        "connector.too_large",
    }
)

_NOTHING_WRONG = ConnectionReport(ok=True, message="")


@dataclass(slots=True)
class _Fault(Exception):
    problem: Problem
    company_id: str = ""


async def check_connection(wire: Wire, known_references: tuple[str, ...]) -> ConnectionReport:
    """Return what works and what does not; never raises, writes nothing.

    Look-up is proven when a made-up reference is absent and a known one is found.
    """
    address = wire.write_address
    report = _NOTHING_WRONG
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            report = await _company(wire)
            found = await _look_up_works(wire, known_references)
    except _Fault as fault:
        found_id = fault.company_id or report.company_id
        return _said(replace(report, company_id=found_id), fault.problem, ok=False)
    except LoginFailed as error:
        problem = error.outcome.problem
        if problem is None:
            return replace(report, ok=False, message=error.outcome.message)
        return _said(report, problem, ok=False)
    except TimeoutError:
        late = ExchangeError(f"the check took over {CHECK_SECONDS_MAX:g} seconds", "timeout")
        return _said(report, transport_problem(late, address), ok=False)
    return _said(replace(report, look_up_proven=found.code == "connector.check_passed"), found)


async def identify_company(wire: Wire) -> Company | RetryLater | Misconfigured | None:
    """Return the company behind the login, or None where no company request is set; never raises.

    Another company than expected, or a refused login, is Misconfigured; no answer is RetryLater.
    """
    if wire.settings.company is None:
        return None
    try:
        report = await _company(wire)
    except LoginFailed as error:
        return error.outcome
    except _Fault as fault:
        problem = fault.problem
        if problem.code in _PASSING:
            transport = problem.code != "connector.too_many"
            return RetryLater(problem.text(), transport=transport, problem=problem)
        return Misconfigured(problem.text(), problem=problem)
    return Company(report.company_id, report.company_name)


def _said(report: ConnectionReport, problem: Problem, *, ok: bool = True) -> ConnectionReport:
    return replace(report, ok=ok, message=problem.text(), problem=problem)


async def _get(wire: Wire, url: URL) -> HttpAnswer:
    try:
        return await wire.read(url, REQUEST_SECONDS_MAX)
    except ExchangeError as error:
        raise _Fault(transport_problem(error, str(url))) from error


async def _company(wire: Wire) -> ConnectionReport:
    company = wire.settings.company
    if company is None:
        return _NOTHING_WRONG
    url = wire.url(company.path)
    answer = await _get(wire, url)
    if answer.status != 200:
        raise _Fault(status_problem(answer, str(url)))
    document = read_json(answer.body)
    if document is MISSING:
        raise _Fault(Problem("connector.not_json", params={"path": url.path}))
    found = text_at(document, compile_pointer(company.id))
    if not found:
        params = {"path": url.path, "pointer": company.id}
        raise _Fault(Problem("connector.company_unreadable", params=params))
    if company.expected and found != company.expected:
        params = {"found": found, "expected": company.expected}
        raise _Fault(Problem("connector.wrong_company", params=params), company_id=found)
    name = text_at(document, compile_pointer(company.name)) if company.name else ""
    return replace(_NOTHING_WRONG, company_id=found, company_name=name)


async def _look_up_works(wire: Wire, known_references: tuple[str, ...]) -> Problem:
    """Return the good news, which says how much of it is proven; raises _Fault otherwise."""
    if wire.settings.look_up is None:
        if wire.settings.company is not None:
            return Problem("connector.check_no_look_up")
        await _answers_at_all(wire)
        return Problem(LOGIN_NOT_TRIED, params={"host": host_of(wire.write_address)})
    if not isinstance(await _find(wire, MADE_UP_REFERENCE), Absent):
        raise _Fault(Problem("connector.made_up_found"))
    if not known_references:
        return Problem("connector.check_look_up_unproven")
    for reference in known_references:
        if not isinstance(await _find(wire, reference), Absent):
            return Problem("connector.check_passed")
    params = {"reference": known_references[0]}
    raise _Fault(Problem("connector.known_not_found", params=params))


async def _find(wire: Wire, reference: str) -> Posted | Staged | BookingRefused | Absent:
    found = await look_up(wire, reference, repeat=False, timeout_seconds=REQUEST_SECONDS_MAX)
    if isinstance(found, CannotTell):
        raise _Fault(found.problem or Problem("connector.hit_unreadable"))
    return found


async def _answers_at_all(wire: Wire) -> None:
    """Read the address vouchers go to; 404 and 405 are fine there, since only POST may exist."""
    url = wire.url(wire.settings.path, MADE_UP_REFERENCE)
    answer = await _get(wire, url)
    if answer.status >= 500 or 300 <= answer.status < 400 or answer.status in (401, 403, 407):
        raise _Fault(status_problem(answer, str(url)))
