"""What the API answers, as models: they make the JSON and they are the OpenAPI document.

Amounts are texts, times are ISO 8601 in UTC, and a field without a value is left out.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from uuid import UUID

from django.http import HttpResponse
from pydantic import Field

from bilag.api.values import Amount, Answer, Moment
from bilag.core.money import amount_text
from bilag.core.problem import Problem, problems_of
from bilag.delivery.accounting import Answer as Queued
from bilag.exports.standing import Standing
from bilag.exports.status import ExportRow, RunSummary
from bilag.records.intake import Stored
from bilag.records.revisions import StoredRevision

State = Literal[
    "pending", "sending", "accepted", "exported", "failed", "in_doubt", "needs_review", "held",
    "excluded", "cancelled", "superseded", "reversed",
]  # fmt: skip


def answer(status: int, content: Answer) -> HttpResponse:
    """Return the response; what a model cannot hold cannot be answered."""
    body = content.model_dump_json(by_alias=True, exclude_none=True)
    return HttpResponse(body, status=status, content_type="application/json")


class ProblemItem(Answer):
    """One fault: a code for programs, a sentence for people, and where it is."""

    code: str
    message: str
    record: str | None = None
    line: int | None = None
    field: str | None = None
    params: dict[str, str] | None = None


class ProblemDetails(Answer):
    """RFC 9457: `type` and `code` name the kind, `detail` says what to do, `problems` say where."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    problems: list[ProblemItem]
    more_problems: int | None = None


def items(problems: Iterable[Problem], language: str) -> list[ProblemItem]:
    """Return problems in a language."""
    return [ProblemItem.model_validate(problem.as_json(language)) for problem in problems]


class RecordAnswer(Answer):
    """The stored record that stands for what was sent; the same each time it is sent again."""

    source_system: str
    source_id: str
    revision: int
    record_id: UUID

    @classmethod
    def of(cls, source_system: str, stored: Stored) -> "RecordAnswer":
        return cls(
            source_system=source_system,
            source_id=stored.source_id,
            revision=stored.revision,
            record_id=stored.record_id,
        )


class WithdrawalAnswer(Answer):
    """What followed from a withdrawn approval: exports cancelled, under way, to be reversed."""

    source_system: str
    source_id: str
    withdrawn: Literal[True] = True
    cancelled: int
    in_flight: int
    reversals_proposed: int


class LineAnswer(Answer):
    """What became of one line; `problems` are those of a line that was not taken."""

    line: int
    result: Literal[
        "accepted", "known", "refused", "invalid", "not_approved", "withdrawn", "not_found"
    ]
    source_id: str | None = None
    revision: int | None = None
    record_id: UUID | None = None
    problems: list[ProblemItem] | None = None
    more_problems: int | None = None


class LinesAnswer(Answer):
    """How many lines came to what, and each line; a large answer that is replayed has no lines."""

    counts: dict[str, int]
    lines: list[LineAnswer] | None = None


class ExportAnswer(Answer):
    """One export of a record to a book: where it stands, our numbers and theirs."""

    id: int
    integration: str
    source_system: str
    source_id: str
    revision: int
    generation: int
    part: int
    kind: str
    category: str
    state: State
    state_since: Moment
    live: bool
    currency: str
    amount: Amount
    reference: str
    voucher_number: str | None = Field(None, description="Ours, with prefix and year.")
    external_reference: str | None = None
    external_voucher_number: str | None = Field(None, description="The accounting system's own.")
    attempt: int
    due_at: Moment | None = Field(None, description="When it is sent or looked up next.")
    mapping_version: int | None = None
    exported_at: Moment | None = None
    created_at: Moment
    reasons: list[ProblemItem] | None = None
    attempts: "list[AttemptAnswer] | None" = Field(
        None, description="The timeline, oldest first; with `include=attempts`."
    )

    @classmethod
    def of(cls, row: ExportRow, language: str) -> "ExportAnswer":
        return cls(
            id=row.id,
            integration=row.integration_key,
            source_system=row.source_system,
            source_id=row.source_id,
            revision=row.revision,
            generation=row.generation,
            part=row.part,
            kind=row.kind,
            category=row.category,
            state=row.state,
            state_since=row.state_since,
            live=row.live,
            currency=row.currency,
            amount=amount_text(row.amount),
            reference=row.reference,
            voucher_number=row.display_number or None,
            external_reference=row.external_reference,
            external_voucher_number=row.external_voucher_number,
            attempt=row.attempt,
            due_at=row.due_at if row.state in ("pending", "in_doubt", "accepted") else None,
            mapping_version=row.mapping_version,
            exported_at=row.exported_at,
            created_at=row.created_at,
            reasons=items(problems_of(row.reason), language) if row.reason else None,
        )


class AttemptAnswer(Answer):
    """One logged step of an export: what was done, what came of it, what the system said."""

    at: Moment
    event: str
    outcome: str
    attempt: int
    http_status: int | None = None
    duration_ms: int | None = None
    message: str | None = None
    field: str | None = None
    line: int | None = None
    run_id: UUID

    @classmethod
    def of(cls, step: Mapping[str, Any]) -> "AttemptAnswer":
        shown = {name: value for name, value in step.items() if value != ""}
        return cls.model_validate({n: shown[n] for n in cls.model_fields if n in shown})


