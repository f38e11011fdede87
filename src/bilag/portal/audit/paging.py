"""Pages of a list that goes by keys: what stands in the address, and the ways older and newer.

Filters stay in the address, so that a list can be kept as a bookmark and sent to somebody.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.forms import Form
from django.http import QueryDict

PAGE = 50
OLDER, NEWER = "older", "newer"

Row = TypeVar("Row")


class Pages(Generic[Row]):
    """One page of rows, newest first, and the addresses of the pages beside it (empty: none)."""

    def __init__(
        self,
        asked: QueryDict,
        form: Form,
        read: Callable[[str, str, int], Sequence[Row]],
        key: Callable[[Row], str],
    ) -> None:
        """Read one page: `read(older_than, newer_than, limit)` returns one row too many, if any."""
        self.on = chosen(form)
        older, newer = asked.get(OLDER, ""), "" if asked.get(OLDER) else asked.get(NEWER, "")
        found = list(read(older, newer, PAGE + 1))
        more = len(found) > PAGE
        # one more is on the side that the reader goes to
        self.rows = (found[1:] if newer else found[:PAGE]) if more else found
        has_newer, has_older = bool(older) or (bool(newer) and more), bool(newer) or more
        first, last = (key(self.rows[0]), key(self.rows[-1])) if self.rows else ("", "")
        self.newer = self._beside(NEWER, first) if has_newer and first else ""
        self.older = self._beside(OLDER, last) if has_older and last else ""
        self.query = urlencode(self.on)
        self.is_first = not (older or newer)

    def _beside(self, way: str, key: str) -> str:
        return "?" + urlencode({**self.on, way: key})


def chosen(form: Form) -> dict[str, str]:
    """Return the filters that are on, as they stand in the address."""
    return {name: value for name in form.fields if (value := str(form.data.get(name, "")).strip())}


def filters_on(form: Form) -> Iterator[tuple[str, str]]:
    """Yield each filter that is on: what it is called, and what it was set to, in words."""
    for name, value in chosen(form).items():
        field = form.fields[name]
        choices = getattr(field, "choices", ())
        words = {
            str(code): str(word)
            for entry in choices
            for code, word in (entry[1] if isinstance(entry[1], list | tuple) else [entry])
        }
        yield str(field.label), words.get(value, value)
