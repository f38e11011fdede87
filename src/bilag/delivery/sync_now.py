"""Sync now (O3): what would go, asking for it, how far it is, and stopping it at the next record.

One sync of an integration runs or waits at a time, whoever asks, from whichever window or program;
the database keeps it so. Stopping loses nothing: what is under way is settled, the rest waits.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import procrastinate
import psycopg
from psycopg_pool import ConnectionPool

from bilag.core.problem import Problem
from bilag.delivery.queue import ASKED, SyncJob, defer_sync, jobs_of, worker_alive
from bilag.exports.audit import record_change
from bilag.exports.decide import DecisionRefused
from bilag.exports.sync_requests import (
    Ahead,
    Cause,
    Share,
    SyncRequest,
    ahead,
    causes,
    get_request,
    newest_requests,
    open_now,
    open_request,
    open_request_of,
    open_requests,
    stop_request,
    tallies,
)
from bilag.integrations.may_send import Standing, lock_standing, read_standing
from bilag.integrations.model import Integration
from bilag.integrations.runtime import let_waiting_go, stop_what_waits
from bilag.integrations.store import get_integration, list_integrations
from bilag.tenants.scope import organization_scope

Pool = ConnectionPool[psycopg.Connection[Any]]

# What somebody asked for has a person behind it; other triggers are told without a name.
_BY_PEOPLE = ("manual", "continued", "retry", "approval", ASKED)


@dataclass(frozen=True, slots=True)
class Before:
    """What a sync would do now; `refusal` says why it cannot be asked for, None where it can.

    `under_way` is the sync that somebody asked for and that has not ended.
    """

    integration: Integration
    standing: Standing
    ahead: Ahead
    refusal: Problem | None
    under_way: SyncRequest | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sync is: `went` by state and currency, `open` in each open state, both counted.

    `begun` says whether a worker has taken it, `worker` whether one was heard of lately.
    """

    request: SyncRequest
    went: Sequence[Share]
    open: Mapping[str, int]
    begun: bool
    worker: bool

    def count(self, state: str) -> int:
        """Return how many came to a state: finished ones as added up, open ones as they stand."""
        if state in ("exported", "excluded") or not self.request.asked_for:
            return sum(one.records for one in self.went if one.state == state)
        return self.open.get(state, 0)

    @property
    def left(self) -> int:
        """Return how many have not been tried yet, or are tried again later."""
        return self.open.get("pending", 0) + self.open.get("sending", 0)

    @property
    def done(self) -> int:
        """Return how many are through, one way or the other."""
        return sum(self.count(state) for state in REACHED)

    @property
    def total(self) -> int:
        """Return how many there are in all; more than were asked for where more came in."""
        return self.done + self.left


# Where a sync brings a record.
REACHED = ("exported", "accepted", "failed", "in_doubt", "needs_review", "held", "excluded")


