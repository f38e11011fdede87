"""Reads Business Central's refusals: which voucher, line and field a message speaks of.

Messages are matched in English (we ask for en-US) and kept as they are; what none of the patterns
knows is still a refusal, only without a field. No decision about money hangs on a text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bilag.connectors.dynamics.business_central.plan import Document, PlannedLine
from bilag.connectors.dynamics.business_central.settings import Dimensions
from bilag.connectors.dynamics.odata import Fault

MESSAGE_CHARACTERS_MAX = 500

# Codes that do not speak of a document: login, company, a fault of the service itself.
_NOT_A_DOCUMENT = (
    "Authentication_",
    "Authorization_",
    "Internal_CompanyNotFound",
    "Internal_TenantUnavailable",
    "Internal_ServerError",
    "BadRequest_InvalidToken",
    "BadRequest_ResourceNotFound",
)
SAME_KEY = "Internal_EntityWithSameKeyExists"
_LOCKED = re.compile(
    r"being updated in a transaction done by another session|another user has already changed"
    r"|locked by another user|deadlock",
    re.IGNORECASE,
)
_NUMBER_SERIES = re.compile(r"may not enter numbers manually|Manual Nos\.", re.IGNORECASE)

# Which journal line: "Gen. Journal Line GENERAL, EXP42, 20000" or "Line No.='20000'".
_LINE = (
    re.compile(r"Gen\. Journal Line [^,]{1,30}, ?[^,]{1,30}, ?(\d{1,9})\b"),
    re.compile(r"Line No\.\s?=\s?'?(\d{1,9})\b"),
)
_DOCUMENT = re.compile(r"Document No\.\s?(?:=\s?)?'?([A-Z0-9][\w/-]{0,19})")
_RELATED = re.compile(
    r"field (?P<field>[\w. -]{1,40}?) of table .{1,60}? contains a value \((?P<value>[^)]{0,60})\)"
    r" that cannot be found in the related table \((?P<table>[^)]{1,40})\)"
)
_CARD = re.compile(
    r"must be equal to '[^']{0,20}' in (?P<table>[\w/ ]{1,30}?): ?"
    r"No\.\s?=\s?'?(?P<value>[^.'\s]{1,20})"
)
_EXISTS = re.compile(r"Purchase\s[\w ]{0,20}?\s?(\S{1,35}) already exists")
# Which dimension: value and account are given where the message names them.
_DIMENSION = (
    re.compile(
        r"Select a Dimension Value Code for the Dimension Code (?P<code>\S{1,20})"
        r" for (?P<table>[\w/ ]{1,30}?) (?P<account>[^\s.]{1,20})\."
    ),
    re.compile(
        r"Dimension Value Code must be .{0,60}?for Dimension Code (?P<code>\S{1,20})"
        r"(?: for (?P<table>[\w/ ]{1,30}?) (?P<account>[^\s.]{1,20})\.)?"
        r"(?:.{0,40}?Currently it.s (?P<value>[^\s.]{1,20}))?"
    ),
    re.compile(
        r"Dimension Code (?P<code>\S{1,20}) must be blank"
        r"(?: for (?P<table>[\w/ ]{1,30}?) (?P<account>[^\s.]{1,20})\.)?"
    ),
    re.compile(r"Dimension Value (?P<code>\S{1,20}) - (?P<value>\S{1,20}) is blocked"),
    re.compile(
        r"Dimension value (?P<code>[^,]{1,20}), (?P<value>[^,]{1,20}?) is not allowed"
        r" for (?P<table>[\w/ ]{1,30}?), (?P<account>[^\s.]{1,20})\."
    ),
    re.compile(r"Dimension combinations (?P<code>\S{1,20}) - (?P<value>\S{1,20}) and "),
)
_FIELDS: tuple[tuple[re.Pattern[str], str], ...] = (
    # First: it tells to check posting date and document type as well.
    (re.compile(r"out of balance"), "amount"),
    (re.compile(r"Posting Date|posting dates|accounting period", re.IGNORECASE), "posting_date"),
    (re.compile(r"Document Type must be|\bEmployee\b|\bVendor\b|vendor cannot be found"), "party"),
    (re.compile(r"\bAmount\b"), "amount"),
    (re.compile(r"combination of dimensions|\"(?:value)?code\" does not match", re.I), "dimension"),
    (re.compile(r"account", re.IGNORECASE), "account"),
    (re.compile(r"length of the string"), "text"),
    (re.compile(r"\bVAT\b|\bTax\b|posting group", re.IGNORECASE), "vat_code"),
    (re.compile(r"currency", re.IGNORECASE), "currency"),
    (re.compile(r"already exists"), "reference"),
)


@dataclass(frozen=True, slots=True)
class Blame:
    """Which document a refusal speaks of, and where in it; `line` counts from 1."""

    reference: str
    field: str
    line: int | None


@dataclass(frozen=True, slots=True)
class _Named:
    """What a message names, in Business Central's words."""

    line_number: int | None = None
    document: str = ""
    account: str = ""
    party: str = ""
    dimension: str = ""
    value: str = ""


