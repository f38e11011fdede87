"""Posting dates in a closed period: held by policy, or moved to the first open day (E15).

The moved date decides the accounting year, and with it the number series.
"""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bilag.core.voucher import Voucher
from bilag.integrations.model import Delivery
from bilag.mapping.amounts import parts
from bilag.mapping.document import read_document
from bilag.mapping.result import Excluded, Missing
from bilag.mapping.voucher import Mapping, compile_mapping
from tests.unit.test_mapping_samples import ALL, SIMPLE, book, line, record

YEAR_END = date(2025, 12, 31)
NEW_YEAR = date(2026, 1, 1)
DECEMBER = datetime(2025, 12, 30, 9, 0, tzinfo=UTC)
OLD, NEW = line("2025-12-30", "100"), line("2026-01-02", "50.25")


def compiled(
    closed_through: date | None = YEAR_END,
    *,
    rule: str = "approval",
    policy: str = "stop",
    language: str = "nb",
    document: dict[str, Any] | None = None,
    **of_book: Any,
) -> Mapping:
    return compile_mapping(
        read_document({**SIMPLE, **(document or {})}),
        book(closed_through=closed_through, **of_book),
        Delivery.model_validate({"postingDate": rule}),
        {},
        ALL,
        closed_periods=policy,
        language=language,
    )


def posted(result: Voucher | Missing | Excluded) -> Voucher:
    assert isinstance(result, Voucher), result
    return result


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ("stop", "period_closed"),
        ("ask", "period_closed_ask"),
        ("first_open_day", "period_closed_moves"),
    ],
)
def test_a_date_in_a_closed_period_is_held_by_name_of_the_days(policy: str, code: str) -> None:
    result = compiled(policy=policy).voucher(record(OLD, approved_at=DECEMBER), "B")
    assert isinstance(result, Missing)
    (problem,) = result.problems
    assert (problem.code, problem.field) == (code, "postingDate")
    assert problem.params == {"day": "2025-12-30", "closed": "2025-12-31", "open": "2026-01-01"}
    days = {"nb": "30.12.2025", "nn": "30.12.2025", "en": "2025-12-30"}
    assert all(day in problem.text(language) for language, day in days.items())
    closed = {"nb": "31.12.2025", "nn": "31.12.2025", "en": "2025-12-31"}
    assert all(day in problem.text(language) for language, day in closed.items())


@pytest.mark.parametrize("closed_through", [None, date(2025, 12, 29)])
def test_the_day_after_the_closed_one_is_open(closed_through: date | None) -> None:
    claim = record(OLD, approved_at=DECEMBER)
    found = posted(compiled(closed_through).voucher(claim, "B"))
    assert (found.posting_date, found.text) == (date(2025, 12, 30), "exp-1")


def test_a_decided_day_moves_the_voucher_into_the_next_accounting_year() -> None:
    found = posted(compiled().voucher(record(OLD, approved_at=DECEMBER), "B", 0, NEW_YEAR))
    assert (found.posting_date, found.accounting_year) == (NEW_YEAR, 2026)


def test_the_accounting_year_of_a_moved_date_is_that_of_the_book() -> None:
    mapping = compiled(date(2026, 6, 30), year_start_month=7, rule="last_cost")
    claim = record(line("2026-06-15", "10"))
    found = posted(mapping.voucher(claim, "B", 0, date(2026, 7, 1)))
    assert (found.posting_date, found.accounting_year) == (date(2026, 7, 1), 2026)


@pytest.mark.parametrize("decided", [None, date(2025, 12, 1), date(2026, 2, 1), YEAR_END])
def test_only_the_first_open_day_of_now_counts(decided: date | None) -> None:
    result = compiled().voucher(record(OLD, approved_at=DECEMBER), "B", 0, decided)
    assert isinstance(result, Missing)


def test_a_decision_does_not_move_what_is_open() -> None:
    claim = record(NEW, approved_at=datetime(2026, 1, 20, 9, 0, tzinfo=UTC))
    assert posted(compiled().voucher(claim, "B", 0, NEW_YEAR)).posting_date == date(2026, 1, 20)
    opened = compiled(None).voucher(record(OLD, approved_at=DECEMBER), "B", 0, NEW_YEAR)
    assert posted(opened).posting_date == date(2025, 12, 30)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nb", "exp-1 Møte (opprinnelig dato 30.12.2025)"),
        ("nn", "exp-1 Møte (opphavleg dato 30.12.2025)"),
        ("en", "exp-1 Møte (original date 2025-12-30)"),
    ],
)
def test_the_original_date_stays_in_the_text(language: str, text: str) -> None:
    claim = record(OLD, approved_at=DECEMBER, text="Møte")
    found = posted(compiled(language=language).voucher(claim, "B", 0, NEW_YEAR))
    assert found.text == text
    assert found.lines[-1].text == text, "the counter-posting carries the voucher's text"


@pytest.mark.parametrize("limit", ["truncate", "maxLength"])
def test_the_original_date_takes_its_place_within_the_limit_of_the_text(limit: str) -> None:
    rule = {"template": "{text}", limit: 45}
    mapping = compiled(document={"voucherText": rule})
    claim = record(OLD, approved_at=DECEMBER, text="Visit to a member in Hamar and a meeting")
    found = posted(mapping.voucher(claim, "B", 0, NEW_YEAR))
    assert found.text == "Visit to a memb (opprinnelig dato 30.12.2025)"
    assert len(found.text) <= 45


def test_the_parts_of_a_claim_over_two_years_move_each_by_its_own_date() -> None:
    claim = record(OLD, NEW, approved_at=datetime(2026, 1, 10, 9, 0, tzinfo=UTC))
    mapping = compiled()
    years = [year for year, _ in parts(claim, book(), "split")]
    assert years == [2025, 2026]
    assert isinstance(mapping.voucher(claim, "B", 2025), Missing), "its date is in 2025"
    moved = posted(mapping.voucher(claim, "B", 2025, NEW_YEAR))
    stays = posted(mapping.voucher(claim, "B", 2026))
    assert (moved.posting_date, moved.accounting_year) == (NEW_YEAR, 2026)
    assert (stays.posting_date, stays.accounting_year) == (date(2026, 1, 10), 2026)
    assert "30.12.2025" in moved.text
    assert "2025" not in stays.text
    assert moved.claim_total + stays.claim_total == 150.25


def test_a_closed_period_is_listed_with_everything_else_that_is_missing() -> None:
    claim = record(line("2025-12-30", "1", "ferry"), approved_at=DECEMBER)
    result = compiled().voucher(claim, "B")
    assert isinstance(result, Missing)
    assert [p.code for p in result.problems] == ["period_closed", "type_not_mapped"]


def test_the_policy_tells_where_a_preview_moves() -> None:
    assert compiled(policy="first_open_day").policy_day == NEW_YEAR
    assert compiled(None, policy="first_open_day").policy_day is None
    assert compiled(policy="ask").policy_day is None
