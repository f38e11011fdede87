"""Makes the database match a configuration file, in one transaction and once (C16).

A second run finds nothing to do; what cannot be done is told all at once, and then nothing is done.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import orjson
import psycopg

from bilag.connectors.redact import Redactor
from bilag.core.problem import Problem, Refused
from bilag.delivery.configuration.entries import (
    BookEntry,
    DeclarationEntry,
    IntegrationEntry,
    MemberEntry,
    OrganizationEntry,
    OrganizationsFile,
)
from bilag.delivery.destinations import Connectors, refuse_to_lead_elsewhere
from bilag.delivery.organization import as_texts, fields_of, follow_organization, with_features
from bilag.exports.filtered import follow_filters
from bilag.integrations.books import get_book, save_book
from bilag.integrations.model import (
    Book,
    Delivery,
    Filters,
    Integration,
    book_id,
    integration_id,
    organization_id,
)
from bilag.integrations.runtime import clear_error
from bilag.integrations.store import (
    get_integration,
    list_integrations,
    lock_integrations,
    save_integration,
    save_mapping,
    stored,
)
from bilag.integrations.vault import (
    Vault,
    VaultError,
    delete_credential,
    describe_credentials,
    load_data_key,
    put_credential,
    read_credentials,
)
from bilag.tenants.members import list_members, remove_member, save_member
from bilag.tenants.organizations import Organization, read_organization, save_organization
from bilag.tenants.scope import organization_scope

Audit = Callable[[psycopg.Connection[Any], UUID, str, str, str, dict[str, Any]], None]

# Failure policy: two runs at once wait for each other; the lock ends with the transaction.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('bilag.apply'))"

# Settings hold no secrets; one that somebody wrote there all the same stays out of the audit log.
_REDACT = Redactor()


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was made, changed or removed: `integration rest` `changed: settings`.

    `event` and `detail` are those of the audit log; nothing secret is in them.
    """

    organization: str
    subject: str
    what: str
    event: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict, hash=False)


def digest(changes: Sequence[Change]) -> str:
    """Return what stands for these changes: the same changes give the same text."""
    content = [(one.subject, one.event, one.detail) for one in changes]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def apply(
    connection: psycopg.Connection[Any],
    vault: Vault,
    configuration: OrganizationsFile,
    *,
    by: str,
    audit: Audit,
    dry_run: bool = False,
    expected: str = "",
    uploaded: Connectors | None = None,
) -> list[Change]:
    """Create and change what the file speaks of; return each change, after writing it to the audit.

    Raises Refused with every conflict, or where the changes are not those of the digest `expected`,
    and VaultError for a wrong master key; then nothing is changed. A dry run does all of it and
    takes it back. What was `uploaded` leads no stored secret elsewhere and finishes no draft.
    """
    changes: list[Change] = []
    problems: list[Problem] = []
    with connection.transaction() as transaction:
        connection.execute(_LOCK)
        for entry in sorted(configuration.organizations, key=lambda entry: entry.slug):
            own = organization_id(entry.slug)
            with organization_scope(connection, own):
                _One(connection, vault, entry, own, by, audit, uploaded, changes, problems).match()
        if problems:
            raise Refused(*problems)
        if expected and digest(changes) != expected:
            raise Refused(Problem("upload_moved"))
        if dry_run:
            raise psycopg.Rollback(transaction)
    return changes


