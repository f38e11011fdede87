"""Approved records in: one as JSON, or many as lines of JSON; and what became of one.

Answered once it is stored durably; delivery starts by itself where the schedule says so.
"""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from bilag.api.answers import (
    ExportAnswer,
    LinesAnswer,
    RecordAnswer,
    RecordStatus,
    RevisionAnswer,
    WithdrawalAnswer,
    answer,
)
from bilag.api.auth import RECORDS_WRITE, RUNS_READ, caller_of, exports_of
from bilag.api.body import JSON, NDJSON, Received, content_type, receive
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS, record_body
from bilag.api.once import answered_once
from bilag.api.problems import ApiProblem, language_of
from bilag.api.record_lines import LINES_BYTES_MAX, LINES_MAX, take_lines, validated
from bilag.api.values import SourceId
from bilag.core.problem import Problem
from bilag.delivery.installation import tenant
from bilag.records.json_text import RECORD_BYTES_MAX, parse_json
from bilag.records.revisions import list_revisions
from bilag.records.validate import NotApproved, Withdrawal

router = Router(tags=["records"], by_alias=True)


@router.post(
    "/records",
    auth=RECORDS_WRITE,
    response={
        200: RecordAnswer | WithdrawalAnswer | LinesAnswer,
        201: RecordAnswer,
        **WRITE_ERRORS,
    },
    openapi_extra=record_body(),
    summary="Hand over approved records",
)
def post_records(request: HttpRequest) -> HttpResponse:
    """One record as JSON: 201 when it is new, 200 with the same answer when it is known.

    Many as application/x-ndjson, one a line: 200 with one answer for each line; a bad line never
    blocks the good ones. A record with status `withdrawn` takes its approval back.
    """
    if content_type(request, JSON, NDJSON) == JSON:
        with receive(request, RECORD_BYTES_MAX) as one:
            return answered_once(request, one.sha256, lambda: _one(request, one))
    with receive(request, LINES_BYTES_MAX) as many:
        if many.lines > LINES_MAX:
            params = {"maximum": str(LINES_MAX)}
            raise ApiProblem(413, Problem("lines_too_many", params=params))
        return answered_once(request, many.sha256, lambda: _many(request, many))


@router.get(
    "/records/{path:sourceId}",
    auth=RUNS_READ,
    response={200: RecordStatus, **READ_ERRORS},
    summary="What became of a record",
)
def get_record(
    request: HttpRequest,
    source_id: Annotated[SourceId, Path(alias="sourceId")],
    source_system: Annotated[SourceId | None, Query(alias="sourceSystem")] = None,
) -> HttpResponse:
    """The stored revisions of a record and its exports, in every source system or one."""
    organization = caller_of(request).organization_id
    with tenant(organization) as connection:
        revisions = list_revisions(connection, organization, source_id, source_system)
    if not revisions:
        raise ApiProblem(404, Problem("resource_unknown"))
    language = language_of(request)
    exports = [
        row
        for row in exports_of(request).get_export_status(source_id)
        if source_system in (None, row.source_system)
    ]
    return answer(
        200,
        RecordStatus(
            source_id=source_id,
            revisions=[RevisionAnswer.of(revision) for revision in revisions],
            exports=[ExportAnswer.of(row, language) for row in exports],
        ),
    )


def _one(request: HttpRequest, received: Received) -> HttpResponse:
    found = validated(parse_json(received.file.read()))
    if isinstance(found, list):
        raise ApiProblem(422, *found)
    if isinstance(found, NotApproved):
        raise ApiProblem(422, found.problem())
    if isinstance(found, Withdrawal):
        return _withdraw(request, found)
    (stored,) = exports_of(request).accept_records([found])
    if stored.problems:
        raise ApiProblem(422 if stored.record_id is None else 409, *stored.problems)
    return answer(201 if stored.is_new else 200, RecordAnswer.of(found.source_system, stored))


def _withdraw(request: HttpRequest, found: Withdrawal) -> HttpResponse:
    counts = exports_of(request).withdraw_approval(
        found.source_system, found.source_id, found.at, found.by
    )
    if counts is None:
        raise ApiProblem(404, Problem("resource_unknown", "sourceId", None, found.source_id))
    return answer(
        200,
        WithdrawalAnswer(
            source_system=found.source_system,
            source_id=found.source_id,
            cancelled=counts["cancelled"],
            in_flight=counts["inFlight"],
            reversals_proposed=counts["reversalsProposed"],
        ),
    )


def _many(request: HttpRequest, received: Received) -> HttpResponse:
    return answer(200, take_lines(exports_of(request), received.file, language_of(request)))
