"""/accounting-exports: list, status, ask for, cancel, retry, preview and decide.

The verbs are those of `AccountingExports`; what another organization has does not exist here.
"""

import base64
import binascii
from collections import Counter
from typing import Annotated, Literal
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router

from bilag.api.answers import (
    AttemptAnswer,
    BatchAnswer,
    ExportAnswer,
    ExportPage,
    PreviewAnswer,
    QueuedAnswer,
    RetryAnswer,
    State,
    VoucherLineAnswer,
    answer,
    items,
)
from bilag.api.auth import EXPORTS_READ, EXPORTS_WRITE, caller_of, exports_of
from bilag.api.callback import take_callback
from bilag.api.documents import CALLBACK_DOCUMENT, READ_ERRORS, WRITE_ERRORS
from bilag.api.once import once
from bilag.api.problems import ApiProblem, language_of, not_found_if_unknown
from bilag.api.values import (
    BIGINT_MAX,
    IDS_MAX,
    CauseKey,
    ExportId,
    Reason,
    Request,
    SourceId,
    TargetSystem,
    Text,
)
from bilag.core.money import amount_text
from bilag.core.problem import Problem
from bilag.delivery.accounting import Mapped
from bilag.delivery.installation import tenant
from bilag.exports.status import export_by_id, export_page, timeline
from bilag.integrations.store import integration_by_target

PAGE_DEFAULT = 100
PAGE_MAX = 500
PATH = "/accounting-exports"

router = Router(tags=["accounting exports"], by_alias=True)


class ExportFilters(Request):
    """Which exports a page holds; `cursor` comes from the page before."""

    state: State | None = None
    integration: TargetSystem | None = Field(None, description="Key, id, or type where unique.")
    source_id: SourceId | None = None
    cursor: str | None = Field(None, max_length=100)
    limit: int = Field(PAGE_DEFAULT, ge=1, le=PAGE_MAX)


class ExportRequest(Request):
    """An expense, by the app's own id, and where it shall go."""

    expense_id: SourceId
    target_system: TargetSystem = Field(description="An integration's key or id, or a unique type.")


class BatchRequest(Request):
    """Expenses by the app's own ids, and where they shall go."""

    expense_ids: list[SourceId] = Field(min_length=1, max_length=IDS_MAX)
    target_system: TargetSystem


class RetryRequest(Request):
    """Which refused exports: of one integration, of one cause, some by id, or (with none) all."""

    target_system: TargetSystem | None = None
    cause: CauseKey | None = Field(None, description="From the causes of failed exports.")
    export_ids: list[ExportId] | None = Field(None, max_length=IDS_MAX)


class DecisionRequest(Request):
    """What a person found out about an export that needs review."""

    decision: Literal["exported", "pending", "failed", "cancelled"]
    reason: Reason
    external_reference: Text = ""
    voucher_number: Text = ""


@router.get(
    PATH,
    auth=EXPORTS_READ,
    response={200: ExportPage, **READ_ERRORS},
    summary="List exports",
)
def list_exports(request: HttpRequest, filters: Query[ExportFilters]) -> HttpResponse:
    """Exports newest first, in pages that do not drift while new ones come in."""
    organization, before = caller_of(request).organization_id, _before(filters.cursor)
    with tenant(organization) as connection:
        chosen = (
            integration_by_target(connection, organization, filters.integration)
            if filters.integration
            else None
        )
        rows = export_page(
            connection,
            before=before,
            limit=filters.limit + 1,
            state=filters.state,
            integration_id=chosen.id if chosen else None,
            source_id=filters.source_id,
        )
    shown, language = rows[: filters.limit], language_of(request)
    more = len(rows) > len(shown)
    page = ExportPage(
        exports=[ExportAnswer.of(row, language) for row in shown],
        next=_next(request, filters, shown[-1].id) if more else None,
    )
    return answer(200, page)


@router.post(
    PATH,
    auth=EXPORTS_WRITE,
    response={200: QueuedAnswer, 202: QueuedAnswer, **WRITE_ERRORS},
    summary="Export one approved expense",
)
@once
def post_export(request: HttpRequest, body: ExportRequest) -> HttpResponse:
    """202 when it is queued, 200 with how it stands otherwise; asking twice sends nothing twice."""
    found = exports_of(request).export_expense(body.expense_id, body.target_system)
    status = 202 if found.result == "queued" else 200
    return answer(status, QueuedAnswer.of(found, language_of(request)))


@router.post(
    PATH + "/batch",
    auth=EXPORTS_WRITE,
    response={200: BatchAnswer, **WRITE_ERRORS},
    summary="Export many approved expenses",
)
@once
def post_batch(request: HttpRequest, body: BatchRequest) -> HttpResponse:
    """How each expense stands, in the order asked."""
    found = exports_of(request).batch_export(body.expense_ids, body.target_system)
    language = language_of(request)
    counts = Counter(one.result for one in found)
    return answer(
        200,
        BatchAnswer(
            counts={"total": len(found), **dict(sorted(counts.items()))},
            answers=[QueuedAnswer.of(one, language) for one in found],
        ),
    )


