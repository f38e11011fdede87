"""Reads the rows of one sheet of an Excel workbook (.xlsx), in memory that does not grow with it.

Formulas give the result that is stored with them; a cell error, a formula without a result and
merged cells are problems of their row, never guessed at.
"""

import re
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any, Final
from xml.etree.ElementTree import ParseError, iterparse
from xml.parsers.expat import ExpatError
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._reader import DATA_TAG, FORMULA_TAG, ROW_TAG, WorkSheetParser

from bilag.core.problem import Problem, Refused
from bilag.records.fields import TEXT_MAX, shown
from bilag.records.profile import Profile, profile_of_columns
from bilag.records.rows import ROW_CHARACTERS_MAX, CellRows, Row
from bilag.records.sheet import BrokenSheet, Range, Survey, refuse_declarations

# Failure policy: a workbook that is larger when unpacked is refused before anything is unpacked; a
# part that is held in memory whole (shared texts, styles) has a limit of its own.
UNPACKED_MAX: Final = 512 * 1024 * 1024
PART_MAX: Final = 64 * 1024 * 1024
PARTS_MAX: Final = 10_000

_WORKBOOK = "[Content_Types].xml"
_NOT_HELD = ("xl/worksheets/", "xl/media/", "xl/pivotCache/", "xl/embeddings/")
# What the library and the standard library raise for files that are not as they should be.
_BROKEN = (BadZipFile, BrokenSheet, ExpatError, ParseError, zlib.error, EOFError, RuntimeError,
           LookupError, ValueError, TypeError, AttributeError)  # fmt: skip
# Excel shows 15 digits; further ones are noise of the binary form, as in 12.300000000000001.
_DIGITS = ".15g"
_PADDED = re.compile("0{2,40}")
_MIDNIGHT = time()


class WorkbookRows(CellRows):
    """The rows of a worksheet below its row of column names.

    Raises Refused when the columns that the profile names are not there.
    """

    def __init__(self, sheet: "_Sheet", names: Sequence[str], profile: Profile, size: int) -> None:
        super().__init__(names, profile)
        self.not_read = sheet.others
        self.sheet = sheet.title
        self._sheet = sheet
        self._size = size
        self._head = profile.header_row
        self._decimal = profile.amounts.decimal
        self._used = {names.index(name) + 1: name for name in profile.columns}
        self._done = 0

    def bytes_read(self) -> int:
        """Return how far the file was read, by the share of its rows."""
        return self._size * self._done // max(self._sheet.survey.rows, 1)

    def rows(self) -> Iterator[Row]:
        """Yield the rows in order, hidden ones too; empty rows are left out."""
        merged = _Merged(self._sheet.survey.merged, self._used)
        for number, values in self._sheet.rows():
            self._done += 1
            if number <= self._head:
                continue
            cells, problems = self._cells(values)
            if any(cells):
                problems += merged.at(number)
                yield self.checked(number, cells, problems)

    def _cells(self, values: Iterable["_Value"]) -> tuple[list[str], list[Problem]]:
        cells = [""] * len(self.columns)
        problems: list[Problem] = []
        for value in values:
            if value.column > len(cells):
                continue
            cells[value.column - 1] = value.text(self._decimal)
            if value.column in self._used and (problem := value.problem()):
                column = self._used[value.column]
                problems.append(Problem(problem, column, params={"value": shown(value.value)}))
        if sum(map(len, cells)) > ROW_CHARACTERS_MAX:
            problems.append(Problem("row_too_long", params={"maximum": str(ROW_CHARACTERS_MAX)}))
            cells = [cell[:TEXT_MAX] for cell in cells]
        return cells, problems


@contextmanager
def open_workbook(
    file: IO[bytes], profile: Profile | None, source_system: str
) -> Iterator[WorkbookRows]:
    """Yield the rows of a sheet: the one that the profile names, else the first that is shown.

    Without a profile the columns carry the names of our own fields. Raises Refused for a file that
    is no workbook, is broken, too large or has not what the profile names.
    """
    size = file.seek(0, 2)
    file.seek(0)
    try:
        _refuse_unusable_archive(file)
        with _without_warnings():
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Refused:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise Refused(Problem("file_not_workbook")) from error  # a Word document, say
    except _BROKEN as error:
        raise _broken() from error
    try:
        head = profile.header_row if profile else 1
        sheet = _Sheet(book, profile.sheet if profile else "")
        names = sheet.names(head)
        if profile is None:
            profile = profile_of_columns(names, source_system)
        yield WorkbookRows(sheet, names, profile, size)
    finally:
        book.close()


class _Value:
    """One cell as it is stored: its column from 1, type, value, and width of a padded number."""

    __slots__ = ("_element", "_type", "_width", "column", "value")

    def __init__(self, cell: dict[str, Any], width: int, element: Any) -> None:
        self.column: int = cell["column"]
        self.value = cell["value"]
        self._type = cell["data_type"]
        self._width = width
        self._element = element

    def problem(self) -> str:
        """Return the code of what is wrong with the cell by itself, or an empty text."""
        if self._type == "e":
            return "cell_error"
        # A text without characters is a result; a number is not there before it is calculated.
        missing = self.value is None and self._element.get("t", "n") == "n"
        return "cell_not_calculated" if missing and self._has_formula() else ""

    def _has_formula(self) -> bool:
        return self._element.find(FORMULA_TAG) is not None

    def text(self, decimal: str) -> str:
        """Return the value as it would stand in a CSV file, dates and times in ISO 8601."""
        match self.value:
            case None:
                return ""
            case str() as text:
                return text.replace("_x000D_", "")  # how Excel stores the return of a line break
            case bool() as flag:
                return "true" if flag else "false"
            case int() as number:
                return f"{number:0{self._width}d}"
            case float() as number:
                return f"{Decimal(format(number, _DIGITS)):f}".replace(".", decimal)
            case datetime() as moment if moment.time() == _MIDNIGHT:
                return moment.date().isoformat()
            case datetime() | date() | time() as moment:
                return moment.isoformat()
        return str(self.value)


