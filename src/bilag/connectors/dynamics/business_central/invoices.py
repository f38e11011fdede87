"""Purchase invoices: one for each voucher, on the vendor, with our reference as vendor's number.

Business Central refuses to post a second invoice of a vendor with the same number.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bilag.connectors.dynamics.business_central.company import company_path, identifier
from bilag.connectors.dynamics.business_central.entries import REFERENCES_MAX, dimensions_of
from bilag.connectors.dynamics.business_central.messages import (
    MESSAGE_CHARACTERS_MAX,
    field_of,
    is_lock,
    our_field,
    speaks_of_a_document,
)
from bilag.connectors.dynamics.business_central.plan import Document, Plan, PlannedLine
from bilag.connectors.dynamics.business_central.stop import Reply, Stop, Trouble, stopped
from bilag.connectors.dynamics.business_central.wire import Wire, json_of
from bilag.connectors.dynamics.business_central.work import Work
from bilag.connectors.dynamics.odata import (
    BATCH_OPERATIONS_MAX,
    Fault,
    Operation,
    UnreadableAnswer,
    any_of,
    decimal,
    filtered,
    number,
    plain,
    read_fault,
)
from bilag.connectors.http import Permit
from bilag.connectors.interface import Submission
from bilag.core.outcome import (
    Absent,
    Accepted,
    CannotTell,
    Evidence,
    Found,
    Misconfigured,
    Outcome,
    Posted,
    Rejected,
    RetryLater,
    Staged,
    Unknown,
)
from bilag.core.problem import Problem

_FIELDS = ("id", "number", "vendorInvoiceNumber", "status", "totalAmountIncludingTax")
_DRAFTS = frozenset({"Draft", "In Review"})
_UNDONE = frozenset({"Canceled", "Corrective"})


class _Refused(Exception):
    """A refusal of the document itself; `outcome` says why."""

    def __init__(self, outcome: Rejected) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Invoice:
    """A purchase invoice as it stands there; `total` includes tax."""

    id: str
    number: str
    status: str
    total: Decimal

    @property
    def is_draft(self) -> bool:
        """True while it is not posted."""
        return self.status in _DRAFTS


async def read_invoices(
    wire: Wire, references: Sequence[str], once_seconds: float | None = None
) -> tuple[dict[str, list[Invoice]], Evidence]:
    """Return the purchase invoices of each reference, drafts and posted ones; raises Stop."""
    company = await company_path(wire, once_seconds=once_seconds)
    found: dict[str, list[Invoice]] = {reference: [] for reference in references}
    seen = [Evidence()]

    async def one(chosen: Sequence[str]) -> None:
        query = filtered(any_of("vendorInvoiceNumber", chosen), *_FIELDS)
        items, evidence = await wire.read_all(
            f"{company}/purchaseInvoices", query, once_seconds=once_seconds
        )
        seen[0] = evidence
        for item in items:
            reference = plain(item.get("vendorInvoiceNumber")).strip().upper()
            if reference not in chosen:
                raise stopped(
                    RetryLater, "connector.other_reference", evidence, reference=chosen[0],
                    other=reference[:60],
                )  # fmt: skip
            try:
                total = decimal(item.get("totalAmountIncludingTax"))
            except UnreadableAnswer as error:
                raise stopped(
                    RetryLater, "dynamics.unreadable", evidence, reason=str(error)
                ) from error
            found[reference].append(
                Invoice(
                    identifier(item, evidence),
                    plain(item.get("number")),
                    plain(item.get("status")).strip(),
                    total,
                )
            )

    starts = range(0, len(references), REFERENCES_MAX)
    await asyncio.gather(*(one(references[i : i + REFERENCES_MAX]) for i in starts))
    return found, seen[0]


async def look_up_invoices(
    wire: Wire, references: Sequence[str], once_seconds: float | None = None
) -> Mapping[str, Found]:
    """Return what is known of each reference; a failed look-up is CannotTell."""
    distinct = list(dict.fromkeys(references))
    try:
        invoices, evidence = await read_invoices(wire, distinct, once_seconds)
    except Stop as stop:
        outcome = stop.outcome
        failed = CannotTell(outcome.message, outcome.evidence, outcome.problem)
        return dict.fromkeys(distinct, failed)
    return {reference: _found(reference, invoices[reference], evidence) for reference in distinct}


def _found(reference: str, invoices: Sequence[Invoice], evidence: Evidence) -> Found:
    posted = [one for one in invoices if not one.is_draft]
    if posted:
        standing = [one for one in posted if one.status not in _UNDONE] or posted
        first = standing[0]
        return Posted(
            first.number or first.id,
            first.number,
            first.total,
            len(standing),
            evidence,
            reversed_by=first.number if first.status in _UNDONE else "",
        )
    if invoices:
        return Staged(invoices[0].number or invoices[0].id, evidence)
    return Absent(evidence)


async def send_invoice(
    wire: Wire, plan: Plan, submission: Submission, permit: Permit
) -> Mapping[str, Outcome]:
    """Make the draft, compare it, post it, find it posted; never raises.

    A draft that an interrupted sending left is deleted and made anew: nothing in it is posted.
    """
    work = Work.of(wire, plan, "", submission.references, permit)
    (document,) = work.open.values()
    outcome: Outcome
    try:
        work.company = await company_path(wire)
        outcome = await _deliver(work, document)
    except _Refused as refused:
        outcome = await _ended(work, refused.outcome)
    except Stop as stop:
        outcome = await _ended(work, stop.outcome)
    except Exception as error:  # a fault of ours decides nothing  # noqa: BLE001
        outcome = Unknown(wire.http.redact(f"{type(error).__name__}: {error}"), transport=False)
    return {document.reference: outcome}


async def _ended(work: Work, outcome: Trouble | Rejected) -> Outcome:
    """Return the outcome, certain only when no draft is left behind."""
    if isinstance(outcome, Unknown) or not work.staged:
        return outcome
    if not work.posting:
        try:
            await remove_drafts(work)
        except Stop:
            pass
        else:
            return outcome
    return Unknown(outcome.message, transport=False, evidence=outcome.evidence)


async def remove_drafts(work: Work) -> None:
    """Delete the drafts that carry our reference; raises Stop unless they are gone."""
    found, _ = await read_invoices(work.wire, list(work.open))
    for invoice in [one for invoices in found.values() for one in invoices if one.is_draft]:
        reply = await work.write(
            "DELETE",
            f"{work.company}/purchaseInvoices({invoice.id})",
            if_match="*",
            expects_object=False,
        )
        if not reply.ok and reply.status != 404:
            raise stopped(Unknown, "dynamics.not_taken_out", reply.evidence, journal=invoice.number)


async def _deliver(work: Work, document: Document) -> Outcome:
    reference = document.reference
    found, evidence = await read_invoices(work.wire, [reference])
    known = _found(reference, found[reference], evidence)
    if isinstance(known, Posted):
        return _accepted(known)
    if isinstance(known, Staged):
        await remove_drafts(work)
    path = await _make_draft(work, document)
    await _set_dimensions(work, document, path)
    await _compare(work, document)
    reply = await work.post(f"{path}/Microsoft.NAV.post")
    found, evidence = await read_invoices(work.wire, [reference])
    known = _found(reference, found[reference], evidence)
    if isinstance(known, Posted):
        return _accepted(known)
    if reply.ok:
        message = Problem("dynamics.in_job_queue").text()
        return Accepted(known.external_reference if isinstance(known, Staged) else reference,
                        booked=False, message=message)  # fmt: skip
    work.posting = False
    raise _refusal(work, reply)


def _accepted(posted: Posted) -> Outcome:
    if posted.hits > 1 or posted.reversed_by:
        params = {"found": f"{posted.amount:f}", "meant": "-"}
        problem = Problem("dynamics.posted_otherwise", params=params)
        return Unknown(problem.text(), False, posted.evidence, problem)
    return Accepted(posted.external_reference, posted.voucher_number, evidence=posted.evidence)


async def _make_draft(work: Work, document: Document) -> str:
    body = {
        "vendorNumber": document.vendor,
        "vendorInvoiceNumber": document.reference,
        "invoiceDate": document.posting_date,
        "postingDate": document.posting_date,
    }
    if document.currency:
        body["currencyCode"] = document.currency
    reply = await work.write("POST", f"{work.company}/purchaseInvoices", body=json_of(body))
    if not reply.ok:
        raise _refusal(work, reply)
    path = f"{work.company}/purchaseInvoices({identifier(reply.document, reply.evidence)})"
    operations = [
        Operation("POST", f"{path}/purchaseInvoiceLines", _line(line)) for line in document.lines
    ]
    await _batches(work, operations, document.lines)
    return path


def _line(line: PlannedLine) -> dict[str, object]:
    body: dict[str, object] = {
        "sequence": line.number,
        "lineType": "Account",
        "lineObjectNumber": line.account,
        "description": line.description,
        "unitCost": number(abs(line.amount)),
        "quantity": 1 if line.amount >= 0 else -1,
    }
    return body | {"taxCode": line.tax_code} if line.tax_code else body


async def _set_dimensions(work: Work, document: Document, path: str) -> None:
    wanted = {line.number: line for line in document.lines if line.dimensions}
    if not wanted:
        return
    items, evidence = await work.wire.read_all(
        f"{path}/purchaseInvoiceLines", filtered("", "id", "sequence", expand="dimensionSetLines")
    )
    operations, lines, codes = [], [], []
    for item in items:
        line = wanted.get(int(decimal(item.get("sequence"))))
        there = dimensions_of(item)
        line_path = f"{work.company}/purchaseInvoiceLines({identifier(item, evidence)})"
        for code, value in line.dimensions.items() if line else ():
            if line is None or there.get(code) == value:
                continue
            target = f"{line_path}/dimensionSetLines"
            if code in there:
                set_id = _dimension_id(item, code)
                body: dict[str, object] = {"valueCode": value}
                operations.append(
                    Operation("PATCH", f"{target}({set_id})", body, {"If-Match": "*"})
                )
            else:
                operations.append(Operation("POST", target, {"code": code, "valueCode": value}))
            lines.append(line)
            codes.append(code)
    await _batches(work, operations, lines, codes)


def _dimension_id(item: Mapping[str, object], code: str) -> str:
    lines = item.get("dimensionSetLines")
    for one in lines if isinstance(lines, list) else []:
        if plain(one.get("code")).upper() == code:
            return plain(one.get("id"))
    return ""


async def _batches(
    work: Work,
    operations: Sequence[Operation],
    lines: Sequence[PlannedLine],
    codes: Sequence[str] = (),
) -> None:
    """Write in batches, each whole or not at all; a refused line refuses the document."""
    for start in range(0, len(operations), BATCH_OPERATIONS_MAX):
        chunk = operations[start : start + BATCH_OPERATIONS_MAX]
        answers, evidence = await work.batch(chunk, whole=True)
        for place, answer in enumerate(answers, start):
            if answer is not None and not answer.ok:
                fault = read_fault(answer.body)
                code = codes[place] if codes else ""
                reply = Reply(answer.status, {}, evidence, fault)
                raise _refusal(work, reply, lines[place], code)
        if None in answers:
            raise stopped(Unknown, "dynamics.unreadable", evidence, reason="$batch")


async def _compare(work: Work, document: Document) -> None:
    """Raise _Refused when the draft would be for another amount, so that it is never posted."""
    found, evidence = await read_invoices(work.wire, [document.reference])
    meant = sum((line.amount for line in document.lines), Decimal(0))
    drafts = [one for one in found[document.reference] if one.is_draft]
    if len(drafts) != 1:
        raise stopped(
            Unknown, "dynamics.journal_altered", evidence, journal=document.reference, line="?"
        )
    if drafts[0].total != meant:
        params = {"found": f"{drafts[0].total:f}", "meant": f"{meant:f}"}
        problem = Problem("dynamics.invoice_amount", params=params)
        raise _Refused(Rejected(problem.text(), "vat_code", None, evidence))


def _refusal(
    work: Work, reply: Reply, line: PlannedLine | None = None, dimension: str = ""
) -> Stop | _Refused:
    redact = work.wire.http.redact
    fault = Fault(redact(reply.fault.code), redact(reply.fault.message))
    dimensions = work.wire.settings.dimensions
    if is_lock(fault):
        return stopped(RetryLater, "dynamics.locked", reply.evidence)
    if reply.status in (401, 403) or not speaks_of_a_document(reply.status, fault):
        message = f"{fault.message} ({fault.code})"[:MESSAGE_CHARACTERS_MAX]
        return stopped(Misconfigured, "dynamics.refused", reply.evidence, message=message)
    message = fault.message
    field = our_field(dimension, dimensions) if dimension else field_of(message, dimensions)
    if dimension and line is not None:
        message += f" ({dimension} = {line.dimensions[dimension]})"
    elif line is not None and field == "account":
        message += f" ({line.account})"
    return _Refused(
        Rejected(
            message[:MESSAGE_CHARACTERS_MAX],
            field,
            line.position if line else None,
            reply.evidence,
        )
    )