@router.post(
    PATH + "/retry",
    auth=EXPORTS_WRITE,
    response={200: RetryAnswer, **WRITE_ERRORS},
    summary="Queue refused exports again",
)
@once
def post_retry(request: HttpRequest, body: RetryRequest) -> HttpResponse:
    """Exports that are not refused, or not this organization's, are left as they are."""
    ids = exports_of(request).retry_failed_exports(
        body.target_system or "", body.export_ids, body.cause
    )
    return answer(200, RetryAnswer(export_ids=sorted(ids)))


@router.post(
    PATH + "/preview",
    auth=EXPORTS_READ,
    response={200: PreviewAnswer, **WRITE_ERRORS},
    summary="Preview an export",
)
@once
def post_preview(request: HttpRequest, body: ExportRequest) -> HttpResponse:
    """The expense as it would be sent now, or what is missing; nothing is sent or changed."""
    with not_found_if_unknown():
        mapped = exports_of(request).map_to_accounting_schema(body.expense_id, body.target_system)
    return answer(200, _preview(mapped, language_of(request)))


@router.get(
    PATH + "/{int:exportId}",
    auth=EXPORTS_READ,
    response={200: ExportAnswer, **READ_ERRORS},
    summary="One export",
)
def get_export(
    request: HttpRequest,
    export_id: Annotated[ExportId, Path(alias="exportId")],
    include: Annotated[Literal["attempts"] | None, Query()] = None,
) -> HttpResponse:
    """Where an export stands, our voucher number and theirs, and on demand its timeline."""
    steps = None
    with tenant(caller_of(request).organization_id) as connection:
        row = export_by_id(connection, export_id)
        if row and include == "attempts":
            steps = timeline(connection, export_id)
    if row is None:
        raise ApiProblem(404, Problem("resource_unknown"))
    found = ExportAnswer.of(row, language_of(request))
    if steps is not None:
        found.attempts = [AttemptAnswer.of(step) for step in steps]
    return answer(200, found)


@router.put(
    PATH + "/{int:exportId}",
    auth=EXPORTS_WRITE,
    response={204: None, **WRITE_ERRORS},
    openapi_extra=CALLBACK_DOCUMENT,
    summary="Status update by the accounting system",
)
def put_export(
    request: HttpRequest, export_id: Annotated[ExportId, Path(alias="exportId")]
) -> HttpResponse:
    """A signed message that something happened to an export; it is then looked up sooner.

    What the message says sets no state. Without a callback secret it is always refused with 403.
    """
    take_callback(request, export_id)
    return HttpResponse(status=204)


@router.delete(
    PATH + "/{int:exportId}",
    auth=EXPORTS_WRITE,
    response={204: None, **WRITE_ERRORS},
    summary="Cancel an export",
)
def delete_export(
    request: HttpRequest, export_id: Annotated[ExportId, Path(alias="exportId")]
) -> HttpResponse:
    """Cancel an export while it is pending; 409 with its state in any other."""
    with not_found_if_unknown():
        exports_of(request).cancel_export(export_id)
    return HttpResponse(status=204)


@router.post(
    PATH + "/{int:exportId}/decision",
    auth=EXPORTS_WRITE,
    response={200: ExportAnswer, **WRITE_ERRORS},
    summary="Settle an export that needs review",
)
@once
def post_decision(
    request: HttpRequest,
    export_id: Annotated[ExportId, Path(alias="exportId")],
    body: DecisionRequest,
) -> HttpResponse:
    """Note what a person decided, with the reason; 409 with its state when it needs no review."""
    exports = exports_of(request)
    with not_found_if_unknown():
        exports.decide_export(
            export_id,
            to_state=body.decision,
            reason=body.reason,
            external_reference=body.external_reference,
            voucher_number=body.voucher_number,
        )
        row = exports.get_export(export_id)
        if row is None:
            raise LookupError(export_id)
    return answer(200, ExportAnswer.of(row, language_of(request)))


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        before = int(base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii"))
    except (binascii.Error, ValueError) as error:
        raise ApiProblem(422, Problem("cursor_not_valid", "cursor")) from error
    if not 1 <= before <= BIGINT_MAX:
        raise ApiProblem(422, Problem("cursor_not_valid", "cursor"))
    return before


def _next(request: HttpRequest, filters: ExportFilters, last_id: int) -> str:
    asked = filters.model_dump(by_alias=True, exclude_none=True)
    asked["cursor"] = base64.urlsafe_b64encode(str(last_id).encode()).decode()
    return f"{request.path}?{urlencode(asked)}"


def _preview(mapped: Mapped, language: str) -> PreviewAnswer:
    problems, voucher = items(mapped.problems, language), mapped.voucher
    if voucher is None:
        return PreviewAnswer(problems=problems)
    return PreviewAnswer(
        reference=voucher.reference,
        posting_date=voucher.posting_date.isoformat(),
        accounting_year=voucher.accounting_year,
        currency=voucher.currency,
        text=voucher.text,
        lines=[
            VoucherLineAnswer(
                account=line.account,
                amount=amount_text(line.amount),
                text=line.text,
                vat_code=line.vat_code or None,
                cost_centre=line.cost_centre or None,
                project=line.project or None,
                party=line.party or None,
                fields=line.fields or None,
            )
            for line in voucher.lines
        ],
        body=mapped.body.decode("utf-8", "replace") or None,
        problems=problems,
    )
