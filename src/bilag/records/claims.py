"""From the rows of one claim in a foreign file to a record, or to what is wrong, row by row.

Pure. Limits and codes are those of `validate`; a problem is told by row number and column.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from bilag.core.problem import Problem
from bilag.core.record import Record
from bilag.records.fields import FieldError, read_id, shown
from bilag.records.json_text import parse_json
from bilag.records.profile import (
    TEMPLATE_COLUMN,
    CellReaders,
    Profile,
    Source,
    field_kind,
    is_line_field,
)
from bilag.records.rows import Row
from bilag.records.validate import NotApproved, Withdrawal, validate

_KEY_SEPARATOR = "\x1f"
# Rows of one receipt follow each other; the same one is told once.
_RECEIPTS_COMPARED = 20
_PLACE = re.compile(r"(?P<part>lines|receipts)\[(?P<number>[0-9]+)\]\.?")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong in one row; `column` is the file's name for it, or ours where it has none."""

    row: int
    column: str
    problem: Problem


class _RowError(FieldError):
    """A fault of the claim that stands in one of its rows."""

    def __init__(self, row: int, code: str, **params: str) -> None:
        super().__init__(code, **params)
        self.row = row


Built = Record | Withdrawal | NotApproved | list[RowProblem]
Cells = Sequence[str]


class Builder(Protocol):
    """Makes records from rows; `groups` says whether rows must be put together by `key` first."""

    groups: bool
    key_columns: str

    def key(self, row: Row) -> str:
        """Return the claim that a row belongs to; raises FieldError when that cannot be told."""
        ...

    def build(self, rows: Sequence[Row]) -> Built:
        """Return the record of all rows of a claim, or every problem with its row and column."""
        ...


class RecordBuilder:
    """Builds records from rows that are records in our own form, one a line."""

    groups = False
    key_columns = ""

    def __init__(self, source_system: str, *, today: date) -> None:
        self._source_system = source_system
        self._today = today

    def key(self, row: Row) -> str:
        """Return the row's number: it stands alone."""
        return str(row.number)

    def build(self, rows: Sequence[Row]) -> Built:
        """Return the record of a line, or what is wrong with it."""
        (row,) = rows
        problems = list(row.problems)
        if not problems:
            built = validate(
                parse_json(row.original), today=self._today, source_system=self._source_system
            )
            if not isinstance(built, list):
                return built
            problems = built
        return [RowProblem(row.number, problem.field, problem) for problem in problems]


class ClaimBuilder:
    """Builds records from rows as one profile says; `file_day` is the date of the file."""

    def __init__(
        self, profile: Profile, columns: Sequence[str], *, today: date, file_day: date
    ) -> None:
        self._profile = profile
        self._today = today
        self._readers = CellReaders(profile)
        self._last_cost_date = False
        self._base: dict[str, Any] = {}
        self._header: list[_Field] = []
        self._line: list[_Field] = []
        self._has_lines = any(name.startswith("line.") for name in profile.fields)
        index = {name: position for position, name in enumerate(columns)}
        self._key = [index[name] for name in profile.group_by]
        self.groups = bool(self._key)
        self.key_columns = ", ".join(profile.group_by)
        for name, source in profile.fields.items():
            if source.rule == "lastCostDate":
                self._last_cost_date = True
            elif source.rule == "fileDate":
                self._base[name] = self._readers.dates.midnight(file_day.isoformat())
            elif source.constant is not None and not is_line_field(name):
                self._base[name] = self._readers.read(field_kind(name), source.constant)
            else:
                fields = self._line if is_line_field(name) else self._header
                fields.append(_Field(name, source, _getter(source, index), self._readers))

    def key(self, row: Row) -> str:
        """Return the claim that a row belongs to; raises FieldError when that cannot be told."""
        parts: list[str] = [read_id(row.cells[n], self._today) for n in self._key]
        if not all(parts):
            raise FieldError("row_without_claim")
        return _KEY_SEPARATOR.join(parts)

    def build(self, rows: Sequence[Row]) -> Built:
        """Return the record of all rows of a claim, or every problem with its row and column.

        A claim that is not approved is told as such, whatever else is wrong with it.
        """
        problems = [RowProblem(row.number, p.field, p) for row in rows for p in row.problems]
        if problems:
            return problems
        faulty: set[str] = set()
        raw = dict(self._base)
        self._read_header(rows, raw, problems, faulty)
        lines, receipts, receipt_rows = self._read_lines(rows, problems, faulty)
        if self._last_cost_date:
            faulty.add("approvedAt")
            if days := [line["date"] for line in lines if "date" in line]:
                raw["approvedAt"] = self._readers.dates.midnight(max(days))
        raw |= {"lines": lines, "receipts": receipts}
        built = validate(_nested(raw), today=self._today, source_system=self._profile.source_system)
        if isinstance(built, Record):
            return problems or built
        if not isinstance(built, list):
            return built
        # A cell that could not be read is told once, not as a missing field as well.
        found = [p for p in built if p.code != "field_missing" or p.field not in faulty]
        if not found and not problems:
            found = built
        return problems + [self._placed(problem, rows, receipt_rows) for problem in found]

    def _read_header(
        self, rows: Sequence[Row], raw: dict[str, Any], problems: list[RowProblem], faulty: set[str]
    ) -> None:
        for field in self._header:
            try:
                if text := field.of_claim(rows):
                    raw[field.name] = field.value(text)
            except FieldError as fault:
                faulty.add(field.name)
                number = fault.row if isinstance(fault, _RowError) else rows[0].number
                problems.append(field.problem(number, fault, None))

    def _read_lines(
        self, rows: Sequence[Row], problems: list[RowProblem], faulty: set[str]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Row]]:
        """Return a line for each row, the receipts, and the row that each receipt came from."""
        lines: list[dict[str, Any]] = []
        receipts: list[dict[str, Any]] = []
        receipt_rows: list[Row] = []
        for position, row in enumerate(rows, start=1):
            parts: dict[str, dict[str, Any]] = {"line": {}, "receipt": {}}
            for field in self._line:
                try:
                    if text := field.get(row.cells):
                        parts[field.part][field.key] = field.value(text)
                except FieldError as fault:
                    faulty.add(f"lines[{position}].{field.key}")
                    problems.append(field.problem(row.number, fault, position))
            if self._has_lines:
                lines.append(parts["line"])
            if parts["receipt"] and parts["receipt"] not in receipts[-_RECEIPTS_COMPARED:]:
                receipts.append(parts["receipt"])
                receipt_rows.append(row)
        return lines, receipts, receipt_rows

    def _placed(self, problem: Problem, rows: Sequence[Row], receipt_rows: list[Row]) -> RowProblem:
        """Name row and column of a problem that `validate` found in the record."""
        place = _PLACE.match(problem.field)
        if place is None:
            name, row = problem.field, rows[0]
        else:
            part = "line" if place["part"] == "lines" else "receipt"
            name = f"{part}.{problem.field[place.end() :]}"
            row = (rows if part == "line" else receipt_rows)[int(place["number"]) - 1]
        source = self._profile.fields.get(name)
        column = ", ".join(source.columns) if source and source.columns else name
        return RowProblem(row.number, column, problem)


