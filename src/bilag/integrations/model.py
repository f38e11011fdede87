"""What an organization configures: books, integrations, filters and how delivery goes about it.

Pydantic models are the one description of each; `apply`, the API and the portal use the same.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bilag.core.money import CURRENCIES
from bilag.core.problem import Problem, Refused
from bilag.core.reference import NAMESPACE
from bilag.core.schedule import Schedule
from bilag.integrations.configuration import Configuration
from bilag.integrations.timetable import Timetable, Trigger


def _as_written(value: object) -> object:
    # pydantic takes a bare number, such as 20261231, for seconds since 1970
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("write the day as 2026-01-31")


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Day = Annotated[date, BeforeValidator(_as_written)]

# The days that can be closed (E15); outside of them somebody mistyped.
CLOSED_FIRST, CLOSED_LAST = date(1900, 1, 1), date(2999, 12, 31)


def _currency(text: str) -> str:
    if text not in CURRENCIES:
        raise Refused(Problem("currency_not_valid", params={"currency": text}))
    return text


Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Currency = Annotated[str, AfterValidator(_currency)]
NumberPrefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,6}$")]
NUMBER_START_MAX = 99_999_999


class Filters(Configuration):
    """Which records an integration takes (C13); the others become `excluded`, with the reason."""

    categories: tuple[Literal["expense", "mileage", "honorarium", "activity"], ...] = (
        "expense",
        "mileage",
        "honorarium",
    )
    date_field: Literal["approved", "created"] = "approved"
    from_date: date | None = None
    to_date: date | None = None


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
