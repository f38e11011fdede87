"""/books and closed periods: which days are closed, and decisions about claims in them (E15).

The verbs are those of `AccountingExports`; closing and deciding are kept in the audit log.
"""

from datetime import date
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Router

from bilag.api.answers import answer
from bilag.api.auth import (
    CONFIGURATION_WRITE,
    EXPORTS_READ,
    EXPORTS_WRITE,
    caller_of,
    exports_of,
)
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.exports import PATH
from bilag.api.once import once
from bilag.api.problems import not_found_if_unknown
from bilag.api.values import IDS_MAX, Answer, ExportId, Reason, Request, SourceId, TargetSystem
from bilag.delivery.installation import tenant
from bilag.integrations.books import list_books
from bilag.integrations.model import Book, Day

router = Router(tags=["books"], by_alias=True)


class BookAnswer(Answer):
    """A ledger posted to; without `closedThrough` every day of it is open."""

    key: str
    name: str
    currency: str
    closed_through: date | None = None

    @classmethod
    def of(cls, book: Book) -> "BookAnswer":
        return cls(
            key=book.key,
            name=book.name,
            currency=book.currency,
            closed_through=book.closed_through,
        )


class BooksAnswer(Answer):
    """The books of the organization, by key."""

    books: list[BookAnswer]


class ClosedPeriodRequest(Request):
    """The last closed day of a book; null opens every day."""

    closed_through: Day | None


class PeriodDecisionRequest(Request):
    """Which claims (those of one integration, some exports, or all that ask), and what to do."""

    decision: Literal["first_open_day", "wait"]
    reason: Reason
    target_system: TargetSystem | None = None
    export_ids: list[ExportId] | None = Field(None, max_length=IDS_MAX)


class PeriodDecidedAnswer(Answer):
    """The exports that the decision was about; the others did not ask, and stay as they are."""

    export_ids: list[int]


@router.get(
    "/books",
    auth=EXPORTS_READ,
    response={200: BooksAnswer, **READ_ERRORS},
    summary="The books",
)
def list_all_books(request: HttpRequest) -> HttpResponse:
    """Each book with the day through which it is closed."""
    organization = caller_of(request).organization_id
    with tenant(organization) as connection:
        found = list_books(connection, organization)
    return answer(200, BooksAnswer(books=[BookAnswer.of(book) for book in found]))


@router.put(
    "/books/{bookKey}/closed-period",
    auth=CONFIGURATION_WRITE,
    response={200: BookAnswer, **WRITE_ERRORS},
    summary="Close or open the days of a book",
)
def put_closed_period(
    request: HttpRequest,
    book_key: Annotated[SourceId, Path(alias="bookKey")],
    body: ClosedPeriodRequest,
) -> HttpResponse:
    """Nothing new is posted on a closed day; what waited for a day that is open again goes out."""
    with not_found_if_unknown():
        book = exports_of(request).close_period(book_key, body.closed_through)
    return answer(200, BookAnswer.of(book))


@router.post(
    PATH + "/closed-period-decision",
    auth=EXPORTS_WRITE,
    response={200: PeriodDecidedAnswer, **WRITE_ERRORS},
    summary="Decide about claims in a closed period",
)
@once
def post_period_decision(request: HttpRequest, body: PeriodDecisionRequest) -> HttpResponse:
    """Held claims that ask are posted on the first open day, or wait until the period is opened."""
    ids = exports_of(request).decide_period(
        decision=body.decision,
        reason=body.reason,
        target_system=body.target_system or "",
        export_ids=body.export_ids,
    )
    return answer(200, PeriodDecidedAnswer(export_ids=ids))
