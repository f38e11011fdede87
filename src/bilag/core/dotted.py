"""Nested data laid flat: each value under its path, `auth.kind`.

Lists stay values.
"""

from collections.abc import Mapping
from typing import Any


def dotted(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return each value that is no mapping itself by its path, in order."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = isinstance(value, Mapping)
        found |= dotted(value, f"{above}{name}.") if inner else {f"{above}{name}": value}
    return found
