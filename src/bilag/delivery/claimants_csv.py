"""Reads and writes the CSV of claimants: which supplier or employee of the book each one is (C17).

Columns `claimant` (the app's id, never a name or e-mail address) and `party`; UTF-8. What is
written is safe from formulas and reads back as it was (X6).
"""

import csv
import io
from collections.abc import Iterable

from bilag.core.problem import Problem, Refused
from bilag.records.rows import cell_of_error_file, error_cell

BYTES_MAX = 16 * 1024 * 1024
_COLUMNS = ("claimant", "party")


def claimants_text(content: bytes, file: str) -> str:
    """Return the text of an uploaded CSV; raises Refused where it is too large or is no text."""
    if len(content) > BYTES_MAX:
        params = {"file": file, "maximum": str(BYTES_MAX // 1024 // 1024)}
        raise Refused(Problem("claimants_too_large", params=params))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(Problem("claimants_not_text", params={"file": file})) from None
    if "\0" in text:
        raise Refused(Problem("claimants_not_text", params={"file": file}))
    return text


def read_claimants(text: str, file: str) -> dict[str, str]:
    """Return claimant -> party of a CSV text separated by semicolon or comma.

    Raises Refused naming every line with an empty or repeated claimant or an empty party.
    """
    head = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in head else ",")
    names = [(name or "").strip().lower() for name in rows.fieldnames or ()]
    if not set(_COLUMNS) <= set(names):
        params = {"file": file, "columns": ", ".join(_COLUMNS)}
        raise Refused(Problem("claimants_header", line=1, params=params))
    rows.fieldnames = names
    parties: dict[str, str] = {}
    problems = []
    for row in rows:
        claimant, party = (cell_of_error_file((row[name] or "").strip()) for name in _COLUMNS)
        code = "claimants_repeated" if claimant in parties else ""
        if not claimant or not party:
            code = "claimants_incomplete"
        elif "@" in claimant:
            code = "claimants_address"
        if code:
            params = {"file": file, "claimant": claimant}
            problems.append(Problem(code, line=rows.line_num, params=params))
        parties[claimant] = party
    if problems:
        raise Refused(*problems)
    return parties


def write_claimants(claimants: Iterable[tuple[str, str]]) -> str:
    """Return a CSV text of (claimant, party), separated by semicolon, cells safe from formulas."""
    written = io.StringIO()
    rows = csv.writer(written, delimiter=";", lineterminator="\r\n")
    rows.writerow(_COLUMNS)
    rows.writerows((error_cell(claimant), error_cell(party)) for claimant, party in claimants)
    return written.getvalue()
