"""Master data of the Xledger sandbox: the company, accounts, dimensions, suppliers, periods.

A reference such as `account: {code: "7140"}` is resolved here, within the company.
"""

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bilag.sandbox.rest.books import ACCOUNTS, COST_CENTRES, VAT_CODES
from bilag.sandbox.xledger import clock
from bilag.sandbox.xledger.options import Options
from bilag.sandbox.xledger.tables import ALL_ROWS, Row, Table

PROJECTS = {"P1": "Guide dog school", "P2": "Summer camp"}
SUPPLIERS = {"10017": "Volunteer 017", "10018": "Volunteer 018"}
EMPLOYEES = {"E017": "Employee 017"}
CURRENCIES = {"NOK": "Norwegian krone", "EUR": "Euro", "SEK": "Swedish krona", "USD": "US dollar"}
# xledger.md §6 [C3]: codes seen GL, AR, SO, OS, OCR, three with their dbIds; the one for travel
# expenses is UNKNOWN, so a tenant's own (`transactionSources`) can be added.
TRANSACTION_SOURCES = {"GL": 0, "AR": 797, "SO": 600, "OS": 3536, "OCR": 0}
# xledger.md §5 [C3]: VAT codes are objectKind 14. The other kinds' ids are UNKNOWN.
VAT_KIND, PROJECT_KIND, COST_CENTRE_KIND, OTHER_KIND = 14, 1001, 1002, 1003
_KINDS = {
    VAT_KIND: "VAT Code",
    PROJECT_KIND: "Project",
    COST_CENTRE_KIND: "Cost Center",
    OTHER_KIND: "Other",
}
_SLOTS = {"project": PROJECT_KIND, "cost_centre": COST_CENTRE_KIND}
# xledger.md §5: 3 in S4's tenant [C3].
CHART_OF_ACCOUNT = {"dbId": 3, "name": "Norwegian chart of accounts"}
# What is posted at /_sandbox/master, and the table of objects it goes to.
_OBJECTS = {"costCentres": COST_CENTRE_KIND, "vatCodes": VAT_KIND, "projects": PROJECT_KIND}
_LEDGERS = {"suppliers": "AP", "employees": "EMP"}


