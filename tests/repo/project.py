"""The files of the project as the tidy tests read them; what tools leave behind is left out.

Nothing here needs git, so that the tests also run in an unpacked archive.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "bilag"
_OURS = {".ci", ".gitignore"}
# Left by tools, and told to git as such.
_LEFT = {"__pycache__", "dist", "node_modules", "screenshots", "vendor"}
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")


@cache
def files() -> tuple[Path, ...]:
    """Return every file of the project that is written by people, relative to its root."""
    return tuple(sorted(path.relative_to(ROOT) for path in _walk(ROOT)))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in _LEFT or path.name.endswith((".egg-info", ".mo")):
            continue
        if path.name.startswith(".") and path.name not in _OURS:
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def sources(*suffixes: str) -> list[Path]:
    """Return the files of the package and of the benchmark with one of these suffixes."""
    return [p for p in files() if p.parts[0] in ("src", "bench") and p.suffix in suffixes]


@cache
def text(path: Path) -> str:
    """Return the text of a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """Return the parsed module of a Python file."""
    return ast.parse(text(path))


def room(path: Path) -> str:
    """Return the room of the package that a file is in: `exports` for src/bilag/exports/..."""
    return path.parts[2] if path.parts[:2] == ("src", "bilag") else ""


def pages() -> list[Path]:
    """Return the Markdown pages."""
    return [path for path in files() if path.suffix == ".md"]


def code_in(page: Path) -> list[str]:
    """Return what stands in code on a page: each line of a block, each span in a sentence."""
    found = text(page)
    blocks = [line for block in _FENCE.findall(found) for line in block.splitlines()[1:-1]]
    return blocks + _SPAN.findall(_FENCE.sub("", found))
