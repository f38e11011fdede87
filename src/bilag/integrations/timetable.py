"""A schedule as it is written in a configuration: times, days, time zone and pauses (C14).

`timed` makes of it what `core.schedule` works with, and refuses what cannot be followed.
"""

import re
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from bilag.core.problem import Problem, Refused
from bilag.core.schedule import (
    EXPRESSION_MAX,
    ZONE_DEFAULT,
    PauseMonthly,
    PauseOnce,
    Schedule,
    make_schedule,
)
from bilag.core.schedule import Pause as TimedPause
from bilag.integrations.configuration import Configuration

PAUSES_MAX = 50
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_MOMENT = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2})?")
_DAY_LENGTH = len("2026-12-20")


def _clock(value: str) -> str:
    if _CLOCK.fullmatch(value) is None:
        raise Refused(Problem("schedule_time_not_valid", params={"value": value}))
    return value


def _local_moment(value: str) -> str:
    problem = Problem("schedule_pause_moment", params={"value": value})
    if _MOMENT.fullmatch(value) is None:
        raise Refused(problem)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:  # the 30th of February
        raise Refused(problem) from None
    return moment.strftime("%Y-%m-%d" if len(value) == _DAY_LENGTH else "%Y-%m-%dT%H:%M")


Trigger = Literal["on_approval", "manual", "daily", "weekly", "monthly", "cron"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_Text = StringConstraints(strip_whitespace=True, max_length=EXPRESSION_MAX)
Clock = Annotated[str, _Text, AfterValidator(_clock), Field(examples=["07:00"])]
LocalMoment = Annotated[
    str, _Text, AfterValidator(_local_moment), Field(examples=["2026-12-20", "2026-12-20T16:00"])
]


class Pause(Configuration):
    """A time in which nothing fresh goes out: once, or days of every month (month-end close).

    A `to` that is a day is the last day of the pause; one with a time is its end.
    """

    from_: LocalMoment | None = Field(None, alias="from")
    to: LocalMoment | None = None
    from_day: int | None = Field(None, ge=1, le=31)
    to_day: int | None = Field(None, ge=1, le=31)

    @model_validator(mode="after")
    def _sound(self) -> "Pause":
        once, monthly = (self.from_, self.to), (self.from_day, self.to_day)
        whole = [pair for pair in (once, monthly) if None not in pair]
        parts = [part for part in (*once, *monthly) if part is not None]
        if len(whole) != 1 or len(parts) != len(whole[0]):
            raise Refused(Problem("schedule_pause_incomplete"))
        timed = self.timed()
        if isinstance(timed, PauseOnce) and timed.end <= timed.start:
            params = {"from_": str(self.from_), "to": str(self.to)}
            raise Refused(Problem("schedule_pause_backwards", params=params))
        return self

    def timed(self) -> TimedPause:
        """Return the pause as the schedule counts with it."""
        if self.from_ is None or self.to is None:
            return PauseMonthly(self.from_day or 1, self.to_day or 1)
        end = datetime.fromisoformat(self.to)
        if len(self.to) == _DAY_LENGTH:
            end += timedelta(days=1)
        return PauseOnce(datetime.fromisoformat(self.from_), end)


class Timetable(Configuration):
    """When a trigger with times of its own fires, and the pauses of any trigger.

    daily needs `at`; weekly `at` and `weekdays`; monthly `at` and `day`; cron `cron`.
    """

    at: Clock | None = None
    weekdays: tuple[Weekday, ...] = Field((), max_length=7)
    day: int | None = Field(None, ge=1, le=31)
    cron: Annotated[str, _Text] | None = Field(None, examples=["0 7 * * MON"])
    time_zone: Annotated[str, _Text] = ZONE_DEFAULT
    pauses: tuple[Pause, ...] = Field((), max_length=PAUSES_MAX)

    def timed(self, trigger: Trigger) -> Schedule:
        """Return the schedule; raises Refused naming each part that is missing or cannot be used.

        The same timetable gives the same schedule, whenever it is asked.
        """
        return make_schedule(
            trigger,
            at=self.at,
            weekdays=self.weekdays,
            day=self.day,
            cron=self.cron,
            time_zone=self.time_zone,
            pauses=tuple(pause.timed() for pause in self.pauses),
        )
