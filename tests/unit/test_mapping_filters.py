"""The filters of C13, one by one: what is taken, what is left out and why, what nobody can tell."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from bilag.core.problem import Refused
from bilag.integrations.model import Book, Filters
from bilag.integrations.store import stored
from bilag.mapping.gates import compile_filters, gates_of
from bilag.mapping.result import Excluded, Missing

NOWHERE = UUID(int=1)
BOOK = Book(NOWHERE, NOWHERE, "main", "Main", "NOK")
LINE = {"date": "2026-10-05", "type": "travel", "amount": "249.50"}


def said(filters: dict[str, Any], **changes: Any) -> tuple[str, str] | None:
    """Return code and place of what a gate says of a claim of 249.50; None when it is taken."""
    content = {
        "sourceId": "C1", "category": "expense", "currency": "NOK", "lines": [LINE],
        "approvedAt": "2026-11-02T23:30:00+00:00", **changes,
    }  # fmt: skip
    refusal = compile_filters(Filters.model_validate(filters), BOOK)(content)
    match refusal:
        case Excluded(problem):
            return problem.code, problem.field
        case Missing((problem,)):
            return f"held: {problem.code}", problem.field
    assert refusal is None
    return None


@pytest.mark.parametrize(
    ("filters", "changes", "expected"),
    [
        ({}, {}, None),
        ({}, {"category": "activity"}, ("filter_category", "category")),
        ({"categories": []}, {}, ("filter_category", "category")),
        ({"status": "approved_and_paid"}, {}, ("filter_not_paid", "paid")),
        ({"status": "approved_and_paid"}, {"paid": True}, None),
        ({"status": "approved_not_paid"}, {"paid": True}, ("filter_paid", "paid")),
        ({"status": "approved_not_paid"}, {}, None),
        # half past midnight in Oslo: the day is the third
        ({"fromDate": "2026-11-03", "toDate": "2026-11-03"}, {}, None),
        ({"toDate": "2026-11-02"}, {}, ("filter_after", "approvedAt")),
        ({"fromDate": "2026-11-04"}, {}, ("filter_before", "approvedAt")),
        ({"dateField": "created", "fromDate": "2026-11-04"}, {},
         ("held: filter_date_missing", "createdAt")),
        ({"dateField": "created", "fromDate": "2026-11-04"}, {"createdAt": "2026-11-01T10:00:00Z"},
         ("filter_before", "createdAt")),
        ({"fromAmount": "249.5", "toAmount": "249.50"}, {}, None),
        ({"fromAmount": "249.51"}, {}, ("filter_amount_below", "lines")),
        ({"toAmount": "249.49"}, {}, ("filter_amount_above", "lines")),
        ({"toAmount": "0"}, {"lines": [{**LINE, "amount": "-3"}]}, None),
        ({"fromAmount": "499"}, {"lines": [LINE, LINE]}, None),
        ({"fromAmount": "2495"}, {"currency": "EUR", "exchangeRate": "10"}, None),
        ({"fromAmount": "2496"}, {"currency": "EUR", "exchangeRate": "10"},
         ("filter_amount_below", "lines")),
        ({"fromAmount": "1"}, {"currency": "EUR"}, ("held: filter_amount_unknown", "exchangeRate")),
        ({"costCentres": ["100"]}, {"costCentre": "100"}, None),
        ({"costCentres": ["100"]}, {"costCentre": "200"},
         ("filter_cost_centre", "lines[1].costCentre")),
        ({"costCentres": ["100"]}, {}, ("filter_cost_centre_none", "lines[1].costCentre")),
        ({"costCentres": ["100"]}, {"lines": [], "costCentre": "100"}, None),
        ({"costCentres": ["100"]}, {"lines": []}, ("filter_cost_centre_none", "costCentre")),
        ({"costCentres": ["100"]},
         {"costCentre": "100", "lines": [LINE, {**LINE, "costCentre": "200"}]},
         ("filter_cost_centre", "lines[2].costCentre")),
        ({"costCentres": ["100", "200"]},
         {"costCentre": "100", "lines": [LINE, {**LINE, "costCentre": "200"}]}, None),
        ({"projects": ["P1"]}, {"project": "P2"}, ("filter_project", "lines[1].project")),
        ({"projects": ["P1"]}, {"project": "P1"}, None),
        ({"projects": ["P1"]}, {}, ("filter_project_none", "lines[1].project")),
        # the first one that it does not pass is told
        ({"fromAmount": "9999", "projects": ["P1"]}, {"category": "activity"},
         ("filter_category", "category")),
    ],
)  # fmt: skip
def test_each_filter_takes_what_it_says(
    filters: dict[str, Any], changes: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    assert said(filters, **changes) == expected


def test_a_filter_that_is_not_set_is_not_asked() -> None:
    assert list(gates_of(Filters(), BOOK)) == ["categories"]
    every = Filters.model_validate(
        {"status": "approved_and_paid", "fromDate": "2026-01-01", "toAmount": 5,
         "costCentres": ["1"], "projects": ["2"]}
    )  # fmt: skip
    assert list(gates_of(every, BOOK)) == [
        "categories", "status", "dates", "amounts", "costCentres", "projects",
    ]  # fmt: skip


def test_filters_are_stored_as_texts_and_read_back_the_same() -> None:
    filters = Filters.model_validate(
        {"fromAmount": "249.50", "toAmount": 1000, "toDate": "2026-12-31", "projects": [" P1 "]}
    )
    kept = stored(filters)
    assert kept == {
        "fromAmount": "249.5", "toAmount": "1000", "toDate": "2026-12-31", "projects": ["P1"],
    }  # fmt: skip
    assert Filters.model_validate(kept) == filters
    assert filters.from_amount == Decimal("249.5")
    assert isinstance(hash(filters), int), "a sync keeps compiled mappings by it"


def test_filters_of_the_version_before_are_read_as_they_were() -> None:
    old = {"categories": ["expense"], "dateField": "created", "fromDate": "2026-01-01"}
    read = Filters.model_validate(old)
    assert (read.from_date, read.status, read.cost_centres) == (date(2026, 1, 1), "approved", ())
    assert stored(read) == old


@pytest.mark.parametrize("amount", [1.5, "1e3", "NaN", "1,50", True, "1" * 16, "0.00001", []])
def test_an_amount_that_is_not_exact_is_refused(amount: object) -> None:
    with pytest.raises(ValidationError) as refused:
        Filters.model_validate({"fromAmount": amount})
    (fault,) = refused.value.errors()
    assert isinstance(fault["ctx"]["error"], Refused)
    assert fault["ctx"]["error"].problems[0].code == "filter_amount_not_valid"


def test_what_nobody_can_mean_is_told() -> None:
    wrong = Filters.model_validate(
        {"categories": [], "fromDate": "2026-02-01", "toDate": "2026-01-31",
         "fromAmount": "2", "toAmount": "1"}
    )  # fmt: skip
    assert [(p.code, p.field) for p in wrong.faults()] == [
        ("filter_no_category", "categories"),
        ("filter_range_backwards", "toDate"),
        ("filter_range_backwards", "toAmount"),
    ]
    assert list(Filters().faults()) == []
