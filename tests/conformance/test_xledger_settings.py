"""Settings of Xledger: what is refused when they are saved, what they promise, what they write.

Every field can be drawn as a form: it has a title, and the whole survives JSON.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from bilag.connectors.registry import CONNECTORS
from bilag.connectors.xledger import XledgerConnector, XledgerSettings
from bilag.core.voucher import Voucher, VoucherLine
from tests.conformance.suite import voucher

SLOTS = {"glObject1": "costCentre", "glObject2": "project"}


def settings_of(**changes: Any) -> XledgerSettings:
    """The least settings with changes."""
    return XledgerSettings.model_validate(changes)


def nodes_of(made: Voucher, **changes: Any) -> list[dict[str, Any]]:
    """The nodes that are written for a voucher under these settings."""
    (submission,) = XledgerConnector().build([made], settings_of(**changes))
    return [item["node"] for item in orjson.loads(submission.body)["variables"]["inputs"]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"endpoint": "www.xledger.net"}, "address"),
        ({"endpoint": "https://user:pw@www.xledger.net/graphql"}, "secrets"),
        ({"endpoint": "https://www.xledger.net/graphql?x=1"}, "from ?"),
        ({"environment": "test"}, "production"),
        ({"auth": {"kind": "oauth2_client_credentials", "clientId": "x"}}, "token address"),
        ({"auth": {"kind": "api_token", "apiToken": "secret"}}, "Extra inputs"),
        ({"vouchers": {"owner": {"code": "1", "dbId": 2}}}, "not both"),
        ({"vouchers": {"jobLevel": {"dbId": 1, "dbSubId": 2}}}, "not both"),
        ({"vouchers": {"currency": True}}, "invoiceAmount"),
        ({"vouchers": {"text": "{ref}"}}, "placeholders"),
        ({"vouchers": {"text": "{reference.x}"}}, "placeholders"),
        ({"vouchers": {"text": "{reference!r}"}}, "placeholders"),
        ({"vouchers": {"text": "{}"}}, "placeholders"),
        ({"vouchers": {"text": "{reference"}}, "braces"),
        ({"vouchers": {"text": "{text} {reference}", "textCharactersMax": 60}}, "before"),
        ({"dimensions": {"glObject1": "costCentre", "glObject2": "costCentre"}}, "both take"),
        ({"dimensions": {"glObject6": "costCentre"}}, "Extra inputs"),
        ({"batches": {"documentsPerCall": 10}}, "proven"),
        ({"batches": {"documentsPerCall": 501, "batchRule": "atomic"}}, "less than"),
        ({"lookUp": {"postedIn": "transactions", "entryLines": True}}, "journalEntries"),
        ({"lookUp": {"postedIn": "transactions", "postedSearch": "extIdentifier"}}, "extIdent"),
        ({"lookUp": {"postedIn": "transactions"}, "vouchers": {"text": "{text}"}}, "{reference}"),
        ({"nonsense": 1}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings_of(**changes)
    assert said in str(caught.value)


def test_settings_survive_json() -> None:
    made = settings_of(dimensions=SLOTS, lookUp={"stagedSearch": "extIdentifier_in"})
    assert XledgerSettings.model_validate_json(made.model_dump_json(by_alias=True)) == made


def test_every_field_has_a_title_and_every_unknown_says_so() -> None:
    schema = XledgerSettings.model_json_schema(by_alias=True)
    sections = [schema, *schema["$defs"].values()]
    for section in sections:
        for name, value in section["properties"].items():
            assert value.get("title") or "$ref" in value, (section["title"], name)
    said = str(schema)
    assert said.count("ot documented") >= 15


def test_no_field_is_a_secret() -> None:
    schema = XledgerSettings.model_json_schema(by_alias=True)
    names = {n for section in [schema, *schema["$defs"].values()] for n in section["properties"]}
    assert not {"apiToken", "clientSecret", "api_token", "client_secret", "token"} & names


def test_the_settings_decide_what_is_promised() -> None:
    promises = XledgerConnector().capabilities
    least = promises(settings_of())
    assert (least.honours_key, least.can_look_up, least.books_later) == (False, True, True)
    assert (least.documents_per_request_max, least.requests_in_flight_max) == (1, 2)
    assert (least.settle_seconds_min, least.discard, least.carries_vat) == (60, False, True)
    most = promises(
        settings_of(
            batches={"documentsPerCall": 20, "batchRule": "atomic"},
            lookUp={"removeItems": True},
            pace={"settleSeconds": 300},
            vouchers={"vat": "off", "currency": True, "amountFields": "invoiceAmount"},
        )
    )
    assert (most.documents_per_request_max, most.settle_seconds_min) == (20, 300)
    assert (most.discard, most.carries_vat, most.carries_currency) == (True, False, True)
    assert most.send_seconds_min > least.send_seconds_min


def test_the_environment_gives_the_address() -> None:
    assert settings_of().url == "https://www.xledger.net/graphql"
    assert settings_of(environment="demo").url == "https://demo.xledger.net/graphql"
    assert settings_of(endpoint="https://x.example/g").url == "https://x.example/g"


def test_it_is_in_the_registry() -> None:
    assert isinstance(CONNECTORS["xledger"], XledgerConnector)


# --- what is written


def test_a_node_carries_what_the_settings_say() -> None:
    lines = (
        VoucherLine("7140", Decimal("125.50"), "Bus", "11", "200", "P1"),
        VoucherLine("2910", Decimal("-125.50"), party="1017"),
    )
    first, second = nodes_of(
        voucher(7, lines=lines),
        dimensions=SLOTS,
        entity="100",
        vouchers={
            "jobLevel": {"dbSubId": 1},
            "importDefinition": {"code": "EXP"},
            "owner": {"dbId": 42},
            "transactionSource": "AP",
        },
    )
    reference = voucher(7).reference
    assert first == {
        "transactionSource": {"code": "AP"},
        "jobLevel": {"dbSubId": 1},
        "importDefinition": {"code": "EXP"},
        "owner": {"dbId": 42},
        "extIdentifier": reference,
        "postedDate": "2026-03-14",
        "trRegNumber": 7,
        "invoiceNumber": reference,
        "invoiceDate": "2026-03-14",
        "account": {"code": "7140"},
        "amount": "125.5",
        "invoiceAmount": "125.5",
        "text": f"{reference} Bus",
        "taxRule": {"code": "11"},
        "glObject1": {"code": "200"},
        "glObject2": {"code": "P1"},
    }
    assert second["subledger"] == {"code": "1017"}
    assert second["text"] == f"{reference} Expense claim 7, Volunteer 017"
    assert "taxRule" not in second


def test_what_is_left_out_is_not_there() -> None:
    first, second = nodes_of(
        voucher(
            7, lines=(*voucher().lines[:1], VoucherLine("2990", Decimal("-125.50"), party="7"))
        ),
        dimensions=SLOTS,
        vouchers={
            "trRegNumber": "none",
            "invoiceNumber": "none",
            "invoiceDate": "none",
            "amountFields": "invoiceAmount",
            "currency": True,
            "subledgerAccounts": ["2910"],
            "text": "{text} ({number}, {sourceId})",
        },
    )
    assert not {"trRegNumber", "invoiceNumber", "invoiceDate", "amount", "jobLevel"} & set(first)
    assert first["currency"] == {"code": "NOK"}
    assert first["text"] == "Bus to course (2026-7, claim-7)"
    assert "subledger" not in second


def test_numbers_that_start_again_each_year_can_carry_the_year() -> None:
    assert (
        nodes_of(voucher(17), dimensions=SLOTS, vouchers={"trRegNumber": "year_and_number"})[0][
            "trRegNumber"
        ]
        == 2026000017
    )
    assert "trRegNumber" not in nodes_of(voucher(0), dimensions=SLOTS)[0]


def test_a_long_text_is_cut_behind_the_reference() -> None:
    made = voucher(lines=(VoucherLine("1", Decimal(1), "x" * 90), VoucherLine("2", Decimal(-1))))
    (first, _) = nodes_of(made, vouchers={"textCharactersMax": 40})
    assert first["text"] == f"{made.reference} {'x' * 19}"


def test_fields_of_the_mapping_go_where_they_belong() -> None:
    line = replace(
        voucher().lines[1],
        fields={"activity": "A7", "product": "P", "yourReference": "y", "dueDate": ""},
    )
    made = voucher(lines=(voucher().lines[0], line), fields={"paymentReference": "p"})
    first, second = nodes_of(made, dimensions={**SLOTS, "glObject3": "activity"})
    assert first["paymentReference"] == second["paymentReference"] == "p"
    assert second["glObject3"] == {"code": "A7"}
    assert second["product"] == {"code": "P"}
    assert second["yourReference"] == "y"
    assert "dueDate" not in second
    assert "glObject3" not in first


@pytest.mark.parametrize(
    ("changes", "fields", "said"),
    [
        ({"dimensions": {}}, {}, "no dimension takes it"),
        ({"dimensions": SLOTS}, {"amount": "1"}, "'amount'"),
        ({"dimensions": SLOTS}, {"extIdentifier": "1"}, "'extIdentifier'"),
        ({"dimensions": SLOTS}, {"glObject1": "1"}, "settings fill already"),
        ({"dimensions": SLOTS}, {"invoiceNumber": "1"}, "settings fill already"),
        ({"dimensions": SLOTS}, {"nothing": "1"}, "'nothing'"),
    ],
)
def test_what_cannot_be_written_names_the_voucher(
    changes: dict[str, Any], fields: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        nodes_of(voucher(3, fields=fields), **changes)
    assert voucher(3).reference in str(caught.value)
    assert "claim-3" in str(caught.value)


def test_vat_that_is_off_is_never_dropped() -> None:
    lines = (VoucherLine("1", Decimal(1), vat_code="11"), VoucherLine("2", Decimal(-1)))
    with pytest.raises(ValueError, match="VAT code 11"):
        nodes_of(voucher(lines=lines), vouchers={"vat": "off"})


def test_more_lines_than_a_call_takes_are_refused_by_name() -> None:
    lines = tuple(VoucherLine("7140", Decimal(1 if number % 2 else -1)) for number in range(502))
    with pytest.raises(ValueError, match="502 lines") as caught:
        nodes_of(voucher(9, lines=lines))
    assert "claim-9" in str(caught.value)


def test_calls_are_filled_with_whole_vouchers_in_order() -> None:
    lines = tuple(VoucherLine("7140", Decimal(1 if number % 2 else -1)) for number in range(200))
    settings = settings_of(batches={"documentsPerCall": 4, "batchRule": "per_document"})
    small = [voucher(number, lines=lines[:2]) for number in range(1, 6)]
    large = [voucher(number, lines=lines) for number in range(6, 9)]
    built = XledgerConnector().build([*small, *large], settings)
    assert [len(one.references) for one in built] == [4, 3, 1]
    inputs = [orjson.loads(one.body)["variables"]["inputs"] for one in built]
    assert [len(one) for one in inputs] == [8, 402, 200]
    for submission, items in zip(built, inputs, strict=True):
        seen = dict.fromkeys(item["node"]["extIdentifier"] for item in items)
        assert tuple(seen) == submission.references
        assert len({item["clientId"] for item in items}) == len(items)
