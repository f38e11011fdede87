"""The system behind the address: what each query and mutation answers.

Knows nothing of HTTP and of faults; a `Twist` is what a fault changes about an answer.
"""

import hashlib
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from bilag.sandbox.ledger import Ledger
from bilag.sandbox.xledger import clock
from bilag.sandbox.xledger.books import Books
from bilag.sandbox.xledger.events import Events
from bilag.sandbox.xledger.execution import Errors
from bilag.sandbox.xledger.importer import Document, Importer
from bilag.sandbox.xledger.limits import Limits
from bilag.sandbox.xledger.login import READ_ONLY, Logins
from bilag.sandbox.xledger.master import Master
from bilag.sandbox.xledger.options import Options
from bilag.sandbox.xledger.tables import ROWS_MAX, Page, Paging, Row, Table

Twist = Literal["", "wrong_company", "other_reference"]
MUTATIONS = ("addGLImportItems", "removeGLImportItems")
CLOSABLE = ("accounts", "entities", "objectValues", "projects", "suppliers", "subledgers")
_OTHER_COMPANY = {
    "dbId": 99999999,
    "code": "999",
    "description": "Another Organization",
    "ownerDbId": 99999999,
    "company": {"dbId": 99999998, "companyNumber": "111111111"},
    "owner": {"ownerCode": "999", "description": "Another Organization"},
}
_OTHER_ROW = {
    "dbId": 1,
    "_key": 1,
    "extIdentifier": "BAAAAAAAAAAAAAAAAAAA",
    "invoiceNumber": "BAAAAAAAAAAAAAAAAAAA",
    "text": "BAAAAAAAAAAAAAAAAAAA",
    "amount": "1.00",
    "invoiceAmount": "1.00",
    "transactionNumber": "99999",
    "transactionHeader": {"dbId": 2, "transactionNumber": "99999", "postedDate": "2026-01-31"},
    "header": {"dbId": 2, "transactionNumber": "99999", "postedDate": "2026-01-31"},
    "createdAt": "2026-01-31T12:00:00",
    "modifiedAt": "2026-01-31T12:00:00",
}


