"""What people do by hand in a ledger: delete, alter, double or reverse a posted voucher.

The sandbox's ledger and the API's entries change together; the file is written anew.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from bilag.sandbox.business_central.general import GeneralLedger
from bilag.sandbox.ledger import Entry


def meddle(general: GeneralLedger, reference: str, action: str, account: str = "") -> int:
    """Change every voucher with this reference and return how many; raises ValueError.

    `alter` adds 1.00 to the first line and takes it from the last, or moves the first to `account`.
    """
    hit = [entry for entry in general.entries() if entry["reference"] == reference]
    if not hit:
        raise ValueError(f"there is no voucher {reference!r}")
    match action:
        case "delete":
            general.replace(e for e in general.entries() if e["reference"] != reference)
        case "alter":
            general.replace(_altered(general.entries(), reference, account))
        case "double" | "reverse":
            sign = -1 if action == "reverse" else 1
            for entry in hit:
                general.post(_head(entry), (_line(line, sign) for line in entry["lines"]))
        case _:
            raise ValueError("do is one of delete, alter, double, reverse, stray_line")
    return len(hit)


def _altered(entries: list[Entry], reference: str, account: str) -> Iterator[Entry]:
    for entry in entries:
        if entry["reference"] == reference and account:
            entry["lines"][0]["account"] = account
        elif entry["reference"] == reference:
            for place, change in ((0, Decimal(1)), (-1, Decimal(-1))):
                line = entry["lines"][place]
                line["amount"] = f"{Decimal(line['amount']) + change:f}"
            debits = sum(
                (max(Decimal(line["amount"]), Decimal(0)) for line in entry["lines"]), Decimal(0)
            )
            entry["amount"] = f"{debits:f}"
        yield entry


def _head(entry: Entry) -> dict[str, Any]:
    kept = dict(entry)
    for name in ("id", "amount", "lines", "receivedAt", "invoice"):
        kept.pop(name, None)
    return kept


def _line(line: dict[str, Any], sign: int) -> dict[str, Any]:
    return {**line, "amount": Decimal(line["amount"]) * sign}
