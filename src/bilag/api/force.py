"""/accounting-exports/{id}/force and /approval: a posted claim is sent again on purpose (E12).

What stands in the accounting system is answered first; only a confirmation of that opens anything.
"""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router
from pydantic import model_validator

from bilag.api.answers import ExportAnswer, answer
from bilag.api.auth import EXPORTS_READ, EXPORTS_WRITE, caller_of, exports_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.exports import PAGE_DEFAULT, PATH
from bilag.api.once import once
from bilag.api.problems import ApiProblem, language_of, not_found_if_unknown
from bilag.api.values import BIGINT_MAX, Amount, Answer, ExportId, Moment, Reason, Request
from bilag.core.money import amount_text
from bilag.core.problem import Problem, Refused
from bilag.delivery.force import ForcedExports, Seen
from bilag.delivery.installation import installation, tenant
from bilag.exports.decide import DecisionRefused
from bilag.exports.force import waiting_exports

router = Router(tags=["accounting exports"], by_alias=True)


class SeenAnswer(Answer):
    """What stands in the accounting system under the reference of one generation, as of now."""

    export_id: int
    generation: int
    state: str
    reference: str
    result: Literal[
        "posted", "staged", "booking_refused", "absent", "absent_unproven", "cannot_tell"
    ]
    external_reference: str | None = None
    voucher_number: str | None = None
    amount: Amount | None = Field(None, description="The sum of its debit lines.")
    hits: int | None = Field(None, description="More than one: it stands there more than once.")
    reversed_by: str | None = None
    message: str

    @classmethod
    def of(cls, seen: Seen, language: str) -> "SeenAnswer":
        return cls(**{**seen.as_json(), "message": seen.problem().text(language)})


class EvidenceAnswer(Answer):
    """What is known of a posted claim before it is sent again; `confirmation` is sent back."""

    export_id: int
    source_id: str
    amount: Amount
    currency: str
    seen: list[SeenAnswer]
    looked_at: Moment
    needs_approval: bool = Field(description="Above the limit another person has to approve.")
    confirmation: str
    expires_at: Moment


class ForceRequest(Request):
    """The confirmation that `GET` answered, and why the claim is sent again."""

    confirmation: str = Field(min_length=1, max_length=200)
    reason: Reason


class ForcedAnswer(Answer):
    """The new generation: `pending`, or `held` until another person has approved."""

    waits_for_approval: bool
    export: ExportAnswer


class ApprovalRequest(Request):
    """Whether a forced export that waits may go out; a refusal needs a reason."""

    decision: Literal["approve", "refuse"]
    reason: Reason | None = None

    @model_validator(mode="after")
    def _reason_of_a_refusal(self) -> "ApprovalRequest":
        if self.decision == "refuse" and self.reason is None:
            raise Refused(Problem("refusal_without_reason"))
        return self


class WaitingAnswer(Answer):
    """A forced export that waits for a second person."""

    id: int
    integration_key: str = Field(serialization_alias="integration")
    source_id: str
    generation: int
    currency: str
    amount: Amount
    asked_at: Moment
    asked_by: str
    reason: str


class WaitingPage(Answer):
    """Forced exports that wait, oldest first; `next` is the address of the following page."""

    exports: list[WaitingAnswer]
    next: str | None = None


class ReviewAnswer(Answer):
    """Who asked to send a claim again and why, and what stands there now."""

    export_id: int
    of: int = Field(description="The export that it would stand beside.")
    asked_by: str
    reason: str
    is_unchanged: bool = Field(description="False: it is not what was seen when it was asked for.")
    seen: list[SeenAnswer]
    looked_at: Moment


@router.get(
    PATH + "/{int:exportId}/force",
    auth=EXPORTS_WRITE,
    response={200: EvidenceAnswer, **WRITE_ERRORS},
    summary="What stands in the accounting system, before a claim is sent again",
)
def get_force(
    request: HttpRequest, export_id: Annotated[ExportId, Path(alias="exportId")]
) -> HttpResponse:
    """Looks it up now, within 30 seconds; 409 when the export cannot be forced. Opens nothing."""
    with not_found_if_unknown():
        found = _verbs(request).evidence(export_id)
    language = language_of(request)
    return answer(
        200,
        EvidenceAnswer(
            export_id=found.export_id,
            source_id=found.source_id,
            amount=amount_text(found.amount),
            currency=found.currency,
            seen=[SeenAnswer.of(one, language) for one in found.seen],
            looked_at=found.looked_at,
            needs_approval=found.needs_approval,
            confirmation=found.confirmation,
            expires_at=found.expires_at or found.looked_at,
        ),
    )


