"""Workbooks: what a spreadsheet shows is read exactly, what it hides or breaks is told by place."""

import io
import warnings
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from bilag.core.problem import Problem, Refused
from bilag.records import workbook
from bilag.records.cells import amount_reader
from bilag.records.claims import RowProblem
from bilag.records.errors_file import ErrorsFile, form_of
from bilag.records.identity import REMOVED
from bilag.records.open_rows import open_rows
from bilag.records.profile import Profile, parse_profile
from bilag.records.rows import Row
from tests.unit.test_records_malformed import PERSON

FIELDS = """
fields:
  sourceId: a
  category: {constant: expense}
  currency: {constant: NOK}
  approvedBy: b
  approvedAt: c
"""
Fill = Callable[[Any], None]


def a_profile(head: str = "") -> Profile:
    return parse_profile(f"name: test\nsourceSystem: test\nformat: xlsx\n{head}{FIELDS}")


def made(fill: Fill, *names: str) -> bytes:
    """Return a workbook whose first sheet has the columns a, b, c and what `fill` adds."""
    book = Workbook()
    book.active.title = "Claims"
    book.active.append(["a", "b", "c", *names])
    fill(book.active)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def of(*rows: Sequence[Any]) -> Fill:
    def fill(sheet: Any) -> None:
        for row in rows:
            sheet.append(row)

    return fill


def read(content: bytes, head: str = "") -> list[Row]:
    with open_rows(io.BytesIO(content), a_profile(head)) as source:
        return list(source.rows())


