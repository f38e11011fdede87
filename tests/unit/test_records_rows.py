"""Rows of foreign files: what spreadsheets write is read, what is broken costs one row only."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilag.core.problem import Problem, Refused
from bilag.records.claims import RowProblem
from bilag.records.errors_file import ErrorsFile, form_of
from bilag.records.identity import REMOVED
from bilag.records.open_rows import open_rows
from bilag.records.profile import Profile, parse_profile
from bilag.records.rows import ROW_CHARACTERS_MAX, Row
from tests.unit.test_records_malformed import PERSON

FIELDS = """
fields:
  sourceId: a
  category: {constant: expense}
  currency: {constant: NOK}
  approvedBy: b
  approvedAt: c
"""


def a_profile(head: str = "") -> Profile:
    return parse_profile("name: test\nsourceSystem: test\n" + head + FIELDS)


def read(content: bytes | str, head: str = "") -> list[Row]:
    data = content.encode() if isinstance(content, str) else content
    with open_rows(io.BytesIO(data), a_profile(head)) as source:
        return list(source.rows())


def cells(rows: Sequence[Row]) -> list[list[str]]:
    return [list(row.cells) for row in rows]


def codes(row: Row) -> list[str]:
    return [problem.code for problem in row.problems]


@pytest.mark.parametrize(
    ("content", "head"),
    [
        (b"a,b,c\r\nx,\xc3\xb8,z\r\n", ""),
        (b"\xef\xbb\xbfa,b,c\nx,\xc3\xb8,z", ""),
        (b"a;b;c\rx;\xf8;z\r", "delimiter: ';'\nencoding: cp1252"),
        ("a\tb\tc\nx\tø\tz\n".encode("utf-16"), 'delimiter: "\\t"'),
        (b"a,b,c\n'x',\xc3\xb8,'z'\n", 'quote: "\'"'),
        (b" a ,b,c,\n\n,,,\nx,\xc3\xb8,z,,\n", ""),
    ],
    ids=["crlf", "bom", "cp1252", "utf-16", "quote", "blank rows and cells"],
)
def test_spreadsheets_write_in_many_ways(content: bytes, head: str) -> None:
    (row,) = read(content, head + "\n")
    assert [cell for cell in row.cells if cell] == ["x", "ø", "z"]
    assert row.problems == ()


def test_rows_are_numbered_as_a_spreadsheet_does() -> None:
    rows = read('a,b,c\n1,"two\nlines",3\n\n4,5,6\n')
    assert [(row.number, row.cells[0]) for row in rows] == [(2, "1"), (4, "4")]
    assert rows[0].cells[1] == "two\nlines"


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ('1,"not closed,3', "row_quotes"),
        ('1,"x"y,3', "row_quotes"),
        ("1,2", "row_cells"),
        ("1,2,3,4", "row_cells"),
        ("1," + "x" * 200_000 + ",3", "row_too_long"),
        ('1,"' + "x\n" * 100_000, "row_too_long"),
    ],
    ids=["open quote", "quote in cell", "too few", "too many", "too long", "endless quote"],
)
def test_a_broken_row_is_one_bad_row_and_the_others_are_read(bad: str, code: str) -> None:
    rows = read(f"a,b,c\n{bad}\n4,5,6\n7,8,9\n")
    assert codes(rows[0]) == [code]
    assert rows[0].cells[0] == "1", "the claim that the row belongs to is still told"
    assert cells(rows)[-2:] == [["4", "5", "6"], ["7", "8", "9"]]
    assert all(len(cell) <= 2000 for row in rows for cell in row.cells)


def test_an_open_quote_in_the_last_row_swallows_nothing() -> None:
    rows = read('a,b,c\n1,2,3\n4,"5,6\n7,8,9')
    assert [codes(row) for row in rows] == [[], ["row_quotes"], []]


def test_bytes_that_are_not_the_encoding() -> None:
    rows = read(b"a,b,c\n1,\xf8,3\n4,5,6\n")
    assert [codes(row) for row in rows] == [["row_encoding"], []]


@pytest.mark.parametrize(
    ("content", "code"), [("", "file_column_missing"), ("a,b\n", "file_column_missing"),
                          ("a,b,c,a\n", "file_column_twice"), ('"', "file_no_columns")]
)  # fmt: skip
def test_a_file_of_other_columns_is_refused_at_once(content: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read(content)
    assert code in {problem.code for problem in refused.value.problems}


def test_an_identity_number_is_cut_out_as_it_is_read() -> None:
    (row,) = read(f"a,b,c\n1,taxi {PERSON[:6]} {PERSON[6:]} x,{PERSON}\n")
    assert list(row.cells) == ["1", f"taxi {REMOVED} x", REMOVED]
    assert [(p.code, p.field) for p in row.problems] == [
        ("identity_number", "b"),
        ("identity_number", "c"),
    ]


def test_ndjson_with_columns() -> None:
    lines = [
        '{"a": "x", "b": 1.50, "c": null, "other": [1]}',
        '{"a": true, "b": 12}',
        "",
        '{"a": [1]}',
        '{"a": NaN}',
        "[1]",
    ]
    rows = read("\n".join(lines), "format: ndjson\namounts: {decimal: ','}\n")
    assert cells(rows[:2]) == [["x", "1,50", ""], ["true", "12", ""]]
    assert [(row.number, codes(row)) for row in rows[2:]] == [
        (4, ["cell_not_scalar"]),
        (5, ["json_not_finite"]),
        (6, ["record_not_object"]),
    ]


def test_an_endless_line_of_ndjson_is_one_bad_row() -> None:
    content = io.BytesIO(b'{"a": "' + b"x" * 3_000_000 + b'"}\n{}\n')
    with open_rows(content, None) as source:
        rows = list(source.rows())
    assert [(row.number, codes(row), len(row.original)) for row in rows] == [
        (1, ["json_too_large"], 2000),
        (2, [], 2),
    ]


def rows_of(path: Path, profile: Profile | None) -> list[Row]:
    with path.open("rb") as file, open_rows(file, profile) as source:
        return list(source.rows())


def errors_of(path: Path, profile: Profile | None) -> Path:
    """Write every row of a file as a bad row, as an import does."""
    with (
        path.open("rb") as file,
        open_rows(file, profile) as source,
        ErrorsFile(path, None, form_of(source, "nb")) as errors,
    ):
        for row in source.rows():
            told = [*row.problems, Problem("cell_amount", params={"value": "x"})]
            errors.write(row, [RowProblem(row.number, "b", problem) for problem in told])
    assert errors.path is not None
    return errors.path


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
awkward = st.sampled_from(
    ["=1+1", "'=1", "@x", "-47.50", "+47 12", "\t", "'", '"', "a\nb", ";", "é"]
)


@given(
    st.lists(st.tuples(texts | awkward, texts | awkward, st.just("c")), min_size=1, max_size=5),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_bad_rows_read_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], encoding: str
) -> None:
    path = tmp_path_factory.mktemp("errors") / "source.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([("a", "b", "c"), *rows])
    profile = a_profile()
    before = cells(rows_of(path, profile))
    first = errors_of(path, profile)
    second = errors_of(first, profile)
    for written in (first, second):
        assert [row[:3] for row in cells(rows_of(written, profile))] == before
        with written.open("rb") as binary, open_rows(binary, profile) as again:
            assert again.columns[3:] == ["bilag_row", "bilag_field", "bilag_problem"]


@pytest.mark.parametrize(
    "cell",
    ["=cmd|'/c calc'!A1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "'=1",
     "\uff1d1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)"],
)  # fmt: skip
def test_an_error_file_holds_no_formula(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "source.csv"
    path.write_text(f'a,b,c\n1,"{cell}",-47.50\n')
    with errors_of(path, a_profile()).open(newline="") as file:
        row = next(csv.DictReader(file))
    assert row["b"] == "'" + cell
    assert row["c"] == "-47.50"


def test_an_error_file_never_replaces_one(tmp_path: Path) -> None:
    path = tmp_path / "source.csv"
    path.write_text("a,b,c\n1,2,3\n")
    names = [errors_of(path, a_profile()).name for _ in range(3)]
    assert names == ["source.csv.errors.csv", "source.csv.errors.2.csv", "source.csv.errors.3.csv"]
    assert (tmp_path / names[0]).stat().st_mode & 0o077 == 0


def test_ndjson_errors_hold_the_line_and_are_unwrapped(tmp_path: Path) -> None:
    path = tmp_path / "source.ndjson"
    path.write_text(f'{{"sourceId": "ø",  "total": 1.50}}\n{{"text": "{PERSON}"}}\n{{"half')
    errors = errors_of(path, None)
    text = errors.read_text()
    assert PERSON not in text
    assert [json.loads(line)["bilag_row"] for line in text.splitlines()] == [1, 2, 3]
    again = [row.original for row in rows_of(errors, None)]
    assert json.loads(again[0]) == {"sourceId": "ø", "total": "1.50"}
    assert again[1:] == [f'{{"text": "{REMOVED}"}}', '{"half']


def test_the_limit_is_that_of_the_csv_module() -> None:
    assert csv.field_size_limit() == ROW_CHARACTERS_MAX
