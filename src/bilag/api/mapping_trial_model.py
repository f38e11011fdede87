"""What requests and answers about trying a mapping look like: values, previews, effects (C11).

Nothing of it is written or sent.
"""

from typing import Any, Literal

from ninja import Field

from bilag.api.answers import ProblemItem, items
from bilag.api.mapping_model import MAPPING
from bilag.api.values import Amount, Answer, Request, SourceId
from bilag.core.money import amount_text
from bilag.core.voucher import Voucher
from bilag.delivery.mapping_effect import Affected, Effect
from bilag.delivery.mapping_trial import PREVIEWED_MAX, Previewed, RuleValue


class ValueRequest(Request):
    """A rule to be tried on samples; in `line` and `lineText` it may read the line."""

    section: Literal["header", "line", "counterLine", "voucherText", "lineText"]
    name: str = Field(min_length=1, max_length=120)
    rule: dict[str, Any] = Field(examples=[{"from": "line.date", "date": "DD.MM.YYYY"}])


class ValueAnswer(Answer):
    """What a rule gives for one sample: a value, or the problem that would hold the claim."""

    source_id: str
    category: str
    value: str
    problem: ProblemItem | None = None

    @classmethod
    def of(cls, value: RuleValue, language: str) -> "ValueAnswer":
        (problem,) = items([value.problem], language) if value.problem else (None,)
        return cls(
            source_id=value.source_id, category=value.category, value=value.value, problem=problem
        )


class ValuesAnswer(Answer):
    """What a rule gives for each sample."""

    values: list[ValueAnswer]


class PreviewRequest(Request):
    """Which claims to show (none: our samples), by the working copy or by this mapping."""

    source_ids: list[SourceId] = Field([], max_length=PREVIEWED_MAX)
    mapping: dict[str, Any] | None = Field(None, description=MAPPING)


class MappedLineAnswer(Answer):
    """One posting of a voucher; debit is positive."""

    account: str
    amount: Amount
    text: str
    vat_code: str
    cost_centre: str
    project: str
    party: str
    fields: dict[str, str]


class PreviewedAnswer(Answer):
    """One record side by side: as it came in, as a voucher, and the bytes that would be sent."""

    source_id: str
    state: str | None = None
    record: dict[str, Any]
    posting_date: str | None = None
    voucher_number: str | None = None
    text: str | None = None
    fields: dict[str, str] | None = None
    lines: list[MappedLineAnswer]
    payload: str | None = None
    problems: list[ProblemItem]

    @classmethod
    def of(cls, one: Previewed, language: str) -> "PreviewedAnswer":
        voucher = one.voucher
        return cls(
            source_id=one.source_id,
            state=one.state or None,
            record=one.content,
            posting_date=voucher and voucher.posting_date.isoformat(),
            voucher_number=voucher and voucher.display_number,
            text=voucher and voucher.text,
            fields=voucher and voucher.fields,
            lines=_lines(voucher),
            payload=one.body.decode() if one.body else None,
            problems=items(one.problems, language),
        )


class MappingPreviewAnswer(Answer):
    """Records as they would be sent; with `faults` of the mapping itself none can be made."""

    faults: list[ProblemItem]
    records: list[PreviewedAnswer]


class EffectRequest(Request):
    """What would come of the working copy, or of this mapping."""

    mapping: dict[str, Any] | None = Field(None, description=MAPPING)


class AlteredAnswer(Answer):
    """One value of a voucher before and after; without `line` it is the voucher's own."""

    line: int | None = None
    name: str
    before: str
    after: str


class AffectedClaimAnswer(Answer):
    """One claim: why it would be held, or what would be sent otherwise."""

    source_id: str
    state: str
    currency: str
    amount: Amount
    problems: list[ProblemItem]
    altered: list[AlteredAnswer]


class AffectedAnswer(Answer):
    """The claims that meet one fate: how many, in which states, their sums, some of them."""

    count: int
    states: dict[str, int]
    sums: dict[str, Amount]
    examples: list[AffectedClaimAnswer]

    @classmethod
    def of(cls, affected: Affected, language: str) -> "AffectedAnswer":
        return cls(
            count=affected.count,
            states=dict(affected.states),
            sums={currency: amount_text(total) for currency, total in affected.sums.items()},
            examples=[
                AffectedClaimAnswer(
                    source_id=one.source_id, state=one.state, currency=one.currency,
                    amount=amount_text(one.amount), problems=items(one.problems, language),
                    altered=[
                        AlteredAnswer(line=a.line, name=a.name, before=a.before, after=a.after)
                        for a in one.altered
                    ],
                )
                for one in affected.examples
            ],
        )  # fmt: skip


class EffectAnswer(Answer):
    """What saving would do: released, newly held, sent otherwise; the first N of M are told."""

    waiting: int
    looked_at: int
    whole: bool
    sent_again: int
    unchanged: int
    released: AffectedAnswer
    held: AffectedAnswer
    altered: AffectedAnswer

    @classmethod
    def of(cls, effect: Effect, language: str) -> "EffectAnswer":
        return cls(
            waiting=effect.waiting,
            looked_at=effect.looked_at,
            whole=effect.is_whole,
            sent_again=effect.sent_again,
            unchanged=effect.unchanged,
            released=AffectedAnswer.of(effect.released, language),
            held=AffectedAnswer.of(effect.held, language),
            altered=AffectedAnswer.of(effect.altered, language),
        )


def _lines(voucher: Voucher | None) -> list[MappedLineAnswer]:
    return [
        MappedLineAnswer(
            account=line.account, amount=amount_text(line.amount), text=line.text,
            vat_code=line.vat_code, cost_centre=line.cost_centre, project=line.project,
            party=line.party, fields=line.fields,
        )
        for line in (voucher.lines if voucher else ())
    ]  # fmt: skip
