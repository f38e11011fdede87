"""Looks a worksheet's XML through before it is read: rows, merged cells, and what it must not hold.

Flat in memory. What is found here is refused before the first row of the file is taken in.
"""

import re
from typing import IO, Any, Final, NoReturn
from xml.parsers import expat

from openpyxl.utils import coordinate_to_tuple

from bilag.core.problem import Problem, Refused

# Failure policy: above these the file is refused whole. Excel itself writes at most 16,384 cells of
# 32,767 characters a row; a row that long is no claim.
ROW_BYTES_MAX: Final = 4 * 1024 * 1024
MERGED_MAX: Final = 10_000

_CHUNK = 256 * 1024
_REFERENCE = re.compile(r"[A-Z]{1,3}[0-9]{1,7}(?::[A-Z]{1,3}[0-9]{1,7})?")

# first column, first row, last column, last row; all from 1
Range = tuple[int, int, int, int]


class BrokenSheet(ValueError):
    """The XML of a part of the workbook is not what a workbook holds."""


class Survey:
    """What one pass over a worksheet found: the number of its rows, and its merged cells by row."""

    def __init__(self, source: IO[bytes]) -> None:
        self.rows = 0
        self.merged: list[Range] = []
        self._last = 0
        self._began = 0
        self._parser = _parser()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        _feed(self._parser, source)
        self.merged.sort(key=lambda found: found[1])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(":")[2]
        if kind == "row":
            number = int(attributes.get("r", self._last + 1))
            if number <= self._last:
                raise BrokenSheet(f"row {number} stands after row {self._last}")
            self._last = number
            self.rows += 1
            self._began = self._parser.CurrentByteIndex
        elif kind == "mergeCell":
            if not _REFERENCE.fullmatch(attributes.get("ref", "")):
                raise BrokenSheet("merged cells without a range")
            first, _, last = attributes["ref"].partition(":")
            first_row, first_column = coordinate_to_tuple(first)
            last_row, last_column = coordinate_to_tuple(last or first)
            self.merged.append((first_column, first_row, last_column, last_row))
            if len(self.merged) > MERGED_MAX:
                params = {"maximum": str(MERGED_MAX)}
                raise Refused(Problem("sheet_merged", params=params))

    def _end(self, name: str) -> None:
        if name.rpartition(":")[2] != "row":
            return
        if self._parser.CurrentByteIndex - self._began > ROW_BYTES_MAX:
            raise BrokenSheet(f"row {self._last} is longer than {ROW_BYTES_MAX} bytes")


def refuse_declarations(part: IO[bytes]) -> None:
    """Raise BrokenSheet when a part declares a document type: a workbook never needs entities.

    What is no XML passes: whoever needs the part will find out.
    """
    parser = _parser()
    found: list[str] = []

    def root(name: str, attributes: dict[str, str]) -> None:
        found.append(name)

    parser.StartElementHandler = root
    while not found and (chunk := part.read(_CHUNK)):
        try:
            parser.Parse(chunk, False)
        except expat.ExpatError:
            return


def _parser() -> Any:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_: object) -> NoReturn:
    raise BrokenSheet("a document type is declared")


def _feed(parser: Any, source: IO[bytes]) -> None:
    while chunk := source.read(_CHUNK):
        parser.Parse(chunk, False)
    parser.Parse(b"", True)
