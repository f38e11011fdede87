"""The GL import of the sandbox: rows are staged, and booked or refused some time later.

A staged document is looked at when its time has come, at the next request of any kind.
"""

import itertools
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bilag.sandbox.ledger import Ledger
from bilag.sandbox.xledger import clock
from bilag.sandbox.xledger.books import Books
from bilag.sandbox.xledger.events import Events
from bilag.sandbox.xledger.lines import Line, read_line
from bilag.sandbox.xledger.master import Master
from bilag.sandbox.xledger.options import Options
from bilag.sandbox.xledger.tables import Row, Table

# xledger.md §6 [C3]: posted rows get the status "Kjørt"; its numbers are UNKNOWN.
POSTED_LEVEL = {"dbId": 14503, "dbSubId": 2, "name": "Kjørt"}


@dataclass(slots=True, eq=False)
class Document:
    """The staged lines that become one voucher."""

    number: int
    lines: list[Line]
    staged_at: float
    file: Row | None = None
    posted: bool = False
    errors: list[Row] = field(default_factory=list)


class Importer:
    """`items` and `errors` are what glImportItems and glImportItemErrors show."""

    def __init__(
        self, options: Options, master: Master, books: Books, ledger: Ledger, events: Events
    ) -> None:
        self._options, self._master, self._books = options, master, books
        self._ledger, self._events = ledger, events
        self._item_numbers = itertools.count(90_000_001)
        self._error_numbers = itertools.count(30_000_001)
        self._document_numbers = itertools.count(1)
        self.items = Table("extIdentifier", "invoiceNumber")
        self.errors = Table("dbId", "transactionDbId")
        self._waiting: deque[Document] = deque()
        self._of_item: dict[int, Document] = {}
        self._tr_reg_numbers: set[int] = set()

    def stage(
        self, inputs: Sequence[dict[str, Any]], files: dict[str, Row]
    ) -> tuple[list[Line], list[dict[str, Any]]]:
        """Stage what may be staged; returns those lines in their order, and the refusals."""
        lines = [read_line(given, self._master, self._options) for given in inputs]
        for line in lines:
            name = line.node.get("invoiceFile")
            if name is not None and name not in files:
                # xledger.md §10: the use of this field is [I], and its refusal UNKNOWN.
                line.refusals.append({"message": f"invoiceFile: No file '{name}' was sent."})
        refused = [refusal for line in lines for refusal in line.refusals]
        groups: dict[Any, list[Line]] = {}
        for line in self._kept(lines):
            groups.setdefault(line.document, []).append(line)
        staged_at = time.time()
        for group in groups.values():
            named = next((line.node.get("invoiceFile") for line in group), None)
            document = Document(
                next(self._document_numbers), group, staged_at, files.get(named or "")
            )
            self._keep(document)
            self._add(document)
        return [line for line in lines if "dbId" in line.row], refused

    def advance(self) -> None:
        """Book, or refuse, every document whose time has come."""
        until = time.time() - self._options.books_after
        while self._waiting and self._waiting[0].staged_at <= until:
            self._book(self._waiting.popleft())

    def rerun(self, reference: str) -> int:
        """Try refused documents of a reference again, as a person does after mending something."""
        refused = {
            self._of_item[row["dbId"]].number: self._of_item[row["dbId"]]
            for row in self.items.find("extIdentifier", reference)
        }
        tried = [one for one in refused.values() if one.errors]
        for document in tried:
            for error in document.errors:
                self.errors.remove(error["_key"])
            document.errors = []
            for line in document.lines:
                fresh = read_line({"node": line.node}, self._master, self._options)
                line.faults = fresh.faults
                line.row |= {name: value for name, value in fresh.row.items() if value is not None}
            self._book(document)
        return len(tried)

    def remove(self, numbers: Sequence[int]) -> tuple[int, list[int]]:
        """Take rows out that are not posted; returns how many, and which ids were passed over."""
        skipped = []
        for number in numbers:
            document = self._of_item.get(number)
            if document is None or document.posted or self.items.get(number) is None:
                skipped.append(number)
                continue
            self.items.remove(number)
            document.lines = [line for line in document.lines if line.row["dbId"] != number]
            for error in [one for one in document.errors if one["_item"] == number]:
                self.errors.remove(error["_key"])
                document.errors.remove(error)
        if len(skipped) < len(numbers):
            self._events.write({"removed": [one for one in numbers if one not in skipped]})
        return len(numbers) - len(skipped), skipped

    def restore(self, event: dict[str, Any]) -> Document:
        """Take a kept document in again, as not posted yet."""
        lines = [
            read_line({"node": _with_amounts(node)}, self._master, self._options)
            for node in event["nodes"]
        ]
        document = Document(event["document"], lines, event["stagedAt"], event["file"])
        self._document_numbers = itertools.count(document.number + 1)
        self._add(document)
        return document

    def restore_posting(self, document: Document, entry: dict[str, Any]) -> None:
        """Post a restored document again, as its entry of the ledger has it."""
        if document in self._waiting:
            self._waiting.remove(document)
        self._post(document, entry["voucherNumber"], entry["postedAt"])
        document.lines = []

    def _kept(self, lines: list[Line]) -> list[Line]:
        """xledger.md §8: what one refused line takes with it is UNKNOWN."""
        if self._options.batch == "atomic":
            return [] if any(line.refusals for line in lines) else lines
        if self._options.batch == "per_line":
            return [line for line in lines if not line.refusals]
        refused = {line.document for line in lines if line.refusals}
        return [line for line in lines if line.document not in refused]

    def _keep(self, document: Document) -> None:
        nodes = [line.node for line in document.lines]
        self._events.write(
            {
                "document": document.number,
                "stagedAt": document.staged_at,
                "nodes": nodes,
                "file": document.file,
            }
        )

    def _add(self, document: Document) -> None:
        for line in document.lines:
            line.row["dbId"] = next(self._item_numbers)
            self._of_item[line.row["dbId"]] = document
            self.items.add(line.row, int(document.staged_at))
        # xledger.md §6: rows of another jobLevel, or of none, are not booked [I].
        runs = all((line.row["jobLevel"] or {}).get("_runs") for line in document.lines)
        if runs:
            self._waiting.append(document)

    def _book(self, document: Document) -> None:
        if not document.lines:
            return
        found = self._faults(document)
        if found:
            for row, message in found:
                self._add_error(document, row, message)
            return
        number = document.lines[0].row["trRegNumber"]
        wanted = str(number) if self._options.keep_tr_reg_number and number is not None else ""
        moment = clock.now()
        header = self._post(document, wanted, moment)
        self._ledger.add(self._entry(document, header, moment))
        document.lines = []

    def _faults(self, document: Document) -> list[tuple[Row, str]]:
        """What booking finds wrong. Texts are UNKNOWN (xledger.md §9): they are ours."""
        found = [(line.row, fault) for line in document.lines for fault in line.faults]
        for line in document.lines:
            row = line.row
            if row["amount"] is None and row["invoiceAmount"] is None:
                found.append((row, "Amount is missing"))
            if row["account"] is None and not line.faults:
                found.append((row, "Account is missing"))
            if row["postedDate"] is None:
                found.append((row, "Posted date is missing"))
            elif row["postedDate"][:7] in self._master.closed_periods:
                found.append((row, f"Period {row['postedDate'][:7]} is closed"))
        first = document.lines[0].row
        for name, other in (("amount", "invoiceAmount"), ("invoiceAmount", "amount")):
            difference = sum(
                Decimal(line.row[name] or line.row[other] or 0) for line in document.lines
            )
            if difference:
                found.append((first, f"Transaction does not balance: {difference:f}"))
                break
        if self._options.unique_tr_reg_numbers and first["trRegNumber"] in self._tr_reg_numbers:
            found.append((first, f"Transaction number {first['trRegNumber']} is used already"))
        return found

    def _add_error(self, document: Document, row: Row, message: str) -> None:
        # xledger.md §6 [C3]: the fields; which one names the row, and the levels, are UNKNOWN.
        number, item = next(self._error_numbers), row["dbId"]
        error = {
            "dbId": item if self._options.error_link == "dbId" else number,
            "transactionDbId": item if self._options.error_link == "transactionDbId" else None,
            "message": message,
            "errorLevelDbId": 3,
            "errorLevel": {"dbId": 3, "code": "ERROR", "name": "Error"},
            "ownerDbId": row["ownerDbId"],
            "_item": item,
        }
        document.errors.append(error)
        self.errors.add(error, clock.now(), number)

    def _post(self, document: Document, voucher_number: str, moment: int) -> Row:
        rows = [line.row for line in document.lines]
        header = self._books.post(rows, voucher_number, document.file, moment)
        document.posted = True
        if (number := rows[0]["trRegNumber"]) is not None:
            self._tr_reg_numbers.add(number)
        for row in rows:
            # xledger.md §7: whether posted rows stay is UNKNOWN.
            if self._options.posted_rows == "vanish":
                self.items.remove(row["dbId"])
                continue
            row["jobLevel"], row["jobLevelDbId"] = POSTED_LEVEL, POSTED_LEVEL["dbId"]
            self.items.changed(row, moment)
        return header

    def _entry(self, document: Document, header: Row, moment: int) -> dict[str, Any]:
        """What the ledger keeps of a document that was booked."""
        first = document.lines[0].row
        foreign = first["currency"] and first["currency"]["code"] != self._options.currency
        chosen, other = ("invoiceAmount", "amount") if foreign else ("amount", "invoiceAmount")
        cost_centre, project = self._master.slot("cost_centre"), self._master.slot("project")
        lines = []
        for line in document.lines:
            row = line.row
            shown = {
                "account": row["account"]["code"],
                "amount": row[chosen] or row[other],
                "costCentre": _code(row.get(cost_centre)),
                "project": _code(row.get(project)) or _code(row["project"]),
                "vatCode": _code(row["taxRule"]),
                "subledger": _code(row["subledger"]),
                "text": row["text"],
            }
            lines.append({name: value for name, value in shown.items() if value})
        debits = sum((max(Decimal(one["amount"]), Decimal(0)) for one in lines), Decimal(0))
        return {
            "id": str(header["dbId"]),
            "reference": first["extIdentifier"] or "",
            "voucherNumber": header["transactionNumber"],
            "postingDate": first["postedDate"],
            "text": first["text"] or "",
            "currency": first["currency"]["code"] if foreign else self._options.currency,
            "amount": f"{debits:f}",
            "sourceId": "",
            "lines": lines,
            "trRegNumber": first["trRegNumber"],
            "invoiceNumber": first["invoiceNumber"] or "",
            "transactionSource": _code(first["transactionSource"]),
            "jobLevel": self._options.job_level,
            "file": document.file,
            "document": document.number,
            "postedAt": moment,
        }


def _code(row: Row | None) -> str:
    return row["code"] if row else ""


def _with_amounts(node: dict[str, Any]) -> dict[str, Any]:
    """A kept node with its amounts as they came."""
    names = ("amount", "invoiceAmount", "taxAmount", "quantity", "exchangeRate")
    return node | {name: Decimal(node[name]) for name in names if node.get(name) is not None}
