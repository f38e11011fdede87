"""Takes back what is staged of a submission and not posted: its lines, its draft, its journal.

Discarded is said only after reading that nothing is left; lines of other users are never touched.
"""

from bilag.connectors.dynamics.business_central.company import company_path
from bilag.connectors.dynamics.business_central.entries import read_entries
from bilag.connectors.dynamics.business_central.invoices import read_invoices, remove_drafts
from bilag.connectors.dynamics.business_central.journal import withdraw
from bilag.connectors.dynamics.business_central.plan import Plan
from bilag.connectors.dynamics.business_central.stop import Stop
from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.connectors.dynamics.business_central.work import Work
from bilag.connectors.http import Permit
from bilag.connectors.interface import Submission
from bilag.core.outcome import CannotTell, Discarded
from bilag.core.problem import Problem


async def discard_submission(
    wire: Wire, plan: Plan, submission: Submission, permit: Permit
) -> Discarded | CannotTell:
    """Return Discarded when none of these references can be posted any more; never raises."""
    work = Work.of(wire, plan, "", submission.references, permit)
    try:
        work.company = await company_path(wire)
        if plan.mode == "purchase_invoice":
            return await _discard_invoice(work)
        await withdraw(work)
        # Asked after the lines are gone: what was posted meanwhile is in the ledger by now.
        entries = await read_entries(wire, list(work.open))
    except Stop as stop:
        return CannotTell(stop.outcome.message, stop.outcome.evidence, stop.outcome.problem)
    except Exception as error:  # a fault of ours decides nothing  # noqa: BLE001
        return CannotTell(wire.http.redact(f"{type(error).__name__}: {error}"))
    if posted := [reference for reference in work.open if entries.of[reference]]:
        problem = Problem("dynamics.posted_already", params={"references": ", ".join(posted)})
        return CannotTell(problem.text(), entries.evidence, problem)
    return Discarded(entries.evidence)


async def _discard_invoice(work: Work) -> Discarded | CannotTell:
    await remove_drafts(work)
    (reference,) = work.open
    invoices, evidence = await read_invoices(work.wire, [reference])
    if invoices[reference]:
        problem = Problem("dynamics.posted_already", params={"references": reference})
        return CannotTell(problem.text(), evidence, problem)
    return Discarded(evidence)
