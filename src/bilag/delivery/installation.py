"""The one seam through which the process that serves hands its installation to API and portal.

`bilag.app` calls `use` once, before the first request; neither imports anything of `bilag.app`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

import procrastinate
import psycopg
from psycopg_pool import ConnectionPool

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
from bilag.integrations.keys import Vault
from bilag.tenants.scope import organization_scope
from bilag.tenants.signed_tokens import SignedTokens


class Installation(Protocol):
    """What API and portal need of an installation; connections are of the application's role."""

    @property
    def pool(self) -> ConnectionPool[psycopg.Connection[Any]]: ...

    @property
    def queue(self) -> procrastinate.App: ...

    @property
    def vault(self) -> Vault: ...

    @property
    def signed_tokens(self) -> SignedTokens | None: ...

    def exports_of(self, organization_id: UUID, actor: str) -> AccountingExports: ...

    def forced_exports_of(self, organization_id: UUID, actor: str) -> ForcedExports: ...

    def credentials_of(self, organization_id: UUID, actor: str) -> Credentials: ...

    def connection_tests_of(self, organization_id: UUID, actor: str) -> ConnectionTests: ...

    def drafting_of(self, organization_id: UUID, actor: str) -> Drafting: ...

    def integrations_of(self, organization_id: UUID, actor: str) -> ConfiguredIntegrations: ...

    def members_of(self, organization_id: UUID, actor: str) -> Membership: ...
    def tokens_of(self, organization_id: UUID, actor: str) -> ApiTokens: ...

    def included_of(self, organization_id: UUID, actor: str) -> IncludedRecords: ...

    def settings_of(self, organization_id: UUID, actor: str) -> OrganizationSettings: ...

    def configuration_of(self, organization_id: UUID, actor: str) -> OrganizationConfiguration: ...

    def mapping_editor_of(self, organization_id: UUID, actor: str) -> MappingEditor: ...

    def mapping_tables_of(self, organization_id: UUID, actor: str) -> MappingTables: ...

    def mapping_trial_of(self, organization_id: UUID, actor: str) -> MappingTrial: ...

    def syncs_of(self, organization_id: UUID, actor: str) -> SyncNow: ...


_used: list[Installation] = []


def use(installation: Installation) -> None:
    """Serve requests from this installation from now on, in place of any earlier one."""
    _used[:] = [installation]


def installation() -> Installation:
    """Return the installation in use; raises RuntimeError before `use` was called."""
    if not _used:
        raise RuntimeError(
            "bilag.delivery.installation.use was not called: there is no installation"
        )
    return _used[0]


@contextmanager
def tenant(
    organization_id: UUID, patience: float | None = None
) -> Iterator[psycopg.Connection[Any]]:
    """Open a transaction in which only this organization's rows exist; commits at the end.

    Raises PoolTimeout when no connection is free within `patience` seconds (default the pool's).
    """
    with (
        installation().pool.connection(patience) as connection,
        organization_scope(connection, organization_id),
    ):
        yield connection
