"""What a look-up says of an export that we believe posted, or believe gone: the findings, if any.

Pure. A look-up that failed is a finding of its own, and says nothing about the voucher.
"""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from bilag.core.money import amount_text
from bilag.core.outcome import Absent, BookingRefused, CannotTell, Found, Posted, PostedLine, Staged
from bilag.core.voucher import Voucher
from bilag.exports.believed import Believed

KINDS = ("missing", "doubled", "altered", "reversed", "unexpected", "cannot_tell")
LINES_SHOWN_MAX = 20

Compared = Literal["lines", "amount", ""]
_Key = tuple[str, Decimal, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One finding: its kind, and what was seen, in the words of `evidence`."""

    kind: str
    evidence: dict[str, Any] = field(default_factory=dict)


def compare(
    row: Believed, found: Found, expected: Voucher | None, *, beside: Found | None, proven: bool
) -> tuple[list[Difference], Compared]:
    """Return the findings about one export, and by what its voucher was compared, if it was.

    `expected` is the voucher as it was sent, None where it cannot be mapped again; `beside` is what
    was found of the generation that replaced it. Without `proven`, "absent" cannot be told.
    """
    match found:
        case CannotTell():
            return [Difference("cannot_tell", _message(found.message))], ""
        case Posted():
            return _posted(row, found, expected, beside)
        case Absent():
            if row.expects != "posted":
                return [], ""
            if not proven:
                return [Difference("cannot_tell", {"unproven": True})], ""
            return [Difference("missing")], ""
        case Staged():
            if row.expects == "replaced":
                return [], ""
            kind = "missing" if row.expects == "posted" else "unexpected"
            seen = {"staged": True, "externalReference": found.external_reference}
            return [Difference(kind, seen)], ""
        case BookingRefused():
            if row.expects != "posted":
                return [], ""
            seen = {"externalReference": found.external_reference, **_message(found.message)}
            return [Difference("missing", seen)], ""


def _posted(
    row: Believed, found: Posted, expected: Voucher | None, beside: Found | None
) -> tuple[list[Difference], Compared]:
    seen: dict[str, Any] = {
        "externalReference": found.external_reference,
        "voucherNumber": found.voucher_number,
    }
    if found.amount is not None:
        seen["amount"] = amount_text(found.amount)
    if found.hits > 1:
        return [Difference("doubled", {**seen, "hits": found.hits})], ""
    if row.expects == "gone":
        return [] if found.reversed_by else [Difference("unexpected", seen)], ""
    if row.expects == "replaced":
        stands = isinstance(beside, Posted) and not beside.reversed_by
        if not stands or found.reversed_by:
            return [], ""
        return [Difference("doubled", {**seen, "hits": 2, "beside": row.beside})], ""
    differences = []
    if found.reversed_by:
        differences.append(Difference("reversed", {**seen, "reversedBy": found.reversed_by}))
    altered, compared = _altered(found, expected)
    if altered:
        differences.append(Difference("altered", {**seen, **altered}))
    return differences, compared


def _altered(found: Posted, expected: Voucher | None) -> tuple[dict[str, Any], Compared]:
    """Return what differs between the voucher that was sent and the one that stands there.

    Where a line carries a VAT code the ledger splits it in its own way, so that only the lines
    without one, and no sum, can be held against it.
    """
    if expected is None:
        return {}, ""
    carries_vat = any(line.vat_code for line in expected.lines)
    if found.lines:
        sent = Counter(
            (line.account, line.amount, line.cost_centre)
            for line in expected.lines
            if not (carries_vat and line.vat_code)
        )
        there = Counter(_key(line) for line in found.lines)
        here = sent - there
        extra = Counter() if carries_vat else there - sent
        if here or extra:
            return {"onlyHere": _listed(here), "onlyThere": _listed(extra)}, "lines"
        return {}, "lines"
    if found.amount is None or carries_vat:
        return {}, ""
    debit = sum((line.amount for line in expected.lines if line.amount > 0), Decimal(0))
    if debit != found.amount:
        return {"expectedAmount": amount_text(debit)}, "amount"
    return {}, "amount"


def _key(line: PostedLine) -> _Key:
    return line.account, line.amount, line.cost_centre


def _listed(lines: Counter[_Key]) -> list[dict[str, str]]:
    listed = sorted(lines.elements())[:LINES_SHOWN_MAX]
    return [
        {"account": account, "amount": amount_text(amount), "costCentre": cost_centre}
        for account, amount, cost_centre in listed
    ]


def _message(text: str) -> dict[str, str]:
    return {"message": text[:500]}
