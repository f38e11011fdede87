"""What a role that does not need personal data sees of payloads, answers and changes (X7).

Keys, amounts, dates and short numbers stay, but not the number of a supplier or an employee; every
other text becomes dots. What cannot be read as JSON is hidden as a whole.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

DOTS = "•••"
# what a system may answer: no JSON, JSON that is nested too deep, halves of characters (TypeError)
_UNREADABLE = (ValueError, RecursionError, TypeError)
# amounts, dates and times, and numbers too short for an account, a telephone or a person
_AMOUNT = re.compile(r"-?[0-9]{1,7}([.,][0-9]{1,4})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?")
# whose number names a person, however short it is: the supplier or employee of a line
_PARTY = re.compile("party|supplier|vendor|creditor|employee|subledger|leverand|ansatt|tilsett",
                    re.IGNORECASE)  # fmt: skip
_PARTY_TYPES = ("Vendor", "Employee", "Customer")
# what people write freely, in the details of changes
_FREE_TEXTS = frozenset({"reason", "note", "text", "message", "name", "check", "evidence",
                         "before", "after", "claimant", "comment"})  # fmt: skip


def masked_payload(text: str) -> str:
    """Return a payload or an answer without its texts, laid out over lines; empty stays empty."""
    if not text:
        return ""
    try:
        return laid_out(_masked(_parsed(text)))
    except _UNREADABLE:
        return DOTS


def masked_detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail of a change without what somebody wrote freely, at any depth."""
    return {
        key: _masked(value) if key in _FREE_TEXTS else _inner(value)
        for key, value in detail.items()
    }


def laid_out(value: Any) -> str:
    """Return a value as JSON over several lines, as people read it."""
    return orjson.dumps(value, default=_as_written, option=orjson.OPT_INDENT_2).decode()


def formatted(text: str) -> str:
    """Return JSON over several lines, and any other text as it is."""
    try:
        return laid_out(_parsed(text))
    except _UNREADABLE:
        return text


def _parsed(text: str) -> Any:
    # numbers stay as they are written: 249.50 is what was sent, not 249.5
    return json.loads(text, parse_float=_Number, parse_int=_Number)


class _Number:
    """A number as it is written."""

    def __init__(self, text: str) -> None:
        self.text = text


def _as_written(value: Any) -> orjson.Fragment:
    if isinstance(value, _Number):
        return orjson.Fragment(value.text)
    raise TypeError(type(value).__name__)


def _inner(value: Any) -> Any:
    if isinstance(value, Mapping):
        return masked_detail(value)
    if isinstance(value, list):
        return [_inner(one) for one in value]
    return value


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        of_party = value.get("accountType") in _PARTY_TYPES
        return {
            key: _hidden(one)
            if _PARTY.search(str(key)) or (of_party and key == "accountNumber")
            else _masked(one)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_masked(one) for one in value]
    if value is None or isinstance(value, bool):
        return value
    text = value.text if isinstance(value, _Number) else str(value)
    return value if _AMOUNT.fullmatch(text) or _DATE.fullmatch(text) else DOTS


def _hidden(value: Any) -> Any:
    """Return a value with dots for each text and number in it, short ones too."""
    if isinstance(value, Mapping):
        return {key: _hidden(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    return value if value is None or isinstance(value, bool) else DOTS
