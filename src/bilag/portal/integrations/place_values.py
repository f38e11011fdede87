"""Values of a connector's settings between JSON and the fields of a form; pure."""

from collections.abc import Mapping
from typing import Any

from bilag.portal.integrations.places import (
    CHOICE,
    LIST,
    NUMBER,
    PAIRS,
    SECTION,
    Place,
    value_at,
)
from bilag.portal.numbers import whole


def shown(place: Place, settings: Mapping[str, Any]) -> Any:
    """Return the value of a place as its field shows it."""
    try:
        value = value_at(settings, place.path)
    except KeyError:
        value = place.default
    if place.kind == SECTION:
        return isinstance(value, Mapping)
    if place.kind == LIST:
        return "\n".join(str(one) for one in value or ())
    if place.kind == PAIRS:
        return "\n".join(f"{name} = {one}" for name, one in (value or {}).items())
    if place.kind == NUMBER and isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else value


def entered_value(place: Place, cleaned: Mapping[str, Any]) -> Any:
    """Return what was entered as JSON has it; what cannot be read goes as text, to be refused."""
    typed = cleaned.get(place.name)
    if place.kind == CHOICE and place.of_numbers:
        number = whole(str(typed))
        return typed if number is None else number
    if place.kind == LIST:
        lines = [line.strip() for line in str(typed or "").splitlines() if line.strip()]
        numbers = [whole(line) if place.of_numbers else None for line in lines]
        return [x if n is None else n for x, n in zip(lines, numbers, strict=True)]
    if place.kind == PAIRS:
        pairs = (line.partition("=") for line in str(typed or "").splitlines() if line.strip())
        return {name.strip(): value.strip() for name, _equals, value in pairs}
    return typed


def is_usual(place: Place, value: Any) -> bool:
    """Return whether a value is what counts when nothing is entered."""
    usual = place.default
    if usual is None:
        usual = {LIST: [], PAIRS: {}}.get(place.kind, "")
    return bool(value == usual)


def kept(stored: Mapping[str, Any], shown: set[tuple[str, ...]]) -> dict[str, Any]:
    """Return what of the stored settings no field shows."""
    found: dict[str, Any] = {}

    def walk(part: Mapping[str, Any], path: tuple[str, ...], into: dict[str, Any]) -> None:
        for name, value in part.items():
            here = (*path, name)
            inside = any(one[: len(here)] == here and one != here for one in shown)
            if isinstance(value, Mapping) and inside:
                below: dict[str, Any] = {}
                walk(value, here, below)
                into.update({name: below} if below else {})
            elif here not in shown:
                into[name] = value

    walk(stored, (), found)
    return found
