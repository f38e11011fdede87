"""External fields and texts of a voucher: compiled from their rules, filled for one record.

A field that is empty is left out; a field that cannot be filled is a gap of the record.
"""

from dataclasses import replace
from typing import NamedTuple

from bilag.mapping.document import DocumentError, Rule
from bilag.mapping.paths import Content, Facts, Reader
from bilag.mapping.result import Gaps
from bilag.mapping.transform import RuleError, compile_rule


class Field(NamedTuple):
    """An external field: its name, where its rule stands in the document, the rule's closure."""

    name: str
    place: str
    read: Reader


def compile_fields(place: str, rules: dict[str, Rule]) -> tuple[Field, ...]:
    """Return the fields of one section of the document; raises DocumentError naming the rule."""
    return tuple(compile_field(name, rule, f"{place}.{name}") for name, rule in rules.items())


def compile_field(name: str, rule: Rule, place: str) -> Field:
    """Return one field; raises DocumentError naming its place."""
    try:
        return Field(name, place, compile_rule(rule))
    except DocumentError as error:
        problems = tuple(replace(problem, field=place) for problem in error.problems)
        raise DocumentError(problems) from None


def fill(
    fields: tuple[Field, ...],
    content: Content,
    line: Content,
    facts: Facts,
    number: int | None,
    gaps: Gaps,
) -> dict[str, str]:
    """Return the fields that have a value for this record, or for its line `number` from 1."""
    filled = {}
    for name, place, read in fields:
        try:
            value = read(content, line, facts)
        except RuleError as error:
            gaps.add_rule(error.code, name, place, number, error.params)
        else:
            if value:
                filled[name] = value
    return filled


def one_line(
    field: Field, content: Content, line: Content, facts: Facts, number: int | None, gaps: Gaps
) -> str:
    """Return a text on one line, whatever breaks and double spaces the record's texts have."""
    try:
        return " ".join(field.read(content, line, facts).split())
    except RuleError as error:
        gaps.add_rule(error.code, field.name, field.place, number, error.params)
        return ""
