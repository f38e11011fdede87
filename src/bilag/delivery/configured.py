"""How an organization's integrations go: switched on or off (C6), and by which schedule (C14).

A change is written to the audit log; a sync that is running stops at its next record.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
from psycopg_pool import ConnectionPool

from bilag.core.schedule import Schedule, upcoming
from bilag.delivery.queue import defer_sync
from bilag.exports.audit import record_change
from bilag.exports.waiting import Waiting, count_waiting
from bilag.integrations.model import Integration
from bilag.integrations.runs import next_run
from bilag.integrations.store import (
    change_integration,
    get_integration,
    integration_states,
    list_integrations,
    stored,
)
from bilag.integrations.timetable import Pause, Timetable, Trigger
from bilag.tenants.scope import organization_scope

Pool = ConnectionPool[psycopg.Connection[Any]]


@dataclass(frozen=True, slots=True)
class Timed:
    """An integration's schedule as the engine follows it, and its next five runs.

    `next_run_at` is a moment that has passed while no worker has started that run yet.
    """

    integration: Integration
    schedule: Schedule
    runs: Sequence[datetime]
    next_run_at: datetime | None
    paused_until: datetime | None


class ConfiguredIntegrations:
    """The integrations of one organization, changed in the name of `actor`."""

    def __init__(
        self, pool: Pool, queue: procrastinate.App, organization_id: UUID, *, actor: str
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._organization_id = organization_id
        self._actor = actor

    def listed(self) -> list[tuple[Integration, str]]:
        """Return each integration with its state: active, disabled, error or draft."""
        with self._scope() as connection:
            found = list_integrations(connection, self._organization_id, drafts=True)
            states = integration_states(connection, self._organization_id, drafts=True)
        return [(one, states[one.key]) for one in found]

    def switch(self, key: str, *, enabled: bool, reason: str = "") -> Integration:
        """Switch an integration on or off; what waits stays in the queue, a reason in the log.

        After it is switched on, the queue goes as its schedule says: at once only on approval.
        Raises LookupError for an unknown integration, Refused for one that is still being set up.
        """
        return self._change(key, lambda one: replace(one, enabled=enabled), reason)

    def waiting(self, key: str) -> Waiting:
        """Return what waits to be sent and what is under way; raises LookupError."""
        with self._scope() as connection:
            found = get_integration(connection, self._organization_id, key)
            if found is None:
                raise LookupError(f"there is no integration {key}")
            return count_waiting(connection, found.id)

    def timed(self, key: str) -> Timed:
        """Return the schedule of an integration; raises LookupError for an unknown one."""
        with self._scope() as connection:
            found = get_integration(connection, self._organization_id, key)
            engine = next_run(connection, found.id) if found else None
        if found is None or engine is None:
            raise LookupError(f"there is no integration {key}")
        schedule = found.delivery.timed()
        return Timed(
            found, schedule, upcoming(schedule, engine.now), engine.next_run_at, engine.held_until
        )

    def reschedule(self, key: str, trigger: Trigger, timetable: Timetable) -> Timed:
        """Let an integration go by another schedule from now on; what it has missed is not made up.

        Raises Refused naming what cannot be followed, LookupError for an unknown integration.
        """
        timetable.timed(trigger)
        planned = {"trigger": trigger, "schedule": timetable}
        self._change(
            key, lambda one: replace(one, delivery=one.delivery.model_copy(update=planned))
        )
        return self.timed(key)

    def add_pause(self, key: str, pause: Pause) -> Timed:
        """Add a pause to an integration's schedule, whatever else of it is changed meanwhile.

        Raises Refused where it cannot be followed, LookupError for an unknown integration.
        """
        return self._pause(key, lambda pauses: (*(one for one in pauses if one != pause), pause))

    def remove_pause(self, key: str, pause: Pause) -> Timed:
        """Take a pause out of an integration's schedule; one that is gone already stays away.

        What waited because of it goes as the schedule says. Raises LookupError.
        """
        return self._pause(key, lambda pauses: tuple(one for one in pauses if one != pause))

    def _pause(self, key: str, how: Callable[[tuple[Pause, ...]], tuple[Pause, ...]]) -> Timed:
        def change(one: Integration) -> Integration:
            # read again as a whole, so that what cannot be followed is refused
            timetable = Timetable(
                **{**dict(one.delivery.schedule), "pauses": how(one.delivery.schedule.pauses)}
            )
            timetable.timed(one.delivery.trigger)
            return replace(one, delivery=one.delivery.model_copy(update={"schedule": timetable}))

        self._change(key, change)
        return self.timed(key)

    def _change(
        self, key: str, how: Callable[[Integration], Integration], reason: str = ""
    ) -> Integration:
        with self._scope() as connection:
            old, new = change_integration(connection, self._organization_id, key, how)
            before, after = _texts(old), _texts(new)
            detail = {
                name: {"before": before[name], "after": after[name]}
                for name in before
                if before[name] != after[name]
            }
            if detail:
                told: dict[str, Any] = {**detail, "reason": reason} if reason else {**detail}
                record_change(
                    connection, self._organization_id, self._actor, "integration.changed",
                    f"integration {old.key}", told,
                )  # fmt: skip
        if detail and new.enabled and new.delivery.trigger == "on_approval":
            defer_sync(
                self._queue, self._organization_id, new.id, trigger="approval", actor=self._actor
            )
        return new

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection


def _texts(one: Integration) -> dict[str, str]:
    """Return what may change here as the audit log keeps it, the same as for `apply`."""
    values = {"enabled": one.enabled, "delivery": stored(one.delivery)}
    return {name: json.dumps(value, sort_keys=True) for name, value in values.items()}
