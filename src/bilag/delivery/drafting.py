"""The verbs by which an integration is set up (C2, C4): begun as a draft, tested, turned on.

A draft keeps what was entered for whoever goes on with it; nothing of it is ever sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg

from bilag.core.problem import Problem, Refused
from bilag.delivery.connecting import Connecting, differing, refuse_characters
from bilag.delivery.credentials import NewSecret, refuse_unknown_secrets
from bilag.delivery.destinations import Destination, destination, left_behind
from bilag.delivery.set_up import compile_now
from bilag.exports.audit import record_change
from bilag.integrations.books import get_book, save_book
from bilag.integrations.connection_tests import read_test
from bilag.integrations.drafts import begin_draft, change_draft, read_draft
from bilag.integrations.model import (
    Book,
    Delivery,
    Filters,
    Integration,
    book_id,
    integration_id,
)
from bilag.integrations.runtime import note_passed_test
from bilag.integrations.start import NewBook, NewIntegration
from bilag.integrations.store import (
    get_integration,
    list_integrations,
    lock_integrations,
    save_integration,
)
from bilag.integrations.vault import describe_credentials


class Drafting(Connecting):
    """The verbs for one organization, in the name of `actor`; each opens its own tenant scope."""

    def start(self, new: NewIntegration) -> Integration:
        """Begin to set an integration up: a draft, with its book; nothing of it is ever sent.

        Raises Refused when the type is unknown, the key taken, or the book not there (or there).
        """
        if new.type not in self._connectors:
            params = {"type": new.type, "known": ", ".join(sorted(self._connectors))}
            raise Refused(Problem("connector_unknown", "type", params=params))
        with self._scope() as connection:
            if get_integration(connection, self._organization_id, new.key) is not None:
                raise Refused(Problem("integration_key_taken", "key", params={"key": new.key}))
            book = self._book(connection, new.book, new.new_book)
            draft = Integration(
                id=integration_id(self._organization_id, new.key),
                organization_id=self._organization_id,
                key=new.key,
                name=new.name,
                type=new.type,
                enabled=False,
                is_route=False,
                settings={},
                filters=Filters(),
                delivery=Delivery(),
                mapping_version=0,
                book=book,
                is_draft=True,
            )
            save_integration(connection, draft)
            made = new.new_book is not None
            if not begin_draft(
                connection, self._organization_id, draft.id, self._actor, made_book=made
            ):
                raise Refused(Problem("integration_key_taken", "key", params={"key": new.key}))
            self._note(connection, "integration.started", draft, type=new.type, book=book.key)
        return draft

    def rename(
        self, key: str, name: str, book: str | NewBook, version: int | None = None
    ) -> Integration:
        """Give a draft another name or book; raises Refused for one that is set up already."""
        with self._scope() as connection:
            one = self._draft(connection, key)
            existing, new = (book, None) if isinstance(book, str) else (None, book)
            chosen = self._book(connection, existing, new)
            change_draft(
                connection, self._organization_id, one.id, self._actor, version=version,
                made_book=new is not None,
            )  # fmt: skip
            changed = replace(one, name=name, book=chosen)
            if save_integration(connection, changed):
                self._note(connection, "integration.changed", one, name=name, book=chosen.key)
        return changed

    def keep(
        self,
        key: str,
        entered: Mapping[str, Any],
        secrets: Mapping[str, NewSecret],
        version: int | None = None,
    ) -> None:
        """Keep what was entered of a draft's settings though it cannot be used yet; seal secrets.

        Raises Refused as `save` does, but for settings that are incomplete.
        """
        refuse_characters(entered)
        with self._scope() as connection:
            one = self._draft(connection, key)
            refuse_unknown_secrets(self._connectors.get(one.type), one, secrets)
            before = self._destination(connection, one)
            change_draft(
                connection, self._organization_id, one.id, self._actor, version=version,
                entered=dict(entered),
            )  # fmt: skip
            left = left_behind(connection, self._connectors, one, before, secrets, entered)
            self._remove(connection, one, left)
            self._seal(connection, one, secrets)

    def save(
        self,
        key: str,
        settings: Mapping[str, Any],
        secrets: Mapping[str, NewSecret],
        version: int | None = None,
    ) -> Integration:
        """Save settings and credentials of a draft; it is tested in a step of its own.

        Raises Refused naming each setting that cannot be used and each stored secret that does not
        go where they lead, or when somebody else has changed the draft since `version`; then
        nothing is saved.
        """
        with self._scope() as connection:
            one = self._draft(connection, key)
            refuse_unknown_secrets(self._connectors.get(one.type), one, secrets)
            changed = replace(one, settings=self._usable(one, settings))
            before = self._destination(connection, one)
            change_draft(
                connection, self._organization_id, one.id, self._actor, version=version, entered={}
            )
            if save_integration(connection, changed):
                self._note(connection, "integration.changed", one, **differing(one, changed))
            left = left_behind(connection, self._connectors, changed, before, secrets)
            self._remove(connection, one, left)
            self._seal(connection, one, secrets)
        return changed

    def missing(self, key: str) -> list[tuple[str, Problem]]:
        """Return what a draft lacks before it can be turned on, each with the step it belongs to.

        Raises LookupError for an unknown integration.
        """
        with self._scope() as connection:
            return list(self._missing(connection, self._integration(connection, key)))

    def route_of(self, one: Integration) -> Integration | None:
        """Return the other integration that delivers to the same book now, if there is one."""
        with self._scope() as connection:
            return self._other_route(connection, one)

    def turn_on(self, key: str, *, take_over: bool = False) -> Integration:
        """Turn a draft on: it delivers its book's claims from now on, as its schedule says.

        With `take_over` the integration that did so keeps what it has, and gets nothing new. Raises
        Refused with all that is missing, or when the book is another's route; LookupError.
        """
        with self._scope() as connection:
            lock_integrations(connection, self._organization_id)  # the one it takes over from, too
            one = self._draft(connection, key)
            missing = [problem for _, problem in self._missing(connection, one)]
            if missing:
                raise Refused(*missing)
            other = self._other_route(connection, one)
            if other is not None and take_over:
                save_integration(connection, replace(other, is_route=False))
                self._note(connection, "integration.changed", other, route="", replacedBy=one.key)
            test = read_test(connection, self._organization_id, one.id)
            on = replace(one, is_draft=False, enabled=True, is_route=True)
            save_integration(connection, on)
            if test is not None:
                note_passed_test(
                    connection, one.id, test.company_id, test.company_name,
                    look_up_proven=test.look_up_proven,
                )  # fmt: skip
            company = f"{test.company_id} {test.company_name}".strip() if test else ""
            self._note(connection, "integration.turned_on", one, company=company)
        self._wake(on)
        return on

    def _missing(
        self, connection: psycopg.Connection[Any], one: Integration
    ) -> Iterator[tuple[str, Problem]]:
        try:
            self._usable(one, one.settings)
        except Refused as refused:
            yield from (("credentials", problem) for problem in refused.problems)
            return
        draft = read_draft(connection, self._organization_id, one.id)
        credentials = describe_credentials(connection, self._organization_id, one.id)
        if draft and (draft.entered or not (one.settings or credentials)):
            yield "credentials", Problem("draft_not_entered")
        test = read_test(connection, self._organization_id, one.id)
        if test is None or not self._counts(connection, one, test):
            yield "test", Problem("draft_not_tested")
        if one.mapping_version == 0:
            yield "fields", Problem("draft_without_mapping")
            return
        try:
            compile_now(connection, self._connectors, one)
        except Refused as refused:
            yield from (("fields", problem) for problem in refused.problems)

    def _other_route(
        self, connection: psycopg.Connection[Any], one: Integration
    ) -> Integration | None:
        routes = list_integrations(connection, self._organization_id)
        there = (r for r in routes if r.is_route and r.book.id == one.book.id and r.id != one.id)
        return next(there, None)

    def _book(
        self, connection: psycopg.Connection[Any], key: str | None, new: NewBook | None
    ) -> Book:
        if new is None:
            found = get_book(connection, self._organization_id, key or "")
            if found is None:
                raise Refused(Problem("book_unknown", "book", params={"book": key or ""}))
            return found
        if get_book(connection, self._organization_id, new.key) is not None:
            raise Refused(Problem("book_key_taken", "newBook.key", params={"key": new.key}))
        own = self._organization_id
        book = Book(book_id(own, new.key), own, **new.model_dump())
        save_book(connection, book)
        detail = new.model_dump(mode="json", by_alias=True, exclude={"key"})
        record_change(connection, own, self._actor, "book.created", f"book {new.key}", detail)
        return book

    def _destination(self, connection: psycopg.Connection[Any], one: Integration) -> Destination:
        """Return where the secrets of a draft were meant to go: by what was entered last."""
        draft = read_draft(connection, self._organization_id, one.id)
        return destination(self._connectors, one, draft.entered if draft else None)

    def _draft(self, connection: psycopg.Connection[Any], key: str) -> Integration:
        """Return a draft that nobody else can change or turn on meanwhile."""
        (found,) = lock_integrations(connection, self._organization_id, key)
        if not found.is_draft:
            raise Refused(Problem("integration_is_set_up", params={"integration": found.key}))
        return found
