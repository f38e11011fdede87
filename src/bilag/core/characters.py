"""Which characters no text may hold, wherever it comes from: a record, a setting, a file, a page.

Nobody types them, the database does not keep them all, and no XML document can carry them.
"""

import re
from collections.abc import Iterator, Mapping

from bilag.core.problem import Problem

# Control characters but tab and line breaks; lone surrogates and what is no character at all.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BROKEN = re.compile(r"[\ud800-\udfff\ufffe\uffff]")


def character_fault(text: str, *, breaks: bool = True) -> str | None:
    """Return the code of what is wrong with a text's characters; `breaks` allows tabs and breaks.

    None where nothing is wrong.
    """
    if text.isprintable():
        return None
    if (_CONTROL if breaks else _CONTROL_OR_BREAK).search(text):
        return "text_control_character"
    return "text_broken_character" if _BROKEN.search(text) else None


def character_problems(value: object, place: str = "") -> Iterator[Problem]:
    """Yield what is wrong with the characters of every text and key in nested data, at its place.

    A key that holds such a character is told at the place where it stands.
    """
    if _is_printable(value):  # nearly always, and then without a place for each text
        return
    waiting = [(place, value)]
    while waiting:
        at, found = waiting.pop()
        parts: list[tuple[str, object]] = []
        match found:
            case str():
                if code := character_fault(found):
                    yield Problem(code, at)
            case Mapping():
                for key, part in found.items():
                    if isinstance(key, str) and (code := character_fault(key)):
                        yield Problem(code, at)
                    else:
                        parts.append((f"{at}.{key}" if at else str(key), part))
            case list() | tuple():
                parts = [(f"{at}[{number}]", part) for number, part in enumerate(found, 1)]
        waiting += reversed(parts)


def _is_printable(value: object) -> bool:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                if not text.isprintable():
                    return False
            case Mapping() as found:
                waiting += found.keys()
                waiting += found.values()
            case list() | tuple() as found:
                waiting += found
    return True
