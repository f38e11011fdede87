"""The sandbox's schema: `schema.graphql`, the connection queries, and the options' switches.

A schema is built once for each position of the switches.
"""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    FloatValueNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    IntValueNode,
    StringValueNode,
    ValueNode,
    build_schema,
)

from bilag.sandbox.xledger import clock
from bilag.sandbox.xledger.options import Options

SWITCHES = ("filter_ext_identifier", "filter_invoice_number", "remove_items")

# xledger.md §3 [C]: filters are a field and a suffix. Which fields each type can be filtered by
# is known for few (§3, §7); modifiedAt_gte is not listed for transactions and apTransactions.
_IDS = ("dbId: Int64String", "dbId_in: [Int64String!]", "dbId_gt: Int64String")
_OWNED = (*_IDS, "ownerDbId: Int64String")
_CHANGED = (*_OWNED, "modifiedAt_gte: DateTimeString")
_CODED = (*_CHANGED, "code: String", "code_in: [String!]")
_REFERENCE = (
    "extIdentifier: String # if filter_ext_identifier",
    "extIdentifier_in: [String!] # if filter_ext_identifier",
    "invoiceNumber: String # if filter_invoice_number",
    "invoiceNumber_in: [String!] # if filter_invoice_number",
)
_ERROR = (*_OWNED, "transactionDbId: Int64String", "transactionDbId_in: [Int64String!]")
_PAYABLE = (
    *_OWNED,
    *_REFERENCE,
    "subledgerDbId: Int64String",
    "headerTransactionSourceDbId_in: [Int64String!]",
    "invoiceDate_gte: String",
    "invoiceDate_lte: String",
    "invoiceDate_lt: String",
)
QUERIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "glImportItems": ("GLImportItem", (*_CHANGED, *_REFERENCE)),
    "glImportItemErrors": ("GLImportItemError", _ERROR),
    "journalEntries": ("JournalEntry", (*_CHANGED, *_REFERENCE)),
    "journalHeaders": ("JournalHeader", _CHANGED),
    "transactions": ("Transaction", _OWNED),
    "apTransactions": ("APTransaction", _PAYABLE),
    "entities": ("Entity", _CODED),
    "accounts": ("Account", (*_CODED, "chartOfAccountDbId: Int64String")),
    "objectKinds": ("ObjectKind", _CHANGED),
    "objectValues": ("ObjectValue", (*_CODED, "objectKindDbId: Int64String")),
    "projects": ("Project", _CODED),
    "suppliers": ("Supplier", _CODED),
    "subledgers": ("Subledger", _CODED),
    "currencies": ("Currency", _CODED),
    "periodStatusItems": ("PeriodStatusItem", _CHANGED),
}


def schema_for(options: Options) -> GraphQLSchema:
    """Return the schema as the options have it."""
    on = tuple(name for name in SWITCHES if getattr(options, name))
    return _built(on, options.db_ids)


@lru_cache(maxsize=16)
def _built(on: tuple[str, ...], db_ids: str) -> GraphQLSchema:
    written = Path(__file__).with_name("schema.graphql").read_text("utf-8")
    lines = [*written.splitlines(), *_connections()]
    off = [f"# if {name}" for name in SWITCHES if name not in on]
    schema = build_schema("\n".join(line for line in lines if not line.endswith(tuple(off))))
    # xledger.md §3 [C]: Int64String; whether it is written as text or number is UNKNOWN.
    _scalar(schema, "Int64String", _whole_number, str if db_ids == "text" else int)
    _scalar(schema, "MoneyString", _money, str)
    _scalar(schema, "DateTimeString", _date_time, str)
    return schema


def _connections() -> list[str]:
    """SDL of the connection queries; the names of their own types are UNKNOWN (§3, §4 [C])."""
    lines = ["type Query {"]
    for name, (kind, _) in QUERIES.items():
        lines.append(
            f"{name}(first: Int, last: Int, after: String, before: String, filter: {kind}_Filter, "
            f"ownerSet: OwnerSet, objectStatus: ObjectStatus): {kind}Connection"
        )
    lines.append("}")
    for kind, filters in QUERIES.values():
        lines.append(f"type {kind}Connection {{ edges: [{kind}Edge] pageInfo: PageInfo }}")
        lines.append(f"type {kind}Edge {{ cursor: String node: {kind} }}")
        lines += [f"input {kind}_Filter {{", *filters, "}"]
    return lines


def _scalar(
    schema: GraphQLSchema, name: str, read: Callable[[Any], Any], write: Callable[[Any], Any]
) -> None:
    scalar = schema.type_map[name]
    assert isinstance(scalar, GraphQLScalarType)  # noqa: S101
    scalar.coerce_input_value = read
    scalar.coerce_input_literal = lambda node: read(_written(node))
    scalar.coerce_output_value = write


def _written(node: ValueNode) -> object:
    """A literal as it was written; a number stays text, so that no amount becomes a float."""
    if isinstance(node, IntValueNode | FloatValueNode | StringValueNode):
        return node.value
    return None


def _whole_number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.removeprefix("-").isdecimal():
        return int(value)
    raise GraphQLError(f"Int64String cannot represent value: {value!r}")


def _money(value: object) -> Decimal:
    # xledger.md §3: as text [C], as a bare number too [C3].
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        try:
            amount = Decimal(value)
        except InvalidOperation:
            amount = Decimal("NaN")
        if amount.is_finite():
            return amount
    raise GraphQLError(f"MoneyString cannot represent value: {value!r}")


def _date_time(value: object) -> int:
    try:
        return clock.read(value)
    except ValueError as error:
        raise GraphQLError(str(error)) from error
