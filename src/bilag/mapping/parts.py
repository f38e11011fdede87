"""A mapping document in parts, and changes as a sparse document: only what differs.

A part is what a person changes at one time: an expense type, a claimant, an external field. A part
that is taken out is None. Pure: nothing here is read or written.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bilag.core.characters import character_problems
from bilag.mapping.check import code_problems
from bilag.mapping.document import DocumentError, MappingDocument, as_in_records, read_document

Document = dict[str, Any]
Changes = dict[str, Any]
Place = tuple[str, ...]

# The keys of a document that are tables: each of their rows is a part of its own.
TABLES = frozenset(
    {"categories", "defaults", "claimants", "clearingAccounts", "header", "line", "counterLine"}
)
CODE_TABLES = frozenset({"costCentres", "projects", "vatCodes"})


class Difference(NamedTuple):
    """One part that differs, with its value before and after; None where it is not there."""

    place: Place
    before: Any
    after: Any


def canonical(document: Mapping[str, Any] | MappingDocument) -> Document:
    """Return a document without what it need not say, so that equal documents are equal.

    Raises DocumentError naming every place that has a wrong shape.
    """
    if not isinstance(document, MappingDocument):
        document = read_document(document)
    found: Document = document.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return found


def tidied(stored: Mapping[str, Any]) -> Document:
    """Return a stored document as `canonical` does, without reading its large tables row by row.

    They were checked when they were saved (measured: 5 ms instead of 60 for 10,000 types).
    """
    large = {name: stored[name] for name in ("categories", "claimants") if stored.get(name)}
    found = canonical({name: part for name, part in stored.items() if name not in large})
    if "categories" in large:
        found["categories"] = {
            type_: {
                name: code
                for name, code in posting.items()
                if code is not None and (code or name not in _NEVER_EMPTY)
            }
            for type_, posting in large["categories"].items()
        }
    if "claimants" in large:
        found["claimants"] = dict(large["claimants"])
    return found


def checked_changes(changes: Mapping[str, Any]) -> Changes:
    """Return changes with each part in its canonical form; what is taken out stays None.

    A part that comes to the default is taken out. Raises DocumentError naming every place that has
    a wrong shape, or a code that no ledger has.
    """
    if problems := tuple(character_problems(changes)):
        raise DocumentError(problems)
    read = read_document(changed({}, changes))
    if problems := tuple(code_problems(read)):
        raise DocumentError(problems)
    found = canonical(read)
    for place in map(_as_read, places(changes)):
        if part_at(found, place) is None:
            found = combined(found, change_at(place, None))
    return found


def as_stored(document: Mapping[str, Any]) -> Document:
    """Return a document with its fields in the order in which the database keeps them.

    The order of fields is that of the bytes sent, so a preview has to have the same.
    """
    found = dict(document)
    for name in ("header", "line", "counterLine"):
        if isinstance(found.get(name), dict):
            found[name] = dict(sorted(found[name].items(), key=lambda one: _as_in_jsonb(one[0])))
    return found


def _as_in_jsonb(key: str) -> tuple[int, bytes]:
    encoded = key.encode()
    return len(encoded), encoded


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> Document:
    """Return the document with the changes made; neither argument is changed itself."""
    return _changed(document, changes, ())


def combined(first: Mapping[str, Any], second: Mapping[str, Any], at: Place = ()) -> Changes:
    """Return the changes that come to the same as the first and then the second."""
    found: Changes = dict(first)
    for key, value in second.items():
        nested = isinstance(value, dict) and isinstance(found.get(key), dict)
        if nested and _is_table((*at, key)):
            found[key] = combined(found[key], value, (*at, key))
        else:
            found[key] = value
    return found


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    """Return what has to change for the old document to be the new one; both are canonical."""
    found: Changes = {}
    for place, _, after in differences(old, new):
        inner = found
        for step in place[:-1]:
            inner = inner.setdefault(step, {})
        inner[place[-1]] = after
    return found


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return the parts that differ between two canonical documents, in the order of a document."""
    return [
        Difference(place, before, after)
        for place, before, after in _differences(old, new, ())
        if before != after
    ]


def places(changes: Mapping[str, Any], at: Place = ()) -> Iterator[Place]:
    """Yield the place of each part that is changed."""
    for key, value in changes.items():
        place = (*at, key)
        if isinstance(value, dict) and _is_table(place):
            yield from places(value, place)
        else:
            yield place


def part_at(document: Mapping[str, Any], place: Place) -> Any:
    """Return the part at a place, or None where the document does not have it."""
    found: Any = document
    for step in place:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def change_at(place: Place, value: Any) -> Changes:
    """Return the changes that put one part in its place; None takes it out."""
    for step in reversed(place):
        value = {step: value}
    found: Changes = value
    return found


_NEVER_EMPTY = frozenset({"account", "counterAccount"})


def _as_read(place: Place) -> Place:
    by_key = place[0] in ("categories", "claimants") or place[0] in CODE_TABLES
    return (*place[:-1], as_in_records(place[-1])) if by_key and len(place) > 1 else place


def _is_table(place: Place) -> bool:
    if len(place) == 1:
        return place[0] in TABLES or place[0] in CODE_TABLES
    return len(place) == 2 and place[0] in CODE_TABLES and place[1] == "codes"


def _changed(document: Mapping[str, Any], changes: Mapping[str, Any], at: Place) -> Document:
    found = dict(document)
    for key, value in changes.items():
        place = (*at, key)
        if value is None:
            found.pop(key, None)
        elif _is_table(place):
            found[key] = _changed(found.get(key) or {}, value, place)
            if not found[key]:
                del found[key]
        else:
            found[key] = value
    return found


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], at: Place
) -> Iterator[tuple[Place, Any, Any]]:
    for key in dict.fromkeys((*_ordered(old, at), *_ordered(new, at))):
        place, before, after = (*at, key), old.get(key), new.get(key)
        if _is_table(place):
            yield from _differences(before or {}, after or {}, place)
        else:
            yield place, before, after


def _ordered(document: Mapping[str, Any], at: Place) -> Iterator[str]:
    if at:
        yield from document
    else:
        yield from (name for name in _ORDER if name in document)


_ORDER = tuple(str(field.alias) for field in MappingDocument.model_fields.values())
