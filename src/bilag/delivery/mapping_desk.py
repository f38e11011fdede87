"""What the verbs of the mapping editor share: whose mapping, its working copy, what is wrong.

The working copy is one version and what somebody has changed of it; it lives on the server.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import procrastinate
import psycopg
from psycopg_pool import ConnectionPool

from bilag.connectors.interface import Connector, DescribesFields
from bilag.core.problem import Problem, Refused
from bilag.core.target_field import TargetFields
from bilag.delivery.set_up import usable_connector
from bilag.integrations.mapping_claimants import claimant_page
from bilag.integrations.mapping_drafts import (
    Outline,
    draft_claimants,
    read_draft,
    read_outline,
    write_draft_claimants,
)
from bilag.integrations.model import Integration
from bilag.integrations.store import get_integration, read_mapping
from bilag.mapping.check import check_document
from bilag.mapping.check_fields import field_faults, field_hints
from bilag.mapping.document import CLAIMANTS_MAX, DocumentError, MappingDocument, read_document
from bilag.mapping.parts import Changes, Document, changed, places, tidied
from bilag.tenants.scope import organization_scope

Pool = ConnectionPool[psycopg.Connection[Any]]
# Stands for the claimants where only it matters whether there are any.
_SOMEBODY = {"somebody": "somewhere"}


class Suggested(Protocol):
    """An entry of the accounting system's own lists."""

    @property
    def code(self) -> str: ...

    @property
    def name(self) -> str: ...


# (connection, organization, integration, kind, text) -> entries whose code or name fits the text
Suggest = Callable[[psycopg.Connection[Any], UUID, UUID, str, str], Sequence[Suggested]]


