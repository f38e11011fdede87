"""Reads JSON from outside with exact numbers and with bounds on its size and depth.

NaN, Infinity, a key given twice and text that is not UTF-8 are refused, never guessed at.
"""

import json
from decimal import Decimal
from typing import Any, Final, NoReturn

from bilag.core.problem import Problem
from bilag.records.fields import shown

RECORD_BYTES_MAX: Final = 1024 * 1024
DEPTH_MAX: Final = 16


class BadJson(ValueError):
    """The text is not JSON as we take it; `problem` says what is wrong, and where."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.problem = Problem(code, params=params)


def parse_json(text: str | bytes, *, bytes_max: int = RECORD_BYTES_MAX) -> Any:
    """Return the value of a JSON text, fractions as Decimal; raises BadJson.

    `bytes_max` (characters of a str) is for one record; a batch is given the sum it may have.
    """
    if len(text) > bytes_max:
        raise BadJson("json_too_large", maximum=str(bytes_max))
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadJson("json_not_utf8", position=str(error.start + 1)) from error
    text = text.removeprefix("\ufeff")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise BadJson("json_invalid", position=str(error.pos + 1)) from error
    except RecursionError as error:
        raise BadJson("json_too_deep", maximum=str(DEPTH_MAX)) from error
    except BadJson:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise BadJson("json_number_too_long") from error
    if text.count("[") + text.count("{") > DEPTH_MAX and _depth(value) > DEPTH_MAX:
        raise BadJson("json_too_deep", maximum=str(DEPTH_MAX))
    return value


def _depth(value: Any) -> int:
    depth = 0
    level = [value] if isinstance(value, dict | list) else []
    while level:
        depth += 1
        children = [c if isinstance(c, list) else c.values() for c in level]
        level = [v for values in children for v in values if isinstance(v, dict | list)]
    return depth


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise BadJson("json_key_twice", name=shown(key))
        found[key] = value
    return found


def _not_finite(name: str) -> NoReturn:
    raise BadJson("json_not_finite", name=name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_not_finite
)
