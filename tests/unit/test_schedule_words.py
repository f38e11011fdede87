"""What a schedule says of itself, in three languages: true, or the expression is named."""

from datetime import datetime

import pytest

from bilag.core.schedule import PauseMonthly, PauseOnce, Schedule, make_schedule
from bilag.core.schedule_words import pause_words, words

ZONE = " (Europe/Oslo)"


def said(schedule: Schedule) -> tuple[str, ...]:
    return tuple(words(schedule, language) for language in ("nb", "nn", "en"))


@pytest.mark.parametrize(
    ("schedule", "nb", "nn", "en"),
    [
        (make_schedule("daily", at="07:00"), "Hver dag kl. 07.00", "Kvar dag kl. 07.00",
         "Every day at 07:00"),
        (make_schedule("weekly", at="07:00", weekdays=["monday"]), "Hver mandag kl. 07.00",
         "Kvar måndag kl. 07.00", "Every Monday at 07:00"),
        (make_schedule("weekly", at="16:05", weekdays=["sunday", "saturday", "tuesday"]),
         "Hver tirsdag, lørdag og søndag kl. 16.05", "Kvar tysdag, laurdag og søndag kl. 16.05",
         "Every Tuesday, Saturday and Sunday at 16:05"),
        (make_schedule("monthly", at="07:00", day=15), "Den 15. i hver måned kl. 07.00",
         "Den 15. i kvar månad kl. 07.00", "On day 15 of every month at 07:00"),
        (make_schedule("monthly", at="07:00", day=30),
         "Den 30. i hver måned, eller siste dag der måneden er kortere, kl. 07.00",
         "Den 30. i kvar månad, eller siste dag der månaden er kortare, kl. 07.00",
         "On day 30 of every month, or on the last day of a shorter one, at 07:00"),
        (make_schedule("monthly", at="07:00", day=31), "Siste dag i hver måned kl. 07.00",
         "Siste dag i kvar månad kl. 07.00", "On the last day of every month at 07:00"),
    ],
)  # fmt: skip
def test_the_schedules_of_the_form(schedule: Schedule, nb: str, nn: str, en: str) -> None:
    assert said(schedule) == (nb + ZONE, nn + ZONE, en + ZONE)


def test_a_schedule_without_times_names_no_zone() -> None:
    assert said(make_schedule("manual"))[0] == "Bare når noen ber om det"
    assert said(make_schedule("on_approval"))[2] == "When something is approved"
    assert words(make_schedule("manual"), "de") == "Only when somebody asks for it"


@pytest.mark.parametrize(
    ("expression", "nb"),
    [
        ("0 7 * * MON", "Hver mandag kl. 07.00"),
        ("0 7 * * 1-5", "Mandag til fredag kl. 07.00"),
        ("0 7 * * 7", "Hver søndag kl. 07.00"),
        ("0 7,12,17 * * *", "Hver dag kl. 07.00, 12.00 og 17.00"),
        ("* * * * *", "Hvert minutt"),
        ("*/20 * * * *", "Hvert 20. minutt"),
        ("30 * * * *", "Hver time fra kl. 00.30 til kl. 23.30"),
        ("*/15 8-16 * * MON-FRI", "Mandag til fredag hvert 15. minutt fra kl. 08.00 til kl. 16.45"),
        ("*/7 * * * *", None),
        ("0 6 1,15 * *", "Den 1. og 15. i hver måned kl. 06.00"),
        ("0 6 31 * *", "Den 31. i hver måned (der datoen finnes) kl. 06.00"),
        ("0 6 29 2 *", "Den 29. i februar (der datoen finnes) kl. 06.00"),
        ("0 6 L * *", "Siste dag i hver måned kl. 06.00"),
        ("0 6 LW 6 *", "Siste dag fra mandag til fredag i juni kl. 06.00"),
        ("0 6 * * MON#1", "Første mandag i hver måned kl. 06.00"),
        ("0 6 * 6,12 5L", "Siste fredag i juni og desember kl. 06.00"),
        ("0 7 * 7 MON", "Hver mandag i juli kl. 07.00"),
        # one of the two fields is enough, and one of them is always met
        ("0 6 1-31 * MON", "Hver dag kl. 06.00"),
        # both must be met
        ("0 6 * * 0-6", "Hver dag kl. 06.00"),
        ("0 6 1 * MON", None),
        ("0 6 */2 * MON", None),
        ("0 6 1-10 * *", None),
        ("0 6 * 1-7 *", None),
        ("5 1-23/2 * * *", None),
    ],
)
def test_expressions(expression: str, nb: str | None) -> None:
    named = f"Etter cron-uttrykket {expression}"
    assert said(make_schedule("cron", cron=expression))[0] == (nb or named) + ZONE


def test_pauses() -> None:
    assert pause_words(PauseMonthly(28, 31), "nb") == (
        "Pause fra og med den 28. til og med den 31. i hver måned"
    )
    assert pause_words(PauseMonthly(28, 3), "en") == (
        "Paused from day 28 of every month through day 3 of the next"
    )
    once = PauseOnce(datetime(2026, 12, 20), datetime(2027, 1, 4, 12))  # noqa: DTZ001
    assert pause_words(once, "nn") == "Pause frå 20.12.2026 00:00 til 04.01.2027 12:00"
