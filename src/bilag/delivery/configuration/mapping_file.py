"""Reads the files that a configuration refers to: a mapping document, and its CSV of claimants.

Refused names the file where that is not the configuration itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bilag.core.problem import Problem, Refused
from bilag.delivery.claimants_csv import read_claimants
from bilag.delivery.configuration.yaml_text import read_yaml

_FILE = "file:"


def text_of(path: Path) -> str:
    """Return a file's text; raises Refused where it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        reason = "it is not UTF-8; save it as UTF-8"
    raise Refused(Problem("file_unreadable", params={"file": str(path), "reason": reason}))


def mapping_value(value: object, folder: Path) -> Any:
    """Return a mapping document with its `file:` references read; numbers become their digits.

    Its shape and contents are not checked here; raises Refused for what cannot be read.
    """
    if isinstance(value, str):
        path = folder / value.removeprefix(_FILE)
        with _in_file(path):
            value = read_yaml(text_of(path))[0] or {}
    if isinstance(value, dict) and isinstance(value.get("claimants"), str):
        path = folder / value["claimants"].removeprefix(_FILE)
        with _in_file(path):
            value = {**value, "claimants": read_claimants(text_of(path), path.name)}
    return _as_text(value)


def refers_to_files(value: object) -> bool:
    """Return whether a mapping document, or its claimants, would be read from a file."""
    return isinstance(value, str) or (
        isinstance(value, dict) and isinstance(value.get("claimants"), str)
    )


@contextmanager
def _in_file(path: Path) -> Iterator[None]:
    """Say of a problem's line which file it is in, where that is not the file itself."""
    try:
        yield
    except Refused as error:
        raise Refused(*(replace(p, field=f"({path.name})") for p in error.problems)) from None


def _as_text(value: object) -> object:
    """Turn the numbers of a mapping into their digits: an account is a text, also 7140."""
    match value:
        case dict():
            return {key: _as_text(part) for key, part in value.items()}
        case list():
            return [_as_text(part) for part in value]
        case int() if not isinstance(value, bool):
            return str(value)
    return value
