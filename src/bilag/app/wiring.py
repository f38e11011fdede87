"""Puts the rooms together for one process: database, queue, vault, connectors.

`open_installation` is what the command line, the API and programs start from.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import procrastinate
import psycopg
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool

from bilag.app.postgres import DatabaseUrls, database_urls, default_home
from bilag.connectors.registry import CONNECTORS
from bilag.delivery.accounting import AccountingExports
from bilag.delivery.configuration.verbs import OrganizationConfiguration
from bilag.delivery.configured import ConfiguredIntegrations
from bilag.delivery.connection_test import ConnectionTests
from bilag.delivery.credentials import Credentials
from bilag.delivery.drafting import Drafting
from bilag.delivery.force import ForcedExports
from bilag.delivery.included import IncludedRecords
from bilag.delivery.mapping_editor import MappingEditor
from bilag.delivery.mapping_tables import MappingTables
from bilag.delivery.mapping_trial import MappingTrial
from bilag.delivery.membership import Membership
from bilag.delivery.organization import OrganizationSettings
from bilag.delivery.sync_now import SyncNow
from bilag.delivery.tokens import ApiTokens
from bilag.delivery.worker import make_sync_queue
from bilag.integrations.key_sources import open_vault
from bilag.integrations.keys import Vault
from bilag.integrations.reference_data import suggest
from bilag.tenants.role import refuse_unsafe_role
from bilag.tenants.signed_tokens import SignedTokens

POOL_SIZE_MAX = 16


@dataclass(frozen=True, slots=True)
class Installation:
    """One process's view of an installation; connections are of the application's role."""

    home: Path
    urls: DatabaseUrls
    pool: ConnectionPool[psycopg.Connection[Any]]
    queue: procrastinate.App
    vault: Vault
    # whose signed tokens `serve` takes besides our own; other processes take none
    signed_tokens: SignedTokens | None = None

    def exports_of(self, organization_id: UUID, actor: str) -> AccountingExports:
        """Return the verbs for one organization, acting in the name of `actor`."""
        return AccountingExports(self.pool, self.queue, CONNECTORS, organization_id, actor=actor)

    def forced_exports_of(self, organization_id: UUID, actor: str) -> ForcedExports:
        """Return the verbs of forced re-exports (E12), acting in the name of `actor`."""
        return ForcedExports(
            self.pool, self.queue, CONNECTORS, self.vault, organization_id, actor=actor
        )

    def credentials_of(self, organization_id: UUID, actor: str) -> Credentials:
        """Return the verbs for an organization's credentials, acting in the name of `actor`."""
        return Credentials(self.pool, CONNECTORS, self.vault, organization_id, actor=actor)

    def tokens_of(self, organization_id: UUID, actor: str) -> ApiTokens:
        """Return the verbs for an organization's API tokens, acting in the name of `actor`."""
        return ApiTokens(self.pool, organization_id, actor=actor)

    def connection_tests_of(self, organization_id: UUID, actor: str) -> ConnectionTests:
        """Return the connection tests of an organization, in the name of `actor` (C3)."""
        return ConnectionTests(self.pool, CONNECTORS, self.vault, organization_id, actor=actor)

    def drafting_of(self, organization_id: UUID, actor: str) -> Drafting:
        """Return the verbs that set integrations up and describe them, in the name of `actor`."""
        return Drafting(self.pool, self.queue, CONNECTORS, self.vault, organization_id, actor=actor)

    def integrations_of(self, organization_id: UUID, actor: str) -> ConfiguredIntegrations:
        """Return the integrations of one organization, to be changed in the name of `actor`."""
        return ConfiguredIntegrations(self.pool, self.queue, organization_id, actor=actor)

    def members_of(self, organization_id: UUID, actor: str) -> Membership:
        """Return the people of one organization, to be changed in the name of `actor`."""
        return Membership(self.pool, organization_id, actor=actor)

    def included_of(self, organization_id: UUID, actor: str) -> IncludedRecords:
        """Return the filters of an organization's integrations, to be changed by `actor`."""
        return IncludedRecords(self.pool, self.queue, CONNECTORS, organization_id, actor=actor)

    def settings_of(self, organization_id: UUID, actor: str) -> OrganizationSettings:
        """Return the settings of one organization, to be changed in the name of `actor`."""
        return OrganizationSettings(self.pool, self.queue, organization_id, actor=actor)

    def configuration_of(self, organization_id: UUID, actor: str) -> OrganizationConfiguration:
        """Return an organization as a file, to be taken in in the name of `actor`."""
        return OrganizationConfiguration(
            self.pool, self.queue, CONNECTORS, self.vault, organization_id, actor=actor
        )

    def mapping_editor_of(self, organization_id: UUID, actor: str) -> MappingEditor:
        """Return the mappings of one organization with what `actor` has changed of them."""
        return MappingEditor(self.pool, self.queue, CONNECTORS, organization_id, actor=actor)

    def mapping_tables_of(self, organization_id: UUID, actor: str) -> MappingTables:
        """Return expense types and claimants in what `actor` edits."""
        return MappingTables(
            self.pool, self.queue, CONNECTORS, organization_id, actor=actor, suggest=suggest
        )

    def mapping_trial_of(self, organization_id: UUID, actor: str) -> MappingTrial:
        """Return previews and effects of what `actor` edits."""
        return MappingTrial(self.pool, self.queue, CONNECTORS, organization_id, actor=actor)

    def syncs_of(self, organization_id: UUID, actor: str) -> SyncNow:
        """Return the syncs of one organization, asked for and stopped in the name of `actor`."""
        return SyncNow(self.pool, self.queue, organization_id, actor=actor)


@contextmanager
def open_installation(home: Path | None = None) -> Iterator[Installation]:
    """Open the database (starting the embedded one where no URL is given), queue and vault.

    Raises UnsafeRole when the application's URL connects as a role that could see other tenants.
    """
    place = home or default_home()
    urls = database_urls(place)
    pool: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
        urls.application,
        min_size=1,
        max_size=POOL_SIZE_MAX,
        configure=_configure,
        # a database that came back must not cost a request for each connection it left behind
        check=ConnectionPool.check_connection,
        open=False,
    )
    queue = make_sync_queue(urls.application)
    with pool:
        with pool.connection() as connection:
            refuse_unsafe_role(connection)
        with queue.open():
            yield Installation(place, urls, pool, queue, open_vault(place, os.environ))


def _configure(connection: psycopg.Connection[Any]) -> None:
    connection.autocommit = True
    set_json_loads(orjson.loads, connection)
