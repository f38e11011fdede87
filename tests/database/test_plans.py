"""Query plans as the application's role: nothing that runs often grows with history.

Blocks touched are compared between a short and a long history; times would depend on the machine.
"""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.delivery.queue import lock_of
from bilag.exports import arrive, claim, periods, status
from bilag.tenants.scope import organization_scope
from tests.simulation.world import World, make_world
from tests.simulation.world import claim as make_claim

SHORT, LONG = 2_000, 60_000

_SEED_RECORDS = """
INSERT INTO records (organization_id, source_system, source_id, revision, category, currency, total,
    claimant_id, content, content_hash, approved_at, first_cost_date, last_cost_date)
SELECT organization_id, source_system, 'H' || n, 1, category, currency, total, claimant_id, content,
    content_hash, approved_at, first_cost_date, last_cost_date
FROM (SELECT * FROM records LIMIT 1) r, generate_series(%(first)s::int, %(last)s::int) n
"""
_SEED_EXPORTS = """
INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system, source_id,
    revision, live, category, currency, amount, reference, state, exported_at)
SELECT e.organization_id, e.integration_id, e.book_id, r.id, r.source_system, r.source_id, 1, true,
    e.category, e.currency, e.amount, 'H' || r.source_id, 'exported', now()
FROM (SELECT * FROM exports LIMIT 1) e, records r
WHERE r.source_id LIKE 'H%%' AND NOT EXISTS (
    SELECT FROM exports x WHERE x.organization_id = r.organization_id AND x.source_id = r.source_id)
"""
_SEED_RUNS = """
INSERT INTO export_runs (organization_id, integration_id, run_id, submission_id, claim_ids,
    success_count, http_status, outcome, started_at, finished_at)
SELECT organization_id, id, gen_random_uuid(), n, jsonb_build_array('R' || n), 1, 201, 'accepted',
    now(), now()
FROM organization_integrations, generate_series(1, 300000) n
"""


@pytest.fixture
def world(database: Any, tmp_path: Path) -> Any:
    """An organization with a few pending claims; nothing is delivered here."""
    with make_world(
        database.application_url,
        database.owner_url,
        tmp_path,
        settings={"baseUrl": "http://127.0.0.1:9"},
    ) as made:
        made.accept([make_claim(number) for number in range(50)])
        yield made


def seed(world: World, first: int, last: int) -> None:
    """Add exported claims to the history, as the owner, and fold the counters."""
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        owner.execute(_SEED_RECORDS, {"first": first, "last": last})
        owner.execute(_SEED_EXPORTS, {})
        owner.execute("SELECT fold_totals()")
        owner.execute("VACUUM ANALYZE")


def explain(world: World, statement: str, parameters: Any) -> tuple[int, str]:
    """Return blocks touched and the plan's text, in the organization's scope."""
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
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], json.dumps(plan)


def queries(world: World) -> dict[str, tuple[str, Any]]:
    """Return the statements that run often, as the product runs them."""
    guard = [f"H{n}" for n in range(1, 101)]
    book = world.query("SELECT id FROM books")[0][0]
    return {
        "claim": (
            claim._CANDIDATES,
            {
                "integration": world.integration,
                "due_at": "-infinity",
                "id": 0,
                "fresh_through": claim.EVERY_EXPORT,
                "fresh_after": 0,
                "limit": 32,
            },
        ),
        "guard": (arrive._EARLIER, [guard, [book]]),
        "periods": (
            periods._FOLLOW,
            {
                "integration": world.integration,
                "codes": list(periods._CODES),
                "policy": "stop",
                "closed": None,
                "first_open": None,
            },
        ),
        "status": (status._TOTALS, None),
        "due": ("SELECT * FROM due_integrations()", None),
        "newest page": (
            status.COLUMNS + "WHERE e.id < %s ORDER BY e.id DESC LIMIT 50",
            [10**9],
        ),
        "one claim": (status.COLUMNS + "WHERE e.source_id = ANY (%s)", [["H17"]]),
    }


def test_claim_guard_and_status_do_not_grow_with_history(world: World) -> None:
    seed(world, 1, SHORT)
    before = {name: explain(world, *query) for name, query in queries(world).items()}
    seed(world, SHORT + 1, LONG)
    for name, query in queries(world).items():
        blocks, plan = explain(world, *query)
        assert '"Relation Name": "exports"' not in plan or "Seq Scan" not in _on_exports(plan), name
        assert blocks <= 2 * before[name][0] + 60, f"{name}: {before[name][0]} -> {blocks} blocks"


