"""E13: reads the accounting system for our references, set by set, and notes what differs.

It reads and reports; no export changes. What was broken off is gone on with behind the last set.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import psycopg

from bilag.connectors.interface import Connector
from bilag.core.outcome import CannotTell, Found, Posted
from bilag.core.problem import Problem, Refused
from bilag.core.voucher import Voucher
from bilag.delivery.reader import Reader, reading
from bilag.exports.believed import Believed, believed, still_so
from bilag.integrations.keys import Vault
from bilag.integrations.model import Filters
from bilag.integrations.store import read_mapping_async
from bilag.mapping.dates import TIME_ZONE
from bilag.mapping.document import DocumentError, read_document
from bilag.mapping.voucher import Mapping as CompiledMapping
from bilag.mapping.voucher import compile_mapping
from bilag.monitoring.compare import Compared, Difference, compare
from bilag.monitoring.store import NewFinding, Reconciliation, advance, finish, next_open
from bilag.tenants.scope import organization_scope_async

# Failure policy: what could not be looked up is asked for once more after this; then it is a
# finding that decides nothing. A full set of which nothing can be told ends the reconciliation.
AGAIN_AFTER_SECONDS = 2.0

# One reconciliation of an integration at a time, in whatever process. The lock is the connection's,
# and the findings go through the same connection: who has lost the one cannot write the other.
_LOCK = "SELECT pg_try_advisory_lock(hashtext('bilag.reconcile'), hashtext(%s))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('bilag.reconcile'), hashtext(%s))"
_EVERY_CATEGORY = Filters(categories=("expense", "mileage", "honorarium", "activity"))


@dataclass(slots=True)
class Ledgers:
    """What a process needs to read accounting systems; `may_go_on` is asked before each set."""

    connectors: Mapping[str, Connector[Any]]
    vault: Vault
    may_go_on: Callable[[], bool] = field(default=lambda: True)


@asynccontextmanager
async def turn(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID
) -> AsyncIterator[bool]:
    """Take the reconciliations of an integration for this connection; False when another has them.

    The connection is in autocommit, so that the lock outlives each transaction.
    """
    row = await (await connection.execute(_LOCK, [str(integration_id)])).fetchone()
    taken = bool(row and row[0])
    try:
        yield taken
    finally:
        if taken and not connection.closed:
            await connection.execute(_UNLOCK, [str(integration_id)])


async def reconcile(
    connection: psycopg.AsyncConnection[Any],
    ledgers: Ledgers,
    organization_id: UUID,
    integration_id: UUID,
    reconciliation_id: UUID | None = None,
) -> bool:
    """Go on with the oldest open reconciliation, or the one given; False when there is none.

    The caller has the `turn`. Ends early, to be gone on with, when `may_go_on` says no.
    """
    async with organization_scope_async(connection, organization_id):
        one = await next_open(connection, integration_id, reconciliation_id)
    if one is None:
        return False
    try:
        async with reading(
            connection, ledgers.connectors, ledgers.vault, organization_id, integration_id
        ) as reader:
            run = _Run(connection, organization_id, one, reader)
            while ledgers.may_go_on():
                if not await run.next_set():
                    return True
    except Refused as refused:
        await _finish(connection, organization_id, one, refused.problems[0])
    return True


async def _finish(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    one: Reconciliation,
    problem: Problem | None = None,
) -> None:
    async with organization_scope_async(connection, organization_id):
        await finish(connection, one.id, problem.as_json() if problem else None)


class _Run:
    """One reconciliation under way: where it stands, and the mapping versions it needed so far."""

    def __init__(
        self,
        connection: psycopg.AsyncConnection[Any],
        organization_id: UUID,
        one: Reconciliation,
        reader: Reader,
    ) -> None:
        self._connection = connection
        self._organization_id = organization_id
        self._one = one
        self._reader = reader
        self._reached = one.reached
        self._proven = reader.proven
        self._compiled: dict[tuple[int, str, str], CompiledMapping | None] = {}

    async def next_set(self) -> bool:
        """Look the next set up and store its findings; False when that was the end."""
        delivery = self._reader.loaded.integration.delivery
        promised = self._reader.ready.capabilities
        rows = await believed(
            self._connection, self._organization_id, self._one.integration_id,
            after=self._reached, limit=self._reader.set_max,
            settle_seconds=max(delivery.settle_seconds, promised.settle_seconds_min),
            booked_seconds=delivery.booked_within_seconds,
            since=_begin(self._one.from_day), before=_begin(self._one.to_day, days=1),
        )  # fmt: skip
        if not rows:
            await _finish(self._connection, self._organization_id, self._one)
            return False
        found = await self._look_up(rows)
        await self._store(rows, found)
        silent = [one for one in found.values() if isinstance(one, CannotTell)]
        if len(silent) < len(found) or len(rows) < self._reader.set_max:
            return True
        params = {"count": str(len(silent)), "message": silent[-1].message}
        problem = Problem("reconcile_went_silent", params=params)
        await _finish(self._connection, self._organization_id, self._one, problem)
        return False

    async def _look_up(self, rows: Sequence[Believed]) -> Mapping[str, Found]:
        """Ask for the references of a set, and of what replaced them, twice where it is needed."""
        references = [row.reference for row in rows] + [row.beside for row in rows if row.beside]
        since = min(row.created_at for row in rows).astimezone(UTC)
        found = dict(await self._reader.look_up(list(dict.fromkeys(references)), since))
        unclear = [name for name, one in found.items() if isinstance(one, CannotTell)]
        if unclear:
            await asyncio.sleep(AGAIN_AFTER_SECONDS)
            found.update(await self._reader.look_up(unclear, since))
        # a find proves that this search finds what exists
        self._proven = self._proven or any(isinstance(one, Posted) for one in found.values())
        return found

    async def _store(self, rows: Sequence[Believed], found: Mapping[str, Found]) -> None:
        judged: list[tuple[Believed, list[Difference], Compared]] = []
        for row in rows:
            there = found[row.reference]
            expected = await self._expected(row) if isinstance(there, Posted) else None
            beside = found[row.beside] if row.beside else None
            differences, compared = compare(
                row, there, expected, beside=beside, proven=self._proven
            )
            judged.append((row, differences, compared))
        async with organization_scope_async(self._connection, self._organization_id):
            same = await still_so(self._connection, [row for row, found, _ in judged if found])
            await advance(
                self._connection, self._one.id, reached=rows[-1].id, looked_up=len(rows),
                by_lines=sum(compared == "lines" for *_, compared in judged),
                by_amount=sum(compared == "amount" for *_, compared in judged),
                new=[
                    NewFinding(row.id, one.kind, row.state, one.evidence)
                    for row, differences, _ in judged if row.id in same
                    for one in differences
                ],
            )  # fmt: skip
        self._reached = rows[-1].id

    async def _expected(self, row: Believed) -> Voucher | None:
        """Map the record again as it was mapped when it was sent; None where that cannot be done.

        What holds records back today (filters, closed days, a newer declaration, the policy for two
        years) is left out: it was decided when the voucher went out.
        """
        if row.mapping_version is None:
            return None
        declared = row.content.get("declaration") or {}
        key = (row.mapping_version, str(declared.get("templateId")), str(declared.get("version")))
        if key not in self._compiled:
            self._compiled[key] = await self._compile(*key)
        mapping = self._compiled[key]
        result = mapping.voucher(row.content, row.reference, row.part) if mapping else None
        return result if isinstance(result, Voucher) else None

    async def _compile(self, version: int, template: str, revision: str) -> CompiledMapping | None:
        integration = self._reader.loaded.integration
        async with organization_scope_async(self._connection, self._organization_id):
            document = await read_mapping_async(self._connection, integration.id, version)
        if document is None:
            return None
        then = {"templateId": template, "version": revision, "signedOffBy": "-", "signedOffAt": "-"}
        try:
            return compile_mapping(
                read_document(document), replace(integration.book, closed_through=None),
                integration.delivery.model_copy(update={"two_years": "one"}), then,
                _EVERY_CATEGORY, carries_vat=self._reader.ready.capabilities.carries_vat,
            )  # fmt: skip
        except DocumentError:
            return None


def _begin(day: date | None, days: int = 0) -> datetime | None:
    """Return the moment at which a day begins in Oslo, or the one `days` later."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time(), TIME_ZONE)
