"""Answers what was asked for: `$filter`, `$select`, `$expand`, `$orderby`, paging by next link.

A client pages by `@odata.nextLink` only; its size is `Prefer: odata.maxpagesize`, at most 20,000.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bilag.sandbox.business_central.filters import Filter, read_filter
from bilag.sandbox.business_central.refusals import bad_request
from bilag.sandbox.business_central.schema import ENTITIES, Entity, encoded
from bilag.sandbox.business_central.values import Row

# Rows of one navigation of one row: (the row's entity set, the navigation, the row) -> rows.
Navigate = Callable[[str, str, Row], Iterable[Row]]

_KNOWN = {"$filter", "$select", "$expand", "$top", "$skip", "$orderby", "$count", "$skiptoken"}


@dataclass(frozen=True, slots=True)
class Shape:
    """Which fields and navigations an answer shows; no fields named means all."""

    select: frozenset[str] = frozenset()
    expand: Mapping[str, "Shape"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Viewer:
    """How rows are shown: by which navigation, and how enum members are written."""

    navigate: Navigate
    encodes_enums: Callable[[], bool]

    def show(self, entity: Entity, row: Row, shape: Shape) -> Row:
        """Return a row as an answer shows it."""
        encodes = entity.enums and self.encodes_enums()
        if not shape.select and not shape.expand and not encodes:
            return row
        if shape.select:
            shown = {name: row[name] for name in ("@odata.etag", *shape.select)}
        else:
            shown = dict(row)
        if encodes:
            for name in entity.enums:
                if name in shown:
                    shown[name] = encoded(shown[name])
        for name, inner in shape.expand.items():
            target = ENTITIES[name]
            shown[name] = [
                self.show(target, one, inner) for one in self.navigate(entity.set, name, row)
            ]
        return shown


def read_shape(entity: Entity, options: Mapping[str, str]) -> Shape:
    """Return the shape that `$select` and `$expand` ask for; raises Refused for unknown names."""
    select = frozenset(name.strip() for name in options.get("$select", "").split(",") if name)
    for name in select - set(entity.fields):
        raise bad_request(
            f"Could not find a property named '{name}' on type 'Microsoft.NAV.{entity.type}'."
        )
    expand = {}
    for part in _split(options.get("$expand", ""), ","):
        name, _, inner = part.strip().partition("(")
        if name not in entity.navigations:
            raise bad_request(
                f"Could not find a property named '{name}' on type 'Microsoft.NAV.{entity.type}'."
            )
        inside = dict(one.split("=", 1) for one in _split(inner.removesuffix(")"), ";"))
        expand[name] = read_shape(ENTITIES[name], inside)
    return Shape(select, expand)


def page(
    entity: Entity,
    rows: Callable[[Filter], Iterable[Row]],
    viewer: Viewer,
    options: Mapping[str, str],
    prefer: str,
    page_size: int,
    base: str,
    url: str,
) -> dict[str, Any]:
    """Return one page of a collection, with a next link when there is more."""
    if unknown := [name for name in options if name.startswith("$") and name not in _KNOWN]:
        raise bad_request(f"The query option '{unknown[0]}' is not supported.")
    chosen = read_filter(entity, options.get("$filter", ""))
    shape = read_shape(entity, options)
    found = [row for row in rows(chosen) if chosen.test(row)]
    if order := options.get("$orderby"):
        name, _, direction = order.strip().partition(" ")
        if name not in entity.fields:
            raise bad_request(f"Could not find a property named '{name}'.")
        found.sort(key=lambda row: row[name], reverse=direction.strip() == "desc")
    total = len(found)
    first = _whole(options, "$skip", 0)
    found = found[first : first + _whole(options, "$top", total)]
    start = _whole(options, "$skiptoken", 0)
    wanted = re.search(r"odata\.maxpagesize=(\d+)", prefer)
    size = min(int(wanted[1]) if wanted else page_size, page_size) or page_size
    shown = found[start : start + size]
    answer: dict[str, Any] = {"@odata.context": f"{base}$metadata#{entity.set}"}
    if options.get("$count") == "true":
        answer["@odata.count"] = total
    answer["value"] = [viewer.show(entity, row, shape) for row in shown]
    if start + size < len(found):
        rest = {**options, "$skiptoken": str(start + size)}
        query = "&".join(f"{name}={quote(value)}" for name, value in rest.items())
        answer["@odata.nextLink"] = f"{url.split('?')[0]}?{query}"
    return answer


def _whole(options: Mapping[str, str], name: str, default: int) -> int:
    given = options.get(name)
    if given is None:
        return default
    if not given.isdecimal():
        raise bad_request(f"The value '{given}' of {name} is not a whole number.")
    return int(given)


def _split(text: str, mark: str) -> list[str]:
    """Split at marks that no parenthesis encloses."""
    parts, depth, last = [], 0, 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == mark and depth == 0:
            parts.append(text[last:place])
            last = place + 1
    parts.append(text[last:])
    return [part for part in parts if part.strip()]
