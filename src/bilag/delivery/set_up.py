"""What is stored of an integration, made ready to speak to its system: settings, secrets, mapping.

All of it was checked when it was saved; what a newer version, another key or a hand in the database
has made unusable is refused here, before anything is sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from pydantic import BaseModel, ValidationError

from bilag.connectors.interface import Capabilities, Connector
from bilag.connectors.redact import Redactor
from bilag.core.faults import fault_problem
from bilag.core.problem import Problem, Refused
from bilag.integrations.keys import DataKey, KeysUnreachable, Vault
from bilag.integrations.model import Integration
from bilag.integrations.reserve import OnTrial, on_trial
from bilag.integrations.store import LoadedIntegration, read_mapping
from bilag.integrations.vault import VaultError, load_data_key_async, read_credentials_async
from bilag.mapping.check import check_document
from bilag.mapping.document import DocumentError, MappingDocument, read_document
from bilag.mapping.voucher import Mapping as CompiledMapping
from bilag.mapping.voucher import compile_mapping
from bilag.tenants.organizations import read_organization

# Settings hold no secrets; one that somebody wrote there all the same stays out of the message.
_REDACT = Redactor()

# Refused for now only: nothing is wrong with the integration.
KEYS_UNREACHABLE = "keys_unreachable"


@dataclass(frozen=True, slots=True)
class SetUp:
    """A connector with what it needs; `secrets` are in clear, for sending and testing only."""

    connector: Connector[Any]
    settings: BaseModel
    capabilities: Capabilities
    data_key: DataKey
    secrets: Mapping[str, str]
    on_trial: tuple[OnTrial, ...]


async def set_up(
    connection: psycopg.AsyncConnection[Any],
    connectors: Mapping[str, Connector[Any]],
    vault: Vault,
    loaded: LoadedIntegration,
) -> SetUp:
    """Return the connector with settings and secrets; the caller holds the tenant scope.

    Raises Refused saying what of it cannot be used and what to do.
    """
    integration = loaded.integration
    connector, settings = usable_connector(connectors, integration)
    try:
        data_key = await load_data_key_async(connection, vault, integration.organization_id)
        # read first: a secret that is set in between is then merely not known to be on trial
        trial = await on_trial(connection, integration.organization_id, integration.id)
        secrets = await read_credentials_async(
            connection, vault, integration.organization_id, integration.id
        )
    except KeysUnreachable as error:
        params = {"reason": str(error).rstrip(".")}
        raise Refused(Problem(KEYS_UNREACHABLE, params=params)) from error
    except VaultError as error:
        params = {"reason": str(error).rstrip(".")}
        raise Refused(Problem("secrets_not_usable", params=params)) from error
    return SetUp(connector, settings, connector.capabilities(settings), data_key, secrets, trial)


def usable_connector(
    connectors: Mapping[str, Connector[Any]], integration: Integration
) -> tuple[Connector[Any], BaseModel]:
    """Return an integration's connector and its settings; raises Refused where they are unusable.

    It reads nothing and sends nothing.
    """
    connector = connectors.get(integration.type)
    if connector is None:
        params = {"type": integration.type, "known": ", ".join(sorted(connectors))}
        raise Refused(Problem("connector_unknown", "type", params=params))
    try:
        return connector, connector.settings_type.model_validate(integration.settings)
    except ValidationError as error:
        raise Refused(Problem("settings_not_usable"), *_faults(error)) from None


def compile_loaded(loaded: LoadedIntegration, *, carries_vat: bool) -> CompiledMapping:
    """Return the current mapping version, ready to map; raises Refused naming each faulty place."""
    return _compiled(
        loaded.integration, loaded.mapping, loaded.declaration, loaded.closed_periods,
        loaded.language, carries_vat,
    )  # fmt: skip


def compile_now(
    connection: psycopg.Connection[Any],
    connectors: Mapping[str, Connector[Any]],
    integration: Integration,
    document: Mapping[str, Any] | MappingDocument | None = None,
) -> CompiledMapping:
    """Return the mapping by which a sync that began now would go, or that of an unsaved document.

    A MappingDocument has been checked. The caller holds the tenant scope. Raises Refused naming
    each place that cannot be used.
    """
    connector, settings = usable_connector(connectors, integration)
    carries_vat = connector.capabilities(settings).carries_vat
    own = integration.organization_id
    if document is None:
        document = read_mapping(connection, own, integration.id, integration.mapping_version)
    elif not isinstance(document, MappingDocument):
        _refuse_unusable(document, integration, carries_vat)
    organization = read_organization(connection, own)
    if organization is None:
        raise LookupError(f"organization {own} is not the one of the scope")
    return _compiled(
        integration, document or {}, organization.declaration, organization.closed_periods,
        organization.language, carries_vat,
    )  # fmt: skip


def _refuse_unusable(
    document: Mapping[str, Any], integration: Integration, carries_vat: bool
) -> None:
    """Refuse a document as it would be refused when it is saved."""
    try:
        problems = check_document(
            read_document(document), integration.filters, carries_vat=carries_vat
        )
    except DocumentError as error:
        raise Refused(*_in_mapping(error.problems)) from None
    if problems:
        raise Refused(*_in_mapping(problems))


def _compiled(
    integration: Integration,
    document: Mapping[str, Any] | MappingDocument,
    declaration: Mapping[str, Any],
    closed_periods: str,
    language: str,
    carries_vat: bool,
) -> CompiledMapping:
    try:
        if not isinstance(document, MappingDocument):
            document = read_document(document)
        return compile_mapping(
            document, integration.book, integration.delivery, declaration,
            integration.filters, carries_vat=carries_vat, closed_periods=closed_periods,
            language=language,
        )  # fmt: skip
    except DocumentError as error:
        params = {"version": str(integration.mapping_version)}
        places = _in_mapping(error.problems)
        raise Refused(Problem("mapping_not_usable", params=params), *places) from None


def _in_mapping(problems: Sequence[Problem]) -> list[Problem]:
    return [replace(problem, field=f"mapping.{problem.field}") for problem in problems]


def _faults(error: ValidationError) -> Iterator[Problem]:
    for fault in error.errors(include_url=False, include_input=False):
        place = ".".join(("settings", *map(str, fault["loc"])))
        raised = fault.get("ctx", {}).get("error")
        if isinstance(raised, Refused):
            yield from raised.problems
            continue
        reason = _REDACT(fault["msg"].removeprefix("Value error, "))
        yield fault_problem(fault, place) or Problem(
            "value_not_valid", place, params={"reason": reason}
        )
