"""Amounts as decimals: parsing with limits, currencies, and the smallest unit a ledger carries.

No float comes near an amount; more than 15 digits or 4 decimals is an error, never a rounding.
"""

import re
from decimal import Decimal

DIGITS_MAX = 15
DECIMALS_MAX = 4
ORE = Decimal("0.01")
_TOO_LARGE = 10**DIGITS_MAX

# ISO 4217 codes of currencies in use (2026), without funds, metals and test codes.
CURRENCIES = frozenset(
    (
        "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD",
        "BDT", "BHD", "BIF", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN",
        "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC", "CUP", "CVE", "CZK",
        "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP",
        "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF",
        "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS",
        "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD",
        "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR",
        "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD",
        "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD",
        "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS",
        "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP",
        "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VED", "VES",
        "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF", "XPF", "YER", "ZAR", "ZMW",
        "ZWG",
    )
)  # fmt: skip

_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,4})?")
_NUMBER = re.compile(r"-?([0-9]+)(?:\.[0-9]+)?")


class AmountError(ValueError):
    """The text is not an amount that a ledger can carry; `args[0]` says why."""


def parse_amount(value: object) -> Decimal:
    """Return the exact decimal of a string, int or Decimal; a float is refused like any other type.

    Raises AmountError for NaN, exponents, more than 15 digits or more than 4 decimals.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise AmountError("not_a_number")
    # Refused before it is written out: 1E999999999 would be a gigabyte of digits.
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int):
            raise AmountError("not_a_number")
        if exponent < -DECIMALS_MAX:
            raise AmountError("too_many_decimals")
        if exponent > DIGITS_MAX:
            raise AmountError("too_many_digits")
    if not isinstance(value, str) and not -_TOO_LARGE < value < _TOO_LARGE:
        raise AmountError("too_many_digits")
    text = f"{value:f}" if isinstance(value, Decimal) else str(value).strip()
    if not _AMOUNT.fullmatch(text):
        number = _NUMBER.fullmatch(text)
        if not number:
            raise AmountError("not_a_number")
        raise AmountError("too_many_digits" if len(number[1]) > DIGITS_MAX else "too_many_decimals")
    if len(text) > DIGITS_MAX and sum(c.isdigit() for c in text.lstrip("-0")) > DIGITS_MAX:
        raise AmountError("too_many_digits")
    return Decimal(text)


def amount_text(amount: Decimal) -> str:
    """Return the one spelling of an amount that is hashed and stored: `125`, `0.5`, `-13.2499`."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
