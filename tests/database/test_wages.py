"""I9: pay, taxable mileage and reimbursements of a person and year, and the limits of the law."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.core.problem import Refused
from bilag.monitoring.files import payroll_file
from bilag.monitoring.wages import (
    PersonWages,
    list_rates,
    payroll_list,
    persons_of_year,
    set_rate,
    wages_of_year,
)
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage, connect_owner, problem, record
from tests.database.watch_stage import bound


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


@contextmanager
def within(stage: Stage) -> Iterator[psycopg.Connection[Any]]:
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, stage.alice.organization),
    ):
        yield connection


def honorarium(source_id: str, amount: str, **changes: Any) -> dict[str, Any]:
    lines = [{"date": "2026-10-05", "type": "honorarium", "amount": amount}]
    declaration = {"templateId": "D1", "version": "1", "acknowledgedAt": "2026-10-01T10:00:00Z"}
    return record(source_id, category="honorarium", lines=lines, declaration=declaration, **changes)


def mileage(source_id: str, *trips: tuple[str, str, str], **changes: Any) -> dict[str, Any]:
    """Trips are day, kilometres and rate."""
    lines = [
        {"date": day, "type": "mileage", "amount": str(Decimal(km) * Decimal(rate)),
         "quantity": km, "unit": "km", "rate": rate}
        for day, km, rate in trips
    ]  # fmt: skip
    return record(source_id, category="mileage", lines=lines, **changes)


def person(stage: Stage, year: int = 2026, who: str = "V017") -> PersonWages | None:
    with within(stage) as connection:
        return next((p for p in persons_of_year(connection, year) if p.claimant_id == who), None)


def near(stage: Stage) -> dict[str, str]:
    found = person(stage)
    assert found is not None
    with within(stage) as connection:
        limits = wages_of_year(connection, stage.alice.organization, 2026).limits
    return {name: how for name, how in limits.of(found).items() if how}


def test_what_a_person_was_paid_in_a_year(stage: Stage) -> None:
    stage.alice.hand_over(
        honorarium("H1", "1500.50"),
        honorarium("H2", "499.50"),
        mileage("M1", ("2026-10-05", "100", "5.30"), ("2026-10-06", "10.5", "3.50")),
        record("C1"),
        record("A1", category="activity", lines=[]),
    )
    found = person(stage)
    assert found == PersonWages(
        "V017", "Volunteer 017", 2, Decimal("2000.00"), Decimal("110.5"),
        Decimal("386.75"), Decimal("180.00"), Decimal("349.50"), 0, 0,
    )  # fmt: skip
    assert found.basis == Decimal("2180.00")
    assert person(stage, 2025) is None


def test_only_the_newest_revision_of_what_is_still_approved_counts(stage: Stage) -> None:
    stage.alice.hand_over(honorarium("H1", "1000"), honorarium("H2", "500"))
    stage.alice.hand_over(honorarium("H1", "1200", revision=2))
    withdrawn = stage.alice.ask(
        "POST", "/api/v1/records",
        {"sourceId": "H2", "status": "withdrawn",
         "withdrawnAt": "2026-11-03T09:00:00Z", "withdrawnBy": "coordinator-3"},
    )  # fmt: skip
    assert withdrawn.status_code in (200, 201), withdrawn.content
    found = person(stage)
    assert found is not None
    assert (found.payments, found.pay) == (1, Decimal("1200"))


def test_a_year_is_the_calendar_year_of_the_approval_in_oslo(stage: Stage) -> None:
    stage.alice.hand_over(
        honorarium("H1", "1", approvedAt="2025-12-31T22:59:59Z"),
        honorarium("H2", "20", approvedAt="2025-12-31T23:00:00Z"),
    )
    before, after = person(stage, 2025), person(stage, 2026)
    assert before is not None
    assert after is not None
    assert (before.pay, after.pay) == (1, 20)


@pytest.mark.parametrize(
    ("amount", "nearness"),
    [("8999.99", ""), ("9000", "near"), ("10000", "near"), ("10000.01", "over")],
)
def test_the_warning_before_10000(stage: Stage, amount: str, nearness: str) -> None:
    stage.alice.hand_over(honorarium("H1", amount))
    assert near(stage).get("pay_tax_free", "") == nearness


def test_taxable_mileage_counts_towards_the_limit_of_pay(stage: Stage) -> None:
    stage.alice.hand_over(honorarium("H1", "9900"), mileage("M1", ("2026-10-05", "100", "4.51")))
    assert near(stage) == {"pay_tax_free": "over"}


@pytest.mark.parametrize(
    ("amount", "nearness"),
    [("71999.99", ""), ("72000", "near"), ("80000", "near"), ("80000.01", "over")],
)
def test_the_warning_before_80000(stage: Stage, amount: str, nearness: str) -> None:
    stage.alice.hand_over(honorarium("H1", amount))
    assert near(stage).get("person_contributions", "") == nearness


@pytest.mark.parametrize(
    ("amount", "nearness"),
    [("719999.99", ""), ("720000", "near"), ("800000", "near"), ("800000.01", "over")],
)
def test_the_warning_before_800000_of_the_organization(
    stage: Stage, amount: str, nearness: str
) -> None:
    half = {"claimant": {"id": "V018", "name": "Volunteer 018"}}
    stage.alice.hand_over(honorarium("H1", "400000"),
                          honorarium("H2", str(Decimal(amount) - 400000), **half))  # fmt: skip
    with within(stage) as connection:
        found = wages_of_year(connection, stage.alice.organization, 2026)
    assert found.nearness == nearness
    assert (found.persons, found.to_be_reported) == (2, 2)


def test_reimbursements_above_10000_are_reported(stage: Stage) -> None:
    lines = [{"date": "2026-10-05", "type": "travel", "amount": "10000.01"}]
    stage.alice.hand_over(record("C1", lines=lines))
    assert near(stage) == {"reimbursements_reported": "over"}


def test_the_share_from_which_it_is_near_is_a_setting(stage: Stage) -> None:
    stage.alice.hand_over(honorarium("H1", "5000"))
    assert near(stage) == {}
    bound(stage, wage_warning_percent=50)
    assert near(stage) == {"pay_tax_free": "near"}


def test_rates_hold_from_their_day_by_the_day_of_driving(stage: Stage) -> None:
    with connect_owner(stage) as owner:
        owner.execute("INSERT INTO wage_rates VALUES ('mileage_tax_free', '2026-07-01', 4.00)")
    stage.alice.hand_over(
        mileage("M1", ("2026-06-30", "100", "5.00"), ("2026-07-01", "100", "5.00"))
    )
    found = person(stage)
    assert found is not None
    assert (found.mileage_taxable, found.mileage_tax_free) == (250, 750)
    with within(stage) as connection:
        set_rate(
            connection, stage.alice.organization, "mileage_tax_free", date(2026, 1, 1),
            Decimal("4.50"), actor="test",
        )  # fmt: skip
        assert [r.amount for r in list_rates(connection, stage.alice.organization) if r.own] == [
            Decimal("4.5")
        ]
    found = person(stage)
    assert found is not None
    assert found.mileage_taxable == 100, "its own rate holds for the organization"
    assert stage.query("SELECT event, detail FROM change_logs") == [
        ("wages.rate", {"from": "2026-01-01", "amount": "4.50"})
    ]


@pytest.mark.parametrize(
    ("kind", "amount", "code"),
    [("bonus", "1", "wage_kind"), ("pay_tax_free", "-1", "wage_rate"),
     ("pay_tax_free", "0.00001", "wage_rate")],
)  # fmt: skip
def test_a_rate_that_is_none_is_refused(stage: Stage, kind: str, amount: str, code: str) -> None:
    with within(stage) as connection, pytest.raises(Refused) as refused:
        set_rate(
            connection, stage.alice.organization, kind, date(2026, 1, 1), Decimal(amount),
            actor="test",
        )  # fmt: skip
    assert refused.value.problems[0].code == code


def test_what_cannot_be_told_is_said(stage: Stage) -> None:
    lines = [{"date": "2026-10-05", "type": "mileage", "amount": "530"}]
    stage.alice.hand_over(
        record("M1", category="mileage", lines=lines),
        record("C1", currency="EUR", exchangeRate="11.5", exchangeRateDate="2026-11-01"),
    )
    found = person(stage)
    assert found is not None
    assert (found.unclear, found.other_currencies) == (1, 1)
    assert found.reimbursements == 530


def test_the_payroll_list_has_income_codes_and_counts(stage: Stage) -> None:
    stage.alice.hand_over(
        honorarium("H1", "12000", claimant={"id": "V017", "name": "=Volunteer 017"}),
        mileage("M1", ("2026-10-05", "100", "5.30"), claimant={"id": "V018"}),
        record("C1"),
    )
    with within(stage) as connection:
        lines = payroll_list(connection, stage.alice.organization, 2026)
    charity = "loennUtbetaltAvVeldedigEllerAllmennyttigInstitusjonEllerOrganisasjon"
    car = "kilometergodtgjoerelseBil"
    assert [(o.claimant_id, o.income_code, o.taxable, o.count, o.amount) for o in lines] == [
        ("V017", charity, True, 1, 12000),
        ("V018", car, False, 100, 350),
        ("V018", car, True, None, 180),
    ]  # fmt: skip
    assert [one.to_be_reported for one in lines] == [True, False, False]
    text = payroll_file(2026, lines).decode("utf-8-sig")
    assert "V017;'=Volunteer 017;2026;" in text
    assert ";100,00;km;350,00;no" in text


def test_persons_come_page_by_page(stage: Stage) -> None:
    for number in range(5):
        stage.alice.hand_over(honorarium(f"H{number}", "100", claimant={"id": f"V{number}"}))
    with within(stage) as connection:
        first = persons_of_year(connection, 2026, limit=3)
        place = (first[-1].basis, first[-1].claimant_id)
        rest = persons_of_year(connection, 2026, after=place, limit=3)
    assert [p.claimant_id for p in first + rest] == ["V0", "V1", "V2", "V3", "V4"]


def test_the_same_over_http_and_nothing_for_an_outsider(stage: Stage) -> None:
    stage.alice.hand_over(honorarium("H1", "9500"))
    found = stage.alice.get("/api/v1/wages?year=2026")
    (one,) = found["persons"]
    assert one["claimantId"] == "V017"
    assert one["pay"] == "9500"
    assert one["limits"] == {"pay_tax_free": "near"}
    (line,) = stage.alice.get("/api/v1/wages/payroll-list?year=2026")["lines"]
    assert (line["count"], line["amount"]) == ("1", "9500")
    assert stage.charlie.get("/api/v1/wages?year=2026")["persons"] == []
    assert problem(stage.alice.ask("GET", "/api/v1/wages?year=17"), 422)
