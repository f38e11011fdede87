"""What is wrong with a record, told so that a person can mend it.

A problem names record, line and field; its text comes from the catalogue in three languages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as field_of
from typing import Any

from bilag.core.texts import say


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: `code` is a key of the catalogue, `params` fill its text, `line` counts from 1.

    `field` is the path in our own names (`lines[2].amount`, `claimant.id`); `record` a source id.
    """

    code: str
    field: str = ""
    line: int | None = None
    record: str = ""
    params: Mapping[str, str] = field_of(default_factory=dict)

    def text(self, language: str = "en") -> str:
        """Return the sentence in `nb`, `nn` or `en`; an unknown language gives English."""
        return say(self.code, language, **self.params)

    def inside(self, place: str) -> "Problem":
        """Return the problem with its field below a place: `mapping` and `header` to one path."""
        return replace(self, field=f"{place}.{self.field}".strip("."))

    def as_json(self, language: str = "en") -> dict[str, Any]:
        """Return the problem as camelCase JSON fields, the sentence included."""
        found: dict[str, Any] = {"code": self.code, "message": self.text(language)}
        if self.record:
            found["record"] = self.record
        if self.line is not None:
            found["line"] = self.line
        if self.field:
            found["field"] = self.field
        if self.params:
            found["params"] = dict(self.params)
        return found

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Problem":
        """Rebuild a stored problem; the stored sentence is dropped, the catalogue's is used."""
        return cls(
            code=str(value["code"]),
            field=str(value.get("field", "")),
            line=value.get("line"),
            record=str(value.get("record", "")),
            params={str(k): str(v) for k, v in (value.get("params") or {}).items()},
        )


class Refused(ValueError):
    """What was asked cannot be done; `problems` say why and what to do, all of them at once."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(self.text())

    def text(self, language: str = "en") -> str:
        """Return all problems in one line, each with its place."""
        return "; ".join(
            f"{p.field}: {p.text(language)}" if p.field else p.text(language) for p in self.problems
        )


def problems_of(reason: Mapping[str, Any] | None) -> list[Problem]:
    """Return the problems of a stored reason: one, or the list of a record with several."""
    if not reason:
        return []
    if reason.get("code") == "several":
        return [Problem.from_json(problem) for problem in reason.get("problems", ())]
    return [Problem.from_json(reason)]
