"""Reads YAML the way accountants write it: 0140 keeps its zero, 3.50 stays text, `no` is a word.

Only `true`, `false`, `null` and whole numbers without leading zeros are anything but text.
"""

import re
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bilag.core.problem import Problem, Refused

Place = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"


class _Loader(Composer, yaml.CSafeLoader):
    """libyaml's parser with four resolvers in place of YAML 1.1's surprising dozen.

    It stops at so many nodes, before there is anything to be read of them.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def __init__(self, text: str, nodes_max: int) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)
        self._nodes_left = nodes_max

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """Return the next node; raises Refused for one too many."""
        self._nodes_left -= 1
        if self._nodes_left < 0:
            raise Refused(Problem("yaml_too_much"))
        return super().compose_node(parent, index)


for _name, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(?:0|[1-9][0-9]{0,17})", list("-0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), _first)


# A file of 1,000 organizations has fewer; one whose aliases multiply each other has more.
VALUES_MAX = 1_000_000
# libyaml compares each directive with all before it; nobody needs even one.
_DIRECTIVES_MAX = 10
_DIRECTIVE = re.compile(r"(?:^|[\r\x85\u2028\u2029])%", re.MULTILINE)


def read_yaml(text: str, *, values_max: int = VALUES_MAX) -> tuple[Any, dict[Place, int]]:
    """Return the data and the line (from 1) on which each of its places starts.

    Raises Refused for what is not YAML, for keys that stand twice, and for more values, aliases
    followed, than `values_max`; it never quotes a value.
    """
    try:
        return _read(text, values_max)
    except RecursionError:
        raise Refused(Problem("yaml_not_valid", params={"reason": "nested too deeply"})) from None


def _read(text: str, values_max: int) -> tuple[Any, dict[Place, int]]:
    if len(_DIRECTIVE.findall(text)) > _DIRECTIVES_MAX:
        raise Refused(Problem("yaml_not_valid", params={"reason": "too many directives"}))
    try:
        # each value may have a key
        node = _Loader(text, 2 * values_max + 1).get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        reason = {"reason": str(error.problem or "unreadable")}
        raise Refused(Problem("yaml_not_valid", line=line, params=reason)) from None
    except (yaml.YAMLError, UnicodeEncodeError):
        reason = {"reason": "a character that YAML does not allow"}
        raise Refused(Problem("yaml_not_valid", params=reason)) from None
    reading = _Reading(values_max)
    data = reading.value(node, (), ()) if node is not None else None
    if reading.problems:
        raise Refused(*reading.problems)
    return data, reading.lines


class _Reading:
    def __init__(self, values_max: int) -> None:
        self._values_left = values_max
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []

    def value(self, node: Node, at: Place, inside: tuple[Node, ...]) -> Any:
        self._values_left -= 1
        if self._values_left < 0:
            raise Refused(Problem("yaml_too_much"))
        self.lines.setdefault(at, node.start_mark.line + 1)
        if node in inside:
            return self._refuse("an alias that contains itself", node)
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            parts = enumerate(node.value)
            return [self.value(part, (*at, index), (*inside, node)) for index, part in parts]
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, at, inside)
        return self._refuse("an unknown tag", node)

    def _scalar(self, node: ScalarNode) -> Any:
        match node.tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return node.value == "true"
            case "int":
                return int(node.value)
            case "str" | "merge":
                return node.value
        return self._refuse("an unknown tag", node)

    def _mapping(self, node: MappingNode, at: Place, inside: tuple[Node, ...]) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse("a key that is not a word", key)
                continue
            self.lines[*at, key.value] = key.start_mark.line + 1
            content = self.value(value, (*at, key.value), (*inside, node))
            if key.tag == _TAG + "merge":
                for part in content if isinstance(content, list) else [content]:
                    merged = {**(part if isinstance(part, dict) else {}), **merged}
            elif key.value in own:
                line = key.start_mark.line + 1
                self.problems.append(Problem("key_twice", line=line, params={"key": key.value}))
            else:
                own[key.value] = content
        return {**merged, **own}

    def _refuse(self, reason: str, node: Node) -> None:
        line = node.start_mark.line + 1
        self.problems.append(Problem("yaml_not_valid", line=line, params={"reason": reason}))
