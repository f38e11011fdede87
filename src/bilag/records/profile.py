"""The profile of a foreign file: which column fills which of our fields, and how it is written.

One YAML file, read with every scalar as text; docs/records.md describes each key.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from bilag.core.problem import Problem, Refused
from bilag.records import fields
from bilag.records.cells import DateReader, amount_reader, date_pattern
from bilag.records.fields import FieldError
from bilag.records.validate import FIELDS

Kind = Literal["text", "amount", "date", "moment", "count", "flag"]

_KINDS: Final[Mapping[Any, Kind]] = {
    fields.read_amount: "amount",
    fields.read_hours: "amount",
    fields.read_rate: "amount",
    fields.read_date: "date",
    fields.read_moment: "moment",
    fields.read_count: "count",
    fields.read_revision: "count",
    fields.read_flag: "flag",
}
_NOT_CELLS = ("sourceSystem", "claimant", "lines", "receipts", "declaration", "extra")
# What a profile may fill: our field -> how its cells are read. `extra.NAME` may be any name.
FIELD_KINDS: Final[Mapping[str, Kind]] = {
    f"{part}.{name}" if part else name: _KINDS.get(reader, "text")
    for part, table in FIELDS.items()
    for name, (_, reader) in table.items()
    if part or name not in _NOT_CELLS
}
_NEEDED = ("sourceId", "category", "currency", "approvedBy", "approvedAt")
_LINE_NEEDED = ("line.date", "line.type", "line.amount")
TEMPLATE_COLUMN = re.compile(r"\{([^{}]+)\}")
_PROFILE_BYTES_MAX = 256 * 1024


def _fault(code: str, **params: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{code}", {"code": code, **params})


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class Source(_Part):
    """Where the value of one field comes from: a column, a constant, a template or a rule.

    A plain text in the YAML file is the name of a column.
    """

    column: str | None = None
    constant: str | None = None
    template: str | None = None
    rule: Literal["lastCostDate", "fileDate"] | None = None
    table: dict[str, str] | None = None
    default: str | None = None
    rows: Literal["same", "first", "join"] = "same"
    separator: str = "; "

    @model_validator(mode="before")
    @classmethod
    def _column_by_name(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [self.column, self.constant, self.template, self.rule]
        if sum(each is not None for each in given) != 1:
            raise _fault("profile_one_origin")
        if self.table is not None and self.column is None:
            raise _fault("profile_table_without_column")
        if self.template is not None and not self.columns:
            raise _fault("profile_template")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that the value is made from."""
        if self.column is not None:
            return (self.column,)
        return tuple(TEMPLATE_COLUMN.findall(self.template or ""))


class Amounts(_Part):
    """How amounts are written: decimal sign, what groups thousands, currency signs around them."""

    decimal: Literal[".", ","] = "."
    thousands: str = Field("", max_length=8)
    signs: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if self.decimal in self.thousands or any(c.isalnum() or c in "-()" for c in self.thousands):
            raise _fault("profile_thousands")
        return self


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise _fault("profile_time_zone", value=fields.shown(name)) from error
    return name


def _known_pattern(pattern: str) -> str:
    if pattern != "epoch":
        try:
            date_pattern(pattern)
        except ValueError as error:
            raise _fault("profile_date_pattern", value=fields.shown(pattern)) from error
    return pattern


class Profile(_Part):
    """A checked profile; `FIELD_KINDS` lists what `fields` may name besides `extra.NAME`."""

    name: str = Field(min_length=1, max_length=120)
    source_system: str = Field(min_length=1, max_length=fields.CODE_MAX)
    format: Literal["csv", "ndjson", "xlsx"] = "csv"
    sheet: str = Field("", max_length=120)
    header_row: int = Field(1, ge=1, le=1_000)
    encoding: Literal["utf-8", "utf-8-sig", "cp1252"] = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', min_length=1, max_length=1)
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "Europe/Oslo"
    dates: tuple[Annotated[str, AfterValidator(_known_pattern)], ...] = ()
    amounts: Amounts = Amounts()
    group_by: tuple[str, ...] = ()
    fields: dict[str, Source]

    @field_validator("fields", mode="after")
    @classmethod
    def _known_fields(cls, value: dict[str, Source]) -> dict[str, Source]:
        for name, source in value.items():
            if name not in FIELD_KINDS and not name.startswith("extra."):
                raise _fault("profile_field_unknown", name=fields.shown(name))
            if source.rule and name != "approvedAt":
                raise _fault("profile_rule", name=name)
            if source.rows != "same" and is_line_field(name):
                raise _fault("profile_rows_of_line", name=name)
            if source.rows == "join" and field_kind(name) != "text":
                raise _fault("profile_join", name=name)
        needed = (*_NEEDED, *(_LINE_NEEDED if any(n.startswith("line.") for n in value) else ()))
        for name in needed:
            if name not in value:
                raise _fault("profile_field_missing", name=name)
        return value

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column that the profile reads, each once."""
        used = [name for source in self.fields.values() for name in source.columns]
        return tuple(dict.fromkeys((*self.group_by, *used)))

    @model_validator(mode="after")
    def _constants_can_be_read(self) -> Self:
        readers = CellReaders(self)
        for name, source in self.fields.items():
            for text in (source.constant, source.default, *(source.table or {}).values()):
                if text:
                    try:
                        readers.read(field_kind(name), text)
                    except FieldError as fault:
                        params = {"name": name, "value": fields.shown(text)}
                        raise _fault("profile_constant", **params) from fault
        return self


class CellReaders:
    """The readers that one profile's way of writing dates and amounts asks for."""

    def __init__(self, profile: Profile) -> None:
        written = profile.amounts
        self.dates = DateReader(profile.dates, ZoneInfo(profile.time_zone))
        self.amount = amount_reader(written.decimal, written.thousands, written.signs)

    def read(self, kind: Kind, cell: str) -> str | int | bool:
        """Return the JSON value of a cell that is not empty; raises FieldError."""
        match kind:
            case "amount":
                return self.amount(cell)
            case "date":
                return self.dates.day(cell)
            case "moment":
                return self.dates.moment(cell)
            case "count" if cell.isascii() and cell.isdigit() and len(cell) <= 10:
                return int(cell)
            case "flag" if cell in ("true", "false"):
                return cell == "true"
        return cell


