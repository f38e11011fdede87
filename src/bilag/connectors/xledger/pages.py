"""Reads lists of Xledger page by page: oldest first, or newest first back to a moment.

An empty list is `edges: null`; a page that cannot be read fails the whole list.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import orjson

from bilag.connectors.xledger.answers import Reply
from bilag.connectors.xledger.wire import ReadFailed, Wire, unreadable
from bilag.core.outcome import Unknown
from bilag.core.problem import Problem

PAGE_ROWS = 1000

_OLDEST_FIRST = ("first", "after", "hasNextPage")
_NEWEST_FIRST = ("last", "before", "hasPreviousPage")

Row = Mapping[str, Any]


async def read_pages(
    wire: Wire,
    name: str,
    fields: str,
    arguments: str = "",
    *,
    until: Callable[[Row], bool] | None = None,
    timeout_seconds: float | None = None,
) -> AsyncIterator[tuple[list[Row], Reply]]:
    """Yield the rows of one connection, a page at a time; raises ReadFailed.

    With `until` the newest come first, and a page whose last row it is true of is the last. Where
    a time limit is given somebody waits, so nothing is asked twice.
    """
    size, step, more = _OLDEST_FIRST if until is None else _NEWEST_FIRST
    cursor = ""
    for _ in range(wire.settings.look_up.pages_max):
        place = f", {step}: {literal(cursor)}" if cursor else ""
        query = (
            f"{{ {name}({size}: {PAGE_ROWS}{place}{arguments})"
            f" {{ edges {{ cursor node {{ {fields} }} }} pageInfo {{ {more} }} }} }}"
        )
        data, reply = await wire.read(query, timeout_seconds, repeat=timeout_seconds is None)
        rows, last, goes_on = _page(data.get(name), name, more, reply)
        yield rows, reply
        if not goes_on or (until is not None and rows and until(rows[-1])):
            return
        if not last or last == cursor:
            raise unreadable(f"/data/{name}/edges/cursor", reply.evidence)
        cursor = last
    problem = Problem(
        "xledger.too_many_pages",
        params={"name": name, "pages": str(wire.settings.look_up.pages_max)},
    )
    raise ReadFailed(Unknown(problem.text(), transport=False, problem=problem))


def literal(value: str) -> str:
    """Return a text as GraphQL writes it, which is as JSON does."""
    return orjson.dumps(value).decode()


def code_of(value: object, name: str = "code") -> str:
    """Return the code of a reference such as `account { code }`, empty when there is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return "" if found is None else str(found)


def id_order(db_id: str) -> tuple[int, str]:
    """Return a key that sorts Xledger's ids as the numbers they are."""
    return (int(db_id), "") if db_id.isascii() and db_id.isdecimal() else (0, db_id)


def _page(found: object, name: str, more: str, reply: Reply) -> tuple[list[Row], str, bool]:
    """Return the rows, the last cursor, and whether there is another page."""
    if not isinstance(found, dict) or "edges" not in found:
        raise unreadable(f"/data/{name}/edges", reply.evidence)
    edges = found["edges"] or []
    if not isinstance(edges, list):
        raise unreadable(f"/data/{name}/edges", reply.evidence)
    rows: list[Row] = []
    for edge in edges:
        node = edge.get("node") if isinstance(edge, dict) else None
        if not isinstance(node, dict):
            raise unreadable(f"/data/{name}/edges/node", reply.evidence)
        rows.append(node)
    info = found.get("pageInfo")
    if not isinstance(info, dict) or not isinstance(info.get(more), bool):
        if edges:
            raise unreadable(f"/data/{name}/pageInfo/{more}", reply.evidence)
        return rows, "", False
    return rows, str(edges[-1].get("cursor") or "") if edges else "", bool(info[more])
