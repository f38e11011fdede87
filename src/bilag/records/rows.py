"""Reads the rows of a foreign file one by one: CSV as spreadsheets write it, and NDJSON.

Never holds more than one row. A row that cannot be read is a row with problems, not the end.
Workbooks are read by `workbook`.
"""

import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any, Final, Protocol

from bilag.core.money import DIGITS_MAX
from bilag.core.problem import Problem, Refused
from bilag.records.fields import TEXT_MAX, FieldError, shown
from bilag.records.identity import REMOVED, has_identity_number, without_identity_numbers
from bilag.records.json_text import RECORD_BYTES_MAX, BadJson, parse_json
from bilag.records.profile import Profile

# Failure policy: a row of more characters than this (an unclosed quote, a file that is no CSV) is a
# bad row; reading goes on at the line after the one where it began. It is also csv's field limit.
ROW_CHARACTERS_MAX: Final = 131_072

# The columns that an error file has besides those of its source; ignored when it is imported.
ROW_COLUMN, FIELD_COLUMN, PROBLEM_COLUMN = "bilag_row", "bilag_field", "bilag_problem"
OUR_COLUMNS: Final = (ROW_COLUMN, FIELD_COLUMN, PROBLEM_COLUMN)
RECORD_KEY, PROBLEMS_KEY, LINE_KEY = "bilag_record", "bilag_problems", "bilag_line"

