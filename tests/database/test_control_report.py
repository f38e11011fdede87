"""O8: the sum rule by period, book and currency, to the øre, and the hash in the audit chain."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from bilag.core.problem import Refused
from bilag.monitoring.control import (
    ControlReport,
    Period,
    all_rows,
    control_report,
    made_reports,
    make_report,
    period_of,
    report_rows,
)
from bilag.monitoring.files import control_file
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage, connect_owner, problem, record

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


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


def period(stage: Stage, first: date = FIRST, last: date = LAST) -> Period:
    with within(stage) as connection:
        return period_of(connection, stage.alice.organization, "main", first, last)


def report(stage: Stage, first: date = FIRST, last: date = LAST) -> ControlReport:
    asked = period(stage, first, last)
    with within(stage) as connection:
        return control_report(connection, stage.alice.organization, asked)


def test_what_was_approved_is_the_sum_of_all_states(stage: Stage) -> None:
    stage.alice.hand_over(
        record("C1"), record("C2"), record("C3"), record("C4"),
        record("C5", currency="EUR", exchangeRate="11.5", exchangeRateDate="2026-11-01"),
    )  # fmt: skip
    stage.bring(stage.alice.export_id("C1"), "sending", "exported")
    stage.bring(stage.alice.export_id("C2"), "sending", "failed")
    stage.bring(stage.alice.export_id("C3"), "sending", "in_doubt", "needs_review")
    found = report(stage)
    euros, kroner = found.sums
    assert (euros.currency, kroner.currency) == ("EUR", "NOK")
    assert kroner.approved == (4, Decimal("1398.00"))
    assert kroner.states == {
        "exported": (1, Decimal("349.50")), "pending": (1, Decimal("349.50")),
        "failed": (1, Decimal("349.50")), "needs_review": (1, Decimal("349.50")),
    }  # fmt: skip
    assert list(kroner.states) == ["exported", "pending", "failed", "needs_review"]
    assert euros.approved == (1, Decimal("349.50"))
    assert found.balances


def test_a_period_is_of_oslos_days_and_a_record_belongs_to_one(stage: Stage) -> None:
    stage.alice.hand_over(
        record("C1", approvedAt="2026-10-31T22:59:59Z"),  # 23:59:59 on the last day of October
        record("C2", approvedAt="2026-10-31T23:00:00Z"),
        record("C3", approvedAt="2026-11-30T22:59:59Z"),
        record("C4", approvedAt="2026-11-30T23:00:00Z"),
    )  # fmt: skip
    assert report(stage).sums[0].approved[0] == 2
    assert report(stage, date(2026, 10, 1), date(2026, 10, 31)).sums[0].approved[0] == 1
    assert report(stage, date(2026, 12, 1), date(2026, 12, 31)).sums[0].approved[0] == 1
    assert report(stage, date(2025, 12, 1), date(2025, 12, 31)).sums == ()


def test_a_revision_counts_in_its_own_period_and_the_old_one_as_superseded(stage: Stage) -> None:
    stage.alice.hand_over(record("C1", approvedAt="2026-10-02T10:00:00Z"))
    lines = [{"date": "2026-10-05", "type": "meal", "amount": "99.90"}]
    stage.alice.hand_over(record("C1", revision=2, lines=lines))
    (october,) = report(stage, date(2026, 10, 1), date(2026, 10, 31)).sums
    (november,) = report(stage).sums
    assert october.states == {"superseded": (1, Decimal("349.50"))}
    assert november.states == {"pending": (1, Decimal("99.90"))}
    assert october.difference == november.difference == (0, 0)


def test_a_claim_of_two_accounting_years_is_two_vouchers_of_one_sum(stage: Stage) -> None:
    lines = [
        {"date": "2025-12-30", "type": "travel", "amount": "100.10"},
        {"date": "2026-01-02", "type": "meal", "amount": "50.05"},
    ]
    stage.alice.hand_over(record("C1", lines=lines))
    (found,) = report(stage).sums
    assert found.approved == (2, Decimal("150.15"))
    assert found.difference == (0, 0)


def test_what_was_forced_and_reversed_stands_apart(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"))
    stage.bring(stage.alice.export_id("C1"), "sending", "exported")
    for kind, generation in (("forced", 2), ("reversal", 3)):
        stage.query(
            "INSERT INTO exports (organization_id, integration_id, book_id, record_id,"
            " source_system, source_id, revision, generation, kind, live, category, currency,"
            " amount, reference, state) SELECT organization_id, integration_id, book_id, record_id,"
            " source_system, source_id, revision, %s, %s, false, category, currency,"
            " CASE %s WHEN 'reversal' THEN -amount ELSE amount END, reference || %s, 'held'"
            " FROM exports WHERE kind = 'original'", generation, kind, kind, kind[0],
        )  # fmt: skip
    (found,) = report(stage).sums
    assert found.approved == (1, Decimal("349.50"))
    assert found.states == {"exported": (1, Decimal("349.50"))}
    assert found.forced == {"held": (1, Decimal("349.50"))}
    assert found.reversals == {"held": (1, Decimal("-349.50"))}
    assert found.difference == (0, 0)


def test_a_fault_shows_as_a_difference(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"), record("C2"), record("C3"))
    with connect_owner(stage) as owner:
        owner.execute("ALTER TABLE exports DISABLE TRIGGER never_deleted")
        owner.execute("UPDATE exports SET amount = amount - 0.01 WHERE source_id = 'C1'")
        owner.execute("DELETE FROM exports WHERE source_id = 'C2'")
    (found,) = report(stage).sums
    assert found.difference == (1, Decimal("349.51"))
    assert found.without_export == 1
    assert not report(stage).balances


def test_the_report_that_is_made_stands_in_the_audit_chain_with_its_hash(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"))
    asked = period(stage)
    with within(stage) as connection:
        made = make_report(connection, stage.alice.organization, asked, actor="user a@example.org")
    ((event, actor, subject, detail),) = stage.query(
        "SELECT event, actor, subject, detail FROM change_logs"
    )
    assert (event, actor) == ("control_report.made", "user a@example.org")
    assert subject == "book main 2026-11-01 - 2026-11-30"
    again = hashlib.sha256(orjson.dumps(detail["report"], option=orjson.OPT_SORT_KEYS)).hexdigest()
    assert made.hash == detail["hash"] == again == made.report.hash
    stage.bring(stage.alice.export_id("C1"), "sending", "exported")
    with within(stage) as connection:
        (kept,) = made_reports(connection, stage.alice.organization, report_id=made.id)
    assert kept == made, "what was made stays as it was"
    assert kept.report.sums[0].states == {"pending": (1, Decimal("349.50"))}
    assert report(stage).hash != made.hash
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, stage.charlie.organization),
    ):
        assert made_reports(connection, stage.charlie.organization) == []


def test_each_sum_leads_to_its_records_page_by_page(stage: Stage) -> None:
    stage.alice.hand_over(*(record(f"C{number}") for number in range(7)))
    stage.bring(stage.alice.export_id("C3"), "sending", "failed")
    asked = period(stage)
    with within(stage) as connection:
        failed = report_rows(connection, asked, currency="NOK", state="failed", listing="current")
        assert [row.source_id for row in failed] == ["C3"]
        first = report_rows(connection, asked, state="pending", limit=4)
        rest = report_rows(connection, asked, state="pending", after=first[-1].id, limit=4)
        assert [r.source_id for r in first + rest] == ["C0", "C1", "C2", "C4", "C5", "C6"]
        assert len(list(all_rows(connection, asked))) == 7


def test_the_file_holds_no_formula_and_every_row(stage: Stage) -> None:
    stage.alice.hand_over(record("=1+1"), record("C2"))
    asked = period(stage)
    with within(stage) as connection:
        text = control_file(all_rows(connection, asked)).decode("utf-8-sig")
    names, first, second = text.splitlines()
    assert names.startswith("claim;revision;generation;kind;state;currency;amount;approved")
    assert first.startswith("'=1+1;1;1;original;pending;NOK;349,50;2026-11-02;")
    assert second.startswith("C2;")


@pytest.mark.parametrize(
    ("book", "first", "last", "code"),
    [
        ("nowhere", FIRST, LAST, "book_unknown"),
        ("main", LAST, FIRST, "control_days"),
        ("main", date(2020, 1, 1), LAST, "control_long"),
        ("main", date(1, 1, 1), date(1, 1, 2), "control_long"),
        ("main", date(9999, 12, 31), date(9999, 12, 31), "control_long"),
    ],
)
def test_a_period_that_is_none_is_refused(
    stage: Stage, book: str, first: date, last: date, code: str
) -> None:
    with within(stage) as connection, pytest.raises(Refused) as refused:
        period_of(connection, stage.alice.organization, book, first, last)
    assert refused.value.problems[0].code == code


def test_the_same_over_http(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"))
    path = "/api/v1/control-report?book=main&from=2026-11-01&to=2026-11-30"
    found = stage.alice.get(path)
    assert found["totals"][0]["approved"] == {"count": 1, "amount": "349.5"}
    assert found["balances"] is True
    assert stage.query("SELECT count(*) FROM change_logs") == [(0,)], "asking leaves nothing"
    body = {"book": "main", "from": "2026-11-01", "to": "2026-11-30"}
    answer = stage.alice.ask("POST", "/api/v1/control-report", body)
    assert answer.status_code == 201, answer.content
    assert json.loads(answer.content)["hash"] == found["hash"]
    assert stage.query("SELECT event FROM change_logs") == [("control_report.made",)]
    wrong = stage.alice.ask("GET", path.replace("main", "nowhere"))
    assert problem(wrong, 422)["code"] == "book_unknown"