class ExportPage(Answer):
    """Exports newest first; `next` is the address of the following page, absent on the last."""

    exports: list[ExportAnswer]
    next: str | None = None


class RevisionAnswer(Answer):
    """One stored revision; a revision is never changed."""

    source_system: str
    revision: int
    record_id: UUID
    category: str
    currency: str
    total: Amount
    approved_at: Moment
    received_at: Moment
    withdrawn_at: Moment | None = None

    @classmethod
    def of(cls, stored: StoredRevision) -> "RevisionAnswer":
        return cls(
            source_system=stored.source_system,
            revision=stored.revision,
            record_id=stored.record_id,
            category=stored.category,
            currency=stored.currency,
            total=amount_text(stored.total),
            approved_at=stored.approved_at,
            received_at=stored.received_at,
            withdrawn_at=stored.withdrawn_at,
        )


class RecordStatus(Answer):
    """What became of a record: its revisions by source system, and its exports, oldest first."""

    source_id: str
    revisions: list[RevisionAnswer]
    exports: list[ExportAnswer]


class QueuedAnswer(Answer):
    """How one expense stands after it was asked for."""

    expense_id: str
    result: Literal[
        "queued", "already_exported", "in_progress", "in_doubt", "held", "not_found", "not_approved"
    ]
    export_ids: list[int]
    run_id: UUID | None = None
    exported_at: Moment | None = None
    reasons: list[ProblemItem] | None = None

    @classmethod
    def of(cls, queued: Queued, language: str) -> "QueuedAnswer":
        return cls(
            expense_id=queued.expense_id,
            result=queued.result,
            export_ids=list(queued.export_ids),
            run_id=queued.run_id,
            exported_at=queued.exported_at,
            reasons=items(queued.reasons, language) if queued.reasons else None,
        )


class BatchAnswer(Answer):
    """One answer for each expense, in the order asked; a large answer that is replayed has none."""

    counts: dict[str, int]
    answers: list[QueuedAnswer] | None = None


class RetryAnswer(Answer):
    """The refused exports that this request queued again."""

    export_ids: list[int]


class StandingAnswer(Answer):
    """How the distinct claims of a run stand now."""

    success_count: int
    failure_count: int
    open_count: int


class RunAnswer(Answer):
    """One run: the counts as answered then, and `now` as the same claims stand today."""

    run_id: UUID
    integration: str
    integration_status: str
    trigger: str
    actor: str
    started_at: Moment
    exported_at: Moment | None = None
    outcome: str | None = None
    message: str | None = None
    total_claims: int
    success_count: int
    failure_count: int
    now: StandingAnswer

    @classmethod
    def of(cls, run: RunSummary, now: Standing | None, integration_status: str) -> "RunAnswer":
        return cls(
            run_id=run.run_id,
            integration=run.integration_key,
            integration_status=integration_status,
            trigger=run.trigger,
            actor=run.actor,
            started_at=run.started_at,
            exported_at=run.exported_at,
            outcome=run.outcome,
            message=run.message or None,
            total_claims=run.total_claims,
            success_count=run.success_count,
            failure_count=run.failure_count,
            now=StandingAnswer(
                success_count=now.success_count if now else 0,
                failure_count=now.failure_count if now else 0,
                open_count=now.open_count if now else 0,
            ),
        )


class RunsAnswer(Answer):
    """The newest runs of all integrations."""

    runs: list[RunAnswer]


class VoucherLineAnswer(Answer):
    """One posting: debit positive, credit negative, in the book's currency."""

    account: str
    amount: Amount
    text: str
    vat_code: str | None = None
    cost_centre: str | None = None
    project: str | None = None
    party: str | None = None
    fields: dict[str, str] | None = None


class PreviewAnswer(Answer):
    """An expense as it would be sent now; without `voucher`, what is missing for one."""

    reference: str | None = None
    posting_date: str | None = None
    accounting_year: int | None = None
    currency: str | None = None
    text: str | None = None
    lines: list[VoucherLineAnswer] | None = None
    body: str | None = Field(None, description="The request body, without a voucher number.")
    problems: list[ProblemItem]


class CountAndSum(Answer):
    """A number of records and their sum."""

    count: int
    amount: Amount


class TotalsAnswer(Answer):
    """The sum rule for one integration and currency: approved = the sum of all states.

    `forced` and `reversals` stand apart by state; `difference` is zero, or something is wrong.
    """

    integration: str
    integration_name: str
    currency: str
    approved: CountAndSum
    states: dict[str, CountAndSum]
    difference: CountAndSum
    forced: dict[str, CountAndSum] | None = None
    reversals: dict[str, CountAndSum] | None = None


class StatusAnswer(Answer):
    """Where all records of the organization stand, now; and what it does elsewhere (C7)."""

    totals: list[TotalsAnswer]
    excluded_features: list[str]
