"""Query plans of the audit log and of lists of claims: whatever the filter, history costs nothing.

Every statement that the pages send is explained as the application's role; blocks touched are
compared between a short and a long history, in the middle of the log and at its end.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.exports.audit_log import Filters, Key, entries
from bilag.exports.history import story
from bilag.exports.states import STATES
from bilag.exports.status import export_page
from bilag.tenants.scope import organization_scope
from tests.simulation.world import World, make_world
from tests.simulation.world import claim as make_claim

SHORT, LONG = 3_000, 60_000
# Of the rare ones a few lie at the very beginning of the history.
_SEED = """
WITH exported AS (
    INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system,
        source_id, revision, live, category, currency, amount, reference, state, created_at)
    SELECT e.organization_id, e.integration_id, e.book_id, e.record_id, 'app', 'H' || n, 1, true,
        e.category, e.currency, e.amount, 'H' || n,
        CASE WHEN n > 24 THEN 'exported' ELSE (%(states)s::text[])[1 + n %% 12] END,
        now() - interval '300 days' + n * interval '5 minutes'
    FROM (SELECT * FROM exports WHERE source_id LIKE 'C%%' LIMIT 1) e,
        generate_series(%(first)s::int, %(last)s::int) n
    RETURNING id, organization_id, integration_id, source_id
), numbered AS (SELECT *, substring(source_id, 2)::int AS n FROM exported)
, logged AS (
    INSERT INTO sync_logs (organization_id, at, integration_id, run_id, export_id, source_id,
        reference, attempt, event, outcome, answer, row_hash, link, position)
    SELECT organization_id, now() - interval '300 days' + n * interval '5 minutes', integration_id,
        gen_random_uuid(), id, source_id, source_id, 1,
        CASE WHEN n <= 3 THEN 'waits' ELSE 'sent' END,
        CASE WHEN n <= 3 THEN 'staged' WHEN n %% 100 = 0 THEN 'rejected' ELSE 'accepted' END,
        repeat('x', 200), 'x', n, 1
    FROM numbered
)
INSERT INTO change_logs (organization_id, at, actor, event, subject, detail, row_hash, link)
SELECT organization_id, now() - interval '300 days' + n * interval '5 minutes',
    CASE WHEN n <= 3 THEN 'user rare@example.org' ELSE 'user often@example.org' END,
    CASE WHEN n <= 3 THEN 'key.rotated' ELSE 'export.decided' END, 'export ' || id,
    jsonb_build_object('sourceId', source_id), 'x', n
FROM numbered
"""


@pytest.fixture
def world(database: Any, tmp_path: Path) -> Iterator[World]:
    """An organization with a few claims; nothing is delivered here."""
    with make_world(
        database.application_url, database.owner_url, tmp_path,
        settings={"baseUrl": "http://127.0.0.1:9"},
    ) as made:  # fmt: skip
        made.accept([make_claim(number) for number in range(5)])
        yield made


def seed(world: World, first: int, last: int) -> None:
    """Add history: exports, attempts and decisions, the oldest of them rare ones."""
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        owner.execute(_SEED, {"first": first, "last": last, "states": list(STATES)})
        owner.execute("VACUUM ANALYZE")


@dataclass
class Explained:
    """A connection whose statements are explained, and run, and their blocks counted."""

    connection: psycopg.Connection[Any]
    blocks: int = 0
    plans: list[dict[str, Any]] = field(default_factory=list)

    def execute(self, query: Any, parameters: Any = None, **options: Any) -> Any:
        """Explain a statement, add what it touched, and return its rows."""
        self.explain(query, parameters)
        return self.connection.execute(query, parameters, **options)

    def cursor(self, **options: Any) -> Any:
        """Return a cursor that does the same."""
        outer, inner = self, self.connection.cursor(**options)

        class Cursor:
            def execute(self, query: Any, parameters: Any = None, **options: Any) -> Any:
                outer.explain(query, parameters)
                return inner.execute(query, parameters, **options)

            def __getattr__(self, name: str) -> Any:
                return getattr(inner, name)

        return Cursor()

    def explain(self, query: Any, parameters: Any) -> None:
        """Count the blocks that a statement touches."""
        text = query if isinstance(query, bytes) else str(query).encode()
        row = self.connection.execute(
            b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + text, parameters
        ).fetchone()
        assert row is not None
        plan = row[0][0]["Plan"]
        self.blocks += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        self.plans.append(plan)


def whole_tables(plan: dict[str, Any]) -> Iterator[str]:
    """Yield the tables of history that a plan reads as a whole; empty months are none."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"].startswith(
        ("exports", "sync_logs", "change_logs", "records")
    ):
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        if rows > SHORT:
            yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from whole_tables(part)


@contextmanager
def explained(world: World) -> Iterator[Any]:
    with (
        world.pool.connection() as connection,
        organization_scope(connection, world.organization),
    ):
        yield Explained(connection)


