"""The books of the REST sandbox: its master data, and whether a voucher may be posted.

A refusal names the field by its path in the JSON, with the texts a supplier would write.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

LINES_MAX = 1000
REFERENCE_CHARACTERS_MAX = 20
_NUMBER = re.compile(r"\S{1,20}")

ACCOUNTS = {
    "1500": "Trade receivables",
    "1900": "Cash",
    "1920": "Bank deposits",
    "2400": "Trade payables",
    "2600": "Tax withheld",
    "2910": "Owed to employees",
    "2990": "Owed to volunteers",
    "3900": "Other income",
    "4500": "Purchased services",
    "5000": "Wages",
    "5330": "Honorariums",
    "5900": "Gifts to employees",
    "6300": "Rent of premises",
    "6540": "Equipment",
    "6800": "Office supplies",
    "6860": "Meetings and courses",
    "6900": "Telephone",
    "6940": "Postage",
    "7000": "Fuel",
    "7100": "Car allowance, liable to tax",
    "7101": "Car allowance, free of tax",
    "7130": "Travel, liable to tax",
    "7140": "Travel",
    "7150": "Daily allowance",
    "7320": "Advertising",
    "7350": "Entertainment",
    "7400": "Membership fees",
    "7430": "Gifts",
    "7500": "Insurance",
    "7740": "Rounding",
    "7770": "Bank charges",
    "7790": "Other costs",
    "7798": "Volunteer activities",
}
COST_CENTRES = {
    "100": "Administration",
    "200": "Volunteers",
    "300": "Youth",
    "400": "Courses",
    "500": "Transport",
    "600": "Grants",
}
VAT_CODES = {"0": "No VAT", "1": "Input VAT 25 %", "11": "Input VAT 15 %", "13": "Input VAT 12 %"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a voucher is not posted: a code for programs, a message for people, a JSON path."""

    code: str
    message: str
    field: str = ""


@dataclass(slots=True)
class Books:
    """Master data that vouchers are checked against; code to name."""

    accounts: dict[str, str] = field(default_factory=lambda: dict(ACCOUNTS))
    cost_centres: dict[str, str] = field(default_factory=lambda: dict(COST_CENTRES))
    vat_codes: dict[str, str] = field(default_factory=lambda: dict(VAT_CODES))

    def read(self, body: bytes) -> tuple[dict[str, Any], Decimal] | list[Refusal]:
        """Return the voucher and its sum of debits, or everything that is wrong with it."""
        try:
            voucher = orjson.loads(body)
        except orjson.JSONDecodeError:
            return [Refusal("invalid_json", "The body is not JSON")]
        if not isinstance(voucher, dict):
            return [Refusal("invalid_json", "The body is not a JSON object")]
        refusals = _head_refusals(voucher)
        lines = voucher.get("lines")
        if not isinstance(lines, list) or not 2 <= len(lines) <= LINES_MAX:
            refusals.append(
                Refusal("invalid_lines", f"A voucher has 2 to {LINES_MAX} lines", "lines")
            )
            return refusals
        if any(isinstance(line, dict) and isinstance(line.get("amount"), float) for line in lines):
            voucher = json.loads(body, parse_float=str)
            lines = voucher["lines"]
        amounts = []
        for place, line in enumerate(lines):
            amounts.append(self._line_amount(line, f"lines[{place}]", refusals))
        if not refusals and (difference := sum(amounts)) != 0:
            refusals.append(
                Refusal("unbalanced", f"Voucher does not balance: {difference:f}", "lines")
            )
        return refusals or (voucher, sum((a for a in amounts if a > 0), Decimal(0)))

    def _line_amount(self, line: object, path: str, refusals: list[Refusal]) -> Decimal:
        if not isinstance(line, dict):
            refusals.append(Refusal("invalid_line", "A line is a JSON object", path))
            return Decimal(0)
        for name, known, code, spoken in (
            ("account", self.accounts, "invalid_account", "account"),
            ("costCentre", self.cost_centres, "invalid_cost_center", "cost center"),
            ("vatCode", self.vat_codes, "invalid_vat_code", "VAT"),
        ):
            given = line.get(name)
            if given is None and name != "account":
                continue
            if given not in known:
                refusals.append(Refusal(code, f"Invalid {spoken} code: {given}", f"{path}.{name}"))
        amount = _amount(line.get("amount"))
        if amount is None:
            refusals.append(
                Refusal("invalid_amount", f"Invalid amount: {line.get('amount')}", f"{path}.amount")
            )
        return amount or Decimal(0)


def _head_refusals(voucher: dict[str, Any]) -> list[Refusal]:
    refusals = [
        Refusal("missing_field", f"Missing field: {name}", name)
        for name in ("reference", "voucherNumber", "postingDate", "currency")
        if not isinstance(voucher.get(name), str) or not voucher[name]
    ]
    if refusals:
        return refusals
    if len(voucher["reference"]) > REFERENCE_CHARACTERS_MAX:
        refusals.append(Refusal("invalid_reference", "Reference is too long", "reference"))
    if not _NUMBER.fullmatch(voucher["voucherNumber"]):
        number = voucher["voucherNumber"]
        refusals.append(
            Refusal("invalid_voucher_number", f"Invalid voucher number: {number}", "voucherNumber")
        )
    try:
        date.fromisoformat(voucher["postingDate"])
    except ValueError:
        day = voucher["postingDate"]
        refusals.append(Refusal("invalid_date", f"Invalid posting date: {day}", "postingDate"))
    if not re.fullmatch("[A-Z]{3}", voucher["currency"]):
        refusals.append(Refusal("invalid_currency", "Invalid currency", "currency"))
    return refusals


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    exponent = amount.as_tuple().exponent
    return amount if isinstance(exponent, int) and exponent >= -4 else None
