"""Journals, their lines and the lines' dimensions, found by id, by code and by line number.

Every change leaves its undo step, so that a refused request or batch leaves nothing behind.
"""

import uuid
from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from bilag.sandbox.business_central.refusals import same_key
from bilag.sandbox.business_central.undo import Undo
from bilag.sandbox.business_central.values import Row

LINE_STEP = 10000
SHOWN_TYPES = frozenset(("G/L Account", "Customer", "Vendor", "Bank Account"))


@dataclass(eq=False, slots=True)
class Journal:
    """A journal batch: its row, and its lines by line number."""

    row: Row
    lines: dict[int, "Line"] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """Template and code: the primary key."""
        return self.row["templateDisplayName"], self.row["code"]

    def in_order(self) -> Iterator["Line"]:
        """Return the lines by line number."""
        return (self.lines[number] for number in self.numbers)

    def neighbour(self, number: int) -> "Line | None":
        """Return the line before, else the one after: the source of defaults (§1.4)."""
        place = bisect_right(self.numbers, number)
        if place:
            return self.lines[self.numbers[place - 1]]
        return self.lines[self.numbers[0]] if self.numbers else None


@dataclass(eq=False, slots=True)
class Line:
    """A journal line or an invoice line: its row, what it belongs to, its dimensions."""

    row: Row
    parent: Row
    journal: Journal | None = None
    dimensions: dict[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> bool:
        """Whether GET journalLines shows it; the page hides Employee and others (§0.9)."""
        return self.row["accountType"] in SHOWN_TYPES


class Stamps:
    """Etags and times of change; every change of a row gets a new one."""

    def __init__(self, undo: Undo) -> None:
        self._undo = undo
        self._numbers = count(1)

    def new(self, row: Row) -> Row:
        """Give a new row its id, etag and time."""
        row["id"] = str(uuid.uuid4())
        return self._stamped(row)

    def change(self, row: Row, changes: Row) -> None:
        """Change a row, so that it can be taken back."""
        before = dict(row)

        def back() -> None:
            row.clear()
            row.update(before)

        self._undo.note(back)
        row.update(changes)
        self._stamped(row)

    def _stamped(self, row: Row) -> Row:
        row["@odata.etag"] = f'W/"JzQ0O{next(self._numbers):012d}"'
        if "lastModifiedDateTime" in row:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            row["lastModifiedDateTime"] = now.replace("+00:00", "Z")
        return row


class Journals:
    """All journals of the company."""

    def __init__(self, undo: Undo) -> None:
        self._undo = undo
        self.by_id: dict[str, Journal] = {}
        self.by_key: dict[tuple[str, str], Journal] = {}
        self.lines: dict[str, Line] = {}

    def add(self, journal: Journal) -> None:
        """Add a journal; raises Refused when its code is taken (§0.5)."""
        template, code = journal.key
        if journal.key in self.by_key:
            raise same_key(
                "Gen. Journal Batch", f"Journal Template Name='{template}',Name='{code}'"
            )
        self._put(journal)
        self._undo.note(lambda: self._drop(journal))

    def remove(self, journal: Journal) -> None:
        """Delete a journal with its lines."""
        for line in list(journal.in_order()):
            self.remove_line(line)
        self._drop(journal)
        self._undo.note(lambda: self._put(journal))

    def add_line(self, journal: Journal, line: Line) -> None:
        """Add a line; raises Refused when its number is taken (§0.5)."""
        number = line.row["lineNumber"]
        if number in journal.lines:
            template, code = journal.key
            raise same_key(
                "Gen. Journal Line",
                f"Journal Template Name='{template}',Journal Batch Name='{code}',"
                f"Line No.='{number}'",
            )
        self._put_line(journal, line)
        self._undo.note(lambda: self._drop_line(line))

    def remove_line(self, line: Line) -> None:
        """Delete a line."""
        journal = line.journal
        if journal is None:
            return
        self._drop_line(line)
        self._undo.note(lambda: self._put_line(journal, line))

    def set_dimension(self, line: Line, code: str, value: str | None) -> None:
        """Set or delete a dimension of a line."""
        before = dict(line.dimensions)

        def back() -> None:
            line.dimensions = before

        self._undo.note(back)
        line.dimensions = {**before, code: value} if value is not None else dict(before)
        if value is None:
            line.dimensions.pop(code, None)

    def _put(self, journal: Journal) -> None:
        self.by_id[journal.row["id"]] = journal
        self.by_key[journal.key] = journal

    def _drop(self, journal: Journal) -> None:
        del self.by_id[journal.row["id"]]
        del self.by_key[journal.key]

    def _put_line(self, journal: Journal, line: Line) -> None:
        number = line.row["lineNumber"]
        line.journal = journal
        journal.lines[number] = line
        if journal.numbers and number < journal.numbers[-1]:
            insort(journal.numbers, number)
        else:
            journal.numbers.append(number)
        self.lines[line.row["id"]] = line

    def _drop_line(self, line: Line) -> None:
        journal = line.journal
        if journal is None:
            return
        number = line.row["lineNumber"]
        del journal.lines[number]
        if journal.numbers[-1] == number:
            journal.numbers.pop()
        else:
            journal.numbers.remove(number)
        del self.lines[line.row["id"]]
