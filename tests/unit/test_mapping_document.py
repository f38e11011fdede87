"""Mapping documents: shape and contents are checked, each fault named with its place.

A document without problems compiles; one with problems never gets that far unnoticed.
"""

from typing import Any

import pytest

from bilag.core.texts_mapping import MAPPING_TEXTS
from bilag.integrations.model import Filters
from bilag.mapping.check import check_document
from bilag.mapping.document import DocumentError, MappingDocument, read_document
from bilag.mapping.parts import checked_changes
from tests.unit.test_mapping_samples import SIMPLE


def shape(value: object) -> list[tuple[str, str]]:
    with pytest.raises(DocumentError) as caught:
        read_document(value)
    assert all(problem.code in MAPPING_TEXTS for problem in caught.value.problems)
    return [(problem.code, problem.field) for problem in caught.value.problems]


def faults(
    document: dict[str, Any], filters: Filters | None = None, *, carries_vat: bool = True
) -> list[tuple[str, str]]:
    problems = check_document(
        read_document(document), filters or Filters(), carries_vat=carries_vat
    )
    return [(problem.code, problem.field) for problem in problems]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"kategorier": {}}, [("mapping_unknown_key", "kategorier")]),
        (
            {"categories": {"train": {"account": 7140, "kostnad": "x"}}},
            [
                ("mapping_not_text", "categories.train.account"),
                ("mapping_unknown_key", "categories.train.kostnad"),
            ],
        ),
        ({"claimants": {17: "10017"}}, [("mapping_not_text", "claimants.17")]),
        ({"missingClaimant": "ignore"}, [("mapping_choice", "missingClaimant")]),
        ({"counterAccount": "1" * 65}, [("mapping_too_long", "counterAccount")]),
        (
            {"header": {"x": {"join": ["{text}", {"frm": "text"}]}}},
            [("mapping_unknown_key", "header.x.join[2].frm")],
        ),
        ({"header": {"x": {"join": ["a"] * 11}}}, [("mapping_too_long", "header.x.join")]),
        ({"header": {"x": {"truncate": 0}}}, [("mapping_shape", "header.x.truncate")]),
        ({"defaults": {"travel": {}}}, [("mapping_choice", "defaults.travel")]),
        ([], [("mapping_shape", "")]),
        ("text", [("mapping_shape", "")]),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_refused_with_its_place(value: object, expected: Any) -> None:
    assert shape(value) == expected


def test_an_empty_document_can_be_read_and_says_what_is_needed() -> None:
    assert faults({}) == [
        ("mapping_no_accounts", "categories"),
    ]


def test_a_simple_document_has_no_problem() -> None:
    assert faults(SIMPLE) == []


def test_the_stored_form_gives_the_same_document() -> None:
    document = read_document(
        {
            **SIMPLE,
            "header": {"x": {"from": "text", "number": {"decimalMark": ","}}},
            "lineText": "{line.text}",
        }
    )
    stored = document.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert "decimalMark" in stored["header"]["x"]["number"]
    assert stored["header"]["x"]["from"] == "text"
    assert read_document(stored) == document
    assert read_document({}) == MappingDocument()


def test_accounts_and_parties_are_not_empty() -> None:
    document = {
        **SIMPLE,
        "categories": {"train": {"account": "  "}, " ": {"account": "1"}},
        "claimants": {"volunteer-017": "", "": "5"},
    }
    assert sorted(faults(document)) == [
        ("mapping_account_empty", "categories.train.account"),
        ("mapping_key_empty", "categories"),
        ("mapping_key_empty", "claimants"),
        ("mapping_party_empty", "claimants.volunteer-017"),
    ]


_BAD = "71 40x!"


