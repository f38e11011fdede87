"""Settings of Business Central: what is refused when they are saved, and what they promise.

Then what is built under them: a journal's code and lines, and what cannot be carried.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from bilag.connectors.dynamics.business_central import (
    BusinessCentralConnector,
    BusinessCentralSettings,
)
from bilag.connectors.registry import CONNECTORS
from bilag.core.voucher import Voucher, VoucherLine
from tests.conformance.suite import voucher

BASE = {"company": "Sandbox Organization", "tenant": "example.com", "clientId": "an-app"}


def settings_of(**changes: Any) -> BusinessCentralSettings:
    """The least settings with changes."""
    return BusinessCentralSettings.model_validate(BASE | changes)


def built(*vouchers: Voucher, **changes: Any) -> list[dict[str, Any]]:
    """The bodies that are built of vouchers."""
    made = BusinessCentralConnector().build(vouchers, settings_of(**changes))
    return [orjson.loads(one.body) for one in made]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"baseUrl": "api.example.com"}, "address"),
        ({"baseUrl": "https://user:pw@api.example.com"}, "secrets"),
        ({"loginUrl": "https://login.example.com?x=1"}, "from ?"),
        ({"tenant": ""}, "tenant"),
        ({"clientId": ""}, "client id"),
        ({"tenant": "a/b"}, "slashes"),
        ({"environment": ".."}, "slashes"),
        ({"apiPrefix": "api/../v2.0"}, "only the path"),
        ({"batchSettingsPath": "a?b"}, "only the path"),
        ({"company": ""}, "at least 1"),
        ({"auth": "basic"}, "user name"),
        ({"auth": "password"}, "client_secret"),
        ({"clientSecret": "secret"}, "Extra inputs"),
        ({"documentsPerJournal": 0}, "greater than"),
        ({"template": "LONGERTHANTEN"}, "at most 10"),
        ({"dimensions": {"costCentre": "A", "project": "a"}}, "two fields"),
        ({"mode": "purchase_invoice", "partyAccountType": "Employee"}, "vendor"),
        ({"auth": "basic", "username": "x", "tenant": "", "environment": "P"}, "tenant"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings_of(**changes)
    assert said in str(caught.value)


def test_addresses_online_and_on_ones_own_server() -> None:
    online = settings_of(environment="Production")
    root = "https://api.businesscentral.dynamics.com/v2.0/example.com/Production"
    assert online.api_root == f"{root}/api/v2.0"
    assert online.token_url == "https://login.microsoftonline.com/example.com/oauth2/v2.0/token"
    own = settings_of(baseUrl="https://bc.example.com:7048/BC/", apiPrefix="/api/ngo/claims/v1.0/")
    assert own.api_root == "https://bc.example.com:7048/BC/api/ngo/claims/v1.0"


def test_settings_survive_json() -> None:
    made = settings_of(dimensions={"costCentre": "avdeling", "fields": {"grant": "TILSKUDD"}})
    assert made.dimensions.cost_centre == "AVDELING"
    assert BusinessCentralSettings.model_validate_json(made.model_dump_json(by_alias=True)) == made


def test_every_field_has_a_title_and_none_is_a_secret() -> None:
    schema = BusinessCentralSettings.model_json_schema(by_alias=True)
    sections = [schema, *schema["$defs"].values()]
    names = set()
    for section in sections:
        for name, value in section["properties"].items():
            assert value.get("title") or "$ref" in value, (section["title"], name)
            names.add(name)
    assert not names & {"clientSecret", "privateKey", "password"}


def test_the_settings_decide_what_is_promised() -> None:
    promises = BusinessCentralConnector().capabilities
    usual = promises(settings_of())
    assert (usual.honours_key, usual.can_look_up, usual.stages, usual.discard) == (
        False, True, True, True,
    )  # fmt: skip
    assert (usual.books_later, usual.carries_vat, usual.carries_currency) == (False, False, False)
    assert (usual.settle_seconds_min, usual.send_seconds_min) == (1200, 300)
    assert (usual.documents_per_request_max, usual.requests_in_flight_max) == (50, 2)
    assert promises(settings_of(mode="draft")).books_later
    assert promises(settings_of(postsByJobQueue=True)).books_later
    assert promises(settings_of(sendsTaxCode=True)).carries_vat
    invoices = promises(settings_of(mode="purchase_invoice"))
    assert (invoices.documents_per_request_max, invoices.carries_currency) == (1, True)


def test_it_is_in_the_registry() -> None:
    assert isinstance(CONNECTORS["dynamics_business_central"], BusinessCentralConnector)


# --- what is built


def test_journals_hold_so_many_vouchers_and_have_codes_of_their_own() -> None:
    vouchers = [replace(voucher(n), lines=_lines()) for n in range(1, 6)]
    bodies = built(*vouchers, documentsPerJournal=2)
    codes = [body["journal"] for body in bodies]
    assert [len(body["documents"]) for body in bodies] == [2, 2, 1]
    assert len(set(codes)) == 3
    for code in codes:
        assert code.startswith("BG")
        assert len(code) == 10
        assert code == code.upper()
        assert not code[-1].isdigit()
    numbers = [line["lineNumber"] for one in bodies[0]["documents"] for line in one["lines"]]
    assert numbers == [20000, 30000, 40000, 50000]
    first = bodies[0]["documents"][0]
    assert first["documentNumber"] == vouchers[0].reference
    assert first["externalDocumentNumber"] == "2026-1"


def test_a_journal_stays_small_enough_to_be_read_back() -> None:
    large = replace(voucher(1), lines=_lines() * 900)
    assert len(built(large, replace(voucher(2), lines=_lines() * 900))) == 2


def test_lines_of_a_voucher_can_be_told_apart() -> None:
    (body,) = built(replace(voucher(1), lines=_lines() * 3))
    lines = body["documents"][0]["lines"]
    assert [line["description"] for line in lines[::2]] == [
        "2026-1 Bus", "2026-1 Bus (2)", "2026-1 Bus (3)",
    ]  # fmt: skip


def test_a_long_or_odd_text_fits() -> None:
    lines = (
        VoucherLine("7140", Decimal(1), text="a\tb\n" + "æ" * 200),
        VoucherLine("2990", -Decimal(1)),
    )
    (body,) = built(replace(voucher(1), lines=lines))
    first = body["documents"][0]["lines"][0]["description"]
    assert first.startswith("2026-1 a b æ")
    assert len(first) == 100


def _lines(**of_first: Any) -> tuple[VoucherLine, ...]:
    first: dict[str, Any] = {"account": "7140", "amount": Decimal(5), "text": "Bus"} | of_first
    return (VoucherLine(**first), VoucherLine("2990", -first["amount"], text="Owed"))


@pytest.mark.parametrize(
    ("changes", "settings", "said"),
    [
        ({"currency": "EUR"}, {}, "only NOK"),
        ({"lines": _lines(vat_code="1")}, {}, "VAT code"),
        ({"lines": _lines(cost_centre="200")}, {}, "no dimension"),
        ({"lines": _lines(project="P1")}, {}, "no dimension"),
        ({"lines": _lines(fields={"grant": "x"})}, {}, "no dimension"),
        ({"fields": {"grant": "x"}}, {}, "no dimension"),
        ({"lines": _lines(account="7" * 21)}, {}, "1 to 20"),
        ({"lines": _lines(amount=Decimal("0.005"))}, {}, "decimals"),
        ({"lines": _lines() * 1001}, {}, "2002 lines"),
        ({"reference": "lower"}, {}, "upper case"),
        ({"lines": ()}, {}, "no lines"),
        ({"lines": _lines()}, {"mode": "purchase_invoice"}, "exactly one supplier"),
    ],
)
def test_what_cannot_be_carried_names_the_voucher(
    changes: dict[str, Any], settings: dict[str, Any], said: str
) -> None:
    made = replace(voucher(1), **({"lines": _lines()} | changes))
    with pytest.raises(ValueError, match=said) as caught:
        built(made, **settings)
    assert "claim-1" in str(caught.value)
    assert made.reference in str(caught.value)


def test_what_the_settings_allow_is_carried() -> None:
    lines = (
        VoucherLine("7140", Decimal(5), vat_code="1", cost_centre=" 200 ", project="p1",
                    fields={"grant": "g1"}),
        VoucherLine("2400", Decimal(-5), party="v017"),
    )  # fmt: skip
    made = replace(voucher(1), lines=lines, fields={"fund": "f1"}, posting_date=date(2026, 1, 2))
    (body,) = built(
        made,
        sendsTaxCode=True,
        partyAccountType="Vendor",
        template="exp",
        dimensions={
            "costCentre": "AVDELING",
            "project": "PROSJEKT",
            "fields": {"grant": "TILSKUDD", "fund": "FOND"},
        },
    )
    first, second = body["documents"][0]["lines"]
    assert body["template"] == "EXP"
    assert first["taxCode"] == "1"
    assert first["dimensions"] == {
        "FOND": "F1", "TILSKUDD": "G1", "AVDELING": "200", "PROSJEKT": "P1",
    }  # fmt: skip
    assert (second["accountType"], second["accountNumber"]) == ("Vendor", "V017")
    assert body["documents"][0]["postingDate"] == "2026-01-02"
