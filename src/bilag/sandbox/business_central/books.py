"""Everything the sandbox keeps of its company, and the few things that all handlers need.

One request works at a time; `undo` takes back what a refused request had changed.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bilag.sandbox.business_central.attachments import Attachments
from bilag.sandbox.business_central.filters import Filter
from bilag.sandbox.business_central.general import GeneralLedger
from bilag.sandbox.business_central.invoices import Invoices
from bilag.sandbox.business_central.journals import Journal, Journals, Line, Stamps
from bilag.sandbox.business_central.master import Master
from bilag.sandbox.business_central.options import Options
from bilag.sandbox.business_central.query import Viewer
from bilag.sandbox.business_central.refusals import Refused, bad_request
from bilag.sandbox.business_central.schema import ENTITIES
from bilag.sandbox.business_central.undo import Undo
from bilag.sandbox.business_central.values import Row, empty_row
from bilag.sandbox.ledger import Ledger

TEMPLATE = "GENERAL"


class Books:
    """The company: master data, journals, invoices, attachments, general ledger."""

    def __init__(self, options: Options, ledger: Ledger) -> None:
        self.options = options
        self.master = Master()
        self.general = GeneralLedger(ledger)
        self.viewer = Viewer(self._navigate, lambda: options.enums == "encoded")
        self._begin()

    def _begin(self) -> None:
        self.undo = Undo()
        self.stamps = Stamps(self.undo)
        self.journals = Journals(self.undo)
        self.invoices = Invoices(self.general)
        self.attachments = Attachments(self.undo)
        self.jobs_failed: list[str] = []
        # Every company has a journal that is not ours.
        self.new_journal("DEFAULT", "Default Journal Batch")
        self.undo.commit()

    def reset(self) -> None:
        """Empty the ledger, the journals and the invoices; options and master data stay."""
        self.general.replace(())
        self._begin()

    def new_journal(self, code: str, name: str, template: str = TEMPLATE) -> Journal:
        """Add a journal with the template's set-up; raises Refused when its code is taken."""
        account = self.options.default_balance_account
        found = self.master.find("accounts", account)
        row = empty_row(ENTITIES["journals"]) | {
            "code": code,
            "displayName": name,
            "templateDisplayName": template,
            "balancingAccountNumber": account,
        }
        if found:
            row["balancingAccountId"] = found["id"]
        journal = Journal(self.stamps.new(row))
        self.journals.add(journal)
        return journal

    def dimension_rows(self, owner: Row, kind: str, dimensions: Mapping[str, str]) -> list[Row]:
        """Return dimensions as dimensionSetLines; the key is the dimension's id (§1.5)."""
        rows = []
        for code, value in sorted(dimensions.items()):
            dimension = self.master.find("dimensions", code)
            found = self.master.value(code, value)
            if dimension is None or found is None:
                continue
            rows.append(
                {
                    "@odata.etag": f'W/"JzU2O{dimension["id"][:8]}{found["id"][:8]}"',
                    "id": dimension["id"],
                    "code": code,
                    "parentId": owner["id"],
                    "parentType": kind,
                    "displayName": dimension["displayName"],
                    "valueId": found["id"],
                    "valueCode": value,
                    "valueDisplayName": found["displayName"],
                }
            )
        return rows

    def line(self, key: str) -> Line | None:
        """Return a journal line that the API shows, or an invoice line."""
        line = self.journals.lines.get(key)
        if line is not None:
            return line if line.shown else None
        return self.invoices.lines.get(key)

    def ledger_rows(self, chosen: Filter, *, from_replica: bool) -> Iterable[Row]:
        """Return posted entries; a read-only replica lags behind (§1.10)."""
        rows = self.general.rows(chosen)
        if not from_replica:
            return rows
        oldest = datetime.now(UTC) - timedelta(seconds=self.options.replica_seconds)
        limit = oldest.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return (row for row in rows if row["lastModifiedDateTime"] <= limit)

    def _navigate(self, source: str, name: str, row: Row) -> Iterable[Row]:
        match name:
            case "dimensionSetLines" if source == "generalLedgerEntries":
                kept = self.general.dimensions[row["id"]]
                return self.dimension_rows(row, "General Ledger Entry", kept)
            case "dimensionSetLines":
                line = self.line(row["id"])
                if line is None:
                    return []
                kind = "Journal Line" if line.journal else "Purchase Invoice Line"
                return self.dimension_rows(row, kind, line.dimensions)
            case "journalLines":
                journal = self.journals.by_id[row["id"]]
                return [line.row for line in journal.in_order() if line.shown]
            case "attachments":
                return self.attachments.of(row["id"])
            case "purchaseInvoiceLines":
                return [line.row for line in self.invoices.lines_of(row["id"])]
            case _:
                values = self.master.rows("dimensionValues")
                return [value for value in values if value["dimensionId"] == row["id"]]


def unchanged(row: Row, headers: Mapping[str, Any]) -> None:
    """Raise Refused unless If-Match is there and right (§1.4, §1.9, §4 stale etag)."""
    given = headers.get("If-Match")
    if not given:
        raise bad_request(
            "Could not validate the client concurrency token required by the service.",
            "BadRequest_InvalidToken",
        )
    if given not in ("*", row["@odata.etag"]):
        raise Refused(409, "Request_EntityChanged", "Another user has already changed the record.")
