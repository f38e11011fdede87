"""Rows of the sandbox's system, found by id, by an indexed field, or by when they changed.

No query looks at more rows than an index names, unless it asks for all of them.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bilag.sandbox.xledger import clock

Row = dict[str, Any]

# xledger.md §3 [C]: filters are written as a field and a suffix.
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "_in": lambda have, given: have in given,
    "_gte": lambda have, given: have is not None and have >= given,
    "_lte": lambda have, given: have is not None and have <= given,
    "_gt": lambda have, given: have is not None and have > given,
    "_lt": lambda have, given: have is not None and have < given,
}


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page in the order asked for, and whether more follow."""

    rows: list[Row]
    more: bool


@dataclass(frozen=True, slots=True)
class Paging:
    """`first` and `after` walk up the ids, `last` and `before` walk down (§4 [C])."""

    count: int
    start: int | None = None
    down: bool = False


# xledger.md §4 [C]: a query returns at most so many rows.
ROWS_MAX = 10_000
ALL_ROWS = Paging(ROWS_MAX)


class Table:
    """Rows by a key that only grows; `moment` is when a row was added or last changed."""

    def __init__(self, *indexed: str) -> None:
        self._rows: dict[int, Row] = {}
        self._keys: list[int] = []
        self._changes: list[tuple[int, int]] = []
        self._indexes: dict[str, dict[Any, list[int]]] = {name: {} for name in indexed}

    def add(self, row: Row, moment: int, key: int | None = None) -> Row:
        """Add a row; its key, which is its `dbId` by default, is greater than those before it."""
        row["_key"] = row["dbId"] if key is None else key
        self._rows[row["_key"]] = row
        self._keys.append(row["_key"])
        row.setdefault("createdAt", clock.as_text(moment))
        self.changed(row, moment)
        for name, index in self._indexes.items():
            index.setdefault(row.get(name), []).append(row["_key"])
        return row

    def changed(self, row: Row, moment: int) -> None:
        """Note that a row changed; indexed fields stay as they are."""
        row["modifiedAt"], row["_moment"] = clock.as_text(moment), moment
        change = (moment, row["_key"])
        if self._changes and change < self._changes[-1]:
            insort(self._changes, change)
        else:
            self._changes.append(change)

    def remove(self, key: int) -> None:
        """Take a row away."""
        row = self._rows.pop(key)
        for name, index in self._indexes.items():
            index[row.get(name)].remove(key)

    def get(self, key: object) -> Row | None:
        """Return the row with this key."""
        return self._rows.get(key) if isinstance(key, int) else None

    def find(self, name: str, value: object) -> list[Row]:
        """Return the rows whose indexed field is exactly this."""
        return [self._rows[key] for key in self._indexes[name].get(value, ())]

    def page(self, wanted: Mapping[str, Any], paging: Paging) -> Page:
        """Return the rows that fit a filter, from a cursor on."""
        wanted = {name: value for name, value in wanted.items() if value is not None}
        fits = [_predicate(name, value) for name, value in wanted.items()]
        rows: list[Row] = []
        for key in _walk(self._candidates(wanted), paging):
            row = self._rows.get(key)
            if row is None or not all(fit(row) for fit in fits):
                continue
            if len(rows) == paging.count:
                return Page(rows, more=True)
            rows.append(row)
        return Page(rows, more=False)

    def _candidates(self, wanted: Mapping[str, Any]) -> Sequence[int]:
        """Keys in order, as few as an index can tell."""
        for name, index in self._indexes.items():
            if (values := _values(wanted, name)) is not None:
                return sorted(key for value in values for key in index.get(value, ()))
        if (values := _values(wanted, "dbId")) is not None:
            return sorted(values)
        if since := wanted.get("modifiedAt_gte"):
            start = bisect_left(self._changes, (since, 0))
            return sorted({key for _, key in self._changes[start:]})
        return self._keys


def _values(wanted: Mapping[str, Any], name: str) -> set[Any] | None:
    """The values a field may have; None when the filter says nothing of it."""
    values = [wanted[name]] if name in wanted else wanted.get(f"{name}_in")
    return None if values is None else set(values)


def _walk(keys: Sequence[int], paging: Paging) -> Iterable[int]:
    if paging.down:
        end = len(keys) if paging.start is None else bisect_left(keys, paging.start)
        return (keys[place] for place in range(end - 1, -1, -1))
    begin = 0 if paging.start is None else bisect_right(keys, paging.start)
    return (keys[place] for place in range(begin, len(keys)))


def _predicate(name: str, value: Any) -> Callable[[Row], bool]:
    field, underscore, suffix = name.partition("_")
    if field == "modifiedAt":
        field = "_moment"
    if not underscore:
        return lambda row: bool(row.get(field) == value)
    compare = _COMPARE["_" + suffix]
    return lambda row: compare(row.get(field), value)
