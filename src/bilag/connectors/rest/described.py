"""External fields of a generic REST system, described in the settings, and those the mapping fills.

A generic system says nothing of itself, so whoever connects it may say which fields it has.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bilag.core.target_field import SECTIONS, Section, TargetField, TargetFields

if TYPE_CHECKING:
    from bilag.connectors.rest.settings import RestSettings


class DescribedField(BaseModel):
    """One field that the system knows, so that the field mapping can be checked before it goes."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    name: str = Field(min_length=1, max_length=120, title="Name", description="In the JSON.")
    title: str = Field("", max_length=120, title="Title", description="What people call it.")
    kind: Literal["text", "code", "date", "number"] = Field("text", title="Type")
    max_length: int | None = Field(None, ge=1, le=2000, title="Longest value")
    required: bool = Field(False, title="Required")
    sections: tuple[Section, ...] = Field(
        SECTIONS, min_length=1, title="Where", description="Voucher, lines, counter-posting."
    )


def fields_of(settings: "RestSettings") -> TargetFields:
    """Return what the settings describe; any other name is taken too, but for what must be ours."""
    names = settings.body.names
    return TargetFields(
        tuple(TargetField(**one.model_dump()) for one in settings.body.fields),
        open=True,
        reserved=frozenset({names.reference, names.lines, names.amount}),
    )
