"""What is stored of an integration, made ready to speak to its system: settings, secrets, mapping.

All of it was checked when it was saved; what a newer version, another key or a hand in the database
has made unusable is refused here, before anything is sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from pydantic import BaseModel, ValidationError

from bilag.connectors.interface import Capabilities, Connector
from bilag.connectors.redact import Redactor
from bilag.core.problem import Problem, Refused
from bilag.integrations.keys import DataKey, Vault
from bilag.integrations.store import LoadedIntegration
from bilag.integrations.vault import VaultError, load_data_key_async, read_credentials_async
from bilag.mapping.document import DocumentError, read_document
from bilag.mapping.voucher import Mapping as CompiledMapping
from bilag.mapping.voucher import compile_mapping

# Settings hold no secrets; one that somebody wrote there all the same stays out of the message.
_REDACT = Redactor()


@dataclass(frozen=True, slots=True)
class SetUp:
    """A connector with what it needs; `secrets` are in clear, for sending and testing only."""

    connector: Connector[Any]
    settings: BaseModel
    capabilities: Capabilities
    data_key: DataKey
    secrets: Mapping[str, str]


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
    connector = connectors.get(integration.type)
    if connector is None:
        params = {"type": integration.type, "known": ", ".join(sorted(connectors))}
        raise Refused(Problem("connector_unknown", "type", params=params))
    try:
        settings = connector.settings_type.model_validate(integration.settings)
    except ValidationError as error:
        raise Refused(Problem("settings_not_usable"), *_faults(error)) from None
    try:
        data_key = await load_data_key_async(connection, vault, integration.organization_id)
        secrets = await read_credentials_async(
            connection, vault, integration.organization_id, integration.id
        )
    except VaultError as error:
        params = {"reason": str(error).rstrip(".")}
        raise Refused(Problem("secrets_not_usable", params=params)) from error
    return SetUp(connector, settings, connector.capabilities(settings), data_key, secrets)


def compile_loaded(loaded: LoadedIntegration, *, carries_vat: bool) -> CompiledMapping:
    """Return the current mapping version, ready to map; raises Refused naming each faulty place."""
    integration = loaded.integration
    try:
        return compile_mapping(
            read_document(loaded.mapping), integration.book, integration.delivery,
            loaded.declaration, integration.filters, carries_vat=carries_vat,
        )  # fmt: skip
    except DocumentError as error:
        params = {"version": str(integration.mapping_version)}
        places = [
            Problem(p.code, f"mapping.{p.field}", p.line, p.record, p.params)
            for p in error.problems
        ]
        raise Refused(Problem("mapping_not_usable", params=params), *places) from None


def _faults(error: ValidationError) -> Iterator[Problem]:
    for fault in error.errors(include_url=False, include_input=False):
        place = ".".join(("settings", *map(str, fault["loc"])))
        raised = fault.get("ctx", {}).get("error")
        if isinstance(raised, Refused):
            yield from raised.problems
        else:
            yield Problem("value_not_valid", place, params={"reason": _REDACT(fault["msg"])})
