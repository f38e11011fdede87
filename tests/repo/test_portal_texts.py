"""What the pages say is said in every language: nothing missing, left over, fuzzy or bare."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from tests.repo.portal_texts import (
    PORTAL,
    TRANSLATED,
    Text,
    catalogue,
    home_of,
    homes,
    library_texts,
    of_module,
    of_template,
    templates,
    untranslated_words,
    used_texts,
)

_PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|%[sd]|\{(\w*)\}")
# What a form or a page is given as a text; a bare string there is said in English to everybody.
_SAID = {"label", "help_text", "empty_label", "legend", "title", "verbose_name"}


def test_every_text_has_its_translations() -> None:
    missing = []
    for used in used_texts():
        for language in TRANSLATED:
            found = [
                _entry(catalogue(home, language), used.text)
                for home in dict.fromkeys((used.home, PORTAL))
            ]
            if not any(entry and _complete(entry) for entry in found):
                missing.append((language, used.place, used.text.text))
    assert not missing


def test_no_translation_is_left_over_or_fuzzy() -> None:
    """Each is of a text of ours, or says better what a library says."""
    used = {(one.home, one.text.context, one.text.text) for one in used_texts()}
    wrong = []
    for home in homes():
        for language in TRANSLATED:
            for entry in catalogue(home, language):
                if not entry.id:
                    continue
                name = entry.id if isinstance(entry.id, str) else entry.id[0]
                ours = (home, entry.context or "", name) in used
                if not ours and name not in library_texts():
                    wrong.append((home.name, language, "not used", name))
                if entry.fuzzy:
                    wrong.append((home.name, language, "fuzzy", name))
    assert not wrong


def test_the_translations_have_the_placeholders_of_the_text() -> None:
    wrong = [
        (home.name, language, entry.id)
        for home in homes()
        for language in TRANSLATED
        for entry in catalogue(home, language)
        if entry.id and not _same_placeholders(entry)
    ]
    assert not wrong


def test_a_text_is_translated_alike_wherever_it_stands() -> None:
    """Django shows the first translation it finds, so a second one would never be seen."""
    seen: dict[tuple[str, object, object], object] = {}
    differing = []
    for home in homes():
        for language in TRANSLATED:
            for entry in catalogue(home, language):
                if not entry.id:
                    continue
                key = (language, entry.context, str(entry.id))
                first = seen.setdefault(key, entry.string)
                if first != entry.string:
                    differing.append((home.name, *key, entry.string, "elsewhere", first))
    assert not differing


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(PORTAL)))
def test_a_template_says_nothing_in_one_language_only(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert untranslated_words(source, html=path.suffix == ".html") == []


def test_no_form_or_page_is_given_a_bare_text() -> None:
    bare = []
    for path in sorted(set(PORTAL.rglob("*.py")) - set(PORTAL.rglob("migrations/*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in _SAID:
                value = node.value
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                    bare.append(f"{path.relative_to(PORTAL)}:{value.lineno} {value.value!r}")
    assert not bare


def test_texts_are_found_in_templates() -> None:
    """The collector itself: each way in which a template can say something."""
    source = """{% load i18n %}<h1>{% translate "One" %}</h1>
        {% translate "Two" context "heading" as two %}{% include "x.html" with label=_("Three") %}
        {% if a %}{% blocktranslate trimmed count n=n with who=b %}
            {{ n }} of {{ who }}
        {% plural %}
            {{ n }} of them, {{ who }}
        {% endblocktranslate %}{% endif %}"""
    assert list(of_template(source)) == [
        Text("", "One"),
        Text("heading", "Two"),
        Text("", "%(n)s of %(who)s", "%(n)s of them, %(who)s"),
        Text("", "Three"),
    ]


def test_texts_are_found_in_python() -> None:
    source = """
from django.utils.translation import gettext as _, gettext_lazy as later, ngettext
_("One")
later("Two " "halves")
ngettext("a", "b", 2)
other("Three")
"""
    found = [text for text, _line in of_module(ast.parse(source))]
    assert found == [Text("", "One"), Text("", "Two halves"), Text("", "a", "b")]
    with pytest.raises(ValueError, match="line 2"):
        list(of_module(ast.parse("from django.utils.translation import gettext\ngettext(f'{x}')")))


def test_words_outside_translations_are_found() -> None:
    said = '{% load i18n %}<p title="{% translate "x" %}">{{ a }} – 7140 {% translate "y" %}</p>'
    assert untranslated_words(said) == []
    assert untranslated_words("<a href='save'>{{ a }} Save</a>") == ["Save"]
    assert untranslated_words('<input type="submit" value="Go"><i aria-label="Hi"></i>') == [
        "Go",
        "Hi",
    ]
    assert untranslated_words("<code>cron</code><script>let it</script>") == []
    assert untranslated_words("{% if a %}Dear{% endif %}", html=False) == ["Dear"]


def test_a_text_belongs_to_the_nearest_catalogue(tmp_path: Path) -> None:
    (tmp_path / "members" / "locale").mkdir(parents=True)
    inside = tmp_path / "members" / "templates" / "members" / "list.html"
    assert home_of(inside, tmp_path) == tmp_path / "members"
    assert home_of(tmp_path / "templatetags" / "x.py", tmp_path) == tmp_path


def _entry(entries: object, text: Text) -> Message | None:
    found = entries.get(text.text, text.context or None)  # type: ignore[attr-defined]
    if found is None or (text.plural and list(found.id)[1:] != [text.plural]):
        return None
    return found if isinstance(found, Message) else None


def _complete(entry: Message) -> bool:
    strings = [entry.string] if isinstance(entry.string, str) else list(entry.string)
    several = not isinstance(entry.id, str)
    return all(strings) and len(strings) == (2 if several else 1) and not entry.fuzzy


def _same_placeholders(entry: Message) -> bool:
    """Tell whether each form has the placeholders; the singular may leave the number out."""
    ids = [entry.id] if isinstance(entry.id, str) else list(entry.id)
    strings = [entry.string] if isinstance(entry.string, str) else list(entry.string)
    if len(ids) == 1:
        return set(_PLACEHOLDER.findall(ids[0])) == set(_PLACEHOLDER.findall(strings[0]))
    every = set().union(*(_PLACEHOLDER.findall(one) for one in ids))
    return all(
        set(_PLACEHOLDER.findall(string)) in (every, set(_PLACEHOLDER.findall(one)))
        for one, string in zip(ids, strings, strict=False)
    )
