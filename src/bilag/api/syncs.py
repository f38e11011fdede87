"""/syncs: what a sync would send now, asking for one, how far it is, and stopping it (O3).

The verbs are those of `SyncNow`; who asks and who stops is kept in the audit log.
"""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router

from bilag.api.answers import ProblemItem, answer, items
from bilag.api.auth import EXPORTS_READ, EXPORTS_WRITE, RUNS_READ, caller_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.integrations import IntegrationKey
from bilag.api.once import once
from bilag.api.problems import ApiProblem, language_of, not_found_if_unknown
from bilag.api.values import Amount, Answer, Moment, Request, TargetSystem
from bilag.core.money import amount_text
from bilag.core.problem import Problem
from bilag.delivery.installation import installation
from bilag.delivery.sync_now import REACHED, Before, Progress, SyncNow
from bilag.exports.sync_requests import Share, SyncRequest, cursor_of, place_of

SYNCS_MAX = 100

SyncId = Annotated[UUID, Path(alias="syncId")]

router = Router(tags=["syncs"], by_alias=True)


class SumAnswer(Answer):
    """A number of records in one currency, and their sum."""

    currency: str
    count: int
    amount: Amount

    @classmethod
    def of(cls, one: Share) -> "SumAnswer":
        return cls(currency=one.currency, count=one.records, amount=amount_text(one.amount))


class SyncAheadAnswer(Answer):
    """What a sync would send now; where none can be asked for, `refusal` says why."""

    integration: str
    may_start: bool
    refusal: ProblemItem | None = None
    under_way: UUID | None = Field(None, description="The sync that somebody has asked for.")
    records: int = Field(description="What can go now; what cannot be mapped is held on the way.")
    sums: list[SumAnswer]
    tried_later: int = Field(description="Not taken before, and tried again at its own time.")
    held: int
    failed: int
    in_doubt: int
    needs_review: int
    last_sync_at: Moment | None = None
    last_sync_outcome: str | None = None
    next_run_at: Moment | None = None

    @classmethod
    def of(cls, found: Before, language: str) -> "SyncAheadAnswer":
        ahead, standing = found.ahead, found.standing
        return cls(
            integration=found.integration.key,
            may_start=found.refusal is None,
            refusal=items([found.refusal], language)[0] if found.refusal else None,
            under_way=found.under_way.id if found.under_way else None,
            records=sum(one.records for one in ahead.going),
            sums=[SumAnswer.of(one) for one in ahead.going],
            tried_later=sum(one.records for one in ahead.later),
            held=ahead.count("held"),
            failed=ahead.count("failed"),
            in_doubt=ahead.count("in_doubt"),
            needs_review=ahead.count("needs_review"),
            last_sync_at=standing.last_sync_at,
            last_sync_outcome=standing.last_sync_outcome,
            next_run_at=standing.next_run_at,
        )


class SyncAnswer(Answer):
    """One sync; `askedFor` is false for one that a schedule or the engine itself began."""

    id: UUID
    integration: str
    asked_for: bool
    trigger: str
    actor: str
    asked_at: Moment
    asked: int = Field(description="How many records were to go then.")
    stopped_at: Moment | None = None
    stopped_by: str | None = None
    ended_at: Moment | None = None
    outcome: str | None = None
    message: str | None = None
    sent: list[SumAnswer] = Field(description="What has been exported, by currency.")

    @classmethod
    def of(cls, one: SyncRequest, went: Sequence[Share]) -> "SyncAnswer":
        return cls.model_validate(_told(one, went))


class SyncsAnswer(Answer):
    """The newest syncs; a sync that took several runs stands here once."""

    syncs: list[SyncAnswer]
    next: str | None = None


class SyncProgressAnswer(SyncAnswer):
    """How far a sync is; once it has ended, as then. The states and `left` make `total`."""

    begun: bool
    states: dict[str, int]
    left: int
    total: int

    @classmethod
    def of_progress(cls, found: Progress) -> "SyncProgressAnswer":
        states = {state: found.count(state) for state in REACHED}
        now = {
            "begun": found.begun,
            "states": {state: count for state, count in states.items() if count},
            "left": found.left,
            "total": found.total,
        }
        return cls.model_validate(_told(found.request, found.went) | now)


