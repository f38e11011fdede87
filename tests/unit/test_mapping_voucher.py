"""A record becomes the voucher that the accountant expects, or everything it lacks is named.

Asserts on accounts, amounts, dates and parties of the finished voucher.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bilag.core.record import Declaration
from bilag.integrations.model import Delivery, Filters
from tests.unit.test_mapping_samples import (
    SIMPLE,
    book,
    excluded,
    line,
    mapped,
    missing,
    record,
    voucher,
)

ONE = line("2026-03-01", "249")


def postings(*arguments: Any, **keywords: Any) -> list[tuple[str, str]]:
    return [(v.account, str(v.amount)) for v in voucher(*arguments, **keywords).lines]


def test_one_posting_a_line_and_one_to_the_counter_account() -> None:
    found = voucher(record(ONE, line("2026-03-02", "84.5", "parking"), text="Meeting"))
    assert [(v.account, v.amount, v.party) for v in found.lines] == [
        ("7140", Decimal("249"), ""),
        ("7141", Decimal("84.5"), ""),
        ("2400", Decimal("-333.5"), "10017"),
    ]
    assert found.claim_total == Decimal("333.5")
    assert found.text == "exp-1 Meeting"
    assert found.reference == "BREFERENCE"
    assert (found.source_id, found.category, found.number) == ("exp-1", "expense", 0)


def test_a_negative_claim_is_a_credit_voucher() -> None:
    assert postings(record(line("2026-03-01", "-120.50"))) == [
        ("7140", "-120.50"),
        ("2400", "120.50"),
    ]


def test_lines_that_come_to_nothing_are_not_posted() -> None:
    claim = record(ONE, line("2026-03-01", "0", "parking"))
    assert postings(claim) == [("7140", "249.00"), ("2400", "-249.00")]


@pytest.mark.parametrize("amounts", [("0",), ("100", "-100"), ("0.004",), ()])
def test_a_claim_that_sums_to_zero_is_excluded_even_where_nothing_is_mapped(
    amounts: tuple[str, ...],
) -> None:
    claim = record(*(line("2026-03-01", amount) for amount in amounts))
    document = SIMPLE if "0.004" in amounts else {}
    assert excluded(claim, document) == "zero_sum"


def test_everything_missing_is_listed_in_one_go() -> None:
    document = {
        "categories": {"train": {"account": "7140"}, "toll": {"account": " "}},
        "costCentres": {"unmapped": "held"},
        "projects": {"codes": {"known": "1"}, "unmapped": "held"},
        "header": {"purpose": {"from": "text", "required": True}},
        "line": {"unit": {"from": "line.unit", "table": {"km": "KM"}}},
    }
    claim = record(
        line("2025-12-30", "10.001", "ferry", cost_centre="210", unit="pcs"),
        line("2026-01-02", "10.001", "toll", project="summer"),
        line("2026-01-02", "10.001", "toll", project="known"),
        line("2026-01-02", "10.001"),
        category="honorarium",
        project="winter",
        claimant_id="volunteer-099",
    )
    assert sorted(missing(claim, document, into=book(rounding_account=""))) == sorted(
        [
            ("declaration_not_signed_off", "declaration", None),
            ("declaration_missing", "declaration", None),
            ("two_accounting_years", "lines", None),
            ("claimant_not_mapped", "claimant.id", None),
            ("type_not_mapped", "lines[1].type", 1),
            ("type_not_mapped", "lines[2].type", 2),
            ("type_not_mapped", "lines[3].type", 3),
            ("counter_account_missing", "lines[4].type", 4),
            ("cost_centre_not_mapped", "lines[1].costCentre", 1),
            ("project_not_mapped", "project", None),
            ("project_not_mapped", "lines[2].project", 2),
            ("value_not_in_table", "line.unit", 1),
            ("field_required", "header.purpose", None),
        ]
    )


def test_an_unmapped_type_is_named_with_its_line_and_what_to_do() -> None:
    result = mapped(record(ONE, line("2026-03-01", "5", "ferje")))
    problem = result.problems[0]  # type: ignore[union-attr]
    assert problem.params == {"type": "ferje"}
    assert "«ferje»" in problem.text("nb")
    assert "kategoritilordningen" in problem.text("nb")


class TestAccounts:
    def test_the_default_of_the_category_takes_types_that_are_not_listed(self) -> None:
        document = {**SIMPLE, "defaults": {"mileage": {"account": "7100", "vatCode": "0"}}}
        claim = record(line("2026-03-01", "53", "car"), category="mileage")
        assert [(v.account, v.vat_code) for v in voucher(claim, document).lines] == [
            ("7100", "0"),
            ("2400", ""),
        ]
        assert missing(record(line("2026-03-01", "53", "car")), document) == [
            ("type_not_mapped", "lines[1].type", 1)
        ]

    def test_the_type_wins_over_the_claim_and_the_claim_over_the_default(self) -> None:
        document = {
            **SIMPLE,
            "categories": {
                "fixed": {"account": "1", "costCentre": "T", "vatCode": "9", "project": ""},
                "open": {"account": "2"},
            },
            "defaults": {"expense": {"costCentre": "D", "project": "DP", "vatCode": "8"}},
        }
        claim = record(
            line("2026-03-01", "1", "fixed", cost_centre="L", project="LP", vat_code="1"),
            line("2026-03-01", "1", "open", cost_centre="L", vat_code="1"),
            line("2026-03-01", "1", "open"),
            cost_centre="R",
        )
        found = [(v.cost_centre, v.project, v.vat_code) for v in voucher(claim, document).lines]
        assert found == [("T", "", "9"), ("L", "DP", "1"), ("R", "DP", "8"), ("", "", "")]

    def test_codes_of_the_app_are_translated_and_unlisted_ones_pass(self) -> None:
        document = {
            **SIMPLE,
            "costCentres": {"codes": {"oslo": "210"}},
            "vatCodes": {"codes": {"high": "1", "none": ""}},
        }
        claim = record(
            line("2026-03-01", "1", cost_centre="oslo", vat_code="high"),
            line("2026-03-01", "1", cost_centre="bergen", vat_code="none"),
        )
        found = voucher(claim, document).lines
        assert [(v.cost_centre, v.vat_code) for v in found] == [
            ("210", "1"),
            ("bergen", ""),
            ("", ""),
        ]

    def test_each_counter_account_gets_its_own_posting(self) -> None:
        document = {
            **SIMPLE,
            "categories": {
                "train": {"account": "7140"},
                "card": {"account": "7140", "counterAccount": "2080"},
            },
            "defaults": {"expense": {"counterAccount": "2990"}},
        }
        claim = record(ONE, line("2026-03-01", "30", "card"), line("2026-03-01", "1"))
        assert postings(claim, document)[-2:] == [("2990", "-250.00"), ("2080", "-30.00")]

    def test_a_missing_counter_account_is_named_for_each_line(self) -> None:
        document = {**SIMPLE, "counterAccount": ""}
        assert missing(record(ONE), document) == [("counter_account_missing", "lines[1].type", 1)]

    def test_names_are_met_whatever_their_spelling_in_unicode(self) -> None:
        document = {**SIMPLE, "categories": {" ma\u030al ": {"account": "7140"}}}
        assert postings(record(line("2026-03-01", "1", "m\u00e5l")), document)

    def test_a_connector_without_vat_holds_a_line_with_a_code(self) -> None:
        claim = record(line("2026-03-01", "1", vat_code="1"))
        assert missing(claim, carries_vat=False) == [("vat_not_carried", "lines[1].vatCode", 1)]
        without = {**SIMPLE, "categories": {"train": {"account": "7140", "vatCode": ""}}}
        assert voucher(claim, without, carries_vat=False).lines[0].vat_code == ""


class TestClaimants:
    def test_an_unknown_claimant_is_held(self) -> None:
        assert missing(record(ONE, claimant_id="volunteer-018")) == [
            ("claimant_not_mapped", "claimant.id", None)
        ]

    def test_a_name_is_no_id(self) -> None:
        claim = record(ONE, claimant_id="x", claimant_name="volunteer-017")
        assert missing(claim) == [("claimant_not_mapped", "claimant.id", None)]

    @pytest.mark.parametrize(("category", "account"), [("expense", "2990"), ("mileage", "2910")])
    def test_an_unknown_claimant_may_be_cleared(self, category: str, account: str) -> None:
        document = {
            **SIMPLE,
            "missingClaimant": "clearing",
            "clearingAccount": "2990",
            "clearingAccounts": {"mileage": "2910"},
        }
        claim = record(ONE, claimant_id="volunteer-018", category=category)
        last = voucher(claim, document).lines[-1]
        assert (last.account, last.party, last.amount) == (account, "", Decimal("-249"))
        known = voucher(record(ONE, category=category), document).lines[-1]
        assert (known.account, known.party) == ("2400", "10017")

    def test_clearing_without_an_account_is_held(self) -> None:
        document = {**SIMPLE, "missingClaimant": "clearing", "claimants": {}}
        assert missing(record(ONE), document) == [("clearing_account_missing", "category", None)]


SIGNED = {
    "templateId": "confidentiality",
    "version": "3",
    "signedOffBy": "admin-1",
    "signedOffAt": "2026-01-02T10:00:00+01:00",
}


class TestHonorarium:
    def result(self, declaration: dict[str, Any], *evidence: str) -> list[str]:
        acknowledged = datetime(2026, 1, 3, tzinfo=UTC)
        given = Declaration(evidence[0], evidence[1], acknowledged) if evidence else None
        claim = record(ONE, category="honorarium", declaration=given)
        found = mapped(claim, declaration=declaration)
        return [problem.code for problem in getattr(found, "problems", ())]

    def test_is_posted_with_evidence_of_the_signed_off_version(self) -> None:
        assert self.result(SIGNED, "confidentiality", "3") == []

    @pytest.mark.parametrize("key", ["signedOffAt", "signedOffBy", "templateId", "version"])
    def test_is_held_until_the_sign_off_is_recorded(self, key: str) -> None:
        partly = {**SIGNED, key: ""}
        assert self.result(partly, "confidentiality", "3") == ["declaration_not_signed_off"]

    def test_is_held_without_evidence(self) -> None:
        assert self.result(SIGNED) == ["declaration_missing"]

    @pytest.mark.parametrize("evidence", [("confidentiality", "2"), ("other", "3")])
    def test_is_held_with_evidence_of_another_declaration(self, evidence: tuple[str, str]) -> None:
        assert self.result(SIGNED, *evidence) == ["declaration_version"]

    def test_other_categories_need_no_declaration(self) -> None:
        assert voucher(record(ONE), declaration={})


class TestFilters:
    def test_a_category_that_is_not_chosen_is_excluded_before_anything_else(self) -> None:
        claim = record(category="activity")
        assert excluded(claim, {}, filters=Filters()) == "filter_category"

    @pytest.mark.parametrize(
        ("approved", "outcome"),
        [
            (datetime(2026, 2, 28, 22, 59, tzinfo=UTC), "filter_before"),
            (datetime(2026, 2, 28, 23, 0, tzinfo=UTC), ""),
            (datetime(2026, 3, 31, 21, 59, tzinfo=UTC), ""),
            (datetime(2026, 3, 31, 22, 0, tzinfo=UTC), "filter_after"),
        ],
    )
    def test_both_ends_belong_to_the_range_on_the_clock_of_oslo(
        self, approved: datetime, outcome: str
    ) -> None:
        filters = Filters(from_date=date(2026, 3, 1), to_date=date(2026, 3, 31))
        claim = record(ONE, approved_at=approved)
        if outcome:
            assert excluded(claim, filters=filters) == outcome
        else:
            assert voucher(claim, filters=filters)

    def test_by_creation_date_and_held_where_it_is_not_known(self) -> None:
        filters = Filters(date_field="created", from_date=date(2026, 3, 1))
        early = record(ONE, created_at=datetime(2026, 2, 1, tzinfo=UTC))
        assert excluded(early, filters=filters) == "filter_before"
        assert missing(record(ONE), filters=filters) == [("filter_date_missing", "createdAt", None)]


class TestGrouping:
    def test_lines_of_one_account_and_dimension_become_one_posting(self) -> None:
        document = {
            **SIMPLE,
            "lines": "grouped",
            "line": {
                "sum": {"from": "line.amount"},
                "km": {"from": "line.quantity"},
                "day": {"from": "line.date"},
            },
        }
        more: dict[str, Any] = {"unit": "km", "quantity": Decimal("10"), "text": "Drive"}
        claim = record(
            line("2026-03-01", "10.50", **more),
            line("2026-03-02", "5", "parking"),
            line("2026-03-02", "20", **more),
            line("2026-03-02", "1", cost_centre="210"),
            text="Meeting",
        )
        found = voucher(claim, document).lines
        assert [(v.account, str(v.amount), v.text, v.cost_centre) for v in found] == [
            ("7140", "30.50", "Drive", ""),
            ("7141", "5.00", "Meeting", ""),
            ("7140", "1.00", "Meeting", "210"),
            ("2400", "-36.50", "exp-1 Meeting", ""),
        ]
        assert found[0].fields == {"sum": "30.5", "km": "20"}

    def test_quantities_in_different_units_are_not_summed(self) -> None:
        document = {**SIMPLE, "lines": "grouped", "line": {"km": {"from": "line.quantity"}}}
        claim = record(
            line("2026-03-01", "1", unit="km", quantity=Decimal("10")),
            line("2026-03-01", "1", unit="pcs", quantity=Decimal("10")),
        )
        assert voucher(claim, document).lines[0].fields == {}

    def test_a_group_that_nets_to_nothing_is_not_posted(self) -> None:
        claim = record(ONE, line("2026-03-02", "-249"), line("2026-03-02", "7", "parking"))
        assert postings(claim, {**SIMPLE, "lines": "grouped"}) == [
            ("7141", "7.00"),
            ("2400", "-7.00"),
        ]


def test_texts_are_on_one_line() -> None:
    found = voucher(record(line("2026-03-01", "1", text="a\n\tb"), text="  two \r\n lines "))
    assert found.text == "exp-1 two lines"
    assert found.lines[0].text == "a b"


def test_filled_fields_are_not_shared_between_lines() -> None:
    document = {**SIMPLE, "counterLine": {"ref": "{voucher.reference}"}}
    found = voucher(record(line("2026-03-01", "0.005"), line("2026-03-01", "0.005")), document)
    assert [v.fields for v in found.lines] == [{"ref": "BREFERENCE"}] * 2
    assert found.lines[0].fields is not found.lines[1].fields


def test_the_posting_date_follows_the_delivery_settings() -> None:
    claim = record(ONE)
    assert voucher(claim).posting_date == date(2026, 3, 4)
    for rule, day in (("last_cost", date(2026, 3, 1)), ("cost_month_end", date(2026, 3, 31))):
        assert voucher(claim, delivery=Delivery(posting_date=rule)).posting_date == day
