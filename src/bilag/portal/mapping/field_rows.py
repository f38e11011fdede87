"""The rows of the field editor: an app field on the left, an external field on the right (C8).

A form posts them all; a row that is filled half is told at its field, and nothing is lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from bilag.core.target_field import SECTIONS, Section, TargetFields
from bilag.mapping.parts import Changes, Document
from bilag.mapping.words import field_title, rule_words
from bilag.portal.mapping.rule_form import Rule, is_choice, path_choices

# The source of a row whose rule is more than one field: it stays as it is.
AS_IT_IS = "="
ROWS_MAX = 200


@dataclass(slots=True)
class Row:
    """One row as it is shown; `was` is its name in the working copy, empty for a new row."""

    section: Section
    number: int
    was: str = ""
    name: str = ""
    path: str = ""
    rule: Rule = field(default_factory=dict)
    words: str = ""
    name_error: str = ""
    path_error: str = ""
    unknown_path: bool = False
    unknown_name: bool = False

    @property
    def id(self) -> str:
        """Return the beginning of the ids of the row's controls."""
        return f"{self.section}-{self.number}"

    @property
    def is_special(self) -> bool:
        """Return whether the rule is more than one field of the app."""
        return "from" not in self.rule and bool(self.rule)


@dataclass(frozen=True, slots=True)
class SectionRows:
    """The rows of one section, with what may stand on either side."""

    section: Section
    rows: list[Row]
    paths: list[tuple[str, Any]]
    targets: list[tuple[str, str]]
    open: bool


def rows_of(document: Mapping[str, Any], section: Section, language: str) -> list[Row]:
    """Return a row for each external field of a section."""
    return [
        Row(
            section, number, name, name, rule.get("from", AS_IT_IS), dict(rule),
            rule_words(rule, language),
        )
        for number, (name, rule) in enumerate(document.get(section, {}).items())
    ]  # fmt: skip


def posted_rows(
    values: Mapping[str, str], document: Mapping[str, Any], language: str
) -> dict[Section, list[Row]]:
    """Return the rows of a posted form; an empty row is left out."""
    found: dict[Section, list[Row]] = {}
    for section in SECTIONS:
        rules = document.get(section, {})
        found[section] = []
        for number in range(ROWS_MAX):
            name = values.get(f"{section}-{number}-name")
            if name is None:
                break
            was = values.get(f"{section}-{number}-was", "")
            path = values.get(f"{section}-{number}-path", "")
            if not (name.strip() or path):
                continue
            rule = dict(rules.get(was, {}))
            found[section].append(
                Row(section, number, was, name.strip(), path, rule, rule_words(rule, language))
            )
    return found


def check_rows(rows: Mapping[Section, Sequence[Row]]) -> list[tuple[str, str, str]]:
    """Put what is wrong at each row; return (id of the control, label, error) of all."""
    errors = []
    for section in SECTIONS:
        seen: set[str] = set()
        for row in rows[section]:
            if not row.name:
                row.name_error = _("Choose the external field, or remove the row.")
            elif row.name in seen:
                row.name_error = _("The field is filled twice. Keep one of the rows.")
            if not row.path or (row.path == AS_IT_IS and not row.rule):
                row.path_error = _("Choose the field of the app, or remove the row.")
            seen.add(row.name)
            if row.path_error:
                errors.append((f"{row.id}-path", _("Field of the app"), row.path_error))
            if row.name_error:
                errors.append((f"{row.id}-name", _("External field"), row.name_error))
    return errors


def changes_of(rows: Mapping[Section, Sequence[Row]], document: Mapping[str, Any]) -> Changes:
    """Return the changes that make the sections as the rows say."""
    changes: Changes = {}
    for section in SECTIONS:
        new = {row.name: _rule(row) for row in rows[section] if row.name and row.path}
        gone = {name: None for name in document.get(section, {}) if name not in new}
        if {**gone, **new}:
            changes[section] = {**gone, **new}
    return changes


def sections_of(
    rows: Mapping[Section, list[Row]],
    target: TargetFields,
    own_fields: Sequence[str],
    language: str,
) -> Iterator[SectionRows]:
    """Yield each section with the choices of its two sides."""
    for section in SECTIONS:
        paths = path_choices(section, own_fields)
        targets = [
            (one.name, field_title(one.title, one.name, language)) for one in target.of(section)
        ]
        for row in rows[section]:
            # what stands in the mapping and is no choice is shown, with its fault, never dropped
            row.unknown_path = row.path not in ("", AS_IT_IS) and not is_choice(row.path, paths)
            row.unknown_name = bool(row.name) and row.name not in dict(targets)
        yield SectionRows(section, rows[section], paths, targets, target.open)


def new_row(rows: list[Row], section: Section, name: str = "") -> Row:
    """Add an empty row and return it."""
    row = Row(section, max((one.number for one in rows), default=-1) + 1, name=name)
    rows.append(row)
    return row


def document_with(document: Document, changes: Changes) -> Document:
    """Return the document as the rows would make it, to be checked before it is kept."""
    return {**document, **{s: {n: r for n, r in part.items() if r} for s, part in changes.items()}}


def _rule(row: Row) -> Rule:
    if row.path == AS_IT_IS:
        return row.rule
    steps = {
        name: step
        for name, step in row.rule.items()
        if name not in ("constant", "template", "firstNonEmpty", "join", "separator")
    }
    return {**steps, "from": row.path}
