"""What each answer of a look-up means for what we believe; one table of cases, no database."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import pytest

from bilag.core.outcome import Absent, BookingRefused, CannotTell, Found, Posted, PostedLine, Staged
from bilag.core.texts import LANGUAGES
from bilag.core.voucher import Voucher, VoucherLine
from bilag.exports.believed import Believed
from bilag.monitoring.compare import KINDS, compare
from bilag.monitoring.words import next_step, said

LINES = (PostedLine("7140", Decimal("100.00"), "200"), PostedLine("2990", Decimal("-100.0000")))
POSTED = Posted("V-1", "2026-1", Decimal(100))


def row(expects: Literal["posted", "gone", "replaced"] = "posted") -> Believed:
    return Believed(
        1, expects, "C1", "BREF", "BNEW" if expects == "replaced" else None, 0, "exported", 1, 1, 1,
        datetime(2026, 11, 2, tzinfo=UTC), {},
    )  # fmt: skip


def voucher(*, vat_code: str = "", cost_centre: str = "200") -> Voucher:
    lines = (
        VoucherLine("7140", Decimal(100), vat_code=vat_code, cost_centre=cost_centre),
        VoucherLine("2990", Decimal(-100)),
    )
    return Voucher("BREF", date(2026, 11, 2), 2026, "NOK", "", lines, Decimal(100), "C1", "expense")


def found(
    answer: Found, expects: Any = "posted", sent: Voucher | None = None, **options: Any
) -> tuple[list[str], str]:
    options = {"beside": None, "proven": True, **options}
    differences, compared = compare(row(expects), answer, sent or voucher(), **options)
    return [one.kind for one in differences], compared


@pytest.mark.parametrize(
    ("answer", "posted", "gone", "replaced"),
    [
        (Absent(), ["missing"], [], []),
        (Staged("J-1"), ["missing"], ["unexpected"], []),
        (BookingRefused("J-1", "closed period"), ["missing"], [], []),
        (CannotTell("503"), ["cannot_tell"], ["cannot_tell"], ["cannot_tell"]),
        (POSTED, [], ["unexpected"], []),
        (replace(POSTED, hits=2), ["doubled"], ["doubled"], ["doubled"]),
        (replace(POSTED, reversed_by="V-2"), ["reversed"], [], []),
    ],
)
def test_what_an_answer_means_for_what_we_believe(
    answer: Found, posted: list[str], gone: list[str], replaced: list[str]
) -> None:
    assert found(answer)[0] == posted
    assert found(answer, "gone")[0] == gone
    assert found(answer, "replaced", beside=Absent())[0] == replaced


def test_absent_is_not_believed_of_a_search_that_found_nothing_yet() -> None:
    assert found(Absent(), proven=False)[0] == ["cannot_tell"]


def test_what_was_replaced_stands_twice_while_nobody_reversed_it() -> None:
    assert found(POSTED, "replaced", beside=POSTED)[0] == ["doubled"]
    assert found(replace(POSTED, reversed_by="V-2"), "replaced", beside=POSTED)[0] == []
    assert found(POSTED, "replaced", beside=replace(POSTED, reversed_by="V-2"))[0] == []


def test_lines_are_compared_as_a_set_with_their_counts() -> None:
    assert found(replace(POSTED, lines=LINES[::-1])) == ([], "lines")
    for lines in (
        (*LINES, LINES[0]),
        LINES[:1],
        (replace(LINES[0], account="7150"), LINES[1]),
        (replace(LINES[0], cost_centre=""), LINES[1]),
        (replace(LINES[0], amount=Decimal("100.01")), LINES[1]),
    ):
        assert found(replace(POSTED, lines=lines)) == (["altered"], "lines")


def test_without_lines_the_debit_side_is_compared() -> None:
    assert found(POSTED) == ([], "amount")
    assert found(replace(POSTED, amount=Decimal("100.01"))) == (["altered"], "amount")
    assert found(replace(POSTED, amount=None)) == ([], "")
    assert found(POSTED, sent=None, expects="gone") == (["unexpected"], "")


def test_lines_with_a_vat_code_are_split_by_the_ledger() -> None:
    split = (
        PostedLine("7140", Decimal(80), "200"), PostedLine("2710", Decimal(20)), LINES[1],
    )  # fmt: skip
    sent = voucher(vat_code="1")
    assert found(replace(POSTED, lines=split), sent=sent) == ([], "lines")
    assert found(replace(POSTED, lines=split[:2]), sent=sent) == (["altered"], "lines")
    assert found(POSTED, sent=sent) == ([], "")


def test_reversed_and_altered_are_told_apart() -> None:
    both = replace(POSTED, reversed_by="V-2", amount=Decimal(1))
    assert found(both)[0] == ["reversed", "altered"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_is_said_in_full(language: str) -> None:
    line = {"account": "7140", "amount": "100", "costCentre": "200"}
    for kind in KINDS:
        for evidence in (
            {"voucherNumber": "V-1", "hits": 2, "reversedBy": "V-2", "amount": "1",
             "expectedAmount": "2"},
            {"staged": True, "onlyHere": [line], "onlyThere": []},
            {"unproven": True},
            {"message": "503"},
        ):  # fmt: skip
            text = said(kind, "exported", "BREF", evidence, language)
            assert "BREF" in text
            assert "{" not in text
        assert next_step(kind, language) != f"reconcile_next_{kind}"
