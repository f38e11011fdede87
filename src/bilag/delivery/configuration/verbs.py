"""The configuration of one organization as people and programs of it use it (C15).

What is uploaded speaks of this organization only, sets no secret, no member and no network, and
sends no stored secret elsewhere.
"""

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
from psycopg_pool import ConnectionPool

from bilag.connectors.interface import Connector
from bilag.core.problem import Problem, Refused
from bilag.delivery.configuration.apply import Change, apply
from bilag.delivery.configuration.copy import Copied, copy_configuration
from bilag.delivery.configuration.entries import OrganizationEntry, OrganizationsFile
from bilag.delivery.configuration.export import as_yaml, configuration_of
from bilag.delivery.configuration.read import read_uploaded
from bilag.delivery.queue import defer_sync
from bilag.exports.audit import record_change
from bilag.integrations.keys import Vault
from bilag.integrations.store import list_integrations
from bilag.tenants.members import list_members
from bilag.tenants.organizations import Organization, read_organization
from bilag.tenants.scope import organization_scope

Pool = ConnectionPool[psycopg.Connection[Any]]


class OrganizationConfiguration:
    """The configuration of one organization, changed in the name of `actor`."""

    def __init__(
        self,
        pool: Pool,
        queue: procrastinate.App,
        connectors: Mapping[str, Connector[Any]],
        vault: Vault,
        organization_id: UUID,
        *,
        actor: str,
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._connectors = connectors
        self._vault = vault
        self._organization_id = organization_id
        self._actor = actor

    def exported(self) -> dict[str, Any]:
        """Return the configuration as data, without secrets and without the people who are members.

        Taken in again it changes nothing.
        """
        with self._pool.connection() as connection:
            with organization_scope(connection, self._organization_id):
                slug = self._organization(connection).slug
            found = configuration_of(connection, slug)
        (entry,) = found["organizations"]
        return {"organizations": [{k: v for k, v in entry.items() if k not in _NOT_HERE}]}

    def as_yaml(self) -> str:
        """Return the same as the text of a file, which `bilag apply` reads too."""
        return as_yaml(self.exported())

    def preview(self, content: object) -> list[Change]:
        """Return what would change if this were taken in: YAML text or data; nothing is changed.

        Raises Refused with every fault at once.
        """
        return self._apply(content, dry_run=True)

    def take_in(self, content: object, expected: str = "") -> list[Change]:
        """Make the organization as the configuration says, all of it or nothing.

        Raises Refused with every fault, or when the changes are not those of the digest `expected`.
        """
        changes = self._apply(content, expected=expected)
        if changes:
            self._wake()
        return changes

    def copy_to(self, target: UUID, key: str, *, replacing: bool = False) -> list[Copied]:
        """Copy an integration, or all without a key, to an organization that the caller checked.

        What is new there is switched off; secrets are not copied. Raises Refused as
        `copy_configuration` does.
        """
        if target == self._organization_id:
            raise Refused(Problem("copy_to_itself"))
        with self._pool.connection() as connection:
            return copy_configuration(
                connection, self._organization_id, target, key=key, replacing=replacing,
                by=self._actor, audit=record_change, connectors=self._connectors,
            )  # fmt: skip

    def _apply(
        self, content: object, *, dry_run: bool = False, expected: str = ""
    ) -> list[Change]:  # fmt: skip
        with self._pool.connection() as connection:
            with organization_scope(connection, self._organization_id):
                organization = self._organization(connection)
                members = {(m.subject, m.role) for m in list_members(connection, organization.id)}
            read = read_uploaded(content, connectors=self._connectors, slug=organization.slug)
            _refuse_elsewhere(read, organization, members)
            return apply(
                connection, self._vault, read, by=self._actor, audit=record_change,
                dry_run=dry_run, expected=expected, uploaded=self._connectors,
            )  # fmt: skip

    def _organization(self, connection: psycopg.Connection[Any]) -> Organization:
        found = read_organization(connection, self._organization_id)
        if found is None:
            raise LookupError(f"organization {self._organization_id} is not the one of the scope")
        return found

    def _wake(self) -> None:
        with self._scope() as connection:
            routes = list_integrations(connection, self._organization_id)
        for one in routes:
            if one.is_route and one.enabled and one.delivery.trigger == "on_approval":
                defer_sync(
                    self._queue, self._organization_id, one.id, trigger="approval",
                    actor=self._actor,
                )  # fmt: skip

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection


# Members are invited and removed on a page of their own; which private networks may be reached is
# for the operator to say.
_NOT_HERE = ("members", "allowedNetworks")


def _refuse_elsewhere(
    read: OrganizationsFile, organization: Organization, members: Set[tuple[str, str]]
) -> None:
    """Refuse a file that would change what is not changed by an upload; the same value may stay."""
    if not read.organizations:
        raise Refused(Problem("upload_empty"))
    (entry,) = read.organizations
    place = f"organizations[{entry.slug}]"
    problems = []
    if _differs_in_members(entry, members):
        problems.append(Problem("upload_members", f"{place}.members"))
    networks = entry.allowed_networks
    if networks is not None and set(networks) != set(organization.allowed_networks):
        problems.append(Problem("upload_networks", f"{place}.allowedNetworks"))
    if problems:
        raise Refused(*problems)


def _differs_in_members(entry: OrganizationEntry, members: Set[tuple[str, str]]) -> bool:
    return entry.members is not None and {(m.subject, m.role) for m in entry.members} != members
