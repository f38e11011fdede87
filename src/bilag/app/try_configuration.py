"""Tries a configuration file against the live systems before any of it is in use (C5).

Nothing is stored or written. What does not exist yet replaces nothing, and is not tried.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import psycopg

from bilag.app.wiring import Installation
from bilag.connectors.registry import CONNECTORS
from bilag.core.outcome import ConnectionReport
from bilag.core.problem import Problem
from bilag.delivery.configuration.entries import (
    IntegrationEntry,
    OrganizationEntry,
    OrganizationsFile,
)
from bilag.delivery.sync import prepare_connection
from bilag.delivery.try_out import try_out
from bilag.integrations.model import Integration, organization_id
from bilag.integrations.store import LoadedIntegration, get_integration
from bilag.tenants.scope import organization_scope


def try_configuration(
    opened: Installation, configuration: OrganizationsFile, language: str
) -> list[Problem]:
    """Return a problem for each integration that would not work with what the file says of it."""
    return [
        Problem(
            "configuration_check_failed",
            f"organizations[{organization.slug}].integrations[{entry.key}]",
            params={"message": report.problem.text(language) if report.problem else report.message},
        )
        for organization, entry, integration in _existing(opened, configuration)
        if not (report := asyncio.run(_try(opened, organization, entry, integration, language))).ok
    ]


def _existing(
    opened: Installation, configuration: OrganizationsFile
) -> Iterator[tuple[OrganizationEntry, IntegrationEntry, Integration]]:
    for organization in configuration.organizations:
        own = organization_id(organization.slug)
        for entry in organization.integrations or ():
            with opened.pool.connection() as connection, organization_scope(connection, own):
                integration = get_integration(connection, own, entry.key)
            if integration is not None and entry.enabled is not False:
                yield organization, entry, integration


async def _try(
    opened: Installation,
    organization: OrganizationEntry,
    entry: IntegrationEntry,
    integration: Integration,
    language: str,
) -> ConnectionReport:
    secrets = {
        name: credential.secret.get_secret_value()
        for name, credential in (entry.credentials or {}).items()
    }
    async with await psycopg.AsyncConnection.connect(opened.urls.application) as connection:
        await prepare_connection(connection)
        return await try_out(
            connection, CONNECTORS, opened.vault, integration.organization_id, integration.id,
            secrets=secrets, change=partial(_as_in_the_file, organization, entry),
            language=language,
        )  # fmt: skip


def _as_in_the_file(
    organization: OrganizationEntry, entry: IntegrationEntry, loaded: LoadedIntegration
) -> LoadedIntegration:
    networks = organization.allowed_networks
    return replace(
        loaded,
        integration=replace(loaded.integration, type=entry.type, settings=entry.settings),
        allowed_networks=loaded.allowed_networks if networks is None else tuple(networks),
    )
