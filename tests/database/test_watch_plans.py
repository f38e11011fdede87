"""What watches runs often: no query of it touches more when only history has grown."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.exports.arrive import arrive
from bilag.monitoring import alerts, control, health, rules, trend, wages
from bilag.tenants.scope import organization_scope
from tests.simulation.world import World, claim, make_world

SHORT, LONG = 2_000, 40_000
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
# What came in and was posted in the years before; this month's claims stay the same fifty.
_RECORDS = """
INSERT INTO records (organization_id, source_system, source_id, revision, category, currency, total,
    claimant_id, content, content_hash, approved_at, first_cost_date, last_cost_date)
SELECT organization_id, source_system, 'H' || n, 1, category, currency, total, 'V' || n %% 500,
    content, content_hash, '2025-12-01'::timestamptz - n * interval '1 hour', first_cost_date,
    last_cost_date
FROM (SELECT * FROM records LIMIT 1) r, generate_series(%(first)s::int, %(last)s::int) n
"""
_EXPORTS = """
INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system, source_id,
    revision, live, category, currency, amount, reference, state, exported_at, created_at,
    state_since)
SELECT e.organization_id, e.integration_id, e.book_id, r.id, r.source_system, r.source_id, 1, true,
    e.category, e.currency, e.amount, 'H' || r.source_id, 'exported', r.approved_at, r.approved_at,
    r.approved_at
FROM (SELECT * FROM exports LIMIT 1) e, records r
WHERE r.source_id LIKE 'H%%' AND NOT EXISTS (
    SELECT FROM exports x WHERE x.organization_id = r.organization_id AND x.source_id = r.source_id)
"""
_LOGS = """
INSERT INTO sync_logs (organization_id, at, integration_id, run_id, export_id, source_id, reference,
    attempt, event, outcome, http_status, row_hash, link, position)
SELECT organization_id, exported_at, integration_id, gen_random_uuid(), id, source_id, reference, 1,
    'sent', CASE WHEN id %% 10 = 0 THEN 'rejected' ELSE 'accepted' END, 201, '', 0, 0
FROM exports WHERE source_id LIKE 'H%%' AND NOT EXISTS (
    SELECT FROM sync_logs l WHERE l.export_id = exports.id)
"""
_ALERTS = """
INSERT INTO alerts (organization_id, rule, cause, params, opened_at, told_at, cleared_at)
SELECT id, 'silence', n::text, '{}', '2025-01-01', '2025-01-01', '2025-01-02'
FROM organizations, generate_series(%(first)s::int, %(last)s::int) n
"""
_CHANGES = """
INSERT INTO change_logs (organization_id, at, actor, event, subject, detail, row_hash, link)
SELECT id, '2025-01-01', 'x', 'x', 'x', '{}', '', 0
FROM organizations, generate_series(%(first)s::int, %(last)s::int) n
"""


@pytest.fixture
def world(database: Any, tmp_path: Path) -> Iterator[World]:
    """An organization with fifty claims of this month; nothing is delivered here."""
    with make_world(
        database.application_url, database.owner_url, tmp_path,
        settings={"baseUrl": "http://127.0.0.1:9"},
    ) as made:  # fmt: skip
        with (
            made.pool.connection() as connection,
            organization_scope(connection, made.organization),
        ):
            arrive(connection, made.organization, [claim(number) for number in range(50)])
        yield made


def seed(world: World, first: int, last: int) -> None:
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        for statement in (_RECORDS, _EXPORTS, _LOGS, _ALERTS, _CHANGES):
            owner.execute(statement, {"first": first, "last": last})
        owner.execute("SELECT fold_totals()")
        owner.execute("VACUUM ANALYZE")


def blocks(world: World, statement: str, parameters: Any) -> int:
    """Return the blocks that a statement touches, in the organization's scope."""
    with (
        world.pool.connection() as connection,
        organization_scope(connection, world.organization),
    ):
        cursor = connection.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters
        )
        row = cursor.fetchone()
        assert row is not None
        plan = row[0][0]["Plan"]
        assert "Seq Scan on exports" not in json.dumps(plan)
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def measured(world: World) -> dict[str, int]:
    first = datetime(2026, 11, 1, tzinfo=UTC)
    at = {"at": NOW}
    period = {
        "first": first, "end": NOW, "book": world.query("SELECT id FROM books")[0][0],
        "currency": None, "listing": None, "state": None, "after": 0, "limit": 50,
    }  # fmt: skip
    year = {"first": datetime(2026, 1, 1, tzinfo=UTC), "end": NOW, "basis": None, "claimant": None,
            "limit": 50}  # fmt: skip
    days = {"first": date(2026, 10, 22), "last": date(2026, 11, 20), "since": NOW - timedelta(30)}
    own = {"organization": world.organization}
    asked: dict[str, tuple[str, Any]] = {
        "health": (health.MEASURE, at),
        "synced": (health._SYNCED, None),
        "trend": (trend._DAYS, days),
        "control: states": (control._STATES, period),
        "control: approved": (control._APPROVED, period),
        "control: claims": (control._ROWS, period),
        "control: made": (control._MADE, {**own, "id": None, "limit": 10}),
        "wages": (wages._PAGE, year),
        "alerts": (alerts._LIST, {**own, "all": False, "before": None, "limit": 50}),
        "known": (alerts._KNOWN, {**own, "since": NOW}),
        **{
            name: (getattr(rules, name), at)
            for name in ("_REFUSALS", "_IN_A_ROW", "_ERRORS", "_PENDING", "_SILENCE")
        },
    }
    return {name: blocks(world, *one) for name, one in asked.items()}


def test_nothing_that_watches_grows_with_history(world: World) -> None:
    seed(world, 1, SHORT)
    short = measured(world)
    seed(world, SHORT + 1, LONG)
    long = measured(world)
    grown = {name: (short[name], long[name]) for name in short if long[name] > 2 * short[name] + 50}
    assert not grown
