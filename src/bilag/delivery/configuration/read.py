"""Reads the file of `bilag apply`, and what people upload of their own organization (C15, C16).

Every fault is told at once, each with its place, its line and what to do; no value is repeated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bilag.core.problem import Problem, Refused
from bilag.delivery.configuration.entries import Connectors, Entry, OrganizationsFile, Sources
from bilag.delivery.configuration.mapping_file import text_of
from bilag.delivery.configuration.yaml_text import Place, read_yaml
from bilag.mapping.document import CLAIMANTS_MAX, DocumentError

File = TypeVar("File", bound=Entry)

UPLOAD_BYTES_MAX = 1024 * 1024
# More than a file of so many bytes has where it is written for people; what comes as JSON may hold
# all claimants of a mapping.
UPLOAD_VALUES_MAX = 50_000
DATA_VALUES_MAX = CLAIMANTS_MAX + UPLOAD_VALUES_MAX


def read_configuration(
    path: Path, *, connectors: Connectors, environ: Mapping[str, str]
) -> OrganizationsFile:
    """Return the file with its references resolved; secrets stay hidden in `repr` and errors.

    Raises Refused with every fault at once, each with its place in the file, its line and remedy.
    """
    return read_entries(OrganizationsFile, path, Sources(path.parent, environ, connectors))


def read_entries(model: type[File], path: Path, sources: Sources) -> File:
    """Return a YAML file as `model`; raises Refused as `read_configuration` does."""
    return _checked(model, *read_yaml(text_of(path)), sources)


def read_uploaded(content: object, *, connectors: Connectors, slug: str) -> OrganizationsFile:
    """Return an uploaded configuration of one organization: YAML text, or data as of JSON.

    It may speak of no other organization, and refer to no secret and no file. Raises Refused with
    every fault at once; no value of it is repeated.
    """
    lines: dict[Place, int] = {}
    if isinstance(content, str):
        if len(content.encode()) > UPLOAD_BYTES_MAX:
            raise Refused(Problem("upload_too_large", params={"maximum": str(UPLOAD_BYTES_MAX)}))
        content, lines = read_yaml(content.removeprefix("\ufeff"), values_max=UPLOAD_VALUES_MAX)
    elif _holds_more(content, DATA_VALUES_MAX):
        raise Refused(Problem("yaml_too_much"))
    _refuse_others(content, lines, slug)
    sources = Sources(Path(), {}, connectors, uploaded=True)
    return _checked(OrganizationsFile, content, lines, sources)


def _holds_more(data: object, values_max: int) -> bool:
    """Return whether data has more values than this, counting no further."""
    waiting: list[object] = [data]
    for _count in range(values_max):
        if not waiting:
            return False
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return bool(waiting)


def _refuse_others(data: object, lines: Mapping[Place, int], slug: str) -> None:
    """Refuse a file that names any other organization, before anything else is said of it."""
    entries = data.get("organizations") if isinstance(data, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict) or entry.get("slug") != slug:
            line = lines.get(("organizations", index))
            params = {"slug": slug}
            raise Refused(
                Problem("upload_other", f"organizations[{index + 1}]", line, params=params)
            )


def _checked(model: type[File], data: object, lines: Mapping[Place, int], sources: Sources) -> File:
    problems = list(_named_twice(data, lines))
    try:
        read = model.model_validate(data, context=sources)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            problems += _problems(fault, data, lines)
    if problems:
        # A value that fits none of several shapes is refused once for each; once is enough.
        distinct: dict[tuple[str, str], Problem] = {}
        for problem in problems:
            distinct.setdefault((problem.field, problem.code), problem)
        raise Refused(*sorted(distinct.values(), key=lambda problem: problem.line or 0))
    return read


_CODES = {
    "missing": "key_missing",
    "extra_forbidden": "key_unknown",
    "string_type": "text_expected",
    "string_pattern_mismatch": "value_characters",
}


def _problems(fault: ErrorDetails, data: object, lines: Mapping[Place, int]) -> Iterator[Problem]:
    """Yield what one fault of pydantic says, at its place and line in the YAML file."""
    # Unions and checked keys add steps of pydantic's own, such as `function-after[...]`.
    steps = [s for s in fault["loc"] if isinstance(s, int) or not s.endswith(("]", ")"))]
    place = _named(steps, data)
    line = next((lines[at] for at in _outwards(steps) if at in lines), None)
    error = fault.get("ctx", {}).get("error")
    if isinstance(error, (Refused, DocumentError)):
        for problem in error.problems:
            dot = "" if not problem.field or problem.field[0] in "([" else "."
            yield replace(problem, field=f"{place}{dot}{problem.field}", line=problem.line or line)
    else:
        code = _CODES.get(fault["type"], "value_not_valid")
        reason = str(error) if isinstance(error, ValueError) else fault["msg"]
        params = {"reason": reason} if code == "value_not_valid" else {}
        yield Problem(code, place, line=line, params=params)


_NAMES = {"organizations": "slug", "members": "subject", "books": "key", "integrations": "key"}


def _named_twice(data: object, lines: Mapping[Place, int], at: Place = ()) -> Iterator[Problem]:
    """Yield the second of two organizations, members, books or integrations of one name."""
    inner = data
    for step in at:
        inner = inner[step]  # type: ignore[index]  # the walk below came this way
    for section, name in _NAMES.items():
        entries = inner.get(section) if isinstance(inner, dict) else None
        seen = set()
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            place = (*at, section, index)
            key = str(entry.get(name)) if isinstance(entry, dict) else ""
            if key in seen:
                params = {"key": key}
                yield Problem("entry_twice", _named(place, data), lines.get(place), params=params)
            seen.add(key)
            yield from _named_twice(data, lines, place)


def _named(steps: Sequence[int | str], data: object) -> str:
    """Return the path with keys in place of positions: `organizations[hlf].books[main].name`."""
    place = ""
    for step in steps:
        if isinstance(step, str):
            place += f".{step}" if place else step
            data = data.get(step) if isinstance(data, dict) else None
        else:
            data = data[step] if isinstance(data, list) and step < len(data) else None
            entry = data if isinstance(data, dict) else {}
            key = next((entry[name] for name in _NAMES.values() if name in entry), None)
            place += f"[{key if isinstance(key, str) else step + 1}]"
    return place


def _outwards(steps: Sequence[int | str]) -> Iterator[Place]:
    for end in range(len(steps), -1, -1):
        yield tuple(steps[:end])
