"""What people do to a posted voucher by hand, so that a reconciliation has something to find."""

from decimal import Decimal
from typing import Any

from bilag.sandbox.ledger import Entry, Ledger

_BY = Decimal("1.00")


def meddle(ledger: Ledger, reference: str, do: str, account: str = "") -> None:
    """Delete, alter, double or reverse what is posted under a reference.

    `alter` adds 1.00 to the first line and takes it from the last, or moves the first line to
    `account`. Raises LookupError when nothing is posted, ValueError for an unknown deed.
    """
    found = ledger.find(reference)
    if not found:
        raise LookupError(f"nothing is posted under {reference}")
    first, *others = found
    match do:
        case "delete":
            ledger.replace(reference, [])
        case "alter":
            ledger.replace(reference, [_altered(first, account), *others])
        case "double":
            ledger.add({**first, "id": f"{first['id']}-2"})
        case "reverse":
            reversal = _reversal(first)
            ledger.replace(reference, [{**first, "reversedBy": reversal["id"]}, *others])
            ledger.add(reversal)
        case _:
            raise ValueError(f"{do!r} is none of delete, alter, double, reverse")


def _altered(entry: Entry, account: str) -> Entry:
    lines: list[dict[str, Any]] = [dict(line) for line in entry["lines"]]
    if account:
        lines[0]["account"] = account
        return {**entry, "lines": lines}
    for line, by in ((lines[0], _BY), (lines[-1], -_BY)):
        line["amount"] = f"{Decimal(line['amount']) + by:f}"
    debit = sum((Decimal(one["amount"]) for one in lines if Decimal(one["amount"]) > 0), Decimal(0))
    return {**entry, "lines": lines, "amount": f"{debit:f}"}


def _reversal(entry: Entry) -> Entry:
    lines = [{**line, "amount": f"{-Decimal(line['amount']):f}"} for line in entry["lines"]]
    return {
        **entry,
        "id": f"{entry['id']}-R",
        "reference": f"{entry['reference']}-R",
        "lines": lines,
    }