class System:
    """Master data, import, books, ledger, files, logins and limits of one sandbox."""

    def __init__(self, options: Options, ledger: Ledger, path: Path | None) -> None:
        self.options, self.ledger = options, ledger
        self.logins = Logins(options)
        self.limits = Limits(options)
        self.master = Master(options)
        self.events = Events(path)
        self.files: dict[str, Row] = {}
        self._file_numbers = itertools.count(61_000_001)
        self._empty_books()
        self._restore()

    def reset(self) -> None:
        """Empty ledger, import and books; forget files and counts. Master data stays."""
        self.ledger.clear()
        self.events.clear()
        self.files.clear()
        self.limits.clear()
        self._empty_books()

    def keep_file(self, name: str, content: bytes) -> Row:
        """Keep a file by its hash (xledger.md §10 [C3]: sent in the same request)."""
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self.files:
            number = next(self._file_numbers)
            self.files[digest] = {
                "dbId": number,
                "url": f"/_sandbox/files/{digest}",
                "name": name,
                "sha256": digest,
                "bytes": len(content),
            }
        return self.files[digest]

    def answer(
        self,
        name: str,
        arguments: dict[str, Any],
        files: Mapping[str, Row],
        errors: Errors,
        twist: Twist,
    ) -> Any:
        """Answer one field of Query or Mutation; what is refused is added to `errors`."""
        self.importer.advance()
        if name in MUTATIONS and self.options.read_only:
            errors.append({"message": READ_ONLY})
            return None
        if name == "addGLImportItems":
            return self._add(arguments["inputs"], dict(files), errors)
        if name == "removeGLImportItems":
            count, skipped = self.importer.remove(arguments["dbIds"])
            return {"numAffected": count, "skippedDbIds": skipped}
        return self._page(name, arguments, errors, twist)

    def meddle(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Change what reads answer, as a person in the system would; raises ValueError.

        `do` is delete, alter (line, account, amount, costCentre, text), double, reverse or rerun.
        """
        self.importer.advance()
        result = self._meddle(asked)
        if asked["do"] != "rerun":
            # What a rerun posted stands in the ledger; the others change reads alone.
            self.events.write({"meddle": asked, "after": len(self.ledger)})
        return result

    def add_master_data(self, added: dict[str, Any]) -> dict[str, int]:
        """Add to the master data; raises ValueError for a kind that is not there."""
        try:
            counts = self.master.add(added)
        except (KeyError, AttributeError, TypeError) as error:
            raise ValueError(f"this is not master data: {error}") from error
        self.events.write({"master": added})
        return counts

    def _add(
        self, inputs: list[dict[str, Any]], files: dict[str, Row], errors: Errors
    ) -> dict[str, Any] | None:
        if refused := self.limits.nodes(len(inputs)):
            errors.append(refused)
            return None
        lines, refusals = self.importer.stage(inputs, files)
        errors += refusals
        if not lines:
            return None
        return {"edges": [{"clientId": line.client_id, "node": line.row} for line in lines]}

    def _page(
        self, name: str, arguments: dict[str, Any], errors: Errors, twist: Twist
    ) -> dict[str, Any] | None:
        first, last = arguments.get("first"), arguments.get("last")
        down = first is None and last is not None
        count = first if first is not None else last if last is not None else ROWS_MAX
        if refused := self.limits.rows(count, ROWS_MAX):
            errors.append(refused)
            return None
        cursor = arguments.get("before" if down else "after")
        if cursor is not None and not cursor.isdecimal():
            errors.append({"message": f"Invalid cursor '{cursor}'"})
            return None
        wanted = dict(arguments.get("filter") or {})
        # xledger.md §3 [C3]: only OPEN and CLOSED narrow anything.
        status = arguments.get("objectStatus")
        if status in ("OPEN", "CLOSED") and name in CLOSABLE:
            wanted["isOpen"] = status == "OPEN"
        paging = Paging(max(count, 0), None if cursor is None else int(cursor), down)
        page = self._twisted(name, self._table(name).page(wanted, paging), twist)
        edges = [{"cursor": str(row["_key"]), "node": row} for row in page.rows]
        return {
            # xledger.md §4 [C]: nothing found is `edges: null`, not an empty list.
            "edges": edges or None,
            "pageInfo": {
                "hasNextPage": cursor is not None if down else page.more,
                "hasPreviousPage": page.more if down else cursor is not None,
            },
        }

    def _twisted(self, name: str, page: Page, twist: Twist) -> Page:
        if twist == "wrong_company" and name == "entities":
            return Page([row | _OTHER_COMPANY for row in page.rows], page.more)
        if twist == "other_reference" and name in ("glImportItems", *self.books.tables):
            return Page([_OTHER_ROW], more=False)
        return page

    def _table(self, name: str) -> Table:
        if name == "glImportItems":
            return self.importer.items
        if name == "glImportItemErrors":
            return self.importer.errors
        return self.books.tables.get(name) or self.master.tables[name]

    def _empty_books(self) -> None:
        self.books = Books()
        self.importer = Importer(self.options, self.master, self.books, self.ledger, self.events)

    def _meddle(self, asked: dict[str, Any]) -> dict[str, Any]:
        reference, do = str(asked.get("reference")), asked.get("do")
        if do == "rerun":
            return {"tried": self.importer.rerun(reference)}
        vouchers = self.books.vouchers(reference)
        if not vouchers:
            raise ValueError(f"nothing is posted with the reference {reference!r}")
        header, now = vouchers[0], clock.now()
        if do == "delete":
            return {"transactionNumber": self.books.delete(header)}
        if do == "double":
            return {"transactionNumber": self.books.double(header, now)}
        if do == "reverse":
            keeps = bool(asked.get("keepsReference", True))
            number = self.books.reverse(header, now, keeps_reference=keeps)
            return {"transactionNumber": number}
        if do == "alter":
            number = self.books.alter(header, now, int(asked.get("line", 1)), self._changes(asked))
            return {"transactionNumber": number}
        raise ValueError(f"nothing is known of doing {do!r}")

    def _changes(self, asked: dict[str, Any]) -> dict[str, Any]:
        changes = {name: str(asked[name]) for name in ("amount", "text") if name in asked}
        found: dict[str, Any] = {}
        for name, field in (
            ("account", "account"),
            ("costCentre", self.master.slot("cost_centre")),
        ):
            if name in asked:
                row = self.master.find(field, {"code": str(asked[name])})
                if row is None:
                    raise ValueError(f"there is no {name} {asked[name]!r}")
                found[field] = row
        return changes | found

    def _restore(self) -> None:
        """Bring import and books to where the files say they were."""
        documents: dict[int, Document] = {}
        meddles: list[dict[str, Any]] = []
        for event in self.events.kept:
            if "master" in event:
                self.master.add(event["master"])
            elif "document" in event:
                documents[event["document"]] = self.importer.restore(event)
            elif "removed" in event:
                self.importer.remove(event["removed"])
            else:
                meddles.append(event)
        for place, entry in enumerate(reversed(list(self.ledger.last(len(self.ledger))))):
            self._restore_meddles(meddles, place)
            document = documents.get(entry.get("document", 0))
            if document is None:
                raise ValueError(f"the file beside the ledger lacks {entry['reference']}")
            self.importer.restore_posting(document, entry)
        self._restore_meddles(meddles, len(self.ledger))
        self.events.kept.clear()

    def _restore_meddles(self, meddles: list[dict[str, Any]], place: int) -> None:
        while meddles and meddles[0]["after"] <= place:
            self._meddle(meddles.pop(0)["meddle"])
