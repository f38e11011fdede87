"""The entity sets of API v2.0 that the sandbox serves: fields, types, lengths, navigations.

One table for reading bodies, for `$filter`, for `$metadata`; `w` marks what a client may send.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

NO_GUID = "00000000-0000-0000-0000-000000000000"

# dynamics.md §1.4, §1.6, §1.12 and the resource pages it cites
ENUMS: Mapping[str, tuple[str, ...]] = {
    "accountType": (
        "G/L Account",
        "Customer",
        "Vendor",
        "Bank Account",
        "Fixed Asset",
        "IC Partner",
        "Employee",
        "Allocation Account",
    ),
    "ledgerAccountType": ("Posting", "Heading", "Total", "Begin Total", "End Total"),
    "documentType": (" ", "Payment", "Invoice", "Credit Memo", "Reminder", "Refund"),
    "parentType": (" ", "Journal", "Sales Invoice", "Purchase Invoice", "Employee", "Vendor"),
    "setParentType": ("Journal Line", "General Ledger Entry", "Purchase Invoice Line"),
    "invoiceStatus": (" ", "Draft", "In Review", "Open", "Paid", "Canceled", "Corrective"),
    "lineType": ("Comment", "Account", "Item", "Resource", "Fixed Asset", "Charge"),
    "vendorBlocked": (" ", "Payment", "All"),
    "employeeStatus": ("Active", "Inactive", "Terminated"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One property: kind (code, text, guid, int, decimal, date, moment, bool, enum), length."""

    name: str
    kind: str
    length: int
    members: str
    written: bool


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity set: its type's name, its fields, and where it navigates to."""

    set: str
    type: str
    fields: Mapping[str, Field]
    navigations: tuple[str, ...]
    enums: tuple[str, ...]


def _entity(name: str, singular: str, text: str, navigations: str = "") -> Entity:
    fields = {}
    for part in text.split(","):
        word, kind, *rest = part.split()
        kind, _, detail = kind.partition(":")
        length = int(detail) if detail.isdecimal() else 0
        members = "" if length else detail
        fields[word] = Field(word, kind, length, members, "w" in rest)
    enums = tuple(field.name for field in fields.values() if field.kind == "enum")
    return Entity(name, singular, fields, tuple(navigations.split()), enums)


