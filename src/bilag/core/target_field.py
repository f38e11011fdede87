"""An external field: what a connector knows of a field that a mapping may fill (C8).

Where the system documents nothing, nothing is claimed: no length, no required field.
"""

from dataclasses import dataclass, field
from typing import Literal

Section = Literal["header", "line", "counterLine"]
SECTIONS: tuple[Section, ...] = ("header", "line", "counterLine")
Kind = Literal["text", "code", "date", "number"]


@dataclass(frozen=True, slots=True)
class TargetField:
    """One field by the system's own name; `title` is a sentence of the catalogue, or a name.

    `max_length` counts characters; `sections` are the parts of a voucher that may fill it.
    """

    name: str
    title: str = ""
    kind: Kind = "text"
    max_length: int | None = None
    required: bool = False
    sections: tuple[Section, ...] = SECTIONS


@dataclass(frozen=True, slots=True)
class TargetFields:
    """All that may be filled under some settings; `open`: any other name is taken as well.

    `reserved` are names that only the voucher itself fills.
    """

    fields: tuple[TargetField, ...] = ()
    open: bool = True
    reserved: frozenset[str] = field(default=frozenset())

    def of(self, section: Section) -> tuple[TargetField, ...]:
        """Return the fields of one part of a voucher."""
        return tuple(one for one in self.fields if section in one.sections)

    def find(self, section: Section, name: str) -> TargetField | None:
        """Return what is known of a field, or None."""
        return next((one for one in self.of(section) if one.name == name), None)
