"""Sends one submission to a journal: look, stage, verify, post, verify. Resumable at every step.

The ledger is asked first, so that what is posted already is never posted again.
"""

from collections.abc import Mapping

from bilag.connectors.dynamics.business_central.company import company_path
from bilag.connectors.dynamics.business_central.entries import read_entries
from bilag.connectors.dynamics.business_central.journal import open_journal, withdraw
from bilag.connectors.dynamics.business_central.lines import was_emptied
from bilag.connectors.dynamics.business_central.plan import Plan
from bilag.connectors.dynamics.business_central.post import post, settle_posted
from bilag.connectors.dynamics.business_central.stage import stage
from bilag.connectors.dynamics.business_central.stop import Stop, Trouble, stopped
from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.connectors.dynamics.business_central.work import Work
from bilag.connectors.http import Permit
from bilag.connectors.interface import Submission
from bilag.core.outcome import Accepted, Outcome, Unknown
from bilag.core.problem import Problem


async def send_journal(
    wire: Wire, plan: Plan, submission: Submission, permit: Permit
) -> Mapping[str, Outcome]:
    """Carry a submission through and return an outcome for each of its references; never raises.

    After the first write whatever ends it is Unknown for the documents still open, unless all of
    theirs could be taken back again.
    """
    work = Work.of(wire, plan, "", submission.references, permit)
    rest: Outcome | None = None
    try:
        await _deliver(work)
    except Stop as stop:
        rest = await _ended(work, stop.outcome)
    except Exception as error:  # a fault of ours decides nothing  # noqa: BLE001
        message = wire.http.redact(f"{type(error).__name__}: {error}")
        rest = Unknown(message, transport=False)
    outcomes = dict(work.outcomes)
    for reference in submission.references:
        outcomes.setdefault(reference, rest or Unknown("no outcome was reached", transport=False))
    return outcomes


async def _deliver(work: Work) -> None:
    work.company = await company_path(work.wire)
    await settle_posted(work, list(work.open))
    if not work.open:
        return
    fresh = await open_journal(work)
    if not fresh:
        await _refuse_emptied(work)
    await stage(work, list(work.open.values()), fresh=fresh)
    if work.plan.mode == "draft":
        message = Problem("dynamics.left_as_draft", params={"journal": work.opened().code}).text()
        for reference in list(work.open):
            work.settle(reference, Accepted(work.opened().code, "", False, message))
        return
    await post(work)


async def _refuse_emptied(work: Work) -> None:
    """Raise Stop(Unknown) where the journal was posted and none of its vouchers is in the ledger.

    They stand there under numbers of another series, so sending them again would double them.
    """
    if not await was_emptied(work.wire, work.opened().path):
        return
    entries = await read_entries(work.wire, work.plan.references)
    if not any(entries.of.values()):
        raise stopped(Unknown, "dynamics.not_in_ledger", entries.evidence)


async def _ended(work: Work, outcome: Trouble) -> Trouble:
    """Return the outcome of what is still open; certain only when nothing of it is left there."""
    if isinstance(outcome, Unknown) or not work.staged:
        return outcome
    if not work.posting:
        try:
            await withdraw(work)
        except Stop:
            pass
        else:
            return outcome
    return Unknown(outcome.message, False, outcome.evidence, outcome.problem)
