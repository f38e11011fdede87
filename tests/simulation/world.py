"""One organization with a book, an integration and claims to deliver: the stage of the tests.

Everything goes through the product's own verbs; only the accounting system is a sandbox.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import procrastinate
import psycopg
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool

from bilag.connectors.registry import CONNECTORS
from bilag.core.record import Record, RecordLine
from bilag.delivery.accounting import AccountingExports
from bilag.delivery.worker import make_sync_queue
from bilag.exports.status import StateTotal, sum_rule, totals
from bilag.integrations.books import save_book
from bilag.integrations.key_sources import open_vault
from bilag.integrations.model import (
    Book,
    Delivery,
    Filters,
    Integration,
    book_id,
    integration_id,
    organization_id,
)
from bilag.integrations.store import save_integration, save_mapping
from bilag.integrations.vault import put_credential
from bilag.tenants.organizations import Organization, save_organization
from bilag.tenants.scope import organization_scope

APPROVED_AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
MAPPING: dict[str, Any] = {
    "categories": {"travel": {"account": "7140"}, "meal": {"account": "7140"}},
    "counterAccount": "2990",
    "missingClaimant": "clearing",
    "clearingAccount": "2990",
}
# Short waits, so that a doubt is resolved within a test; the rules are the same as in production.
HASTY = {
    "requestsInFlight": 16,
    "sendWithinSeconds": 2.0,
    "requestTimeoutSeconds": 2.0,
    "settleSeconds": 0.5,
    "unprovenSeconds": 30.0,
    "retry": {"baseSeconds": 0.2, "maximumSeconds": 1.0, "attemptsMax": 10},
    "breaker": {"failures": 20, "retrySeconds": 0.5},
}


def claim(number: int, *, amount: str = "", revision: int = 1, day: int = 1) -> Record:
    """Return a claim of two lines by Volunteer 017; `number` makes its id and its amount."""
    first = Decimal(amount) if amount else Decimal(100 + number % 900)
    lines = (
        RecordLine(date(2026, 10, day), "travel", first, text="Bus"),
        RecordLine(date(2026, 10, day), "meal", Decimal("49.50"), text="Lunch"),
    )
    return Record(
        source_system="app",
        source_id=f"C{number:06d}",
        revision=revision,
        category="expense",
        currency="NOK",
        claimant_id="V017",
        approved_by="coordinator-3",
        approved_at=APPROVED_AT,
        lines=lines,
        text="Visit to a member",
        claimant_name="Volunteer 017",
    )


@dataclass
class World:
    """A set-up organization; `exports` are its verbs, `home` holds keys and the epoch's mark."""

    application_url: str
    owner_url: str
    home: Path
    pool: ConnectionPool[psycopg.Connection[Any]]
    organization: UUID
    integration: UUID
    exports: AccountingExports
    queue: procrastinate.App
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def accept(self, records: Sequence[Record]) -> None:
        """Hand over approved records in batches of 500."""
        for start in range(0, len(records), 500):
            self.exports.accept_records(records[start : start + 500])

    def states(self) -> dict[str, int]:
        """Return the number of exports in each state, by a full count (not by the counters)."""
        return dict(self.query("SELECT state, count(*)::int FROM exports GROUP BY state"))

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as the application's role in the organization's scope."""
        with (
            self.pool.connection() as connection,
            organization_scope(connection, self.organization),
        ):
            cursor = connection.execute(statement, list(parameters) or None)
            return cursor.fetchall() if cursor.description else []

    def totals(self) -> list[StateTotal]:
        """Return the status totals; the sum rule and the counters are checked on the way."""
        with (
            self.pool.connection() as connection,
            organization_scope(connection, self.organization),
        ):
            rows = totals(connection)
        assert all(d == (0, 0) for d in sum_rule(rows).values()), rows
        counted: dict[str, int] = {}
        for row in rows:
            if row.state != "approved":
                counted[row.state] = counted.get(row.state, 0) + row.count
        assert counted == self.states(), "the counters differ from a full count"
        return rows

    def start_worker(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start `bilag worker` as a process of its own; it is ended with the world."""
        process = subprocess.Popen(
            [sys.executable, "-m", "bilag.app.cli", "worker", *arguments],
            env={**os.environ, **self.environment(), **environment},
            stdout=subprocess.DEVNULL if not os.environ.get("BILAG_TEST_SHOW") else None,
            stderr=subprocess.DEVNULL if not os.environ.get("BILAG_TEST_SHOW") else None,
        )
        self.workers.append(process)
        return process

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `bilag` command of this installation to its end."""
        return subprocess.run(
            [sys.executable, "-m", "bilag.app.cli", *arguments],
            env={**os.environ, **self.environment()},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """Return what a process of this installation needs in its environment."""
        return {
            "BILAG_HOME": str(self.home),
            "BILAG_DATABASE_URL": self.application_url,
            "BILAG_DATABASE_OWNER_URL": self.owner_url,
            "BILAG_STALLED_SECONDS": "2",
        }

    def wait_for(self, wanted: Any, seconds: float = 120.0) -> dict[str, int]:
        """Wait until `wanted(states)` holds and return the states; fails after `seconds`."""
        until = time.monotonic() + seconds
        while True:
            states = self.states()
            if wanted(states):
                return states
            assert time.monotonic() < until, states
            time.sleep(0.1)

    def move_clock(self, seconds: float) -> None:
        """Let time pass for what waits: the rules stay, the tests do not wait 20 minutes."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(
                "UPDATE exports SET due_at = due_at - d, send_by = send_by - d"
                " FROM (SELECT %s * interval '1 second' AS d) AS passed"
                " WHERE state IN ('in_doubt', 'accepted')",
                [seconds],
            )

    def stop_workers(self) -> None:
        """End every worker that was started, stopped ones too."""
        for process in self.workers:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.workers.clear()


