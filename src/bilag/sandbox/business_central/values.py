"""Reads a JSON body by the schema: codes upper-cased, lengths checked, amounts exact.

Writes rows back as JSON, where a decimal is a number with no digit lost.
"""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from bilag.sandbox.business_central.refusals import bad_request, too_long
from bilag.sandbox.business_central.schema import ENUMS, NO_GUID, Entity, Field, decoded

Row = dict[str, Any]

_EDM = {
    "guid": "Edm.Guid",
    "int": "Edm.Int32",
    "decimal": "Edm.Decimal",
    "date": "Edm.Date",
    "moment": "Edm.DateTimeOffset",
    "bool": "Edm.Boolean",
    "code": "Edm.String",
    "text": "Edm.String",
    "enum": "Edm.String",
}
_EMPTY: dict[str, Any] = {"guid": NO_GUID, "int": 0, "decimal": Decimal(0), "bool": False}


def edm_type(field: Field) -> str:
    """Return the OData type of a field."""
    return _EDM[field.kind]


def empty_row(entity: Entity) -> Row:
    """Return a row with every field empty."""
    row: Row = {"@odata.etag": ""}
    for field in entity.fields.values():
        blank = ENUMS[field.members][0] if field.kind == "enum" else ""
        row[field.name] = _EMPTY.get(field.kind, blank)
    return row


def parse(body: bytes) -> Any:
    """Return a JSON document; raises Refused for what is none."""
    try:
        return json.loads(body, parse_float=Decimal)
    except ValueError:
        raise bad_request("Invalid JSON. An unexpected token was encountered.") from None


def read(entity: Entity, body: object, strings_are_decimals: bool) -> tuple[Row, dict[str, Any]]:
    """Return what a client may write, and its navigations; the rest is ignored as `id` is (§0.4).

    Raises Refused for a property that does not exist, and for a value of another type or length.
    """
    if not isinstance(body, Mapping):
        raise bad_request("The request body is not a JSON object.")
    values: Row = {}
    nested: dict[str, Any] = {}
    for name, given in body.items():
        if name in entity.navigations:
            nested[name] = given
        elif field := entity.fields.get(name):
            if field.written:
                values[name] = _read(field, given, strings_are_decimals)
        elif "@" not in name:
            raise bad_request(
                f"The property '{name}' does not exist on type 'Microsoft.NAV.{entity.type}'. "
                "Make sure to only use property names that are defined by the type."
            )
    return values, nested


def _read(field: Field, given: Any, strings_are_decimals: bool) -> Any:
    if given is None:
        return _EMPTY.get(field.kind, "")
    if field.kind == "decimal":
        return _decimal(given, strings_are_decimals)
    if field.kind in ("int", "bool"):
        if type(given) is not (int if field.kind == "int" else bool):
            raise _unfit(field, given)
        return given
    if not isinstance(given, str):
        raise _unfit(field, given)
    match field.kind:
        case "code":
            # dynamics.md §1.4: Code values are trimmed and upper-cased.
            return _short_enough(given.strip().upper(), field.length)
        case "enum":
            member = decoded(given)
            if member not in ENUMS[field.members]:
                raise _unfit(field, given)
            return member
        case "text":
            return _short_enough(given, field.length)
        case _:
            return _formed(field, given)


def _formed(field: Field, given: str) -> str:
    try:
        if field.kind == "guid":
            return str(UUID(given))
        if len(given) == 10:
            return date.fromisoformat(given).isoformat()
    except ValueError:
        pass
    raise _unfit(field, given)


def _decimal(given: Any, strings_are_decimals: bool) -> Decimal:
    # OData 4.01, JSON format: a decimal is a number unless IEEE754Compatible=true was asked for.
    if isinstance(given, str) and strings_are_decimals:
        try:
            given = Decimal(given)
        except ArithmeticError:
            given = None
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        raise bad_request(f"Cannot convert the literal '{given}' to the expected type Edm.Decimal.")
    amount = Decimal(given)
    if not amount.is_finite():
        raise bad_request(f"Cannot convert the literal '{given}' to the expected type Edm.Decimal.")
    return amount


def _short_enough(value: str, length: int) -> str:
    if length and len(value) > length:
        raise too_long(value, length)
    return value


def _unfit(field: Field, given: object) -> Exception:
    return bad_request(
        f"Cannot convert the literal '{given}' of property '{field.name}' "
        f"to the expected type {edm_type(field)}."
    )


def plain(amount: Decimal) -> str:
    """Return an amount with no exponent and no idle zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def written(document: object) -> bytes:
    """Return a document as JSON bytes; decimals become numbers."""
    return orjson.dumps(document, default=_default)


def _default(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(plain(value))
    raise TypeError(type(value).__name__)
