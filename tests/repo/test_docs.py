"""The pages tell the truth where a program can tell: links, paths, targets, commands, tables."""

import re
from pathlib import Path

import click
import pytest

from bilag.app.cli import bilag
from bilag.exports.states import STATES, allowed
from tests.repo.project import PACKAGE, ROOT, code_in, pages, sources, text
from tests.repo.test_schema import CREATED

ARCHITECTURE = Path("docs/architecture.md")
PAGES = pages()
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FILE = re.compile(r"[A-Za-z_][\w./-]*/[\w.-]+\.(?:py|sql|md|yaml|toml)")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_resolve(page: Path) -> None:
    for link in _LINK.findall(text(page)):
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        target = (ROOT / page.parent / place).resolve() if place else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target.relative_to(ROOT)), link


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_files_that_are_named_exist(page: Path) -> None:
    folders = (ROOT, PACKAGE, ROOT / page.parent)
    missing = [
        code
        for code in code_in(page)
        if _FILE.fullmatch(code) and not any((folder / code).is_file() for folder in folders)
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(Path("Makefile")), re.MULTILINE))
    named = {t for code in code_in(page) for t in re.findall(r"\bmake ([a-z][a-z-]*)", code)}
    assert named <= targets


def test_commands_exist() -> None:
    known = set(bilag.list_commands(click.Context(bilag)))
    named = {
        command
        for page in PAGES
        for code in code_in(page)
        for command in re.findall(r"(?:^|&& )bilag ([a-z][a-z-]*)", code.strip())
    }
    assert named > {"migrate", "apply", "worker", "serve", "import"}
    assert named <= known


def test_the_readme_names_what_it_must() -> None:
    page = text(Path("README.md"))
    for line in ("make demo", "make demo ARGS=--once", "make test", "make test DATABASE=system",
                 "make check", "make bench", "make bench ARGS=--peers"):  # fmt: skip
        assert line in page, line


def test_the_architecture_names_every_room_and_table() -> None:
    page = text(ARCHITECTURE)
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    tables = {table for path in sources(".sql") for table in CREATED.findall(text(path))}
    missing = [name for name in rooms | tables if f"`{name}`" not in page]
    assert not missing


def test_the_architecture_lists_the_transitions() -> None:
    """A row that starts with a state names every state that may follow it."""
    rows = re.findall(r"^\| `(\w+)` \| (.*)$", text(ARCHITECTURE), re.MULTILINE)
    after = {state: re.findall(r"`(\w+)`", cells) for state, cells in rows if state in STATES}
    assert set(after) == set(STATES)
    assert {(state, to) for state, states in after.items() for to in states} == allowed()


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(text(page))
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}
