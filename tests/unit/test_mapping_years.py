"""Posting dates, accounting years, and claims whose costs lie in two of them (E19).

The day is Oslo's; the vouchers of a split claim sum to the whole.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bilag.core.record import Record
from bilag.integrations.model import Delivery
from bilag.mapping.amounts import parts
from tests.unit.test_mapping_samples import book, excluded, line, missing, record, voucher

OLD = line("2025-12-30", "100")
NEW = line("2026-01-02", "50.25")
JANUARY = datetime(2026, 1, 10, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("approved", "day"),
    [
        (datetime(2025, 12, 31, 22, 30, tzinfo=UTC), date(2025, 12, 31)),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), date(2026, 1, 1)),
        (datetime(2026, 6, 30, 22, 30, tzinfo=UTC), date(2026, 7, 1)),
    ],
)
def test_the_day_of_an_approval_is_that_of_oslo(approved: datetime, day: date) -> None:
    found = voucher(record(line("2025-12-30", "1"), approved_at=approved))
    assert (found.posting_date, found.accounting_year) == (day, day.year)


def test_a_moment_without_an_offset_is_taken_as_oslo_time() -> None:
    claim = {**record(line("2025-12-30", "1")), "approvedAt": "2025-12-31T23:30:00"}
    assert voucher(claim).posting_date == date(2025, 12, 31)


@pytest.mark.parametrize(
    ("start", "day", "year"),
    [(1, "2026-06-30", 2026), (7, "2026-06-30", 2025), (7, "2026-07-01", 2026)],
)
def test_the_accounting_year_is_that_of_the_posting_date(start: int, day: str, year: int) -> None:
    found = voucher(
        record(line(day, "1")),
        into=book(year_start_month=start),
        delivery=Delivery(posting_date="last_cost"),
    )
    assert found.accounting_year == year


def split(
    claim: dict[str, Any], rule: str, **keywords: Any
) -> dict[int, tuple[date, int, Decimal]]:
    delivery = Delivery(posting_date=rule)
    into = keywords.get("into") or book()
    vouchers = {
        year: voucher(claim, part=year, delivery=delivery, **keywords)
        for year, _ in parts(claim, into, "split")
    }
    return {y: (v.posting_date, v.accounting_year, v.claim_total) for y, v in vouchers.items()}


def test_one_voucher_a_year_each_posted_within_its_year() -> None:
    claim = record(OLD, NEW, approved_at=JANUARY)
    old = {"2025": (date(2025, 12, 30), 2025, Decimal("100"))}["2025"]
    assert split(claim, "approval") == {
        2025: old,
        2026: (date(2026, 1, 10), 2026, Decimal("50.25")),
    }
    assert split(claim, "last_cost") == {
        2025: old,
        2026: (date(2026, 1, 2), 2026, Decimal("50.25")),
    }
    assert split(claim, "cost_month_end") == {
        2025: (date(2025, 12, 31), 2025, Decimal("100")),
        2026: (date(2026, 1, 31), 2026, Decimal("50.25")),
    }


def test_a_year_that_starts_in_july_splits_there() -> None:
    claim = record(line("2026-06-30", "10"), line("2026-07-01", "20"))
    july = book(year_start_month=7)
    assert parts(claim, july, "split") == [(2025, Decimal(10)), (2026, Decimal(20))]
    assert parts(claim, book(), "split") == [(0, Decimal(30))]
    assert split(claim, "last_cost", into=july)[2025][0] == date(2026, 6, 30)


def test_two_years_may_be_one_voucher() -> None:
    claim = record(OLD, NEW, approved_at=JANUARY)
    found = voucher(claim, delivery=Delivery(two_years="one"))
    assert (found.posting_date, found.claim_total) == (date(2026, 1, 10), Decimal("150.25"))
    assert parts(claim, book(), "one") == [(0, Decimal("150.25"))]


@pytest.mark.parametrize("two_years", ["hold", "split"])
def test_two_years_are_never_taken_as_one_voucher_unless_that_was_chosen(two_years: Any) -> None:
    claim = record(OLD, NEW, approved_at=JANUARY)
    assert missing(claim, delivery=Delivery(two_years=two_years)) == [
        ("two_accounting_years", "lines", None)
    ]
    assert parts(claim, book(), "hold") == [(0, Decimal("150.25"))]


def test_a_total_of_zero_is_never_split() -> None:
    claim = record(line("2025-12-30", "10"), line("2026-01-02", "-10"))
    assert parts(claim, book(), "split") == [(0, Decimal(0))]
    assert excluded(claim) == "zero_sum"


def test_a_record_and_its_stored_form_have_the_same_parts() -> None:
    content = record(OLD, NEW)
    assert parts(Record.from_content(content), book(), "split") == parts(content, book(), "split")


def test_a_part_whose_year_has_no_costs_is_held_not_dropped() -> None:
    assert missing(record(OLD, NEW), part=2024) == [("part_without_lines", "lines", None)]


def test_the_line_numbers_of_a_part_are_those_of_the_claim() -> None:
    claim = record(OLD, line("2026-01-02", "1", "ferry"))
    assert missing(claim, part=2026) == [("type_not_mapped", "lines[2].type", 2)]


def test_the_vouchers_of_the_years_sum_to_the_rounded_claim() -> None:
    claim = record(line("2025-12-30", "10.005"), line("2026-01-02", "10.005"))
    totals = [total for _, _, total in split(claim, "last_cost").values()]
    assert totals == [Decimal("10.00"), Decimal("10.01")]
    assert voucher(claim, delivery=Delivery(two_years="one")).claim_total == sum(totals)
