"""What an organization decides for all of its claims: features, the declaration, closed periods.

C7, I8, E15. Each change is written to the audit log, and what waited for it is let go on.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
from psycopg_pool import ConnectionPool
from pydantic.alias_generators import to_camel

from bilag.core.clock import utc_now
from bilag.core.problem import Problem, Refused
from bilag.core.record import CATEGORIES
from bilag.delivery.queue import defer_sync
from bilag.exports.audit import record_change
from bilag.exports.decide import release
from bilag.exports.waiting import HeldClaim, count_held, held_claims
from bilag.integrations.books import list_books
from bilag.integrations.mapped_types import mapped_types
from bilag.integrations.model import Book
from bilag.integrations.runtime import stop_running_sync
from bilag.integrations.store import list_integrations
from bilag.mapping.dates import TIME_ZONE
from bilag.records.elsewhere import feature_key
from bilag.tenants.organizations import Organization, change_organization, read_organization
from bilag.tenants.scope import organization_scope

Pool = ConnectionPool[psycopg.Connection[Any]]

POLICIES = ("stop", "first_open_day", "ask")
# What holds an honorarium because of the declaration, and a claim because of a closed period.
DECLARATION_CODES = ("declaration_not_signed_off", "declaration_missing", "declaration_version")
PERIOD_CODES = ("period_closed", "period_closed_moves", "period_closed_ask", "period_closed_wait")
ASKING_CODES = ("period_closed_ask", "period_closed_wait")
_SIGNED = ("templateId", "version", "signedOffBy", "signedOffAt", "text")


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that the app could send: a record category, an expense type, or another name."""

    name: str
    kind: str
    excluded: bool
    why: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """The declaration as it was signed off, or without one; `waiting` counts held honoraria."""

    template_id: str
    version: str
    signed_off_by: str
    signed_off_at: str
    text: str
    waiting: int
    without_evidence: int

    @property
    def is_signed(self) -> bool:
        """Return whether honoraria may be posted at all."""
        return bool(self.template_id)


@dataclass(frozen=True, slots=True)
class ClosedBook:
    """A book with what waits for a day of it to be opened, by reason."""

    book: Book
    waiting: Mapping[str, int]


