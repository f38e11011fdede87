"""Amounts and dates as people write them, read as the profile says and never guessed."""

from zoneinfo import ZoneInfo

import pytest

from bilag.records.cells import DateReader, amount_reader, date_pattern
from bilag.records.fields import FieldError

NORWEGIAN = amount_reader(",", " .", ["kr", "NOK"])
ENGLISH = amount_reader(".", ",", ["$"])
DATES = DateReader(["DD.MM.YYYY", "D.M.YYYY HH:mm", "YYYY/MM/DD", "epoch"], ZoneInfo("Europe/Oslo"))


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234,50", "1234.50"),
        ("1\u202f234\u202f567,8", "1234567.8"),
        ("1.234,50", "1234.50"),
        ("1.234", "1234"),
        ("-12", "-12"),
        ("\u221212,5", "-12.5"),
        ("12,50-", "-12.50"),
        ("(1 234,50)", "-1234.50"),
        ("(kr 12)", "-12"),
        ("kr 250,-", "250"),
        ("250,–", "250"),
        ("-kr 5", "-5"),
        ("kr -5", "-5"),
        ("5 NOK", "5"),
        (" 5 ", "5"),
    ],
)
def test_norwegian_amounts(cell: str, amount: str) -> None:
    assert NORWEGIAN(cell) == amount


@pytest.mark.parametrize(
    "cell",
    ["1,234.50", "1.23,4", "12 34", "€5", "5 EUR", "(5", "(-5)", "-5-", "5%", "kr", "1e3", "٣"],
)  # fmt: skip
def test_what_is_not_an_amount_as_the_profile_says(cell: str) -> None:
    with pytest.raises(FieldError, match="cell_amount"):
        NORWEGIAN(cell)


def test_the_same_text_is_another_amount_under_another_profile() -> None:
    assert ENGLISH("1,234") == "1234"
    assert NORWEGIAN("1,234") == "1.234"
    assert ENGLISH("$1,234.50") == "1234.50"


@pytest.mark.parametrize(
    ("cell", "day", "moment"),
    [
        ("01.02.2026", "2026-02-01", "2026-02-01T00:00:00+01:00"),
        ("1.7.2026 9:30", "2026-07-01", None),
        ("1.7.2026 09:30", "2026-07-01", "2026-07-01T09:30:00+02:00"),
        ("2026/12/31", "2026-12-31", "2026-12-31T00:00:00+01:00"),
        ("2026-02-01", "2026-02-01", "2026-02-01T00:00:00+01:00"),
        ("2025-12-31T23:30:00Z", "2026-01-01", "2026-01-01T00:30:00+01:00"),
        ("1767222000", "2026-01-01", "2026-01-01T00:00:00+01:00"),
        ("1767222000500", "2026-01-01", "2026-01-01T00:00:00.500000+01:00"),
    ],
)
def test_dates(cell: str, day: str, moment: str | None) -> None:
    if moment is None:
        with pytest.raises(FieldError, match="cell_date"):
            DATES.day(cell)
    else:
        assert (DATES.day(cell), DATES.moment(cell)) == (day, moment)


@pytest.mark.parametrize("cell", ["31.02.2026", "1/2/26", "46054", "2026-W05-1", "20260201", "x"])
def test_what_is_no_date(cell: str) -> None:
    with pytest.raises(FieldError, match="cell_date"):
        DATES.day(cell)


@pytest.mark.parametrize("pattern", ["DD.MM.YY", "MM.YYYY", "DD.DD.YYYY MM", "", "dd.mm.yyyy"])
def test_patterns_that_cannot_tell_a_day(pattern: str) -> None:
    with pytest.raises(ValueError, match=pattern or "^$"):
        date_pattern(pattern)
