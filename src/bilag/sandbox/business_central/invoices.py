"""Purchase invoices and their lines: drafts and posted ones (dynamics.md §1.12).

A vendor's invoice number is checked when posting; what was posted survives a restart.
"""

from collections.abc import Iterable
from decimal import Decimal

from bilag.sandbox.business_central.filters import Filter
from bilag.sandbox.business_central.general import GeneralLedger
from bilag.sandbox.business_central.journals import Line
from bilag.sandbox.business_central.schema import ENTITIES
from bilag.sandbox.business_central.values import Row, empty_row, plain

_ENTITY = ENTITIES["purchaseInvoices"]
_AMOUNTS = tuple(field.name for field in _ENTITY.fields.values() if field.kind == "decimal")


class Invoices:
    """Invoices by id and by the vendor's number, and all their lines."""

    def __init__(self, general: GeneralLedger) -> None:
        self.by_id: dict[str, Row] = {}
        self.lines: dict[str, Line] = {}
        self._lines_of: dict[str, list[Line]] = {}
        self._by_vendor_number: dict[str, list[Row]] = {}
        self.posted: set[tuple[str, str]] = set()
        self._drafts = 0
        for entry in general.entries():
            if kept := entry.get("invoice"):
                amounts = {name: Decimal(kept[name]) for name in _AMOUNTS}
                row = empty_row(_ENTITY) | kept | amounts
                self.add(row)
                self.posted.add((row["vendorNumber"], row["vendorInvoiceNumber"]))

    def next_number(self) -> str:
        """Return the number of a new draft."""
        self._drafts += 1
        return f"PI{self._drafts:06d}"

    def add(self, row: Row) -> None:
        """Add an invoice."""
        self.by_id[row["id"]] = row
        self._lines_of.setdefault(row["id"], [])
        self.index(row)

    def index(self, row: Row) -> None:
        """Let the invoice be found by its vendor's number."""
        kept = self._by_vendor_number.setdefault(row["vendorInvoiceNumber"], [])
        if row not in kept:
            kept.append(row)

    def remove(self, row: Row) -> None:
        """Delete a draft with its lines."""
        for line in self._lines_of.pop(row["id"], []):
            del self.lines[line.row["id"]]
        self.by_id.pop(row["id"], None)

    def add_line(self, line: Line) -> None:
        """Add a line."""
        self.lines[line.row["id"]] = line
        self._lines_of[line.row["documentId"]].append(line)

    def remove_line(self, line: Line) -> None:
        """Delete a line."""
        self.lines.pop(line.row["id"], None)
        self._lines_of[line.row["documentId"]].remove(line)

    def lines_of(self, key: str) -> list[Line]:
        """Return an invoice's lines."""
        return self._lines_of.get(key, [])

    def rows(self, chosen: Filter) -> Iterable[Row]:
        """Return invoices that may pass a filter; asks the index of vendors' numbers if it can."""
        numbers = chosen.equals.get("vendorInvoiceNumber")
        if numbers is None:
            return list(self.by_id.values())
        found = {
            row["id"]: row for number in numbers for row in self._by_vendor_number.get(number, ())
        }
        return [row for row in found.values() if row["id"] in self.by_id]

    def kept(self, row: Row) -> Row:
        """Return a posted invoice as the ledger's file keeps it."""
        return row | {name: plain(row[name]) for name in _AMOUNTS}
