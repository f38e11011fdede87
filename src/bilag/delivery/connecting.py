"""The verbs for the connections of an organization (C1, C4): which there are, how each stands.

Settings and secrets that are in use are tested before they change; what changes is audited.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal
from uuid import UUID

import procrastinate
import psycopg
from pydantic import BaseModel

from bilag.connectors.interface import Connector
from bilag.connectors.redact import Redactor
from bilag.core.characters import character_problems
from bilag.core.problem import Problem, Refused
from bilag.core.texts_settings import in_language, secret_title
from bilag.delivery.connection_test import ConnectionTests, Pool
from bilag.delivery.credentials import NewSecret, refuse_unknown_secrets
from bilag.delivery.destinations import destination, left_behind
from bilag.delivery.queue import defer_sync
from bilag.delivery.set_up import usable_connector
from bilag.exports.audit import record_change
from bilag.integrations.books import list_books
from bilag.integrations.connection_tests import ConnectionTest, read_test, what_is_tried
from bilag.integrations.drafts import Draft, delete_integration, read_draft
from bilag.integrations.keys import Vault
from bilag.integrations.model import Book, Integration
from bilag.integrations.reference_data import (
    ReferenceList,
    Suggestion,
    name_of,
    read_lists,
    suggest,
)
from bilag.integrations.runtime import Runtime, note_passed_test, read_runtime
from bilag.integrations.store import (
    change_integration,
    get_integration,
    integration_states,
    list_integrations,
)
from bilag.integrations.vault import (
    CredentialDescription,
    delete_credential,
    describe_credentials,
    put_credential,
)
from bilag.tenants.scope import organization_scope

# Settings hold no secrets; one that somebody wrote there all the same stays out of the audit log.
_REDACT = Redactor()


# What follows on a sending without an answer: the voucher is looked up, the same bytes go out under
# the same key, or a person decides.
Unanswered = Literal["looked_up", "same_key", "person", "unknown"]


@dataclass(frozen=True, slots=True)
class ConnectorType:
    """A kind of accounting system: JSON schema of its settings, its secrets by field, its lists.

    `integrations` are the organization's own of this kind, each with its state.
    """

    type: str
    schema: Mapping[str, Any]
    secrets: Mapping[str, str]
    reference_kinds: tuple[str, ...]
    integrations: Sequence[tuple[Integration, str]] = ()

    @property
    def title(self) -> str:
        """Return what the system is called."""
        return str(self.schema["title"])

    @property
    def description(self) -> str:
        """Return what it is for, in one sentence."""
        return str(self.schema.get("description", ""))


@dataclass(frozen=True, slots=True)
class Connected:
    """One integration as it stands: state, masked credentials, newest test, lists that were read.

    `draft` is None once it is set up; `test_counts`: the test passed with what is in place now;
    `unanswered` says what follows on a sending without an answer, as far as settings tell.
    """

    integration: Integration
    kind: ConnectorType | None
    state: str
    runtime: Runtime
    credentials: Sequence[CredentialDescription]
    test: ConnectionTest | None
    test_counts: bool
    lists: Sequence[ReferenceList]
    draft: Draft | None
    unanswered: Unanswered


class Connecting:
    """The verbs for one organization, in the name of `actor`; each opens its own tenant scope."""

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
        self._tests = ConnectionTests(pool, connectors, vault, organization_id, actor=actor)

    def types(self, language: str = "en") -> list[ConnectorType]:
        """Return every kind of system there is, with the organization's own integrations of it."""
        with self._scope() as connection:
            found = list_integrations(connection, self._organization_id, drafts=True)
            states = integration_states(connection, self._organization_id, drafts=True)
        return [
            replace(
                connector_type(connector, language),
                integrations=[(one, states[one.key]) for one in found if one.type == name],
            )
            for name, connector in self._connectors.items()
        ]

    def books(self) -> list[Book]:
        """Return the books that an integration can post to."""
        with self._scope() as connection:
            return list_books(connection, self._organization_id)

    def describe(self, key: str, language: str = "en") -> Connected:
        """Return how one integration stands; raises LookupError for an unknown one."""
        with self._scope() as connection:
            one = self._integration(connection, key)
            own, runtime = self._organization_id, read_runtime(connection, one.id)
            if runtime is None:
                raise LookupError(f"there is no integration {key}")
            test = read_test(connection, own, one.id)
            connector = self._connectors.get(one.type)
            return Connected(
                integration=one,
                kind=connector_type(connector, language) if connector else None,
                state=_state(one, runtime),
                runtime=runtime,
                credentials=describe_credentials(connection, own, one.id),
                test=test,
                test_counts=test is not None and self._counts(connection, one, test),
                lists=read_lists(connection, own, one.id),
                draft=read_draft(connection, own, one.id),
                unanswered=self.unanswered(one),
            )

    def change(
        self,
        key: str,
        *,
        name: str,
        settings: Mapping[str, Any],
        secrets: Mapping[str, NewSecret],
        seen: Mapping[str, Any] | None = None,
        language: str = "en",
    ) -> Integration:
        """Change name and settings of an integration that is set up, and secrets with them (C5).

        Other settings or secrets are tested first; when that does not pass nothing is changed.
        Raises Refused saying what the test said, naming the stored secrets that do not go where the
        settings lead now, or when the settings are not those `seen` any more; LookupError.
        """
        with self._scope() as connection:
            one = self._integration(connection, key)
        if one.is_draft:
            raise Refused(Problem("integration_is_draft", params={"integration": one.key}))
        if seen is not None and dict(seen) != one.settings:
            raise Refused(Problem("settings_changed_meanwhile"))
        refuse_unknown_secrets(self._connectors.get(one.type), one, secrets)
        changed = replace(one, name=name, settings=self._usable(one, settings))
        before = destination(self._connectors, one)
        with self._scope() as connection:
            left_behind(connection, self._connectors, changed, before, secrets)
        report = None
        if changed.settings != one.settings or secrets:
            report = self._tests.try_with(
                one, settings=changed.settings, language=language,
                secrets={field: new.secret for field, new in secrets.items()} or None,
            )  # fmt: skip
            if not report.ok:
                said = report.problem.text(language) if report.problem else report.message
                raise Refused(Problem("settings_check_failed", params={"message": said}))

        def how(now: Integration) -> Integration:
            if now.settings != one.settings:
                raise Refused(Problem("settings_changed_meanwhile"))
            return replace(now, name=changed.name, settings=changed.settings)

        with self._scope() as connection:
            _, new = change_integration(connection, self._organization_id, key, how)
            if changes := differing(one, new):
                self._note(connection, "integration.changed", one, **changes)
            # with other settings the credential before it might go astray
            kept = changed.settings == one.settings
            left = left_behind(connection, self._connectors, changed, before, secrets)
            self._remove(connection, one, left)
            self._seal(connection, one, secrets, tested=True, keep_old=kept)
            if report is not None:
                note_passed_test(
                    connection, one.id, report.company_id, report.company_name,
                    look_up_proven=report.look_up_proven,
                )  # fmt: skip
        if report is not None:
            self._wake(new)
        return new

    def delete(self, key: str) -> None:
        """Delete a draft, or an integration through which nothing was done yet.

        Raises Refused once there is history, LookupError for an unknown one.
        """
        with self._scope() as connection:
            one = self._integration(connection, key)
            delete_integration(connection, self._organization_id, one.id)
            self._note(connection, "integration.deleted", one, type=one.type, book=one.book.key)

    def suggest(self, key: str, kind: str, text: str) -> list[Suggestion]:
        """Return at most 20 entries of a list for what is typed; raises LookupError."""
        with self._scope() as connection:
            one = self._integration(connection, key)
            return suggest(connection, self._organization_id, one.id, kind, text)

    def name_of(self, key: str, kind: str, code: str) -> str | None:
        """Return the name of a code, None when the system did not list it; raises LookupError."""
        with self._scope() as connection:
            one = self._integration(connection, key)
            return name_of(connection, self._organization_id, one.id, kind, code)

    def _counts(
        self, connection: psycopg.Connection[Any], one: Integration, test: ConnectionTest
    ) -> bool:
        return test.passed and test.tried == what_is_tried(connection, one)

    def unanswered(self, one: Integration) -> Unanswered:
        """Return what follows on a sending without an answer, as far as its settings tell."""
        try:
            connector, settings = usable_connector(self._connectors, one)
        except Refused:
            return "unknown"
        promised = connector.capabilities(settings)
        if promised.can_look_up and one.delivery.look_up:
            return "looked_up"
        return "same_key" if promised.honours_key else "person"

    def _usable(self, one: Integration, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings as they are stored; raises Refused naming each that cannot be used."""
        refuse_characters(settings)
        try:
            _, read = usable_connector(self._connectors, replace(one, settings=dict(settings)))
        except Refused as refused:
            # the first says only that they cannot be used; the others say why
            raise Refused(*(refused.problems[1:] or refused.problems)) from None
        stored: dict[str, Any] = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return stored

    def _seal(
        self,
        connection: psycopg.Connection[Any],
        one: Integration,
        secrets: Mapping[str, NewSecret],
        *,
        tested: bool = False,
        keep_old: bool = False,
    ) -> None:
        for field, new in sorted(secrets.items()):
            put_credential(
                connection, self._vault, self._organization_id, one.id, field, new.secret,
                self._actor, new.expires_at, keep_old=keep_old,
            )  # fmt: skip
            expires = new.expires_at.date().isoformat() if new.expires_at else ""
            record_change(
                connection, self._organization_id, self._actor, "credential.set",
                f"credential {one.key}.{field}", {"expires": expires, "tested": tested},
            )  # fmt: skip

    def _remove(
        self, connection: psycopg.Connection[Any], one: Integration, fields: Sequence[str]
    ) -> None:
        for field in fields:
            delete_credential(connection, self._organization_id, one.id, field)
            record_change(
                connection, self._organization_id, self._actor, "credential.removed",
                f"credential {one.key}.{field}", {},
            )  # fmt: skip

    def _integration(self, connection: psycopg.Connection[Any], key: str) -> Integration:
        found = get_integration(connection, self._organization_id, key)
        if found is None:
            raise LookupError(f"there is no integration {key}")
        return found

    def _wake(self, one: Integration) -> None:
        if one.enabled and one.is_route and one.delivery.trigger == "on_approval":
            defer_sync(
                self._queue, self._organization_id, one.id, trigger="approval", actor=self._actor
            )

    def _note(
        self, connection: psycopg.Connection[Any], event: str, one: Integration, **detail: Any
    ) -> None:
        subject = f"integration {one.key}"
        record_change(connection, self._organization_id, self._actor, event, subject, detail)

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection


def connector_type(connector: Connector[Any], language: str = "en") -> ConnectorType:
    """Return what may be known of a kind of system without asking it, in `nb`, `nn` or `en`."""
    return ConnectorType(
        connector.type,
        _schema(connector.settings_type, language),  # type: ignore[arg-type]  # a class is hashable
        {field: secret_title(field, language) for field in connector.secret_fields},
        connector.reference_kinds,
    )


@cache
def _schema(settings_type: type[BaseModel], language: str) -> Mapping[str, Any]:
    said: Mapping[str, Any] = _said(settings_type.model_json_schema(by_alias=True), language)
    return said


def _said(part: Any, language: str) -> Any:
    """Return a part of a schema with its titles, descriptions and labels in a language."""
    if isinstance(part, list):
        return [_said(one, language) for one in part]
    if not isinstance(part, dict):
        return part
    found = {name: _said(one, language) for name, one in part.items()}
    for name in ("title", "description"):
        if isinstance(found.get(name), str):
            found[name] = in_language(found[name], language)
    if "x-labels" in found:
        labels = found["x-labels"].items()
        found["x-labels"] = {value: in_language(text, language) for value, text in labels}
    return found


def _state(one: Integration, runtime: Runtime) -> str:
    if one.is_draft:
        return "draft"
    if not one.enabled:
        return "disabled"
    return "error" if runtime.error_since is not None else "active"


def refuse_characters(settings: Mapping[str, Any]) -> None:
    """Refuse settings with a text or key that holds a control character, naming each place."""
    if problems := tuple(character_problems(settings, "settings")):
        raise Refused(*problems)


def differing(old: Integration, new: Integration) -> dict[str, Any]:
    """Return name and settings that differ, as the audit log keeps them, the same as `apply`."""
    before, after = _described(old), _described(new)
    return {
        name: {"before": before.get(name, ""), "after": after.get(name, "")}
        for name in sorted(before | after)
        if before.get(name) != after.get(name)
    }


def _described(one: Integration) -> dict[str, str]:
    values = {"name": one.name} | {f"settings.{k}": {k: v} for k, v in one.settings.items()}
    return {name: _REDACT(json.dumps(value, sort_keys=True)) for name, value in values.items()}
