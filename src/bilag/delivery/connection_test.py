"""Tests the way to an accounting system, and reads its lists of accounts and cost centres (C3).

Nothing is written there. The newest test and the lists are kept; a pass ends an error.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool

from bilag.connectors.http import ExchangeError
from bilag.connectors.interface import Connector, Session
from bilag.core.clock import utc_now
from bilag.core.outcome import ConnectionReport, ReferenceItem
from bilag.core.problem import Problem, Refused
from bilag.delivery.sessions import Sessions
from bilag.delivery.set_up import compile_loaded, set_up
from bilag.delivery.sync import prepare_connection
from bilag.delivery.try_out import other_company, try_out
from bilag.exports.audit import record_change_async
from bilag.exports.status import export_page
from bilag.integrations import runtime
from bilag.integrations.connection_tests import report_as_json, save_test, what_is_tried
from bilag.integrations.drafts import read_draft
from bilag.integrations.keys import Vault
from bilag.integrations.model import Integration
from bilag.integrations.reference_data import ITEMS_MAX, keep_list
from bilag.integrations.store import LoadedIntegration, get_integration, load_integration_async
from bilag.tenants.scope import organization_scope, organization_scope_async

Pool = ConnectionPool[psycopg.Connection[Any]]
T = TypeVar("T")
Work = Callable[[psycopg.AsyncConnection[Any]], Awaitable[T]]

# Failure policy: whatever the target does, a test is given up after so many seconds; a connector
# ends its own check after 7. The lists get what is left of their time after the check, so that a
# person waits 10 seconds at most; a list that is not there by then fails nothing.
TEST_SECONDS_MAX = 9.0
LISTED_WITHIN_SECONDS = 6.0
# What a test reads at once; the others are read when somebody asks for them.
FIRST_KINDS = ("accounts", "cost_centres")
# The newest vouchers prove the look-up: one that was deleted there by hand must not keep a
# credential from being replaced, and one found is proof. Some systems search a month back only.
KNOWN_MAX = 3
KNOWN_WITHIN = timedelta(days=30)
# Failure policy: of the threads that answer people at most so many wait for other systems; who
# finds no place within the time below is told to try again.
AT_ONCE_MAX = 4
PLACE_SECONDS_MAX = 1.0
_places = threading.BoundedSemaphore(AT_ONCE_MAX)


@dataclass(frozen=True, slots=True)
class Listed:
    """Master data of one kind, at most ITEMS_MAX items, or the problem that it could not be had."""

    kind: str
    items: Sequence[ReferenceItem] = ()
    more: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test found: the report, what is wrong and what to do, the lists that were read.

    `cleared` says that it ended the error which had stopped the integration.
    """

    report: ConnectionReport
    problems: tuple[Problem, ...] = ()
    cleared: bool = False
    listed: Sequence[Listed] = field(default_factory=list)

    def said(self, language: str) -> str:
        """Return in one text what works, or what is wrong and what to do."""
        if self.problems:
            return Refused(*self.problems).text(language)
        return self.report.message


