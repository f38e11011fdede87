"""Understands the part of `$filter` that connectors use, and refuses what Business Central does.

A filter that names values of one field says so in `equals`, so that an index can be asked.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bilag.sandbox.business_central.refusals import Refused, bad_request
from bilag.sandbox.business_central.schema import Entity, decoded

Test = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})"
    r"|(?P<moment>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w/]*)"
    r"|(?P<mark>[(),:]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_SEARCH: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}
_LITERALS = {
    "string": ("code", "text", "enum"),
    "guid": ("guid",),
    "moment": ("moment",),
    "date": ("date",),
    "number": ("int", "decimal"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A test, the fields it looks at, and the values a field must have for it to hold."""

    test: Test
    fields: frozenset[str] = frozenset()
    equals: Mapping[str, frozenset[Any]] = field(default_factory=dict)


EVERYTHING = Filter(lambda _: True)


def read_filter(entity: Entity, text: str) -> Filter:
    """Return the filter; raises Refused for what the sandbox or Business Central cannot filter."""
    if not text.strip():
        return EVERYTHING
    reader = _Reader(entity, text)
    found = reader.either()
    reader.end()
    return found


class _Reader:
    def __init__(self, entity: Entity, text: str) -> None:
        self._entity = entity
        self._tokens: list[tuple[str, str]] = []
        place = 0
        text = text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None or match.lastgroup is None:
                raise _unreadable(text[place:])
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            place = match.end()
        self._next = 0

    def either(self) -> Filter:
        """Read parts joined by `or`."""
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        if len(parts) == 1:
            return parts[0]
        fields = frozenset().union(*(part.fields for part in parts))
        if len(fields) > 1:
            # dynamics.md §1.10; the code is INFERRED
            raise Refused(
                400,
                "Application_FilterErrorException",
                "The 'OR' operator is not supported on distinct fields on an OData filter.",
            )
        (name,) = fields or {""}
        if all(name in part.equals for part in parts):
            values = frozenset().union(*(part.equals[name] for part in parts))
            return Filter(lambda row: row[name] in values, fields, {name: values})
        tests = [part.test for part in parts]
        return Filter(lambda row: any(test(row) for test in tests), fields)

    def _both(self) -> Filter:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        equals: dict[str, frozenset[Any]] = {}
        for part in parts:
            for name, values in part.equals.items():
                equals[name] = equals[name] & values if name in equals else values
        tests = [part.test for part in parts]
        fields = frozenset().union(*(part.fields for part in parts))
        return Filter(lambda row: all(test(row) for test in tests), fields, equals)

    def _one(self) -> Filter:
        if self._take("("):
            inner = self.either()
            self._expect(")")
            return inner
        kind, word = self._pop()
        if kind == "word" and word.endswith(("/any", "/all")):
            return self._lambda()
        if kind == "word" and word in _SEARCH:
            return self._searched(word)
        if kind != "word":
            raise _unreadable(word)
        name = self._field(word)
        _, sign = self._pop()
        if sign not in _COMPARE:
            raise _unreadable(sign)
        value = self._value(name)
        if sign == "eq":
            return Filter(
                lambda row: row[name] == value, frozenset([name]), {name: frozenset([value])}
            )
        compare = _COMPARE[sign]
        return Filter(lambda row: compare(row[name], value), frozenset([name]))

    def _searched(self, word: str) -> Filter:
        self._expect("(")
        name = self._field(self._pop()[1])
        self._expect(",")
        value = self._value(name)
        self._expect(")")
        if not isinstance(value, str):
            raise _unreadable(word)
        search = _SEARCH[word]
        return Filter(lambda row: search(row[name], value), frozenset([name]))

    def _lambda(self) -> Filter:
        # dynamics.md §1.10: lambda operators are silently ignored.
        self._expect("(")
        depth = 1
        while depth:
            mark = self._pop()[1]
            depth += (mark == "(") - (mark == ")")
        return EVERYTHING

    def _field(self, name: str) -> str:
        if name not in self._entity.fields:
            raise bad_request(
                f"Could not find a property named '{name}' on type "
                f"'Microsoft.NAV.{self._entity.type}'."
            )
        return name

    def _value(self, name: str) -> Any:
        kind, text = self._pop()
        wanted = self._entity.fields[name].kind
        if kind == "word" and text in ("true", "false") and wanted == "bool":
            return text == "true"
        if wanted not in _LITERALS.get(kind, ()):
            raise bad_request(
                "A binary operator with incompatible types was detected. "
                f"Found operand '{text}' for property '{name}'."
            )
        if kind == "string":
            text = text[1:-1].replace("''", "'")
            return decoded(text) if wanted == "enum" else text
        if kind == "number":
            return Decimal(text)
        return text.lower() if kind == "guid" else text

    def _pop(self) -> tuple[str, str]:
        if self._next >= len(self._tokens):
            raise _unreadable("the end")
        self._next += 1
        return self._tokens[self._next - 1]

    def _take(self, text: str) -> bool:
        hit = self._next < len(self._tokens) and self._tokens[self._next][1] == text
        self._next += hit
        return hit

    def _expect(self, text: str) -> None:
        if self._pop()[1] != text:
            raise _unreadable(text)

    def end(self) -> None:
        """Raise Refused when something is left over."""
        if self._next < len(self._tokens):
            raise _unreadable(self._tokens[self._next][1])


def _unreadable(text: str) -> Refused:
    return bad_request(f"Syntax error in $filter near '{text[:60]}'.")
