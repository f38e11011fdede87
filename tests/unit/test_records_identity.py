"""National identity numbers: found wherever they stand as a token, cut out and not forgotten."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.no import fodselsnummer

from bilag.records.identity import REMOVED, has_identity_number, without_identity_numbers
from tests.unit.test_records_malformed import D_NUMBER, PERSON, SYNTHETIC_40, SYNTHETIC_80


@pytest.mark.parametrize("number", [PERSON, D_NUMBER, SYNTHETIC_40, SYNTHETIC_80])
@pytest.mark.parametrize("separator", ["", " ", ".", "-", "\u00a0", "\u2011", "\u202f"])
@pytest.mark.parametrize("around", ["{}", "paid to {}.", "({})", "fnr:{},", "å {} 12", "\n{}\n"])
def test_found_as_a_token(number: str, separator: str, around: str) -> None:
    text = around.format(number[:6] + separator + number[6:])
    assert has_identity_number(text)
    assert without_identity_numbers(text) == around.format(REMOVED)


@pytest.mark.parametrize(
    "text",
    [
        "15108695087",  # wrong check digit
        "1" + PERSON,
        PERSON + "0",
        "a" + PERSON,
        "99999999999",
        "1234.56.78903",
        "151086/95088",
        "c0ffee" + PERSON + "00",
        "15108 695088",
        "",
    ],
)
def test_not_found_where_there_is_none(text: str) -> None:
    assert not has_identity_number(text)
    assert without_identity_numbers(text) == text


@given(st.integers(0, 10**11 - 1).map("{:011d}".format))
def test_nothing_that_the_standard_library_of_numbers_accepts_gets_through(number: str) -> None:
    if fodselsnummer.is_valid(number):
        assert has_identity_number(number)


@given(st.text(st.sampled_from("0123456789 .-x")))
def test_what_was_cut_is_gone(text: str) -> None:
    clean = without_identity_numbers(text)
    assert (REMOVED in clean) == has_identity_number(text)
    assert not has_identity_number(clean.replace(REMOVED, "#"))


def test_what_was_cut_stays_a_fault_until_somebody_corrects_it() -> None:
    assert has_identity_number(without_identity_numbers(f"taxi {PERSON}"))
