"""Schedules, by tables: the days on which clocks change, month ends, leap days, weeks, pauses."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bilag.core.problem import Refused
from bilag.core.schedule import (
    PauseMonthly,
    PauseOnce,
    Schedule,
    make_schedule,
    next_pause,
    pause_at,
    upcoming,
)
from bilag.core.schedule_words import words
from bilag.core.texts import CATALOGUE, LANGUAGES
from bilag.integrations.model import Delivery


def at(text: str) -> datetime:
    """Return a moment written with its offset."""
    return datetime.fromisoformat(text)


def cron(expression: str, zone: str = "Europe/Oslo", *pauses: Any) -> Schedule:
    return make_schedule("cron", cron=expression, time_zone=zone, pauses=pauses)


def shown(schedule: Schedule, after: str, count: int = 5) -> list[str]:
    return [run.isoformat(timespec="minutes") for run in upcoming(schedule, at(after), count)]


def daily(clock: str, zone: str = "Europe/Oslo", *pauses: Any) -> Schedule:
    return make_schedule("daily", at=clock, time_zone=zone, pauses=pauses)


# The clock of Oslo is put forward on 29 March 2026 at 02:00, and back on 25 October 2026 at 03:00.
SPRING, AUTUMN = "2026-03-28T12:00+01:00", "2026-10-24T12:00+02:00"


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        # an hour that does not exist: at the moment at which the clock is put forward, once
        (daily("02:30"), SPRING, ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
        (daily("03:00"), SPRING, ["2026-03-29T03:00+02:00", "2026-03-30T03:00+02:00"]),
        (daily("07:00"), SPRING, ["2026-03-29T07:00+02:00", "2026-03-30T07:00+02:00"]),
        # an hour that comes twice: the first time only
        (daily("02:30"), AUTUMN, ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
        (daily("02:30"), "2026-10-25T02:29+02:00", ["2026-10-25T02:30+02:00"]),
        (daily("02:30"), "2026-10-25T02:30+02:00", ["2026-10-26T02:30+01:00"]),
        (daily("02:30"), "2026-10-25T02:10+01:00", ["2026-10-26T02:30+01:00"]),
        # cronsim alone would let these fire twice in autumn, and in spring not at all
        (cron("*/30 2 * * *"), SPRING, ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
        (
            cron("*/30 2 * * *"),
            AUTUMN,
            ["2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-26T02:00+01:00"],
        ),
        (cron("0 */2 * * *"), "2026-10-25T01:00+02:00",
         ["2026-10-25T02:00+02:00", "2026-10-25T04:00+01:00"]),
        # two times that fall together are one run
        (
            cron("0,30 2,3 * * *"),
            SPRING,
            ["2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00", "2026-03-30T02:00+02:00"],
        ),
        # what runs every hour goes on through both
        (
            cron("*/30 * * * *"),
            "2026-10-25T02:00+02:00",
            ["2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00"],
        ),
        (
            cron("15 0-23 * * *"),
            "2026-03-29T00:30+01:00",
            ["2026-03-29T01:15+01:00", "2026-03-29T03:15+02:00"],
        ),
        # elsewhere: New York, the half hour of Lord Howe, a midnight that does not exist, none
        (
            daily("02:30", "America/New_York"),
            "2026-03-07T12:00-05:00",
            ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"],
        ),
        (
            daily("01:30", "America/New_York"),
            "2026-10-31T12:00-04:00",
            ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"],
        ),
        (
            daily("02:15", "Australia/Lord_Howe"),
            "2026-10-03T12:00+10:30",
            ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"],
        ),
        (
            daily("01:45", "Australia/Lord_Howe"),
            "2026-04-04T12:00+11:00",
            ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"],
        ),
        (
            daily("00:00", "Africa/Cairo"),
            "2026-04-23T12:00+02:00",
            ["2026-04-24T01:00+03:00", "2026-04-25T00:00+03:00"],
        ),
        (daily("02:30", "UTC"), "2026-03-28T12:00+00:00", ["2026-03-29T02:30+00:00"]),
        (daily("02:30", "Asia/Kolkata"), SPRING, ["2026-03-29T02:30+05:30"]),
    ],
)  # fmt: skip
def test_clocks_that_are_changed(schedule: Schedule, after: str, expected: list[str]) -> None:
    assert shown(schedule, after, len(expected)) == expected


@pytest.mark.parametrize("year", range(2024, 2034))
@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("clock", ["00:00", "01:59", "02:00", "02:30", "02:59", "03:00"])
def test_a_day_has_one_run_whatever_its_length(year: int, zone: str, clock: str) -> None:
    first = datetime(year - 1, 12, 31, 12, tzinfo=UTC)
    found = upcoming(daily(clock, zone), first, 366)
    days = [run.date() for run in found]
    assert len(set(days)) == 366
    assert days == sorted(days)


def monthly(day: int, clock: str = "07:00") -> Schedule:
    return make_schedule("monthly", at=clock, day=day)


@pytest.mark.parametrize(
    ("schedule", "after", "days"),
    [
        (monthly(15), "2026-01-15T07:00+01:00", ["02-15", "03-15"]),
        (monthly(28), "2026-01-30T00:00+01:00", ["02-28", "03-28", "04-28"]),
        (monthly(29), "2027-01-30T00:00+01:00", ["02-28", "03-29", "04-29"]),
        (monthly(29), "2028-01-30T00:00+01:00", ["02-29", "03-29"]),
        (monthly(30), "2026-01-30T12:00+01:00", ["02-28", "03-30", "04-30", "05-30"]),
        (monthly(31), "2026-01-31T12:00+01:00", ["02-28", "03-31", "04-30", "05-31"]),
        (monthly(31), "2028-02-01T00:00+01:00", ["02-29", "03-31"]),
        (monthly(31), "2026-12-01T00:00+01:00", ["12-31", "01-31"]),
        (cron("0 7 31 * *"), "2026-01-31T12:00+01:00", ["03-31", "05-31", "07-31"]),
        (cron("0 7 L * *"), "2026-01-31T12:00+01:00", ["02-28", "03-31", "04-30"]),
        (cron("0 7 LW * *"), "2026-01-01T00:00+01:00", ["01-30", "02-27", "03-31"]),
        (cron("0 7 * * MON#1"), "2026-06-01T12:00+02:00", ["07-06", "08-03"]),
        (cron("0 7 * * 5L"), "2026-06-01T12:00+02:00", ["06-26", "07-31"]),
        # Debian's cron: both when one of them begins with a star, else one is enough
        (cron("0 7 1 * MON"), "2026-06-01T12:00+02:00", ["06-08", "06-15", "06-22", "06-29",
                                                         "07-01"]),
        (cron("0 7 */2 * MON"), "2026-06-01T12:00+02:00", ["06-15", "06-29"]),
    ],
)  # fmt: skip
def test_ends_of_months(schedule: Schedule, after: str, days: list[str]) -> None:
    found = upcoming(schedule, at(after), len(days))
    assert [f"{run:%m-%d}" for run in found] == days
    assert {f"{run:%H:%M}" for run in found} == {"07:00"}


def test_leap_days() -> None:
    found = upcoming(cron("0 7 29 2 *"), at("2026-01-01T00:00+01:00"))
    assert [run.year for run in found] == [2028, 2032, 2036, 2040, 2044]
    assert [run.year for run in upcoming(cron("0 7 29 2 *"), at("2096-03-01T00:00+01:00"), 1)] == [
        2104
    ]


def test_weeks_go_over_the_turn_of_the_year() -> None:
    schedule = make_schedule("weekly", at="07:00", weekdays=["friday", "monday"])
    found = upcoming(schedule, at("2026-12-25T12:00+01:00"))
    assert [f"{run:%a %Y-%m-%d}" for run in found] == [
        "Mon 2026-12-28", "Fri 2027-01-01", "Mon 2027-01-04", "Fri 2027-01-08", "Mon 2027-01-11",
    ]  # fmt: skip


CLOSE = PauseMonthly(28, 3)
CHRISTMAS = PauseOnce(datetime(2026, 12, 20), datetime(2027, 1, 4))  # noqa: DTZ001 - Oslo's clock


def test_what_a_pause_keeps_goes_once_at_its_end() -> None:
    found = shown(daily("07:00", "Europe/Oslo", CHRISTMAS), "2026-12-18T12:00+01:00", 4)
    assert found == [
        "2026-12-19T07:00+01:00", "2027-01-04T00:00+01:00", "2027-01-04T07:00+01:00",
        "2027-01-05T07:00+01:00",
    ]  # fmt: skip
    inside = shown(daily("07:00", "Europe/Oslo", CHRISTMAS), "2026-12-28T12:00+01:00", 1)
    assert inside == ["2027-01-04T00:00+01:00"]
    weekly = make_schedule("weekly", at="07:00", weekdays=["monday"],
                           pauses=[PauseOnce(datetime(2026, 6, 2), datetime(2026, 6, 5))])  # noqa: DTZ001  # fmt: skip
    assert shown(weekly, "2026-06-01T12:00+02:00", 2) == [
        "2026-06-08T07:00+02:00", "2026-06-15T07:00+02:00",
    ], "nothing was missed, so nothing is made up"  # fmt: skip


@pytest.mark.parametrize(
    ("pause", "moment", "start", "end"),
    [
        (CLOSE, "2026-02-28T00:00+01:00", "2026-02-28T00:00+01:00", "2026-03-04T00:00+01:00"),
        (CLOSE, "2026-03-03T23:59+01:00", "2026-02-28T00:00+01:00", "2026-03-04T00:00+01:00"),
        (CLOSE, "2027-01-01T00:00+01:00", "2026-12-28T00:00+01:00", "2027-01-04T00:00+01:00"),
        (PauseMonthly(31, 31), "2026-02-28T12:00+01:00", "2026-02-28T00:00+01:00",
         "2026-03-01T00:00+01:00"),
        (PauseMonthly(30, 31), "2028-02-29T12:00+01:00", "2028-02-29T00:00+01:00",
         "2028-03-01T00:00+01:00"),
        # a pause over the night in which the clock is put forward is an hour shorter
        (PauseMonthly(29, 29), "2026-03-29T12:00+02:00", "2026-03-29T00:00+01:00",
         "2026-03-30T00:00+02:00"),
        (CHRISTMAS, "2026-12-20T00:00+01:00", "2026-12-20T00:00+01:00", "2027-01-04T00:00+01:00"),
    ],
)  # fmt: skip
def test_windows_of_pauses(pause: Any, moment: str, start: str, end: str) -> None:
    schedule = make_schedule("on_approval", pauses=[pause])
    assert pause_at(schedule, at(moment)) == (at(start), at(end))
    assert pause_at(schedule, at(end)) is None, "the end is not in it any more"
    assert pause_at(schedule, at(start) - timedelta(seconds=1)) is None


def test_pauses_that_touch_are_one_and_the_next_one_is_known() -> None:
    schedule = make_schedule("manual", pauses=[CLOSE, CHRISTMAS, PauseMonthly(4, 5)])
    december = next_pause(schedule, at("2026-12-10T12:00+01:00"))
    assert december == (at("2026-12-20T00:00+01:00"), at("2027-01-06T00:00+01:00"))
    assert next_pause(schedule, at("2027-01-02T00:00+01:00")) == december
    assert next_pause(make_schedule("manual"), at(SPRING)) is None
    once = make_schedule("manual", pauses=[CHRISTMAS])
    assert next_pause(once, at("2027-01-04T00:00+01:00")) is None, "it is over"


@pytest.mark.parametrize(
    ("delivery", "codes"),
    [
        ({"trigger": "daily"}, ["schedule_at_missing"]),
        ({"trigger": "weekly"}, ["schedule_at_missing", "schedule_weekdays_missing"]),
        ({"trigger": "monthly", "schedule": {"at": "07:00"}}, ["schedule_day_missing"]),
        ({"trigger": "cron"}, ["schedule_cron_missing"]),
        ({"trigger": "manual", "schedule": {"at": "07:00"}}, ["schedule_unused"]),
        ({"trigger": "daily", "schedule": {"at": "07:00", "cron": "0 7 * * *"}},
         ["schedule_unused"]),
        ({"trigger": "daily", "schedule": {"at": "24:00"}}, ["schedule_time_not_valid"]),
        ({"trigger": "daily", "schedule": {"at": "7"}}, ["schedule_time_not_valid"]),
        ({"schedule": {"timeZone": "Oslo"}}, ["schedule_zone_unknown"]),
        ({"schedule": {"timeZone": "../../etc/passwd"}}, ["schedule_zone_unknown"]),
        ({"schedule": {"pauses": [{"from": "2026-12-20"}]}}, ["schedule_pause_incomplete"]),
        ({"schedule": {"pauses": [{}]}}, ["schedule_pause_incomplete"]),
        ({"schedule": {"pauses": [{"fromDay": 1, "toDay": 2, "to": "2026-12-20"}]}},
         ["schedule_pause_incomplete"]),
        ({"schedule": {"pauses": [{"from": "2026-12-20", "to": "2026-12-19"}]}},
         ["schedule_pause_backwards"]),
        ({"schedule": {"pauses": [{"from": "2026-02-30", "to": "2026-03-01"}]}},
         ["schedule_pause_moment"]),
        ({"schedule": {"pauses": [{"fromDay": 2, "toDay": 1}]}}, ["schedule_always_paused"]),
        ({"schedule": {"pauses": [{"fromDay": 1, "toDay": 15}, {"fromDay": 16, "toDay": 28}]}},
         ["schedule_always_paused"]),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused(delivery: dict[str, Any], codes: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Delivery.model_validate(delivery)
    (fault,) = refused.value.errors()
    error = fault["ctx"]["error"]
    assert [problem.code for problem in error.problems] == codes
    for problem in error.problems:
        assert problem.code in CATALOGUE
        assert all("{" not in problem.text(language) for language in LANGUAGES)


def test_what_was_configured_before_goes_on_as_before() -> None:
    for trigger in ("on_approval", "manual"):
        schedule = Delivery.model_validate({"trigger": trigger}).timed()
        assert (schedule.expression, schedule.pauses) == ("", ())
        assert upcoming(schedule, at(SPRING)) == []
    assert Delivery.model_validate({}).trigger == "on_approval"
    end = Delivery.model_validate({"schedule": {"pauses": [{"fromDay": 1, "toDay": 27}]}})
    assert pause_at(end.timed(), at("2026-02-28T12:00+01:00")) is None, "at the month's end only"


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("", "schedule_cron_missing"),
        ("0 7 * *", "schedule_cron_fields"),
        ("0 0 7 * * *", "schedule_cron_fields"),
        ("* " * 200, "schedule_cron_fields"),
        ("60 7 * * *", "schedule_cron_minute"),
        ("x 7 * * *", "schedule_cron_minute"),
        ("*/0 7 * * *", "schedule_cron_minute"),
        ("0 24 * * *", "schedule_cron_hour"),
        ("0 8-7 * * *", "schedule_cron_hour"),
        ("0 7 32 * *", "schedule_cron_day"),
        ("0 7 * 13 *", "schedule_cron_month"),
        ("0 7 * * MAN", "schedule_cron_weekday"),
        ("0 7 * * MON#6", "schedule_cron_weekday"),
        ("0 7 30 2 *", "schedule_cron_never"),
        ("0 7 */30 4 MON#5", "schedule_cron_never"),
        ("١ 7 * * *", "schedule_cron_minute"),
    ],
)
def test_an_expression_that_cannot_be_used_says_where(expression: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        make_schedule("cron", cron=expression)
    assert [problem.code for problem in refused.value.problems] == [code]
    assert refused.value.problems[0].field == "schedule.cron"
    assert all("{" not in refused.value.problems[0].text(one) for one in LANGUAGES)


def _parts(low: int, high: int, *more: str) -> st.SearchStrategy[str]:
    """Return fields of an expression: a number, a range, a step, a list, a name, a star."""
    number = st.integers(low, high)
    ordered = st.tuples(number, number).map(sorted)
    one = st.one_of(
        number.map(str),
        ordered.map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.integers(1, high).map(lambda step: f"*/{step}"),
        st.tuples(ordered, st.integers(1, 9)).map(lambda p: f"{p[0][0]}-{p[0][1]}/{p[1]}"),
        st.sampled_from(["*", *more]),
    )
    return st.one_of(st.just("*"), one, st.lists(one, min_size=2, max_size=3).map(",".join))


EXPRESSIONS = st.tuples(
    _parts(0, 59),
    _parts(0, 23),
    _parts(1, 31, "L", "LW"),
    _parts(1, 12, "JAN", "DEC", "FEB"),
    _parts(0, 7, "SUN", "MON", "FRI", "MON#1", "2#5", "5L"),
).map(" ".join)
ZONES = st.sampled_from(["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "UTC",
                         "Africa/Cairo", "America/Santiago"])  # fmt: skip
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(EXPRESSIONS, ZONES, MOMENTS, st.sampled_from([(), (CLOSE,), (CLOSE, CHRISTMAS)]))
def test_any_expression_goes_forward_and_has_words(
    expression: str, zone: str, after: datetime, pauses: tuple[Any, ...]
) -> None:
    if not _ever_fires(expression):
        with pytest.raises(Refused, match="never comes"):
            cron(expression, zone, *pauses)
        return
    schedule = cron(expression, zone, *pauses)
    found = [run.astimezone(UTC) for run in upcoming(schedule, after)]
    assert all(earlier < later for earlier, later in pairwise([after, *found]))
    assert not any(pause_at(schedule, run) for run in found)
    assert upcoming(schedule, after, 1) == upcoming(schedule, after)[:1]
    for language in LANGUAGES:
        told = words(schedule, language)
        assert told.strip()
        assert "{" not in told
        assert told.endswith(f"({zone})")


def _ever_fires(expression: str) -> bool:
    try:
        return next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)), None) is not None
    except CronSimError:
        return False


@settings(max_examples=200, deadline=None)
@given(st.text("0123456789*/-,#LWMONJAN \t", max_size=25))
def test_anything_written_is_used_or_refused(text: str) -> None:
    try:
        schedule = make_schedule("cron", cron=text)
    except Refused:
        return
    assert words(schedule)
