"""A mapping version: which accounts, parties and fields the records of one integration get.

Stored as JSONB `field_mappings`, camelCase, unknown keys refused; `check.py` checks the contents.
"""

import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from bilag.core.problem import Problem, Refused
from bilag.integrations.configuration import Configuration

TEXT_MAX = 2_000
CODE_MAX = 64
PARTS_MAX = 10
CLAIMANTS_MAX = 200_000
_LISTS = frozenset({"firstNonEmpty", "join"})


def as_in_records(key: str) -> str:
    """Return a key as records keep their texts: trimmed, in Unicode's composed form."""
    return unicodedata.normalize("NFC", key.strip())


Text = Annotated[str, StringConstraints(max_length=TEXT_MAX)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, max_length=CODE_MAX)]
Key = Annotated[str, StringConstraints(max_length=TEXT_MAX), AfterValidator(as_in_records)]
Category = Literal["expense", "mileage", "honorarium", "activity"]


class DocumentError(ValueError):
    """A mapping document cannot be used; `problems` name each place in it and what to do."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.text()}" for p in problems))
        self.problems = problems


class Posting(Configuration):
    """Where a cost is posted; a key left out leaves it to the claim, an empty text means none."""

    account: Code = ""
    vat_code: Code | None = None
    cost_centre: Code | None = None
    project: Code | None = None
    counter_account: Code = ""


class CodeTable(Configuration):
    """The app's codes and what the ledger calls them; an unlisted code passes or is held."""

    codes: dict[Key, Code] = Field({})
    unmapped: Literal["pass", "held"] = "pass"


class NumberFormat(Configuration):
    """How a number is written; `minor_units` writes whole hundredths (12.50 becomes 1250)."""

    decimals: int = Field(2, ge=0, le=10)
    decimal_mark: Literal[".", ","] = "."
    minor_units: bool = False


class Rule(Configuration):
    """One value: a source, then table, date, number, case and truncate, in that order.

    A plain text stands for a template. `required` and `max_length` hold the claim when not met.
    """

    from_: str | None = Field(None, alias="from", max_length=120)
    constant: Text | None = None
    template: str | None = Field(None, max_length=500)
    first_non_empty: tuple["Rule", ...] | None = Field(None, min_length=1, max_length=PARTS_MAX)
    join: tuple["Rule", ...] | None = Field(None, min_length=1, max_length=PARTS_MAX)
    separator: str = Field("", max_length=20)
    table: dict[Key, Text] | None = None
    default: Text | None = None
    date: str | None = Field(None, max_length=20)
    number: NumberFormat | None = None
    case: Literal["upper", "lower"] | None = None
    truncate: int | None = Field(None, ge=1, le=TEXT_MAX)
    required: bool = False
    max_length: int | None = Field(None, ge=1, le=TEXT_MAX)

    @model_validator(mode="before")
    @classmethod
    def _text_is_template(cls, value: object) -> object:
        return {"template": value} if isinstance(value, str) else value

    def sources(self) -> dict[str, object]:
        """Return the sources that are given, by outside name; a sound rule has exactly one."""
        given = {
            "from": self.from_,
            "constant": self.constant,
            "template": self.template,
            "firstNonEmpty": self.first_non_empty,
            "join": self.join,
        }
        return {name: source for name, source in given.items() if source is not None}


Rules = dict[Annotated[str, StringConstraints(min_length=1, max_length=120)], Rule]


class MappingDocument(Configuration):
    """The whole of one mapping version; what it leaves out is held, never guessed."""

    categories: dict[Key, Posting] = Field({})
    defaults: dict[Category, Posting] = Field({})
    counter_account: Code = ""
    claimants: dict[Key, Code] = Field({})
    missing_claimant: Literal["held", "clearing"] = "held"
    clearing_account: Code = ""
    clearing_accounts: dict[Category, Code] = Field({})
    cost_centres: CodeTable = CodeTable()
    projects: CodeTable = CodeTable()
    vat_codes: CodeTable = CodeTable()
    voucher_text: Rule = Rule(template="{sourceId} {text}")
    line_text: Rule = Rule(first_non_empty=(Rule(from_="line.text"), Rule(from_="text")))
    lines: Literal["each", "grouped"] = "each"
    header: Rules = Field({})
    line: Rules = Field({})
    counter_line: Rules = Field({})


def read_document(value: object) -> MappingDocument:
    """Return the document held by a JSON value.

    Raises DocumentError naming every place that has a wrong shape; the contents are not checked.
    """
    try:
        return MappingDocument.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        if any(fault["type"] == "recursion_depth_exceeded" for fault in faults):
            place = ".".join(map(str, faults[0]["loc"][:2]))
            raise DocumentError((Problem("mapping_too_deep", place),)) from None
        problems = tuple(problem for fault in faults for problem in _shape_problems(fault))
        raise DocumentError(problems) from None


def _shape_problems(fault: ErrorDetails) -> Iterator[Problem]:
    place, before = "", ""
    for part in fault["loc"]:
        if isinstance(part, int) and before in _LISTS:
            place += f"[{part + 1}]"
        elif part != "[key]":
            place += f".{part}"
        before = str(part)
    place = place.lstrip(".")
    context: dict[str, Any] = fault.get("ctx", {})
    if isinstance(refused := context.get("error"), Refused):
        yield from (problem.inside(place) for problem in refused.problems)
        return
    code, params = "mapping_shape", {}
    match fault["type"]:
        case "extra_forbidden":
            code = "mapping_unknown_key"
        case "string_type":
            code = "mapping_not_text"
        case "literal_error":
            code, params = (
                "mapping_choice",
                {"choices": str(context["expected"]).replace(" or ", ", ")},
            )
        case "string_too_long" | "too_long":
            code, params = "mapping_too_long", {"maximum": str(context["max_length"])}
    yield Problem(code, place, params=params)
