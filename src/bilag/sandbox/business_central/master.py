"""Master data of the sandbox's company, and the rules its options lay on accounts.

Accounts and cost centres are those of the REST sandbox; dimension AVDELING holds the cost centres.
"""

import uuid
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from bilag.sandbox.business_central.schema import ENTITIES
from bilag.sandbox.business_central.values import Row, empty_row
from bilag.sandbox.rest.books import ACCOUNTS, COST_CENTRES

COST_CENTRE = "AVDELING"
PROJECT = "PROSJEKT"
PROJECTS = {"P100": "Summer camp", "P200": "Visiting friends"}
MODIFIED = "2026-01-01T00:00:00Z"
# Where the ledger keeps what is owed to each kind of account (its posting group).
CONTROL_ACCOUNTS = {
    "Customer": "1500",
    "Vendor": "2400",
    "Employee": "2910",
    "Bank Account": "1920",
}
RATES = {"EUR": Decimal("11.50"), "USD": Decimal("10.50"), "SEK": Decimal("1.05")}
_SPACE = uuid.UUID("0d4f6e0c-5b43-4b0e-9a53-64a1c0ffee00")


def guid_of(kind: str, key: str) -> str:
    """Return the same id for the same record in every run."""
    return str(uuid.uuid5(_SPACE, f"{kind}/{key}"))


class Master:
    """Rows by their number or code, for each set; ids are found by `by_id`."""

    def __init__(self) -> None:
        self.sets: dict[str, dict[str, Row]] = {
            name: {}
            for name in (
                "accounts",
                "customers",
                "vendors",
                "employees",
                "banks",
                "dimensions",
                "dimensionValues",
                "currencies",
                "accountingPeriods",
            )
        }
        self.by_id: dict[str, Row] = {}
        for number, name in ACCOUNTS.items():
            self.add_account(number, name)
        self.add_account("7999", "Costs in total", accountType="Total", directPosting=False)
        for code, name in ((COST_CENTRE, "Cost centre"), (PROJECT, "Project")):
            self._add("dimensions", code, code=code, displayName=name)
        self.add_values(COST_CENTRE, COST_CENTRES)
        self.add_values(PROJECT, PROJECTS)
        for person in range(1, 21):
            self.add_vendor(f"V{person:03d}", f"Volunteer {person:03d}")
            self.add_employee(f"E{person:03d}", f"Volunteer {person:03d}")
        self._add("banks", "BANK", number="BANK", displayName="Bank deposits")
        self._add("customers", "K001", number="K001", displayName="Grants office")
        for code in ("NOK", *RATES):
            self._add("currencies", code, code=code, displayName=code, amountDecimalPlaces="2:2")
        for year in (2025, 2026, 2027):
            for month in range(1, 13):
                day = f"{year}-{month:02d}-01"
                self._add(
                    "accountingPeriods",
                    day,
                    startingDate=day,
                    name=day[:7],
                    newFiscalYear=month == 1,
                    closed=year == 2025,
                    dateLocked=year == 2025,
                )

    def add_account(self, number: str, name: str, **fields: object) -> None:
        """Add a G/L account that takes direct postings."""
        self._add(
            "accounts",
            number,
            **{"number": number, "displayName": name, "directPosting": True, **fields},
        )

    def add_vendor(self, number: str, name: str) -> None:
        """Add a vendor."""
        self._add("vendors", number, number=number, displayName=name)

    def add_employee(self, number: str, name: str) -> None:
        """Add an employee."""
        self._add("employees", number, number=number, displayName=name)

    def add_values(self, dimension: str, values: dict[str, str]) -> None:
        """Add dimension values, code to name."""
        parent = self.sets["dimensions"][dimension]["id"]
        for given, name in values.items():
            code = given.upper()  # Code fields hold upper case, dynamics.md §1.5
            key = f"{dimension}/{code}"
            self._add("dimensionValues", key, code=code, displayName=name, dimensionId=parent)

    def find(self, name: str, key: str) -> Row | None:
        """Return the row with this number or code."""
        return self.sets[name].get(key)

    def value(self, dimension: str, code: str) -> Row | None:
        """Return a dimension value."""
        return self.sets["dimensionValues"].get(f"{dimension}/{code}")

    def rows(self, name: str) -> Iterable[Row]:
        """Return all rows of a set in the order of their keys."""
        kept = self.sets[name]
        return (kept[key] for key in sorted(kept))

    def _add(self, kind: str, key: str, **fields: object) -> None:
        # Banks and customers have no set of their own in the sandbox; they look like vendors.
        row = empty_row(ENTITIES.get(kind, ENTITIES["vendors"])) | fields
        row["id"] = guid_of(kind, key)
        row["@odata.etag"] = f'W/"{row["id"]}"'
        row["lastModifiedDateTime"] = MODIFIED
        self.sets[kind][key] = row
        self.by_id[row["id"]] = row


@lru_cache(maxsize=64)
def rules(text: str) -> dict[tuple[str, str], str]:
    """Return an option such as `7140:AVDELING=200,2990:AVDELING` as (account, dimension): value."""
    found = {}
    for part in filter(None, text.replace(" ", "").split(",")):
        key, _, value = part.partition("=")
        account, _, dimension = key.rpartition(":")
        found[account, dimension.upper()] = value.upper()
    return found


@lru_cache(maxsize=64)
def listed(text: str) -> frozenset[str]:
    """Return an option such as `7140,7350` as a set."""
    return frozenset(filter(None, text.replace(" ", "").split(",")))
