"""How each kind of field is read: text, code, id, amount, rate, date, moment, count.

Every reader is pure: it returns the clean value or raises FieldError with a code of the catalogue.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from bilag.core.characters import character_fault
from bilag.core.money import AmountError, parse_amount
from bilag.records.identity import has_identity_number, without_identity_numbers

TEXT_MAX: Final = 2_000
ID_MAX: Final = 120
CODE_MAX: Final = 40
LINES_MAX: Final = 1_000
EXTRA_MAX: Final = 50
COUNT_MAX: Final = 1_000_000
REVISION_MAX: Final = 2_147_483_647
FIRST_DAY: Final = date(2000, 1, 1)
DAYS_AHEAD: Final = timedelta(days=366)
# The day of an approval decides its accounting year, so moments are kept as seen on this clock.
ZONE: Final = ZoneInfo("Europe/Oslo")

_SHOWN_MAX = 40
_RATE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,10})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


class FieldError(ValueError):
    """A value is not what its field takes; `code` and `params` are those of the problem."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


# A reader gets the value and the last day that a date may have.
Reader = Callable[[Any, date], Any]


def shown(value: object) -> str:
    """Return a foreign value for use in a message: short, printable, no identity number in it."""
    if isinstance(value, int) and abs(value) > 10**_SHOWN_MAX:
        return "…"
    if not isinstance(value, str | int | float | Decimal):
        return type(value).__name__
    text = without_identity_numbers(str(value)[: _SHOWN_MAX * 4])
    text = "".join(c if c.isprintable() else "�" for c in text)
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"


def text_reader(maximum: int, *, breaks: bool = False) -> Reader:
    """Return a reader of texts up to `maximum` characters; `breaks` allows tabs and line breaks.

    The text comes back in Unicode's composed form (NFC) and without space around it, so that two
    spellings of one id are one id.
    """

    def read(value: Any, last_day: date) -> str:
        if not isinstance(value, str):
            raise FieldError("text_needed")
        if not value.isprintable():
            if code := character_fault(value, breaks=breaks):
                raise FieldError(code)
            value = value.replace("\r\n", "\n").replace("\r", "\n")
        text: str = value.strip()
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        if len(text) > maximum:
            raise FieldError("text_too_long", maximum=str(maximum), length=str(len(text)))
        if has_identity_number(text):
            raise FieldError("identity_number")
        return text

    return read


read_text = text_reader(TEXT_MAX, breaks=True)
read_name = text_reader(TEXT_MAX)
read_id = text_reader(ID_MAX)
read_code = text_reader(CODE_MAX)


def read_amount(value: Any, last_day: date) -> Decimal:
    """Read an amount, quantity or mileage rate: at most 15 digits and 4 decimals, never a float."""
    if isinstance(value, str) and has_identity_number(value):
        raise FieldError("identity_number")
    try:
        return parse_amount(value)
    except AmountError as error:
        raise FieldError(f"amount_{error.args[0]}", value=shown(value)) from error


def read_hours(value: Any, last_day: date) -> Decimal:
    """Read a number of hours: an amount that is not negative."""
    hours = read_amount(value, last_day)
    if hours < 0:
        raise FieldError("hours_negative", value=shown(hours))
    return hours


def read_rate(value: Any, last_day: date) -> Decimal:
    """Read an exchange rate: above zero, at most 9 digits before and 10 after the point."""
    text = value if isinstance(value, str) else _plain(value)
    if not _RATE.fullmatch(text) or not (rate := Decimal(text)):
        raise FieldError("rate_invalid", value=shown(text))
    return rate


def read_count(value: Any, last_day: date) -> int:
    """Read a whole number from 0 to a million."""
    if type(value) is not int or not 0 <= value <= COUNT_MAX:
        raise FieldError("count_invalid", maximum=str(COUNT_MAX))
    return value


def read_revision(value: Any, last_day: date) -> int:
    """Read a revision: a whole number from 1."""
    if type(value) is not int or not 1 <= value <= REVISION_MAX:
        raise FieldError("revision_invalid")
    return value


def read_flag(value: Any, last_day: date) -> bool:
    """Read true or false; words and numbers are refused."""
    if not isinstance(value, bool):
        raise FieldError("flag_expected")
    return value


def read_date(value: Any, last_day: date) -> date:
    """Read YYYY-MM-DD from 2000-01-01 to `last_day`."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise FieldError("date_invalid", value=shown(value))
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        raise FieldError("date_invalid", value=shown(value)) from error
    _must_be_in_range(day, last_day)
    return day


def read_moment(value: Any, last_day: date) -> datetime:
    """Read an ISO 8601 time with its zone, as Norwegian time: one instant, one stored value."""
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise FieldError("moment_invalid", value=shown(value))
    if not match["zone"]:
        raise FieldError("moment_zone_missing", value=shown(value))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise FieldError("moment_invalid", value=shown(value)) from error
    # The range comes first: the years 1 and 9999 cannot be moved between time zones.
    _must_be_in_range(moment.date(), last_day)
    return moment.astimezone(ZONE)


def read_url(value: Any, last_day: date) -> str:
    """Read a web address (http or https); what fetches it decides whether it may be reached."""
    text: str = read_name(value, last_day)
    if text and not text.startswith(("https://", "http://")):
        raise FieldError("url_invalid")
    return text


def read_sha256(value: Any, last_day: date) -> str:
    """Read a SHA-256 as 64 lower-case hexadecimal digits."""
    if not isinstance(value, str) or (value and not _SHA256.fullmatch(value)):
        raise FieldError("sha256_invalid")
    return value


def _must_be_in_range(day: date, last_day: date) -> None:
    if not FIRST_DAY <= day <= last_day:
        first, last = FIRST_DAY.isoformat(), last_day.isoformat()
        raise FieldError("date_out_of_range", value=day.isoformat(), first=first, last=last)


def _plain(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return type(value).__name__
    # A huge number or exponent is not written out: `1E+999999` is refused just as well.
    if isinstance(value, Decimal) and -10 <= value.adjusted() <= 9:
        return f"{value:f}"
    return str(value) if isinstance(value, Decimal) or abs(value) < COUNT_MAX else "-"
