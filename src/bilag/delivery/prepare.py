"""From pending exports to numbered submissions, or to the list of what is missing.

Pure apart from the number series it is handed; nothing here touches the database or the network.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bilag.core.problem import Problem
from bilag.core.voucher import Voucher
from bilag.delivery.target import Target
from bilag.exports.claim import Candidate, Intent
from bilag.exports.settle import Settlement
from bilag.mapping.result import Excluded, Missing


class Prepared(NamedTuple):
    """A candidate with its voucher, or with stored bytes that must be sent again unchanged.

    `year` is the accounting year whose series numbers it; `needs_number`: it has none of it yet.
    """

    candidate: Candidate
    voucher: Voucher | None
    year: int
    needs_number: bool


def _prepared(candidate: Candidate, voucher: Voucher | None) -> Prepared:
    if voucher is None:
        return Prepared(candidate, None, candidate.accounting_year or 0, False)
    year = voucher.accounting_year
    fresh = candidate.voucher_number is None or candidate.accounting_year != year
    return Prepared(candidate, voucher, year, fresh)


@dataclass(slots=True)
class Numbered:
    """A set ready for T1: intents with bodies, how the series move, and what could not be built."""

    intents: list[Intent] = field(default_factory=list)
    series: dict[int, tuple[int, int]] = field(default_factory=dict)
    unbuildable: list[Settlement] = field(default_factory=list)


def prepare(
    target: Target, candidates: Iterable[Candidate]
) -> tuple[list[Prepared], list[Settlement]]:
    """Map candidates; what cannot be sent comes back as settlements to `held` or `excluded`."""
    ready: list[Prepared] = []
    aside: list[Settlement] = []
    for candidate in candidates:
        if candidate.body is not None:
            ready.append(_prepared(candidate, None))
            continue
        result = target.mapping.voucher(
            candidate.content, candidate.reference, candidate.part,
            target.open_days.get(candidate.id),
        )  # fmt: skip
        if isinstance(result, Voucher):
            ready.append(_prepared(candidate, result))
        elif isinstance(result, Missing):
            aside.append(set_aside(candidate, "held", result.problems))
        elif isinstance(result, Excluded):
            aside.append(set_aside(candidate, "excluded", [result.problem]))
    return ready, aside


def set_aside(candidate: Candidate, state: str, problems: Sequence[Problem]) -> Settlement:
    """Return the settlement that keeps a record back, with every reason it is kept back for."""
    listed = [
        Problem(p.code, p.field, p.line, candidate.source_id, p.params).as_json() for p in problems
    ]
    message = "; ".join(str(problem["message"]) for problem in listed)
    reason = listed[0] if len(listed) == 1 else {"code": "several", "problems": listed}
    return Settlement(
        export_id=candidate.id, token=candidate.token, attempt=candidate.attempt,
        source_id=candidate.source_id, reference=candidate.reference, submission_id=None,
        state=state, outcome=state, event="mapped", reason=reason, message=message[:2000],
        field=problems[0].field, line=problems[0].line,
    )  # fmt: skip


def number_and_build(
    target: Target, prepared: Sequence[Prepared], next_numbers: dict[int, int]
) -> Numbered:
    """Give each voucher its number and its bytes; a document that cannot be built is held.

    `next_numbers` maps an accounting year to the number its series stands at; it is not changed.
    """
    result = Numbered()
    upcoming = dict(next_numbers)
    kept: list[Prepared] = []
    vouchers: list[Voucher] = []
    for position, item in enumerate(prepared):
        candidate, voucher = item.candidate, item.voucher
        if voucher is None:
            result.intents.append(_resend(candidate, -1 - position))
            continue
        if item.needs_number:
            voucher.number = upcoming[item.year]
            upcoming[item.year] += 1
        else:
            voucher.number = candidate.voucher_number or 0
        voucher.key_suffix = f"-{candidate.refusals}" if candidate.refusals else ""
        kept.append(item)
        vouchers.append(voucher)
    try:
        submissions = target.connector.build(vouchers, target.session.settings)
    except ValueError:
        return _without_unbuildable(target, prepared, next_numbers)
    version = target.integration.mapping_version
    documents = iter(zip(kept, vouchers, strict=True))
    for position, submission in enumerate(submissions):
        body: str | None = submission.body.decode("utf-8")
        for reference in submission.references:
            item, voucher = next(documents)
            if item.candidate.reference != reference:
                raise RuntimeError("the connector gave back the documents in another order")
            result.intents.append(
                Intent(
                    export_id=item.candidate.id,
                    accounting_year=item.year,
                    voucher_number=voucher.number,
                    fresh=item.needs_number,
                    position=position,
                    body=body,
                    headers=dict(submission.headers),
                    mapping_version=version,
                    attempt=item.candidate.attempt,
                    token=item.candidate.token,
                    posting_date=voucher.posting_date,
                    moved_from=voucher.moved_from,
                )
            )
            body = None
    if next(documents, None) is not None:
        raise RuntimeError("the connector built no submission for one of the documents")
    result.series = {
        year: (next_numbers[year], number)
        for year, number in upcoming.items()
        if number != next_numbers[year]
    }
    return result


def _without_unbuildable(
    target: Target, prepared: Sequence[Prepared], next_numbers: dict[int, int]
) -> Numbered:
    """Find the documents that cannot be built, one by one, and number the others without them."""
    good: list[Prepared] = []
    held: list[Settlement] = []
    for item in prepared:
        try:
            if item.voucher is not None:
                target.connector.build([item.voucher], target.session.settings)
            good.append(item)
        except ValueError as error:
            problem = Problem("cannot_be_built", params={"message": str(error)})
            held.append(set_aside(item.candidate, "held", [problem]))
    if not held:
        raise RuntimeError("the connector refuses a set of which it builds each document")
    result = number_and_build(target, good, next_numbers) if good else Numbered()
    result.unbuildable.extend(held)
    return result


def _resend(candidate: Candidate, position: int) -> Intent:
    return Intent(
        export_id=candidate.id,
        accounting_year=candidate.accounting_year or 0,
        voucher_number=candidate.voucher_number or 0,
        fresh=False,
        position=position,
        body=candidate.body or "",
        headers=candidate.headers or {},
        mapping_version=candidate.mapping_version or 0,
        attempt=candidate.attempt,
        token=candidate.token,
        resend_of=candidate.submission_id,
    )
