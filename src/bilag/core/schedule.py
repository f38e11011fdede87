"""When an integration sends what came in: the runs of its schedule, and its pauses (C14).

Pure: everything is worked out from a moment that is given. A time of the clock fires once a day,
also on the days on which the clock is changed (Debian's cron, by cronsim).
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from bilag.core.problem import Problem, Refused

ZONE_DEFAULT = "Europe/Oslo"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# What each trigger needs; the first two have no runs of their own.
NEEDS: dict[str, tuple[str, ...]] = {
    "on_approval": (),
    "manual": (),
    "daily": ("at",),
    "weekly": ("at", "weekdays"),
    "monthly": ("at", "day"),
    "cron": ("cron",),
}
EXPRESSION_MAX = 200
# From this day on a month may be too short: the run is then on its last day.
_SHORTEST_MONTH = 28
# The fields of an expression as cronsim counts them, and what each may hold.
_FIELDS = ("minute", "hour", "day", "month", "weekday")
_BEFORE = timedelta(seconds=1)  # cron knows no smaller step than a minute


class Window(NamedTuple):
    """A pause: from `start`, up to but not including `end`; both in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class PauseOnce:
    """A pause between two times of the local clock; `end` is not in it any more."""

    start: datetime
    end: datetime

    def windows(self, near: date, zone: ZoneInfo) -> Iterator[Window]:
        """Yield the only window."""
        yield Window(_moment(self.start, zone), _moment(self.end, zone))


@dataclass(frozen=True, slots=True)
class PauseMonthly:
    """A pause of every month, whole days, over the month's end where `last` is before `first`.

    A day that a month does not have is its last day.
    """

    first: int
    last: int

    def windows(self, near: date, zone: ZoneInfo) -> Iterator[Window]:
        """Yield the windows that begin in the month before a day, in its own, and in the next."""
        months = near.year * 12 + near.month - 1
        for month in range(months - 1, months + 2):
            ends_in = month if self.last >= self.first else month + 1
            after = _day_of(ends_in, self.last) + timedelta(days=1)
            yield Window(
                _moment(datetime.combine(_day_of(month, self.first), time()), zone),
                _moment(datetime.combine(after, time()), zone),
            )

    def days(self, length: int) -> set[int]:
        """Return which days of a month of this length are in it."""
        first, last = min(self.first, length), min(self.last, length)
        if self.last >= self.first:
            return set(range(first, last + 1))
        return {*range(1, last + 1), *range(first, length + 1)}


Pause = PauseOnce | PauseMonthly


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule that can be used; `expression` is its cron form, empty where it has no runs."""

    trigger: str
    zone: ZoneInfo
    at: time | None = None
    weekdays: tuple[str, ...] = ()
    day: int | None = None
    expression: str = ""
    pauses: tuple[Pause, ...] = ()


class Plan(NamedTuple):
    """What the engine has to know at a moment: the next run, and the pause under way or next."""

    next_run: datetime | None
    pause: Window | None


def make_schedule(
    trigger: str,
    *,
    at: str | None = None,
    weekdays: Sequence[str] = (),
    day: int | None = None,
    cron: str | None = None,
    time_zone: str = ZONE_DEFAULT,
    pauses: Sequence[Pause] = (),
) -> Schedule:
    """Return the schedule; raises Refused naming each part that is missing, wrong or not used."""
    given = {"at": at, "weekdays": tuple(weekdays), "day": day, "cron": cron}
    problems = []
    for name, value in given.items():
        params = {"trigger": trigger, "field": name}
        if name in NEEDS[trigger] and not value:
            problems.append(Problem(f"schedule_{name}_missing", f"schedule.{name}", params=params))
        elif value and name not in NEEDS[trigger]:
            problems.append(Problem("schedule_unused", f"schedule.{name}", params=params))
    if time_zone != ZONE_DEFAULT and time_zone not in _zones():
        params = {"zone": time_zone}
        problems.append(Problem("schedule_zone_unknown", "schedule.timeZone", params=params))
    if not _leaves_a_day(pauses):
        problems.append(Problem("schedule_always_paused", "schedule.pauses"))
    if cron:
        problems.extend(_wrong_with(cron))
    if problems:
        raise Refused(*problems)
    clock = time.fromisoformat(at) if at else None
    ordered = tuple(name for name in WEEKDAYS if name in weekdays)
    return Schedule(
        trigger=trigger,
        zone=ZoneInfo(time_zone),
        at=clock,
        weekdays=ordered,
        day=day,
        expression=" ".join((cron or "").upper().split()) or _expression(clock, ordered, day),
        pauses=tuple(pauses),
    )


def plan(schedule: Schedule, now: datetime) -> Plan:
    """Return the next run after a moment, and the pause that is under way or the next one."""
    return Plan(next(runs(schedule, now), None), next_pause(schedule, now))


def upcoming(schedule: Schedule, after: datetime, count: int = 5) -> list[datetime]:
    """Return the next runs after a moment, in the schedule's time zone."""
    return [run.astimezone(schedule.zone) for run in islice(runs(schedule, after), count)]


