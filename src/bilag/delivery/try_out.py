"""Tries an integration's way to its system outside a sync: address, login, company, look-up.

Nothing is written there and nothing is stored; no transaction is open while the system is asked.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import psycopg

from bilag.connectors.interface import Connector
from bilag.core.outcome import ConnectionReport
from bilag.core.problem import Problem, Refused
from bilag.delivery.sessions import Sessions
from bilag.delivery.set_up import compile_loaded, set_up
from bilag.integrations.keys import Vault
from bilag.integrations.runtime import Runtime
from bilag.integrations.store import LoadedIntegration, load_integration_async
from bilag.tenants.scope import organization_scope_async


async def try_out(
    connection: psycopg.AsyncConnection[Any],
    connectors: Mapping[str, Connector[Any]],
    vault: Vault,
    organization_id: UUID,
    integration_id: UUID,
    *,
    known_references: tuple[str, ...] = (),
    secrets: Mapping[str, str] | None = None,
    change: Callable[[LoadedIntegration], LoadedIntegration] = lambda loaded: loaded,
    language: str = "en",
) -> ConnectionReport:
    """Return what the connector's check says of an integration, as it is or would be.

    `secrets` go in place of those that are stored; `change` returns it with other settings. Another
    company than the one remembered does not pass (C3). Raises LookupError for an integration of
    another organization.
    """
    async with organization_scope_async(connection, organization_id):
        loaded = await load_integration_async(connection, integration_id)
        if loaded is None:
            raise LookupError(f"there is no integration {integration_id} in this organization")
        stored, loaded = loaded.integration.settings, change(loaded)
        try:
            ready = await set_up(connection, connectors, vault, loaded)
            # a mapping that has become unusable must not keep a credential from being replaced
            if secrets is None or loaded.integration.settings != stored:
                compile_loaded(loaded, carries_vat=ready.capabilities.carries_vat)
        except Refused as refused:
            return ConnectionReport(False, refused.text(language))
    sessions = Sessions()
    try:
        session = await sessions.get(loaded, ready.settings, {**ready.secrets, **(secrets or {})})
        report = await ready.connector.check(session, known_references)
    finally:
        await sessions.close()
    known = (None, report.company_id or loaded.runtime.company_id)
    if report.ok and loaded.runtime.company_id not in known:
        return other_company(loaded.runtime, report)
    return report


def other_company(known: Runtime, report: ConnectionReport) -> ConnectionReport:
    """Return the report of a check that led to another company than the one remembered."""
    problem = Problem(
        "other_company",
        params={
            "found": f"{report.company_id} {report.company_name}".strip(),
            "remembered": f"{known.company_id} {known.company_name}".strip(),
        },
    )
    return ConnectionReport(False, problem.text(), problem=problem)