def field_kind(name: str) -> Kind:
    """Return how the cells of one of our fields are read; `extra.NAME` is text."""
    return FIELD_KINDS.get(name, "text")


def is_line_field(name: str) -> bool:
    """Return whether a field belongs to a row of the claim, not to the claim as a whole."""
    return name.startswith(("line.", "receipt."))


def load_profile(path: Path) -> Profile:
    """Read and check a profile file; raises Refused or OSError."""
    with path.open("rb") as file:
        content = file.read(_PROFILE_BYTES_MAX + 1)
    if len(content) > _PROFILE_BYTES_MAX:
        raise Refused(Problem("profile_too_large", params={"maximum": str(_PROFILE_BYTES_MAX)}))
    return parse_profile(content.decode("utf-8", "replace"))


def profile_of_head(head: str, source_system: str) -> Profile:
    """Return the profile of a CSV file whose columns carry the names of our own fields.

    `head` is the file's first line. Raises Refused for a column that is no field of ours.
    """
    delimiter = ";" if head.count(";") > head.count(",") else ","
    names = [name.strip(' \r\n"') for name in head.split(delimiter)]
    return profile_of_columns(names, source_system, delimiter)


def profile_of_columns(names: Sequence[str], source_system: str, delimiter: str = ",") -> Profile:
    """Return the profile of a file of rows whose columns carry the names of our own fields.

    Rows with the same `sourceId` are one record; dates are ISO 8601 and amounts have a decimal
    point. Raises Refused for a column that is no field of ours.
    """
    fields_given = [name for name in names if name and not name.startswith("bilag_")]
    return _checked(
        {
            "name": "own names",
            "sourceSystem": source_system or "file",
            "delimiter": delimiter,
            "groupBy": ["sourceId"],
            "fields": {name: name for name in fields_given},
        }
    )


def parse_profile(text: str) -> Profile:
    """Check the YAML text of a profile; raises Refused naming each place that is wrong."""
    try:
        # It makes nothing but texts, lists and mappings: `NO` stays a text, 1.50 an exact one.
        value = yaml.load(text, Loader=_TextLoader)  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = {"row": str(mark.line + 1) if mark else "?"}
        reason = fields.shown(getattr(error, "problem", None) or "")
        problem = Problem("profile_yaml", "", params={**where, "reason": reason})
        raise Refused(problem) from error
    if not isinstance(value, dict):
        raise Refused(Problem("profile_not_mapping"))
    return _checked(value)


def _checked(value: dict[str, Any]) -> Profile:
    try:
        return Profile.model_validate(value)
    except ValidationError as error:
        raise Refused(*(_as_problem(dict(each)) for each in error.errors())) from error


def _as_problem(error: dict[str, Any]) -> Problem:
    path = ".".join(str(part) for part in error["loc"])
    context = {k: str(v) for k, v in error.get("ctx", {}).items() if k not in ("code", "error")}
    kind = str(error["type"])
    if kind.startswith("profile_"):
        return Problem(kind, path, params=context)
    if kind == "missing":
        return Problem("profile_key_missing", path)
    if kind == "extra_forbidden":
        return Problem("profile_key_unknown", path)
    if kind == "literal_error":
        return Problem("profile_not_allowed", path, params={"allowed": context["expected"]})
    if kind == "tuple_type":
        return Problem("profile_list", path)
    return Problem("profile_value", path, params={"reason": str(error["msg"])})


class _TextLoader(yaml.BaseLoader):
    """BaseLoader that refuses a key given twice: the second would silently replace the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key} stands twice",
                    problem_mark=node.value[index][0].start_mark,
                )
        return super().construct_mapping(node, deep=True)
