"""A mapping document in words: what its parts are called, and what its rules do.

In bokmål, nynorsk or English; the words are those of the catalogue.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bilag.core.texts import CATALOGUE, say
from bilag.mapping.parts import CODE_TABLES, Difference, Place
from bilag.mapping.paths import EXTRA

_POSTING = ("account", "vatCode", "costCentre", "project", "counterAccount")
_RULES = frozenset({"header", "line", "counterLine", "voucherText", "lineText"})
_BY_KIND = frozenset({"defaults", "clearingAccounts"})
_WORDED = frozenset({"missingClaimant", "lines"})
_SHOWN_MAX = 80


def path_name(path: str, language: str) -> str:
    """Return what a path of the app is called; an unknown one is told as it is."""
    if path.startswith(EXTRA):
        return say("path.extra", language, name=path.removeprefix(EXTRA))
    code = f"path.{path}"
    return say(code, language) if code in CATALOGUE else path


def field_title(title: str, name: str, language: str) -> str:
    """Return what an external field is called; without a title its own name."""
    return say(title, language) if title in CATALOGUE else title or name


def part_name(place: Place, language: str) -> str:
    """Return what a part of a document is called."""
    if place[0] in CODE_TABLES:
        return say(f"part.{place[0]}.{place[1]}", language, key=place[-1])
    key = place[-1]
    if place[0] in _BY_KIND:
        key = say(f"kind.{key}", language)
    return say(f"part.{place[0]}", language, key=key)


def differences_in_words(difference: Difference, language: str) -> list[tuple[str, str, str]]:
    """Return (what, before, after) of one part that differs; a posting in its single fields."""
    place, before, after = difference
    name = part_name(place, language)
    if place[0] in ("categories", "defaults"):
        return [
            (
                f"{name}: {say(f'posting.{field}', language)}",
                _code(before, field, language),
                _code(after, field, language),
            )
            for field in _POSTING
            if (before or {}).get(field) != (after or {}).get(field)
        ] or [(name, _there(before, language), _there(after, language))]
    return [(name, value_words(place, before, language), value_words(place, after, language))]


def value_words(place: Place, value: Any, language: str) -> str:
    """Return the value of a part in words."""
    if value is None:
        return say("value.absent", language)
    if place[0] in _RULES:
        return rule_words(value, language)
    if place[0] in _WORDED or place[-1] == "unmapped":
        return say(f"value.{value}", language)
    if isinstance(value, Mapping):
        return ", ".join(
            f"{say(f'posting.{field}', language)} {value[field] or say('value.none', language)}"
            for field in _POSTING
            if field in value
        )
    return str(value) or say("value.none", language)


def rule_words(rule: Mapping[str, Any] | str, language: str) -> str:
    """Return what a rule does: its source, then each step."""
    if isinstance(rule, str):
        rule = {"template": rule}
    return ", ".join((_source(rule, language), *_steps(rule, language)))


def _code(posting: Mapping[str, Any] | None, field: str, language: str) -> str:
    value = (posting or {}).get(field)
    return say("value.absent", language) if value is None else value or say("value.none", language)


def _there(value: Any, language: str) -> str:
    return say("value.absent" if value is None else "value.none", language)


def _source(rule: Mapping[str, Any], language: str) -> str:
    if "from" in rule:
        return path_name(rule["from"], language)
    for name in ("constant", "template"):
        if name in rule:
            return say(f"rule.{name}", language, text=str(rule[name])[:_SHOWN_MAX])
    for name in ("firstNonEmpty", "join"):
        if name in rule:
            parts = "; ".join(rule_words(part, language) for part in rule[name] or ())
            return say(f"rule.{name}", language, parts=parts, separator=rule.get("separator", ""))
    return say("value.none", language)


def _steps(rule: Mapping[str, Any], language: str) -> Iterator[str]:
    if "table" in rule:
        yield say("rule.table", language, count=str(len(rule["table"])))
    if "default" in rule:
        yield say("rule.default", language, text=str(rule["default"])[:_SHOWN_MAX])
    if "date" in rule:
        yield say("rule.date", language, format=rule["date"])
    if (number := rule.get("number")) is not None:
        decimals, mark = str(number.get("decimals", 2)), number.get("decimalMark", ".")
        code = "rule.minorUnits" if number.get("minorUnits") else "rule.number"
        yield say(code, language, decimals=decimals, mark=mark)
    if "case" in rule:
        yield say(f"rule.{rule['case']}", language)
    if "truncate" in rule:
        yield say("rule.truncate", language, length=str(rule["truncate"]))
    if rule.get("required"):
        yield say("rule.required", language)
    if "maxLength" in rule:
        yield say("rule.maxLength", language, length=str(rule["maxLength"]))
