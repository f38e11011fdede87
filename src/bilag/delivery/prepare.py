"""From pending exports to numbered submissions, or to the list of what is missing.

Pure apart from the number series it is handed; nothing here touches the database or the network.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bilag.core.problem import Problem
from bilag.core.voucher import Voucher
from bilag.delivery.target import Target
from bilag.exports.claim import Candidate, Intent
from bilag.exports.settle import Settlement
from bilag.mapping.result import Excluded, Missing


@dataclass(slots=True)
class Prepared:
    """A candidate with its voucher, or with stored bytes that must be sent again unchanged."""

    candidate: Candidate
    voucher: Voucher | None

    @property
    def year(self) -> int:
        """Return the accounting year whose series numbers this voucher."""
        if self.voucher is not None:
            return self.voucher.accounting_year
        return self.candidate.accounting_year or 0

    @property
    def needs_number(self) -> bool:
        """Return whether a number must be drawn: none yet, or the posting year has changed."""
        return self.voucher is not None and (
            self.candidate.voucher_number is None
            or self.candidate.accounting_year != self.voucher.accounting_year
        )


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
            ready.append(Prepared(candidate, None))
            continue
        result = target.mapping.voucher(candidate.content, candidate.reference, candidate.part)
        if isinstance(result, Voucher):
            ready.append(Prepared(candidate, result))
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
    for position, item in enumerate(prepared):
        candidate, voucher = item.candidate, item.voucher
        if voucher is None:
            result.intents.append(_resend(candidate, position))
            continue
        fresh = item.needs_number
        number = upcoming[item.year] if fresh else (candidate.voucher_number or 0)
        suffix = f"-{candidate.refusals}" if candidate.refusals else ""
        try:
            (submission,) = target.connector.build(
                [voucher.numbered(number, suffix)], target.session.settings
            )
        except ValueError as error:
            problem = Problem("cannot_be_built", params={"message": str(error)})
            result.unbuildable.append(set_aside(candidate, "held", [problem]))
            continue
        if fresh:
            upcoming[item.year] = number + 1
        result.intents.append(
            Intent(
                export_id=candidate.id,
                accounting_year=item.year,
                voucher_number=number,
                fresh=fresh,
                position=position,
                body=submission.body.decode("utf-8"),
                headers=dict(submission.headers),
                mapping_version=target.integration.mapping_version,
            )
        )
    result.series = {
        year: (next_numbers[year], number)
        for year, number in upcoming.items()
        if number != next_numbers[year]
    }
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
        resend_of=candidate.submission_id,
    )
