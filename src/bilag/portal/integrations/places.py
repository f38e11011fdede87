"""The settings of a connector as a flat list of places, read off their JSON Schema.

Pure: no form, no request. A place is one value that somebody can enter, at its path of names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

# What a value is entered as.
TEXT, NUMBER, CHOICE, SWITCH, LIST, PAIRS, SECTION = (
    "text", "number", "choice", "switch", "list", "pairs", "section",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One value: its path (`auth.kind`), how it is entered, and what the schema says of it.

    `secrets` says that it is the choice of the login, `logins` with which choices it is needed.
    `section` are the titles of the groups it stands in. A SECTION is a group that may be left out:
    it is entered as a switch, and `within` is its path for the places inside.
    """

    path: tuple[str, ...]
    kind: str
    title: str
    description: str
    default: Any
    section: tuple[str, ...]
    first: bool
    required: bool
    is_whole: bool = False
    of_numbers: bool = False
    choices: Mapping[str, str] | None = None
    secrets: Mapping[str, str] | None = None
    logins: tuple[str, ...] = ()
    within: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of its field in a form."""
        return ".".join(self.path)


def places(schema: Schema) -> list[Place]:
    """Return every place of a schema in its order; raises ValueError for what cannot be entered.

    Lists of objects are no places: they come in by a file or the API, and a form leaves them be.
    """
    return list(_inside(schema, schema.get("$defs", {}), (), (), ()))


def value_at(settings: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return the value at a path of settings; raises KeyError where there is none."""
    found: Any = settings
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            raise KeyError(name)
        found = found[name]
    return found


def _inside(
    schema: Schema,
    defs: Schema,
    path: tuple[str, ...],
    section: tuple[str, ...],
    within: tuple[str, ...],
) -> Iterator[Place]:
    required = schema.get("required", ())
    for name, given in schema["properties"].items():
        here, part = (*path, name), _resolved(given, defs)
        title = str(part.get("title", name))
        if "properties" in part:
            if _may_be_none(given):
                yield Place(
                    here, SECTION, title, "", False, section, False, False, within=within
                )  # fmt: skip
                yield from _inside(part, defs, here, (*section, title), here)
            else:
                yield from _inside(part, defs, here, (*section, title), within)
            continue
        if _resolved(part.get("items", {}), defs).get("type") == "object":
            continue
        yield Place(
            path=here,
            kind=_kind(part, ".".join(here)),
            title=title,
            description=str(part.get("description", "")),
            default=part.get("default"),
            section=section,
            first=bool(part.get("x-first")),
            required=name in required,
            is_whole=part.get("type") == "integer",
            of_numbers="integer" in (part.get("type"), part.get("items", {}).get("type")),
            choices=_choices(part),
            secrets=part.get("x-secrets"),
            logins=tuple(part.get("x-logins", ())),
            within=within,
        )


def _resolved(part: Schema, defs: Schema) -> Schema:
    """Return a part with what it refers to put in, its own words before those of the reference."""
    own = {name: value for name, value in part.items() if name not in ("$ref", "anyOf")}
    if "$ref" in part:
        return {**defs[part["$ref"].rpartition("/")[2]], **own}
    if "anyOf" in part:
        # of a value that may be left out, or be empty, the other kind says how it is entered
        options = [o for o in part["anyOf"] if o.get("type") != "null" and o.get("const") != ""]
        return {**_resolved(options[0], defs), **own} if options else own
    return own


def _may_be_none(part: Schema) -> bool:
    return any(option.get("type") == "null" for option in part.get("anyOf", ()))


def _kind(part: Schema, name: str) -> str:
    if "enum" in part:
        return CHOICE
    kinds = {"boolean": SWITCH, "integer": NUMBER, "number": NUMBER, "string": TEXT, "array": LIST}
    if part.get("type") == "object" and "additionalProperties" in part:
        return PAIRS
    if part.get("type") not in kinds:
        raise ValueError(f"the setting {name} has no field that it could be entered in")
    return kinds[part["type"]]


def _choices(part: Schema) -> Mapping[str, str] | None:
    if "enum" not in part:
        return None
    labels = part.get("x-labels", {})
    return {str(value): str(labels.get(value, value)) for value in part["enum"]}
