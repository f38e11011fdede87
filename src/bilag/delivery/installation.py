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
from bilag.delivery.configured import ConfiguredIntegrations
from bilag.delivery.credentials import Credentials
from bilag.delivery.force import ForcedExports
from bilag.delivery.membership import Membership
from bilag.integrations.keys import Vault
from bilag.tenants.scope import organization_scope


class Installation(Protocol):
    """What API and portal need of an installation; connections are of the application's role."""

    @property
    def pool(self) -> ConnectionPool[psycopg.Connection[Any]]: ...

    @property
    def queue(self) -> procrastinate.App: ...

    @property
    def vault(self) -> Vault: ...

    def exports_of(self, organization_id: UUID, actor: str) -> AccountingExports: ...

    def forced_exports_of(self, organization_id: UUID, actor: str) -> ForcedExports: ...

    def credentials_of(self, organization_id: UUID, actor: str) -> Credentials: ...

    def integrations_of(self, organization_id: UUID, actor: str) -> ConfiguredIntegrations: ...

    def members_of(self, organization_id: UUID, actor: str) -> Membership: ...


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
