"""Which records an integration sends (C13): its filters, what they would keep, and a change.

What filters keep and drop is counted by the very gates by which a sync maps.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
from psycopg_pool import ConnectionPool

from bilag.connectors.interface import Connector
from bilag.core.problem import Problem, Refused
from bilag.delivery.queue import defer_sync
from bilag.delivery.set_up import usable_connector
from bilag.exports.audit import record_change
from bilag.exports.filtered import (
    Filterable,
    Followed,
    LeftOut,
    concerned_by_filters,
    follow_filters,
    newest_left_out,
)
from bilag.integrations.model import Filters, Integration
from bilag.integrations.store import change_integration, get_integration, read_mapping, stored
from bilag.mapping.check import check_document
from bilag.mapping.document import DocumentError, read_document
from bilag.mapping.gates import Gate, gates_of
from bilag.mapping.result import Excluded, Missing
from bilag.tenants.scope import organization_scope

Pool = ConnectionPool[psycopg.Connection[Any]]

# Of what waits, what is held and what was left out so many are counted; more would take seconds.
COUNTED_MAX = 5_000


@dataclass(frozen=True, slots=True)
class FilterCount:
    """What one filter does by itself, in records; of `untold` it cannot tell, so they are held."""

    name: str
    kept: int
    dropped: int
    untold: int


@dataclass(frozen=True, slots=True)
class Included:
    """What filters would do to the records that wait, are held, or were left out by a filter.

    `all` counts them together. `come_back` were left out and would be kept, `leave` wait now and
    would be left out. Not `complete`: there are more records than were counted. `problems` is what
    the mapping lacks for what the filters take.
    """

    integration: Integration
    filters: Filters
    records: int
    complete: bool
    each: tuple[FilterCount, ...]
    all: FilterCount
    come_back: int
    leave: int
    categories: Mapping[str, int]
    problems: tuple[Problem, ...]


class IncludedRecords:
    """The filters of one organization's integrations, changed in the name of `actor`."""

    def __init__(
        self,
        pool: Pool,
        queue: procrastinate.App,
        connectors: Mapping[str, Connector[Any]],
        organization_id: UUID,
        *,
        actor: str,
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._connectors = connectors
        self._organization_id = organization_id
        self._actor = actor

    def filters(self, key: str) -> Integration:
        """Return the integration with its filters; raises LookupError for an unknown one."""
        with self._scope() as connection:
            return self._known(connection, key)

    def left_out(self, key: str, before: int | None = None, limit: int = 50) -> list[LeftOut]:
        """Return the newest records that are left out, with why; raises LookupError.

        Those with an export id below `before`, where one is given.
        """
        with self._scope() as connection:
            one = self._known(connection, key)
            return newest_left_out(connection, one.id, before=before, limit=limit)

    def preview(self, key: str, filters: Filters | None = None) -> Included:
        """Count what filters would keep and drop, or those of now; nothing is changed.

        Raises LookupError for an unknown integration, Refused for filters nobody can mean.
        """
        with self._scope() as connection:
            one = self._known(connection, key)
            if filters is not None:
                _refuse(filters)
            chosen = one.filters if filters is None else filters
            found = concerned_by_filters(connection, one.id, COUNTED_MAX + 1)
            problems = self._problems(connection, one, chosen)
        return _counted(replace(one, filters=chosen), found, problems)

    def change(self, key: str, filters: Filters) -> tuple[Integration, Followed]:
        """Go by these filters from now on, and let go on what is kept from delivery no more.

        A sync that runs stops at its next set. Raises LookupError for an unknown integration,
        Refused for filters nobody can mean.
        """
        _refuse(filters)
        with self._scope() as connection:
            old, new = change_integration(
                connection, self._organization_id, key, lambda one: replace(one, filters=filters)
            )
            if old.filters == new.filters:
                return new, Followed(0, 0)
            before, after = (json.dumps(stored(one.filters), sort_keys=True) for one in (old, new))
            record_change(
                connection, self._organization_id, self._actor, "integration.changed",
                f"integration {old.key}", {"filters": {"before": before, "after": after}},
            )  # fmt: skip
            followed = follow_filters(connection, new, actor=self._actor)
        if new.enabled and new.delivery.trigger == "on_approval":
            defer_sync(
                self._queue, self._organization_id, new.id, trigger="approval", actor=self._actor
            )
        return new, followed

    def _problems(
        self, connection: psycopg.Connection[Any], one: Integration, filters: Filters
    ) -> tuple[Problem, ...]:
        """Return what the mapping lacks; () where it cannot be read, which a sync says anyway."""
        document = read_mapping(connection, self._organization_id, one.id, one.mapping_version)
        try:
            connector, settings = usable_connector(self._connectors, one)
            carries_vat = connector.capabilities(settings).carries_vat
            read = read_document(document or {})
        except (Refused, DocumentError):
            return ()
        return tuple(check_document(read, filters, carries_vat=carries_vat))

    def _known(self, connection: psycopg.Connection[Any], key: str) -> Integration:
        found = get_integration(connection, self._organization_id, key)
        if found is None:
            raise LookupError(f"there is no integration {key}")
        return found

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection


def _refuse(filters: Filters) -> None:
    if problems := tuple(filters.faults()):
        raise Refused(*problems)


def _counted(one: Integration, found: list[Filterable], problems: tuple[Problem, ...]) -> Included:
    by_state: Counter[str] = Counter()
    records = []
    for record in found:
        by_state[record.state] += 1
        if by_state[record.state] <= COUNTED_MAX:
            records.append(record)
    gates = gates_of(one.filters, one.book)
    tallies: dict[str, Counter[str]] = {name: Counter() for name in (*gates, "all")}
    come_back = leave = 0
    for record in records:
        said = [_said(gate, record) for gate in gates.values()]
        for name, what in zip(gates, said, strict=True):
            tallies[name][what] += 1
        whole = next((what for what in ("dropped", "untold") if what in said), "kept")
        tallies["all"][whole] += 1
        was_left_out = record.state == "excluded"
        come_back += was_left_out and whole != "dropped"
        leave += not was_left_out and whole == "dropped"
    counts = {
        name: FilterCount(name, tally["kept"], tally["dropped"], tally["untold"])
        for name, tally in tallies.items()
    }
    total = counts.pop("all")
    return Included(
        integration=one,
        filters=one.filters,
        records=len(records),
        complete=len(records) == len(found),
        each=tuple(counts.values()),
        all=total,
        come_back=come_back,
        leave=leave,
        categories=Counter(record.content["category"] for record in records),
        problems=problems,
    )


def _said(gate: Gate, record: Filterable) -> str:
    match gate(record.content):
        case Excluded():
            return "dropped"
        case Missing():
            return "untold"
    return "kept"
