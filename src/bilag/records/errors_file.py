"""The file of bad rows: as the source had them, with what is wrong, to be corrected and imported.

Made only when there is a bad row; never over a file that exists; readable by its owner alone.
"""

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from bilag.core.cells import safe_cell
from bilag.core.problem import Problem
from bilag.records.claims import RowProblem
from bilag.records.profile import Profile
from bilag.records.rows import (
    LINE_KEY,
    OUR_COLUMNS,
    PROBLEMS_KEY,
    RECORD_KEY,
    ROW_COLUMN,
    CellRows,
    CsvRows,
    NdjsonRows,
    Row,
    RowSource,
    cleaned_json,
)
from bilag.records.workbook import WorkbookRows

_FILES_MAX = 1_000


class ErrorsFile:
    """Writes bad rows next to the source, or to a path that is given; use as a context manager."""

    def __init__(self, source: Path, wanted: Path | None, form: "Form") -> None:
        self._wanted = wanted or source.with_name(f"{source.name}.errors{form.suffix}")
        self._form = form
        self._file: IO[bytes] | None = None
        self.path: Path | None = None

    def __enter__(self) -> "ErrorsFile":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with self._file:
                self._form.end(self._file)

    def write(
        self, row: Row, problems: Sequence[RowProblem], kept_out_by: int | None = None
    ) -> None:
        """Write one row; `kept_out_by` is the bad row of its claim when the row itself is good."""
        if not problems and kept_out_by is not None:
            other = Problem("row_kept_out", params={"row": str(kept_out_by)})
            problems = [RowProblem(row.number, "", other)]
        if self._file is None:
            self._file = self._open()
            self._file.write(self._form.start())
        self._file.write(self._form.line(row, problems))

    def _open(self) -> IO[bytes]:
        """Open the first name that is free: an older file may hold corrections not yet imported."""
        wanted = self._wanted
        for number in range(2, _FILES_MAX):
            try:
                handle = os.open(wanted, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                wanted = self._wanted.with_suffix(f".{number}{self._wanted.suffix}")
            else:
                self.path = wanted
                return os.fdopen(handle, "wb")
        raise FileExistsError(f"{self._wanted} and {_FILES_MAX} more names are taken")


class Form(Protocol):
    """How bad rows are written, so that the same profile reads them back."""

    suffix: str

    def start(self) -> bytes:
        """Return what comes before the first row."""
        ...

    def line(self, row: Row, problems: Sequence[RowProblem]) -> bytes:
        """Return one row with its problems."""
        ...

    def end(self, file: IO[bytes]) -> None:
        """Write what is due after the last row."""
        ...


class _Cells:
    """The columns of a source of cells and three of ours, each cell safe from formulas."""

    def __init__(self, source: CellRows, language: str) -> None:
        self._language = language
        self._columns = source.columns
        self._kept = [n for n, name in enumerate(source.columns) if name not in OUR_COLUMNS]

    def head(self) -> list[str]:
        """Return the column names."""
        return [*(self._columns[n] for n in self._kept), *OUR_COLUMNS]

    def of_source(self, row: Row) -> list[str]:
        """Return the cells that the source has."""
        return [safe_cell(row.cells[n]) for n in self._kept]

    def ours(self, row: Row, problems: Sequence[RowProblem]) -> list[str]:
        """Return number, columns and sentences; several problems stand one after the other."""
        fields = "; ".join(dict.fromkeys(p.column for p in problems if p.column))
        texts = " ".join(dict.fromkeys(p.problem.text(self._language) for p in problems))
        return [str(row.number), safe_cell(fields), safe_cell(texts)]


class CsvForm:
    """The columns of the source and three of ours, in the source's own dialect and encoding."""

    suffix = ".csv"

    def __init__(self, source: CsvRows, profile: Profile, language: str) -> None:
        self._encoding = source.encoding
        self._cells = _Cells(source, language)
        self._written = _Written()
        self._csv = csv.writer(self._written, delimiter=profile.delimiter, quotechar=profile.quote)
        self._started = False

    def start(self) -> bytes:
        """Return the line of column names."""
        return self._encoded(self._cells.head())

    def line(self, row: Row, problems: Sequence[RowProblem]) -> bytes:
        """Return one row; several problems stand one after the other."""
        ours = map(self._encodable, self._cells.ours(row, problems))
        return self._encoded([*self._cells.of_source(row), *ours])

    def end(self, file: IO[bytes]) -> None:
        """Write nothing: each row is there already."""

    def _encodable(self, text: str) -> str:
        return text.encode(self._encoding, "replace").decode(self._encoding)

    def _encoded(self, cells: list[str]) -> bytes:
        self._csv.writerow(cells)
        content = self._written.text.encode(self._encoding, "surrogateescape")
        # Both of these encodings put a byte order mark before each text; only the first may stay.
        mark = {"utf-8-sig": 3, "utf-16": 2}.get(self._encoding, 0) if self._started else 0
        self._started = True
        return content[mark:]


class WorkbookForm:
    """The same in a workbook of one sheet, every cell a text; the profile reads it back.

    The rows wait in a temporary file of the library's until the end.
    """

    suffix = ".xlsx"

    def __init__(self, source: WorkbookRows, profile: Profile, language: str) -> None:
        self._cells = _Cells(source, language)
        self._above = profile.header_row - 1
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet(source.sheet)

    def start(self) -> bytes:
        """Put the column names where the profile looks for them; the file itself comes last."""
        for _ in range(self._above):
            self._sheet.append([])
        self._append(self._cells.head())
        return b""

    def line(self, row: Row, problems: Sequence[RowProblem]) -> bytes:
        """Put one row; several problems stand one after the other."""
        self._append([*self._cells.of_source(row), *self._cells.ours(row, problems)])
        return b""

    def end(self, file: IO[bytes]) -> None:
        """Write the workbook."""
        self._book.save(file)

    def _append(self, cells: list[str]) -> None:
        self._sheet.append([self._text(cell) for cell in cells])

    def _text(self, value: str) -> object:
        cell = WriteOnlyCell(self._sheet, value)
        cell.data_type = "s"  # the library takes `=1+1` for a formula and `#REF!` for an error
        return cell


class NdjsonForm:
    """An object a line: our row number and problems, and the source's own line inside."""

    suffix = ".ndjson"

    def __init__(self, language: str) -> None:
        self._language = language

    def start(self) -> bytes:
        """Return nothing: NDJSON has no head."""
        return b""

    def line(self, row: Row, problems: Sequence[RowProblem]) -> bytes:
        """Return one line; what is no JSON stands in it as a text."""
        told = [{**p.problem.as_json(self._language), "column": p.column} for p in problems]
        ours = f'"{ROW_COLUMN}": {row.number}, "{PROBLEMS_KEY}": {json.dumps(told)}'
        if any(p.problem.code.startswith("json_") for p in problems):
            original = f'"{LINE_KEY}": {json.dumps(row.original)}'
        else:
            original = f'"{RECORD_KEY}": {cleaned_json(row.original)}'
        return f"{{{ours}, {original}}}\n".encode("utf-8", "surrogateescape")

    def end(self, file: IO[bytes]) -> None:
        """Write nothing: each line is there already."""


def form_of(rows: RowSource, language: str) -> Form:
    """Return how the bad rows of a source are written: in the source's own format."""
    if isinstance(rows, CsvRows) and rows.profile is not None:
        return CsvForm(rows, rows.profile, language)
    if isinstance(rows, WorkbookRows) and rows.profile is not None:
        return WorkbookForm(rows, rows.profile, language)
    if not isinstance(rows, NdjsonRows):
        raise TypeError(type(rows).__name__)
    return NdjsonForm(language)


class _Written:
    """A place for csv to write one row to."""

    text = ""

    def write(self, text: str) -> None:
        """Keep the row."""
        self.text = text
