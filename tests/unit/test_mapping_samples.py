"""Records, books and mappings that the tests of mapping share, and the proof of the documentation.

The example in docs/mapping.md is read from the page, checked, and posted as the page says.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from bilag.core.record import Record, RecordLine
from bilag.core.texts import CATALOGUE
from bilag.core.texts_mapping import MAPPING_TEXTS
from bilag.core.voucher import Voucher
from bilag.integrations.model import Book, Delivery, Filters
from bilag.mapping.check import check_document
from bilag.mapping.document import read_document
from bilag.mapping.result import Excluded, Missing
from bilag.mapping.voucher import compile_mapping

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "mapping.md"
SIMPLE: dict[str, Any] = {
    "categories": {"train": {"account": "7140"}, "parking": {"account": "7141"}},
    "counterAccount": "2400",
    "claimants": {"volunteer-017": "10017"},
}
ALL = Filters(categories=("expense", "mileage", "honorarium", "activity"))


def book(**changes: Any) -> Book:
    given = {"currency": "NOK", "rounding_account": "7745", **changes}
    return Book(UUID(int=1), UUID(int=2), "main", "Main company", **given)


def line(day: str, amount: str, type_: str = "train", **more: Any) -> RecordLine:
    return RecordLine(date.fromisoformat(day), type_, Decimal(amount), **more)


def record(*lines: RecordLine, **changes: Any) -> dict[str, Any]:
    """The stored form of an approved expense claim of volunteer 017."""
    given: dict[str, Any] = {
        "source_system": "app",
        "source_id": "exp-1",
        "revision": 1,
        "category": "expense",
        "currency": "NOK",
        "claimant_id": "volunteer-017",
        "approved_by": "coordinator-3",
        "approved_at": datetime(2026, 3, 4, 12, 30, tzinfo=UTC),
        "lines": lines,
        **changes,
    }
    return Record(**given).as_content()


def mapped(
    content: dict[str, Any],
    document: dict[str, Any] | None = None,
    *,
    part: int = 0,
    into: Book | None = None,
    delivery: Delivery | None = None,
    filters: Filters = ALL,
    declaration: dict[str, Any] | None = None,
    carries_vat: bool = True,
) -> Voucher | Missing | Excluded:
    mapping = compile_mapping(
        read_document(SIMPLE if document is None else document),
        into or book(),
        delivery or Delivery(),
        declaration or {},
        filters,
        carries_vat=carries_vat,
    )
    return mapping.voucher(content, "BREFERENCE", part)


def voucher(*arguments: Any, **keywords: Any) -> Voucher:
    result = mapped(*arguments, **keywords)
    assert isinstance(result, Voucher), result
    return result


def missing(*arguments: Any, **keywords: Any) -> list[tuple[str, str, int | None]]:
    """The code, field and line of everything that a record lacks."""
    result = mapped(*arguments, **keywords)
    assert isinstance(result, Missing), result
    assert all(p.record == "exp-1" and p.code in MAPPING_TEXTS for p in result.problems)
    return [(problem.code, problem.field, problem.line) for problem in result.problems]


def excluded(*arguments: Any, **keywords: Any) -> str:
    result = mapped(*arguments, **keywords)
    assert isinstance(result, Excluded), result
    assert result.problem.record == "exp-1"
    assert result.problem.code in MAPPING_TEXTS
    return result.problem.code


def test_the_documented_example_is_posted_as_the_page_says() -> None:
    page = DOCUMENTATION.read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    document = yaml.safe_load(example[1])
    assert check_document(read_document(document), Filters(), carries_vat=True) == []
    claim = record(
        line("2026-03-01", "249.00", text="Train to Hamar", cost_centre="oslo"),
        line("2026-03-02", "84.50", "parking", text="Parking", cost_centre="oslo"),
        source_id="exp-2026-0041",
        text="Meeting in Hamar",
    )
    found = voucher(claim, document)
    rows = [
        f"| {v.account} | {v.amount} | {v.text} | {v.cost_centre} | {v.party} |"
        for v in found.lines
    ]
    assert len(rows) == 3
    for row in rows:
        assert re.sub(r" +", " ", row) in page
    assert found.fields == {"invoiceDate": "04.03.2026", "original": "333,50 NOK"}
    assert found.lines[0].fields == {
        "costDate": "2026-03-01",
        "description": "train Train to Hamar",
    }
    assert found.lines[2].fields == {"dueReference": "BREFERENCE"}


def test_the_documentation_explains_every_reason() -> None:
    page = DOCUMENTATION.read_text(encoding="utf-8")
    reasons = [code for code in MAPPING_TEXTS if not code.startswith("mapping_")]
    assert [code for code in reasons if f"`{code}`" not in page] == []


def test_every_code_that_the_room_uses_has_its_three_sentences() -> None:
    room = Path(__file__).parents[2] / "src" / "bilag" / "mapping"
    source = "\n".join(path.read_text(encoding="utf-8") for path in room.glob("*.py"))
    for code, sentences in MAPPING_TEXTS.items():
        assert f'"{code}"' in source, f"{code} is never used"
        placeholders = [sorted(re.findall(r"\{(\w+)\}", s.replace("{{", ""))) for s in sentences]
        assert placeholders[0] == placeholders[1] == placeholders[2], code
        assert len(set(sentences)) == 3 or code == "zero_sum"
    made = re.findall(r'(?:Problem|RuleError|\.add)\(\s*"(\w+)"', source)
    assert len(made) > 30
    assert set(made) <= CATALOGUE.keys()
