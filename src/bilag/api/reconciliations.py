"""/reconciliations: ask for a comparison with the accounting system, list them, read one (E13).

A worker does it; findings change no export.
"""

import base64
import binascii
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router

from bilag.api.answers import ProblemItem, answer, items
from bilag.api.auth import EXPORTS_READ, EXPORTS_WRITE, caller_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.once import once
from bilag.api.problems import ApiProblem, language_of
from bilag.api.values import Amount, Answer, Moment, Request, TargetSystem
from bilag.core.money import amount_text
from bilag.core.problem import Problem, Refused
from bilag.delivery.installation import installation, tenant
from bilag.integrations.store import integration_by_target
from bilag.monitoring import store
from bilag.monitoring.job import defer_reconcile
from bilag.monitoring.words import next_step, not_comparable, said

PATH = "/reconciliations"
PAGE_MAX = 100
FINDINGS_MAX = 500

Kind = Literal["missing", "doubled", "altered", "reversed", "unexpected", "cannot_tell"]

router = Router(tags=["reconciliations"], by_alias=True)


class ReconciliationRequest(Request):
    """Which integration, and the days on which its claims were exported; without days all."""

    target_system: TargetSystem
    from_: date | None = Field(None, alias="from", description="The first day, in Oslo.")
    to: date | None = Field(None, description="The last day, included.")


class ReconciliationFilters(Request):
    """Which reconciliations a page holds; `cursor` comes from the page before."""

    integration: TargetSystem | None = None
    cursor: str | None = Field(None, max_length=200)
    limit: int = Field(20, ge=1, le=PAGE_MAX)


class ReconciliationAnswer(Answer):
    """One reconciliation; without `outcome` it waits, or a worker is at it.

    `stopped` says with `reasons` why it could not be carried through.
    """

    id: UUID
    integration: str
    trigger: Literal["asked", "nightly"]
    actor: str | None = None
    from_: date | None = Field(None, serialization_alias="from")
    to: date | None = None
    asked_at: Moment
    started_at: Moment | None = None
    finished_at: Moment | None = None
    outcome: Literal["agrees", "found", "cannot_tell", "stopped"] | None = None
    reasons: list[ProblemItem] | None = None
    looked_up: int
    compared_by_lines: int
    compared_by_amount: int = Field(description="Where the system names no lines.")
    counts: dict[Kind, int]

    @classmethod
    def of(cls, one: store.Reconciliation, language: str) -> "ReconciliationAnswer":
        return cls.model_validate(
            {
                "id": one.id,
                "integration": one.integration_key,
                "trigger": one.trigger,
                "actor": one.actor or None,
                "from_": one.from_day,
                "to": one.to_day,
                "asked_at": one.asked_at,
                "started_at": one.started_at,
                "finished_at": one.finished_at,
                "outcome": one.outcome,
                "reasons": items([Problem.from_json(one.reason)], language) if one.reason else None,
                "looked_up": one.looked_up,
                "compared_by_lines": one.compared_by_lines,
                "compared_by_amount": one.compared_by_amount,
                "counts": one.findings,
            }
        )


class ReconciliationPage(Answer):
    """Reconciliations newest first; `next` is the address of the following page."""

    reconciliations: list[ReconciliationAnswer]
    next: str | None = None


class FindingAnswer(Answer):
    """Something that differs, what was seen there, and what a person may do about it."""

    kind: Kind
    export_id: int
    source_id: str
    reference: str
    state: str = Field(description="The state of the export when it was compared.")
    amount: Amount
    currency: str
    message: str
    next_step: str
    evidence: dict[str, Any]
    at: Moment

    @classmethod
    def of(cls, one: store.Finding, language: str) -> "FindingAnswer":
        return cls.model_validate(
            {
                "kind": one.kind,
                "export_id": one.export_id,
                "source_id": one.source_id,
                "reference": one.reference,
                "state": one.state,
                "amount": amount_text(one.amount),
                "currency": one.currency,
                "message": said(one.kind, one.state, one.reference, one.evidence, language),
                "next_step": next_step(one.kind, language),
                "evidence": one.evidence,
                "at": one.at,
            }
        )


class ReconciliationResult(ReconciliationAnswer):
    """A reconciliation with a page of its findings; `next` is the address of the following page."""

    findings: list[FindingAnswer]
    next: str | None = None