_ALL = (
    # dynamics.md §1.1
    _entity(
        "companies",
        "company",
        "id guid, systemVersion text:50, name text:30, displayName text:250,"
        "businessProfileId text:250",
    ),
    # dynamics.md §1.3
    _entity(
        "journals",
        "journal",
        "id guid, code code:10 w, displayName text:100 w, templateDisplayName code:10 w,"
        "balancingAccountId guid, balancingAccountNumber code:20, lastModifiedDateTime moment",
        "journalLines",
    ),
    # dynamics.md §1.4; no currency, due date or document type (§0.8)
    _entity(
        "journalLines",
        "journalLine",
        "id guid, journalId guid w, journalDisplayName code:10 w, lineNumber int w,"
        "accountType enum:accountType w, accountId guid w, accountNumber code:20 w,"
        "postingDate date w, documentNumber code:20 w, externalDocumentNumber code:35 w,"
        "amount decimal w, description text:100 w, comment text:250 w, taxCode code:20 w,"
        "balanceAccountType enum:accountType w, balancingAccountId guid w,"
        "balancingAccountNumber code:20 w, lastModifiedDateTime moment",
        "attachments dimensionSetLines",
    ),
    # dynamics.md §1.5: `id` is the dimension's id
    _entity(
        "dimensionSetLines",
        "dimensionSetLine",
        "id guid w, code code:20 w, parentId guid, parentType enum:setParentType,"
        "displayName text:50, valueId guid w, valueCode code:20 w, valueDisplayName text:50",
    ),
    # dynamics.md §1.5
    _entity(
        "dimensions",
        "dimension",
        "id guid, code code:20, displayName text:50, consolidationCode code:20,"
        "lastModifiedDateTime moment",
        "dimensionValues",
    ),
    # dynamics.md §1.5: neither `blocked` nor the type is exposed
    _entity(
        "dimensionValues",
        "dimensionValue",
        "id guid, code code:20, dimensionId guid, displayName text:50,"
        "consolidationCode code:20, lastModifiedDateTime moment",
    ),
    # dynamics.md §1.5
    _entity(
        "accounts",
        "account",
        "id guid, number code:20, displayName text:100, category text:30, subCategory text:80,"
        "blocked bool, accountType enum:ledgerAccountType, directPosting bool,"
        "netChange decimal, lastModifiedDateTime moment",
    ),
    # dynamics.md §1.5
    _entity(
        "vendors",
        "vendor",
        "id guid, number code:20, displayName text:100, currencyCode code:10,"
        "blocked enum:vendorBlocked, lastModifiedDateTime moment",
    ),
    # dynamics.md §1.5
    _entity(
        "employees",
        "employee",
        "id guid, number code:20, displayName text:100, email text:80,"
        "status enum:employeeStatus, lastModifiedDateTime moment",
    ),
    # resource pages currency and accountingPeriod of the documents that dynamics.md cites
    _entity(
        "currencies",
        "currency",
        "id guid, code code:10, displayName text:100, symbol text:10,"
        "amountDecimalPlaces text:5, amountRoundingPrecision decimal, lastModifiedDateTime moment",
    ),
    _entity(
        "accountingPeriods",
        "accountingPeriod",
        "id guid, startingDate date, name text:10, newFiscalYear bool, closed bool,"
        "dateLocked bool, lastModifiedDateTime moment",
    ),
    # dynamics.md §1.10; no externalDocumentNumber (§0.2)
    _entity(
        "generalLedgerEntries",
        "generalLedgerEntry",
        "id guid, entryNumber int, postingDate date, documentNumber code:20,"
        "documentType enum:documentType, accountId guid, accountNumber code:20,"
        "description text:100, debitAmount decimal, creditAmount decimal,"
        "additionalCurrencyDebitAmount decimal, additionalCurrencyCreditAmount decimal,"
        "lastModifiedDateTime moment",
        "dimensionSetLines",
    ),
    # dynamics.md §1.12
    _entity(
        "purchaseInvoices",
        "purchaseInvoice",
        "id guid, number code:20, postingDate date w, invoiceDate date w, dueDate date w,"
        "vendorInvoiceNumber code:35 w, vendorId guid w, vendorNumber code:20 w,"
        "vendorName text:100, shortcutDimension1Code code:20 w, shortcutDimension2Code code:20 w,"
        "currencyCode code:10 w, pricesIncludeTax bool, totalAmountExcludingTax decimal,"
        "totalTaxAmount decimal, totalAmountIncludingTax decimal, status enum:invoiceStatus,"
        "lastModifiedDateTime moment",
        "purchaseInvoiceLines attachments",
    ),
    _entity(
        "purchaseInvoiceLines",
        "purchaseInvoiceLine",
        "id guid, documentId guid w, sequence int w, accountId guid w, lineType enum:lineType w,"
        "lineObjectNumber code:20 w, description text:100 w, unitCost decimal w,"
        "quantity decimal w, taxCode code:20 w, amountExcludingTax decimal,"
        "totalTaxAmount decimal, amountIncludingTax decimal",
        "dimensionSetLines",
    ),
    # dynamics.md §1.6
    _entity(
        "attachments",
        "attachment",
        "id guid, parentId guid w, parentType enum:parentType w, fileName text:250 w,"
        "byteSize int, lastModifiedDateTime moment",
    ),
    # A partner's own page (dynamics.md §1.1 custom API); its names are the sandbox's invention.
    _entity(
        "journalBatchSetups",
        "journalBatchSetup",
        "id guid, templateName code:10, batchName code:10, noSeries code:20,"
        "postingNoSeries code:20, incrementBatchName bool, postWithJobQueue bool,"
        "forceDocumentBalance bool, balancingAccountNumber code:20, copyVatSetup bool",
    ),
)
ENTITIES: Mapping[str, Entity] = {entity.set: entity for entity in _ALL}


@lru_cache(maxsize=256)
def encoded(member: str) -> str:
    """Return a member's OData name: what no identifier may hold becomes `_xHHHH_`."""
    return re.sub(r"\W", lambda found: f"_x{ord(found[0]):04X}_", member, flags=re.ASCII)


def decoded(name: str) -> str:
    """Return the member that an OData name stands for; a plain member stays as it is."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), name)
