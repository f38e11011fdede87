"""What an organization configures: books, integrations, filters and how delivery goes about it.

Pydantic models are the one description of each; `apply`, the API and the portal use the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from bilag.core.money import CURRENCIES, AmountError, amount_text, parse_amount
from bilag.core.problem import Problem, Refused
from bilag.core.reference import NAMESPACE
from bilag.core.schedule import Schedule
from bilag.integrations.configuration import Configuration
from bilag.integrations.timetable import Timetable, Trigger
from bilag.records.fields import CODE_MAX


def _as_written(value: object) -> object:
    # pydantic takes a bare number, such as 20261231, for seconds since 1970
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("write the day as 2026-01-31")


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Day = Annotated[date, BeforeValidator(_as_written)]

FILTER_CODES_MAX = 1_000
_AMOUNT_TEXT = {
    "type": "string",
    "examples": ["100"],
    "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$",
}

# The days that can be closed (E15); outside of them somebody mistyped.
CLOSED_FIRST, CLOSED_LAST = date(1900, 1, 1), date(2999, 12, 31)


def _exact(value: object) -> Decimal:
    try:
        return parse_amount(value)
    except AmountError:
        raise Refused(Problem("filter_amount_not_valid")) from None


# An amount of a filter: exact as it is written, stored as the text that every amount has.
FilterAmount = Annotated[
    Decimal,
    BeforeValidator(_exact),
    PlainSerializer(amount_text, when_used="json"),
    WithJsonSchema({"anyOf": [_AMOUNT_TEXT, {"type": "number"}]}, mode="validation"),
    WithJsonSchema(_AMOUNT_TEXT, mode="serialization"),
]
FilterCode = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=CODE_MAX)
]


def _currency(text: str) -> str:
    if text not in CURRENCIES:
        raise Refused(Problem("currency_not_valid", params={"currency": text}))
    return text


Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
# No integration's: where its page would be, another is set up.
KEY_OF_NONE = "new"
# On one line, and with no character that turns the direction in which the text around it is read.
_NAME = r"^[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+$"
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_NAME)]
Currency = Annotated[str, AfterValidator(_currency)]
NumberPrefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,6}$")]
NUMBER_START_MAX = 99_999_999


class Filters(Configuration):
    """Which records an integration takes (C13); the others become `excluded`, with the reason.

    Both ends of a range belong to it. Amounts are whole claims in the book's currency. Of cost
    centres and projects each line of a claim must have one that is listed; none listed takes all.
    """

    categories: tuple[Literal["expense", "mileage", "honorarium", "activity"], ...] = (
        "expense",
        "mileage",
        "honorarium",
    )
    status: Literal["approved", "approved_and_paid", "approved_not_paid"] = "approved"
    date_field: Literal["approved", "created"] = "approved"
    from_date: Day | None = None
    to_date: Day | None = None
    from_amount: FilterAmount | None = None
    to_amount: FilterAmount | None = None
    cost_centres: tuple[FilterCode, ...] = Field((), max_length=FILTER_CODES_MAX)
    projects: tuple[FilterCode, ...] = Field((), max_length=FILTER_CODES_MAX)

    def faults(self) -> Iterator[Problem]:
        """Yield what nobody can mean: no category at all, or a range that ends before it begins.

        What is stored already is read all the same, and takes nothing.
        """
        if not self.categories:
            yield Problem("filter_no_category", "categories")
        if self.from_date and self.to_date and self.to_date < self.from_date:
            yield Problem("filter_range_backwards", "toDate")
        if (
            self.from_amount is not None
            and self.to_amount is not None
            and self.to_amount < self.from_amount
        ):
            yield Problem("filter_range_backwards", "toAmount")


class Retry(Configuration):
    """Backoff: the n-th delay is min(base * factor^(n-1), maximum) seconds, plus jitter (E4)."""

    base_seconds: float = Field(5.0, gt=0, le=3600)
    factor: float = Field(2.0, ge=1, le=10)
    maximum_seconds: float = Field(900.0, gt=0, le=86400)
    jitter: float = Field(0.1, ge=0, le=1)
    attempts_max: int = Field(10, ge=1, le=100)


class Breaker(Configuration):
    """Opens after so many transport failures in a row; probes after `retry_seconds` (E5)."""

    failures: int = Field(5, ge=1, le=1000)
    retry_seconds: float = Field(30.0, gt=0, le=86400)


class Delivery(Configuration):
    """How the claims of one integration are delivered; seconds are of the database's clock."""

    trigger: Trigger = "on_approval"
    schedule: Timetable = Timetable()
    posting_date: Literal["approval", "last_cost", "cost_month_end"] = "approval"
    two_years: Literal["split", "one", "hold"] = "split"
    requests_in_flight: int = Field(8, ge=1, le=256)
    send_within_seconds: float = Field(10.0, gt=0, le=600)
    request_timeout_seconds: float = Field(30.0, gt=0, le=600)
    settle_seconds: float = Field(5.0, ge=0, le=86400)
    look_up: bool = True
    unproven_seconds: float = Field(900.0, ge=0, le=604800)
    booked_within_seconds: float = Field(86400.0, ge=0, le=31_536_000)
    reconcile_days: int = Field(35, ge=0, le=3660)
    retry: Retry = Retry()
    breaker: Breaker = Breaker()

    @model_validator(mode="after")
    def _can_be_followed(self) -> "Delivery":
        self.timed()
        return self

    def timed(self) -> Schedule:
        """Return the schedule by which fresh records go out; it was checked when it was read."""
        return self.schedule.timed(self.trigger)


@dataclass(frozen=True, slots=True)
class Book:
    """The ledger posted to: one company of an accounting system, whatever route leads to it."""

    id: UUID
    organization_id: UUID
    key: str
    name: str
    currency: str
    year_start_month: int = 1
    number_prefix: str = ""
    number_start: int = 1
    rounding_account: str = ""
    closed_through: date | None = None

    def accounting_year(self, day: date) -> int:
        """Return the accounting year of a date, named by the calendar year in which it starts."""
        return day.year if day.month >= self.year_start_month else day.year - 1

    def year_end(self, year: int) -> date:
        """Return the last day of an accounting year."""
        if self.year_start_month == 1:
            return date(year, 12, 31)
        return date.fromordinal(date(year + 1, self.year_start_month, 1).toordinal() - 1)

    def first_open_day(self, day: date) -> date:
        """Return the day itself, or the first day after the closed period that it lies in (E15)."""
        if self.closed_through is None or day > self.closed_through:
            return day
        return date.fromordinal(self.closed_through.toordinal() + 1)


@dataclass(frozen=True, slots=True)
class Integration:
    """One route from an organization to a book, as stored; `settings` are the connector's own.

    A draft is still being set up: it is neither enabled nor a route, and nothing of it is sent.
    """

    id: UUID
    organization_id: UUID
    key: str
    name: str
    type: str
    enabled: bool
    is_route: bool
    settings: dict[str, Any]
    filters: Filters
    delivery: Delivery
    mapping_version: int
    book: Book
    is_draft: bool = False


def organization_id(slug: str) -> UUID:
    """Return the id an organization gets from its slug: the same after a restore or set-up."""
    return uuid5(NAMESPACE, f"organization/{slug}")


def book_id(organization: UUID, key: str) -> UUID:
    """Return the id of a book; references are made from it, so it is computed, never drawn."""
    return uuid5(organization, f"book/{key}")


def integration_id(organization: UUID, key: str) -> UUID:
    """Return the id of an integration from its organization and key."""
    return uuid5(organization, f"integration/{key}")