@router.post(
    PATH,
    auth=EXPORTS_WRITE,
    response={202: ReconciliationAnswer, **WRITE_ERRORS},
    summary="Ask for a reconciliation",
)
@once
def post_reconciliation(request: HttpRequest, body: ReconciliationRequest) -> HttpResponse:
    """A worker does it, whatever is delivered meanwhile; asking again while it is open is one.

    422 where the system cannot be looked up in.
    """
    if body.from_ and body.to and body.from_ > body.to:
        params = {"first": str(body.from_), "last": str(body.to)}
        raise Refused(Problem("reconcile_days", "from", params=params))
    caller = caller_of(request)
    organization = caller.organization_id
    connecting = installation().drafting_of(organization, caller.actor)
    with tenant(organization) as connection:
        integration = integration_by_target(connection, organization, body.target_system)
        if (problem := not_comparable(connecting, integration)) is not None:
            raise Refused(replace(problem, field="targetSystem"))
        asked = store.ask(
            connection, integration.id, actor=caller.actor, from_day=body.from_,
            to_day=body.to,
        )  # fmt: skip
        one = store.read(connection, asked)
    if one is None:
        raise ApiProblem(404, Problem("resource_unknown"))
    defer_reconcile(installation().queue, organization, integration.id)
    return answer(202, ReconciliationAnswer.of(one, language_of(request)))


@router.get(
    PATH,
    auth=EXPORTS_READ,
    response={200: ReconciliationPage, **READ_ERRORS},
    summary="List reconciliations",
)
def list_reconciliations(
    request: HttpRequest, filters: Query[ReconciliationFilters]
) -> HttpResponse:
    """Reconciliations newest first, those of the night too."""
    organization = caller_of(request).organization_id
    before = _before(filters.cursor)
    with tenant(organization) as connection:
        chosen = (
            integration_by_target(connection, organization, filters.integration)
            if filters.integration
            else None
        )
        found = store.page(
            connection, integration_id=chosen.id if chosen else None, before=before,
            limit=filters.limit + 1,
        )  # fmt: skip
    shown, language = found[: filters.limit], language_of(request)
    following = None
    if len(found) > len(shown):
        asked = filters.model_dump(by_alias=True, exclude_none=True)
        cursor = f"{shown[-1].asked_at.isoformat()}|{shown[-1].id}"
        asked["cursor"] = base64.urlsafe_b64encode(cursor.encode()).decode()
        following = f"{request.path}?{urlencode(asked)}"
    listed = [ReconciliationAnswer.of(one, language) for one in shown]
    return answer(200, ReconciliationPage(reconciliations=listed, next=following))


@router.get(
    PATH + "/{reconciliationId}",
    auth=EXPORTS_READ,
    response={200: ReconciliationResult, **READ_ERRORS},
    summary="One reconciliation with its findings",
)
def get_reconciliation(
    request: HttpRequest,
    reconciliation_id: Annotated[UUID, Path(alias="reconciliationId")],
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
) -> HttpResponse:
    """How far it came and what it found, in pages of 500 findings; `after` comes from `next`."""
    with tenant(caller_of(request).organization_id) as connection:
        one = store.read(connection, reconciliation_id)
        found = store.findings(connection, reconciliation_id, after=after, limit=FINDINGS_MAX + 1)
    if one is None:
        raise ApiProblem(404, Problem("resource_unknown"))
    language, shown = language_of(request), found[:FINDINGS_MAX]
    more = len(found) > len(shown)
    result = ReconciliationResult(
        **ReconciliationAnswer.of(one, language).model_dump(),
        findings=[FindingAnswer.of(finding, language) for finding in shown],
        next=f"{request.path}?after={shown[-1].id}" if more else None,
    )
    return answer(200, result)


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    try:
        at, _, last = base64.urlsafe_b64decode(cursor.encode("ascii")).decode().partition("|")
        moment, found = datetime.fromisoformat(at), UUID(last)
    except (binascii.Error, ValueError) as error:
        raise ApiProblem(422, Problem("cursor_not_valid", "cursor")) from error
    if moment.tzinfo is None:
        raise ApiProblem(422, Problem("cursor_not_valid", "cursor"))
    return moment, found
