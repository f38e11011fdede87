"""What mapping says of a record that gives no voucher: what is missing, or why it is left out.

Missing holds the export until a person acts; Excluded leaves it out, with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bilag.core.problem import Problem


@dataclass(frozen=True, slots=True)
class Missing:
    """Everything that a record lacks to become a voucher; never empty."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Excluded:
    """Why a record is not posted by this integration."""

    problem: Problem


class Gaps:
    """The gaps of one record, in the order in which they are met."""

    __slots__ = ("found", "record")

    def __init__(self, record: str) -> None:
        self.record = record
        self.found: list[Problem] = []

    def add(self, problem_code: str, field: str, line: int | None = None, **params: str) -> None:
        """List a gap; `line` counts from 1 and is put before the field, as `lines[2].type`.

        A gap of the whole claim is listed once, however many of its lines meet it.
        """
        place = field if line is None else f"lines[{line}].{field}"
        problem = Problem(problem_code, place, line, self.record, params)
        if line is not None or problem not in self.found:
            self.found.append(problem)

    def add_rule(
        self, code: str, name: str, place: str, line: int | None, params: Mapping[str, str]
    ) -> None:
        """List an external field `name` whose rule, at `place`, gave no usable value."""
        self.found.append(Problem(code, place, line, self.record, {"name": name, **params}))
