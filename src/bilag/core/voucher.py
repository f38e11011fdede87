"""A voucher as it goes to a ledger: lines that balance to the øre, in the book's currency.

Mapping makes vouchers without a number; the engine sets it once, right before the first sending.
Not frozen, since a frozen dataclass costs several microseconds a voucher (measured); nobody else
changes one.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


class UnbalancedError(ValueError):
    """A voucher's lines do not sum to zero; it must never leave the house."""


@dataclass(slots=True)
class VoucherLine:
    """One posting: debit positive, credit negative, gross in the book's currency.

    `fields` are external field names that the mapping filled for this line.
    """

    account: str
    amount: Decimal
    text: str = ""
    vat_code: str = ""
    cost_centre: str = ""
    project: str = ""
    party: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Voucher:
    """One balanced document for a claim (or one accounting year of it); `number` 0 = not allotted.

    `accounting_year` is that of the posting date by the book's calendar; `moved_from` is the
    original date where that is in a closed period; `key_suffix` is appended to an idempotency key
    once the system has refused an earlier version under that key.
    """

    reference: str
    posting_date: date
    accounting_year: int
    currency: str
    text: str
    lines: tuple[VoucherLine, ...]
    claim_total: Decimal
    source_id: str
    category: str
    number: int = 0
    number_prefix: str = ""
    key_suffix: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    moved_from: date | None = None

    def __post_init__(self) -> None:
        if sum((line.amount for line in self.lines), Decimal(0)) != 0:
            raise UnbalancedError(f"voucher {self.reference} does not balance")

    @property
    def display_number(self) -> str:
        """Return prefix, year and number (at most 20 characters), or an empty text before T1."""
        if not self.number:
            return ""
        return f"{self.number_prefix}{self.accounting_year}-{self.number}"
