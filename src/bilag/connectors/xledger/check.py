"""Tests a connection by reading only: address, login, entity, schema, look-up.

Ends within 10 seconds whatever the network does, and says what to do about the first fault.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

from bilag.connectors.faults import transport_problem
from bilag.connectors.http import ExchangeError
from bilag.connectors.xledger.company import identify_company
from bilag.connectors.xledger.look_up import look_up_all
from bilag.connectors.xledger.probe import contradictions, probe
from bilag.connectors.xledger.wire import ReadFailed, Wire
from bilag.core.clock import utc_now
from bilag.core.outcome import (
    Absent,
    CannotTell,
    Company,
    ConnectionReport,
    Misconfigured,
    RetryLater,
    Unknown,
)
from bilag.core.problem import Problem

# Failure policy: one request may take 4 seconds and the whole check 7, which leaves 3 of the 10
# promised to a command that starts; what is not answered by then is reported as a timeout.
REQUEST_SECONDS_MAX = 4.0
CHECK_SECONDS_MAX = 7.0
# Nothing is ever posted under this reference: finding it shows that the search does not select.
MADE_UP_REFERENCE = "BZZZZZZZZZZZZZZZZZZZ"
# How far back a known reference is searched for where the search is a window.
KNOWN_WITHIN = timedelta(days=31)


async def check_connection(wire: Wire, known_references: tuple[str, ...]) -> ConnectionReport:
    """Return what works and what does not; never raises, writes nothing.

    `details` say for each setting whether the tenant confirms or contradicts it.
    """
    report = ConnectionReport(ok=False, message="")
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            company = await identify_company(wire, REQUEST_SECONDS_MAX)
            if not isinstance(company, Company):
                return _stopped(report, company)
            report = replace(report, company_id=company.id, company_name=company.name)
            details = await _schema(wire)
            report = replace(report, details=details)
            if wrong := contradictions(details):
                params = {"settings": "; ".join(wrong)[:500]}
                return _said(report, Problem("xledger.settings_contradicted", params=params))
            found = await _look_up_works(wire, known_references)
    except ReadFailed as failure:
        return _stopped(report, failure.outcome)
    except TimeoutError:
        late = ExchangeError(f"the check took over {CHECK_SECONDS_MAX:g} seconds", "timeout")
        return _said(report, transport_problem(late, wire.url))
    proven = found.code == "connector.check_passed"
    ok = proven or found.code == "connector.check_look_up_unproven"
    return replace(_said(report, found), ok=ok, look_up_proven=proven)


async def _schema(wire: Wire) -> dict[str, str]:
    """Return what the schema says of the settings, or that the tenant does not show it."""
    try:
        return await probe(wire, REQUEST_SECONDS_MAX)
    except ReadFailed as failure:
        problem = failure.outcome.problem
        if problem is None or problem.code not in ("xledger.fault", "xledger.schema_differs"):
            raise
        return {"schema": f"unknown: {failure.outcome.message}"[:300]}


async def _look_up_works(wire: Wire, known_references: tuple[str, ...]) -> Problem:
    """Return the good news, which says how much of it is proven, or the fault of the look-up."""
    made_up = await _find(wire, MADE_UP_REFERENCE, timedelta(0))
    if isinstance(made_up, Problem):
        return made_up
    if made_up:
        return Problem("connector.made_up_found")
    if not known_references:
        return Problem("connector.check_look_up_unproven")
    for reference in known_references:
        known = await _find(wire, reference, KNOWN_WITHIN)
        if isinstance(known, Problem):
            return known
        if known:
            return Problem("connector.check_passed")
    return Problem("connector.known_not_found", params={"reference": known_references[0]})


async def _find(wire: Wire, reference: str, within: timedelta) -> bool | Problem:
    """Return whether a reference is there, or why that cannot be told."""
    since = utc_now() - within
    found = (await look_up_all(wire, [reference], since, REQUEST_SECONDS_MAX))[reference]
    if isinstance(found, CannotTell):
        return found.problem or Problem("connector.hit_unreadable", params={"missing": "-"})
    return not isinstance(found, Absent)


def _stopped(
    report: ConnectionReport, outcome: RetryLater | Misconfigured | Unknown
) -> ConnectionReport:
    if outcome.problem is None:
        return replace(report, ok=False, message=outcome.message)
    return _said(report, outcome.problem)


def _said(report: ConnectionReport, problem: Problem) -> ConnectionReport:
    return replace(report, ok=False, message=problem.text(), problem=problem)
