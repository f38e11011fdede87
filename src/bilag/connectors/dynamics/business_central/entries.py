"""Reads the general ledger by our references, which are the document numbers of what was posted.

Tells one posting from two and from a reversed one by lines that are unique within a voucher.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bilag.connectors.dynamics.business_central.company import company_path
from bilag.connectors.dynamics.business_central.stop import stopped
from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.connectors.dynamics.odata import Item, UnreadableAnswer, any_of, decimal, filtered, plain
from bilag.core.outcome import NOTHING_SEEN, Evidence, Posted, PostedLine, RetryLater

# Failure policy: so many references stand in one filter that its address stays below 2,048
# characters, which any gateway on the way lets through.
REFERENCES_MAX = 25
_FIELDS = (
    "entryNumber",
    "postingDate",
    "documentNumber",
    "accountNumber",
    "description",
    "debitAmount",
    "creditAmount",
)


@dataclass(slots=True)
class Entry:
    """One general ledger entry, debit positive; dimensions are code to value."""

    number: int
    account: str
    amount: Decimal
    description: str
    dimensions: dict[str, str]


@dataclass(slots=True)
class Entries:
    """What the ledger holds of the references asked for, and the answer it was read from."""

    of: dict[str, list[Entry]]
    evidence: Evidence = field(default=NOTHING_SEEN)


async def read_entries(
    wire: Wire,
    references: Sequence[str],
    *,
    with_dimensions: bool = False,
    once_seconds: float | None = None,
) -> Entries:
    """Return the entries of each reference, in the order they were posted; raises Stop.

    An answer that holds another document number proves that the search does not select.
    """
    company = await company_path(wire, once_seconds=once_seconds)
    found = Entries({reference: [] for reference in references})

    async def one(chosen: Sequence[str]) -> None:
        query = filtered(
            any_of("documentNumber", chosen),
            *_FIELDS,
            expand="dimensionSetLines" if with_dimensions else "",
        )
        items, found.evidence = await wire.read_all(
            f"{company}/generalLedgerEntries", query, once_seconds=once_seconds
        )
        for item in items:
            reference = plain(item.get("documentNumber")).strip().upper()
            if reference not in chosen:
                raise stopped(
                    RetryLater,
                    "connector.other_reference",
                    found.evidence,
                    reference=chosen[0],
                    other=reference[:60],
                )
            try:
                found.of[reference].append(_entry(item))
            except UnreadableAnswer as error:
                raise stopped(
                    RetryLater, "dynamics.unreadable", found.evidence, reason=str(error)
                ) from error

    starts = range(0, len(references), REFERENCES_MAX)
    await asyncio.gather(*(one(references[i : i + REFERENCES_MAX]) for i in starts))
    for entries in found.of.values():
        entries.sort(key=lambda entry: entry.number)
    return found


def _entry(item: Item) -> Entry:
    return Entry(
        int(decimal(item.get("entryNumber"))),
        plain(item.get("accountNumber")),
        decimal(item.get("debitAmount")) - decimal(item.get("creditAmount")),
        plain(item.get("description")),
        dimensions_of(item),
    )


def dimensions_of(item: Item) -> dict[str, str]:
    """Return the dimensions that were expanded with an item, as code to value."""
    lines = item.get("dimensionSetLines")
    if not isinstance(lines, list):
        return {}
    return {
        plain(line.get("code")).upper(): plain(line.get("valueCode")).upper()
        for line in lines
        if isinstance(line, dict)
    }


def posted_of(
    reference: str, entries: Sequence[Entry], evidence: Evidence, cost_centre: str = ""
) -> Posted:
    """Return what the entries of one reference say; there has to be at least one.

    The same line more than once is as many postings; a line with its opposite was reversed.
    """
    first: dict[tuple[str, Decimal, str], Entry] = {}
    balance: dict[tuple[str, Decimal, str], int] = {}
    counter: Entry | None = None
    for entry in entries:
        key = (entry.account, abs(entry.amount), entry.description.casefold())
        original = first.setdefault(key, entry)
        same = (original.amount >= 0) == (entry.amount >= 0)
        balance[key] = balance.get(key, 0) + (1 if same else -1)
        if not same and counter is None:
            counter = entry
    hits = max(balance.values())
    lines = tuple(
        PostedLine(one.account, one.amount, one.dimensions.get(cost_centre, ""))
        for one in first.values()
    )
    return Posted(
        external_reference=str(entries[0].number),
        voucher_number=reference,
        amount=sum((line.amount for line in lines if line.amount > 0), Decimal(0)),
        hits=max(hits, 1),
        evidence=evidence,
        lines=lines,
        reversed_by=str(counter.number) if counter is not None and hits <= 0 else "",
    )
