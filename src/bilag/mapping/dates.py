"""Days as the organization's accountants see them: the clock of Oslo, months, posting dates.

Moments carry their offset from UTC; the day of an approval decides its accounting year (E19).
"""

from calendar import monthrange
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from bilag.integrations.model import Book

TIME_ZONE = ZoneInfo("Europe/Oslo")
_DATE_LENGTH = len("2026-01-31")

PostingDateRule = Literal["approval", "last_cost", "cost_month_end"]


def local_date(text: str) -> date:
    """Return the day in Oslo of an ISO 8601 moment, or the date itself.

    A moment without an offset is taken as Oslo time. Raises ValueError when it is neither.
    """
    if len(text) == _DATE_LENGTH:
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    return moment.date() if moment.tzinfo is None else moment.astimezone(TIME_ZONE).date()


def shown_date(day: date, language: str) -> str:
    """Return a date as accountants write it: 30.12.2025 in Norwegian, 2025-12-30 in English."""
    return day.isoformat() if language == "en" else f"{day:%d.%m.%Y}"


def month_end(day: date) -> date:
    """Return the last day of the month of a day."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def spans_years(first: date, last: date, book: Book) -> bool:
    """Return whether two cost dates lie in different accounting years of the book."""
    return book.accounting_year(first) != book.accounting_year(last)


def posting_date(
    rule: PostingDateRule, approved_at: str, last_cost: date, book: Book, closed_by: int | None
) -> date:
    """Return the posting date by the integration's rule.

    `closed_by` is the accounting year that the date may not leave, for an earlier part of a claim:
    where the rule would leave it, the last cost date is taken.
    """
    if rule == "last_cost":
        return last_cost
    day = month_end(last_cost) if rule == "cost_month_end" else local_date(approved_at)
    if closed_by is not None and book.accounting_year(day) != closed_by:
        return last_cost
    return day