class OrganizationSettings:
    """The settings of one organization, changed in the name of `actor`."""

    def __init__(
        self, pool: Pool, queue: procrastinate.App, organization_id: UUID, *, actor: str
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._organization_id = organization_id
        self._actor = actor

    # -- features (C7) ---------------------------------------------------------------------------

    def features(self) -> list[Feature]:
        """Return what is excluded, and the categories and expense types that could be."""
        with self._scope() as connection:
            organization = self._organization(connection)
            kinds = dict.fromkeys(CATEGORIES, "category")
            for name in mapped_types(connection, self._organization_id):
                kinds.setdefault(feature_key(name), "type")
        excluded = set(organization.excluded_features)
        for name in sorted(excluded):
            kinds.setdefault(name, "other")
        reasons = organization.feature_reasons
        return [
            Feature(name, kind, name in excluded, reasons.get(name, ""))
            for name, kind in kinds.items()
        ]

    def set_features(self, excluded: Mapping[str, str]) -> None:
        """Exclude these features, each with why, and no others; raises Refused for no name."""
        wanted = {feature_key(name): why for name, why in excluded.items()}
        self._change(lambda old: with_features(old, wanted))

    def exclude_feature(self, name: str, why: str = "") -> str:
        """Refuse records of this feature from now on; returns its key. Raises Refused."""
        key = feature_key(name)
        self._change(lambda old: with_features(old, {**_features_of(old), key: why}))
        return key

    def include_feature(self, name: str) -> None:
        """Take records of this feature again; what was refused meanwhile the app sends anew."""
        key = feature_key(name)
        self._change(
            lambda old: with_features(
                old, {one: why for one, why in _features_of(old).items() if one != key}
            )
        )

    # -- the declaration (I8) --------------------------------------------------------------------

    def declaration(self) -> SignOff:
        """Return the recorded sign-off of the confidentiality declaration, and what waits."""
        with self._scope() as connection:
            stored = self._organization(connection).declaration
            held = count_held(connection, DECLARATION_CODES)
        by_code = dict.fromkeys(DECLARATION_CODES, 0)
        for (_, code), count in held.items():
            by_code[code] += count
        kept = {name: str(stored.get(name, "")) for name in _SIGNED}
        return SignOff(
            template_id=kept["templateId"],
            version=kept["version"],
            signed_off_by=kept["signedOffBy"],
            signed_off_at=kept["signedOffAt"],
            text=kept["text"],
            waiting=by_code["declaration_not_signed_off"],
            without_evidence=by_code["declaration_missing"] + by_code["declaration_version"],
        )

    def sign_off(
        self, *, template_id: str, version: str, signed_off_by: str, signed_off_at: date,
        text: str = "",
    ) -> None:  # fmt: skip
        """Record the organization's written sign-off; held honoraria are tried again.

        Raises Refused for a day that has not come yet.
        """
        if signed_off_at > utc_now().astimezone(TIME_ZONE).date():
            raise Refused(Problem("sign_off_in_future", "signedOffAt"))
        declaration = {
            "templateId": template_id,
            "version": version,
            "signedOffBy": signed_off_by,
            "signedOffAt": signed_off_at.isoformat(),
            **({"text": text} if text else {}),
        }
        self._change(lambda old: replace(old, declaration=declaration))

    def withdraw_sign_off(self, reason: str) -> None:
        """Take the sign-off back: honoraria are held from now on, with the reason in the log."""
        self._change(lambda old: replace(old, declaration={}), reason)

    # -- closed periods (E15) --------------------------------------------------------------------

    def closed_periods(self) -> tuple[str, list[ClosedBook]]:
        """Return the policy, and each book with what waits for one of its days."""
        with self._scope() as connection:
            policy = self._organization(connection).closed_periods
            books = list_books(connection, self._organization_id)
            held = count_held(connection, PERIOD_CODES)
        return policy, [
            ClosedBook(book, {code: n for (own, code), n in sorted(held.items()) if own == book.id})
            for book in books
        ]

    def asking(self, after: int = 0, limit: int = 50) -> list[HeldClaim]:
        """Return claims in a closed period that a person decides about, oldest first."""
        with self._scope() as connection:
            return held_claims(connection, ASKING_CODES, after=after, limit=limit)

    def set_period_policy(self, policy: str) -> None:
        """Say what happens to claims in a closed period; what waits follows with the next sync.

        Raises ValueError for an unknown policy.
        """
        if policy not in POLICIES:
            raise ValueError(f"a policy is one of {', '.join(POLICIES)}, not {policy}")
        self._change(lambda old: replace(old, closed_periods=policy))

    def _organization(self, connection: psycopg.Connection[Any]) -> Organization:
        found = read_organization(connection, self._organization_id)
        if found is None:
            raise LookupError(f"organization {self._organization_id} is not the one of the scope")
        return found

    def _change(self, how: Callable[[Organization], Organization], reason: str = "") -> None:
        with self._scope() as connection:
            old, new = change_organization(connection, self._organization_id, how)
            if old == new:
                return
            before, after = fields_of(old), fields_of(new)
            detail: dict[str, Any] = {
                name: {"before": before[name], "after": after[name]}
                for name in before
                if before[name] != after[name]
            }
            record_change(
                connection, self._organization_id, self._actor, "organization.changed",
                f"organization {old.slug}", {**detail, "reason": reason} if reason else detail,
            )  # fmt: skip
            follow_organization(connection, old, new, actor=self._actor)
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


def follow_organization(
    connection: psycopg.Connection[Any], old: Organization, new: Organization, *, actor: str
) -> None:
    """Let a changed declaration or policy take effect: syncs that go by the old one stop.

    What was held because of the declaration is tried again. The caller has stored the change in
    this transaction.
    """
    if (old.declaration, old.closed_periods) == (new.declaration, new.closed_periods):
        return
    for one in list_integrations(connection, new.id):
        stop_running_sync(connection, one.id)
        if old.declaration != new.declaration:
            release(
                connection, new.id, actor=actor, integration_id=one.id, from_state="held",
                reasons=DECLARATION_CODES,
            )  # fmt: skip


def with_features(organization: Organization, excluded: Mapping[str, str]) -> Organization:
    """Return the organization with these features excluded, each with its reason or ""."""
    return replace(
        organization,
        excluded_features=list(excluded),
        feature_reasons={name: why for name, why in excluded.items() if why},
    )


def _features_of(organization: Organization) -> dict[str, str]:
    reasons = organization.feature_reasons
    return {name: reasons.get(name, "") for name in organization.excluded_features}


def fields_of(row: Organization | Book | None) -> dict[str, str]:
    """Return what the audit log keeps of an organization or a book: its fields as JSON texts."""
    if row is None:
        return {}
    hidden = ("id", "organization_id", "slug", "key")
    return as_texts({to_camel(n): value for n, value in asdict(row).items() if n not in hidden})


def as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as the audit log keeps them: JSON, with sorted keys."""
    return {name: json.dumps(values[name], sort_keys=True, default=str) for name in values}
