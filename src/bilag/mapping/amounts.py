"""What a claim costs in the book's currency, to the øre, and how it splits on accounting years.

Decimals throughout; rounding is half-even to 0.01 per line, and the vouchers of all parts of a
claim sum to the rounded whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Literal

from bilag.core.money import DIGITS_MAX, ORE
from bilag.core.record import Record
from bilag.integrations.model import Book
from bilag.mapping.paths import Content

ZERO = Decimal(0)
# An amount of 15 digits times a rate of 19: the product must be exact before it is rounded.
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
# The largest that a ledger carries: 15 digits, two of them øre.
AMOUNT_LIMIT = Decimal(10) ** (DIGITS_MAX - 2)
_NO_DAY = "0001-01-01"


@dataclass(slots=True)
class Costs:
    """The lines of one voucher with their numbers from 1, and their amounts in the book's currency.

    An amount is None where the record does not tell it; `total` is exact only when none is.
    `amounts` are rounded to the øre, `total` is their sum before rounding, rounded once.
    """

    numbered: list[tuple[int, Content]]
    amounts: list[Decimal | None]
    total: Decimal
    original: Decimal
    first: date
    last: date
    is_latest: bool = True


def parts(
    claim: Record | dict[str, Any], book: Book, two_years: Literal["split", "one", "hold"]
) -> list[tuple[int, Decimal]]:
    """Return the vouchers that a claim becomes: (0, total), or (accounting year, sum) of each year.

    Sums are in the record's currency and add up to its total; a zero total is never split (E19).
    """
    if isinstance(claim, Record):
        costs = [(line.date, line.amount) for line in claim.lines]
    else:
        costs = [
            (date.fromisoformat(line["date"]), Decimal(line["amount"]))
            for line in claim.get("lines", ())
        ]
    total = sum((amount for _, amount in costs), ZERO)
    sums: dict[int, Decimal] = {}
    for day, amount in costs:
        year = book.accounting_year(day)
        sums[year] = sums.get(year, ZERO) + amount
    if two_years != "split" or len(sums) < 2 or not total:
        return [(0, total)]
    return sorted(sums.items())


def read_costs(content: Content, book: Book, part: int) -> Costs:
    """Return the costs of the whole claim (`part` 0), or those of one accounting year of it."""
    numbered = list(enumerate(content.get("lines", ()), 1))
    same = content["currency"] == book.currency
    earlier: list[tuple[int, Content]] = []
    is_latest = True
    if part:
        years = [book.accounting_year(date.fromisoformat(line["date"])) for _, line in numbered]
        by_year = list(zip(years, numbered, strict=True))
        earlier = [pair for year, pair in by_year if year < part]
        numbered = [pair for year, pair in by_year if year == part]
        is_latest = part >= max(years, default=part)
    exact = _exact_amounts(content, numbered, same)
    total = _sum(exact)
    before = _sum(_exact_amounts(content, earlier, same)) if earlier else ZERO
    days = [line["date"] for _, line in numbered]
    return Costs(
        numbered=numbered,
        amounts=[amount and amount.quantize(ORE, ROUND_HALF_EVEN, _EXACT) for amount in exact],
        # What the earlier years rounded away belongs to this one: the parts sum to the whole.
        total=_to_ore(before + total) - _to_ore(before) if before else _to_ore(total),
        original=total if same else _sum([Decimal(line["amount"]) for _, line in numbered]),
        first=date.fromisoformat(min(days, default=_NO_DAY)),
        last=date.fromisoformat(max(days, default=_NO_DAY)),
        is_latest=is_latest,
    )


def claim_amount(content: Content, book: Book) -> Decimal | None:
    """Return what the whole claim costs in the book's currency; None where it does not tell."""
    amounts = _exact_amounts(
        content, list(enumerate(content.get("lines", ()), 1)), content["currency"] == book.currency
    )
    return None if None in amounts else _to_ore(_sum(amounts))


def _exact_amounts(
    content: Content, numbered: list[tuple[int, Content]], same: bool
) -> list[Decimal | None]:
    """Return the amounts in the book's currency; a converted one is rounded to the øre."""
    if same:
        return [Decimal(line["amount"]) for _, line in numbered]
    rate = content.get("exchangeRate")
    return [_book_amount(line, None if rate is None else Decimal(rate)) for _, line in numbered]


def _book_amount(line: Content, rate: Decimal | None) -> Decimal | None:
    told = line.get("bookAmount")
    if told is not None:
        return Decimal(told)
    if rate is None:
        return None
    return _to_ore(_EXACT.multiply(Decimal(line["amount"]), rate))


def _sum(amounts: Sequence[Decimal | None]) -> Decimal:
    return sum([amount for amount in amounts if amount is not None], ZERO)


def _to_ore(amount: Decimal) -> Decimal:
    return amount.quantize(ORE, ROUND_HALF_EVEN, _EXACT)
