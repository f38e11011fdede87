"""/integrations/{key}/filters: which records are sent, and how many a filter keeps and drops (C13).

The verbs are those of `IncludedRecords`; what is changed is kept in the audit log.
"""

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router

from bilag.api.answers import ProblemItem, answer
from bilag.api.auth import CONFIGURATION_READ, CONFIGURATION_WRITE, caller_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.integrations import IntegrationKey
from bilag.api.once import once
from bilag.api.problems import language_of, not_found_if_unknown
from bilag.api.values import Answer
from bilag.delivery.included import FilterCount, Included, IncludedRecords
from bilag.delivery.installation import installation
from bilag.integrations.model import Filters

router = Router(tags=["integrations"], by_alias=True)


class FiltersAnswer(Answer):
    """The filters of an integration; amounts are in the book's currency."""

    integration: str
    currency: str
    filters: Filters


class FiltersChangedAnswer(FiltersAnswer):
    """The new filters, and how many exports they let go on."""

    came_back: int = Field(description="Were left out before, and wait to be sent again.")
    tried_again: int = Field(description="Were held, and are tried again by the next sync.")


class FilterCountAnswer(Answer):
    """What one filter does by itself; of `untold` it cannot tell, so they would be held."""

    filter: str
    kept: int
    dropped: int
    untold: int

    @classmethod
    def of(cls, count: FilterCount) -> "FilterCountAnswer":
        return cls(
            filter=count.name, kept=count.kept, dropped=count.dropped, untold=count.untold
        )  # fmt: skip


class FiltersPreviewAnswer(FiltersAnswer):
    """What filters would do to the records that wait, are held, or were left out by a filter."""

    records: int
    complete: bool = Field(description="False: there are more records than were counted.")
    each: list[FilterCountAnswer]
    all: FilterCountAnswer
    come_back: int = Field(description="Are left out now, and would be sent.")
    leave: int = Field(description="Wait now, and would be left out.")
    problems: list[ProblemItem] = Field(description="What the mapping lacks for these records.")

    @classmethod
    def of(cls, found: Included, language: str) -> "FiltersPreviewAnswer":
        return cls(
            integration=found.integration.key,
            currency=found.integration.book.currency,
            filters=found.filters,
            records=found.records,
            complete=found.complete,
            each=[FilterCountAnswer.of(count) for count in found.each],
            all=FilterCountAnswer.of(found.all),
            come_back=found.come_back,
            leave=found.leave,
            problems=[
                ProblemItem.model_validate(problem.as_json(language)) for problem in found.problems
            ],
        )


@router.get(
    "/integrations/{integrationKey}/filters",
    auth=CONFIGURATION_READ,
    response={200: FiltersAnswer, **READ_ERRORS},
    summary="The filters of an integration",
)
def get_filters(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """Which records it sends; the others are `excluded`, with the reason."""
    with not_found_if_unknown():
        one = _included(request).filters(integration_key)
    return answer(
        200, FiltersAnswer(integration=one.key, currency=one.book.currency, filters=one.filters)
    )


@router.put(
    "/integrations/{integrationKey}/filters",
    auth=CONFIGURATION_WRITE,
    response={200: FiltersChangedAnswer, **WRITE_ERRORS},
    summary="Set the filters of an integration",
)
def put_filters(
    request: HttpRequest, integration_key: IntegrationKey, body: Filters
) -> HttpResponse:
    """They are replaced as a whole; what a filter left out that is no more waits to be sent."""
    with not_found_if_unknown():
        one, followed = _included(request).change(integration_key, body)
    return answer(
        200,
        FiltersChangedAnswer(
            integration=one.key,
            currency=one.book.currency,
            filters=one.filters,
            came_back=followed.came_back,
            tried_again=followed.tried_again,
        ),
    )


@router.post(
    "/integrations/{integrationKey}/filters/preview",
    auth=CONFIGURATION_READ,
    response={200: FiltersPreviewAnswer, **WRITE_ERRORS},
    summary="Preview filters",
)
@once
def post_filters_preview(
    request: HttpRequest, integration_key: IntegrationKey, body: Filters
) -> HttpResponse:
    """How many records each filter would keep and drop; nothing is changed."""
    with not_found_if_unknown():
        found = _included(request).preview(integration_key, body)
    return answer(200, FiltersPreviewAnswer.of(found, language_of(request)))


def _included(request: HttpRequest) -> IncludedRecords:
    caller = caller_of(request)
    return installation().included_of(caller.organization_id, caller.actor)
