"""What booked entries of one reference amount to: one voucher, several, or one that was reversed.

Pure; entries are told apart by their transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bilag.connectors.xledger.pages import Row, code_of, id_order
from bilag.core.money import AmountError, parse_amount
from bilag.core.outcome import CannotTell, Evidence, Posted, PostedLine
from bilag.core.problem import Problem


@dataclass(slots=True)
class _Transaction:
    id: str
    number: str
    amounts: list[Decimal | None]
    lines: list[PostedLine]

    @property
    def debit(self) -> Decimal | None:
        """The sum of the debit lines, where every amount can be read."""
        known = [amount for amount in self.amounts if amount is not None]
        if len(known) < len(self.amounts):
            return None
        return sum((amount for amount in known if amount > 0), Decimal(0))

    def undoes(self, other: "_Transaction") -> bool:
        """Whether this one is the other with all signs turned; never told without accounts."""
        ours, theirs = _sums(self.lines), _sums(other.lines)
        turned = {key: -amount for key, amount in theirs.items()}
        return bool(ours) and ours == turned


def posted(rows: Sequence[Row], slot: str, evidence: Evidence) -> Posted | CannotTell:
    """Return the voucher that stands under one reference, how often, and what reversed it."""
    transactions: dict[str, _Transaction] = {}
    for row in sorted(rows, key=lambda one: id_order(str(one.get("dbId")))):
        header = row.get("transactionHeader") or row.get("header")
        number = code_of(header, "transactionNumber") or code_of(row, "transactionNumber")
        key = code_of(header, "dbId") or number
        if not key:
            params = {"missing": "transactionHeader"}
            problem = Problem("connector.hit_unreadable", params=params)
            return CannotTell(problem.text(), evidence, problem)
        one = transactions.setdefault(key, _Transaction(key, number, [], []))
        amount = _amount(row.get("amount"))
        one.amounts.append(amount)
        account = code_of(row.get("account"))
        if account and amount is not None:
            one.lines.append(PostedLine(account, amount, code_of(row.get(slot)) if slot else ""))
    oldest_first = sorted(transactions.values(), key=lambda one: id_order(one.id))
    live, reversals = _pair(oldest_first)
    shown = live[0] if live else oldest_first[0]
    return Posted(
        shown.id,
        shown.number,
        shown.debit,
        max(len(live), 1),
        evidence,
        tuple(shown.lines),
        "" if live else reversals[-1],
    )


def _pair(transactions: Iterable[_Transaction]) -> tuple[list[_Transaction], list[str]]:
    """Return what still counts, and the numbers of the transactions that undid another."""
    live: list[_Transaction] = []
    reversals: list[str] = []
    for one in transactions:
        undone = next((other for other in live if one.undoes(other)), None)
        if undone is None:
            live.append(one)
        else:
            live.remove(undone)
            reversals.append(one.number or one.id)
    return live, reversals


def _sums(lines: Iterable[PostedLine]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for line in lines:
        totals[line.account] = totals.get(line.account, Decimal(0)) + line.amount
    return {account: total for account, total in totals.items() if total}


def _amount(value: object) -> Decimal | None:
    try:
        return parse_amount(value)
    except AmountError:
        return None
