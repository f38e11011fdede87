"""The OData V4 that Dynamics speaks: filters, pages, JSON batches, errors; nothing of the wire.

Numbers are read as decimals. OASIS OData JSON Format 4.01, sections 4.5 and 19.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

import orjson

from bilag.core.money import amount_text

BATCH_OPERATIONS_MAX = 100
_CORRELATION = re.compile(r"\s*CorrelationId:\s+([0-9a-fA-F-]{36})\.?\s*$")
_ESCAPED_SIGN = re.compile(r"_x([0-9A-Fa-f]{4})_")

Item = dict[str, Any]


class UnreadableAnswer(ValueError):
    """An answer that is not what OData prescribes; nothing may be concluded from it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One request inside a batch; `url` is relative to the service root."""

    method: str
    url: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inner:
    """The answer to one operation of a batch."""

    status: int
    body: Item

    @property
    def ok(self) -> bool:
        """True for 2xx; proves nothing about a batch that was rolled back."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Fault:
    """What an OData service says about a refusal; the correlation id is split off the message."""

    code: str
    message: str
    correlation_id: str = ""


def literal(text: str) -> str:
    """Return a text as a literal of a filter."""
    return "'" + text.replace("'", "''") + "'"


def any_of(name: str, values: Iterable[str]) -> str:
    """Return a filter that holds when one field has one of the values."""
    return " or ".join(f"{name} eq {literal(value)}" for value in values)


def starts_with(name: str, text: str) -> str:
    """Return a filter for a field that begins with a text."""
    return f"startswith({name},{literal(text)})"


def filtered(condition: str, *fields: str, expand: str = "") -> dict[str, str]:
    """Return the query for the items that meet a condition, with only these fields."""
    query = {"$filter": condition} if condition else {}
    if fields:
        query["$select"] = ",".join(fields)
    return query | {"$expand": expand} if expand else query


def number(amount: Decimal) -> orjson.Fragment:
    """Return an amount as a JSON number spelt out digit by digit."""
    return orjson.Fragment(amount_text(amount))


def plain(value: object) -> str:
    """Return a text as it was meant: `G_x002F_L_x0020_Account` becomes `G/L Account`."""
    text = value if isinstance(value, str) else ""
    return _ESCAPED_SIGN.sub(lambda found: chr(int(found[1], 16)), text)


def decimal(value: object) -> Decimal:
    """Return a number of an answer; raises UnreadableAnswer for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise UnreadableAnswer("a number is missing")
    return Decimal(value)


def read_object(content: bytes) -> Item:
    """Return the object of an answer; raises UnreadableAnswer when it is not one."""
    try:
        document = json.loads(content, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswer("the answer is not JSON") from error
    if not isinstance(document, dict):
        raise UnreadableAnswer("the answer is not a JSON object")
    return document


def read_page(document: Item) -> tuple[list[Item], str]:
    """Return the items of a page and where the next one is, or an empty text after the last."""
    items = document.get("value")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnreadableAnswer("the answer holds no list named value")
    following = document.get("@odata.nextLink", "")
    if not isinstance(following, str):
        raise UnreadableAnswer("@odata.nextLink is not a text")
    return items, following


def write_batch(operations: Sequence[Operation]) -> bytes:
    """Return the body of a JSON batch; ids are the positions from 0.

    Raises ValueError for more than 100 operations, which no Dynamics service takes.
    """
    if len(operations) > BATCH_OPERATIONS_MAX:
        raise ValueError(f"a batch holds at most {BATCH_OPERATIONS_MAX} operations")
    return orjson.dumps({"requests": [_written(i, one) for i, one in enumerate(operations)]})


def _written(position: int, operation: Operation) -> Item:
    written: Item = {
        "id": str(position),
        "method": operation.method,
        "url": operation.url,
        "headers": dict(operation.headers),
    }
    if operation.body is not None:
        written["headers"]["Content-Type"] = "application/json"
        written["body"] = operation.body
    return written


def read_batch(document: Item, count: int) -> list[Inner | None]:
    """Return the answers in the order of the operations; None where the service gave none.

    After an error a service leaves out the answers of all that followed.
    """
    responses = document.get("responses")
    if not isinstance(responses, list):
        raise UnreadableAnswer("the answer holds no list named responses")
    answers: list[Inner | None] = [None] * count
    for one in responses:
        place = one.get("id") if isinstance(one, dict) else None
        if not (isinstance(place, str) and place.isascii() and place.isdecimal()):
            raise UnreadableAnswer("an answer in the batch has no id of ours")
        status = one.get("status")
        if int(place) >= count or answers[int(place)] is not None or type(status) is not int:
            raise UnreadableAnswer("an answer in the batch does not belong to one operation")
        body = one.get("body")
        answers[int(place)] = Inner(status, body if isinstance(body, dict) else {})
    return answers


def read_fault(document: Mapping[str, Any]) -> Fault:
    """Return code and message of an error answer; both are empty when it has none."""
    error = document.get("error")
    if not isinstance(error, dict):
        return Fault("", "")
    message = error.get("message", "")
    # OData V3 and some gateways wrap the message once more.
    text = str(message.get("value", "") if isinstance(message, dict) else message)
    found = _CORRELATION.search(text)
    code = str(error.get("code", ""))
    if found is None:
        return Fault(code, text.strip())
    return Fault(code, text[: found.start()].strip(), found[1])


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