@dataclass(frozen=True, slots=True)
class WorkingCopy:
    """A mapping as its editor has it: `base` with `changes` made, all but the claimants.

    `current` is the version in force: not `base` when somebody else has saved meanwhile.
    `claimants_changed` counts, since they may be many.
    """

    integration: Integration
    base: Outline
    current: Outline
    document: Document
    changes: Changes
    claimants_changed: int
    changed_at: datetime | None

    @property
    def is_changed(self) -> bool:
        """Return whether there is anything that is not saved."""
        return bool(self.changes) or self.claimants_changed > 0

    @property
    def is_behind(self) -> bool:
        """Return whether another version was saved since this copy was begun."""
        return self.base.version != self.current.version

    @property
    def parts_changed(self) -> int:
        """Return how many parts are changed and not saved, claimants included."""
        return sum(1 for _ in places(self.changes)) + self.claimants_changed

    @property
    def has_claimants(self) -> bool:
        """Return whether any claimant is mapped, as far as that can be told without reading all."""
        return self.base.has_claimants or self.claimants_changed > 0

    def in_force(self) -> "WorkingCopy":
        """Return the version in force as if it were worked on, with nothing changed."""
        now = self.current
        return WorkingCopy(self.integration, now, now, now.document, {}, 0, None)

    @property
    def empty_parts(self) -> list[str]:
        """Return what holds every claim while it is empty: accounts, counter-account, claimants."""
        document = self.document
        postings = [
            *document.get("categories", {}).values(), *document.get("defaults", {}).values(),
        ]  # fmt: skip
        filled = {
            "categories": any(posting.get("account") for posting in postings),
            "counterAccount": document.get("counterAccount")
            or any(posting.get("counterAccount") for posting in postings),
            "claimants": self.has_claimants or document.get("missingClaimant") == "clearing",
        }
        return [part for part, some in filled.items() if not some]


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with a mapping: faults keep it from being saved, hints do not.

    `document` is None where the shape itself is wrong.
    """

    faults: Sequence[Problem]
    hints: Sequence[Problem] = ()
    document: MappingDocument | None = None


class MappingDesk:
    """The mappings of one organization, edited in the name of `actor`; base of the verbs."""

    def __init__(
        self,
        pool: Pool,
        queue: procrastinate.App,
        connectors: Mapping[str, Connector[Any]],
        organization_id: UUID,
        *,
        actor: str,
        suggest: Suggest | None = None,
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._connectors = connectors
        self._organization_id = organization_id
        self._actor = actor
        self._suggest = suggest

    def target_fields(self, integration: Integration) -> TargetFields:
        """Return what the connector knows of the fields that may be filled."""
        try:
            connector, settings = usable_connector(self._connectors, integration)
        except Refused:
            return TargetFields()
        if isinstance(connector, DescribesFields):
            return connector.fields(settings)
        return TargetFields()

    def check(
        self, integration: Integration, document: Mapping[str, Any], *, has_claimants: bool
    ) -> Checked:
        """Return what is wrong with a document; its claimants may have been left out.

        Settings that cannot be used are a fault: nothing can be sent with them.
        """
        if has_claimants and not document.get("claimants"):
            document = {**document, "claimants": _SOMEBODY}
        try:
            read = read_document(document)
        except DocumentError as error:
            return Checked(error.problems)
        try:
            connector, settings = usable_connector(self._connectors, integration)
        except Refused as refused:
            return Checked(refused.problems, (), read)
        carries_vat = connector.capabilities(settings).carries_vat
        target = self.target_fields(integration)
        faults = [
            *check_document(read, integration.filters, carries_vat=carries_vat),
            *field_faults(read, target),
        ]
        return Checked(faults, field_hints(read, target) if not faults else (), read)

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection

    def _integration(self, connection: psycopg.Connection[Any], key: str) -> Integration:
        found = get_integration(connection, self._organization_id, key)
        if found is None:
            raise LookupError(f"there is no integration {key}")
        return found

    def _copy(self, connection: psycopg.Connection[Any], key: str) -> WorkingCopy:
        integration = self._integration(connection, key)
        own, its = self._organization_id, integration.id
        current = self._outline(connection, integration, integration.mapping_version)
        draft = read_draft(connection, own, its, self._actor)
        if draft is None:
            return WorkingCopy(integration, current, current, current.document, {}, 0, None)
        base = (
            current
            if draft.base_version == current.version
            else self._outline(connection, integration, draft.base_version)
        )
        return WorkingCopy(
            integration, base, current, changed(base.document, draft.changes), draft.changes,
            draft.claimants, draft.changed_at,
        )  # fmt: skip

    def _outline(
        self, connection: psycopg.Connection[Any], integration: Integration, version: int
    ) -> Outline:
        found = read_outline(connection, self._organization_id, integration.id, version)
        if found is None:
            raise Refused(
                Problem("mapping_version_unknown", "version", params={"version": str(version)})
            )
        return Outline(
            found.version, found.created_at, found.created_by, _shown(found.document),
            found.has_claimants,
        )  # fmt: skip

    def _keep_claimants(
        self,
        connection: psycopg.Connection[Any],
        copy: WorkingCopy,
        claimants: Mapping[str, str | None],
    ) -> None:
        """Keep changed claimants in a working copy; raises Refused for more than a mapping holds.

        Taking some out is never refused.
        """
        own, its, version = self._organization_id, copy.integration.id, copy.base.version
        write_draft_claimants(connection, own, its, self._actor, version, claimants)
        if any(party is not None for party in claimants.values()):
            page = claimant_page(connection, own, its, version, self._actor, limit=1)
            if page.matching > CLAIMANTS_MAX:
                raise too_many_claimants()

    def _full(self, connection: psycopg.Connection[Any], copy: WorkingCopy) -> Document:
        """Return the whole document of a working copy, its claimants included."""
        own, its = self._organization_id, copy.integration.id
        stored = read_mapping(connection, own, its, copy.base.version) or {}
        claimants = draft_claimants(connection, own, its, self._actor)
        return changed(
            {**copy.document, "claimants": stored.get("claimants") or {}},
            {"claimants": claimants},
        )


def too_many_claimants() -> Refused:
    """Return what is said of a mapping that would have more claimants than it may."""
    params = {"maximum": str(CLAIMANTS_MAX)}
    return Refused(Problem("mapping_claimants_too_many", "claimants", params=params))


def _shown(stored: Document) -> Document:
    try:
        return tidied(stored)
    except DocumentError:
        return stored  # what a hand in the database has broken is shown as it is, with its faults