_SURROGATE = re.compile("[\ud800-\udfff]")
_UNDECODED = re.compile("[\udc80-\udcff]")
# What a spreadsheet would take for a formula, with any apostrophes before it (X6).
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,\u00a0 ]*")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as a spreadsheet shows it (NDJSON: its line), cells by `columns`.

    `original` is the JSON text of a row of NDJSON; identity numbers are cut out of both.
    """

    number: int
    cells: Sequence[str]
    original: str = ""
    problems: tuple[Problem, ...] = ()


class RowSource(Protocol):
    """A file of rows that is read once, from the start; `columns` name the cells of each row.

    `profile` is what it is read by (None: records in our own form), `not_read` names the sheets of
    a workbook that are left out.
    """

    columns: Sequence[str]
    profile: Profile | None
    not_read: Sequence[str]

    def rows(self) -> Iterator[Row]:
        """Yield the rows in order; blank rows are left out."""
        ...

    def bytes_read(self) -> int:
        """Return how far the file was read, for a progress bar."""
        ...

    def staged(self, row: Row) -> str:
        """Return the row as one text, from which `unstaged` makes the same row again."""
        ...

    def unstaged(self, number: int, data: str, problems: tuple[Problem, ...]) -> Row:
        """Return the row that `staged` was given."""
        ...


class CellRows:
    """What sources of rows of cells share: how a row is checked, and how it waits in the database.

    `names` are the column names of the file; raises Refused when the profile's are not among them.
    """

    not_read: Sequence[str] = ()

    def __init__(self, names: Sequence[str], profile: Profile) -> None:
        self.columns: Sequence[str] = names
        self.profile: Profile | None = profile
        self._is_error_file = ROW_COLUMN in names
        _check_columns(names, profile)

    def checked(self, number: int, cells: list[str], problems: list[Problem]) -> Row:
        """Return a row of these cells: identity numbers are cut out and become problems."""
        if self._is_error_file:
            cells = [cell_of_error_file(cell) for cell in cells]
        if has_identity_number("\n".join(cells)):
            for index, cell in enumerate(cells):
                if has_identity_number(cell):
                    problems.append(Problem("identity_number", self.columns[index]))
                    cells[index] = without_identity_numbers(cell)
        return Row(number, cells, "", tuple(problems))

    def staged(self, row: Row) -> str:
        """Return the cells as a JSON list in plain ASCII."""
        return json.dumps(row.cells)

    def unstaged(self, number: int, data: str, problems: tuple[Problem, ...]) -> Row:
        """Return the row that was staged."""
        return Row(number, json.loads(data), "", problems)


class CsvRows(CellRows):
    """The rows of a CSV file with one line of column names.

    Raises Refused when the columns that the profile names are not there.
    """

    def __init__(self, file: IO[bytes], text: io.TextIOWrapper, profile: Profile) -> None:
        self.encoding = text.encoding
        self._file = file
        self._delimiter = profile.delimiter
        self._lines = _Lines(text)
        self._reader = csv.reader(
            self._lines, delimiter=profile.delimiter, quotechar=profile.quote, strict=True
        )
        try:
            names = [name.strip() for name in next(self._reader, [])]
        except (csv.Error, _RowTooLongError) as error:
            raise Refused(Problem("file_no_columns")) from error
        super().__init__(names, profile)
        self._number = 1

    def bytes_read(self) -> int:
        """Return how many bytes of the file were read."""
        return self._file.tell()

    def rows(self) -> Iterator[Row]:
        """Yield the rows in order; a row with a fault of its own carries it in `problems`."""
        width = len(self.columns)
        lines, reader = self._lines, self._reader
        while True:
            lines.begin_row()
            fault: Problem | None = None
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                fault = Problem("row_quotes")
            except _RowTooLongError:
                fault = Problem("row_too_long", params={"maximum": str(ROW_CHARACTERS_MAX)})
            if fault is None:
                while len(cells) > width and not cells[-1]:
                    cells.pop()
                if not any(cells):
                    self._number += 1
                    continue
                if len(cells) != width:
                    params = {"found": str(len(cells)), "expected": str(width)}
                    fault = Problem("row_cells", params=params)
            if fault is not None:
                cells = self._first_line(lines.keep_only_first())
            self._number += 1
            yield self._row(cells, fault)

    def _first_line(self, line: str) -> list[str]:
        """Cut the line where the bad row began into cells as well as can be."""
        cells = [cell[:TEXT_MAX] for cell in line.rstrip("\r\n").split(self._delimiter)]
        width = len(self.columns)
        return [*cells[: width - 1], self._delimiter.join(cells[width - 1 :])[:TEXT_MAX]] + [""] * (
            width - len(cells)
        )

    def _row(self, cells: list[str], fault: Problem | None) -> Row:
        problems = [] if fault is None else [fault]
        joined = "".join(cells)
        if not joined.isascii() and _UNDECODED.search(joined):
            problems.append(Problem("row_encoding", params={"encoding": self.encoding}))
        return self.checked(self._number, cells, problems)


class NdjsonRows:
    """The rows of an NDJSON file: an object a line, its values taken as cells by column name.

    Without a profile the objects are records in our own form.
    """

    not_read: Sequence[str] = ()

    def __init__(self, file: IO[bytes], profile: Profile | None) -> None:
        self._file = file
        self._decimal = profile.amounts.decimal if profile else "."
        self.profile = profile
        self.columns: Sequence[str] = profile.columns if profile else ()

    def bytes_read(self) -> int:
        """Return how many bytes of the file were read."""
        return self._file.tell()

    def rows(self) -> Iterator[Row]:
        """Yield the rows in order; a line of an error file is unwrapped."""
        number = 0
        while line := self._file.readline(RECORD_BYTES_MAX + 1):
            number += 1
            too_long = len(line) > RECORD_BYTES_MAX
            while too_long and not line.endswith(b"\n"):
                rest = self._file.readline(RECORD_BYTES_MAX)
                if not rest:
                    break
                line = line[:TEXT_MAX] + rest[-1:]
            text = line.decode("utf-8", "surrogateescape").removeprefix("\ufeff").strip()
            if too_long:
                fault = Problem("json_too_large", params={"maximum": str(RECORD_BYTES_MAX)})
                yield Row(number, (), cleaned_json(text[:TEXT_MAX]), (fault,))
            elif text:
                yield self._row(number, text)

    def _row(self, number: int, text: str) -> Row:
        try:
            value = parse_json(text)
            if isinstance(value, dict) and LINE_KEY in value:
                text = str(value[LINE_KEY])
                value = parse_json(text)
            elif isinstance(value, dict) and RECORD_KEY in value:
                value = value[RECORD_KEY]
                text = _json_line(value)
        except BadJson as error:
            return Row(number, (), cleaned_json(text), (error.problem,))
        return Row(number, (), text) if not self.columns else self._cells(number, value, text)

    def _cells(self, number: int, value: Any, text: str) -> Row:
        if not isinstance(value, dict):
            return Row(number, (), cleaned_json(text), (Problem("record_not_object"),))
        problems: list[Problem] = []
        cells: list[str] = []
        for column in self.columns:
            try:
                cell = _cell_text(value.get(column), self._decimal)
            except FieldError as fault:
                problems.append(Problem(fault.code, column, params=fault.params))
                cell = ""
            if has_identity_number(cell):
                problems.append(Problem("identity_number", column))
                cell = without_identity_numbers(cell)
            cells.append(cell)
        return Row(number, cells, cleaned_json(text), tuple(problems))

    def staged(self, row: Row) -> str:
        """Return the JSON text of the row, in plain ASCII."""
        return json.dumps([row.original, list(row.cells)])

    def unstaged(self, number: int, data: str, problems: tuple[Problem, ...]) -> Row:
        """Return the row that was staged."""
        original, cells = json.loads(data)
        return Row(number, cells, original, problems)


def error_cell(cell: str) -> str:
    """Return a cell as it stands in an error file: safe from formulas, and read back as it was."""
    return "'" + cell if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def cell_of_error_file(cell: str) -> str:
    """Return a cell of an error file as it was before it was made safe from formulas."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def cleaned_json(text: str) -> str:
    """Return a JSON text with the identity numbers cut out; as it is where there are none."""
    try:
        value = parse_json(text)
    except BadJson:
        return without_identity_numbers(text)
    clean = _cleaned(value)
    return text if clean == value else _json_line(clean)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return without_identity_numbers(value)
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(each) for key, each in value.items()}
    return REMOVED if has_identity_number(str(value)) else value


