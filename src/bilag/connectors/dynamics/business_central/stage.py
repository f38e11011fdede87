"""Puts documents into their journal: the journal, the lines, the dimensions, all read back.

Staging posts nothing and may be repeated: journal code and line numbers are keys, so what is there
already is kept. A refused document is taken out, the others stay.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from bilag.connectors.dynamics.business_central.lines import (
    UNSEEN_TYPE,
    Standing,
    delete_lines,
    standing_lines,
    strays,
)
from bilag.connectors.dynamics.business_central.messages import (
    MESSAGE_CHARACTERS_MAX,
    SAME_KEY,
    field_of,
    is_lock,
    needs_manual_numbers,
    our_field,
    speaks_of_a_document,
)
from bilag.connectors.dynamics.business_central.plan import Document, PlannedLine
from bilag.connectors.dynamics.business_central.stop import Stop, stopped
from bilag.connectors.dynamics.business_central.work import Journal, Work
from bilag.connectors.dynamics.odata import (
    BATCH_OPERATIONS_MAX,
    Fault,
    Inner,
    Operation,
    number,
    plain,
    read_fault,
)
from bilag.core.outcome import Accepted, Evidence, Misconfigured, Rejected, RetryLater, Unknown
from bilag.core.problem import Problem

# Failure policy: a batch that met another session's lock was rolled back whole; it is tried three
# times in all, with a growing pause, and then left to a later run.
LOCK_TRIES = 3
LOCK_PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class _Step:
    document: Document
    line: PlannedLine
    operation: Operation
    dimension: str = ""


async def stage(work: Work, documents: Iterable[Document], *, fresh: bool) -> None:
    """Leave in the journal exactly the lines of these documents, as far as they are not refused.

    Raises Stop; where the journal holds a line that is not ours it is left alone.
    """
    wanted = {one.reference for one in documents}
    journal = work.opened()
    standing = [] if fresh else await standing_lines(work.wire, journal.path)
    _refuse_strays(work, standing)
    others = [one.reference for one in work.plan.documents if one.reference not in wanted]
    if work.plan.mode == "draft":
        others = []  # nothing is posted from here, and they are the accountant's already
    _refuse_queued(work, others, standing)
    await delete_lines(work, _line_ids(work, others, standing))
    there = {one.number for one in standing} | set(work.line_ids)
    await _carry_out(
        work,
        [
            _Step(document, line, _new_line(work, journal, document, line))
            for document, line in _lines(work, wanted)
            if line.number not in there
        ],
    )
    standing = await standing_lines(work.wire, journal.path)
    if await _set_dimensions(work, wanted, standing):
        standing = await standing_lines(work.wire, journal.path)
    _compare(work, wanted, standing)


def _lines(work: Work, wanted: Iterable[str]) -> Iterator[tuple[Document, PlannedLine]]:
    chosen = frozenset(wanted)
    for document in work.open.values():
        if document.reference in chosen:
            for line in document.lines:
                yield document, line


def _refuse_strays(work: Work, standing: Sequence[Standing]) -> None:
    if foreign := strays(work, standing):
        raise stopped(
            Unknown,
            "dynamics.stray_line",
            journal=work.opened().code,
            line=str(foreign[0].number),
            document=foreign[0].document[:20],
        )


def _refuse_queued(work: Work, others: Iterable[str], standing: Sequence[Standing]) -> None:
    """Raise Stop(Unknown) rather than delete lines that the job queue is about to post."""
    taken = {one for one in others if isinstance(work.outcomes.get(one), Accepted)}
    if work.wire.settings.posts_by_job_queue:
        taken.update(others)
    if any(line.document in taken for line in standing):
        raise stopped(Unknown, "dynamics.in_job_queue")


def _compare(work: Work, wanted: Iterable[str], standing: Sequence[Standing]) -> None:
    """Raise Stop(Unknown) unless the journal holds what we meant, and nothing else."""
    _refuse_strays(work, standing)
    there = {line.number: line for line in standing}
    if work.plan.mode == "draft":
        there = {number: line for number, line in there.items() if line.document in wanted}
    for document, line in _lines(work, wanted):
        found = there.pop(line.number, None)
        if found is None and line.account_type == UNSEEN_TYPE and line.number in work.line_ids:
            continue
        if found is None or not found.shows(document, line) or found.lacks(line):
            raise _altered(work, line.number)
    if there:
        raise _altered(work, next(iter(there)))


def _altered(work: Work, line_number: int) -> Stop:
    return stopped(
        Unknown, "dynamics.journal_altered", journal=work.opened().code, line=str(line_number)
    )


def _new_line(work: Work, journal: Journal, document: Document, line: PlannedLine) -> Operation:
    body: dict[str, object] = {
        "lineNumber": line.number,
        "accountType": line.account_type,
        "accountNumber": line.account,
        "postingDate": document.posting_date,
        "documentNumber": document.reference,
        "externalDocumentNumber": document.external_number,
        "amount": number(line.amount),
        "description": line.description,
    }
    if line.tax_code:
        body["taxCode"] = line.tax_code
    if work.wire.settings.deep_insert and line.dimensions:
        body["dimensionSetLines"] = [
            {"code": code, "valueCode": value} for code, value in line.dimensions.items()
        ]
    return Operation("POST", f"{journal.path}/journalLines", body)


async def _set_dimensions(work: Work, wanted: Iterable[str], standing: Sequence[Standing]) -> bool:
    """Set what the lines lack, by POST or, where a default stands, by PATCH; True when written."""
    there = {line.number: line for line in standing}
    steps = []
    for document, line in _lines(work, wanted):
        found = there.get(line.number)
        line_id = found.id if found else work.line_ids.get(line.number, "")
        if not line_id:
            raise _altered(work, line.number)
        lacking = found.lacks(line) if found else list(line.dimensions)
        path = f"{work.company}/journalLines({line_id})/dimensionSetLines"
        for code in lacking:
            value = {"valueCode": line.dimensions[code]}
            default = found.dimensions.get(code) if found else None
            if default is None:
                operation = Operation("POST", path, {"code": code, **value})
            else:
                operation = Operation("PATCH", f"{path}({default[1]})", value, {"If-Match": "*"})
            steps.append(_Step(document, line, operation, code))
    await _carry_out(work, steps)
    return bool(steps)


async def _carry_out(work: Work, steps: Iterable[_Step]) -> None:
    """Write in batches of 100, each whole or not at all; what is refused is taken out."""
    remaining = iter(steps)
    while chunk := list(islice(remaining, BATCH_OPERATIONS_MAX)):
        still = [step for step in chunk if step.document.reference in work.open]
        if still and not await _as_one(work, still):
            await _one_by_one(work, still)


async def _as_one(work: Work, steps: Sequence[_Step]) -> bool:
    """Return True when all of it was written, False when a document was refused: nothing was."""
    evidence = Evidence()
    for attempt in range(LOCK_TRIES):
        answers, evidence = await work.batch([step.operation for step in steps], whole=True)
        failed = next((one for one in answers if one is not None and not one.ok), None)
        if failed is None:
            _remember(work, steps, answers, evidence)
            return True
        fault = _fault(work, failed)
        if not is_lock(fault):
            _raise_unless_refused(work, failed, fault, evidence)
            return False
        await asyncio.sleep(LOCK_PAUSE_SECONDS * (attempt + 1))
    raise stopped(RetryLater, "dynamics.locked", evidence)


async def _one_by_one(work: Work, steps: Sequence[_Step]) -> None:
    """Write each for itself, so that all refused documents are known, and take those out."""
    answers, evidence = await work.batch([_bare(step.operation) for step in steps], whole=False)
    refused: dict[str, Rejected] = {}
    for step, answer in zip(steps, answers, strict=True):
        if answer is None or answer.ok:
            continue
        fault = _fault(work, answer)
        if is_lock(fault):
            raise stopped(RetryLater, "dynamics.locked", evidence)
        _raise_unless_refused(work, answer, fault, evidence)
        if step.document.reference not in refused:
            refused[step.document.reference] = _rejected(work, step, fault, evidence)
    _remember(work, steps, answers, evidence)
    await take_out(work, refused)


def _bare(operation: Operation) -> Operation:
    """Return the operation without dimensions of a line, since those alone may be refused."""
    body = operation.body or {}
    kept = {name: value for name, value in body.items() if name != "dimensionSetLines"}
    return replace(operation, body=kept)


def _remember(
    work: Work, steps: Sequence[_Step], answers: Sequence[Inner | None], evidence: Evidence
) -> None:
    """Keep the ids of new lines; an operation without an answer is not known to be done."""
    for step, answer in zip(steps, answers, strict=True):
        if answer is None:
            raise stopped(Unknown, "dynamics.unreadable", evidence, reason="$batch")
        if answer.ok and not step.dimension and (line_id := plain(answer.body.get("id"))):
            work.line_ids[step.line.number] = line_id


def _raise_unless_refused(work: Work, answer: Inner, fault: Fault, evidence: Evidence) -> None:
    if answer.status in (401, 403):
        problem = Problem("dynamics.refused", params={"message": _told(fault)})
        raise Stop(Misconfigured(problem.text(), evidence, problem))
    if needs_manual_numbers(fault):
        raise stopped(Misconfigured, "dynamics.number_series", evidence, message=_told(fault))
    if fault.code == SAME_KEY:
        raise stopped(
            Unknown, "dynamics.journal_altered", evidence, journal=work.opened().code, line="?"
        )
    if not speaks_of_a_document(answer.status, fault):
        raise stopped(Unknown, "dynamics.refused", evidence, message=_told(fault))


def _rejected(work: Work, step: _Step, fault: Fault, evidence: Evidence) -> Rejected:
    dimensions = work.wire.settings.dimensions
    message = fault.message
    if step.dimension:
        field = our_field(step.dimension, dimensions)
        message += f" ({step.dimension} = {step.line.dimensions[step.dimension]})"
    else:
        field = field_of(message, dimensions)
        if field in ("account", "party"):
            message += f" ({step.line.account_type} {step.line.account})"
    return Rejected(message[:MESSAGE_CHARACTERS_MAX], field, step.line.position, evidence)


def _fault(work: Work, answer: Inner) -> Fault:
    fault = read_fault(answer.body)
    redact = work.wire.http.redact
    return Fault(redact(fault.code)[:60], redact(fault.message), fault.correlation_id)


def _told(fault: Fault) -> str:
    return f"{fault.message} ({fault.code})"[:MESSAGE_CHARACTERS_MAX]


async def take_out(work: Work, refused: dict[str, Rejected]) -> None:
    """Delete the lines of refused documents; only then are they Rejected. Raises Stop."""
    if not refused:
        return
    standing = await standing_lines(work.wire, work.opened().path)
    _refuse_strays(work, standing)
    await delete_lines(work, _line_ids(work, refused, standing))
    for reference, outcome in refused.items():
        work.settle(reference, outcome)


def _line_ids(work: Work, references: Iterable[str], standing: Sequence[Standing]) -> list[str]:
    """Return the ids of all lines of these documents, those that are not shown as well.

    What was remembered of them is forgotten: the lines are about to be deleted.
    """
    chosen = frozenset(references)
    remembered = {
        number: work.line_ids.pop(number)
        for number, (document, _) in work.planned().items()
        if document.reference in chosen and number in work.line_ids
    }
    shown = {one.number: one.id for one in standing if one.document in chosen}
    return list((remembered | shown).values())
