"""How the cell of a foreign file becomes a value: amounts and dates as people write them.

Pure. What can be read in two ways (`1.234`: thousands or decimals) is decided by the profile alone.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from bilag.records.fields import FieldError, shown

_SPACES: Final = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\t"), " ")
_MINUS: Final = dict.fromkeys(map(ord, "\u2212\u2013"), "-")
_TOKENS: Final = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "MM": r"(?P<month>[0-9]{2})",
    "M": r"(?P<month>[0-9]{1,2})",
    "DD": r"(?P<day>[0-9]{2})",
    "D": r"(?P<day>[0-9]{1,2})",
    "HH": r"(?P<hour>[0-9]{2})",
    "H": r"(?P<hour>[0-9]{1,2})",
    "mm": r"(?P<minute>[0-9]{2})",
    "ss": r"(?P<second>[0-9]{2})",
}
_TOKEN = re.compile("YYYY|MM?|DD?|HH?|mm|ss")
_EPOCH = re.compile(r"(?P<seconds>[0-9]{9,10})(?P<milliseconds>[0-9]{3})?")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}.*)?")
# Failure policy: the dates of a file repeat; when the memory is full it starts anew.
_REMEMBERED_MAX = 10_000


def amount_reader(decimal: str, thousands: str, signs: Sequence[str]) -> Callable[[str], str]:
    """Return a reader from a written amount to its plain form: `(kr 1 234,50)` to `-1234.50`.

    `thousands` are the characters that may stand between groups of three (a space stands for every
    kind of space), `signs` the currency signs that may stand around the number. Raises FieldError
    `cell_amount` for anything else, a currency sign that is not listed included.
    """
    thousands = thousands.translate(_SPACES)
    separators = f"[{re.escape(thousands)}]" if thousands else "(?!)"
    whole = rf"(?P<whole>[0-9]+|[0-9]{{1,3}}(?:{separators}[0-9]{{3}})+)"
    sign = "|".join(re.escape(each) for each in sorted(signs, key=len, reverse=True)) or "(?!)"
    number = re.compile(
        rf"(?P<open>\()? ?(?P<before>-)? ?(?:(?:{sign}) ?)?(?P<inner>-)?"
        rf"{whole}(?:{re.escape(decimal)}(?:(?P<fraction>[0-9]+)|(?P<none>-)))?"
        rf"(?P<after>-)? ?(?:{sign})? ?(?P<close>\))?",
        re.IGNORECASE,
    )
    plain = re.compile(rf"-?[0-9]+(?:{re.escape(decimal)}[0-9]+)?")
    no_separators = dict.fromkeys(map(ord, thousands))

    def read(cell: str) -> str:
        if plain.fullmatch(cell):
            return cell.replace(decimal, ".")
        match = number.fullmatch(cell.translate(_SPACES).translate(_MINUS).strip())
        if match is None or bool(match["open"]) != bool(match["close"]):
            raise FieldError("cell_amount", value=shown(cell))
        minus = [m for m in (match["open"], match["before"], match["inner"], match["after"]) if m]
        if len(minus) > 1:
            raise FieldError("cell_amount", value=shown(cell))
        digits = match["whole"].translate(no_separators)
        fraction = f".{match['fraction']}" if match["fraction"] else ""
        return ("-" if minus else "") + digits + fraction

    return read


class DateReader:
    """Reads dates and times in the first of several patterns that fits; ISO 8601 always does."""

    def __init__(self, patterns: Sequence[str], zone: ZoneInfo) -> None:
        self._patterns = [date_pattern(pattern) for pattern in patterns if pattern != "epoch"]
        self._epoch = "epoch" in patterns
        self._zone = zone
        self._remembered: dict[str, datetime] = {}

    def day(self, cell: str) -> str:
        """Return YYYY-MM-DD; a time with a zone gives the day in the profile's time zone."""
        return self._read(cell).date().isoformat()

    def moment(self, cell: str) -> str:
        """Return an ISO 8601 time with its zone; a bare date is midnight in the profile's zone."""
        return self._read(cell).isoformat()

    def midnight(self, day: str) -> str:
        """Return the first moment of YYYY-MM-DD in the profile's time zone."""
        return datetime.combine(date.fromisoformat(day), time(), self._zone).isoformat()

    def _read(self, cell: str) -> datetime:
        found = self._remembered.get(cell)
        if found is None:
            if len(self._remembered) >= _REMEMBERED_MAX:
                self._remembered.clear()
            try:
                found = self._parse(cell)
            except (ValueError, OverflowError) as error:
                raise FieldError("cell_date", value=shown(cell)) from error
            self._remembered[cell] = found
        return found

    def _parse(self, cell: str) -> datetime:
        for pattern in self._patterns:
            if match := pattern.fullmatch(cell):
                parts = {name: int(value) for name, value in match.groupdict().items()}
                return datetime(**parts, tzinfo=self._zone)
        if self._epoch and (match := _EPOCH.fullmatch(cell)):
            milliseconds = int(match["milliseconds"] or 0)
            moment = datetime.fromtimestamp(int(match["seconds"]), UTC)
            return moment.replace(microsecond=milliseconds * 1000).astimezone(self._zone)
        if not _ISO.fullmatch(cell):
            raise ValueError(cell)
        moment = datetime.fromisoformat(cell)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=self._zone)
        return moment.astimezone(self._zone)


def date_pattern(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of `DD.MM.YYYY HH:mm` and the like; `ISO` needs no pattern.

    Raises ValueError unless day, month and a four-digit year stand in it exactly once.
    """
    if pattern == "ISO":
        return re.compile("(?!)")
    names = _TOKEN.findall(pattern)
    kinds = sorted(name[0] for name in names)
    if [k for k in kinds if k in "DMY"] != ["D", "M", "Y"] or len(set(kinds)) != len(kinds):
        raise ValueError(pattern)
    parts = re.split(f"({_TOKEN.pattern})", pattern)
    return re.compile("".join(_TOKENS.get(part) or re.escape(part) for part in parts))
