"""What the sandbox has booked, as its reads show it: headers, entries, payables.

The ledger of the sandbox keeps what was booked from imports; this is what people then make of it.
"""

import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bilag.sandbox.xledger import clock
from bilag.sandbox.xledger.lines import money
from bilag.sandbox.xledger.tables import Row, Table

_OF_ENTRY = (
    "extIdentifier",
    "invoiceNumber",
    "text",
    "yourReference",
    "paymentReference",
    "amount",
    "invoiceAmount",
    "taxAmount",
    "postedDate",
    "invoiceDate",
    "dueDate",
    "fiscalYear",
    "fiscalPeriod",
    "ownerDbId",
    "account",
    "currency",
    "taxRule",
    "subledger",
    *(f"glObject{place}" for place in range(1, 6)),
)


class Books:
    """Tables of what is posted; one voucher is a header and its entries."""

    def __init__(self) -> None:
        self._numbers = itertools.count(51_000_001)
        self._voucher_numbers = itertools.count(100_001)
        self.tables: dict[str, Table] = {
            "journalHeaders": Table(),
            "journalEntries": Table("extIdentifier", "invoiceNumber"),
            "transactions": Table(),
            "apTransactions": Table("extIdentifier", "invoiceNumber"),
        }
        self._entries: dict[int, list[Row]] = {}

    def post(self, rows: Sequence[Row], voucher_number: str, file: Row | None, moment: int) -> Row:
        """Post a voucher of these rows; returns its header. No number: the next one is taken."""
        # Counted on in any case, so that a restart gives the same numbers again.
        following = str(next(self._voucher_numbers))
        first, now = rows[0], clock.as_text(moment)
        header = {
            "dbId": next(self._numbers),
            "transactionNumber": voucher_number or following,
            "text": first["text"],
            "postedDate": first["postedDate"],
            "importedAt": now,
            "registeredAt": now,
            "fiscalYear": first.get("fiscalYear"),
            "ownerDbId": first["ownerDbId"],
            "invoiceFile": file,
            "transactionSource": first["transactionSource"],
        }
        self.tables["journalHeaders"].add(header, moment)
        self._entries[header["dbId"]] = [self._add_entry(row, header, moment) for row in rows]
        return header

    def vouchers(self, reference: str) -> list[Row]:
        """Return the headers of what carries this reference, in the order of posting."""
        entries = self.tables["journalEntries"].find("extIdentifier", reference)
        return list({row["header"]["dbId"]: row["header"] for row in entries}.values())

    def delete(self, header: Row) -> str:
        """Take a voucher away, as a person can."""
        for entry in self._entries.pop(header["dbId"]):
            for name in ("journalEntries", "transactions", "apTransactions"):
                if self.tables[name].get(entry["dbId"]):
                    self.tables[name].remove(entry["dbId"])
        self.tables["journalHeaders"].remove(header["dbId"])
        return str(header["transactionNumber"])

    def double(self, header: Row, moment: int) -> str:
        """Post a voucher once more, under a number of its own."""
        return self._copy(header, moment, {})

    def reverse(self, header: Row, moment: int, *, keeps_reference: bool = True) -> str:
        """Post the opposite of a voucher; whether it carries the reference on is UNKNOWN."""
        changes: dict[str, Any] = {"text": f"Reversal of {header['transactionNumber']}"}
        if not keeps_reference:
            changes["extIdentifier"] = None
        return self._copy(header, moment, changes, sign=-1)

    def alter(self, header: Row, moment: int, line: int, changes: dict[str, Any]) -> str:
        """Change one line (from 1), by 1.00 unless it is said how.

        Another amount is taken from the first of the other lines.
        """
        entries = self._entries[header["dbId"]]
        changed = entries[line - 1]
        changes = changes or {"amount": str(Decimal(changed["amount"]) + 1)}
        if "amount" in changes:
            other = next(one for one in entries if one is not changed)
            step = Decimal(changes["amount"]) - Decimal(changed["amount"])
            for row, by in ((changed, step), (other, -step)):
                for name in ("amount", "invoiceAmount"):
                    if row[name] is not None:
                        row[name] = money(Decimal(row[name]) + by)
        changed.update({name: value for name, value in changes.items() if name != "amount"})
        for row in entries:
            _number_references(row)
            self.tables["journalEntries"].changed(row, moment)
        self.tables["journalHeaders"].changed(header, moment)
        return str(header["transactionNumber"])

    def _copy(self, header: Row, moment: int, changes: dict[str, Any], sign: int = 1) -> str:
        rows = [row | changes for row in self._entries[header["dbId"]]]
        for row in rows:
            for name in ("amount", "invoiceAmount", "taxAmount"):
                if sign < 0 and row[name] is not None:
                    row[name] = money(-Decimal(row[name]))
            row["transactionSource"] = header["transactionSource"]
        return str(self.post(rows, "", header["invoiceFile"], moment)["transactionNumber"])

    def _add_entry(self, row: Row, header: Row, moment: int) -> Row:
        source = header["transactionSource"]
        entry = {name: row.get(name) for name in _OF_ENTRY} | {
            "dbId": next(self._numbers),
            "transactionNumber": header["transactionNumber"],
            "transactionHeader": header,
            "header": header,
            "headerCreatedAt": header["createdAt"],
            "headerModifiedAt": header["modifiedAt"],
            "headerTransactionSourceDbId": source["dbId"] if source else None,
            "invoiceFile": header["invoiceFile"],
        }
        _number_references(entry)
        # One row in all three: their types show what each lists of it (xledger.md §7 [C3]).
        for name in ("journalEntries", "transactions", "apTransactions"):
            if name != "apTransactions" or entry["subledger"]:
                self.tables[name].add(entry, moment)
        return entry


def _number_references(entry: Row) -> None:
    for name in ("account", "subledger", *(f"glObject{place}" for place in range(1, 6))):
        entry[f"{name}DbId"] = entry[name]["dbId"] if entry[name] else None
