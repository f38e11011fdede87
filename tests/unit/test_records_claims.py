"""Rows of a claim to a record: header fields agree, faults name row and column."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from bilag.core.problem import Problem
from bilag.core.record import Receipt, Record
from bilag.records.claims import Built, ClaimBuilder
from bilag.records.fields import ZONE, FieldError
from bilag.records.profile import parse_profile
from bilag.records.rows import Row
from bilag.records.validate import NotApproved, Withdrawal

TODAY = date(2026, 3, 31)
COLUMNS = ["krav", "dato", "type", "beløp", "tekst", "sted", "hvem", "status", "sum", "bilag"]
PROFILE = """
name: sheet
sourceSystem: sheet
dates: [DD.MM.YYYY]
amounts: {decimal: ","}
groupBy: [krav]
fields:
  sourceId: krav
  status: {column: status, table: {Godkjent: approved, Venter: pending, Trukket: withdrawn},
           default: approved}
  category: {constant: expense}
  currency: {constant: NOK}
  claimant.id: hvem
  approvedBy: {constant: coordinator-001}
  approvedAt: {rule: lastCostDate}
  total: {column: sum, rows: first}
  text: {column: tekst, rows: join, separator: " / "}
  extra.place: {column: sted, rows: first}
  line.date: dato
  line.type: {column: type, table: {Reise: travel, Møte: meeting}}
  line.amount: beløp
  line.text: {template: "{tekst} - {sted} (reise)"}
  receipt.id: bilag
"""
ROW = {
    "krav": "K-1",
    "dato": "30.01.2026",
    "type": "Reise",
    "beløp": "100,50",
    "tekst": "Tog",
    "sted": "Bergen",
    "hvem": "volunteer-017",
}


def builder(profile: str = PROFILE) -> ClaimBuilder:
    return ClaimBuilder(
        parse_profile(profile), COLUMNS, today=TODAY, file_day=date(2026, 2, 28)
    )  # fmt: skip


def rows(*changes: dict[str, str]) -> list[Row]:
    return [
        Row(number, [(ROW | change).get(column, "") for column in COLUMNS])
        for number, change in enumerate(changes, start=2)
    ]


def faults(built: Built) -> set[tuple[int, str, str]]:
    assert isinstance(built, list), built
    return {(found.row, found.column, found.problem.code) for found in built}


def test_a_claim_of_three_rows() -> None:
    found = builder().build(
        rows(
            {"sum": "301,50", "bilag": "r1"},
            {"beløp": "201", "dato": "02.01.2026", "tekst": "Buss", "sted": "", "bilag": "r1"},
            {"beløp": "0", "type": "Møte", "bilag": "r2"},
        )
    )
    assert isinstance(found, Record)
    assert (found.source_id, found.claimant_id) == ("K-1", "volunteer-017")
    assert found.total == Decimal("301.50")
    assert found.approved_at == datetime(2026, 1, 30, tzinfo=ZONE)
    assert found.text == "Tog / Buss"
    assert [line.text for line in found.lines] == [
        "Tog - Bergen (reise)",
        "Buss",
        "Tog - Bergen (reise)",
    ]
    assert [line.type for line in found.lines] == ["travel", "travel", "meeting"]
    assert found.receipts == (Receipt("r1"), Receipt("r2"))
    assert found.extra == {"place": "Bergen"}


def test_every_fault_is_told_by_row_and_column_once() -> None:
    built = builder().build(
        rows(
            {"beløp": "1.50", "hvem": "volunteer-017"},
            {"dato": "30/1", "type": "Fest", "hvem": "volunteer-018"},
            {"beløp": "1,23456"},
            {"beløp": "", "dato": "01.01.1900"},
        )
    )
    assert faults(built) == {
        (2, "beløp", "cell_amount"),
        (3, "hvem", "cells_disagree"),
        (3, "dato", "cell_date"),
        (3, "type", "cell_not_in_table"),
        (4, "beløp", "amount_too_many_decimals"),
        (5, "beløp", "field_missing"),
        (5, "dato", "date_out_of_range"),
    }


def test_a_total_that_is_not_the_sum_is_told_in_its_column() -> None:
    assert faults(builder().build(rows({"sum": "99"}, {}))) == {(2, "sum", "total_not_sum")}


def test_without_a_date_there_is_no_approval_date_and_that_is_told_once() -> None:
    assert faults(builder().build(rows({"dato": ""}))) == {(2, "dato", "field_missing")}


def test_status_decides() -> None:
    pending = builder().build(rows({"status": "Venter", "beløp": "later"}))
    assert isinstance(pending, NotApproved)
    withdrawn = builder().build(rows({"status": "Trukket"}))
    assert withdrawn == Withdrawal("sheet", "K-1")
    assert faults(builder().build(rows({}, {"status": "Venter"}))) == {
        (3, "status", "cells_disagree")
    }


def test_a_fault_of_a_row_keeps_its_claim_out() -> None:
    good, bad = rows({}, {})
    broken = Row(bad.number, bad.cells, "", (Problem("row_cells"),))
    assert isinstance(builder().build([good, bad]), Record)
    assert faults(builder().build([good, broken])) == {(3, "", "row_cells")}


def test_approval_by_date_of_the_file_and_by_column() -> None:
    by_file = builder(PROFILE.replace("lastCostDate", "fileDate")).build(rows({}))
    assert isinstance(by_file, Record)
    assert by_file.approved_at == datetime(2026, 2, 28, tzinfo=ZONE)
    by_column = builder(PROFILE.replace("{rule: lastCostDate}", "dato")).build(rows({}))
    assert isinstance(by_column, Record)
    assert by_column.approved_at == datetime(2026, 1, 30, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("key", "code"),
    [("", "row_without_claim"), ("  ", "row_without_claim"), ("a\x00", "text_control_character"),
     ("x" * 121, "text_too_long")],
)  # fmt: skip
def test_a_row_whose_claim_cannot_be_told(key: str, code: str) -> None:
    with pytest.raises(FieldError, match=code):
        builder().key(rows({"krav": key})[0])


def test_two_spellings_of_a_key_are_one_claim() -> None:
    one, other = rows({"krav": "Krav é "}, {"krav": "Krav e\u0301"})
    assert builder().key(one) == builder().key(other)
