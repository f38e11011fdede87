"""/accounting-exports: why claims are failed or held, by cause; release, cancel, look up sooner.

A cause is named by a key that stays the same as long as its claims are kept by the same thing.
"""

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router

from bilag.api.answers import ExportAnswer, ExportPage, ProblemItem, RetryAnswer, answer, items
from bilag.api.auth import EXPORTS_READ, EXPORTS_WRITE, caller_of, exports_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.exports import PAGE_DEFAULT, PATH
from bilag.api.once import once
from bilag.api.problems import ApiProblem, language_of, not_found_if_unknown
from bilag.api.values import (
    BIGINT_MAX,
    IDS_MAX,
    Amount,
    Answer,
    CauseKey,
    ExportId,
    Reason,
    Request,
    TargetSystem,
)
from bilag.core.money import amount_text
from bilag.core.problem import Problem
from bilag.delivery.installation import tenant
from bilag.exports.causes import Cause, causes, claims_kept_by
from bilag.integrations.store import integration_by_target

Grouped = Literal["failed", "held"]

router = Router(tags=["accounting exports"], by_alias=True)


class CauseAnswer(Answer):
    """What keeps claims from being sent, in one integration, and how much it keeps."""

    cause: CauseKey
    integration: str
    count: int
    alone: int = Field(description="How many nothing else keeps: mending it releases these.")
    sums: dict[str, Amount] = Field(description="By currency.")
    problem: ProblemItem | None = Field(None, description="As one of the claims has it.")

    @classmethod
    def of(cls, one: Cause, language: str) -> "CauseAnswer":
        return cls(
            cause=one.key,
            integration=one.integration_key,
            count=one.count,
            alone=one.alone,
            sums={currency: amount_text(amount) for currency, amount in one.sums.items()},
            problem=items([one.problem], language)[0] if one.problem else None,
        )


class CausesAnswer(Answer):
    """Causes, those of most claims first; `next` is the address of the following page.

    `isAll` is false where more claims wait than the 5,000 that were looked at.
    """

    causes: list[CauseAnswer]
    total: int
    claims: int
    is_all: bool
    next: str | None = None


class ReleaseRequest(Request):
    """Which held exports of an integration: of one cause, some by id, or (with neither) all."""

    target_system: TargetSystem
    cause: CauseKey | None = None
    export_ids: list[ExportId] | None = Field(None, max_length=IDS_MAX)


class CancellationRequest(Request):
    """Why an export is not sent."""

    reason: Reason


class LookUpAnswer(Answer):
    """Whether the look-up was pulled forward; false while its first waiting time is not over."""

    sooner: bool
    export: ExportAnswer


@router.get(
    PATH + "/causes",
    auth=EXPORTS_READ,
    response={200: CausesAnswer, **READ_ERRORS},
    summary="Why exports are failed or held",
)
def list_causes(
    request: HttpRequest,
    state: Annotated[Grouped, Query()] = "failed",
    integration: Annotated[TargetSystem | None, Query()] = None,
    skip: Annotated[int, Query(ge=0, le=IDS_MAX)] = 0,
) -> HttpResponse:
    """Claims grouped by what keeps them, so that one correction releases all of a group."""
    organization = caller_of(request).organization_id
    with tenant(organization) as connection:
        chosen = (
            integration_by_target(connection, organization, integration) if integration else None
        )
        found = causes(
            connection, state, integration_id=chosen.id if chosen else None, skip=skip,
            limit=PAGE_DEFAULT,
        )  # fmt: skip
    language, behind = language_of(request), skip + len(found.page)
    where = f"state={state}" + (f"&integration={chosen.id}" if chosen else "")
    more = found.page and behind < found.total
    return answer(
        200,
        CausesAnswer(
            causes=[CauseAnswer.of(one, language) for one in found.page],
            total=found.total,
            claims=found.claims,
            is_all=found.is_all,
            next=f"{request.path}?{where}&skip={behind}" if more else None,
        ),
    )


@router.get(
    PATH + "/causes/{cause}",
    auth=EXPORTS_READ,
    response={200: ExportPage, **READ_ERRORS},
    summary="The exports that a cause keeps",
)
def list_cause_exports(
    request: HttpRequest,
    cause: Annotated[CauseKey, Path()],
    integration: Annotated[TargetSystem, Query()],
    state: Annotated[Grouped, Query()] = "failed",
    after: Annotated[int, Query(ge=0, le=BIGINT_MAX)] = 0,
) -> HttpResponse:
    """The oldest first, in pages; `after` comes from `next`."""
    organization = caller_of(request).organization_id
    with tenant(organization) as connection:
        chosen = integration_by_target(connection, organization, integration)
        rows = claims_kept_by(
            connection, state, cause, integration_id=chosen.id, after=after,
            limit=PAGE_DEFAULT + 1,
        )  # fmt: skip
    shown, language = rows[:PAGE_DEFAULT], language_of(request)
    where = f"integration={chosen.id}&state={state}"
    more = len(rows) > len(shown)
    return answer(
        200,
        ExportPage(
            exports=[ExportAnswer.of(row, language) for row in shown],
            next=f"{request.path}?{where}&after={shown[-1].id}" if more else None,
        ),
    )


@router.post(
    PATH + "/release",
    auth=EXPORTS_WRITE,
    response={200: RetryAnswer, **WRITE_ERRORS},
    summary="Map held exports anew",
)
@once
def post_release(request: HttpRequest, body: ReleaseRequest) -> HttpResponse:
    """What still lacks something is held again; proposals and what waits for approval stay."""
    ids = exports_of(request).release_held_exports(
        body.target_system, export_ids=body.export_ids, cause=body.cause
    )
    return answer(200, RetryAnswer(export_ids=sorted(ids)))


@router.post(
    PATH + "/{int:exportId}/cancellation",
    auth=EXPORTS_WRITE,
    response={200: ExportAnswer, **WRITE_ERRORS},
    summary="Cancel an export with a reason",
)
@once
def post_cancellation(
    request: HttpRequest,
    export_id: Annotated[ExportId, Path(alias="exportId")],
    body: CancellationRequest,
) -> HttpResponse:
    """Pending, failed or held: nothing of it is sent any more. 409 in any other state."""
    with not_found_if_unknown():
        exports_of(request).cancel_export(export_id, reason=body.reason)
    return answer(200, _export(request, export_id))


@router.post(
    PATH + "/{int:exportId}/look-up",
    auth=EXPORTS_WRITE,
    response={200: LookUpAnswer, **WRITE_ERRORS},
    summary="Look an export up sooner",
)
def post_look_up(
    request: HttpRequest, export_id: Annotated[ExportId, Path(alias="exportId")]
) -> HttpResponse:
    """A worker looks for it in the accounting system, never before its waiting time is over."""
    with not_found_if_unknown():
        sooner = exports_of(request).look_up_export(export_id)
    return answer(200, LookUpAnswer(sooner=sooner, export=_export(request, export_id)))


def _export(request: HttpRequest, export_id: int) -> ExportAnswer:
    row = exports_of(request).get_export(export_id)
    if row is None:
        raise ApiProblem(404, Problem("resource_unknown"))
    return ExportAnswer.of(row, language_of(request))
