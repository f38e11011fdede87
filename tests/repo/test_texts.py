"""The catalogue of sentences: three languages, the same placeholders, and no code without one."""

import ast
import string

from bilag.core.problem import Problem
from bilag.core.texts import CATALOGUE, LANGUAGES
from tests.repo.project import sources, tree


def test_every_sentence_is_there_in_every_language() -> None:
    missing = [
        code
        for code, sentences in CATALOGUE.items()
        if len(sentences) != len(LANGUAGES) or not all(sentence.strip() for sentence in sentences)
    ]
    assert not missing


def test_the_languages_have_the_same_placeholders() -> None:
    found = {code: [_placeholders(s) for s in sentences] for code, sentences in CATALOGUE.items()}
    differing = [code for code, (first, *rest) in found.items() if any(s != first for s in rest)]
    assert not differing
    assert all(name.isidentifier() for several in found.values() for name in several[0])


def test_every_sentence_can_be_said_whatever_its_placeholders_are_called() -> None:
    for code, sentences in CATALOGUE.items():
        params = dict.fromkeys(_placeholders(sentences[0]), "x")
        for language, sentence in zip(LANGUAGES, sentences, strict=True):
            # written out as str.format does: some sentences hold braces of their own
            assert Problem(code, params=params).text(language) == sentence.format(**params)


def test_every_problem_has_its_sentence() -> None:
    found: dict[str, str] = {}
    for path in sources(".py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                named = [word.value for word in node.keywords if word.arg == "code"]
                for code in [*node.args[:1], *named]:
                    if isinstance(code, ast.Constant):
                        found[str(code.value)] = f"{path}:{node.lineno}"
    assert len(found) > 50
    missing = {code: place for code, place in found.items() if code not in CATALOGUE}
    assert not missing


def _placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
