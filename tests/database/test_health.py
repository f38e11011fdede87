"""O1, O2: green, yellow, red by the row's rules; ages count from when a record could have gone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.monitoring.health import Health, IntegrationHealth, measure, synced_in_all
from bilag.monitoring.overview import Show, Sort, overview_page
from bilag.monitoring.trend import trend
from bilag.monitoring.watch import look
from bilag.tenants.scope import organization_scope, organization_scope_async
from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage, connect_owner, record
from tests.database.watch_stage import error, pending, runtime

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        runtime(running, enabled_since=NOW - 90 * 24 * HOUR)
        yield running


def health(stage: Stage, at: datetime = NOW) -> Health:
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, stage.alice.organization),
    ):
        return measure(connection, at)


def one(stage: Stage, at: datetime = NOW) -> IntegrationHealth:
    (found,) = health(stage, at).integrations
    return found


def judged(stage: Stage, at: datetime = NOW) -> tuple[str, list[str]]:
    found = one(stage, at)
    return found.colour, list(found.reasons)


def test_a_sync_that_finds_nothing_is_green_however_long_ago(stage: Stage) -> None:
    assert judged(stage) == ("new", [])
    runtime(stage, last_sync_at=NOW - 30 * 24 * HOUR, last_sync_outcome="ok")
    assert judged(stage) == ("green", [])


@pytest.mark.parametrize("outcome", ["misconfigured", "breaker", "interrupted"])
def test_a_failed_sync_is_red(stage: Stage, outcome: str) -> None:
    runtime(stage, last_sync_at=NOW - HOUR, last_sync_outcome=outcome)
    assert judged(stage) == ("red", ["sync_failed"])
    runtime(stage, error_since=NOW)
    assert judged(stage)[1] == ["stopped", "sync_failed"]


@pytest.mark.parametrize("outcome", ["ok", "paused", "pause_window"])
def test_a_pause_is_no_failure(stage: Stage, outcome: str) -> None:
    runtime(stage, last_sync_at=NOW - HOUR, last_sync_outcome=outcome)
    assert judged(stage) == ("green", [])


def test_errors_of_the_last_24_hours_make_it_yellow(stage: Stage) -> None:
    runtime(stage, last_sync_at=NOW - HOUR, last_sync_outcome="ok")
    error(stage, NOW - 24 * HOUR)
    assert judged(stage) == ("green", [])
    error(stage, NOW - 24 * HOUR + SECOND, http=429, outcome="retry_later")
    assert judged(stage) == ("green", []), "a system that asks us to wait did nothing wrong"
    error(stage, NOW - 24 * HOUR + SECOND)
    assert judged(stage) == ("yellow", ["errors"])
    assert one(stage).errors == 1


@pytest.mark.parametrize("state", ["exported", "cancelled", "superseded"])
def test_an_error_weighs_until_its_claim_is_settled(stage: Stage, state: str) -> None:
    runtime(stage, last_sync_at=NOW - HOUR, last_sync_outcome="ok")
    export = pending(stage, "C1", NOW - HOUR)
    error(stage, NOW - HOUR, export=export)
    error(stage, NOW - HOUR, outcome="unknown", export=export)
    assert judged(stage) == ("yellow", ["errors"])
    stage.bring(export, *(("sending", "exported") if state == "exported" else (state,)))
    assert judged(stage) == ("green", [])
    assert (one(stage).errors, one(stage).errors_open) == (2, 0), "they are still counted"
    error(stage, NOW - HOUR, export=pending(stage, "C2", NOW - HOUR))
    assert (judged(stage)[0], one(stage).errors_open) == ("yellow", 1)


def test_pending_over_24_hours_is_yellow_and_without_a_sync_over_48_red(stage: Stage) -> None:
    runtime(stage, last_sync_at=NOW - HOUR, last_sync_outcome="ok")
    pending(stage, "C1", NOW - 24 * HOUR)
    assert judged(stage) == ("green", [])
    assert judged(stage, NOW + SECOND) == ("yellow", ["pending_old"])
    runtime(stage, last_sync_at=NOW - 90 * HOUR)
    assert judged(stage, NOW + 24 * HOUR - SECOND) == ("yellow", ["pending_old"])
    assert judged(stage, NOW + 24 * HOUR) == ("red", ["no_sync", "pending_old"])
    assert not one(stage, NOW - SECOND).stale
    assert one(stage, NOW).stale


def test_the_bounds_are_the_organizations_own(stage: Stage) -> None:
    runtime(stage, last_sync_at=NOW - 3 * HOUR, last_sync_outcome="ok")
    pending(stage, "C1", NOW - 3 * HOUR)
    stage.query("UPDATE watch_settings SET pending_hours = 2, no_sync_hours = 3, stale_hours = 3")
    assert judged(stage) == ("red", ["no_sync", "pending_old"])
    assert one(stage).stale


def test_ages_count_from_the_moment_of_enabling(stage: Stage) -> None:
    pending(stage, "C1", NOW - 90 * HOUR)
    runtime(stage, enabled=False)
    assert judged(stage) == ("off", [])
    assert health(stage).colour == "off"
    runtime(stage, enabled=True)
    (since,) = stage.query("SELECT enabled_since > now() - interval '1 minute'"
                           " FROM organization_integrations")[0]  # fmt: skip
    assert since, "switching on is noted"
    runtime(stage, enabled_since=NOW - 24 * HOUR)
    assert judged(stage) == ("new", [])
    assert judged(stage, NOW + SECOND)[1] == ["pending_old"]


def test_ages_count_from_the_end_of_a_pause(stage: Stage) -> None:
    runtime(stage, last_sync_at=NOW - 90 * HOUR, last_sync_outcome="pause_window")
    pending(stage, "C1", NOW - 90 * HOUR)
    runtime(stage, hold_from=NOW - 91 * HOUR, hold_until=NOW + HOUR)
    assert judged(stage) == ("green", [])
    assert one(stage).paused_until == NOW + HOUR
    # whether or not a worker has noted that it is over
    assert judged(stage, NOW + 25 * HOUR) == ("green", [])
    assert judged(stage, NOW + 25 * HOUR + SECOND)[1] == ["pending_old"]
    runtime(stage, hold_from=None, hold_until=None, pause_ended_at=NOW + HOUR)
    assert judged(stage, NOW + 25 * HOUR) == ("green", [])
    assert judged(stage, NOW + 49 * HOUR)[1] == ["no_sync", "pending_old"]


def test_ages_count_from_the_due_time_of_the_schedule(stage: Stage) -> None:
    runtime(stage, last_sync_at=NOW - 7 * 24 * HOUR, last_sync_outcome="ok", trigger="daily",
            next_run_at=NOW)  # fmt: skip
    export = pending(stage, "C1", NOW - 6 * 24 * HOUR)
    assert judged(stage) == ("green", [])
    # nobody starts the run: no worker is there
    assert judged(stage, NOW + 24 * HOUR) == ("green", [])
    assert judged(stage, NOW + 24 * HOUR + SECOND) == ("yellow", ["pending_old"])
    assert judged(stage, NOW + 48 * HOUR) == ("red", ["no_sync", "pending_old"])
    # it is started, and comes to nothing
    runtime(stage, run_through=export, next_run_at=NOW + 7 * 24 * HOUR)
    for due, through in ((NOW, export), (NOW + 7 * 24 * HOUR, export + 5)):
        stage.query(
            "INSERT INTO schedule_runs VALUES (%s, %s, %s, %s)",
            stage.alice.organization, stage.alice.integration, due, through,
        )  # fmt: skip
    assert one(stage, NOW + HOUR).could_go_since == NOW
    assert judged(stage, NOW + 48 * HOUR)[0] == "red"
    runtime(stage, last_sync_at=NOW + 2 * SECOND)
    assert judged(stage, NOW + 48 * HOUR) == ("yellow", ["pending_old"])
    stage.bring(export, "sending", "exported")
    assert judged(stage, NOW + 48 * HOUR) == ("green", [])


def test_a_run_that_found_nothing_is_a_sync(stage: Stage) -> None:
    runtime(stage, last_sync_at=NOW - 24 * HOUR, last_sync_outcome="ok", trigger="daily",
            run_through=1, next_run_at=NOW)  # fmt: skip
    stage.query(
        "INSERT INTO schedule_runs VALUES (%s, %s, %s, 1)",
        stage.alice.organization, stage.alice.integration, NOW - 24 * HOUR - SECOND,
    )  # fmt: skip
    assert judged(stage) == ("green", [])


def test_what_waits_for_a_button_is_told_and_never_red(stage: Stage) -> None:
    runtime(stage, trigger="manual", last_sync_at=NOW - 300 * HOUR, last_sync_outcome="ok")
    pending(stage, "C1", NOW - 200 * HOUR)
    assert judged(stage) == ("yellow", ["pending_old"])


def test_what_waits_for_a_person_and_warnings_are_yellow(stage: Stage) -> None:
    runtime(stage, last_sync_at=NOW, last_sync_outcome="partly", warning="the new key was refused")
    failed = pending(stage, "C1", NOW)
    stage.bring(failed, "sending", "failed")
    assert judged(stage) == ("yellow", ["waits_for_person", "sync_partly", "warning"])
    assert (one(stage).failed, one(stage).for_person) == (1, 1)


def test_the_total_and_the_days_come_from_counters(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"), record("C2"))
    stage.bring(stage.alice.export_id("C1"), "sending", "in_doubt", "needs_review", "exported")
    today = datetime.now(UTC)
    error(stage, today)
    for _ in range(2):  # before the deltas are folded, and after
        with (
            stage.installation.pool.connection() as connection,
            organization_scope(connection, stage.alice.organization),
        ):
            assert synced_in_all(connection) == 1
            days = trend(connection, today)
            assert len(days) == 30
            assert (days[-1].approved, days[-1].exported, days[-1].errors) == (2, 1, 1)
            assert all((d.approved, d.exported, d.errors) == (0, 0, 0) for d in days[:-1])
            connection.execute("SELECT fold_totals()")


async def test_the_overview_shows_each_organization_once(stage: Stage) -> None:
    runtime(stage, enabled_since=datetime.now(UTC) - 100 * HOUR)
    pending(stage, "C1", datetime.now(UTC) - 60 * HOUR)
    (row,) = _page(stage, named="ali")
    assert (row.slug, row.colour, row.reasons) == ("alice", "yellow", ["not_measured"])
    async with await _worker(stage) as connection, organization_scope_async(
        connection, stage.alice.organization
    ):  # fmt: skip
        await look(connection, stage.alice.organization, datetime.now(UTC))
    alice, charlie = _page(stage)
    assert (alice.slug, alice.colour, alice.stale, alice.pending) == ("alice", "red", True, 1)
    assert alice.reasons == ["no_sync", "pending_old"]
    assert alice.connectors == ["Ledger"]
    assert (charlie.slug, charlie.colour, charlie.stale) == ("charlie", "new", False)
    assert [r.slug for r in _page(stage, show="attention")] == ["alice"]
    assert [r.slug for r in _page(stage, show="stale")] == ["alice"]
    assert [r.slug for r in _page(stage, sort="name")] == ["alice", "charlie"]


@pytest.mark.parametrize("sort", ["attention", "name", "last_sync", "pending", "errors"])
def test_pages_of_the_overview_neither_repeat_nor_leave_out(stage: Stage, sort: Sort) -> None:
    with connect_owner(stage) as owner:
        owner.execute(
            "INSERT INTO organizations (id, slug, name) SELECT gen_random_uuid(), 'o' || n,"
            " 'Organization ' || n % 3 FROM generate_series(1, 10) n"
        )
    seen: list[str] = []
    after = None
    with stage.installation.pool.connection() as connection:
        while True:
            page = overview_page(connection, sort=sort, after=after, limit=5)
            assert page.in_all == 12
            seen += [row.slug for row in page.rows]
            after = page.after
            if after is None:
                break
    assert len(seen) == len(set(seen)) == 12


def _page(stage: Stage, *, sort: Sort = "attention", show: Show = "all", named: str = "") -> Any:
    with stage.installation.pool.connection() as connection:
        return overview_page(connection, sort=sort, show=show, named=named).rows


async def _worker(stage: Stage) -> Any:
    return await psycopg.AsyncConnection.connect(stage.database.application_url, autocommit=True)
