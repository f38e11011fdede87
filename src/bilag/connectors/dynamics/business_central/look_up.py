"""Looks our references up: in the ledger, in our journals, and in the ledger once more.

What leaves a journal between two readings is in the ledger by then, so Absent is asked for last.
"""

import asyncio
from collections.abc import Mapping, Sequence

from bilag.connectors.dynamics.business_central.company import company_path, identifier
from bilag.connectors.dynamics.business_central.entries import posted_of, read_entries
from bilag.connectors.dynamics.business_central.settings import JOURNAL_PREFIX
from bilag.connectors.dynamics.business_central.stop import Stop
from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.connectors.dynamics.odata import filtered, literal, plain, starts_with
from bilag.core.outcome import Absent, CannotTell, Found, Staged


async def look_up_entries(
    wire: Wire, references: Sequence[str], once_seconds: float | None = None
) -> Mapping[str, Found]:
    """Return what ledger and journals hold of each reference; a failed look-up is CannotTell."""
    distinct = list(dict.fromkeys(references))
    try:
        return await _search(wire, distinct, once_seconds)
    except Stop as stop:
        outcome = stop.outcome
        failed = CannotTell(outcome.message, outcome.evidence, outcome.problem)
        return dict.fromkeys(distinct, failed)


async def _search(
    wire: Wire, references: Sequence[str], once_seconds: float | None
) -> dict[str, Found]:
    found: dict[str, Found] = {}

    async def in_ledger(chosen: Sequence[str]) -> list[str]:
        entries = await read_entries(wire, chosen, with_dimensions=True, once_seconds=once_seconds)
        dimension = wire.settings.dimensions.cost_centre
        for reference in chosen:
            found[reference] = Absent(entries.evidence)
            if of := entries.of[reference]:
                found[reference] = posted_of(reference, of, entries.evidence, dimension)
        return [one for one in chosen if isinstance(found[one], Absent)]

    missing = await in_ledger(references)
    if missing:
        staged = await _in_journals(wire, once_seconds)
        missing = await in_ledger(missing)
        for reference in missing:
            if reference in staged:
                found[reference] = staged[reference]
    return {reference: found[reference] for reference in references}


async def _in_journals(wire: Wire, once_seconds: float | None) -> dict[str, Staged]:
    """Return every document number that stands in a journal of ours."""
    company = await company_path(wire, once_seconds=once_seconds)
    condition = starts_with("code", JOURNAL_PREFIX)
    if wire.settings.template:
        condition += f" and templateDisplayName eq {literal(wire.settings.template)}"
    journals, evidence = await wire.read_all(
        f"{company}/journals", filtered(condition, "id", "code"), once_seconds=once_seconds
    )
    found: dict[str, Staged] = {}

    async def one(journal_id: str, code: str) -> None:
        lines, answer = await wire.read_all(
            f"{company}/journals({journal_id})/journalLines",
            filtered("", "id", "documentNumber"),
            once_seconds=once_seconds,
        )
        for line in lines:
            if number := plain(line.get("documentNumber")).strip().upper():
                found[number] = Staged(code, answer)

    ours = [item for item in journals if plain(item.get("code")).startswith(JOURNAL_PREFIX)]
    await asyncio.gather(
        *(one(identifier(item, evidence), plain(item.get("code"))) for item in ours)
    )
    return found