@dataclass(slots=True)
class _One:
    """One organization being matched to its entry."""

    connection: psycopg.Connection[Any]
    vault: Vault
    entry: OrganizationEntry
    id: UUID
    by: str
    audit: Audit
    uploaded: Connectors | None
    changes: list[Change] = field(repr=False)
    problems: list[Problem] = field(repr=False)

    def match(self) -> None:
        self._organization()
        # Opened first, so that a missing master key is found before anything rests on it.
        load_data_key(self.connection, self.vault, self.id)
        if self.entry.members is not None:
            self._members(self.entry.members)
        for book in self.entry.books or ():
            with self._at(f"books[{book.key}]"):
                self._book(book)
        if self.entry.integrations is not None:
            lock_integrations(self.connection, self.id)
            self._retire(self.entry.integrations)
            # Routes last: what gives a book's route up does so before another takes it.
            for entry in sorted(self.entry.integrations, key=lambda one: one.route is not False):
                with self._at(f"integrations[{entry.key}]"):
                    self._integration(entry)

    def _organization(self) -> None:
        entry, old = self.entry, read_organization(self.connection, self.id)
        new = replace(
            old or Organization(self.id, entry.slug, entry.name),
            name=entry.name,
            **_given(entry, "language", "allowed_networks", "closed_periods"),
        )
        if entry.excluded_features is not None:
            new = with_features(new, {one.feature: one.why for one in entry.excluded_features})
        if "declaration" in entry.model_fields_set:
            new = replace(new, declaration=_stored_declaration(entry.declaration))
        if "force_approval_above" in entry.model_fields_set:
            new = replace(new, force_approval_above=entry.force_approval_above)
        if save_organization(self.connection, new):
            self._note("organization", entry.slug, fields_of(old), fields_of(new))
            if old is not None:
                follow_organization(self.connection, old, new, actor=self.by)

    def _members(self, entries: tuple[MemberEntry, ...]) -> None:
        old = {member.subject: member.role for member in list_members(self.connection, self.id)}
        wanted = {entry.subject: entry.role for entry in entries}
        for subject in sorted(old.keys() - wanted.keys()):
            remove_member(self.connection, self.id, subject)
            self._write("member.removed", f"member {subject}", "removed", {"role": old[subject]})
        for subject, role in wanted.items():
            if save_member(self.connection, self.id, subject, role):
                before = {"role": old[subject]} if subject in old else {}
                self._note("member", subject, before, {"role": role})

    def _book(self, entry: BookEntry) -> None:
        old = get_book(self.connection, self.id, entry.key)
        new = replace(
            old or Book(book_id(self.id, entry.key), self.id, entry.key, "", ""),
            name=entry.name,
            currency=entry.currency,
            **_given(
                entry, "year_start_month", "number_prefix", "number_start", "rounding_account"
            ),
        )
        if "closed_through" in entry.model_fields_set:
            new = replace(new, closed_through=entry.closed_through)
        if save_book(self.connection, new):
            self._note("book", entry.key, fields_of(old), fields_of(new))

    def _retire(self, entries: tuple[IntegrationEntry, ...]) -> None:
        """Switch off what the file does not name; it gives up a book that the file routes anew."""
        kept = {entry.key for entry in entries}
        routed = {entry.book for entry in entries if entry.route is not False}
        for old in list_integrations(self.connection, self.id):
            if old.key not in kept:
                is_route = old.is_route and old.book.key not in routed
                new = replace(old, enabled=False, is_route=is_route)
                if save_integration(self.connection, new):
                    self._note("integration", old.key, _described(old), _described(new))

    def _integration(self, entry: IntegrationEntry) -> None:
        book = get_book(self.connection, self.id, entry.book)
        if book is None:
            raise Refused(Problem("book_unknown", "book", params={"book": entry.book}))
        old = get_integration(self.connection, self.id, entry.key)
        new = replace(
            old if old and not old.is_draft else _new_integration(self.id, entry, book, old),
            name=entry.name,
            type=entry.type,
            book=book,
            settings=entry.settings,
            **_given(entry, "enabled", "filters", "delivery"),
        )
        new = new if entry.route is None else replace(new, is_route=entry.route)
        if self.uploaded is not None and old is not None:
            if old.is_draft:
                raise Refused(Problem("upload_draft", "key"))
            refuse_to_lead_elsewhere(self.connection, self.uploaded, old, new)
        told = len(self.changes)
        if save_integration(self.connection, new):
            self._note("integration", entry.key, _described(old), _described(new))
            if old is not None and old.filters != new.filters:
                follow_filters(self.connection, new, actor=self.by)
        if entry.credentials is not None:
            self._credentials(entry, new.id)
        if entry.mapping is not None:
            version = save_mapping(self.connection, self.id, new.id, entry.mapping, self.by)
            if version != new.mapping_version:
                self._write(
                    "mapping.changed",
                    f"mapping of {entry.key}",
                    f"version {version}",
                    {"version": version, "before": new.mapping_version},
                )
        # What stopped it may be mended; each sync looks again before it sends anything.
        if len(self.changes) > told and clear_error(self.connection, new.id):
            subject = f"integration {entry.key}"
            self._write("integration.error_cleared", subject, "its error is cleared", {})

    def _credentials(self, entry: IntegrationEntry, integration: UUID) -> None:
        given = entry.credentials or {}
        known = {
            one.field: one.expires_at
            for one in describe_credentials(self.connection, self.id, integration)
        }
        try:
            clear = read_credentials(self.connection, self.vault, self.id, integration)
        except VaultError:
            clear = {}  # a row that cannot be opened is sealed anew, as its error message asks
        for name in sorted(known.keys() - given.keys()):
            delete_credential(self.connection, self.id, integration, name)
            subject = f"credential {entry.key}.{name}"
            self._write("credential.removed", subject, "removed", {})
        for name, credential in given.items():
            secret, expires = credential.secret.get_secret_value(), _midnight(credential.expires)
            if clear.get(name) == secret and known.get(name) == expires:
                continue
            put_credential(
                self.connection, self.vault, self.id, integration, name, secret, self.by, expires
            )
            self._write(
                "credential.set",
                f"credential {entry.key}.{name}",
                "replaced" if name in known else "set",
                {"expires": str(credential.expires or "")},
            )

    def _note(self, kind: str, key: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Write that something was created, or which of its fields changed from what to what."""
        if not old:
            event, what, names = "created", "created", sorted(new)
        else:
            names = [name for name in sorted(old | new) if old.get(name) != new.get(name)]
            event, what = "changed", f"changed: {', '.join(names)}"
        detail = {
            name: {"before": _REDACT(old.get(name, "")), "after": _REDACT(new.get(name, ""))}
            for name in names
        }
        self._write(f"{kind}.{event}", f"{kind} {key}", what, detail)

    def _write(self, event: str, subject: str, what: str, detail: dict[str, Any]) -> None:
        self.audit(self.connection, self.id, self.by, event, subject, detail)
        self.changes.append(Change(self.entry.slug, subject, what, event, detail))

    @contextmanager
    def _at(self, place: str) -> Iterator[None]:
        """Collect what is refused here, under its place in the file, and go on."""
        try:
            yield
        except Refused as error:
            place = f"organizations[{self.entry.slug}].{place}"
            for problem in error.problems:
                path = f"{place}.{problem.field}" if problem.field else place
                self.problems.append(replace(problem, field=path))


def _given(entry: Any, *names: str) -> dict[str, Any]:
    """Return the fields that the file gives; what it leaves out keeps its value."""
    return {name: getattr(entry, name) for name in names if getattr(entry, name) is not None}


def _new_integration(
    organization: UUID, entry: IntegrationEntry, book: Book, draft: Integration | None
) -> Integration:
    """Return an integration that is new here; one that was being set up keeps its mapping."""
    return Integration(
        id=integration_id(organization, entry.key),
        organization_id=organization,
        key=entry.key,
        name=entry.name,
        type=entry.type,
        enabled=True,
        is_route=True,
        settings={},
        filters=Filters(),
        delivery=Delivery(),
        mapping_version=draft.mapping_version if draft else 0,
        book=book,
    )


def _stored_declaration(declaration: DeclarationEntry | None) -> dict[str, Any]:
    if declaration is None:
        return {}
    return declaration.model_dump(mode="json", by_alias=True, exclude_none=True)


def _described(integration: Integration | None) -> dict[str, str]:
    """Return what the audit log keeps of an integration; each of its settings on its own."""
    if integration is None:
        return {}
    return as_texts(
        {
            "name": integration.name,
            "type": integration.type,
            "book": integration.book.key,
            "enabled": integration.enabled,
            "route": integration.is_route,
            "filters": stored(integration.filters),
            "delivery": stored(integration.delivery),
            **{f"settings.{name}": {name: v} for name, v in integration.settings.items()},
        }
    )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
