"""Canaries: secrets that cannot be mistaken for anything else, and the search for them.

Each has a core of letters and digits in its middle. A leak is found by the core, in whatever way
the text around it was cut, escaped or encoded; the last four characters may be shown.
"""

import base64
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_CORE_BYTES = 15


@dataclass(frozen=True)
class Canary:
    """One secret: what it is, the whole of it, and the part of it that is looked for."""

    name: str
    value: str
    core: bytes


def canary(name: str) -> Canary:
    """Return a new secret with characters that URLs, JSON and HTML have to escape."""
    core = secrets.token_hex(_CORE_BYTES)
    return Canary(name, f"Cn/{core}+=&%\"<'~wxyz", core.encode())


def known(name: str, value: str | bytes) -> Canary:
    """Return a secret that is made elsewhere, such as a token, to be looked for as well."""
    content = value.encode() if isinstance(value, str) else value
    return Canary(name, str(value), content[:-4] if isinstance(value, str) else content)


def forms(core: bytes) -> Mapping[str, bytes]:
    """Return what the core looks like in each encoding; letters and digits need no escaping."""
    found = {
        "clear": core,
        "hex": core.hex().encode(),
        "HEX": core.hex().upper().encode(),
        "backwards": core[::-1],
    }
    if not core.isalnum():
        del found["clear"]  # of bytes only the encodings can be told apart from anything else
    for before in range(3):
        # base64 looks different by where in the text a secret begins
        text = base64.b64encode(b"\0" * before + core)
        inner = text[-(-before * 8 // 6) : len(text) - len(text) % 4 - 4]
        found[f"base64+{before}"] = inner
        found[f"base64url+{before}"] = inner.replace(b"+", b"-").replace(b"/", b"_")
    return found


def leaks(canaries: Iterable[Canary], places: Mapping[str, bytes]) -> list[str]:
    """Return where a secret stands in clear: "place: secret (form)", each once."""
    wanted: dict[bytes, str] = {}
    for one in canaries:
        for form, content in forms(one.core).items():
            wanted.setdefault(content, f"{one.name} ({form})")
    pattern = re.compile(b"|".join(re.escape(content) for content in wanted))
    return sorted(
        {
            f"{place}: {wanted[found]}"
            for place, content in places.items()
            for found in pattern.findall(content)
        }
    )
