"""/accounting-exports/dry-run: what would be posted now, in sums; nothing is written or sent (E17).

With a mapping document in the body the same is told of a version that is not saved yet.
"""

from datetime import date
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router

from bilag.api.answers import answer
from bilag.api.auth import EXPORTS_READ, exports_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.exports import PATH
from bilag.api.once import once
from bilag.api.problems import language_of
from bilag.api.values import Amount, Answer, Flag, Request, TargetSystem
from bilag.delivery.dry_run import DryRun

router = Router(tags=["accounting exports"], by_alias=True)


class TurnoverAnswer(Answer):
    """Postings in the book's currency; `net` is debit minus credit."""

    lines: int
    debit: Amount
    credit: Amount
    net: Amount


class CodeTurnover(TurnoverAnswer):
    """The postings on one account or dimension; an empty code counts those without one."""

    code: str


class ClaimsTotal(Answer):
    """The claims that would be posted, in their own currency."""

    currency: str
    count: int
    amount: Amount


class YearTotal(Answer):
    """The vouchers of one accounting year."""

    year: int
    vouchers: int


class ReasonExample(Answer):
    """One sentence, on how many claims it is said, and one of them."""

    message: str
    records: int
    source_id: str


class ReasonAnswer(Answer):
    """Why claims would be left behind; a claim with several problems counts under each."""

    state: Literal["held", "excluded"]
    code: str
    records: int
    examples: list[ReasonExample]


class DryRunAnswer(Answer):
    """What would be posted now. Each list of postings has a net sum of zero.

    `sentAgain` counts what goes out with its stored bytes, which are in no sum; `moved` those whose
    posting date leaves a closed period. Without `mappingVersion` the mapping was the one given.
    """

    integration: str
    name: str
    condition: str
    book: str
    currency: str
    mapping_version: int | None = None
    records: int
    vouchers: int
    held: int
    excluded: int
    sent_again: int
    moved: int
    first_posting_date: date | None = None
    last_posting_date: date | None = None
    accounting_years: list[YearTotal]
    claims: list[ClaimsTotal]
    total: TurnoverAnswer
    accounts: list[CodeTurnover]
    cost_centres: list[CodeTurnover]
    projects: list[CodeTurnover]
    vat_codes: list[CodeTurnover]
    reasons: list[ReasonAnswer]


class DryRunQuery(Request):
    """Of which integration; `held` tries what is held back as well."""

    integration: TargetSystem = Field(description="Key, id, or type where unique.")
    held: bool = False


class DryRunRequest(Request):
    """Of which integration, and by which mapping document; the document is not saved."""

    target_system: TargetSystem
    mapping: dict[str, Any] = Field(examples=[{"categories": {"travel": {"account": "7140"}}}])
    held: Flag = False


@router.get(
    PATH + "/dry-run",
    auth=EXPORTS_READ,
    response={200: DryRunAnswer, **READ_ERRORS},
    summary="What would be posted now",
)
def get_dry_run(request: HttpRequest, asked: Query[DryRunQuery]) -> HttpResponse:
    """Everything that is pending, mapped and added up; nothing is written or sent."""
    found = exports_of(request).dry_run(asked.integration, held=asked.held)
    return _answer(request, found)


@router.post(
    PATH + "/dry-run",
    auth=EXPORTS_READ,
    response={200: DryRunAnswer, **WRITE_ERRORS},
    summary="What another mapping would post",
)
@once
def post_dry_run(request: HttpRequest, body: DryRunRequest) -> HttpResponse:
    """The same by a mapping document that is not saved; 422 with every fault of the document."""
    found = exports_of(request).dry_run(body.target_system, body.mapping, held=body.held)
    return _answer(request, found)


def _answer(request: HttpRequest, found: DryRun) -> HttpResponse:
    return answer(200, DryRunAnswer.model_validate(found.as_json(language_of(request))))