@pytest.mark.parametrize(
    ("document", "code", "place"),
    [
        ({"categories": {"a.b": {"account": _BAD}}}, "account", "categories.a.b.account"),
        ({"defaults": {"mileage": {"counterAccount": _BAD}}}, "account",
         "defaults.mileage.counterAccount"),
        ({"categories": {"a": {"account": "1", "vatCode": _BAD}}}, "vat_code",
         "categories.a.vatCode"),
        ({"categories": {"a": {"account": "1", "costCentre": _BAD}}}, "cost_centre",
         "categories.a.costCentre"),
        ({"categories": {"a": {"account": "1", "project": _BAD}}}, "project",
         "categories.a.project"),
        ({"counterAccount": _BAD}, "account", "counterAccount"),
        ({"clearingAccount": _BAD}, "account", "clearingAccount"),
        ({"clearingAccounts": {"mileage": _BAD}}, "account", "clearingAccounts.mileage"),
        ({"costCentres": {"codes": {"x": _BAD}}}, "cost_centre", "costCentres.codes.x"),
        ({"projects": {"codes": {"x": _BAD}}}, "project", "projects.codes.x"),
        ({"vatCodes": {"codes": {"x": _BAD}}}, "vat_code", "vatCodes.codes.x"),
    ],
)  # fmt: skip
def test_a_code_of_the_ledger_has_the_characters_of_one(
    document: dict[str, Any], code: str, place: str
) -> None:
    problems = check_document(read_document({**SIMPLE, **document}), Filters(), carries_vat=True)
    assert [(problem.code, problem.field) for problem in problems] == [
        (f"mapping_{code}_signs", place)
    ]
    assert all(_BAD in problems[0].text(language) for language in ("nb", "nn", "en"))
    with pytest.raises(DocumentError) as refused:
        checked_changes(document)
    assert refused.value.problems == tuple(problems)


@pytest.mark.parametrize("code", ["7140", "K-1.2_3/4", "HØY", "R&D", "A:1+2", "x" * 64])
def test_codes_that_ledgers_have_are_taken(code: str) -> None:
    used = {"account": code, "vatCode": code, "costCentre": code, "project": code}
    assert faults({**SIMPLE, "categories": {"train": used}, "counterAccount": code}) == []


def test_a_code_may_be_words_and_an_account_may_not() -> None:
    used = {"account": "7140", "vatCode": "NO VAT", "costCentre": "AVD 1", "project": "P 2"}
    assert faults({**SIMPLE, "categories": {"train": used}}) == []
    for code in ("NO  VAT", "NO VAT!"):
        assert faults({**SIMPLE, "categories": {"train": {**used, "vatCode": code}}}) != []
    assert faults({**SIMPLE, "counterAccount": "29 90"}) != []


def test_parties_and_codes_of_the_app_are_free() -> None:
    free = {"claimants": {"v 17!": "Supplier 17 (old)"}, "vatCodes": {"codes": {"25 %!": "3"}}}
    assert faults({**SIMPLE, **free}) == []


def test_every_category_needs_a_counter_account() -> None:
    document = {**SIMPLE, "counterAccount": ""}
    assert faults(document, Filters(categories=("expense", "mileage"))) == [
        ("mapping_counter_account", "defaults.expense.counterAccount"),
        ("mapping_counter_account", "defaults.mileage.counterAccount"),
    ]
    by_category = {**document, "defaults": {"expense": {"counterAccount": "2990"}}}
    assert faults(by_category, Filters(categories=("expense",))) == []
    by_type = {**document, "categories": {"train": {"account": "1", "counterAccount": "2"}}}
    assert faults(by_type) == []


def test_clearing_needs_an_account_for_every_category() -> None:
    document = {**SIMPLE, "missingClaimant": "clearing", "clearingAccounts": {"mileage": "2910"}}
    assert faults(document, Filters(categories=("expense", "mileage"))) == [
        ("mapping_clearing_account", "clearingAccount")
    ]
    assert faults({**document, "clearingAccount": "2990"}) == []


def test_where_all_is_cleared_no_counter_account_is_needed() -> None:
    document = {
        "categories": SIMPLE["categories"],
        "missingClaimant": "clearing",
        "clearingAccount": "2990",
    }
    assert faults(document) == []


def test_a_connector_without_vat_refuses_vat_codes() -> None:
    document = {
        **SIMPLE,
        "categories": {"train": {"account": "1", "vatCode": "1"}, "b": {"account": "1"}},
        "defaults": {"mileage": {"vatCode": "3"}},
        "vatCodes": {"codes": {"high": "1", "none": ""}},
    }
    assert faults(document) == []
    assert faults(document, carries_vat=False) == [
        ("mapping_vat_not_carried", "categories.train.vatCode"),
        ("mapping_vat_not_carried", "defaults.mileage.vatCode"),
        ("mapping_vat_not_carried", "vatCodes.codes.high"),
    ]


def test_rules_of_the_texts_are_checked_too() -> None:
    assert faults({**SIMPLE, "voucherText": "{line.text}", "lineText": "{what}"}) == [
        ("mapping_line_path", "voucherText.template"),
        ("mapping_unknown_path", "lineText.template"),
    ]


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_a_problem_says_what_to_do_in_each_language(language: str) -> None:
    document = read_document({**SIMPLE, "header": {"x": "{voucher.number}"}})
    text = check_document(document, Filters(), carries_vat=True)[0].text(language)
    assert "voucher.reference" in text