def test_the_look_up_by_claim_uses_the_gin_index_as_the_application_role(world: World) -> None:
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        owner.execute(_SEED_RUNS)
        owner.execute("VACUUM ANALYZE export_runs")
    before = _scans(world)
    with (
        world.pool.connection() as connection,
        organization_scope(connection, world.organization),
    ):
        found = status.runs_with_claims(connection, ["R123456", "R7", "nobody"])
        connection.execute("SELECT pg_stat_force_next_flush()")
    assert {run["submission_id"] for run in found} == {123456, 7}
    after = _scans(world)
    assert after["index"] > before["index"]
    assert after["sequential"] == before["sequential"]


def test_the_look_up_by_claim_raises_without_an_organization(world: World) -> None:
    with (
        world.pool.connection() as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT * FROM runs_with_claims(ARRAY['R1'])").fetchall()


@pytest.mark.parametrize("table", ["export_runs", "sync_logs", "exports", "records"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET source_id = source_id", "DELETE FROM {}",
                                  "TRUNCATE {} CASCADE"])  # fmt: skip
def test_what_is_append_only_refuses_even_the_owner(world: World, table: str, verb: str) -> None:
    if verb.startswith("UPDATE"):
        column = {"export_runs": "outcome"}.get(table, "source_id")
        verb = verb.replace("source_id", column)
        if table == "exports":
            pytest.skip("exports change their state, by the transitions of the trigger only")
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        owner.execute(_SEED_RUNS.replace("300000", "3"))
        _log_a_row(owner)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute(verb.format(table))


def test_a_state_may_only_change_as_designed(world: World) -> None:
    with (
        psycopg.connect(world.owner_url, autocommit=True) as owner,
        pytest.raises(psycopg.errors.CheckViolation, match="pending to exported"),
    ):
        owner.execute("UPDATE exports SET state = 'exported'")


def test_a_second_live_generation_is_refused_by_the_database(world: World) -> None:
    copy = (
        "INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system,"
        " source_id, revision, generation, live, category, currency, amount, reference, state)"
        " SELECT organization_id, integration_id, book_id, record_id, source_system, source_id,"
        " revision, generation + {}, true, category, currency, amount, reference, 'pending'"
        " FROM exports LIMIT 1"
    )
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        with pytest.raises(psycopg.errors.UniqueViolation, match="one_live_generation"):
            owner.execute(copy.format(1))
        with pytest.raises(psycopg.errors.UniqueViolation, match="one_row_per_generation"):
            owner.execute(copy.replace(" true,", " false,").format(0))


def test_one_sync_of_each_kind_waits_at_most(world: World) -> None:
    for _ in range(2):
        world.exports.sync()
        world.exports.start_delivery()
    waiting = world.query(
        "SELECT args ->> 'trigger' FROM procrastinate_jobs WHERE lock = %s AND status = 'todo'"
        " ORDER BY id",
        lock_of(world.integration),
    )
    assert sorted(waiting) == [("approval",), ("manual",)]


def _on_exports(plan: str) -> str:
    """Return the parts of a plan that read the table of exports itself."""
    nodes = []

    def walk(node: dict[str, Any]) -> None:
        if node.get("Relation Name") == "exports":
            nodes.append(node["Node Type"])
        for child in node.get("Plans", ()):
            walk(child)

    walk(json.loads(plan))
    return " ".join(nodes)


def _scans(world: World) -> dict[str, int]:
    """Return scans of the GIN indexes and rows read without an index, all partitions together."""
    rows = world.query(
        "SELECT (SELECT sum(idx_scan)::int FROM pg_stat_user_indexes WHERE"
        " relname LIKE 'export_runs%%' AND indexrelname LIKE '%%claim_ids%%'),"
        " (SELECT sum(seq_tup_read)::int FROM pg_stat_user_tables WHERE"
        " relname LIKE 'export_runs%%')"
    )
    return {"index": rows[0][0], "sequential": rows[0][1]}


def _log_a_row(owner: psycopg.Connection[Any]) -> None:
    owner.execute(
        "INSERT INTO sync_logs (organization_id, at, integration_id, run_id, export_id, source_id,"
        " reference, attempt, event, outcome, row_hash, link, position)"
        " SELECT organization_id, now(), integration_id, gen_random_uuid(), id, source_id,"
        " reference, 1, 'sent', 'accepted', '', 1, 1 FROM exports LIMIT 1"
    )
