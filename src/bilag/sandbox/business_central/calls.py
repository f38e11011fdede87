"""One request to the API, whether it came by itself or inside a `$batch`, and its answer.

An address becomes a pattern such as `journals()/journalLines`, by which handlers are found.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from bilag.sandbox.business_central.refusals import not_found
from bilag.sandbox.business_central.values import parse

_SEGMENT = re.compile(r"([\w.$]+)(?:\(([^()]*)\))?")
_KEY = re.compile(r"(?:.*\bid=)?'?([^',]*)'?")


@dataclass(frozen=True, slots=True)
class Call:
    """A request below the company: method, pattern, keys, query options, headers, body."""

    method: str
    pattern: str
    keys: tuple[str, ...]
    company: str
    options: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    base: str
    url: str

    @property
    def operation(self) -> str:
        """Method and pattern, as handlers and counters name it."""
        return f"{self.method} {self.pattern}"

    @property
    def prefer(self) -> str:
        """The Prefer header."""
        return self.headers.get("Prefer", "")

    @property
    def language(self) -> str:
        """The language asked for."""
        return self.headers.get("Accept-Language", "")

    @property
    def strings_are_decimals(self) -> bool:
        """Whether decimals come as strings."""
        return "ieee754compatible=true" in self.headers.get("Content-Type", "").lower()

    def document(self) -> Any:
        """Return the body as JSON; a `$batch` has parsed it already."""
        return parse(self.body) if isinstance(self.body, bytes) else self.body


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON document or content, and where a created entity is."""

    status: int
    document: Any = None
    content: bytes | None = None
    location: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def read_call(method: str, address: str, headers: Mapping[str, str], body: Any, base: str) -> Call:
    """Return the call that an address below `base` means; raises Refused for a malformed one."""
    path, _, query = address.partition("?")
    names, keys, company = [], [], headers.get("CompanyId", "")
    for place, part in enumerate(path.strip("/").split("/")):
        found = _SEGMENT.fullmatch(unquote(part))
        if found is None:
            raise not_found()
        name, key = found[1], found[2]
        if key is not None:
            found_key = _KEY.fullmatch(key)
            key = found_key[1].strip() if found_key else key
        if place == 0 and name == "companies" and key is not None and "/" in path.strip("/"):
            company = key
            continue
        names.append(name + ("()" if key is not None else ""))
        if key is not None:
            keys.append(key.lower())
    options = dict(parse_qsl(query, keep_blank_values=True))
    company = options.pop("company", company) or headers.get("Company", "")
    pattern = "/".join(names)
    url = f"{base}{address}"
    return Call(method, pattern, tuple(keys), company, options, headers, body, base, url)
