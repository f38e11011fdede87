"""The kinds of value that requests hold, and what is said when a value is none of its kind.

Every limit here is in the OpenAPI document, so that a client can check before it sends.
"""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from bilag.core.faults import fault_problem
from bilag.core.problem import Problem, Refused
from bilag.records.fields import ID_MAX, TEXT_MAX
from bilag.records.identity import has_identity_number

BIGINT_MAX = 2**63 - 1
IDS_MAX = 10_000

PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]+$"
PRINTABLE_WITH_BREAKS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"


class Answer(BaseModel):
    """Base of everything the API says: camelCase, fields without a value left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Request(BaseModel):
    """Base of everything the API is told: camelCase, unknown names are errors."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False, extra="forbid")


def _same_spelling(text: str) -> str:
    # Stored ids are composed and stripped; an id asked for must find them in any spelling.
    return unicodedata.normalize("NFC", text.strip())


def refuse_identity_number(text: str) -> str:
    """Return the text; a national identity number is refused wherever people write (I9)."""
    if has_identity_number(text):
        raise PydanticCustomError("identity_number", "holds a national identity number")
    return text


def _in_utc(moment: Any) -> Any:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


Moment = Annotated[datetime, BeforeValidator(_in_utc)]
SourceId = Annotated[
    str,
    Field(min_length=1, max_length=ID_MAX, pattern=PRINTABLE, examples=["C000017"]),
    AfterValidator(_same_spelling),
]
TargetSystem = Annotated[
    str, Field(min_length=1, max_length=ID_MAX, pattern=PRINTABLE, examples=["ledger"])
]
# true or false and nothing that only resembles them: 0, "no" and "off" are refused.
Flag = Annotated[bool, Strict()]
ExportId = Annotated[int, Field(ge=1, le=BIGINT_MAX, examples=[17])]
Text = Annotated[str, Field(max_length=TEXT_MAX, pattern=PRINTABLE_WITH_BREAKS)]
Reason = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=TEXT_MAX, pattern=PRINTABLE_WITH_BREAKS
    ),
    AfterValidator(refuse_identity_number),
]
# What keeps claims from being sent, as bilag.exports.causes names it.
CauseKey = Annotated[str, Field(pattern=r"^(none|[0-9a-f]{16})$", examples=["none"])]
Amount = Annotated[str, Field(examples=["1249.5"])]


def value_problem(fault: Mapping[str, Any]) -> Problem:
    """Return a problem for one of pydantic's faults, with its field as a path: `expenseIds[3]`."""
    refused = fault.get("ctx", {}).get("error")
    if isinstance(refused, Refused):
        return refused.problems[0].inside(_path(fault["loc"]))
    return fault_problem(fault, _path(fault["loc"])) or Problem(
        "value_not_usable", _path(fault["loc"])
    )


def _path(places: tuple[str | int, ...]) -> str:
    # The first place is body, query or path; of a body the second is our parameter's name.
    path = ""
    for place in places[2 if places[0] == "body" else 1 :]:
        path += f"[{place + 1}]" if isinstance(place, int) else f".{place}" if path else place
    return path