@router.post(
    PATH + "/{int:exportId}/force",
    auth=EXPORTS_WRITE,
    response={202: ForcedAnswer, **WRITE_ERRORS},
    summary="Send a posted claim again",
)
@once
def post_force(
    request: HttpRequest,
    export_id: Annotated[ExportId, Path(alias="exportId")],
    body: ForceRequest,
) -> HttpResponse:
    """Opens a new generation when what was confirmed still stands there; 409 otherwise."""
    with not_found_if_unknown():
        forced = _verbs(request).force(
            export_id, reason=body.reason, confirmation=body.confirmation
        )
    found = _export(request, forced.export_id)
    return answer(202, ForcedAnswer(waits_for_approval=forced.waits_for_approval, export=found))


@router.get(
    PATH + "/approvals",
    auth=EXPORTS_READ,
    response={200: WaitingPage, **READ_ERRORS},
    summary="Forced exports that wait for a second person",
)
def list_approvals(
    request: HttpRequest, after: Annotated[int, Query(ge=0, le=BIGINT_MAX)] = 0
) -> HttpResponse:
    """The oldest first, in pages; `after` comes from `next`."""
    with tenant(caller_of(request).organization_id) as connection:
        found = waiting_exports(connection, after=after, limit=PAGE_DEFAULT + 1)
    shown = found[:PAGE_DEFAULT]
    more = len(found) > len(shown)
    listed = [WaitingAnswer(**{**one._asdict(), "amount": amount_text(one.amount)})
              for one in shown]  # fmt: skip
    return answer(
        200,
        WaitingPage(exports=listed, next=f"{request.path}?after={shown[-1].id}" if more else None),
    )


@router.get(
    PATH + "/{int:exportId}/approval",
    auth=EXPORTS_WRITE,
    response={200: ReviewAnswer, **WRITE_ERRORS},
    summary="What stands in the accounting system, before a forced export is approved",
)
def get_approval(
    request: HttpRequest, export_id: Annotated[ExportId, Path(alias="exportId")]
) -> HttpResponse:
    """Looks it up now, within 30 seconds; 409 when the export does not wait. Decides nothing."""
    with not_found_if_unknown():
        found = _verbs(request).review(export_id)
    language = language_of(request)
    return answer(
        200,
        ReviewAnswer(
            export_id=export_id,
            of=found.of,
            asked_by=found.asked_by,
            reason=found.reason,
            is_unchanged=found.is_unchanged,
            seen=[SeenAnswer.of(one, language) for one in found.evidence.seen],
            looked_at=found.evidence.looked_at,
        ),
    )


@router.post(
    PATH + "/{int:exportId}/approval",
    auth=EXPORTS_WRITE,
    response={200: ExportAnswer, **WRITE_ERRORS},
    summary="Approve or refuse a forced export",
)
@once
def post_approval(
    request: HttpRequest,
    export_id: Annotated[ExportId, Path(alias="exportId")],
    body: ApprovalRequest,
) -> HttpResponse:
    """Lets a forced export go out, or cancels it; 403 for an API token that approves.

    Another person than the one who asked approves, by a token of the own sign-in.
    """
    verbs = _verbs(request)
    with not_found_if_unknown():
        if body.decision == "refuse":
            verbs.refuse(export_id, reason=body.reason or "")
        else:
            try:
                verbs.approve(export_id)
            except DecisionRefused as refused:
                if refused.problem.code != "force_approval_by_token":
                    raise
                raise ApiProblem(403, refused.problem) from refused
    return answer(200, _export(request, export_id))


def _verbs(request: HttpRequest) -> ForcedExports:
    caller = caller_of(request)
    return installation().forced_exports_of(caller.organization_id, caller.actor)


def _export(request: HttpRequest, export_id: int) -> ExportAnswer:
    row: Any = exports_of(request).get_export(export_id)
    if row is None:
        raise ApiProblem(404, Problem("resource_unknown"))
    return ExportAnswer.of(row, language_of(request))
