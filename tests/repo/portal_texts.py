"""Collects what the pages say: from compiled templates, from Python, and from the catalogues.

A text belongs to the nearest folder above its file that has a `locale`; so does its translation.
"""

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import allauth
import django
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from django.template import engines
from django.template.base import Lexer, Node, TextNode, TokenType
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

PORTAL = Path(__file__).resolve().parents[2] / "src" / "bilag" / "portal"
TRANSLATED = ("nb", "nn")
# The name of the product, and names of systems and formats, which no language translates.
NAMES = {"bilag", "Xledger", "Business", "Central", "CSV", "JSON", "YAML", "REST", "API"}

_CALLS = {
    "gettext": "m", "gettext_lazy": "m", "gettext_noop": "m",
    "ngettext": "mp", "ngettext_lazy": "mp",
    "pgettext": "cm", "pgettext_lazy": "cm",
    "npgettext": "cmp", "npgettext_lazy": "cmp",
}  # fmt: skip
_SAID_BY = {"title", "alt", "placeholder", "aria-label", "aria-description", "aria-roledescription",
            "aria-valuetext", "label", "summary"}  # fmt: skip
_NOT_SAID = {"script", "style", "code", "kbd", "samp"}
_WORD = re.compile(r"[^\W\d_]{2,}")
_IN_TAG = re.compile(r"""_\((?:"([^"]*)"|'([^']*)')\)""")
# Stands for whatever a template puts in between; no letter, so that it is never taken for a word.
_GAP = "\ufffc"


class Text(NamedTuple):
    """One text to translate: its context (or empty), itself, and its plural (or empty)."""

    context: str
    text: str
    plural: str = ""


@dataclass(frozen=True, slots=True)
class Used:
    """Where a text is used; `home` is the folder whose catalogue must have it."""

    text: Text
    home: Path
    place: str


def templates(portal: Path = PORTAL) -> list[Path]:
    """Return every template of the portal."""
    return sorted(path for path in portal.rglob("templates/**/*") if path.is_file())


def home_of(path: Path, portal: Path = PORTAL) -> Path:
    """Return the folder whose `locale` a file's texts belong to: the nearest, or the portal's."""
    for folder in path.parents:
        if folder == portal or (folder / "locale").is_dir():
            return folder
    return portal


def homes(portal: Path = PORTAL) -> list[Path]:
    """Return every folder that has a `locale`, the portal's own first."""
    return [portal, *sorted(path.parent for path in portal.glob("*/**/locale"))]


@cache
def catalogue(home: Path, language: str) -> Catalog:
    """Return the catalogue of a folder, an empty one where there is no file."""
    file = home / "locale" / language / "LC_MESSAGES" / "django.po"
    if not file.exists():
        return Catalog(locale=language)
    with file.open("rb") as opened:
        return read_po(opened, locale=language, abort_invalid=True)


def used_texts(portal: Path = PORTAL) -> Iterator[Used]:
    """Yield every text that templates and Python hand to gettext."""
    for path in templates(portal):
        for text in of_template(path.read_text(encoding="utf-8")):
            yield Used(text, home_of(path, portal), str(path.relative_to(portal)))
    for path in sorted(portal.rglob("*.py")):
        place = path.relative_to(portal)
        try:
            found = list(of_module(ast.parse(path.read_text(encoding="utf-8"))))
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error
        for text, line in found:
            yield Used(text, home_of(path, portal), f"{place}:{line}")


def of_template(source: str) -> Iterator[Text]:
    """Yield the texts of a template, plurals and contexts with them."""
    for node in nodes(source):
        if isinstance(node, TranslateNode):
            context = node.message_context
            yield Text(_literal(context), str(node.filter_expression.var.literal))
        elif isinstance(node, BlockTranslateNode):
            singular, plural = _block(node)
            yield Text(_literal(node.message_context), singular, plural)
    for token in Lexer(source).tokenize():
        if token.token_type in (TokenType.VAR, TokenType.BLOCK):
            for first, second in _IN_TAG.findall(token.contents):
                yield Text("", first or second)


def of_module(tree: ast.Module) -> Iterator[tuple[Text, int]]:
    """Yield the texts of a Python module with their lines; raises ValueError for one computed."""
    names = {name: name for name in _CALLS}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names |= {one.asname: one.name for one in node.names if one.asname}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = called or (node.func.id if isinstance(node.func, ast.Name) else "")
        shape = _CALLS.get(names.get(called, ""), "")
        if shape:
            yield _called(shape, node), node.lineno


def _called(shape: str, node: ast.Call) -> Text:
    found = {}
    for part, argument in zip(shape, node.args, strict=False):
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            raise ValueError(f"line {node.lineno}: a text that is computed cannot be translated")  # noqa: TRY004 - the text is at fault, not its type
        found[part] = argument.value
    return Text(found.get("c", ""), found["m"], found.get("p", ""))


def untranslated_words(source: str, *, html: bool = True) -> list[str]:
    """Return the words of a template that stand outside every translation, as a reader meets them.

    Text between tags and attributes that are read out; `NAMES` and what stands in code are none.
    """
    flat = "".join(n.s if isinstance(n, TextNode) else _GAP for n in nodes(source))
    if not html:
        return _words(flat)
    parser = _Page()
    parser.feed(flat)
    parser.close()
    return parser.found


def nodes(source: str) -> list[Node]:
    """Return every node of a template in the order of its source."""
    return _backend().from_string(source).template.nodelist.get_nodes_by_type(Node)


@cache
def library_texts() -> frozenset[str]:
    """Return what the libraries behind the pages say in English, which ours may say anew."""
    files = [
        Path(str(module.__file__)).parent.joinpath(*place, "locale", "nb", "LC_MESSAGES", name)
        for module, place, name in (
            (allauth, (), "django.po"),
            (django, ("conf",), "django.po"),
            (django, ("contrib", "auth"), "django.po"),
        )
    ]
    found: set[str] = set()
    for file in files:
        with file.open("rb") as opened:
            for entry in read_po(opened, locale="nb"):
                found |= {entry.id} if isinstance(entry.id, str) else set(entry.id)
    return frozenset(found)


@cache
def english_sentences(language: str) -> frozenset[str]:
    """Return the sentences that no page in a language may show: English, with another translation.

    Of three words or more and without placeholders, so that nothing is found by chance.
    """
    known: dict[str, str] = {}
    for home in homes():
        for entry in catalogue(home, language):
            if isinstance(entry.id, str) and entry.id and isinstance(entry.string, str):
                known[entry.id] = entry.string
    every = {text for text in (*known, *library_texts()) if known.get(text) != text}
    return frozenset(
        " ".join(text.split())
        for text in every
        if len(text.split()) >= 3 and not re.search(r"[%{<]", text)
    )


@cache
def _backend() -> Any:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bilag.app.django_settings")
    django.setup()
    return engines["django"]


def _literal(expression: Any) -> str:
    return "" if expression is None else str(expression.var)


def _block(node: BlockTranslateNode) -> tuple[str, str]:
    singular, _ = node.render_token_list(node.singular)
    plural = node.render_token_list(node.plural)[0] if node.plural else ""
    return singular, plural


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text) if word not in NAMES]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NOT_SAID:
            self._silent = tag
        given = {name: value or "" for name, value in attrs}
        button = tag == "input" and given.get("type") in ("submit", "button", "reset")
        for name, value in given.items():
            said = name in _SAID_BY or (name == "value" and button)
            if name == "content" and given.get("name") == "description":
                said = True
            if said:
                self.found += _words(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found += _words(data)
