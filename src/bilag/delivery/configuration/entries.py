"""The YAML file of `bilag apply`: organizations with members, books and integrations (C16).

A key that is left out leaves what is there; a list that is given is the whole list.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bilag.connectors.interface import Connector
from bilag.core.money import AmountError, parse_amount
from bilag.core.problem import Problem, Refused
from bilag.delivery.configuration.mapping_file import mapping_value, refers_to_files, text_of
from bilag.integrations.callback_secret import callback_key
from bilag.integrations.configuration import Configuration
from bilag.integrations.model import (
    CLOSED_FIRST,
    CLOSED_LAST,
    NUMBER_START_MAX,
    Currency,
    Day,
    Delivery,
    Filters,
    Key,
    Name,
    NumberPrefix,
)
from bilag.integrations.vault import CALLBACK_CREDENTIAL
from bilag.mapping.check import account_problems, check_document
from bilag.mapping.document import read_document
from bilag.records.elsewhere import feature_key
from bilag.tenants.organizations import DECLARATION_MAX, REASON_MAX

_REFERENCE = re.compile(r"(env|file):(.+)", re.DOTALL)

Connectors = Mapping[str, Connector[Any]]


@dataclass(frozen=True, slots=True)
class Sources:
    """What the file may refer to: files beside it, the environment, the known connectors."""

    folder: Path
    environ: Mapping[str, str]
    connectors: Connectors = field(default_factory=dict)
    # what was uploaded may refer to nothing: neither to our files nor to our environment
    uploaded: bool = False


class Entry(Configuration):
    """Base of all entries; a number where a text belongs (an account) is taken as its digits."""

    model_config = ConfigDict(coerce_numbers_to_str=True)


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise Refused(Problem("network_not_valid", params={"network": text})) from None


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
    currency: Currency
    year_start_month: int | None = Field(None, ge=1, le=12)
    number_prefix: NumberPrefix | None = None
    number_start: int | None = Field(None, ge=1, le=NUMBER_START_MAX)
    rounding_account: str | None = Field(None, max_length=64)
    closed_through: Day | None = Field(None, ge=CLOSED_FIRST, le=CLOSED_LAST)

    @field_validator("rounding_account")
    @classmethod
    def _of_a_ledger(cls, account: str | None) -> str | None:
        if problems := tuple(account_problems(account or "", "")):
            raise Refused(*problems)
        return account


class CredentialEntry(Entry):
    """A secret by reference (`env:NAME` or `file:/path`), with the day on which it expires."""

    secret: Secret
    expires: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _reference_alone(cls, value: object) -> object:
        return value if isinstance(value, dict) else {"secret": value}


class DeclarationEntry(Entry):
    """The written sign-off of the confidentiality declaration; honoraria wait for it (I8).

    `text` is what was signed, for people; what counts is the template's id and its version.
    """

    template_id: Name
    version: Name
    signed_off_by: Name
    signed_off_at: Day
    text: str | None = Field(None, max_length=DECLARATION_MAX)


class FeatureEntry(Entry):
    """What the organization does elsewhere; a name alone, or with the reason why (C7)."""

    feature: Annotated[str, AfterValidator(feature_key)]
    why: Annotated[str, Field(max_length=REASON_MAX)] = ""

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: object) -> object:
        return value if isinstance(value, dict) else {"feature": value}


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

    @field_validator("credentials", mode="before")
    @classmethod
    def _not_uploaded(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and _sources(info).uploaded:
            raise Refused(Problem("upload_credentials"))
        return value

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
        if value and CALLBACK_CREDENTIAL in value:
            callback_key(value[CALLBACK_CREDENTIAL].secret.get_secret_value())
        return value

    @field_validator("filters")
    @classmethod
    def _can_be_meant(cls, value: Filters | None) -> Filters | None:
        if value is not None and (problems := tuple(value.faults())):
            raise Refused(*problems)
        return value

    @field_validator("mapping", mode="before")
    @classmethod
    def _from_file(cls, value: object, info: ValidationInfo) -> object:
        sources = _sources(info)
        if sources.uploaded and refers_to_files(value):
            raise Refused(Problem("upload_file_reference"))
        return mapping_value(value, sources.folder)

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
    excluded_features: tuple[FeatureEntry, ...] | None = None
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


def _sources(info: ValidationInfo) -> Sources:
    if not isinstance(info.context, Sources):
        raise TypeError("a configuration is read by read_configuration")
    return info.context