def _check_columns(columns: Sequence[str], profile: Profile) -> None:
    missing = [name for name in profile.columns if name not in columns]
    twice = [name for name in profile.columns if columns.count(name) > 1]
    found = ", ".join(shown(name) for name in columns if name)
    problems = [
        *(Problem("file_column_missing", name, params={"found": found}) for name in missing),
        *(Problem("file_column_twice", name) for name in twice),
    ]
    if problems:
        raise Refused(*problems)


def _cell_text(value: Any, decimal: str) -> str:
    """Return the JSON value as the profile would read it in a cell."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal() if -DIGITS_MAX <= value.adjusted() <= DIGITS_MAX:
            return f"{value:f}".replace(".", decimal)
    raise FieldError("cell_not_scalar")


def _json_line(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return json.dumps(value, default=str) if _SURROGATE.search(text) else text


class _RowTooLongError(Exception):
    """A row of more than ROW_CHARACTERS_MAX characters."""


class _Lines:
    """The lines of a file as csv wants them; what a bad row swallowed can be read again."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self._size = 0

    def begin_row(self) -> None:
        """Forget the lines of the row before."""
        self._taken = []
        self._size = 0

    def keep_only_first(self) -> str:
        """Return the first line of this row and give the others back."""
        self._again.extendleft(reversed(self._taken[1:]))
        return self._taken[0]

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._text.readline(ROW_CHARACTERS_MAX)
        if not line:
            raise StopIteration
        self._taken.append(line)
        self._size += len(line)
        if self._size >= ROW_CHARACTERS_MAX:
            self._skip_rest_of(line)
            raise _RowTooLongError
        return line

    def _skip_rest_of(self, line: str) -> None:
        if line.endswith(("\n", "\r")):
            return
        # The line counts as ended where it was cut off, should it be read again.
        self._taken[-1] = line + "\n"
        while rest := self._text.readline(ROW_CHARACTERS_MAX):
            if rest.endswith(("\n", "\r")):
                return