class ConnectionTests:
    """The tests of one organization's integrations, in the name of `actor`."""

    def __init__(
        self,
        pool: Pool,
        connectors: Mapping[str, Connector[Any]],
        vault: Vault,
        organization_id: UUID,
        *,
        actor: str,
    ) -> None:
        self._pool = pool
        self._connectors = connectors
        self._vault = vault
        self._organization_id = organization_id
        self._actor = actor

    def test(self, key: str) -> Tested:
        """Test an integration as it is, keep what was found, and read accounts and cost centres.

        Ends within 10 seconds. A pass remembers the company and the proof of the look-up; for a
        draft that waits until it is turned on. Raises LookupError for an unknown integration,
        Refused while too many tests are under way, or while a draft is not saved completely.
        """
        with self._scope() as connection:
            integration = self._integration(connection, key)
            tried = what_is_tried(connection, integration)
            known = _known_references(connection, integration)
        try:
            tested = self._bounded(lambda c: self._test(c, integration, known))
        except TimeoutError:
            tested = _too_late()
        with self._scope() as connection:
            save_test(
                connection, integration, tried, report_as_json(tested.report, tested.problems),
                self._actor, passed=tested.report.ok,
            )  # fmt: skip
            self._keep(connection, integration, tested.listed)
        return tested

    def refresh(self, key: str) -> list[Listed]:
        """Read all lists anew; of one that cannot be had, the one that is kept stays.

        Raises LookupError for an unknown integration, Refused when it cannot be asked at all.
        """
        with self._scope() as connection:
            integration = self._integration(connection, key)
        try:
            listed = self._bounded(lambda c: self._list(c, integration))
        except TimeoutError:
            raise Refused(Problem("connection_test_late")) from None
        with self._scope() as connection:
            self._keep(connection, integration, listed)
        return listed

    def try_with(
        self,
        integration: Integration,
        *,
        settings: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        language: str = "en",
    ) -> ConnectionReport:
        """Test what an integration would be with other settings or secrets; keeps nothing.

        Raises Refused while too many tests are under way.
        """
        with self._scope() as connection:
            known = _known_references(connection, integration)

        def change(loaded: LoadedIntegration) -> LoadedIntegration:
            if settings is None:
                return loaded
            return replace(loaded, integration=replace(loaded.integration, settings=dict(settings)))

        try:
            return self._bounded(
                lambda c: try_out(
                    c, self._connectors, self._vault, self._organization_id, integration.id,
                    known_references=known, secrets=secrets, change=change, language=language,
                )
            )  # fmt: skip
        except TimeoutError:
            return _too_late().report

    async def _test(
        self,
        connection: psycopg.AsyncConnection[Any],
        integration: Integration,
        known: tuple[str, ...],
    ) -> Tested:
        until = time.monotonic() + LISTED_WITHIN_SECONDS
        async with organization_scope_async(connection, self._organization_id):
            loaded = await load_integration_async(connection, integration.id)
            if loaded is None:
                raise LookupError(f"there is no integration {integration.key}")
            try:
                ready = await set_up(connection, self._connectors, self._vault, loaded)
                if not integration.is_draft:
                    compile_loaded(loaded, carries_vat=ready.capabilities.carries_vat)
            except Refused as refused:
                return Tested(ConnectionReport(False, refused.text()), refused.problems)
        sessions = Sessions()
        try:
            session = await sessions.get(loaded, ready.settings, ready.secrets)
            report = await ready.connector.check(session, known)
            cleared = False
            if report.ok and not integration.is_draft:
                report, cleared = await self._note(connection, loaded, report)
            if not report.ok:
                return Tested(report, (report.problem,) if report.problem else ())
            kinds = [kind for kind in FIRST_KINDS if kind in ready.connector.reference_kinds]
            listed = await _read_lists(ready.connector, kinds, session, until)
        finally:
            await sessions.close()
        return Tested(report, (report.problem,) if report.problem else (), cleared, listed)

    async def _list(
        self, connection: psycopg.AsyncConnection[Any], integration: Integration
    ) -> list[Listed]:
        async with organization_scope_async(connection, self._organization_id):
            loaded = await load_integration_async(connection, integration.id)
            if loaded is None:
                raise LookupError(f"there is no integration {integration.key}")
            ready = await set_up(connection, self._connectors, self._vault, loaded)
        sessions = Sessions()
        try:
            session = await sessions.get(loaded, ready.settings, ready.secrets)
            until = time.monotonic() + LISTED_WITHIN_SECONDS
            kinds = ready.connector.reference_kinds
            return await _read_lists(ready.connector, kinds, session, until)
        finally:
            await sessions.close()

    async def _note(
        self,
        connection: psycopg.AsyncConnection[Any],
        loaded: LoadedIntegration,
        report: ConnectionReport,
    ) -> tuple[ConnectionReport, bool]:
        """Remember company and proof; a company other than remembered keeps it stopped (C3)."""
        integration = loaded.integration
        async with organization_scope_async(connection, self._organization_id):
            if report.company_id and not await runtime.remember_company(
                connection, integration.id, report.company_id, report.company_name
            ):
                return other_company(loaded.runtime, report), False
            if report.look_up_proven:
                await runtime.prove_look_up(connection, integration.id)
            cleared = await runtime.clear_error_async(connection, integration.id)
            if cleared:
                await record_change_async(
                    connection, self._organization_id, self._actor, "integration.error_cleared",
                    f"integration {integration.key}", {"check": report.message},
                )  # fmt: skip
        return report, cleared

    def _bounded(self, work: Work[T]) -> T:
        """Run on a connection of its own, given up after TEST_SECONDS_MAX (TimeoutError)."""
        if not _places.acquire(timeout=PLACE_SECONDS_MAX):
            raise Refused(Problem("connection_tests_busy"))
        try:
            return asyncio.run(asyncio.wait_for(self._connected(work), TEST_SECONDS_MAX))
        finally:
            _places.release()

    async def _connected(self, work: Work[T]) -> T:
        address = str(self._pool.conninfo)
        async with await psycopg.AsyncConnection.connect(address) as connection:
            await prepare_connection(connection)
            return await work(connection)

    def _keep(
        self,
        connection: psycopg.Connection[Any],
        integration: Integration,
        listed: Sequence[Listed],
    ) -> None:
        for one in listed:
            if one.problem is None:
                keep_list(
                    connection, self._organization_id, integration.id, one.kind, one.items,
                    more=one.more,
                )  # fmt: skip

    def _integration(self, connection: psycopg.Connection[Any], key: str) -> Integration:
        found = get_integration(connection, self._organization_id, key)
        if found is None:
            raise LookupError(f"there is no integration {key}")
        draft = read_draft(connection, self._organization_id, found.id)
        if draft is not None and draft.entered:
            # its secrets may have been typed for what was entered, not for what is saved
            raise Refused(Problem("draft_not_entered"))
        return found

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection


async def _read_lists(
    connector: Connector[Any], kinds: Sequence[str], session: Session[Any], until: float
) -> list[Listed]:
    reading = (_read_list(connector, kind, session, until) for kind in kinds)
    return list(await asyncio.gather(*reading))


async def _read_list(
    connector: Connector[Any], kind: str, session: Session[Any], until: float
) -> Listed:
    items: list[ReferenceItem] = []
    try:
        async with asyncio.timeout(until - time.monotonic()):
            async for item in connector.reference_data(kind, session):
                if len(items) == ITEMS_MAX:
                    return Listed(kind, items, more=True)
                items.append(item)
    except TimeoutError:
        return Listed(kind, problem=Problem("connector.list_late"))
    except Refused as refused:
        return Listed(kind, problem=refused.problems[0])
    except (ExchangeError, ValueError) as error:
        params = {"reason": str(error)[:300]}
        return Listed(kind, problem=Problem("connector.list_unread", params=params))
    return Listed(kind, items)


def _known_references(
    connection: psycopg.Connection[Any], integration: Integration
) -> tuple[str, ...]:
    """Return vouchers of which one must be found there, newest first; a draft has sent none."""
    if integration.is_draft:
        return ()
    newest = export_page(
        connection, state="exported", integration_id=integration.id, limit=KNOWN_MAX
    )
    since = utc_now() - KNOWN_WITHIN
    return tuple(one.reference for one in newest if one.exported_at and one.exported_at > since)


def _too_late() -> Tested:
    late = Problem("connection_test_late")
    return Tested(ConnectionReport(False, late.text(), problem=late), (late,))
