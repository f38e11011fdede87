"""The record of the OpenAPI document is the record that is taken: same names, same needs."""

from datetime import date

import pytest
from pydantic import BaseModel

from bilag.api.record_model import (
    EXAMPLE,
    ApprovedRecord,
    Claimant,
    Declaration,
    Line,
    Receipt,
    WithdrawnRecord,
)
from bilag.core.record import Record
from bilag.records.validate import FIELDS, Withdrawal, validate

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("part", "model"),
    [
        ("", ApprovedRecord), ("line", Line), ("claimant", Claimant), ("receipt", Receipt),
        ("declaration", Declaration),
    ],
)  # fmt: skip
def test_every_field_is_documented_and_every_documented_field_is_taken(
    part: str, model: type[BaseModel]
) -> None:
    assert set(model.model_json_schema()["properties"]) == set(FIELDS[part])


def test_the_example_is_taken() -> None:
    assert isinstance(validate(EXAMPLE, today=TODAY, source_system="app"), Record)


@pytest.mark.parametrize("name", ApprovedRecord.model_json_schema()["required"])
def test_what_is_documented_as_required_is_required(name: str) -> None:
    without = {key: value for key, value in EXAMPLE.items() if key != name}

    found = validate(without, today=TODAY, source_system="app")

    assert isinstance(found, list)
    assert [problem.field for problem in found] == [name]


def test_a_withdrawal_as_documented_is_taken() -> None:
    assert WithdrawnRecord.model_json_schema()["required"] == ["sourceId", "status"]
    raw = {"sourceId": "C1", "status": "withdrawn", "withdrawnAt": "2026-11-02T09:30:00Z",
           "withdrawnBy": "coordinator-3"}  # fmt: skip

    assert isinstance(validate(raw, today=TODAY, source_system="app"), Withdrawal)