class SyncPage(Request):
    """Which syncs a page holds; `cursor` comes from the page before."""

    integration: TargetSystem | None = None
    cursor: str | None = Field(None, max_length=60, pattern="^[0-9]+-[0-9a-f-]{36}$")
    limit: int = Field(20, ge=1, le=SYNCS_MAX)


@router.get(
    "/integrations/{integrationKey}/sync",
    auth=EXPORTS_READ,
    response={200: SyncAheadAnswer, **READ_ERRORS},
    summary="What a sync would send now",
)
def get_sync_ahead(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """Counts and sums of what waits, and whether a sync can be asked for."""
    with not_found_if_unknown():
        found = _syncs(request).before(integration_key)
    return answer(200, SyncAheadAnswer.of(found, language_of(request)))


@router.post(
    "/integrations/{integrationKey}/sync",
    auth=EXPORTS_WRITE,
    response={202: SyncProgressAnswer, **WRITE_ERRORS},
    summary="Sync now",
)
@once
def post_sync(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """A worker sends what waits; 409 while one runs or was asked for, with who did and when."""
    syncs = _syncs(request)
    with not_found_if_unknown():
        found = syncs.progress(syncs.start(integration_key).id)
    return answer(202, SyncProgressAnswer.of_progress(found))


@router.get(
    "/syncs",
    auth=RUNS_READ,
    response={200: SyncsAnswer, **READ_ERRORS},
    summary="The newest syncs",
)
def list_syncs(request: HttpRequest, page: Query[SyncPage]) -> HttpResponse:
    """Newest first: those that somebody asked for, and those that began by themselves."""
    before = None
    if page.cursor is not None:
        try:
            before = place_of(page.cursor)
        except ValueError as error:
            raise ApiProblem(422, Problem("cursor_not_valid", "cursor")) from error
    found = _syncs(request).newest(
        integration=page.integration or "", before=before, limit=page.limit
    )
    following = None
    if len(found) == page.limit:
        asked = {"limit": page.limit, "cursor": cursor_of(found[-1][0])}
        named = {"integration": page.integration} if page.integration else {}
        following = f"{request.path}?{urlencode(asked | named)}"
    listed = [SyncAnswer.of(one, went) for one, went in found]
    return answer(200, SyncsAnswer(syncs=listed, next=following))


@router.get(
    "/syncs/{syncId}",
    auth=RUNS_READ,
    response={200: SyncProgressAnswer, **READ_ERRORS},
    summary="How far a sync is",
)
def get_sync(request: HttpRequest, sync_id: SyncId) -> HttpResponse:
    """Counts as the database has them now; once it has ended, as they were then."""
    with not_found_if_unknown():
        found = _syncs(request).progress(sync_id)
    return answer(200, SyncProgressAnswer.of_progress(found))


@router.post(
    "/syncs/{syncId}/stop",
    auth=EXPORTS_WRITE,
    response={200: SyncProgressAnswer, **WRITE_ERRORS},
    summary="Stop a sync",
)
@once
def post_sync_stop(request: HttpRequest, sync_id: SyncId) -> HttpResponse:
    """It ends at its next record; what it has not sent waits. 409 when it has ended."""
    syncs = _syncs(request)
    with not_found_if_unknown():
        syncs.stop(sync_id)
        found = syncs.progress(sync_id)
    return answer(200, SyncProgressAnswer.of_progress(found))


def _told(one: SyncRequest, went: Sequence[Share]) -> dict[str, object]:
    return {
        "id": one.id,
        "integration": one.integration_key,
        "asked_for": one.asked_for,
        "trigger": one.trigger,
        "actor": one.actor,
        "asked_at": one.asked_at,
        "asked": sum(int(share["count"]) for share in one.asked),
        "stopped_at": one.stopped_at,
        "stopped_by": one.stopped_by or None,
        "ended_at": one.ended_at,
        "outcome": one.outcome,
        "message": one.message or None,
        "sent": [SumAnswer.of(share) for share in went if share.state == "exported"],
    }


def _syncs(request: HttpRequest) -> SyncNow:
    caller = caller_of(request)
    return installation().syncs_of(caller.organization_id, caller.actor)