class Master:
    """Tables by the names of their queries; `closed_periods` as `2026-02`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._numbers = itertools.count(7_000_001)
        self.tables: dict[str, Table] = {
            name: Table("code")
            for name in (
                "entities",
                "accounts",
                "objectKinds",
                "objectValues",
                "projects",
                "suppliers",
                "subledgers",
                "currencies",
                "periodStatusItems",
                "transactionSources",
            )
        }
        self.closed_periods: set[str] = set()
        for kind, name in _KINDS.items():
            self.tables["objectKinds"].add({"dbId": kind, "name": name}, clock.now())
        self.add(
            {
                "currencies": CURRENCIES,
                "accounts": ACCOUNTS,
                "costCentres": COST_CENTRES,
                "vatCodes": VAT_CODES,
                "projects": PROJECTS,
                "suppliers": SUPPLIERS,
                "employees": EMPLOYEES,
                "transactionSources": dict.fromkeys(sorted(TRANSACTION_SOURCES), ""),
            }
        )
        self._add_periods()
        self.tables["entities"].add(self._entity(), clock.now())

    def add(self, added: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
        """Add or change entries, code to name or to `{"name", "open"}`; returns how many each has.

        `periods` takes `closed` and `open` (`2026-02`). Raises KeyError for another kind.
        """
        counts = {}
        for kind, entries in added.items():
            for code, value in entries.items():
                if kind == "periods":
                    (self.closed_periods.discard, self.closed_periods.add)[value == "closed"](code)
                    continue
                given = value if isinstance(value, dict) else {"name": str(value)}
                self._add_one(kind, str(code), given)
            counts[kind] = len(self.closed_periods if kind == "periods" else entries)
        return counts

    def find(self, field: str, reference: Mapping[str, Any]) -> Row | None:
        """Return what a reference field of an import row points at, None when there is none."""
        if field == "owner":
            reference = {"code": reference.get("ownerCode"), **reference}
        table, kind = self._place(field)
        if (number := reference.get("dbId")) is not None:
            found = table.get(number)
            rows = [] if found is None else [found]
        elif (code := reference.get("code")) is not None:
            rows = table.find("code", code)
        else:
            text = reference.get("description") or reference.get("name") or ""
            rows = table.page({"description": text}, ALL_ROWS).rows
        return next((row for row in rows if kind in (None, row.get("objectKindDbId"))), None)

    def tax_rules(self) -> list[dict[str, Any]]:
        """Return all VAT codes as `exampleValidInputs` shows them (§3, §5 [C3])."""
        rows = self.tables["objectValues"].page({"objectKindDbId": VAT_KIND}, ALL_ROWS).rows
        return [
            {
                "code": row["code"],
                "dbId": row["dbId"],
                "ownerDbId": row["ownerDbId"],
                "text": row["description"],
            }
            for row in rows
        ]

    def slot(self, name: str) -> str:
        """Return which glObject stands for `project` or `cost_centre`; empty when none does."""
        slots = self._options.gl_objects.split(",")
        return f"glObject{slots.index(name) + 1}" if name in slots else ""

    def _place(self, field: str) -> tuple[Table, int | None]:
        if field.startswith("glObject"):
            slots = self._options.gl_objects.split(",")
            place = int(field[-1]) - 1
            name = slots[place] if place < len(slots) else ""
            return self.tables["objectValues"], _SLOTS.get(name, OTHER_KIND)
        return {
            "account": (self.tables["accounts"], None),
            "taxRule": (self.tables["objectValues"], VAT_KIND),
            "project": (self.tables["objectValues"], PROJECT_KIND),
            "subledger": (self.tables["subledgers"], None),
            "currency": (self.tables["currencies"], None),
            "transactionSource": (self.tables["transactionSources"], None),
            "owner": (self.tables["entities"], None),
        }[field]

    def _add_one(self, kind: str, code: str, given: Mapping[str, Any]) -> None:
        table = self.tables[
            "objectValues" if kind in _OBJECTS else "subledgers" if kind in _LEDGERS else kind
        ]
        object_kind = _OBJECTS.get(kind)
        row = next(
            (r for r in table.find("code", code) if r["objectKindDbId"] == object_kind), None
        )
        if row is None:
            number = next(self._numbers)
            row = {
                "dbId": TRANSACTION_SOURCES.get(code) or number,
                "code": code,
                "objectKindDbId": object_kind,
                "chartOfAccountDbId": CHART_OF_ACCOUNT["dbId"],
                "chartOfAccount": CHART_OF_ACCOUNT,
                "ownerDbId": self._options.owner_db_id,
                "posting": True,
                "allowPosting": True,
                "isOpen": True,
                "ledgerType": {"name": _LEDGERS.get(kind, "GL")},
            }
            tables = [table]
            if kind in ("projects", "suppliers"):
                tables.append(self.tables[kind])
            for one in tables:
                one.add(row, clock.now())
        if "name" in given:
            row["description"] = given["name"]
        if "open" in given:
            row["isOpen"] = row["posting"] = row["allowPosting"] = bool(given["open"])

    def _add_periods(self) -> None:
        # xledger.md §5 [C3]: period{fiscalYear fiscalPeriod fromDate toDate} and owner; how open
        # and closed are told apart is UNKNOWN, so nothing here tells it.
        this_year = datetime.now(clock.ZONE).year
        for year, month in itertools.product(range(this_year - 2, this_year + 2), range(1, 13)):
            first = datetime(year, month, 1, tzinfo=clock.ZONE).date()
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            period = {
                "dbId": next(self._numbers),
                "fiscalYear": year,
                "fiscalPeriod": month,
                "fromDate": first.isoformat(),
                "toDate": last.isoformat(),
            }
            row = {
                "dbId": next(self._numbers),
                "ownerDbId": self._options.owner_db_id,
                "periodDbId": period["dbId"],
                "period": period,
                "owner": {"ownerCode": self._options.company_code},
            }
            self.tables["periodStatusItems"].add(row, clock.now())

    def _entity(self) -> Row:
        """The company, with what its dimension slots stand for (§5 [C3]; read so by [I])."""
        options = self._options
        slots = [
            {
                "field": {"name": f"glObject{place}"},
                "fieldObject": {
                    "dbId": next(self._numbers),
                    "code": name.upper(),
                    "description": _KINDS[_SLOTS.get(name, OTHER_KIND)],
                    "objectKind": {"dbId": _SLOTS.get(name, OTHER_KIND)},
                },
            }
            for place, name in enumerate(options.gl_objects.split(","), 1)
            if name
        ]
        return {
            "dbId": options.owner_db_id,
            "code": options.company_code,
            "description": options.company_name,
            "ownerDbId": options.owner_db_id,
            "objectKindDbId": None,
            "isOpen": True,
            "company": {"dbId": next(self._numbers), "companyNumber": options.company_number},
            "owner": {"ownerCode": options.company_code, "description": options.company_name},
            "currency": self.find("currency", {"code": options.currency}),
            "glSetupEntries": slots,
        }
