"""/audit-log: every attempt to deliver and every change by people or programs, read-only (O6).

The filters are those of the page; what was sent and answered is told for one entry at a time.
"""

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router

from bilag.api.answers import answer
from bilag.api.auth import EXPORTS_READ, caller_of
from bilag.api.documents import READ_ERRORS
from bilag.api.problems import ApiProblem
from bilag.api.values import Answer, Moment, Request, SourceId
from bilag.core.problem import Problem, Refused
from bilag.delivery.installation import tenant
from bilag.exports.audit_log import (
    Content,
    Entry,
    Filters,
    Key,
    between,
    content,
    entries,
    entry,
)

PATH = "/audit-log"
PAGE_DEFAULT = 100
PAGE_MAX = 500

router = Router(tags=["audit log"], by_alias=True)


class AuditFilters(Request):
    """Which entries a page holds; `cursor` comes from the page before."""

    from_: date | None = Field(None, alias="from", description="The first day, in Oslo.")
    to: date | None = Field(None, description="The last day, included.")
    type: str | None = Field(
        None,
        pattern=r"^(attempt|change)(\.[a-z_]{1,40})?$",
        description="`attempt` or `change`, and after a point an event or a topic: `attempt.sent`.",
    )
    status: str | None = Field(
        None, pattern=r"^[a-z_]{1,40}$", description="The outcome of attempts, such as `rejected`."
    )
    record: SourceId | None = None
    user: str | None = Field(
        None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$",
        description="Who made a change: the name they sign in with, or the id of a token.",
    )  # fmt: skip
    cursor: str | None = Field(None, max_length=40)
    limit: int = Field(PAGE_DEFAULT, ge=1, le=PAGE_MAX)

    def as_filters(self) -> Filters:
        """Return the filters as the log takes them."""
        first, end = between(self.from_, self.to)
        return Filters(
            first, end, self.type or "", self.status or "", self.record or "", self.user or ""
        )


class AuditEntry(Answer):
    """An attempt to deliver a claim, or a change: what happened, when, and who did it."""

    id: str
    at: Moment
    kind: Literal["attempt", "change"]
    event: str
    outcome: str | None = None
    user: str | None = Field(None, description="Of a change: how they came in, and their name.")
    subject: str | None = None
    source_id: str | None = None
    export_id: int | None = None
    reference: str | None = None
    integration: str | None = None
    run_id: UUID | None = None
    attempt: int | None = None
    http_status: int | None = None
    duration_ms: int | None = None
    message: str | None = None
    field: str | None = None
    line: int | None = None
    detail: dict[str, Any] | None = None
    link: int = Field(description="Its link in the hash chain.")
    payload: str | None = Field(None, description="What was sent; of a single entry only.")
    answer: str | None = Field(None, description="What was answered; of a single entry only.")

    @classmethod
    def of(cls, one: Entry, more: Content | None = None) -> "AuditEntry":
        return cls(
            id=str(one.key),
            at=one.at,
            kind="attempt" if one.is_attempt else "change",
            event=one.event,
            outcome=one.outcome or None,
            user=one.who or None,
            subject=one.subject or None,
            source_id=one.source_id or None,
            export_id=one.export_id,
            reference=one.reference or None,
            integration=one.integration_key or None,
            run_id=one.run_id,
            attempt=one.attempt,
            http_status=one.http_status,
            duration_ms=one.duration_ms,
            message=one.message or None,
            field=one.field or None,
            line=one.line,
            detail=dict(one.detail) if one.detail else None,
            link=one.link,
            payload=(more.payload or None) if more else None,
            answer=(more.answer or None) if more else None,
        )


class AuditPage(Answer):
    """Entries newest first; `next` is the address of the following page, absent on the last."""

    entries: list[AuditEntry]
    next: str | None = None


@router.get(
    PATH, auth=EXPORTS_READ, response={200: AuditPage, **READ_ERRORS}, summary="The audit log"
)
def list_audit_log(request: HttpRequest, filters: Query[AuditFilters]) -> HttpResponse:
    """Entries newest first, in pages that do not drift while new ones come in."""
    key = Key.parse(filters.cursor) if filters.cursor else None
    with tenant(caller_of(request).organization_id) as connection:
        found = entries(connection, filters.as_filters(), older_than=key, limit=filters.limit + 1)
    shown = found[: filters.limit]
    following = None
    if len(found) > len(shown):
        asked = filters.model_dump(by_alias=True, exclude_none=True)
        asked["cursor"] = str(shown[-1].key)
        following = f"{request.path}?{urlencode(asked)}"
    return answer(200, AuditPage(entries=[AuditEntry.of(one) for one in shown], next=following))


@router.get(
    PATH + "/{entryId}",
    auth=EXPORTS_READ,
    response={200: AuditEntry, **READ_ERRORS},
    summary="One entry of the audit log",
)
def get_audit_entry(
    request: HttpRequest, entry_id: Annotated[str, Path(alias="entryId", max_length=40)]
) -> HttpResponse:
    """What happened, with what was sent and what was answered; secrets were stripped before."""
    try:
        key = Key.parse(entry_id)
    except Refused as error:
        raise ApiProblem(404, Problem("resource_unknown")) from error
    with tenant(caller_of(request).organization_id) as connection:
        one = entry(connection, key)
        more = content(connection, one) if one and one.is_attempt else None
    if one is None:
        raise ApiProblem(404, Problem("resource_unknown"))
    return answer(200, AuditEntry.of(one, more))