class _Sheet:
    """One sheet of an open workbook; broken XML is found before its first row is read."""

    def __init__(self, book: Any, wanted: str) -> None:
        every = book.worksheets
        shown_ones = [one for one in every if one.sheet_state == "visible"]
        chosen = [one for one in every if one.title == wanted] if wanted else shown_ones
        if not chosen:
            found = ", ".join(shown(one.title) for one in every)
            raise Refused(Problem("file_no_sheet", params={"name": wanted, "found": found}))
        self._book = book
        self._sheet = chosen[0]
        self._widths: dict[int, int] = {}
        self.title: str = self._sheet.title
        self.others = [] if wanted else [one.title for one in shown_ones[1:]]
        try:
            with self._sheet._get_source() as source:
                self.survey = Survey(source)
        except _BROKEN as error:
            if isinstance(error, Refused):
                raise
            raise _broken() from error

    def rows(self) -> Iterator[tuple[int, list[_Value]]]:
        """Yield number and cells of each row that is stored."""
        book, sheet = self._book, self._sheet
        try:
            with sheet._get_source() as source:
                parser = WorkSheetParser(
                    source, sheet._shared_strings, data_only=True, epoch=book.epoch,
                    date_formats=book._date_formats, timedelta_formats=book._timedelta_formats,
                )  # fmt: skip
                yield from self._parsed(parser, source)
        except _BROKEN as error:
            raise _broken() from error

    def _parsed(
        self, parser: WorkSheetParser, source: IO[bytes]
    ) -> Iterator[tuple[int, list[_Value]]]:
        # The library's own loop keeps every row that was read; this one lets go of them. No part
        # of the workbook declares a document type, so there is no entity to expand.
        data: Any = None
        for event, element in iterparse(source, ("start", "end")):  # noqa: S314
            if event == "start":
                data = element if element.tag == DATA_TAG else data
            elif element.tag == ROW_TAG:
                with _without_warnings():
                    number, cells = parser.parse_row(element)
                parser.row_dimensions.clear()
                pairs = zip(cells, element, strict=True)
                yield number, [_Value(c, self._width(c["style_id"]), e) for c, e in pairs]
                data.clear()
            elif element.tag == DATA_TAG:
                return

    def _width(self, style: int) -> int:
        """Return how many digits the number format pads with zeros to, as 4 for `0000`."""
        width = self._widths.get(style)
        if width is None:
            number_format = ReadOnlyCell(self._sheet, 1, 1, None, "n", style).number_format
            width = len(number_format) if _PADDED.fullmatch(number_format) else 0
            self._widths[style] = width
        return width

    def names(self, head: int) -> list[str]:
        """Return the column names in row `head`; raises Refused when there are none."""
        names: list[str] = []
        for number, values in self.rows():
            if number >= head:
                if number == head and values:
                    names = [""] * max(value.column for value in values)
                    for value in values:
                        names[value.column - 1] = value.text(".").strip()
                break
        while names and not names[-1]:
            names.pop()
        if not names:
            params = {"sheet": self.title, "row": str(head)}
            raise Refused(Problem("sheet_no_columns", params=params))
        return names


class _Merged:
    """The merged cells of the used columns, met row by row."""

    def __init__(self, merged: Sequence[Range], used: dict[int, str]) -> None:
        self._ahead = [r for r in merged if any(r[0] <= column <= r[2] for column in used)]
        self._ahead.reverse()
        self._used = used
        self._here: list[Range] = []

    def at(self, row: int) -> list[Problem]:
        """Return a problem for each used column of the row that is part of merged cells."""
        while self._ahead and self._ahead[-1][1] <= row:
            self._here.append(self._ahead.pop())
        if not self._here:
            return []
        self._here = [found for found in self._here if found[3] >= row]
        return [
            Problem("cell_merged", name, params={"range": _reference(found)})
            for found in self._here
            for column, name in self._used.items()
            if found[0] <= column <= found[2]
        ]


def _reference(found: Range) -> str:
    first_column, first_row, last_column, last_row = found
    first, last = get_column_letter(first_column), get_column_letter(last_column)
    return f"{first}{first_row}:{last}{last_row}"


def _refuse_unusable_archive(file: IO[bytes]) -> None:
    """Judge the archive by its own list, before a byte of it is unpacked."""
    with ZipFile(file) as archive:
        parts = archive.infolist()
        if _WORKBOOK not in archive.NameToInfo:
            raise Refused(Problem("file_not_workbook"))
        held = (part.file_size for part in parts if not part.filename.startswith(_NOT_HELD))
        if (
            sum(part.file_size for part in parts) > UNPACKED_MAX
            or max(held, default=0) > PART_MAX
            or len(parts) > PARTS_MAX
        ):
            params = {"maximum": str(UNPACKED_MAX // 1024**2), "part": str(PART_MAX // 1024**2)}
            raise Refused(Problem("file_too_large_unpacked", params=params))
        for part in parts:
            if part.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
                raise BrokenSheet(part.filename)
            with archive.open(part) as content:
                refuse_declarations(content)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """What the library warns of (features that it would not write again) is nothing to a reader."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _broken() -> Refused:
    return Refused(Problem("file_broken"))
