"""Posts a journal and proves it: what the ledger shows is accepted, what is refused is taken out.

An answer 204 alone proves nothing; the general ledger decides.
"""

import asyncio
from collections.abc import Iterable

from bilag.connectors.dynamics.business_central.entries import posted_of, read_entries
from bilag.connectors.dynamics.business_central.journal import remove_emptied_journal
from bilag.connectors.dynamics.business_central.lines import standing_lines
from bilag.connectors.dynamics.business_central.messages import (
    MESSAGE_CHARACTERS_MAX,
    blame,
    field_of,
    is_lock,
    needs_manual_numbers,
    speaks_of_a_document,
)
from bilag.connectors.dynamics.business_central.plan import Document
from bilag.connectors.dynamics.business_central.stage import (
    LOCK_PAUSE_SECONDS,
    LOCK_TRIES,
    stage,
    take_out,
)
from bilag.connectors.dynamics.business_central.stop import Reply, Stop, stopped
from bilag.connectors.dynamics.business_central.work import Work
from bilag.core.outcome import Accepted, Evidence, Misconfigured, Rejected, RetryLater, Unknown
from bilag.core.problem import Problem

# Failure policy: each refusal to post costs a round of taking out and posting the rest; after so
# many rounds, or when a refusal names none of ours, the rest is posted one by one. The permit ends
# it in any case.
ROUNDS_MAX = 5


async def post(work: Work) -> None:
    """Post what is staged and settle every document; raises Stop for those still open then."""
    for _ in range(ROUNDS_MAX):
        if not work.open:
            break
        refusal = await _post_once(work)
        if refusal is None:
            await _confirm(work)
            break
        named = _blamed(work, refusal)
        if not named:
            await _post_each(work)
            break
        await take_out(work, named)
    else:
        await _post_each(work)
    if all(not isinstance(one, Accepted) or one.booked for one in work.outcomes.values()):
        await remove_emptied_journal(work)


async def _post_each(work: Work) -> None:
    """Post the open documents one at a time: a refusal then names the only one there is."""
    for document in list(work.open.values()):
        await stage(work, [document], fresh=False)
        if document.reference not in work.open:
            continue
        refusal = await _post_once(work, document)
        if refusal is None:
            await _confirm(work, [document.reference])
        elif document.reference in work.open:
            await take_out(work, {document.reference: _refused(work, refusal, document)})


async def _post_once(work: Work, only: Document | None = None) -> Reply | None:
    """Post what stands in the journal; returns the refusal, or None when it was taken.

    A lock is waited for. After a refusal the ledger is asked first: what it shows is settled as
    accepted, and nothing else is believed to be posted.
    """
    for attempt in range(LOCK_TRIES):
        reply = await work.post(f"{work.opened().path}/Microsoft.NAV.post")
        if reply.ok:
            return None
        await settle_posted(work, [only.reference] if only else list(work.open))
        work.posting = False
        if not is_lock(reply.fault):
            break
        await asyncio.sleep(LOCK_PAUSE_SECONDS * (attempt + 1))
    else:
        raise stopped(RetryLater, "dynamics.locked", reply.evidence)
    if needs_manual_numbers(reply.fault):
        message = reply.fault.message[:MESSAGE_CHARACTERS_MAX]
        raise stopped(Misconfigured, "dynamics.number_series", reply.evidence, message=message)
    if reply.status == 404 or "nothing to post" in reply.fault.message:
        # Somebody else posted or deleted it between our reading and our posting.
        raise _altered(work, reply.evidence)
    if not speaks_of_a_document(reply.status, reply.fault):
        raise Stop(work.wire.refused(reply))
    return reply


def _altered(work: Work, evidence: Evidence) -> Stop:
    code = work.opened().code
    return stopped(Unknown, "dynamics.journal_altered", evidence, journal=code, line="?")


def _blamed(work: Work, refusal: Reply) -> dict[str, Rejected]:
    """Return the documents a refusal names, each with its outcome; empty when it names none."""
    message = refusal.fault.message[:MESSAGE_CHARACTERS_MAX]
    named = blame(refusal.fault.message, work.open, work.wire.settings.dimensions)
    if named:
        return {
            one.reference: Rejected(message, one.field, one.line, refusal.evidence) for one in named
        }
    if len(work.open) == 1:
        document = next(iter(work.open.values()))
        return {document.reference: _refused(work, refusal, document)}
    return {}


def _refused(work: Work, refusal: Reply, document: Document) -> Rejected:
    dimensions = work.wire.settings.dimensions
    message = refusal.fault.message
    named = blame(message, {document.reference: document}, dimensions)
    line = named[0].line if named else None
    field = field_of(message, dimensions)
    return Rejected(message[:MESSAGE_CHARACTERS_MAX], field, line, refusal.evidence)


async def settle_posted(work: Work, references: Iterable[str]) -> list[Document]:
    """Settle what the ledger shows of these references; returns the documents it does not show."""
    chosen = [reference for reference in references if reference in work.open]
    found = await read_entries(work.wire, chosen)
    missing = []
    for reference in chosen:
        document = work.open[reference]
        if not found.of[reference]:
            missing.append(document)
            continue
        posted = posted_of(reference, found.of[reference], found.evidence)
        if posted.amount == document.debit and posted.hits == 1 and not posted.reversed_by:
            work.settle(
                reference,
                Accepted(posted.external_reference, reference, evidence=found.evidence),
            )
        else:
            params = {"found": f"{posted.amount:f}", "meant": f"{document.debit:f}"}
            problem = Problem("dynamics.posted_otherwise", params=params)
            work.settle(
                reference,
                Unknown(problem.text(), False, found.evidence, problem),
            )
    return missing


async def _confirm(work: Work, references: Iterable[str] | None = None) -> None:
    """Settle what was posted by looking into the ledger; raises Stop when that cannot be done."""
    chosen = list(work.open) if references is None else list(references)
    missing = await settle_posted(work, chosen)
    if missing:
        # Taken, and not in the ledger: it waits in the job queue, or it got another number. The
        # journal tells which; what left it meanwhile may have come into the ledger.
        journal = work.opened()
        waiting = {line.document for line in await standing_lines(work.wire, journal.path)}
        gone = [one.reference for one in missing if one.reference not in waiting]
        missing = await settle_posted(work, gone) if gone else []
        for reference in [one for one in chosen if one in work.open]:
            left = any(one.reference == reference for one in missing)
            problem = Problem("dynamics.not_in_ledger" if left else "dynamics.in_job_queue")
            work.settle(reference, Accepted(journal.code, "", False, problem.text()))
    work.posting = False
