"""Sends one call of vouchers and says what became of each: taken, refused, or not known.

Taken means that every line of the voucher came back with an id; anything less proves nothing.
"""

from collections.abc import Mapping
from typing import Any

from bilag.connectors.http import Permit
from bilag.connectors.interface import Submission
from bilag.connectors.xledger.answers import MESSAGE_CHARACTERS_MAX, Reply
from bilag.connectors.xledger.body import Item, call_of, documents_in
from bilag.connectors.xledger.refusals import Blame
from bilag.connectors.xledger.wire import Wire
from bilag.core.outcome import (
    Accepted,
    Evidence,
    Misconfigured,
    Outcome,
    Rejected,
    RetryLater,
    Unknown,
)
from bilag.core.problem import Problem

Documents = Mapping[str, list[Item]]


async def send(wire: Wire, submission: Submission, permit: Permit) -> dict[str, Outcome]:
    """Send what the submission names, and return an outcome for each reference; never raises.

    Where a call is all or nothing and was refused, its vouchers go once more, one by one, until
    the same moment: the refusal proves that none of them was taken.
    """
    try:
        stored = documents_in(submission.body)
    except ValueError as error:
        return dict.fromkeys(submission.references, Rejected(str(error)))
    documents = {ref: stored[ref] for ref in submission.references if ref in stored}
    outcomes: dict[str, Outcome] = {
        ref: Rejected("the stored call does not hold this voucher")
        for ref in submission.references
        if ref not in stored
    }
    if not documents:
        return outcomes
    body = submission.body if len(documents) == len(stored) else _body(wire, documents)
    reply = await wire.exchange(body, permit)
    if not isinstance(reply, Reply):
        return outcomes | dict.fromkeys(documents, reply)
    rule = wire.settings.batches.batch_rule
    blames = [wire.blaming.blame(fault, documents) for fault in reply.faults]
    if (
        len(documents) > 1
        and rule == "atomic"
        and not _edges(reply)
        and any(blame.refusal for blame in blames)
    ):
        return outcomes | await _one_by_one(wire, documents, permit)
    return outcomes | _judge(wire, reply, documents)


async def _one_by_one(wire: Wire, documents: Documents, permit: Permit) -> dict[str, Outcome]:
    """Send the documents of a refused call alone, so that the bad one fails alone.

    Failure policy: what stops one stops the rest, which are certainly not posted and go later.
    """
    outcomes: dict[str, Outcome] = {}
    stopped: RetryLater | Misconfigured | None = None
    for reference, items in documents.items():
        if stopped is not None:
            outcomes[reference] = stopped
            continue
        alone = {reference: items}
        reply = await wire.exchange(_body(wire, alone), permit.again())
        if isinstance(reply, Reply):
            outcomes |= _judge(wire, reply, alone)
            continue
        outcomes[reference] = reply
        stopped = RetryLater(reply.message) if isinstance(reply, Unknown) else reply
    return outcomes


def _body(wire: Wire, documents: Documents) -> bytes:
    several = wire.settings.batches.documents_per_call > 1
    return call_of(documents.values(), several=several)


def _judge(wire: Wire, reply: Reply, documents: Documents) -> dict[str, Outcome]:
    """Return the outcome of each document of an answered call."""
    evidence = reply.evidence
    taken = _taken(reply, documents)
    blames = [wire.blaming.blame(fault, documents) for fault in reply.faults]
    outcomes: dict[str, Outcome] = {}
    for reference, items in documents.items():
        ids = taken.get(reference, [])
        about = [
            (fault.message, blame)
            for fault, blame in zip(reply.faults, blames, strict=True)
            if reference in blame.lines or (len(documents) == 1 and not blame.lines)
        ]
        if len(ids) == len(items) and not about:
            outcomes[reference] = Accepted(ids[0], booked=False, evidence=evidence)
        elif ids:
            sent, came = str(len(items)), str(len(ids))
            problem = Problem("xledger.part_taken", params={"sent": sent, "taken": came})
            outcomes[reference] = Unknown(
                problem.text(), transport=False, evidence=evidence, problem=problem
            )
        elif about and (any(blame.refusal for _, blame in about) or reply.refused_whole):
            outcomes[reference] = _rejected(wire, about, reference, evidence)
        else:
            outcomes[reference] = _not_told(reply, evidence, wire)
    return outcomes


def _rejected(
    wire: Wire, about: list[tuple[str, Blame]], reference: str, evidence: Evidence
) -> Rejected:
    _, blame = next((one for one in about if one[1].refusal), about[0])
    said = wire.http.redact("; ".join(dict.fromkeys(message for message, _ in about)))
    return Rejected(
        said[:MESSAGE_CHARACTERS_MAX], blame.field, blame.lines.get(reference), evidence
    )


def _not_told(reply: Reply, evidence: Evidence, wire: Wire) -> Unknown:
    said = wire.http.redact("; ".join(fault.message for fault in reply.faults))
    if said:
        problem = Problem("xledger.fault", params={"reason": said[:MESSAGE_CHARACTERS_MAX]})
    else:
        params = {"status": str(reply.answer.status), "missing": "dbId"}
        problem = Problem("connector.success_unproven", params=params)
    return Unknown(problem.text(), transport=False, evidence=evidence, problem=problem)


def _edges(reply: Reply) -> list[Any]:
    added = reply.data.get("addGLImportItems")
    edges = added.get("edges") if isinstance(added, dict) else None
    return edges if isinstance(edges, list) else []


def _taken(reply: Reply, documents: Documents) -> dict[str, list[str]]:
    """Return the ids that came back for each document, in the order of the edges."""
    alone = next(iter(documents)) if len(documents) == 1 else ""
    owner = {
        item["clientId"]: reference
        for reference, items in documents.items()
        for item in items
        if "clientId" in item
    }
    taken: dict[str, list[str]] = {}
    for edge in _edges(reply):
        node = edge.get("node") if isinstance(edge, dict) else None
        db_id = str(node.get("dbId") or "") if isinstance(node, dict) else ""
        reference = alone or owner.get(str(edge.get("clientId")) if db_id else "", "")
        if db_id and reference:
            taken.setdefault(reference, []).append(db_id)
    return taken
