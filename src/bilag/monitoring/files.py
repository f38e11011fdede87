"""Files for spreadsheet programs: semicolons, decimal commas, UTF-8 with a mark, as Norway expects.

No cell can be taken for a formula (X6); amounts are written out, never rounded.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from bilag.core.cells import safe_cell
from bilag.mapping.dates import TIME_ZONE
from bilag.monitoring.control import ReportRow
from bilag.monitoring.wages import PayrollLine

Cell = str | int | Decimal | date | datetime | None

CONTROL_COLUMNS = (
    "claim", "revision", "generation", "kind", "state", "currency", "amount", "approved",
    "reference", "accounting_year", "voucher_number", "external_voucher_number", "exported",
)  # fmt: skip
PAYROLL_COLUMNS = (
    "claimant", "name", "year", "income_code", "taxable", "count", "unit", "amount",
    "to_be_reported",
)  # fmt: skip


def csv_file(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a CSV file with a row of names; times are Oslo's days."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def control_file(rows: Iterable[ReportRow]) -> bytes:
    """Return the exports behind a control report as a file."""
    return csv_file(
        CONTROL_COLUMNS,
        (
            (r.source_id, r.revision, r.generation, r.kind, r.state, r.currency, r.amount,
             r.approved_at, r.reference, r.accounting_year, r.voucher_number,
             r.external_voucher_number, r.exported_at)
            for r in rows
        ),
    )  # fmt: skip


def payroll_file(year: int, lines: Iterable[PayrollLine]) -> bytes:
    """Return the payroll list of a year as a file."""
    return csv_file(
        PAYROLL_COLUMNS,
        (
            (one.claimant_id, one.name, year, one.income_code, "yes" if one.taxable else "no",
             one.count, one.unit, one.amount, "yes" if one.to_be_reported else "no")
            for one in lines
        ),
    )  # fmt: skip


def _cell(value: Cell) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            whole = f"{value:.4f}"
            return (whole[:-2] if whole.endswith("00") else whole).replace(".", ",")
        case datetime():
            return value.astimezone(TIME_ZONE).date().isoformat()
        case _:
            return safe_cell(str(value))
