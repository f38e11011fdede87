"""Amounts in the book's currency: conversion, rounding, residues, and that every voucher balances.

Properties are checked on thousands of drawn claims (E14).
"""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilag.core.record import RecordLine
from bilag.core.voucher import Voucher
from bilag.integrations.model import Delivery
from bilag.mapping.amounts import parts
from bilag.mapping.result import Excluded, Missing
from tests.unit.test_mapping_samples import SIMPLE, book, line, mapped, missing, record, voucher

ORE = Decimal("0.01")
ONE_VOUCHER = Delivery(two_years="one")


def amounts(*arguments: Any, **keywords: Any) -> list[tuple[str, str]]:
    return [(v.account, str(v.amount)) for v in voucher(*arguments, **keywords).lines]


def euro(*lines: RecordLine, rate: str | None = None, **more: Any) -> dict[str, Any]:
    exchange_rate = None if rate is None else Decimal(rate)
    return record(*lines, currency="EUR", exchange_rate=exchange_rate, **more)


def test_a_rate_converts_each_line_half_even() -> None:
    claim = euro(line("2026-03-01", "10.25"), line("2026-03-01", "1"), rate="11.225")
    # 115.05625 and 11.225
    assert amounts(claim) == [("7140", "115.06"), ("7140", "11.22"), ("2400", "-126.28")]


def test_a_told_amount_wins_over_the_rate() -> None:
    claim = euro(line("2026-03-01", "10", book_amount=Decimal("118.4")), rate="11")
    assert amounts(claim) == [("7140", "118.40"), ("2400", "-118.40")]


def test_neither_rate_nor_told_amount_is_held_for_each_such_line() -> None:
    told = line("2026-03-01", "10", book_amount=Decimal("118.4"))
    document = {**SIMPLE, "line": {"purpose": {"from": "line.text", "required": True}}}
    assert missing(euro(told, line("2026-03-01", "10")), document) == [
        ("no_book_amount", "lines[2].bookAmount", 2),
        ("field_required", "line.purpose", 1),
        ("field_required", "line.purpose", 2),
    ]


def test_the_original_amount_rate_and_date_go_along() -> None:
    document = {
        **SIMPLE,
        "voucherText": "{currency} {voucher.originalAmount} x {exchangeRate} ({exchangeRateDate})",
        "lineText": "{line.amount} = {line.bookAmount}",
    }
    claim = euro(line("2026-03-01", "10.5"), rate="11.25", exchange_rate_date=date(2026, 2, 28))
    found = voucher(claim, document)
    assert found.text == "EUR 10.5 x 11.25 (2026-02-28)"
    assert found.lines[0].text == "10.5 = 118.12"
    assert found.currency == "NOK"


def test_one_ore_of_residue_goes_to_the_rounding_account() -> None:
    claim = record(line("2026-03-01", "10.004"), line("2026-03-01", "10.004"))
    assert amounts(claim) == [
        ("7140", "10.00"),
        ("7140", "10.00"),
        ("7745", "0.01"),
        ("2400", "-20.01"),
    ]
    negative = record(line("2026-03-01", "-10.004"), line("2026-03-01", "-10.004"))
    assert ("7745", "-0.01") in amounts(negative)


def test_a_residue_without_a_rounding_account_is_held() -> None:
    claim = record(line("2026-03-01", "10.004"), line("2026-03-01", "10.004"))
    assert missing(claim, into=book(rounding_account="")) == [("rounding_account", "lines", None)]


def test_more_than_one_ore_of_residue_is_held() -> None:
    claim = record(*[line("2026-03-01", "10.004")] * 4)
    assert missing(claim) == [("rounding_too_large", "lines", None)]


def test_an_amount_that_no_ledger_carries_is_held() -> None:
    claim = euro(line("2026-03-01", "999999999999"), rate="999999999")
    assert missing(claim) == [("amount_too_large", "lines[1].bookAmount", 1)]
    many = euro(*[line("2026-03-01", "999999999999999")] * 1000, rate="999999999.9999999999")
    assert {code for code, _, _ in missing(many)} >= {"amount_too_large"}


