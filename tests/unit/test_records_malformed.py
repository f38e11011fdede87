"""200 records that somebody could send: each bad one is refused where it is bad, the others taken.

`MALFORMED` is what arrives on the wire, as text; the import test sends the same texts as a file.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bilag.core.record import Record
from bilag.records.identity import REMOVED
from bilag.records.json_text import BadJson, parse_json
from bilag.records.validate import NotApproved, Withdrawal, validate

TODAY = date(2026, 3, 31)
Change = Callable[[dict[str, Any]], object]
GONE = object()

# Made up, with check digits that are right: born 15.10.1986 and the like.
PERSON, D_NUMBER, SYNTHETIC_40, SYNTHETIC_80 = (
    "15108695088",
    "55108695071",
    "15508695060",
    "15908695043",
)


def record(number: int = 1) -> dict[str, Any]:
    """A record that is right in every field, with two lines."""
    return {
        "sourceId": f"CLAIM-{number}",
        "revision": 1,
        "status": "approved",
        "category": "expense",
        "currency": "NOK",
        "claimant": {"id": "volunteer-017", "name": "Volunteer 017"},
        "approvedBy": "coordinator-001",
        "approvedAt": "2026-02-03T09:30:00+01:00",
        "createdAt": "2026-02-01T18:04:11Z",
        "text": "Board meeting",
        "total": "150.50",
        "participants": 4,
        "hours": "2.5",
        "exchangeRate": "11.625",
        "exchangeRateDate": "2026-02-01",
        "lines": [
            {"date": "2026-01-30", "type": "meeting", "amount": "100.25", "text": "Coffee"},
            {"date": "2026-01-31", "type": "travel", "amount": "50.25", "quantity": "2",
             "unit": "km", "rate": "3.5", "bookAmount": "50.25"},
        ],
        "receipts": [{"id": "receipt-1", "url": "https://example.org/1", "fileName": "1.pdf"}],
        "declaration": {"templateId": "driver", "version": "2",
                        "acknowledgedAt": "2026-01-10T10:00:00Z"},
        "extra": {"event": "conference"},
    }  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One text on the wire and what must become of it: codes with fields, or who takes it."""

    name: str
    text: str
    problems: frozenset[tuple[str, str]] = frozenset()
    becomes: type[object] = Record


def put(path: str, value: object) -> Change:
    """Return a change that sets one field: `lines.1.amount`, `claimant.id`."""

    def change(raw: dict[str, Any]) -> None:
        *way, last = path.split(".")
        target: Any = raw
        for step in way:
            target = target[int(step)] if step.isdigit() else target[step]
        if value is GONE:
            del target[last]
        else:
            target[int(last) if last.isdigit() else last] = value

    return change


def field_of(path: str) -> str:
    """Return our name of a path: `lines.1.amount` is `lines[2].amount`."""
    part, _, rest = path.partition(".")
    index, _, name = rest.partition(".")
    if not index.isdigit():
        return path
    return f"{part}[{int(index) + 1}]" + (f".{name}" if name else "")


TEXTS = ["text", "lines.0.text"]
NAMES = ["approvedBy", "claimant.name", "receipts.0.fileName"]
IDS = ["sourceId", "claimant.id", "receipts.0.id", "declaration.templateId", "lines.0.type"]
CODES = ["lines.1.unit", "declaration.version"]
AMOUNTS = ["total", "hours", "lines.0.amount", "lines.1.quantity", "lines.1.rate",
           "lines.1.bookAmount"]  # fmt: skip
MOMENTS = ["approvedAt", "createdAt", "declaration.acknowledgedAt"]
DATES = ["exchangeRateDate", "lines.0.date"]


