"""The YAML file of `bilag apply`: organizations with members, books and integrations (C16).

A key that is left out leaves what is there; a list that is given is the whole list.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from bilag.app.mapping_file import mapping_value, text_of
from bilag.app.yaml_text import Place, read_yaml
from bilag.connectors.interface import Connector
from bilag.core.money import CURRENCIES, AmountError, parse_amount
from bilag.core.problem import Problem, Refused
from bilag.integrations.configuration import Configuration
from bilag.integrations.model import CLOSED_FIRST, CLOSED_LAST, Day, Delivery, Filters
from bilag.integrations.vault import CALLBACK_CREDENTIAL
from bilag.mapping.check import check_document
from bilag.mapping.document import DocumentError, read_document

_KEY = r"^[a-z0-9][a-z0-9-]{0,62}$"
_REFERENCE = re.compile(r"(env|file):(.+)", re.DOTALL)

Connectors = Mapping[str, Connector[Any]]


@dataclass(frozen=True, slots=True)
class Sources:
    """What a file may refer to: files beside it, the environment, the known connectors."""

    folder: Path
    environ: Mapping[str, str]
    connectors: Connectors = field(default_factory=dict)


class Entry(Configuration):
    """Base of all entries; a number where a text belongs (an account) is taken as its digits."""

    model_config = ConfigDict(coerce_numbers_to_str=True)


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise Refused(Problem("network_not_valid", params={"network": text})) from None


def _currency(text: str) -> str:
    if text not in CURRENCIES:
        raise Refused(Problem("currency_not_valid", params={"currency": text}))
    return text


def _amount(value: object) -> Decimal:
    try:
        amount = parse_amount(value)
    except AmountError:
        amount = Decimal(-1)
    if amount < 0:
        raise Refused(Problem("limit_not_valid"))
    return amount


def _resolved(value: object, info: ValidationInfo) -> object:
    """Return the secret that `env:NAME` or `file:/path` refers to; anything else is refused."""
    sources = _sources(info)
    reference = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    if reference is None:
        raise Refused(Problem("secret_literal"))
    kind, name = reference.groups()
    if kind == "env":
        secret, code = sources.environ.get(name, ""), "secret_not_set"
    else:
        secret, code = text_of(sources.folder / name).rstrip("\r\n"), "secret_file_empty"
    if not secret:
        raise Refused(Problem(code, params={"name": name}))
    return secret


Key = Annotated[str, Field(pattern=_KEY)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Network = Annotated[str, AfterValidator(_network)]
Secret = Annotated[SecretStr, BeforeValidator(_resolved)]


class MemberEntry(Entry):
    """A person's membership; `subject` is the name in the sign-in."""

    subject: Annotated[str, Field(min_length=1, max_length=200)]
    role: Literal["admin", "coordinator", "accountant"]


class BookEntry(Entry):
    """A book; what is left out keeps its value; `closedThrough:` with nothing opens every day."""

    key: Key
    name: Name
    currency: Annotated[str, AfterValidator(_currency)]
    year_start_month: int | None = Field(None, ge=1, le=12)
    number_prefix: str | None = Field(None, pattern=r"^[A-Za-z0-9-]{0,6}$")
    number_start: int | None = Field(None, ge=1, le=99_999_999)
    rounding_account: str | None = Field(None, max_length=64)
    closed_through: Day | None = Field(None, ge=CLOSED_FIRST, le=CLOSED_LAST)


class CredentialEntry(Entry):
    """A secret by reference (`env:NAME` or `file:/path`), with the day on which it expires."""

    secret: Secret
    expires: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _reference_alone(cls, value: object) -> object:
        return value if isinstance(value, dict) else {"secret": value}


class DeclarationEntry(Entry):
    """The written sign-off of the confidentiality declaration; honoraria wait for it (I8)."""

    template_id: Name
    version: Name
    signed_off_by: Name
    signed_off_at: date


