"""The general ledger: entries as the API shows them, kept with the sandbox's own ledger.

Entries are found by document number; after a restart they are read back from the ledger's file.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bilag.sandbox.business_central.filters import Filter
from bilag.sandbox.business_central.master import COST_CENTRE, guid_of
from bilag.sandbox.business_central.schema import ENTITIES
from bilag.sandbox.business_central.values import Row, empty_row
from bilag.sandbox.ledger import Entry, Ledger

_EMPTY = empty_row(ENTITIES["generalLedgerEntries"])


class GeneralLedger:
    """Posted entries; a voucher is what one posting made of one document number and date."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.read_back()

    def read_back(self) -> None:
        """Build the entries anew from the ledger."""
        self._rows: dict[int, Row] = {}
        self._documents: dict[str, list[Row]] = {}
        self._ids: dict[str, Row] = {}
        self.dimensions: dict[str, dict[str, str]] = {}
        self.next_entry = 1
        for entry in reversed(list(self.ledger.last(len(self.ledger)))):
            self._index(entry)

    def post(
        self,
        head: dict[str, Any],
        lines: Iterable[dict[str, Any]],
    ) -> None:
        """Post a voucher: once this returns it is in the ledger and in its file.

        A line has account, amount (Decimal), text and dimensions; `head` is the ledger's entry.
        """
        kept = []
        debits = Decimal(0)
        for number, line in enumerate(lines, self.next_entry):
            amount: Decimal = line["amount"]
            debits += max(amount, Decimal(0))
            kept.append({**line, "amount": f"{amount:f}", "entryNumber": number})
            if centre := line["dimensions"].get(COST_CENTRE):
                kept[-1]["costCentre"] = centre
        entry: Entry = {
            **head,
            "id": f"G-{self.next_entry:07d}",
            "currency": head.get("currency", "NOK"),
            "amount": f"{debits:f}",
            "sourceId": "",
            "receivedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "lines": kept,
        }
        self.ledger.add(entry)
        self._index(entry)

    def rows(self, chosen: Filter) -> Iterable[Row]:
        """Return entries that may pass a filter, by entry number; asks the index if it can."""
        numbers = chosen.equals.get("documentNumber")
        if numbers is None:
            return self._rows.values()
        found = [row for number in numbers for row in self._documents.get(number, ())]
        return sorted(found, key=lambda row: int(row["entryNumber"]))

    def find(self, key: str) -> Row | None:
        """Return the entry with this id."""
        return self._ids.get(key)

    def entries(self) -> list[Entry]:
        """Return all vouchers in the order they were posted."""
        return list(self.ledger.last(len(self.ledger)))[::-1]

    def replace(self, entries: Iterable[Entry]) -> None:
        """Let these be all vouchers, in the file too: somebody changed the books by hand."""
        self.ledger.clear()
        for entry in entries:
            self.ledger.add(entry)
        self.read_back()

    def _index(self, entry: Entry) -> None:
        moment = entry["receivedAt"].replace("+00:00", "Z")
        document = entry["voucherNumber"]
        for line in entry["lines"]:
            number = line["entryNumber"]
            amount = Decimal(line["amount"])
            row = dict(_EMPTY)
            row.update(
                {
                    "@odata.etag": f'W/"JzE2OzA{number:012d}"',
                    "id": f"{number:08x}-0000-4000-8000-00000000b11a",
                    "entryNumber": number,
                    "postingDate": entry["postingDate"],
                    "documentNumber": document,
                    "documentType": entry.get("documentType", " "),
                    "accountId": guid_of("accounts", line["account"]),
                    "accountNumber": line["account"],
                    "description": line["text"],
                    "debitAmount": max(amount, Decimal(0)),
                    "creditAmount": max(-amount, Decimal(0)),
                    "lastModifiedDateTime": moment,
                }
            )
            self._rows[number] = row
            self._ids[row["id"]] = row
            self.dimensions[row["id"]] = line["dimensions"]
            self._documents.setdefault(document, []).append(row)
            self.next_entry = max(self.next_entry, number + 1)