STRINGS = [*TEXTS, *NAMES, *IDS, *CODES, "extra.event"]
# fields, values, and the code that must be told for exactly this field
WRONG: list[tuple[list[str], list[object], str]] = [
    (STRINGS, [17], "text_needed"),
    (STRINGS, ["x" * 1_000_000], "text_too_long"),
    (STRINGS, ["a\x00b"], "text_control_character"),
    ([*NAMES, *IDS, *CODES], ["a\tb"], "text_control_character"),
    (["text", "claimant.id", "extra.event"], ["a\x1b[31mb"], "text_control_character"),
    (["text", "claimant.id", "extra.event"], ["half a \ud83d face"], "text_broken_character"),
    ([*TEXTS, *NAMES, *IDS, "extra.event", "lines.0.amount"], [PERSON], "identity_number"),
    (["text"], ["151086 95088", "151086-95088", "paid to 151086.95088!", "taxi " + D_NUMBER,
                SYNTHETIC_40, SYNTHETIC_80], "identity_number"),
    (AMOUNTS, ["NaN", True, [1]], "amount_not_a_number"),
    (AMOUNTS, ["1234567890123456"], "amount_too_many_digits"),
    (AMOUNTS, ["1.00001"], "amount_too_many_decimals"),
    (["lines.0.amount"], ["1 000", "1,50", "1e3", "12kr", "--1", "٣", "0x10", "5."],
     "amount_not_a_number"),
    (["lines.0.amount"], [GONE, None, ""], "field_missing"),
    (["hours"], ["-1"], "hours_negative"),
    (["lines.0.date"], ["1900-01-01", "2999-12-31", "1999-12-31"],
     "date_out_of_range"),
    (["lines.0.date"], ["31.01.2026", "2026-02-30", "20260131", "2026-W05-1", 20260131,
                        "tomorrow"], "date_invalid"),
    (["exchangeRateDate"], ["1900-01-01"], "date_out_of_range"),
    (MOMENTS, ["1900-01-01T00:00:00Z", "2999-01-01T00:00:00Z"], "date_out_of_range"),
    (MOMENTS, ["2026-02-03T09:30:00"], "moment_zone_missing"),
    (MOMENTS, ["2026-02-03", 1770107400], "moment_invalid"),
    (["approvedAt", "approvedBy", "category", "currency", "sourceId", "lines.0.date",
      "lines.0.type"], [GONE], "field_missing"),
    (["currency"], ["XXX", "nok", "kr", 578], "currency_unknown"),
    (["category"], ["wages"], "category_unknown"),
    (["status"], ["Approved"], "status_unknown"),
    (["revision"], [0, -1, "1", 1.5, True, 2**31], "revision_invalid"),
    (["participants"], [-1, 2.5, "4", 10**7], "count_invalid"),
    (["exchangeRate"], ["0", "-1", "1e5", True, "0.00000000001"], "rate_invalid"),
    (["total"], ["150.49"], "total_not_sum"),
    (["sourceSystem"], ["another-app"], "source_system_other"),
    (["paid"], ["yes"], "flag_expected"),
    (["claimant", "declaration", "lines.0", "receipts.0", "extra"], ["x"], "object_expected"),
    (["lines", "receipts"], [{"amount": 1}], "list_expected"),
    (["receipts.0.url"], ["file:///etc/passwd"], "url_invalid"),
    (["receipts.0.sha256"], ["ABC"], "sha256_invalid"),
    (["lines.0.kommentar", "totall", "claimant.phone", "receipts.0.size"], ["x"], "field_unknown"),
]  # fmt: skip


def refused() -> Iterator[Case]:
    """Yield the cases where one field is wrong."""
    each = (
        (path, value, code) for paths, values, code in WRONG for path in paths for value in values
    )
    for number, (path, value, code) in enumerate(each):
        raw = record(number)
        put(path, value)(raw)
        shown = "gone" if value is GONE else repr(value)[:24]
        problem = (code, field_of(path))
        yield Case(f"{path}={shown}", json.dumps(raw), frozenset({problem}), list)


def of_whole(name: str, change: Change, *problems: tuple[str, str]) -> Case:
    """Return a case that changes the record as a whole."""
    raw = record(900)
    changed = change(raw)
    text = changed if isinstance(changed, str) else json.dumps(raw)
    return Case(name, text, frozenset(problems), list if problems else Record)


def sums(*amounts: str) -> Change:
    """Return a change to lines of these amounts, without a total."""

    def change(raw: dict[str, Any]) -> None:
        del raw["total"]
        raw["lines"] = [{"date": "2026-01-30", "type": "meeting", "amount": a} for a in amounts]

    return change


def without_claimant(raw: dict[str, Any]) -> None:
    """Make it an honorarium that says nothing of whom it is for."""
    raw["category"] = "honorarium"
    del raw["claimant"]


def as_text(old: str, new: str) -> Change:
    """Return a change of the text that json would not write by itself."""
    return lambda raw: json.dumps(raw).replace(old, new, 1)


