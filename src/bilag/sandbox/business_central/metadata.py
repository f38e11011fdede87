"""`$metadata`: the sandbox's schema as an OData 4.0 EDMX document.

Enumerations are declared as strings, because their members are not identifiers.
"""

from functools import cache
from xml.sax.saxutils import quoteattr

from bilag.sandbox.business_central.schema import ENTITIES, Entity
from bilag.sandbox.business_central.values import edm_type

NAMESPACE = "Microsoft.NAV"
_POSTED = ("journals", "purchaseInvoices")
_PARTNERS = ("journalBatchSetups",)


@cache
def metadata_xml() -> str:
    """Return the document; the same text every time."""
    entities = [entity for name, entity in ENTITIES.items() if name not in _PARTNERS]
    types = "".join(_type(entity) for entity in entities)
    sets = "".join(
        f'<EntitySet Name="{one.set}" EntityType="{NAMESPACE}.{one.type}">\n{_bindings(one)}'
        "</EntitySet>\n"
        for one in entities
    )
    actions = "".join(
        f'<Action Name="post" IsBound="true">\n'
        f'<Parameter Name="bindingParameter" Type="{NAMESPACE}.{ENTITIES[name].type}"/>\n'
        "</Action>\n"
        for name in _POSTED
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">\n'
        "<edmx:DataServices>\n"
        f'<Schema Namespace="{NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">\n'
        f'{types}{actions}<EntityContainer Name="NAV">\n{sets}</EntityContainer>\n'
        "</Schema>\n</edmx:DataServices>\n</edmx:Edmx>\n"
    )


def _type(entity: Entity) -> str:
    lines = [f'<EntityType Name="{entity.type}">', '<Key><PropertyRef Name="id"/></Key>']
    for field in entity.fields.values():
        attributes = f"Name={quoteattr(field.name)} Type={quoteattr(edm_type(field))}"
        if field.length:
            attributes += f' MaxLength="{field.length}"'
        if field.kind == "decimal":
            attributes += ' Scale="variable"'
        nullable = "" if field.name != "id" else ' Nullable="false"'
        lines.append(f"<Property {attributes}{nullable}/>")
    lines.extend(
        f'<NavigationProperty Name="{name}" Type="Collection({NAMESPACE}.{ENTITIES[name].type})"/>'
        for name in _navigations(entity)
    )
    return "\n".join([*lines, "</EntityType>\n"])


def _navigations(entity: Entity) -> tuple[str, ...]:
    if entity.set == "companies":
        return tuple(name for name in ENTITIES if name not in ("companies", *_PARTNERS))
    return entity.navigations


def _bindings(entity: Entity) -> str:
    return "".join(
        f'<NavigationPropertyBinding Path="{name}" Target="{name}"/>\n'
        for name in _navigations(entity)
    )