class _Field:
    """One field of ours that is filled from cells."""

    __slots__ = ("_kind", "_readers", "_source", "column", "get", "key", "name", "part")

    def __init__(
        self, name: str, source: Source, get: Callable[[Cells], str], readers: CellReaders
    ) -> None:
        self.name = name
        self.part, _, self.key = name.rpartition(".")
        self.column = ", ".join(source.columns) or name
        self.get = get
        self._source = source
        self._kind = field_kind(name)
        self._readers = readers

    def problem(self, row: int, fault: FieldError, line: int | None) -> RowProblem:
        """Return a fault of this field as a problem of a row."""
        return RowProblem(row, self.column, Problem(fault.code, self.name, line, "", fault.params))

    def value(self, text: str) -> str | int | bool:
        """Return the JSON value of a text that is not empty; raises FieldError."""
        return text if self._kind == "text" else self._readers.read(self._kind, text)

    def of_claim(self, rows: Sequence[Row]) -> str:
        """Return the one text that the rows of a claim give together; raises FieldError."""
        texts: list[str] = []
        for row in rows:
            try:
                texts.append(self.get(row.cells))
            except FieldError as fault:
                raise _RowError(row.number, fault.code, **fault.params) from fault
        match self._source.rows:
            case "first":
                return next((text for text in texts if text), "")
            case "join":
                given = dict.fromkeys(text for text in texts if text)
                return self._source.separator.join(given)
        for row, text in zip(rows, texts, strict=True):
            if text != texts[0]:
                first = {"first": shown(texts[0]), "first_row": str(rows[0].number)}
                raise _RowError(row.number, "cells_disagree", value=shown(text), **first)
        return texts[0]


def _getter(source: Source, index: Mapping[str, int]) -> Callable[[Cells], str]:
    default = source.default or ""
    if source.template is not None:
        return _template_getter(source.template, index, default)
    if source.column is None:
        constant = source.constant or ""
        return lambda cells: constant
    position = index[source.column]
    if source.table is None:
        return lambda cells: cells[position].strip() or default
    table = source.table

    def look_up(cells: Cells) -> str:
        cell = cells[position].strip()
        found = table.get(cell) if cell else default
        if found is None:
            found = default
            if not default:
                raise FieldError("cell_not_in_table", value=shown(cell))
        return found

    return look_up


def _template_getter(
    template: str, index: Mapping[str, int], default: str
) -> Callable[[Cells], str]:
    """An empty column takes the text before it along: `{a} - {b}` with no b is just a.

    The text after the last column goes with that column.
    """
    pieces = TEMPLATE_COLUMN.split(template)
    before, tail = pieces[:-1:2], pieces[-1]
    columns = [index[name] for name in pieces[1::2]]
    parts = list(zip(before, columns, [*[""] * (len(columns) - 1), tail], strict=True))

    def fill(cells: Cells) -> str:
        text = ""
        for number, (literal, position, after) in enumerate(parts):
            if cell := cells[position].strip():
                text += (literal if text or not number else "") + cell + after
        return text or default

    return fill


def _nested(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{"claimant.id": "V017"}` as `{"claimant": {"id": "V017"}}`."""
    found: dict[str, Any] = {}
    for name, value in raw.items():
        part, _, key = name.partition(".")
        if key:
            found.setdefault(part, {})[key] = value
        else:
            found[part] = value
    return found
