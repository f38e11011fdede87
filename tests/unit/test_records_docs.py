"""docs/records.md names every field, every limit and every code that there is."""

from pathlib import Path

import pytest

from bilag.core.texts_records import RECORD_TEXTS
from bilag.records import fields
from bilag.records.profile import FIELD_KINDS, Profile, Source
from bilag.records.rows import ROW_CHARACTERS_MAX
from bilag.records.validate import STATUSES

TEXT = (Path(__file__).parents[2] / "docs/records.md").read_text(encoding="utf-8")
KEYS = [
    field.alias or name for model in (Profile, Source) for name, field in model.model_fields.items()
]


@pytest.mark.parametrize("code", RECORD_TEXTS)
def test_every_code_is_told(code: str) -> None:
    assert f"| `{code}` |" in TEXT


@pytest.mark.parametrize("name", [*FIELD_KINDS, *KEYS, *STATUSES])
def test_every_field_and_key_is_told(name: str) -> None:
    assert f"`{name.rpartition('.')[2]}" in TEXT or f"`{name}" in TEXT or f".{name}`" in TEXT


@pytest.mark.parametrize(
    "limit",
    [fields.TEXT_MAX, fields.ID_MAX, fields.CODE_MAX, fields.LINES_MAX, fields.COUNT_MAX,
     fields.EXTRA_MAX, fields.DAYS_AHEAD.days, ROW_CHARACTERS_MAX],
)  # fmt: skip
def test_every_limit_is_told(limit: int) -> None:
    assert f"{limit:,}" in TEXT
