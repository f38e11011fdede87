"""Workbooks in: the rows of a sheet become claims, and bad ones come back as a workbook."""

from datetime import date
from pathlib import Path

import psutil
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell

from tests.clusters import Database
from tests.database.people import two_organizations
from tests.database.test_import import COLUMNS, PROFILE, Office, as_known

XLSX = f"format: xlsx\n{PROFILE}"


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    two_organizations(database.application_url)
    return Office(database, tmp_path)


def workbook(path: Path, claims: int, rows_each: int = 3) -> Path:
    """Write a workbook in which no two rows of a claim stand together, row by row."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Claims")
    sheet.append(COLUMNS)
    for row in range(rows_each):
        for claim in range(claims):
            day = WriteOnlyCell(sheet, date(2026, 1, row + 1))
            sheet.append([f"C-{claim:05}", day, row + 1.1, f"claim {claim}"])
    book.save(path)
    return path


def test_a_bad_row_comes_back_as_a_workbook_and_goes_in_corrected(office: Office) -> None:
    path = workbook(office.folder / "claims.xlsx", 4)
    book = load_workbook(path)
    sheet = book.active
    sheet["C3"] = "#REF!"
    sheet.append(["", date(2026, 1, 9), 9, "whose?"])
    book.create_sheet("February")
    book.save(path)
    result = office.import_file(path, XLSX, language="nb")
    assert (result.rows, result.accepted, result.bad, result.bad_rows) == (13, 3, 1, 4)
    assert office.claims() == {f"C-{n:05}": (3, "6.30") for n in (0, 2, 3)}
    assert result.not_read == ("February",)
    assert {(p.row, p.column, p.problem.code) for p in result.problems} == {
        (3, "amount", "cell_error"),
        (14, "claim", "row_without_claim"),
    }
    assert result.errors_file == office.folder / "claims.xlsx.errors.xlsx"

    bad = load_workbook(result.errors_file)
    rows = list(bad.active.iter_rows(values_only=True))
    assert [row[4] for row in rows] == ["bilag_row", "14", "3", "7", "11"]
    assert "#REF!" in rows[2][6]
    assert "rad 3" in rows[3][6]
    bad.active["C3"] = 1.1
    bad.active["A2"] = "C-00009"
    bad.save(result.errors_file)
    corrected = office.import_file(result.errors_file, XLSX)
    assert (corrected.accepted, corrected.bad_rows) == (2, 0)
    assert office.claims()["C-00001"] == (3, "6.30")
    assert office.claims()["C-00009"] == (1, "9.00")


def test_the_csv_and_the_workbook_of_a_sheet_are_the_same_claims(office: Office) -> None:
    office.import_file(workbook(office.folder / "claims.xlsx", 5), PROFILE)
    path = office.folder / "claims.csv"
    rows = [f"C-{n:05},2026-01-0{d},{d}.1,claim {n}\n" for d in (1, 2, 3) for n in range(5)]
    path.write_text("".join([",".join(COLUMNS) + "\n", *rows]))
    again = office.import_file(path)
    assert (again.accepted, again.known, again.bad_rows) == (0, 5, 0)


def test_a_workbook_with_our_own_column_names_needs_no_profile(office: Office) -> None:
    book = Workbook()
    book.active.append(["sourceId", "category", "currency", "approvedBy", "approvedAt",
                        "line.date", "line.type", "line.amount"])  # fmt: skip
    for amount in (12.5, -2.25):
        book.active.append(["A", "expense", "NOK", "coordinator-001", "2026-02-01T10:00:00Z",
                            date(2026, 1, 30), "office", amount])  # fmt: skip
    path = office.folder / "own.xlsx"
    book.save(path)
    assert office.import_file(path, "").accepted == 1
    assert office.claims() == {"A": (2, "10.25")}


def test_memory_does_not_grow_with_the_workbook(office: Office) -> None:
    process = psutil.Process()
    seen: list[int] = []

    def peak(claims: int) -> int:
        path = workbook(office.folder / f"{claims}.xlsx", claims, 4)
        seen.clear()
        result = office.import_file(
            path, XLSX, accept=as_known, progress=lambda _: seen.append(process.memory_info().rss)
        )
        assert result.rows == claims * 4
        return max(seen)

    small, large = peak(500), peak(5_000)
    # Holding 20,000 rows would take some 10 MB.
    assert large - small < 8 * 1024 * 1024, (small, large)
