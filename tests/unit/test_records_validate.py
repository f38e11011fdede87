"""Validation: the same record in every spelling is one record; what is stored validates again."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilag.core.record import CATEGORIES, Declaration, Receipt, Record, RecordLine, content_hash
from bilag.records.fields import ZONE
from bilag.records.json_text import parse_json
from bilag.records.validate import NotApproved, Withdrawal, validate
from tests.unit.test_records_malformed import PERSON, TODAY, record


def taken(raw: Any, source_system: str = "app") -> Record:
    found = validate(raw, today=TODAY, source_system=source_system)
    assert isinstance(found, Record), found
    return found


def codes(raw: Any, source_system: str = "app") -> list[tuple[str, str]]:
    found = validate(raw, today=TODAY, source_system=source_system)
    assert isinstance(found, list), found
    return [(problem.code, problem.field) for problem in found]


def test_every_field_arrives() -> None:
    found = taken(parse_json(json.dumps(record())))
    assert found == Record(
        source_system="app",
        source_id="CLAIM-1",
        revision=1,
        category="expense",
        currency="NOK",
        claimant_id="volunteer-017",
        claimant_name="Volunteer 017",
        approved_by="coordinator-001",
        approved_at=datetime(2026, 2, 3, 9, 30, tzinfo=ZONE),
        created_at=datetime(2026, 2, 1, 19, 4, 11, tzinfo=ZONE),
        text="Board meeting",
        participants=4,
        hours=Decimal("2.5"),
        exchange_rate=Decimal("11.625"),
        exchange_rate_date=date(2026, 2, 1),
        lines=(
            RecordLine(date(2026, 1, 30), "meeting", Decimal("100.25"), "Coffee"),
            RecordLine(
                date(2026, 1, 31),
                "travel",
                Decimal("50.25"),
                quantity=Decimal(2),
                unit="km",
                rate=Decimal("3.5"),
                book_amount=Decimal("50.25"),
            ),
        ),
        receipts=(Receipt("receipt-1", "1.pdf", "https://example.org/1"),),
        declaration=Declaration("driver", "2", datetime(2026, 1, 10, 11, tzinfo=ZONE)),
        extra={"event": "conference"},
    )


@pytest.mark.parametrize(
    ("path", "spellings"),
    [
        ("approvedAt", ["2026-02-03T08:30:00Z", "2026-02-03 08:30+00:00", "2026-02-03T10:30+02"]),
        ("sourceId", ["CLAIM-1", " CLAIM-1 "]),
        ("text", ["cafe\u0301", "caf\u00e9", " café\n"]),
        ("total", ["150.50", "150.5", Decimal("150.5"), Decimal("150.50")]),
        ("hours", [None, ""]),
    ],
)
def test_spellings_of_one_record_have_one_content(path: str, spellings: list[object]) -> None:
    hashes = {content_hash(taken(record() | {path: each}).as_content()) for each in spellings}
    assert len(hashes) == 1


def test_an_approval_at_midnight_in_norway_is_on_norways_day() -> None:
    found = taken(record() | {"approvedAt": "2025-12-31T23:30:00Z"})
    assert found.approved_at.date() == date(2026, 1, 1)


def test_all_problems_of_a_record_are_listed_with_their_lines() -> None:
    raw = record() | {"currency": "kr", "unknown": 1}
    raw["lines"][0]["amount"] = "1,50"
    raw["lines"][1]["date"] = "yesterday"
    raw["lines"][1]["text"] = PERSON
    del raw["approvedAt"]
    found = validate(raw, today=TODAY, source_system="app")
    assert isinstance(found, list)
    assert {(p.line, p.field) for p in found} == {
        (None, "currency"),
        (None, "unknown"),
        (None, "approvedAt"),
        (1, "lines[1].amount"),
        (2, "lines[2].date"),
        (2, "lines[2].text"),
    }
    assert {p.record for p in found} == {"CLAIM-1"}


@pytest.mark.parametrize("status", ["pending", "rejected"])
def test_what_is_not_approved_is_told_even_when_incomplete(status: str) -> None:
    found = validate(
        {"sourceId": "A", "status": status, "lines": "later"}, today=TODAY, source_system="app"
    )
    assert isinstance(found, NotApproved)
    assert status in found.problem().text("en")


def test_paid_is_approved_and_remembered() -> None:
    assert taken(record() | {"status": "paid"}).paid
    assert not taken(record()).paid


def test_a_withdrawal_needs_no_more_than_the_id() -> None:
    raw = {"sourceId": "A", "status": "withdrawn", "withdrawnAt": "2026-02-03T08:30:00Z"}
    found = validate(raw, today=TODAY, source_system="app")
    assert found == Withdrawal("app", "A", datetime(2026, 2, 3, 9, 30, tzinfo=ZONE))
    assert codes({"status": "withdrawn"}) == [("field_missing", "sourceId")]


def test_a_record_without_a_deliverer_must_name_its_source_system() -> None:
    assert taken(record() | {"sourceSystem": "app"}, "").source_system == "app"
    assert codes(record(), "") == [("field_missing", "sourceSystem")]


@pytest.mark.parametrize(
    ("day", "good"),
    [("1999-12-31", False), ("2000-01-01", True), ("2027-04-01", True), ("2027-04-02", False)],
)
def test_dates_lie_between_2000_and_a_year_ahead(day: str, good: bool) -> None:
    raw = record() | {"exchangeRateDate": day}
    if good:
        assert taken(raw).exchange_rate_date == date.fromisoformat(day)
    else:
        assert codes(raw) == [("date_out_of_range", "exchangeRateDate")]


def test_an_activity_needs_no_lines() -> None:
    found = taken(record() | {"category": "activity", "lines": [], "total": None})
    assert found.lines == ()


def test_a_record_of_thousands_of_unknown_fields_is_one_problem() -> None:
    assert ("fields_too_many", "") in codes(record() | {f"f{n}": 1 for n in range(100_000)})


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30).filter(
    lambda text: not any(c.isdigit() for c in text) and not set(text) & {"\ufffe", "\uffff"}
)
ids = words.filter(lambda text: bool(text.strip()))
amounts = st.decimals(-(10**9), 10**9, places=4, allow_nan=False)
days = st.dates(date(2000, 1, 1), TODAY)
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), ZONE])
moments = st.builds(
    lambda second, zone: datetime.fromtimestamp(second, zone),
    st.integers(10**9, 1774 * 10**6),
    zones,
)


@st.composite
def raw_records(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "sourceId": draw(ids),
        "revision": draw(st.integers(1, 2**31 - 1)),
        "category": draw(st.sampled_from(CATEGORIES)),
        "currency": "NOK",
        "claimant": {"id": draw(ids), "name": draw(words)},
        "approvedBy": draw(ids),
        "approvedAt": draw(moments).isoformat(),
        "createdAt": draw(st.none() | moments.map(datetime.isoformat)),
        "text": draw(words),
        "paid": draw(st.booleans()),
        "exchangeRate": draw(st.none() | st.sampled_from(["11.625", "0.0712345678", "9"])),
        "hours": draw(st.none() | st.sampled_from(["0", "2.5"])),
        "lines": draw(
            st.lists(
                st.fixed_dictionaries(
                    {
                        "date": days.map(date.isoformat),
                        "type": ids,
                        "amount": amounts.map(str) | amounts,
                        "text": words,
                        "quantity": st.none() | amounts,
                    }
                ),
                min_size=1,
                max_size=4,
            )
        ),
        "extra": draw(st.dictionaries(ids, words.filter(str.strip), max_size=3)),
    }


@given(raw_records())
def test_what_is_stored_validates_to_itself(raw: dict[str, Any]) -> None:
    found = taken(raw)
    content = found.as_content()
    again = taken(parse_json(json.dumps(content)), "")
    assert again.as_content() == content
    assert Record.from_content(content).as_content() == content


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*record(), "sourceSystem", "x"]), json_values))
def test_nothing_makes_it_raise(raw: dict[str, Any]) -> None:
    validate(raw, today=TODAY, source_system="app")
    validate(record() | raw, today=TODAY, source_system="")