class IntegrationEntry(Entry):
    """An integration; settings and mapping come out as they are stored, already checked."""

    key: Key
    name: Name
    type: str
    book: Key
    enabled: bool | None = None
    route: bool | None = None
    settings: dict[str, Any]
    credentials: dict[str, CredentialEntry] | None = None
    filters: Filters | None = None
    delivery: Delivery | None = None
    mapping: dict[str, Any] | None = None

    @field_validator("type")
    @classmethod
    def _known_type(cls, value: str, info: ValidationInfo) -> str:
        known = _sources(info).connectors
        if value not in known:
            params = {"type": value, "known": ", ".join(sorted(known))}
            raise Refused(Problem("connector_unknown", params=params))
        return value

    @field_validator("settings")
    @classmethod
    def _connectors_own(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        connector = _sources(info).connectors.get(info.data.get("type", ""))
        if connector is None:
            return value
        read = connector.settings_type.model_validate(value)
        stored: dict[str, Any] = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return stored

    @field_validator("credentials")
    @classmethod
    def _used_by_connector(
        cls, value: dict[str, CredentialEntry] | None, info: ValidationInfo
    ) -> dict[str, CredentialEntry] | None:
        connector = _sources(info).connectors.get(info.data.get("type", ""))
        if connector is not None:
            known = (*connector.secret_fields, CALLBACK_CREDENTIAL)
            params = {"type": connector.type, "known": ", ".join(known)}
            if unknown := sorted(set(value or ()) - set(known)):
                raise Refused(
                    *(Problem("secret_unknown", field, params=params) for field in unknown)
                )
        return value

    @field_validator("mapping", mode="before")
    @classmethod
    def _from_file(cls, value: object, info: ValidationInfo) -> object:
        return mapping_value(value, _sources(info).folder)

    @field_validator("mapping")
    @classmethod
    def _usable(cls, value: dict[str, Any] | None, info: ValidationInfo) -> dict[str, Any] | None:
        if value is None:
            return None
        document = read_document(value)
        connector = _sources(info).connectors.get(info.data.get("type", ""))
        # Settings that were refused above say nothing about VAT; the rest is checked all the same.
        carries_vat = True
        if connector is not None and "settings" in info.data:
            settings = connector.settings_type.model_validate(info.data["settings"])
            carries_vat = connector.capabilities(settings).carries_vat
        filters = info.data.get("filters") or Filters()
        if problems := check_document(document, filters, carries_vat=carries_vat):
            raise Refused(*problems)
        stored: dict[str, Any] = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return stored


class OrganizationEntry(Entry):
    """An organization; `declaration:` with nothing behind it takes the sign-off back.

    So does `forceApprovalAbove:` with the limit.
    """

    slug: Key
    name: Name
    language: Literal["nb", "nn", "en"] | None = None
    allowed_networks: tuple[Network, ...] | None = None
    excluded_features: tuple[Key, ...] | None = None
    declaration: DeclarationEntry | None = None
    closed_periods: Literal["stop", "first_open_day", "ask"] | None = None
    force_approval_above: Annotated[Decimal, BeforeValidator(_amount)] | None = None
    members: tuple[MemberEntry, ...] | None = None
    books: tuple[BookEntry, ...] | None = None
    integrations: tuple[IntegrationEntry, ...] | None = None

    @field_validator("integrations")
    @classmethod
    def _one_route_a_book(
        cls, entries: tuple[IntegrationEntry, ...] | None
    ) -> tuple[IntegrationEntry, ...] | None:
        routes: dict[str, str] = {}
        problems = []
        for entry in (entry for entry in entries or () if entry.route is not False):
            first = routes.setdefault(entry.book, entry.key)
            if first != entry.key:
                params = {"first": first, "second": entry.key, "book": entry.book}
                problems.append(Problem("two_routes", f"[{entry.key}].route", params=params))
        if problems:
            raise Refused(*problems)
        return entries


class OrganizationsFile(Entry):
    """The whole file: every organization it speaks of; others are left alone."""

    organizations: tuple[OrganizationEntry, ...]


def read_configuration(
    path: Path, *, connectors: Connectors, environ: Mapping[str, str]
) -> OrganizationsFile:
    """Return the file with its references resolved; secrets stay hidden in `repr` and errors.

    Raises Refused with every fault at once, each with its place in the file, its line and remedy.
    """
    return read_entries(OrganizationsFile, path, Sources(path.parent, environ, connectors))


File = TypeVar("File", bound=Entry)


def read_entries(model: type[File], path: Path, sources: Sources) -> File:
    """Return a YAML file as `model`; raises Refused as `read_configuration` does."""
    data, lines = read_yaml(text_of(path))
    problems = list(_named_twice(data, lines))
    try:
        read = model.model_validate(data, context=sources)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            problems += _problems(fault, data, lines)
    if problems:
        # A value that fits none of several shapes is refused once for each; once is enough.
        distinct: dict[tuple[str, str], Problem] = {}
        for problem in problems:
            distinct.setdefault((problem.field, problem.code), problem)
        raise Refused(*sorted(distinct.values(), key=lambda problem: problem.line or 0))
    return read


def _sources(info: ValidationInfo) -> Sources:
    if not isinstance(info.context, Sources):
        raise TypeError("a configuration is read by read_entries")
    return info.context


_CODES = {
    "missing": "key_missing",
    "extra_forbidden": "key_unknown",
    "string_type": "text_expected",
}


def _problems(fault: ErrorDetails, data: object, lines: Mapping[Place, int]) -> Iterator[Problem]:
    """Yield what one fault of pydantic says, at its place and line in the YAML file."""
    # Unions and checked keys add steps of pydantic's own, such as `function-after[...]`.
    steps = [s for s in fault["loc"] if isinstance(s, int) or not s.endswith(("]", ")"))]
    place = _named(steps, data)
    line = next((lines[at] for at in _outwards(steps) if at in lines), None)
    error = fault.get("ctx", {}).get("error")
    if isinstance(error, (Refused, DocumentError)):
        for problem in error.problems:
            dot = "" if not problem.field or problem.field[0] in "([" else "."
            yield replace(problem, field=f"{place}{dot}{problem.field}", line=problem.line or line)
    else:
        code = _CODES.get(fault["type"], "value_not_valid")
        reason = str(error) if isinstance(error, ValueError) else fault["msg"]
        params = {"reason": reason} if code == "value_not_valid" else {}
        yield Problem(code, place, line=line, params=params)


_NAMES = {"organizations": "slug", "members": "subject", "books": "key", "integrations": "key"}


def _named_twice(data: object, lines: Mapping[Place, int], at: Place = ()) -> Iterator[Problem]:
    """Yield the second of two organizations, members, books or integrations of one name."""
    inner = data
    for step in at:
        inner = inner[step]  # type: ignore[index]  # the walk below came this way
    for section, name in _NAMES.items():
        entries = inner.get(section) if isinstance(inner, dict) else None
        seen = set()
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            place = (*at, section, index)
            key = str(entry.get(name)) if isinstance(entry, dict) else ""
            if key in seen:
                params = {"key": key}
                yield Problem("entry_twice", _named(place, data), lines.get(place), params=params)
            seen.add(key)
            yield from _named_twice(data, lines, place)


def _named(steps: Sequence[int | str], data: object) -> str:
    """Return the path with keys in place of positions: `organizations[hlf].books[main].name`."""
    place = ""
    for step in steps:
        if isinstance(step, str):
            place += f".{step}" if place else step
            data = data.get(step) if isinstance(data, dict) else None
        else:
            data = data[step] if isinstance(data, list) and step < len(data) else None
            entry = data if isinstance(data, dict) else {}
            key = next((entry[name] for name in _NAMES.values() if name in entry), None)
            place += f"[{key if isinstance(key, str) else step + 1}]"
    return place


def _outwards(steps: Sequence[int | str]) -> Iterator[Place]:
    for end in range(len(steps), -1, -1):
        yield tuple(steps[:end])