whole_ore = st.decimals(min_value=-99999, max_value=99999, places=2)
fine = st.decimals(min_value=-99999, max_value=99999, places=4)
days = st.dates(date(2025, 11, 1), date(2026, 3, 31))
types = st.sampled_from(["train", "parking"])
claim_lines = st.lists(
    st.builds(RecordLine, date=days, type=types, amount=whole_ore), min_size=1, max_size=8
)
grouping = st.sampled_from(["each", "grouped"])


def debits(found: Voucher) -> Decimal:
    return sum((v.amount for v in found.lines if v.account != "2400"), Decimal(0))


@settings(max_examples=300, deadline=None)
@given(lines=claim_lines, mode=grouping)
def test_the_debits_are_the_claim_to_the_ore(lines: list[RecordLine], mode: str) -> None:
    content = record(*lines)
    total = sum((item.amount for item in lines), Decimal(0))
    found = mapped(content, {**SIMPLE, "lines": mode}, delivery=ONE_VOUCHER)
    if total == 0:
        assert isinstance(found, Excluded)
        return
    assert isinstance(found, Voucher)
    assert debits(found) == found.claim_total == total
    assert sum(v.amount for v in found.lines) == 0
    assert all(v.amount == v.amount.quantize(ORE) and v.amount for v in found.lines)


@settings(max_examples=300, deadline=None)
@given(lines=claim_lines)
def test_the_parts_sum_to_the_whole_and_each_is_posted(lines: list[RecordLine]) -> None:
    content = record(*lines)
    total = sum((item.amount for item in lines), Decimal(0))
    found = parts(content, book(), "split")
    assert sum(amount for _, amount in found) == total
    assert len({year for year, _ in found}) == len(found)
    for year, amount in found:
        result = mapped(content, part=year)
        if amount:
            assert isinstance(result, Voucher)
            assert result.claim_total == debits(result) == amount
        else:
            assert isinstance(result, Excluded)


@settings(max_examples=300, deadline=None)
@given(
    lines=st.lists(
        st.builds(
            RecordLine,
            date=days,
            type=types,
            amount=fine,
            book_amount=st.none() | fine,
        ),
        min_size=1,
        max_size=8,
    ),
    rate=st.decimals(min_value="0.0001", max_value=99999, places=10),
    currency=st.sampled_from(["NOK", "EUR"]),
    mode=grouping,
)
def test_fractions_and_rates_balance_or_are_held(
    lines: list[RecordLine], rate: Decimal, currency: str, mode: str
) -> None:
    content = record(*lines, currency=currency, exchange_rate=rate)
    found = mapped(content, {**SIMPLE, "lines": mode}, delivery=ONE_VOUCHER)
    if currency == "NOK":
        exact = [item.amount for item in lines]
    else:
        exact = [
            (item.amount * rate).quantize(ORE, ROUND_HALF_EVEN)
            if item.book_amount is None
            else item.book_amount
            for item in lines
        ]
    total = sum(exact, Decimal(0)).quantize(ORE, ROUND_HALF_EVEN)
    residue = total - sum((a.quantize(ORE, ROUND_HALF_EVEN) for a in exact), Decimal(0))
    if isinstance(found, Missing):
        assert abs(residue) > ORE
    elif isinstance(found, Voucher):
        assert debits(found) == found.claim_total == total
        assert abs(residue) <= ORE
    else:
        assert total == 0 or sum((item.amount for item in lines), Decimal(0)) == 0


@settings(max_examples=100, deadline=None)
@given(lines=claim_lines)
def test_the_same_in_gives_the_same_out_and_leaves_the_record_as_it_was(
    lines: list[RecordLine],
) -> None:
    content, again = record(*lines), record(*lines)
    first = mapped(content, delivery=ONE_VOUCHER)
    assert content == again
    assert first == mapped(again, delivery=ONE_VOUCHER)


@pytest.mark.parametrize("amount", ["125", "125.5", "125.50"])
def test_amounts_are_written_in_whole_ore(amount: str) -> None:
    assert str(voucher(record(line("2026-03-01", amount))).lines[0].amount)[-3] == "."
