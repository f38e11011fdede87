"""Where a rule stands: a section of the mapping, a field in it, and a part within the field's rule.

Parts are counted from 1; `2.1` is the first part of the second part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bilag.core.target_field import SECTIONS
from bilag.mapping.document import PARTS_MAX, MappingDocument
from bilag.mapping.parts import Changes
from bilag.portal.mapping.rule_form import WITH_PARTS, Rule
from bilag.portal.numbers import whole

TEXTS = ("voucherText", "lineText")


@dataclass(frozen=True, slots=True)
class RulePlace:
    """One rule of a mapping; `name` is empty for the two texts, `part` for a whole rule."""

    section: str
    name: str = ""
    part: tuple[int, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "RulePlace | None":
        """Return the place that an address names, or None where it names none."""
        section, name = values.get("section", ""), values.get("name", "")
        numbers = [whole(number) or 0 for number in values.get("part", "").split(".") if number]
        if section not in (*SECTIONS, *TEXTS) or (section in SECTIONS) != bool(name):
            return None
        if not all(1 <= number <= PARTS_MAX for number in numbers):
            return None
        return cls(section, name, tuple(numbers))

    def address(self) -> dict[str, str]:
        """Return what `read` reads."""
        part = ".".join(map(str, self.part))
        return {"section": self.section, "name": self.name, **({"part": part} if part else {})}

    def inside(self, number: int) -> "RulePlace":
        """Return the place of a part of this rule."""
        return replace(self, part=(*self.part, number))

    def outside(self) -> "RulePlace":
        """Return the place of the rule that this one is a part of."""
        return replace(self, part=self.part[:-1])

    def whole(self, document: Mapping[str, Any]) -> Rule | None:
        """Return the whole rule at this place; a text that is not set has its default."""
        if self.section in TEXTS:
            found = document.get(self.section)
            return dict(found) if found is not None else dict(_DEFAULTS[self.section])
        rule = document.get(self.section, {}).get(self.name)
        return None if rule is None else dict(rule)

    def rule(self, document: Mapping[str, Any]) -> Rule | None:
        """Return the rule at this place, or None where there is none."""
        found = self.whole(document)
        for number in self.part:
            parts = parts_of(found or {})
            if number > len(parts):
                return None
            found = parts[number - 1]
        return found

    def change(self, document: Mapping[str, Any], rule: Rule) -> Changes:
        """Return the changes that put a rule in this place."""
        whole = _with(self.whole(document) or {}, self.part, rule)
        return {self.section: whole if self.section in TEXTS else {self.name: whole}}


def parts_of(rule: Mapping[str, Any]) -> list[Rule]:
    """Return the parts of a rule that has any."""
    return next((list(rule[name]) for name in WITH_PARTS if name in rule), [])


def with_parts(rule: Mapping[str, Any], parts: list[Rule]) -> Rule:
    """Return the rule with other parts."""
    name = next(name for name in WITH_PARTS if name in rule)
    return {**rule, name: parts}


def _with(rule: Rule, part: tuple[int, ...], new: Rule) -> Rule:
    if not part:
        return new
    parts = parts_of(rule)
    parts[part[0] - 1] = _with(parts[part[0] - 1], part[1:], new)
    return with_parts(rule, parts)


_DEFAULTS: dict[str, Rule] = {
    name: rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for name, rule in (
        ("voucherText", MappingDocument().voucher_text),
        ("lineText", MappingDocument().line_text),
    )
}
