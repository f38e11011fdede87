"""The catalogue of sentences: three languages, the same placeholders, and no code without one."""

import ast
import string

import pytest

from bilag.core.texts import CATALOGUE, LANGUAGES
from tests.repo.project import sources, tree


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_sentence_is_there_in_every_language(code: str) -> None:
    sentences = CATALOGUE[code]
    assert len(sentences) == len(LANGUAGES)
    assert all(sentence.strip() for sentence in sentences)
    first, *others = (_placeholders(sentence) for sentence in sentences)
    assert all(placeholders == first for placeholders in others)
    assert all(name.isidentifier() for name in first), "placeholders have names"


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
