"""The bytes of a voucher: names, nesting, mapped fields, exact amounts.

Whatever the mapping adds, reference and amounts stay ours.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest

from bilag.connectors.rest import RestConnector, RestSettings
from bilag.core.voucher import VoucherLine
from tests.conformance.suite import voucher


def built(made: Any, **changes: Any) -> Any:
    """The parsed body of one voucher under these settings."""
    settings = RestSettings.model_validate({"baseUrl": "https://api.example.com"} | changes)
    return orjson.loads(RestConnector().build([made], settings)[0].body)


def test_the_default_body_leaves_empty_fields_out() -> None:
    assert built(voucher(7)) == {
        "reference": voucher(7).reference,
        "voucherNumber": "2026-7",
        "postingDate": "2026-03-14",
        "text": "Expense claim 7, Volunteer 017",
        "currency": "NOK",
        "category": "expense",
        "sourceId": "claim-7",
        "lines": [
            {"account": "7140", "amount": "125.5", "text": "Bus to course", "costCentre": "200"},
            {"account": "2990", "amount": "-125.5", "text": "Volunteer 017"},
        ],
    }


def test_names_are_the_systems_own_and_may_nest() -> None:
    names = {
        "reference": "/header/externalId",
        "voucherNumber": "/header/number",
        "sourceId": "",
        "category": "",
        "lines": "/entry/rows",
        "account": "/account/code",
        "amount": "net",
    }
    document = built(voucher(7), body={"names": names})
    assert document["header"] == {"externalId": voucher(7).reference, "number": "2026-7"}
    assert document["entry"]["rows"][0]["account"] == {"code": "7140"}
    assert document["entry"]["rows"][0]["net"] == "125.5"
    assert not {"sourceId", "category", "reference", "lines"} & set(document)


def test_mapped_fields_are_added_and_override() -> None:
    lines = (
        VoucherLine("7140", Decimal(1), fields={"dimension1": "A", "text": "mapped"}),
        VoucherLine("2990", Decimal(-1), text="ours", fields={"/tax/code": "0"}),
    )
    made = voucher(7, lines=lines, fields={"text": "", "period": "2026-03"})
    document = built(made)
    assert "text" not in document
    assert document["period"] == "2026-03"
    assert document["lines"][0]["text"] == "mapped"
    assert document["lines"][0]["dimension1"] == "A"
    assert document["lines"][1] == {
        "account": "2990",
        "amount": "-1",
        "text": "ours",
        "tax": {"code": "0"},
    }


@pytest.mark.parametrize(
    ("on_voucher", "on_line"),
    [
        ({"reference": "X"}, {}),
        ({"lines": "X"}, {}),
        ({"/reference": "X"}, {}),
        ({}, {"amount": "999"}),
        ({}, {"/amount": "999"}),
        ({"/text/nn": "x"}, {}),
    ],
)
def test_a_mapping_never_touches_reference_or_amounts(
    on_voucher: dict[str, str], on_line: dict[str, str]
) -> None:
    made = voucher(7, fields=on_voucher)
    made = replace(made, lines=(replace(made.lines[0], fields=on_line), made.lines[1]))
    with pytest.raises(ValueError, match=f"voucher {made.reference} .claim-7."):
        built(made)


def test_a_text_that_json_cannot_hold_names_its_voucher() -> None:
    with pytest.raises(ValueError, match="claim-7"):
        built(voucher(7, text="half a sign: \ud83d"))


@pytest.mark.parametrize("amount", ["0.0001", "99999999999.9999", "-1250", "10", "0.10"])
def test_an_exact_number_is_spelt_digit_by_digit(amount: str) -> None:
    lines = (VoucherLine("7140", Decimal(amount)), VoucherLine("2990", -Decimal(amount)))
    settings = RestSettings.model_validate(
        {"baseUrl": "https://api.example.com", "body": {"amountFormat": "number"}}
    )
    body = RestConnector().build([voucher(7, lines=lines)], settings)[0].body
    spelt = body.split(b'"amount":')[1].split(b"}")[0]
    assert Decimal(spelt.decode()) == Decimal(amount)
    assert b"e" not in spelt.lower()


def test_a_voucher_without_a_number_carries_none() -> None:
    assert "voucherNumber" not in built(replace(voucher(7), number=0))


def test_the_idempotency_key_is_our_reference_and_stands_in_the_submission() -> None:
    settings = RestSettings.model_validate(
        {"baseUrl": "https://api.example.com", "idempotencyHeader": "X-Request-Id"}
    )
    first, second = RestConnector().build([voucher(1), voucher(2)], settings)
    assert first.headers == {"X-Request-Id": voucher(1).reference}
    assert second.references == (voucher(2).reference,)
    (mended,) = RestConnector().build([voucher(1, key_suffix="-2")], settings)
    assert mended.headers == {"X-Request-Id": voucher(1).reference + "-2"}
    assert mended.references == first.references
    assert mended.body == first.body
