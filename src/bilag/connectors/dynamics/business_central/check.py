"""Tests a connection by reading only: login, company, dimensions, journal settings, look-up.

Ends within 10 seconds whatever the network does, and says what to do about the first fault.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from bilag.connectors.dynamics.business_central.company import company_path, find_company
from bilag.connectors.dynamics.business_central.invoices import look_up_invoices
from bilag.connectors.dynamics.business_central.look_up import look_up_entries
from bilag.connectors.dynamics.business_central.stop import Stop, stopped
from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.connectors.dynamics.odata import plain
from bilag.connectors.faults import transport_problem
from bilag.connectors.http import ExchangeError
from bilag.core.outcome import (
    Absent,
    CannotTell,
    Company,
    ConnectionReport,
    Found,
    Misconfigured,
    RetryLater,
    Unknown,
)
from bilag.core.problem import Problem

# Failure policy: one request may take 3 seconds and the whole check 7, which leaves 3 of the 10
# promised to a command that starts; what is not answered by then is reported as a timeout.
REQUEST_SECONDS_MAX = 3.0
CHECK_SECONDS_MAX = 7.0
# Nothing is ever posted under this reference: finding it shows that the search does not select.
MADE_UP_REFERENCE = "BZZZZZZZZZZZZZZZZZZZ"


async def look_up(
    wire: Wire, references: list[str], once_seconds: float | None = None
) -> Mapping[str, Found]:
    """Look references up where this integration's mode puts them."""
    search = look_up_invoices if wire.settings.mode == "purchase_invoice" else look_up_entries
    return await search(wire, references, once_seconds)


async def identify_company(wire: Wire) -> Company | RetryLater | Misconfigured:
    """Return the company behind the login, asked anew; never raises."""
    try:
        return await find_company(wire)
    except Stop as stop:
        outcome = stop.outcome
        if isinstance(outcome, Unknown):
            return RetryLater(outcome.message, transport=True, problem=outcome.problem)
        return outcome


async def check_connection(wire: Wire, known_references: tuple[str, ...]) -> ConnectionReport:
    """Return what works and what does not; never raises, writes nothing.

    Look-up is proven when a made-up reference is absent and a known one is found.
    """
    report = ConnectionReport(ok=True, message="")
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            company = await find_company(wire, once_seconds=REQUEST_SECONDS_MAX)
            report = replace(report, company_id=company.id, company_name=company.name)
            await _dimensions_exist(wire)
            said = await _look_up_works(wire, known_references)
    except Stop as stop:
        problem = stop.outcome.problem
        message = problem.text() if problem else stop.outcome.message
        return replace(report, ok=False, message=message, problem=problem)
    except TimeoutError:
        late = ExchangeError(f"the check took over {CHECK_SECONDS_MAX:g} seconds", "timeout")
        problem = transport_problem(late, wire.settings.api_root)
        return replace(report, ok=False, message=problem.text(), problem=problem)
    return replace(
        report,
        message=said.text(),
        problem=said,
        look_up_proven=said.code == "connector.check_passed",
    )


async def _dimensions_exist(wire: Wire) -> None:
    """Raise Stop when the settings name a dimension that the company does not have."""
    chosen = wire.settings.dimensions
    wanted = [
        code for code in (chosen.cost_centre, chosen.project, *chosen.fields.values()) if code
    ]
    if not wanted:
        return
    company = await company_path(wire)
    items, evidence = await wire.read_all(f"{company}/dimensions", once_seconds=REQUEST_SECONDS_MAX)
    there = [plain(item.get("code")).upper() for item in items]
    if missing := [code for code in wanted if code not in there]:
        raise stopped(
            Misconfigured, "dynamics.dimension_missing", evidence,
            dimension=", ".join(missing), found=", ".join(there[:20]),
        )  # fmt: skip


async def _look_up_works(wire: Wire, known_references: tuple[str, ...]) -> Problem:
    """Return the good news, which says how much of it is proven; raises Stop otherwise."""
    if not isinstance(await _find(wire, MADE_UP_REFERENCE), Absent):
        raise stopped(Misconfigured, "connector.made_up_found")
    if not known_references:
        return Problem("connector.check_look_up_unproven")
    for reference in known_references:
        if not isinstance(await _find(wire, reference), Absent):
            return Problem("connector.check_passed")
    raise stopped(Misconfigured, "dynamics.known_not_found", reference=known_references[0])


async def _find(wire: Wire, reference: str) -> Found:
    found = (await look_up(wire, [reference], REQUEST_SECONDS_MAX))[reference]
    if isinstance(found, CannotTell):
        raise Stop(Misconfigured(found.message, found.evidence, found.problem))
    return found