@contextlib.contextmanager
def make_world(
    application_url: str,
    owner_url: str,
    home: Path,
    *,
    settings: dict[str, Any],
    system: str = "rest",
    secrets: Mapping[str, str] | None = None,
    slug: str = "blindeforbundet",
    delivery: dict[str, Any] | None = None,
    filters: dict[str, Any] | None = None,
    mapping: dict[str, Any] | None = None,
    currency: str = "NOK",
) -> Iterator[World]:
    """Set up an organization on a migrated database; workers are stopped at the end."""

    def configure(connection: psycopg.Connection[Any]) -> None:
        connection.autocommit = True
        set_json_loads(orjson.loads, connection)

    organization = organization_id(slug)
    pool: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
        application_url,
        min_size=1,
        max_size=8,
        configure=configure,
        check=ConnectionPool.check_connection,
        open=False,
    )
    queue = make_sync_queue(application_url)
    with pool, queue.open():
        book = Book(book_id(organization, "main"), organization, "main", "Main book", currency)
        integration = Integration(
            id=integration_id(organization, "ledger"),
            organization_id=organization,
            key="ledger",
            name="Ledger",
            type=system,
            enabled=True,
            is_route=True,
            settings=settings,
            filters=Filters.model_validate(filters or {}),
            delivery=Delivery.model_validate({**HASTY, **(delivery or {})}),
            mapping_version=0,
            book=book,
        )
        with pool.connection() as connection, organization_scope(connection, organization):
            save_organization(
                connection,
                Organization(
                    id=organization, slug=slug, name=slug, language="nb",
                    allowed_networks=("127.0.0.0/8",), declaration={}, excluded_features=(),
                ),
            )  # fmt: skip
            save_book(connection, book)
            save_integration(connection, integration)
            save_mapping(connection, organization, integration.id, mapping or MAPPING, "test")
            for name, value in (secrets or {}).items():
                put_credential(
                    connection, open_vault(home, os.environ), organization, integration.id,
                    name, value, "test",
                )  # fmt: skip
        world = World(
            application_url, owner_url, home, pool, organization, integration.id,
            AccountingExports(pool, queue, CONNECTORS, organization, actor="test"), queue,
        )  # fmt: skip
        try:
            yield world
        finally:
            world.stop_workers()
