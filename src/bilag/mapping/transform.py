"""Rules become closures: a source, then table, date, number, case, truncate (C10).

Bounded and safe: no code runs, templates only name paths, a value has at most 2,000 characters.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from bilag.core.problem import Problem
from bilag.mapping.dates import TIME_ZONE, local_date
from bilag.mapping.document import TEXT_MAX, DocumentError, NumberFormat, Rule
from bilag.mapping.paths import Content, Facts, Reader, reader

DATE_TOKENS = {"YYYY": "%(y)04d", "YY": "%(s)02d", "MM": "%(m)02d", "DD": "%(d)02d"}
_DATE_PATTERN = re.compile(r"(?:YYYY|YY|MM|DD|[ ./_-])+")
_DATE_TOKEN = re.compile("|".join(DATE_TOKENS))
_TEMPLATE_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[^{}]+")
# Wide enough for an exchange rate; far below the 28 digits that decimals are exact to.
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,10})?")
_SHOWN_MAX = 60

Step = Callable[[str], str]


class RuleError(ValueError):
    """A rule gave no usable value for this record; `code` and `params` make the problem."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def template_pieces(template: str) -> Iterator[tuple[str, str | None]]:
    """Yield the pieces of a template: (literal text, None) or ("", path); `{{` and `}}` are braces.

    Raises ValueError at a brace that has no partner.
    """
    position = 0
    while position < len(template):
        piece = _TEMPLATE_PIECE.match(template, position)
        if piece is None:
            raise ValueError(f"a brace without a partner at character {position + 1}")
        position = piece.end()
        if piece[1] is not None:
            yield "", piece[1]
        else:
            yield piece[0].replace("{{", "{").replace("}}", "}"), None


def is_date_format(pattern: str) -> bool:
    """Return whether a date format is `iso`, `epoch`, or made of YYYY YY MM DD and separators."""
    return pattern in {"iso", "epoch"} or bool(
        _DATE_PATTERN.fullmatch(pattern) and _DATE_TOKEN.search(pattern)
    )


def paths_of(rule: Rule) -> Iterator[str]:
    """Yield every path that a rule reads, at any depth; the rule is one that compiles."""
    if rule.from_ is not None:
        yield rule.from_
    for _, path in template_pieces(rule.template or ""):
        if path is not None:
            yield path
    for part in (*(rule.first_non_empty or ()), *(rule.join or ())):
        yield from paths_of(part)


def compile_rule(rule: Rule) -> Reader:
    """Return the closure of a rule; it raises RuleError where a record gives it no usable value.

    Raises DocumentError for a rule that `check_document` refuses.
    """
    source = _source(rule)
    steps = tuple(_steps(rule))
    if not steps:
        return source

    def run(content: Content, line: Content, facts: Facts) -> str:
        value = source(content, line, facts)
        for step in steps:
            value = step(value)
        return value

    return run


def _source(rule: Rule) -> Reader:
    if len(rule.sources()) != 1:
        raise DocumentError((Problem("mapping_one_source"),))
    if rule.from_ is not None:
        return _reader(rule.from_)
    if rule.template is not None:
        return _template(rule.template)
    if rule.first_non_empty is not None:
        return _first_non_empty(tuple(map(compile_rule, rule.first_non_empty)))
    if rule.join is not None:
        return _join(tuple(map(compile_rule, rule.join)), rule.separator)
    constant = rule.constant or ""
    return lambda content, line, facts: constant


def _reader(path: str) -> Reader:
    found = reader(path)
    if found is None:
        raise DocumentError((Problem("mapping_unknown_path", params={"path": path}),))
    return found


def _template(template: str) -> Reader:
    try:
        pieces = list(template_pieces(template))
    except ValueError:
        raise DocumentError((Problem("mapping_template"),)) from None
    layout = "".join("%s" if path is not None else text.replace("%", "%%") for text, path in pieces)
    readers = [_reader(path) for _, path in pieces if path is not None]
    return lambda content, line, facts: (
        layout % tuple([read(content, line, facts) for read in readers])
    )[:TEXT_MAX]


def _first_non_empty(readers: tuple[Reader, ...]) -> Reader:
    def first(content: Content, line: Content, facts: Facts) -> str:
        for read in readers:
            value = read(content, line, facts)
            if value:
                return value
        return ""

    return first


def _join(readers: tuple[Reader, ...], separator: str) -> Reader:
    def join(content: Content, line: Content, facts: Facts) -> str:
        values = [value for read in readers if (value := read(content, line, facts))]
        return separator.join(values)[:TEXT_MAX]

    return join


def _steps(rule: Rule) -> Iterator[Step]:
    if rule.table is not None:
        yield _table(rule.table, rule.default)
    elif rule.default is not None:
        default = rule.default
        yield lambda value: value or default
    if rule.date is not None:
        yield _date(rule.date)
    if rule.number is not None:
        yield _number(rule.number)
    if rule.case is not None:
        change = str.upper if rule.case == "upper" else str.lower
        yield lambda value: change(value)[:TEXT_MAX]
    if rule.truncate is not None:
        length = rule.truncate
        yield lambda value: value[:length]
    if rule.required:
        yield _required
    if rule.max_length is not None:
        yield _max_length(rule.max_length)


def _table(table: dict[str, str], default: str | None) -> Step:
    def look_up(value: str) -> str:
        found = table.get(value, default)
        if found is None:
            if not value:
                return ""
            raise RuleError("value_not_in_table", value=value[:_SHOWN_MAX])
        return found

    return look_up


def _date(pattern: str) -> Step:
    if not is_date_format(pattern):
        raise DocumentError((Problem("mapping_date_format", params={"format": pattern}),))
    layout = _DATE_TOKEN.sub(lambda token: DATE_TOKENS[token[0]], pattern)

    def write(value: str) -> str:
        if not value:
            return ""
        try:
            if pattern == "epoch":
                moment = datetime.fromisoformat(value)
                if moment.tzinfo is None:
                    moment = moment.replace(tzinfo=TIME_ZONE)
                return str(int(moment.timestamp()))
            day = local_date(value)
        except ValueError:
            raise RuleError("value_not_a_date", value=value[:_SHOWN_MAX]) from None
        if pattern == "iso":
            return day.isoformat()
        return layout % {"y": day.year, "s": day.year % 100, "m": day.month, "d": day.day}

    return write


def _number(layout: NumberFormat) -> Step:
    unit = Decimal(1) if layout.minor_units else Decimal(1).scaleb(-layout.decimals)
    factor = 100 if layout.minor_units else 1

    def write(value: str) -> str:
        if not value:
            return ""
        if not _NUMBER.fullmatch(value):
            raise RuleError("value_not_a_number", value=value[:_SHOWN_MAX])
        number = (Decimal(value) * factor).quantize(unit, ROUND_HALF_EVEN)
        return f"{number or abs(number):f}".replace(".", layout.decimal_mark)

    return write


def _required(value: str) -> str:
    if not value or value.isspace():
        raise RuleError("field_required")
    return value


def _max_length(maximum: int) -> Step:
    def check(value: str) -> str:
        if len(value) > maximum:
            raise RuleError("field_too_long", length=str(len(value)), maximum=str(maximum))
        return value

    return check
