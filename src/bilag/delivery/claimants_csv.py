"""Reads and writes the CSV of claimants: which supplier or employee of the book each one is (C17).

Columns `claimant` (the app's id, never a name or e-mail address) and `party`; UTF-8. What is
written is safe from formulas and reads back as it was (X6).
"""

import csv
import io
from collections.abc import Iterable, Iterator

from bilag.core.cells import cell_as_it_was, safe_cell
from bilag.core.characters import character_fault
from bilag.core.problem import Problem, Refused
from bilag.mapping.document import CLAIMANTS_MAX

BYTES_MAX = 16 * 1024 * 1024
_COLUMNS = ("claimant", "party")


def claimants_text(content: bytes, file: str) -> str:
    """Return the text of an uploaded CSV; raises Refused where it is too large or is no text."""
    if len(content) > BYTES_MAX:
        raise too_large()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(Problem("claimants_not_text", params={"file": file})) from None
    if "\0" in text:
        raise Refused(Problem("claimants_not_text", params={"file": file}))
    return text


def too_large() -> Refused:
    """Return what is said of a file that is larger than any that is taken."""
    params = {"maximum": str(BYTES_MAX // 1024 // 1024)}
    return Refused(Problem("claimants_too_large", params=params))


def read_claimants(text: str, file: str) -> dict[str, str]:
    """Return claimant -> party of a CSV text separated by semicolon or comma.

    Raises Refused naming every line that cannot be used; what is more than a mapping holds is not
    read.
    """
    rows = _rows(text, file)
    _line, head = next(rows, (1, []))
    names = [name.strip().lower() for name in head]
    if not set(_COLUMNS) <= set(names):
        params = {"file": file, "columns": ", ".join(_COLUMNS)}
        raise Refused(Problem("claimants_header", line=1, params=params))
    places = [names.index(name) for name in _COLUMNS]
    parties: dict[str, str] = {}
    problems = []
    for number, (line, row) in enumerate(rows, 1):
        if number > CLAIMANTS_MAX:
            params = {"maximum": str(CLAIMANTS_MAX)}
            raise Refused(Problem("mapping_claimants_too_many", line=line, params=params))
        claimant, party = (
            cell_as_it_was(row[place].strip()) if place < len(row) else "" for place in places
        )
        code = "claimants_repeated" if claimant in parties else ""
        if not claimant or not party:
            code = "claimants_incomplete"
        elif "\n" in claimant or "\n" in party:
            code = "claimants_unreadable"
        elif fault := character_fault(claimant + party):
            code = fault
        elif "@" in claimant:
            code = "claimants_address"
        if code:
            # what cannot be read is not repeated: it may be half of the file
            told = "" if code == "claimants_unreadable" else claimant
            params = {"file": file, "claimant": told}
            problems.append(Problem(code, line=line, params=params))
        parties[claimant] = party
    if problems:
        raise Refused(*problems)
    return parties


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty with the line on which it begins."""
    lines = io.StringIO(text, newline=None)  # a line ends as any system ends one
    delimiter = ";" if ";" in lines.readline() else ","
    lines.seek(0)
    rows = csv.reader(lines, delimiter=delimiter)
    begins = 1
    try:
        for row in rows:
            if row or begins == 1:
                yield begins, row
            begins = rows.line_num + 1
    except csv.Error:
        raise Refused(Problem("claimants_unreadable", line=begins, params={"file": file})) from None


def write_claimants(claimants: Iterable[tuple[str, str]]) -> str:
    """Return a CSV text of (claimant, party), separated by semicolon, cells safe from formulas."""
    written = io.StringIO()
    rows = csv.writer(written, delimiter=";", lineterminator="\r\n")
    rows.writerow(_COLUMNS)
    rows.writerows((safe_cell(claimant), safe_cell(party)) for claimant, party in claimants)
    return written.getvalue()
