"""Reads the CSV file that says which supplier or employee of the book each claimant is (C17).

Columns `claimant` (the app's id, never a name or e-mail address) and `party`; UTF-8.
"""

import csv
import io

from bilag.core.problem import Problem, Refused

_COLUMNS = ("claimant", "party")


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
        claimant, party = ((row[column] or "").strip() for column in _COLUMNS)
        code = "claimants_repeated" if claimant in parties else ""
        if not claimant or not party:
            code = "claimants_incomplete"
        if code:
            params = {"file": file, "claimant": claimant}
            problems.append(Problem(code, line=rows.line_num, params=params))
        parties[claimant] = party
    if problems:
        raise Refused(*problems)
    return parties