def runs(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Yield the runs after a moment in UTC, each later than the one before.

    What a pause keeps goes at its end. Without an expression, or where it fires no more, it ends.
    """
    while True:
        under_way = pause_at(schedule, after)
        since = under_way.start - _BEFORE if under_way else after
        for run in _fires(schedule, since):
            kept = pause_at(schedule, run)
            moved = kept.end if kept else run
            if moved > after:
                yield moved
                after = moved
                break
        else:
            return


def pause_at(schedule: Schedule, moment: datetime) -> Window | None:
    """Return the pause that a moment lies in, with those that touch it made one; None for none."""
    found = _covering(schedule, moment)
    if found is None:
        return None
    start, end = found
    while before := _covering(schedule, start - _BEFORE):
        start = before.start
    while further := _covering(schedule, end):
        end = further.end
    return Window(start, end)


def next_pause(schedule: Schedule, moment: datetime) -> Window | None:
    """Return the pause under way at a moment, or the first one after it."""
    if under_way := pause_at(schedule, moment):
        return under_way
    starts = [w.start for w in _windows(schedule, moment) if w.start > moment]
    return pause_at(schedule, min(starts)) if starts else None


def _covering(schedule: Schedule, moment: datetime) -> Window | None:
    found = [w for w in _windows(schedule, moment) if w.start <= moment < w.end]
    return Window(min(w.start for w in found), max(w.end for w in found)) if found else None


def _windows(schedule: Schedule, moment: datetime) -> Iterator[Window]:
    near = moment.astimezone(schedule.zone).date()
    for pause in schedule.pauses:
        yield from pause.windows(near, schedule.zone)


def _fires(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Yield the moments of the expression after another, whatever pauses there are.

    Two times that fall together on the day on which the clock is put forward fire once.
    """
    if not schedule.expression:
        return
    last = after.astimezone(UTC)
    for local in CronSim(spelled_out(schedule.expression), after.astimezone(schedule.zone)):
        moment = local.astimezone(UTC)
        if moment > last and _is_the_day(schedule, local):
            yield moment
            last = moment


@lru_cache(maxsize=1024)
def spelled_out(expression: str) -> str:
    """Return the expression in the form that makes cronsim treat hours as times of the clock.

    It takes a star, also that of `*/2`, for "goes on through the change of the clock", which would
    let `*/30 2 * * *` fire twice on one day and never on another. Only every hour is meant so.
    """
    minute, hour, *days = expression.upper().split()
    if _holds(hour, "hour") == set(range(24)):
        return " ".join((minute, "*", *days))
    return " ".join((minute.replace("*", "0-59"), hour.replace("*", "0-23"), *days))


def _holds(field: str, name: str) -> set[object]:
    """Return what one field of a sound expression stands for."""
    fields = ["0", "0", "1", "1", "0"]
    fields[_FIELDS.index(name)] = field
    return set(getattr(CronSim(" ".join(fields), datetime(2026, 1, 1)), f"{name}s"))  # noqa: DTZ001


def _is_the_day(schedule: Schedule, local: datetime) -> bool:
    if schedule.day is None or schedule.day < _SHORTEST_MONTH:
        return True
    return local.day == min(schedule.day, monthrange(local.year, local.month)[1])


def _expression(at: time | None, weekdays: Sequence[str], day: int | None) -> str:
    if at is None:
        return ""
    named = ",".join(name[:3].upper() for name in weekdays) or "*"
    days = "*" if day is None else f"{_SHORTEST_MONTH}-31" if day >= _SHORTEST_MONTH else str(day)
    return f"{at.minute} {at.hour} {days} * {named}"


@lru_cache(maxsize=1024)
def _wrong_with(expression: str) -> tuple[Problem, ...]:
    """Return what keeps an expression from being used; () for a sound one that fires at all."""
    params = {"expression": expression[:EXPRESSION_MAX]}
    fields = expression.split()
    if len(fields) != len(_FIELDS) or len(expression) > EXPRESSION_MAX:
        params["count"] = str(len(fields))
        return (Problem("schedule_cron_fields", "schedule.cron", params=params),)
    wrong = []
    for name, field in zip(_FIELDS, fields, strict=True):
        one = ["0", "0", "*", "*", "*"]
        one[_FIELDS.index(name)] = field
        try:
            CronSim(" ".join(one), datetime(2026, 1, 1))  # noqa: DTZ001 - no zone is asked
        except CronSimError:
            more = {**params, "value": field}
            wrong.append(Problem(f"schedule_cron_{name}", "schedule.cron", params=more))
    if not wrong and not _ever_fires(expression):
        wrong.append(Problem("schedule_cron_never", "schedule.cron", params=params))
    return tuple(wrong)


def _ever_fires(expression: str) -> bool:
    try:
        # in UTC, and from a fixed day: whether it can be used must not depend on today
        return next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)), None) is not None
    except CronSimError:  # a day that none of its months has
        return False


def _leaves_a_day(pauses: Sequence[Pause]) -> bool:
    monthly = [pause for pause in pauses if isinstance(pause, PauseMonthly)]
    lengths = range(_SHORTEST_MONTH, 32)
    return all(
        set(range(1, length + 1)) - set().union(*(pause.days(length) for pause in monthly))
        for length in lengths
    )


def _day_of(month: int, day: int) -> date:
    """Return a day of a month, which is counted from year 0, or the month's last day."""
    year, index = divmod(month, 12)
    return date(year, index + 1, min(day, monthrange(year, index + 1)[1]))


def _moment(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