class SyncNow:
    """The syncs of one organization, asked for and stopped in the name of `actor`."""

    def __init__(
        self, pool: Pool, queue: procrastinate.App, organization_id: UUID, *, actor: str
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._organization_id = organization_id
        self._actor = actor

    def before(self, key: str) -> Before:
        """Return what a sync of an integration would do now; raises LookupError."""
        with self._scope() as connection:
            one = self._integration(connection, key)
            return self._before(connection, one, read_standing(connection, one.id))

    def start(self, key: str) -> SyncRequest:
        """Ask for a sync of all that waits; a worker does it.

        Raises DecisionRefused where one runs or was asked for already, naming who asked and when,
        or where nothing could be sent; LookupError for an unknown integration.
        """
        request_id = uuid4()
        with self._scope() as connection:
            one = self._integration(connection, key)
            # two who ask at once wait for each other here; the second finds the first
            standing = lock_standing(connection, one.id)
            found = self._before(connection, one, standing)
            if found.refusal is not None:
                raise DecisionRefused(found.refusal)
            going = found.ahead.going
            if not open_request(connection, request_id, one.id, self._actor, going):
                raise RuntimeError("a request is open that nobody sees")
            let_waiting_go(connection, one.id)
            detail = {"records": sum(share.records for share in going)}
            record_change(
                connection, self._organization_id, self._actor, "sync.asked_for",
                f"integration {one.key}", detail,
            )  # fmt: skip
            request = get_request(connection, request_id)
        # Failure policy: best effort; the workers' tick finds what is open, and goes on with it.
        defer_sync(self._queue, self._organization_id, one.id, trigger=ASKED, actor=self._actor)
        if request is None:
            raise LookupError(request_id)
        return request

    def progress(self, request_id: UUID) -> Progress:
        """Return how far a sync is, or how it ended; raises LookupError for an unknown one."""
        with self._scope() as connection:
            request = get_request(connection, request_id)
            if request is None:
                raise LookupError(f"there is no sync {request_id}")
            running = request.asked_for and request.ended_at is None
            return Progress(
                request,
                tallies(connection, [request_id]).get(request_id, []),
                open_now(connection, request_id) if running else request.open_then,
                any(job.runs for job in jobs_of(connection, request.integration_id))
                or request.ended_at is not None,
                worker_alive(connection),
            )

    def stop(self, request_id: UUID) -> SyncRequest:
        """Stop a sync at its next record; what it has not sent waits until somebody asks again.

        Raises LookupError for an unknown one, DecisionRefused for one that has ended.
        """
        with self._scope() as connection:
            request = get_request(connection, request_id)
            if request is None:
                raise LookupError(f"there is no sync {request_id}")
            if not request.asked_for or not stop_request(connection, request_id, self._actor):
                raise DecisionRefused(Problem("sync_has_ended"))
            stop_what_waits(connection, request.integration_id)
            record_change(
                connection, self._organization_id, self._actor, "sync.stopped",
                f"integration {request.integration_key}", {"sync": str(request_id)},
            )  # fmt: skip
            return get_request(connection, request_id) or request

    def causes(self, request: SyncRequest) -> list[Cause]:
        """Return why claims of a sync wait for a person, the most frequent cause first."""
        with self._scope() as connection:
            return causes(connection, request)

    def newest(
        self,
        *,
        integration: str = "",
        before: tuple[datetime, UUID] | None = None,
        limit: int = 50,
    ) -> list[tuple[SyncRequest, Sequence[Share]]]:
        """Return the newest syncs, asked for or not, each with what went; from behind one."""
        with self._scope() as connection:
            found = newest_requests(connection, integration=integration, before=before, limit=limit)
            went = tallies(connection, [one.id for one in found])
        return [(one, went.get(one.id, [])) for one in found]

    def under_way(self) -> dict[UUID, UUID]:
        """Return by integration which sync that somebody asked for has not ended."""
        with self._scope() as connection:
            return open_requests(connection)

    def integrations(self) -> list[Integration]:
        """Return the integrations by key, those too that are still being set up."""
        with self._scope() as connection:
            return list_integrations(connection, self._organization_id, drafts=True)

    def _before(
        self, connection: psycopg.Connection[Any], one: Integration, standing: Standing
    ) -> Before:
        request = open_request_of(connection, one.id)
        # what only waits for a worker takes the request along, so it refuses nobody
        jobs = [job for job in jobs_of(connection, one.id) if job.runs]
        refusal = _refusal(one, standing, request, jobs)
        return Before(one, standing, ahead(connection, one.id), refusal, request)

    def _integration(self, connection: psycopg.Connection[Any], key: str) -> Integration:
        one = get_integration(connection, self._organization_id, key)
        if one is None or one.is_draft:
            raise LookupError(f"there is no integration {key}")
        return one

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection


def _refusal(
    one: Integration, standing: Standing, request: SyncRequest | None, jobs: Sequence[SyncJob]
) -> Problem | None:
    """Return why no sync can be asked for now, or None."""
    zone = one.delivery.timed().zone

    def local(moment: datetime | None) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""

    def told(code: str, at: datetime | None = None, **params: str) -> Problem:
        return Problem(code, params={"integration": one.name, "at": local(at), **params})

    if request is not None:
        return told("sync_under_way", request.asked_at, actor=request.actor.removeprefix("user "))
    if jobs:
        job = jobs[0]
        if job.actor and job.trigger in _BY_PEOPLE:
            return told("sync_under_way", job.at, actor=job.actor.removeprefix("user "))
        by = "schedule" if job.trigger == "schedule" else "engine"
        return told(f"sync_under_way_{by}", job.at)
    if not one.enabled:
        return told("sync_disabled")
    if standing.error_since is not None:
        return told("sync_stopped_by_error", message=standing.error_message or "")
    if standing.held_until is not None:
        return Problem("sync_pause_window", params={"until": local(standing.held_until)})
    if standing.breaker_until is not None:
        return told("sync_not_answering", standing.breaker_until)
    if standing.paused_until is not None:
        return told("sync_asked_to_wait", standing.paused_until)
    return None