def is_lock(fault: Fault) -> bool:
    """Return whether another session held the table, so that nothing was written."""
    return fault.code == "Request_EntityChanged" or bool(_LOCKED.search(fault.message))


def needs_manual_numbers(fault: Fault) -> bool:
    """Return whether the journal's number series refuses our document numbers."""
    return bool(_NUMBER_SERIES.search(fault.message))


def speaks_of_a_document(status: int, fault: Fault) -> bool:
    """Return whether a refusal is about what was sent, not about login, company or service."""
    if fault.code.startswith(_NOT_A_DOCUMENT) or not fault.message:
        return False
    return status == 400 or (status in (404, 409, 422) and fault.code.startswith("Internal_"))


def field_of(message: str, dimensions: Dimensions) -> str:
    """Return our name of the field a message speaks of, or an empty text."""
    if _EXISTS.search(message):
        return "reference"
    named = _named(message)
    if named.dimension:
        return our_field(named.dimension, dimensions)
    if named.party:
        return "party"
    if named.account and _CARD.search(message):
        return "account"
    if related := _RELATED.search(message):
        return _field_of_table(related["table"], related["field"])
    field = next((field for pattern, field in _FIELDS if pattern.search(message)), "")
    if field == "dimension":
        return "cost_centre" if dimensions.cost_centre else ""
    return field


def our_field(dimension: str, dimensions: Dimensions) -> str:
    """Return which of our fields fills a dimension; its own code where none does."""
    code = dimension.strip().upper()
    if code and code == dimensions.cost_centre:
        return "cost_centre"
    if code and code == dimensions.project:
        return "project"
    return next((name for name, filled in dimensions.fields.items() if filled == code), code)


def blame(message: str, documents: Mapping[str, Document], dimensions: Dimensions) -> list[Blame]:
    """Return the documents that a refusal to post speaks of; none when it names none of ours.

    A message about an account, a supplier or a dimension value blames all that use it.
    """
    field = field_of(message, dimensions)
    named = _named(message)
    if named.line_number is not None:
        for document in documents.values():
            for line in document.lines:
                if line.number == named.line_number:
                    return [Blame(document.reference, field, line.position)]
    if named.document in documents:
        return [Blame(named.document, field, None)]
    if taken := _EXISTS.search(message):
        return [
            Blame(document.reference, "reference", None)
            for document in documents.values()
            if taken[1] == document.external_number
            and any(line.account_type == "Vendor" for line in document.lines)
        ]
    if not (named.account or named.party or named.value):
        return []
    return [
        Blame(document.reference, field, line.position)
        for document in documents.values()
        for line in _first_using(document.lines, named)
    ]


def _first_using(lines: Iterable[PlannedLine], named: _Named) -> list[PlannedLine]:
    for line in lines:
        fits_account = not named.account or (
            line.account == named.account and line.account_type == "G/L Account"
        )
        fits_party = not named.party or (
            line.account == named.party and line.account_type != "G/L Account"
        )
        fits_value = not named.value or line.dimensions.get(named.dimension) == named.value
        if fits_account and fits_party and fits_value:
            return [line]
    return []


def _named(message: str) -> _Named:
    text = message[:2000]
    line = next((found[1] for pattern in _LINE if (found := pattern.search(text))), "")
    document = _DOCUMENT.search(text)
    account = party = dimension = value = ""
    if found := next((m for pattern in _DIMENSION if (m := pattern.search(text))), None):
        groups = found.groupdict()
        dimension = (groups["code"] or "").strip().upper()
        value = (groups.get("value") or "").strip().upper()
        if (groups.get("table") or "").strip() in ("", "G/L Account"):
            account = groups.get("account") or ""
        else:
            party = groups.get("account") or ""
    elif found := _CARD.search(text) or _RELATED.search(text):
        of_account = _field_of_table(found["table"], "") == "account"
        account, party = (found["value"], "") if of_account else ("", found["value"])
    return _Named(
        int(line) if line else None,
        document[1].upper() if document else "",
        account.upper(),
        party.upper(),
        dimension,
        value,
    )


def _field_of_table(table: str, field: str) -> str:
    if "Vendor" in table or "Employee" in table or "Customer" in table:
        return "party"
    if "G/L Account" in table or "Bank Account" in table or "Account" in field:
        return "account"
    if "VAT" in table or "Tax" in table:
        return "vat_code"
    return "cost_centre" if "Dimension" in table else field or "account"
