"""A schedule in a sentence, in bokmål, nynorsk and English: "Hver mandag kl. 07.00 (Europe/Oslo)".

A cron expression that would need a tortuous sentence is named instead; no sentence is ever empty.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import NamedTuple

from cronsim import CronSim

from bilag.core.schedule import Pause, PauseMonthly, Schedule
from bilag.core.texts import LANGUAGES, say

_WEEKDAYS = {
    "nb": ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"),
    "nn": ("måndag", "tysdag", "onsdag", "torsdag", "fredag", "laurdag", "søndag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS_NORWEGIAN = ("januar", "februar", "mars", "april", "mai", "juni", "juli", "august",
                     "september", "oktober", "november", "desember")  # fmt: skip
_MONTHS = {
    "nb": _MONTHS_NORWEGIAN,
    "nn": _MONTHS_NORWEGIAN,
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December"),
}  # fmt: skip
_ORDINALS = {
    "nb": ("første", "andre", "tredje", "fjerde", "femte", "siste"),
    "nn": ("første", "andre", "tredje", "fjerde", "femte", "siste"),
    "en": ("first", "second", "third", "fourth", "fifth", "last"),
}
_AND = {"nb": "og", "nn": "og", "en": "and"}
# Of so many times of the day, and of so many days, each is named; more are no sentence any more.
_NAMED_MAX = 6
_ALL_MINUTES, _ALL_HOURS = frozenset(range(60)), frozenset(range(24))
_ALL_DAYS, _ALL_MONTHS = frozenset(range(1, 32)), frozenset(range(1, 13))
_WEEK = frozenset(range(7))
_MONDAY_TO_FRIDAY = tuple(range(5))
_EVERY_MONTH_HAS = 28
_LAST = len(_ORDINALS["en"])
# Steps that come out even within an hour: "every 15 minutes" would be untrue of others.
_STEPS = tuple(step for step in range(2, 31) if 60 % step == 0)


class _Fields(NamedTuple):
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int | tuple[int, int]]
    both: bool


@dataclass(frozen=True, slots=True)
class _Speaker:
    """The sentences of one language."""

    language: str

    def say(self, code: str, **params: str) -> str:
        return say(f"schedule_{code}", self.language, **params)

    def list_of(self, words: Iterable[str]) -> str:
        *first, last = words
        return f"{', '.join(first)} {_AND[self.language]} {last}" if first else last

    def clock(self, hour: int, minute: int) -> str:
        return f"{hour:02}:{minute:02}" if self.language == "en" else f"{hour:02}.{minute:02}"

    def weekdays(self, chosen: Sequence[int]) -> str:
        """Return the days of the week, 0 for Monday, as "every Monday and Friday"."""
        names = _WEEKDAYS[self.language]
        if tuple(chosen) == _MONDAY_TO_FRIDAY:
            return self.say("working_days")
        return self.say("weekdays", days=self.list_of(names[one] for one in chosen))

    def months(self, chosen: frozenset[int]) -> str:
        return self.list_of(_MONTHS[self.language][one - 1] for one in sorted(chosen))


def words(schedule: Schedule, language: str = "en") -> str:
    """Return what a schedule does as one sentence, with its time zone; pauses are told apart."""
    speak = _Speaker(language if language in LANGUAGES else "en")
    if not schedule.expression:
        return speak.say(schedule.trigger)
    if schedule.at is None:
        told = _expression(speak, schedule.expression)
    else:
        told = f"{_days(speak, schedule)} {_at(speak, schedule.at)}"
    return f"{told[0].upper()}{told[1:]} ({schedule.zone.key})"


def pause_words(pause: Pause, language: str = "en") -> str:
    """Return one pause as a sentence."""
    speak = _Speaker(language if language in LANGUAGES else "en")
    if isinstance(pause, PauseMonthly):
        code = "pause_days" if pause.last >= pause.first else "pause_days_over"
        return speak.say(code, first=str(pause.first), last=str(pause.last))
    return speak.say("pause_once", start=_local(pause.start), end=_local(pause.end))


def _local(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _at(speak: _Speaker, at: time) -> str:
    return speak.say("at", times=speak.clock(at.hour, at.minute))


def _days(speak: _Speaker, schedule: Schedule) -> str:
    if schedule.weekdays:
        return speak.weekdays([_WEEKDAY_OF[name] for name in schedule.weekdays])
    if schedule.day is None:
        return speak.say("every_day")
    if schedule.day == max(_ALL_DAYS):
        return speak.say("last_day")
    code = "month_day" if schedule.day <= _EVERY_MONTH_HAS else "month_day_or_last"
    return speak.say(code, days=str(schedule.day))


_WEEKDAY_OF = {name.lower(): index for index, name in enumerate(_WEEKDAYS["en"])}


def _expression(speak: _Speaker, expression: str) -> str:
    fields = _read(expression)
    days, times = _cron_days(speak, fields), _cron_times(speak, fields)
    if days is None or times is None:
        return speak.say("expression", expression=expression)
    if days == speak.say("every_day") and len(fields.minutes) * len(fields.hours) > _NAMED_MAX:
        return times  # "every 15 minutes" says that it is every day
    return f"{days} {times}"


def _read(expression: str) -> _Fields:
    """Return what the fields of a sound expression stand for."""
    # a naive day: only the fields are asked for
    cron = CronSim(expression, datetime(2026, 1, 1))  # noqa: DTZ001
    weekdays = {
        (one[0] % 7, one[1]) if isinstance(one, tuple) else one % 7 for one in cron.weekdays
    }
    return _Fields(
        frozenset(cron.minutes), frozenset(cron.hours), frozenset(cron.days),
        frozenset(cron.months), frozenset(weekdays), cron.day_and,
    )  # fmt: skip


def _cron_days(speak: _Speaker, fields: _Fields) -> str | None:
    """Return the days as words, None for those that no plain sentence says.

    Where a field starts with a star both must fit (Debian's cron), otherwise one of them is enough.
    """
    every_day, every_weekday = fields.days == _ALL_DAYS, fields.weekdays == _WEEK
    needed = all if fields.both else any
    if needed((every_day, every_weekday)):
        return _in_months(speak, fields, "every_day")
    if every_day:
        return _cron_weekdays(speak, fields)
    return _cron_month_days(speak, fields) if every_weekday else None


def _in_months(speak: _Speaker, fields: _Fields, code: str, **params: str) -> str | None:
    if fields.months == _ALL_MONTHS:
        return speak.say(code, **params)
    if len(fields.months) > _NAMED_MAX:
        return None
    return speak.say(f"{code}_in", months=speak.months(fields.months), **params)


def _cron_weekdays(speak: _Speaker, fields: _Fields) -> str | None:
    plain = sorted((one - 1) % 7 for one in fields.weekdays if isinstance(one, int))
    nth = [one for one in fields.weekdays if isinstance(one, tuple)]
    if plain and not nth:
        told = speak.weekdays(plain)
        if fields.months == _ALL_MONTHS:
            return told
        if len(fields.months) > _NAMED_MAX:
            return None
        return speak.say("in_months", days=told, months=speak.months(fields.months))
    if plain or len(nth) != 1:
        return None
    weekday, number = nth[0]
    which = _LAST if number == CronSim.LAST else number
    name = _WEEKDAYS[speak.language][(weekday - 1) % 7]
    ordinal = _ORDINALS[speak.language][which - 1]
    return _in_months(speak, fields, "nth_weekday", nth=ordinal, weekday=name)


def _cron_month_days(speak: _Speaker, fields: _Fields) -> str | None:
    if fields.days == {CronSim.LAST}:
        return _in_months(speak, fields, "last_day")
    if fields.days == {CronSim.LAST_WEEKDAY}:
        return _in_months(speak, fields, "last_working_day")
    if min(fields.days) < 1 or len(fields.days) > _NAMED_MAX:
        return None
    ends = "" if speak.language == "en" else "."
    days = speak.list_of(f"{day}{ends}" for day in sorted(fields.days))
    told = _in_months(speak, fields, "month_days", days=days)
    if told and max(fields.days) > _EVERY_MONTH_HAS:
        told = f"{told} {speak.say('where_there')}"
    return told


def _cron_times(speak: _Speaker, fields: _Fields) -> str | None:
    minutes, hours = sorted(fields.minutes), sorted(fields.hours)
    if len(minutes) * len(hours) <= _NAMED_MAX:
        return speak.say(
            "at", times=speak.list_of(speak.clock(h, m) for h in hours for m in minutes)
        )
    if hours != list(range(hours[0], hours[-1] + 1)):
        return None
    if fields.minutes == _ALL_MINUTES:
        pace = speak.say("every_minute")
    elif len(minutes) == 1:
        pace = speak.say("every_hour")
    else:
        step = next((s for s in _STEPS if minutes == list(range(0, 60, s))), None)
        if step is None:
            return None
        pace = speak.say("every_minutes", step=str(step))
    if fields.hours == _ALL_HOURS and len(minutes) > 1:
        return pace
    first, last = speak.clock(hours[0], minutes[0]), speak.clock(hours[-1], minutes[-1])
    return f"{pace} {speak.say('between', first=first, last=last)}"
