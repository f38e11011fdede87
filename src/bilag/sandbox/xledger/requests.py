"""Reads what is posted to the GraphQL address: JSON, or JSON with files beside it.

Numbers with a decimal point are read as Decimal, never as float.
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiohttp import web

# xledger.md §10 [C3]: the part that holds the JSON; every other part is a file.
CONTENT_PART = "content"


@dataclass(frozen=True, slots=True)
class Posted:
    """A GraphQL request as it came; files by name."""

    query: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)


async def read_posted(request: web.Request) -> Posted | None:
    """Read a request; None when it is not one."""
    if request.content_type != "multipart/form-data":
        return _posted(await request.read(), {})
    content: str | bytes | bytearray = b""
    files = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[value.filename] = value.file.read()
        elif name == CONTENT_PART:
            content = value
    return _posted(content, files)


def _posted(content: str | bytes | bytearray, files: dict[str, bytes]) -> Posted | None:
    try:
        document = json.loads(content, parse_float=Decimal)
        query, variables = document["query"], document.get("variables") or {}
        name = document.get("operationName")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if not isinstance(query, str) or not isinstance(variables, dict):
        return None
    return Posted(query, variables, name if isinstance(name, str) else None, files)