def looks(world: World) -> dict[str, Callable[[Any], Any]]:
    """Return everything that the pages ask, by name."""
    now = datetime.now(UTC)
    middle = now - timedelta(days=298)
    found: dict[str, Callable[[Any], Any]] = {}

    def look(name: str, **filters: Any) -> None:
        key = filters.pop("key", None)
        newer = filters.pop("newer", None)
        found[name] = lambda connection: entries(
            connection, Filters(**filters), older_than=key, newer_than=newer, limit=51
        )

    look("newest")
    look("in the middle", key=Key(middle, "c", 17))
    look("back up", newer=Key(middle, "a", 17))
    look("one day", first=middle, end=middle + timedelta(days=1))
    look("rare outcome", status="staged")
    look("refused", status="rejected")
    look("accepted", status="accepted")
    look("rare event", type="attempt.waits")
    look("sent", type="attempt.sent")
    look("rare topic", type="change.key")
    look("rare user", who="rare@example.org")
    look("often user", who="often@example.org")
    look("one claim", record="H2")
    look("no claim", record="nobody")
    look("one claim, refused", record="H100", status="rejected")

    def page(name: str, **filters: Any) -> None:
        found[f"claims: {name}"] = lambda connection: export_page(connection, limit=51, **filters)

    page("newest")
    page("older", before=500)
    page("newer", after=500)
    for state in STATES:
        page(state, state=state)
    page("integration", integration_id=world.integration)
    page("no integration", integration_id=world.organization)
    page("one claim", source_id="H2")
    page("one day", received_from=middle, received_before=middle + timedelta(days=1))
    page("since long ago", received_from=middle - timedelta(days=1))
    first = world.query("SELECT id FROM exports WHERE source_id = 'H2'")
    found["story"] = lambda connection: story(connection, world.organization, first[0][0])
    return found


def test_no_page_and_no_filter_grows_with_history(world: World) -> None:
    seed(world, 1, SHORT)
    before: dict[str, int] = {}
    for name, look in looks(world).items():
        with explained(world) as connection:
            look(connection)
            before[name] = connection.blocks
    seed(world, SHORT + 1, LONG)
    grown: dict[str, tuple[int, int]] = {}
    for name, look in looks(world).items():
        with explained(world) as connection:
            look(connection)
            if connection.blocks > 2 * before[name] + 80:
                grown[name] = (before[name], connection.blocks)
            for plan in connection.plans:
                assert not list(whole_tables(plan)), (name, list(whole_tables(plan)))
    assert not grown, grown


def test_changes_are_looked_for_in_one_organization_only(world: World) -> None:
    with (
        world.pool.connection() as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="no organization"),
    ):
        connection.execute("SELECT * FROM changes_about('{export 1}')").fetchall()


# The organization's own are a tenth, in between those of a hundred others.
_AMONG_OTHERS = (
    "INSERT INTO organizations (id, slug, name)"
    " SELECT md5('o' || n)::uuid, 'other-' || n, 'Other' FROM generate_series(0, 99) n",
    "INSERT INTO books (id, organization_id, key, name, currency)"
    " SELECT md5('b' || n)::uuid, md5('o' || n)::uuid, 'main', 'Main', 'NOK'"
    " FROM generate_series(0, 99) n",
    "INSERT INTO organization_integrations (id, organization_id, book_id, key, name,"
    " integration_type, settings, mapping_version)"
    " SELECT md5('i' || n)::uuid, md5('o' || n)::uuid, md5('b' || n)::uuid, 'ledger', 'Ledger',"
    " 'rest', '{}', 0 FROM generate_series(0, 99) n",
    "INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system,"
    " source_id, revision, live, category, currency, amount, reference, state)"
    " SELECT CASE WHEN n % 10 = 0 THEN e.organization_id ELSE md5('o' || n % 100)::uuid END,"
    " CASE WHEN n % 10 = 0 THEN e.integration_id ELSE md5('i' || n % 100)::uuid END,"
    " CASE WHEN n % 10 = 0 THEN e.book_id ELSE md5('b' || n % 100)::uuid END, e.record_id, 'app',"
    " 'M' || n, 1, true, e.category, e.currency, e.amount, 'M' || n, 'exported'"
    " FROM (SELECT * FROM exports LIMIT 1) e, generate_series(1, 100000) n",
)


def test_the_claims_of_one_among_many_are_read_a_page_at_a_time(world: World) -> None:
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        for statement in _AMONG_OTHERS:
            owner.execute(statement.encode())
        owner.execute("VACUUM ANALYZE")
    for wanted in ({}, {"state": "exported"}, {"before": 50_000}, {"after": 50_000}):
        with explained(world) as connection:
            found = export_page(connection, limit=51, **wanted)  # type: ignore[arg-type]
            assert len(found) == 51
            assert connection.blocks < 600, wanted
