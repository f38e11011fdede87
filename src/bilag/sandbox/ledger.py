"""A sandbox's own ledger: what it really posted, whatever it answered.

Append-only, indexed by reference; with a file it survives a restart of the sandbox.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import orjson

Entry = dict[str, Any]


@dataclass(slots=True)
class _Totals:
    references: Counter[str] = field(default_factory=Counter)
    source_ids: Counter[str] = field(default_factory=Counter)
    voucher_numbers: Counter[str] = field(default_factory=Counter)
    sums: dict[str, Decimal] = field(default_factory=dict)


class Ledger:
    """Posted vouchers in the order they came; entries are kept as JSON, 300,000 fit in memory.

    An entry needs `reference`, `voucherNumber`, `currency` and `amount`; `sourceId` may be empty.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._rows: list[bytes] = []
        self._places: dict[str, tuple[int, ...]] = {}
        self._totals = _Totals()
        self._file: BinaryIO | None = None
        if path is not None:
            self._read_file(path)
            self._file = path.open("ab", buffering=0)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, entry: Entry) -> None:
        """Post an entry; once this returns it is in the file, so a killed sandbox keeps it."""
        row = orjson.dumps(entry)
        if self._file is not None:
            self._file.write(row + b"\n")
        self._index(entry, row)

    def find(self, reference: str) -> list[Entry]:
        """Return all entries with exactly this reference."""
        return [orjson.loads(self._rows[place]) for place in self._places.get(reference, ())]

    def replace(self, reference: str, entries: list[Entry]) -> None:
        """Put other entries, or none, in the place of those with this reference, in the file too.

        For what people do to a ledger by hand: it takes as long as the ledger is large.
        """
        kept = [orjson.loads(row) for row in self._rows]
        others = [entry for entry in kept if entry["reference"] != reference]
        self.clear()
        for entry in [*others, *entries]:
            self.add(entry)

    def has_voucher_number(self, number: str) -> bool:
        """Return whether a voucher number is taken."""
        return number in self._totals.voucher_numbers

    def last(self, count: int) -> Iterator[Entry]:
        """Return the newest entries, newest first."""
        return (orjson.loads(row) for row in self._rows[: -count - 1 : -1])

    def as_json(self, offset: int = 0, limit: int | None = None) -> bytes:
        """Return totals and entries as one JSON document."""
        rows = self._rows[offset : None if limit is None else offset + limit]
        totals = orjson.dumps(self.summary())[:-1]
        return totals + b',"entries":[' + b",".join(rows) + b"]}"

    def summary(self) -> dict[str, Any]:
        """Return counts, what was posted more than once, and the sum of debits per currency."""
        totals = self._totals
        return {
            "count": len(self._rows),
            "references": len(totals.references),
            "duplicateReferences": _repeated(totals.references),
            "duplicateSourceIds": _repeated(totals.source_ids),
            "sums": {currency: f"{total:f}" for currency, total in sorted(totals.sums.items())},
        }

    def clear(self) -> None:
        """Forget everything, in the file too."""
        self._rows.clear()
        self._places.clear()
        self._totals = _Totals()
        if self._file is not None:
            self._file.truncate(0)

    def close(self) -> None:
        """Close the file; the ledger is not used afterwards."""
        if self._file is not None:
            self._file.close()

    def _index(self, entry: Entry, row: bytes) -> None:
        reference, currency = entry["reference"], entry["currency"]
        self._places[reference] = (*self._places.get(reference, ()), len(self._rows))
        self._rows.append(row)
        totals = self._totals
        totals.references[reference] += 1
        totals.voucher_numbers[entry["voucherNumber"]] += 1
        if source_id := entry.get("sourceId"):
            totals.source_ids[source_id] += 1
        totals.sums[currency] = totals.sums.get(currency, Decimal(0)) + Decimal(entry["amount"])

    def _read_file(self, path: Path) -> None:
        if not path.exists():
            return
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            # A sandbox killed in the middle of a line has not answered for it: it was not posted.
            with path.open("rb+") as file:
                file.truncate(whole)
        for row in content[:whole].splitlines():
            self._index(orjson.loads(row), row)


def _repeated(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count > 1}