def changed(content: bytes, part: str, old: str, new: str) -> bytes:
    """Return a workbook with a text in one of its parts replaced."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            text = source.read(name)
            if name == part:
                assert old.encode() in text
                text = text.replace(old.encode(), new.encode())
            target.writestr(name, text)
    return result.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def refused(content: bytes, head: str = "") -> str:
    with pytest.raises(Refused) as caught:
        read(content, head)
    return caught.value.problems[0].code


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("12.3", "12.3"),
        ("12.300000000000001", "12.3"),
        ("0.30000000000000004", "0.3"),
        ("1234567.89", "1234567.89"),
        ("-47.5", "-47.5"),
        ("1E-2", "0.01"),
        ("1E3", "1000"),
        ("250", "250"),
        ("12345678901234", "12345678901234"),
        ("33.333333333333336", "33.3333333333333"),
    ],
)
def test_a_number_is_what_the_spreadsheet_shows(stored: str, shown: str) -> None:
    content = changed(made(of(["x", 77.25, "c"])), SHEET, "<v>77.25</v>", f"<v>{stored}</v>")
    (row,) = read(content)
    assert row.cells[1] == shown
    (row,) = read(content, "amounts: {decimal: ','}\n")
    assert row.cells[1] == shown.replace(".", ",")
    assert Decimal(amount_reader(",", "", ())(row.cells[1])) == Decimal(shown)


def test_dates_and_times_come_as_iso_8601() -> None:
    (row,) = read(made(of([date(2026, 3, 31), datetime(2026, 3, 31, 14, 30), "31.03.2026"])))  # noqa: DTZ001
    assert row.cells == ["2026-03-31", "2026-03-31T14:30:00", "31.03.2026"]
    (row,) = read(made(of([time(7, 30), timedelta(hours=30), True])))
    assert row.cells == ["07:30:00", "1 day, 6:00:00", "true"]


def test_dates_of_a_workbook_that_counts_from_1904() -> None:
    content = made(of([date(2026, 3, 31), "b", "c"]))
    old = changed(content, "xl/workbook.xml", "<workbookPr />", '<workbookPr date1904="1" />')
    (row,) = read(old)
    assert row.cells[0] == "2030-04-01"


def test_a_number_that_is_shown_with_zeros_before_it_keeps_them() -> None:
    def fill(sheet: Any) -> None:
        sheet.append([140, 7, "c"])
        sheet["A2"].number_format = "0000"

    (row,) = read(made(fill))
    assert row.cells[:2] == ["0140", "7"]


def test_a_formula_gives_its_stored_result() -> None:
    content = changed(
        made(of(["x", "=6*2.05", '=""'])), SHEET, "<f>6*2.05</f><v />", "<f>6*2.05</f><v>12.3</v>"
    )
    content = changed(
        content, SHEET, '<c r="C2"><f>""</f><v /></c>', '<c r="C2" t="str"><f>""</f><v></v></c>'
    )
    (row,) = read(content)
    assert (list(row.cells), row.problems) == (["x", "12.3", ""], ())


def test_a_formula_without_a_result_is_a_bad_row() -> None:
    good, bad = read(made(of(["x", "b", "c"], ["y", "=6*2.05", "c"])))
    assert good.problems == ()
    assert [(p.code, p.field) for p in bad.problems] == [("cell_not_calculated", "b")]


@pytest.mark.parametrize("error", ["#REF!", "#DIV/0!", "#N/A", "#VALUE!"])
def test_a_cell_error_is_a_bad_row_that_names_column_and_row(error: str) -> None:
    good, bad = read(made(of(["x", "b", "c"], ["y", error, "c"])))
    assert good.problems == ()
    (problem,) = bad.problems
    assert (bad.number, problem.code, problem.field) == (3, "cell_error", "b")
    assert error in problem.text("nb")
    # where the profile does not look it does no harm
    assert read(made(of(["x", "b", "c", error]), "remark"))[0].problems == ()


def test_a_date_that_cannot_be_is_a_bad_row() -> None:
    content = changed(made(of([date(2026, 3, 31), "b", "c"])), SHEET, "<v>46112</v>", "<v>-5e9</v>")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (row,) = read(content)
    assert [p.code for p in row.problems] == ["cell_error"]


def test_rows_are_numbered_as_the_spreadsheet_does_and_empty_ones_left_out() -> None:
    def fill(sheet: Any) -> None:
        sheet["A3"] = "first"
        sheet["B5"] = ""
        sheet["A7"] = "hidden"
        sheet.row_dimensions[7].hidden = True
        sheet["F9"] = "a remark beside the columns"

    assert [(row.number, row.cells[0]) for row in read(made(fill))] == [(3, "first"), (7, "hidden")]


def test_merged_cells_are_told_row_by_row_where_the_profile_looks() -> None:
    def fill(sheet: Any) -> None:
        for row in ("one", "two", "three", "four"):
            sheet.append([row, "b", "c", "remark"])
        sheet.merge_cells("B3:C4")
        sheet.merge_cells("D2:D5")

    found = [[(p.code, p.field, p.params["range"]) for p in row.problems] for row in
             read(made(fill, "remark"))]  # fmt: skip
    merged = [("cell_merged", "b", "B3:C4"), ("cell_merged", "c", "B3:C4")]
    assert found == [[], merged, merged, []]


def test_an_identity_number_stored_as_a_number_is_cut_out() -> None:
    (row,) = read(made(of([int(PERSON), "b", f"taxi {PERSON}"])))
    assert [p.code for p in row.problems] == ["identity_number"] * 2
    assert row.cells[0] == REMOVED
    assert PERSON not in "".join(row.cells)


def many_sheets() -> bytes:
    book = Workbook()
    book.active.title = "Lists"
    book.active.sheet_state = "hidden"
    for name in ("January", "February"):
        sheet = book.create_sheet(name)
        sheet.append([f"Claims of {name}"])
        sheet.append([])
        sheet.append(["a", "b", "c"])
        sheet.append([name, "b", "c"])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_the_sheet_is_the_first_that_is_shown_or_the_one_named() -> None:
    with open_rows(io.BytesIO(many_sheets()), a_profile("headerRow: 3\n")) as source:
        assert [(row.number, row.cells[0]) for row in source.rows()] == [(4, "January")]
        assert source.not_read == ["February"]
    with open_rows(io.BytesIO(many_sheets()), a_profile("headerRow: 3\nsheet: February\n")) as it:
        assert [row.cells[0] for row in it.rows()] == ["February"]
        assert it.not_read == []


def test_a_csv_profile_reads_the_same_sheet_saved_as_a_workbook() -> None:
    profile = parse_profile(f"name: t\nsourceSystem: t\ndelimiter: ';'\n{FIELDS}")
    with open_rows(io.BytesIO(made(of(["x", 1.5, "c"]))), profile) as source:
        assert [list(row.cells) for row in source.rows()] == [["x", "1.5", "c"]]


@pytest.mark.parametrize(
    ("content", "head", "code"),
    [
        (many_sheets(), "sheet: March\n", "file_no_sheet"),
        (many_sheets(), "sheet: Lists\n", "sheet_no_columns"),
        (many_sheets(), "headerRow: 9\n", "sheet_no_columns"),
        (many_sheets(), "", "file_column_missing"),
        (b"a,b,c\n1,2,3\n", "", "file_not_workbook"),
        (b"%PDF-1.7 ...", "", "file_without_rows"),
        (made(of())[:-200], "", "file_broken"),
        (made(of())[:1000], "", "file_broken"),
        (changed(made(of()), SHEET, "</sheetData>", "</sheet"), "", "file_broken"),
        (changed(made(of(["x"])), SHEET, '<row r="2">', '<row r="1">'), "", "file_broken"),
        (changed(made(of(["x"])), SHEET, '<row r="2">', '<row r="x">'), "", "file_broken"),
        (changed(made(of([5])), SHEET, "<v>5</v>", "<v>five</v>"), "", "file_broken"),
    ],
)
def test_what_cannot_be_read_is_refused_with_one_sentence(
    content: bytes, head: str, code: str
) -> None:
    assert refused(content, head) == code


def test_other_archives_are_no_workbooks() -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("content.xml", "<office/>")
    assert refused(other.getvalue()) == "file_not_workbook"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    document = changed(made(of()), "[Content_Types].xml", sheet, "application/msword")
    assert refused(document) == "file_not_workbook"


@pytest.mark.parametrize(
    ("inside", "code"), [("EncryptedPackage", "file_locked"), ("Workbook", "file_old_workbook")]
)
def test_old_and_locked_workbooks(tmp_path: Path, inside: str, code: str) -> None:
    path = tmp_path / "claims.xls"
    magic = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    path.write_bytes(magic + bytes(5_000) + inside.encode("utf-16-le") + bytes(500))
    with path.open("rb") as file, pytest.raises(Refused) as caught, open_rows(file, None):
        pass
    assert [p.code for p in caught.value.problems] == [code]


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    content = made(of(*(["x" * 100, "b", "c"] for _ in range(2_000))))
    monkeypatch.setattr(workbook, "load_workbook", lambda *_, **__: pytest.fail("was unpacked"))
    for limit in ("UNPACKED_MAX", "PART_MAX", "PARTS_MAX"):
        with monkeypatch.context() as patch:
            patch.setattr(workbook, limit, 5)
            assert refused(content) == "file_too_large_unpacked"


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml"])
def test_entities_are_not_expanded(part: str) -> None:
    content = made(of(["x", "b", "c"]))
    bomb = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(bomb, "w") as target:
        for name in source.namelist():
            text = source.read(name)
            if name == part:
                text = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + text.partition(b"?>\n")[2] or text
            target.writestr(name, text)
    assert refused(bomb.getvalue()) == "file_broken"


def test_a_row_beyond_all_measure_is_refused() -> None:
    cells = "".join(
        f"<c r='D2' t='inlineStr'><is><t>{'x' * 90}</t></is></c>" for _ in range(50_000)
    )
    content = changed(made(of(["x"])), SHEET, '<row r="2">', f'<row r="2">{cells}')
    assert refused(content) == "file_broken"


def test_a_row_of_too_many_characters_is_a_bad_row() -> None:
    good, bad = read(
        made(of(["x", "b", "c"], *[["y" * 30_000] * 3 + ["y" * 30_000] * 3]), "d", "e", "f")
    )
    assert good.problems == ()
    assert [p.code for p in bad.problems] == ["row_too_long"]
    assert len("".join(bad.cells)) < 20_000


def test_cells_without_references_count_from_the_left() -> None:
    content = made(of(["x", "b", "c"]))
    for old in ('r="A2" ', 'r="B2" ', 'r="C2" '):
        content = changed(content, SHEET, old, "")
    (row,) = read(content)
    assert row.cells == ["x", "b", "c"]


def errors_of(path: Path, profile: Profile) -> Path:
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


def test_bad_rows_read_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "source.xlsx"
    awkward = ["=1+1", "'=1", "@x", "-47.50", "+47 12", "a\nb", " é ", "#REF!", "0140", "true"]

    def fill(sheet: Any) -> None:
        for text in awkward:
            sheet.append([1.5, None, date(2026, 3, 31)])
            cell = sheet.cell(sheet.max_row, 2, text)
            cell.data_type = "s"

    path.write_bytes(made(fill))
    profile = a_profile()
    before = [list(row.cells) for row in read(path.read_bytes())]
    assert before == [["1.5", text, "2026-03-31"] for text in awkward]
    first = errors_of(path, profile)
    assert first.name == "source.xlsx.errors.xlsx"
    assert first.stat().st_mode & 0o077 == 0
    for written in (first, errors_of(first, profile)):
        with written.open("rb") as file, open_rows(file, profile) as again:
            assert again.columns == ["a", "b", "c", "bilag_row", "bilag_field", "bilag_problem"]
            assert [list(row.cells[:3]) for row in again.rows()] == before


def test_an_error_file_holds_no_formula_and_lies_as_its_source(tmp_path: Path) -> None:
    path = tmp_path / "source.xlsx"
    path.write_bytes(many_sheets())
    profile = a_profile("headerRow: 3\nsheet: February\n")
    book = load_workbook(errors_of(path, profile))
    assert book.sheetnames == ["February"]
    assert [cell.value for cell in book["February"][3]][:4] == ["a", "b", "c", "bilag_row"]
    path.write_bytes(made(lambda sheet: sheet.append(["x", "b", "=cmd|'/c calc'!A1"])))
    with zipfile.ZipFile(errors_of(path, a_profile())) as archive:
        assert b"<f>" not in archive.read(SHEET)
