"""YAML as accountants write it: what looks like a code stays a text."""

import time

import pytest

from bilag.core.problem import Refused
from bilag.delivery.configuration.yaml_text import read_yaml


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0140", "0140"),
        ("7140", 7140),
        ("3.50", "3.50"),
        ("1e3", "1e3"),
        ("12:30", "12:30"),
        ("2026-01-15", "2026-01-15"),
        ("no", "no"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("true", True),
        ("'true'", "true"),
        ("null", None),
        ("", None),
        ("'7140'", "7140"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("99999999999999999999", "99999999999999999999"),
    ],
)
def test_a_value_is_read_as_it_is_written(written: str, read: object) -> None:
    data, _ = read_yaml(f"key: {written}\n")
    assert data == {"key": read}
    assert type(data["key"]) is type(read)


def test_a_key_is_a_text() -> None:
    assert read_yaml("7140: travel\n0140: other\n")[0] == {"7140": "travel", "0140": "other"}


def test_every_place_has_its_line() -> None:
    _, lines = read_yaml("a:\n  - b: 1\n    c:\n      d: 2\n")
    assert lines["a",] == 1
    assert lines["a", 0, "b"] == 2
    assert lines["a", 0, "c", "d"] == 4


def test_anchors_and_merges_are_followed() -> None:
    data, _ = read_yaml("a: &x {one: 1, two: 2}\nb: {<<: *x, two: 3}\nc: *x\n")
    assert data["b"] == {"one": 1, "two": 3}
    assert data["c"] == data["a"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "key_twice", 3),
        ("a: [1, 2\n", "yaml_not_valid", 2),
        ("a: 1\n  b: 2\n", "yaml_not_valid", 2),
        ("a: !!python/object:os.system x\n", "yaml_not_valid", 1),
        ("a: &x [*x]\n", "yaml_not_valid", 1),
        ("{a: 1}: 2\n", "yaml_not_valid", 1),
        ("a: \x00\n", "yaml_not_valid", None),
        ("a: 1\n---\nb: 2\n", "yaml_not_valid", 2),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, code: str, line: int | None) -> None:
    with pytest.raises(Refused) as refused:
        read_yaml(text)
    assert [(problem.code, problem.line) for problem in refused.value.problems] == [(code, line)]


@pytest.mark.parametrize(
    "text",
    [
        "- a\n" * 250_000,
        "".join(f"k{n}: 1\n" for n in range(70_000)),
        "a: [" + "?, " * 300_000 + "]",
        "".join(f"%TAG !a{n}! tag:example.org,2000:\r" for n in range(20_000)) + "--- a",
    ],
)
def test_a_file_of_too_much_is_refused_before_it_is_all_read(text: str) -> None:
    began = time.process_time()
    with pytest.raises(Refused):
        read_yaml(text, values_max=10_000)
    # on an idle machine at most 0.3 seconds; read to the end the first one takes 10
    assert time.process_time() - began < 2


def test_a_broken_line_is_not_repeated_because_it_may_hold_a_secret() -> None:
    with pytest.raises(Refused) as refused:
        read_yaml("token: 'hunter2-4711\nnext: 1\n")
    assert "hunter2" not in str(refused.value.problems)