SPECIAL = [
    of_whole("zero sum", sums("12.50", "-12.50")),
    of_whole("zero line", sums("0")),
    of_whole("negative sum", sums("-349.00")),
    of_whole("fifteen digits", sums("9999999999999.99")),
    of_whole("four decimals", sums("0.0001")),
    of_whole("sum too large", sums(*["999999999999999"] * 2), ("total_too_large", "total")),
    of_whole("1,000 lines", sums(*["1"] * 1000)),
    of_whole("1,001 lines", sums(*["1"] * 1001), ("list_too_long", "lines")),
    of_whole("no lines", put("lines", []), ("lines_missing", "lines")),
    of_whole("honorarium to nobody", without_claimant, ("honorarium_claimant", "claimant.id")),
    of_whole("51 extra", put("extra", {f"k{n}": "v" for n in range(51)}),
             ("list_too_long", "extra")),
    of_whole("extra without a name", put("extra", {" ": "v"}), ("field_missing", "extra. ")),
    of_whole("identity number as a name", put("extra", {PERSON: "v"}),
             ("identity_number", f"extra.{REMOVED}")),
    of_whole("NaN", as_text('"100.25"', "NaN"), ("json_not_finite", "")),
    of_whole("Infinity", as_text('"100.25"', "-Infinity"), ("json_not_finite", "")),
    of_whole("huge exponent", as_text('"100.25"', "1e999999999"),
             ("amount_too_many_digits", "lines[1].amount")),
    of_whole("tiny exponent", as_text('"100.25"', "1e-999999999"),
             ("amount_too_many_decimals", "lines[1].amount")),
    of_whole("integer without end", as_text('"100.25"', "9" * 5000), ("json_number_too_long", "")),
    of_whole("sixteen digits as a number", as_text('"100.25"', "1234567890123456"),
             ("amount_too_many_digits", "lines[1].amount")),
    of_whole("key twice", as_text('"revision": 1', '"revision": 1, "revision": 2'),
             ("json_key_twice", "")),
    of_whole("cut off", lambda raw: json.dumps(raw)[:-9], ("json_invalid", "")),
    of_whole("nested", lambda raw: "[" * 20 + "]" * 20, ("json_too_deep", "")),
    of_whole("a list", lambda raw: json.dumps([raw]), ("record_not_object", "")),
    of_whole("a text", lambda raw: '"approved"', ("record_not_object", "")),
    of_whole("several at once", sums("1,50", "1.00001"),
             ("amount_not_a_number", "lines[1].amount"),
             ("amount_too_many_decimals", "lines[2].amount")),
    of_whole("number amounts", as_text('"100.25"', "100.25")),
    of_whole("tabs and line breaks", put("text", "a\tb\r\nc")),
    of_whole("eleven digits that are no person", put("text", "order 12345678901")),
    of_whole("bank account", put("text", "1234.56.78903")),
    of_whole("leap day", put("lines.0.date", "2024-02-29")),
    of_whole("null is absent", put("hours", None)),
    of_whole("one megabyte", put("text", "x" * 1_100_000), ("json_too_large", "")),
    Case("pending", json.dumps(record(901) | {"status": "pending"}), becomes=NotApproved),
    Case("rejected", json.dumps(record(902) | {"status": "rejected"}), becomes=NotApproved),
    Case("withdrawn", json.dumps(record(903) | {"status": "withdrawn"}), becomes=Withdrawal),
]  # fmt: skip

MALFORMED = [*refused(), *SPECIAL]


def test_there_are_at_least_200() -> None:
    assert len(MALFORMED) >= 200


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_outcome(case: Case) -> None:
    try:
        found = validate(parse_json(case.text), today=TODAY, source_system="app")
    except BadJson as error:
        found = [error.problem]
    assert isinstance(found, case.becomes), found
    if isinstance(found, list):
        assert {(p.code, p.field) for p in found} == case.problems
        for problem in found:
            sentences = [problem.text(language) for language in ("nb", "nn", "en")]
            assert len(set(sentences)) == 3, "a language is missing"
            told = " ".join([*sentences, *problem.params.values(), problem.field, problem.record])
            assert "{" not in told
            assert len(told) < 2000
            for number in (PERSON, D_NUMBER, SYNTHETIC_40, SYNTHETIC_80, "95088"):
                assert number not in told, "the number is repeated"


def test_line_numbers_count_from_one() -> None:
    raw = record()
    raw["lines"][1]["amount"] = Decimal("NaN")
    found = validate(raw, today=TODAY, source_system="app")
    assert isinstance(found, list)
    assert [(p.record, p.line, p.field) for p in found] == [("CLAIM-1", 2, "lines[2].amount")]
