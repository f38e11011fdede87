"""Finds in an error text of Xledger what is wrong: field and line, in our words.

An error that is not recognizably about a document's content is no refusal: it stays unknown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bilag.connectors.xledger.answers import Fault
from bilag.connectors.xledger.settings import COST_CENTRE, PROJECT, XledgerSettings

Documents = Mapping[str, Sequence[Mapping[str, Any]]]

# `account.code: No value matching owner 42365431, code '9999'.`, with or without a path before it.
_PATH = re.compile(r"\A(?P<path>[A-Za-z$][\w$]*(?:\[\d{1,6}\]|\.\w+)*)\s*:\s")
_SPOKEN = re.compile(
    r"\b(?:invalid|unknown|missing) (?P<field>.{1,60}?)(?: code)?(?: ?: ?(?P<value>\S{1,100}))?\Z",
    re.IGNORECASE,
)
_VALUE = re.compile(r"\b(?:code|value) '(?P<value>[^']{0,100})'", re.IGNORECASE)
_INDEX = re.compile(r"\[(\d{1,6})\]")
_REFUSING_CODES = ("BAD_REQUEST", "INVALID_VALUE", "BAD_USER_INPUT", "VALIDATION")
SENTENCE_CHARACTERS_MAX = 300

_OURS = {
    "account": "account",
    "taxrule": "vat_code",
    "subledger": "party",
    "posteddate": "posting_date",
    "text": "text",
    "amount": "amount",
    "invoiceamount": "amount",
    "currency": "currency",
    "trregnumber": "voucher_number",
    "extidentifier": "reference",
}
_OURS_OF_SLOTS = {COST_CENTRE: "cost_centre", PROJECT: "project"}
# What messages call things whatever the field is called.
_SPOKEN_NAMES = {
    "costcenter": "cost_centre",
    "costcentre": "cost_centre",
    "ledgeraccount": "account",
    "glaccount": "account",
    "vat": "vat_code",
    "vatcode": "vat_code",
    "tax": "vat_code",
    "taxcode": "vat_code",
    "project": "project",
    "supplier": "party",
    "employee": "party",
    "postingdate": "posting_date",
    "date": "posting_date",
    "period": "posting_date",
    "vouchernumber": "voucher_number",
}


# Enough to point at a field of a voucher that was refused already, not to tell a refusal by.
_WORD = re.compile(
    r"\b(?:account|amount|cost cent(?:er|re)|currency|period|posted date|posting date|project"
    r"|subledger|supplier|tax rule|vat code)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Blame:
    """What an error is about: our field, the line from 1 of each document it can be about.

    `lines` is empty when it says nothing of where; `refusal` is false for what is no complaint
    about content.
    """

    refusal: bool
    field: str
    lines: Mapping[str, int | None]


class Blaming:
    """Reads errors under one integration's dimensions."""

    def __init__(self, settings: XledgerSettings) -> None:
        slots = settings.slots
        self._ours = {
            **_SPOKEN_NAMES,
            **_OURS,
            **{plain(theirs): _OURS_OF_SLOTS.get(ours, ours) for theirs, ours in slots.items()},
        }
        self._theirs = {**{ours: theirs for theirs, ours in _THEIRS}, **_slots(slots)}

    def field_in(self, message: str) -> str:
        """Return the field that a text speaks of, in our words where we know it, or nothing."""
        message = message[:SENTENCE_CHARACTERS_MAX]
        named, _ = self._named(message)
        if not named and (word := _WORD.search(message)):
            named = self._known(word[0])
        return named

    def blame(self, fault: Fault, documents: Documents) -> Blame:
        """Return what an error says about these documents, which went out in this order."""
        message = fault.message[:SENTENCE_CHARACTERS_MAX]
        field, value = self._named(message)
        if not field:
            field = next(filter(None, map(self._known, reversed(fault.path))), "")
        refusal = (
            bool(field)
            or fault.code.upper().startswith(_REFUSING_CODES)
            or "exampleValidInputs" in fault.extensions
        )
        index = next((step for step in fault.path if type(step) is int), None)
        if index is None and (found := _INDEX.search(message)):
            index = int(found[1])
        lines = dict(_at(index, documents)) if index is not None else {}
        if not lines and value:
            lines = self._with_value(field, value, documents)
        return Blame(refusal, field, lines)

    def _known(self, step: object) -> str:
        return self._ours.get(plain(step), "") if isinstance(step, str) else ""

    def _named(self, message: str) -> tuple[str, str]:
        value = _VALUE.search(message)
        if found := _PATH.search(message):
            steps = re.split(r"[.\[\]]+", found["path"])
            if known := next(filter(None, map(self._known, reversed(steps))), ""):
                return known, value["value"] if value else ""
        if found := _SPOKEN.search(message.rstrip(" .")):
            known = self._ours.get(plain(found["field"]), "")
            return known, (found["value"] or "").strip("'\"")
        return "", ""

    def _with_value(self, field: str, value: str, documents: Documents) -> dict[str, int | None]:
        """Return the documents that hold the refused value, with the line where it is but one."""
        theirs = self._theirs.get(field, "")
        found: dict[str, int | None] = {}
        for reference, items in documents.items():
            held = [
                number
                for number, item in enumerate(items, 1)
                if value in _values(item["node"].get(theirs))
            ]
            if held:
                found[reference] = held[0] if len(held) == 1 else None
        return found


_THEIRS = (("account", "account"), ("taxRule", "vat_code"), ("subledger", "party"))


def _slots(slots: Mapping[str, str]) -> dict[str, str]:
    return {_OURS_OF_SLOTS.get(ours, ours): theirs for theirs, ours in slots.items()}


def _at(index: int, documents: Documents) -> Iterator[tuple[str, int | None]]:
    for reference, items in documents.items():
        if 0 <= index < len(items):
            yield reference, index + 1
            return
        index -= len(items)


def _values(value: object) -> tuple[str, ...]:
    return tuple(map(str, value.values())) if isinstance(value, dict) else (str(value),)


def plain(name: str) -> str:
    """Return a name as it is compared: letters and digits only, in lower case."""
    return "".join(c for c in name.casefold() if c.isalnum())
