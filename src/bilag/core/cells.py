"""Cells of files for spreadsheet programs: what would be taken for a formula becomes a text (X6).

A cell that is made safe begins with an apostrophe, which spreadsheet programs do not show.
"""

import re

# What a spreadsheet would take for a formula, with any apostrophes before it; some programs take
# the full-width signs of East Asian keyboards for the plain ones.
FORMULA = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,\u00a0 ]*")


def safe_cell(cell: str) -> str:
    """Return a cell that no spreadsheet program takes for a formula; a number stays a number."""
    return "'" + cell if FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def cell_as_it_was(cell: str) -> str:
    """Return a cell as it was before `safe_cell`."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
