"""Compares the settings with the schema the tenant shows by introspection; writes nothing.

What a tenant lacks and the settings use is a contradiction; what it shows beyond is reported.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bilag.connectors.xledger.settings import XledgerSettings
from bilag.connectors.xledger.wire import Wire

_FIELDS = "fields { name }"
_INPUTS = "inputFields { name type { name ofType { name ofType { name } } } }"
# The type names follow Xledger's pattern; a type that is not there says nothing.
_QUERY = (
    "{"
    f' input: __type(name: "AddGLImportItemsInput") {{ {_INPUTS} }}'
    f' itemFilter: __type(name: "GLImportItem_Filter") {{ {_INPUTS} }}'
    f' entryFilter: __type(name: "JournalEntry_Filter") {{ {_INPUTS} }}'
    f' item: __type(name: "GLImportItem") {{ {_FIELDS} }}'
    f' entry: __type(name: "JournalEntry") {{ {_FIELDS} }}'
    f' error: __type(name: "GLImportItemError") {{ {_FIELDS} }}'
    f" schema: __schema {{ mutationType {{ {_FIELDS} }} }}"
    "}"
)

CONFIRMED, CONTRADICTED, OFFERED, UNKNOWN = "confirmed", "contradicted", "offered", "unknown"


async def probe(wire: Wire, timeout_seconds: float) -> dict[str, str]:
    """Return what the tenant's schema says of each setting; raises ReadFailed.

    Values are confirmed, contradicted, offered (there, not used) and unknown, some with names.
    """
    data, _ = await wire.read(_QUERY, timeout_seconds, repeat=False)
    known = {name: _names(data.get(name)) for name in
             ("input", "itemFilter", "entryFilter", "item", "entry", "error")}  # fmt: skip
    schema = data.get("schema")
    mutations = _names(schema.get("mutationType") if isinstance(schema, Mapping) else None)
    node_type = _node_type(data.get("input"))
    written: frozenset[str] = frozenset()
    if node_type:
        query = f'{{ node: __type(name: "{node_type}") {{ {_INPUTS} }} }}'
        found, _ = await wire.read(query, timeout_seconds, repeat=False)
        written = _names(found.get("node"))
    return dict(_compared(wire.settings, known, mutations, written))


def contradictions(details: Mapping[str, str]) -> list[str]:
    """Return the names of what the tenant contradicts, with the fields that are missing."""
    return [
        f"{name} ({said.removeprefix(f'{CONTRADICTED}: ')})" if ": " in said else name
        for name, said in details.items()
        if said.startswith(CONTRADICTED)
    ]


def _compared(
    settings: XledgerSettings,
    known: Mapping[str, frozenset[str]],
    mutations: frozenset[str],
    written: frozenset[str],
) -> Iterator[tuple[str, str]]:
    rules = settings.look_up
    yield "vouchers", _all_there(_fields_written(settings), written)
    yield (
        "batches.clientId",
        _used(
            settings.batches.documents_per_call > 1, "clientId" in known["input"], known["input"]
        ),
    )
    for name, how, filters in (
        ("lookUp.stagedSearch", rules.staged_search, known["itemFilter"]),
        ("lookUp.postedSearch", rules.posted_search, known["entryFilter"]),
    ):
        needed = {"window": "modifiedAt_gte"}.get(how, how)
        yield name, _used(True, needed in filters, filters)
        for better in ("extIdentifier_in", "extIdentifier"):
            if better in filters and how == "window":
                yield f"{name}={better}", OFFERED
    if rules.posted_in == "journalEntries":
        needs = {"extIdentifier", "amount"} | ({"account"} if rules.entry_lines else set())
        yield "lookUp.postedIn", _all_there(needs, known["entry"])
    if rules.error_link != "none":
        yield "lookUp.errorLink", _all_there({rules.error_link}, known["error"])
    yield (
        "lookUp.removeItems",
        _used(rules.remove_items, "removeGLImportItems" in mutations, mutations),
    )


def _fields_written(settings: XledgerSettings) -> set[str]:
    rules = settings.vouchers
    level = rules.job_level
    wanted = {
        "extIdentifier": True,
        "postedDate": True,
        "account": True,
        "text": True,
        "amount": rules.amount_fields != "invoiceAmount",
        "invoiceAmount": rules.amount_fields != "amount",
        "transactionSource": bool(rules.transaction_source),
        "jobLevel": level.db_id is not None or level.db_sub_id is not None,
        "importDefinition": rules.import_definition != type(rules.import_definition)(),
        "owner": rules.owner != type(rules.owner)(),
        "trRegNumber": rules.tr_reg_number != "none",
        "invoiceNumber": rules.invoice_number != "none",
        "invoiceDate": rules.invoice_date != "none",
        "currency": rules.currency,
        "taxRule": rules.vat == "taxRule",
    }
    return {name for name, used in wanted.items() if used} | set(settings.slots)


def _all_there(needed: set[str], names: frozenset[str]) -> str:
    if not names:
        return UNKNOWN
    missing = sorted(needed - names)
    return f"{CONTRADICTED}: {', '.join(missing)}" if missing else CONFIRMED


def _used(used: bool, there: bool, names: frozenset[str]) -> str:
    if not names:
        return UNKNOWN
    if used:
        return CONFIRMED if there else CONTRADICTED
    return OFFERED if there else CONFIRMED


def _names(found: object) -> frozenset[str]:
    if not isinstance(found, Mapping):
        return frozenset()
    listed = found.get("fields") or found.get("inputFields") or ()
    return frozenset(
        str(one.get("name")) for one in listed if isinstance(one, Mapping) and one.get("name")
    )


def _node_type(found: object) -> str:
    """Return the type of the field `node` of an input, behind its "not null"."""
    listed: Any = found.get("inputFields") if isinstance(found, Mapping) else None
    for one in listed or ():
        if isinstance(one, Mapping) and one.get("name") == "node":
            kind = one.get("type")
            while isinstance(kind, Mapping):
                if name := str(kind.get("name") or ""):
                    return name if name.isidentifier() else ""
                kind = kind.get("ofType")
    return ""
