"""The external fields of a mapping against what the connector knows of its system (C8).

Faults keep a mapping from being saved; hints tell what some claims may stumble over.
"""

from collections.abc import Iterator

from bilag.core.problem import Problem
from bilag.core.target_field import SECTIONS, Section, TargetField, TargetFields
from bilag.mapping.document import MappingDocument, Rule
from bilag.mapping.transform import paths_of

# How long the value of a path may be, where that is bounded far below the 2,000 of every value.
_LENGTHS = {
    "revision": 10, "category": 10, "currency": 3, "voucher.reference": 20, "voucher.currency": 3,
    "voucher.postingDate": 10, "voucher.accountingYear": 4, "voucher.firstCostDate": 10,
    "voucher.lastCostDate": 10, "line.date": 10, "exchangeRateDate": 10, "voucher.amount": 20,
    "voucher.originalAmount": 20, "line.amount": 20, "line.bookAmount": 20, "participants": 10,
}  # fmt: skip
_DATE_PATHS = frozenset(
    ("exchangeRateDate", "line.date", "voucher.postingDate", "voucher.firstCostDate",
     "voucher.lastCostDate")
)  # fmt: skip
_NUMBER_PATHS = frozenset(
    ("revision", "exchangeRate", "hours", "participants", "voucher.accountingYear",
     "voucher.amount", "voucher.originalAmount", "line.amount", "line.bookAmount",
     "line.quantity", "line.rate")
)  # fmt: skip
_DATE_LENGTH = 10
_TEXT_MAX = 2_000


def field_faults(document: MappingDocument, target: TargetFields) -> list[Problem]:
    """Return what the system would refuse: unknown and missing fields, values that are too long."""
    return list(_faults(document, target))


def field_hints(document: MappingDocument, target: TargetFields) -> list[Problem]:
    """Return what may go wrong with some claims: lengths and types that are not made sure of."""
    return [
        problem
        for section, name, rule in _rules(document)
        if (known := target.find(section, name)) is not None
        for problem in _hints(f"{section}.{name}", rule, known)
    ]


def longest(rule: Rule) -> int:
    """Return how many characters the value of a sound rule can have at most."""
    if rule.from_ is not None:
        length = _LENGTHS.get(rule.from_, _TEXT_MAX)
    elif rule.constant is not None:
        length = len(rule.constant)
    elif rule.first_non_empty is not None:
        length = max(map(longest, rule.first_non_empty))
    elif rule.join is not None:
        gaps = len(rule.separator) * (len(rule.join) - 1)
        length = min(sum(map(longest, rule.join)) + gaps, _TEXT_MAX)
    else:
        length = _TEXT_MAX if any(paths_of(rule)) else len(rule.template or "")
    if rule.table is not None:
        length = max(map(len, (*rule.table.values(), rule.default or "")), default=0)
    length = max(length, len(rule.default or ""))
    if rule.date is not None:
        length = max(len(rule.date), _DATE_LENGTH)
    for bound in (rule.truncate, rule.max_length):
        length = min(length, bound or length)
    return length


def _faults(document: MappingDocument, target: TargetFields) -> Iterator[Problem]:
    for section, name, rule in _rules(document):
        place, known = f"{section}.{name}", target.find(section, name)
        params = {"name": name}
        if name in target.reserved:
            yield Problem("mapping_field_reserved", place, params=params)
        elif known is None and not target.open:
            yield Problem("mapping_field_unknown", place, params=params)
        elif known is not None and known.max_length is not None and rule.constant is not None:
            length = len(rule.constant[: rule.truncate])
            if length > known.max_length:
                sizes = {"length": str(length), "maximum": str(known.max_length)}
                yield Problem("mapping_value_too_long", place, params=params | sizes)
    filled = {(section, name) for section, name, _ in _rules(document)}
    for one in target.fields:
        if one.required and not any((section, one.name) in filled for section in one.sections):
            place = f"{one.sections[0]}.{one.name}"
            yield Problem("mapping_field_missing", place, params={"name": one.name})


def _hints(place: str, rule: Rule, known: TargetField) -> Iterator[Problem]:
    if len(rule.sources()) != 1:
        return  # told as a fault of the rule
    params = {"name": known.name}
    if known.max_length is not None and rule.constant is None and longest(rule) > known.max_length:
        maximum = {"maximum": str(known.max_length)}
        yield Problem("mapping_may_be_too_long", place, params=params | maximum)
    if known.kind == "date" and rule.date is None and rule.from_ not in _DATE_PATHS:
        yield Problem("mapping_not_a_date_field", place, params=params)
    if known.kind == "number" and rule.number is None and rule.from_ not in _NUMBER_PATHS:
        yield Problem("mapping_not_a_number_field", place, params=params)


def _rules(document: MappingDocument) -> Iterator[tuple[Section, str, Rule]]:
    tables = (document.header, document.line, document.counter_line)
    for section, rules in zip(SECTIONS, tables, strict=True):
        for name, rule in rules.items():
            yield section, name, rule
