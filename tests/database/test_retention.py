"""Retention (X7): what is over goes by each organization's own rules, and the chain holds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.app.cli import run
from bilag.core.problem import Refused
from bilag.exports.audit import record_change
from bilag.exports.erase import over_partitions
from bilag.exports.retention import Rules, read_rules, save_rules
from bilag.monitoring.retention import check_clock, erase, plan
from tests.clusters import Cluster, Database
from tests.database.audit_stage import CLAIMS, SLUG, Log, deliver
from tests.simulation.test_restore import copy_database
from tests.simulation.world import claim, make_world

# The claims are delivered today, with costs of October of this year.
YEAR = datetime.now(UTC).year
OVER = date(YEAR + 6, 1, 1)
SETTINGS = {"baseUrl": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def source(
    cluster: Cluster, template_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Log]:
    """A delivered organization that is not touched."""
    name = "bilag_retention_source"
    yield deliver(cluster, template_database, name, tmp_path_factory.mktemp("retention"))
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        superuser.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def log(cluster: Cluster, source: Log, database: Database) -> Log:
    """A copy of it."""
    copy_database(cluster.superuser_url, source.database.name, database.name)
    url = psycopg.conninfo.make_conninfo(cluster.superuser_url, dbname=database.name)
    return Log(database, url, source.home, source.organization)


@pytest.fixture(autouse=True)
def years_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever verifies does so after all that was erased here."""
    later = datetime(YEAR + 12, 1, 1, tzinfo=UTC)
    monkeypatch.setattr("bilag.exports.verify_erased.utc_now", lambda: later)


@contextmanager
def owner_of(log: Log) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(log.database.owner_url, autocommit=True) as connection:
        yield connection


@contextmanager
def clock(monkeypatch: pytest.MonkeyPatch, today: date) -> Iterator[None]:
    """Let the log be written on a day."""
    with monkeypatch.context() as patch:
        patch.setattr("bilag.exports.audit.utc_now", lambda: datetime(
            today.year, today.month, today.day, 12, tzinfo=UTC))  # fmt: skip
        yield


def retain(log: Log, today: date, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Erase what is over on a day, and return the partitions that were dropped."""
    with owner_of(log) as owner, clock(monkeypatch, today):
        return list(erase(owner, plan(owner, today), today, actor="command line: owner"))


def count(log: Log, table: str) -> int:
    return int(log.value(f"SELECT count(*) FROM {table}"))


def test_nothing_goes_before_its_time(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {t: count(log, t) for t in ("records", "sync_logs", "change_logs", "submissions")}
    assert retain(log, date(YEAR + 5, 12, 31), monkeypatch) == []
    assert {t: count(log, t) for t in before} == before
    assert log.verify().notes == []


def test_what_is_over_goes_and_the_chain_is_verifiable_still(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    links, totals = count(log, "audit_links"), log.value("SELECT sum(amount) FROM exports")
    names = log.value("SELECT array_agg(source_id) FROM exports")
    log.anchor()

    retain(log, OVER, monkeypatch)

    for table in ("records", "sync_logs", "submissions", "export_runs", "syncs"):
        assert count(log, table) == 0, table
    assert log.value("SELECT array_agg(event) FROM change_logs") == ["retention.erased"]
    assert count(log, "audit_links") == links + 1
    assert count(log, "exports") == CLAIMS, "the guard stays"
    assert log.value("SELECT sum(amount) FROM exports") == totals
    assert not set(log.value("SELECT array_agg(source_id) FROM exports")) & set(names)
    found = log.verify()
    assert found.first is None
    assert found.erased == links
    (note,) = found.notes
    assert note.code == "audit_erased"
    assert note.params["before"] == f"{YEAR + 1}-01-01"
    (log.home / "anchors" / f"{SLUG}.ndjson").unlink()


def test_nothing_of_a_claimant_is_left_anywhere(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    retain(log, OVER, monkeypatch)
    with psycopg.connect(log.superuser_url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r'"
        ).fetchall()
        for (table,) in tables:
            for word in ("Volunteer 017", "V017", "C000001", "Visit to a member"):
                found = connection.execute(
                    f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s'.encode(),
                    [f"%{word}%"],
                ).fetchone()
                assert found == (0,), f"{word} is in {table}"


def test_an_erased_claim_is_never_booked_again(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    retain(log, OVER, monkeypatch)
    database = log.database
    with make_world(
        database.application_url, database.owner_url, log.home, settings=SETTINGS
    ) as world:
        old, new = world.exports.accept_records([claim(1, revision=2), claim(CLAIMS + 1)])
        assert (old.result, [p.code for p in old.problems]) == ("refused", ["claim_erased"])
        assert new.result == "accepted"
        assert world.query("SELECT count(*) FROM exports WHERE state = 'pending'") == [(1,)]


def test_running_it_again_or_after_a_stop_is_harmless(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owner_of(log) as owner, clock(monkeypatch, OVER):
        steps = plan(owner, OVER)
        with monkeypatch.context() as patch:
            patch.setattr("bilag.monitoring.retention.erase_logs", _stopped)
            patch.setattr("bilag.monitoring.retention.over_partitions", lambda *_: [])
            with pytest.raises(KeyboardInterrupt):
                list(erase(owner, steps, OVER, actor="command line: owner"))
    assert log.verify().first is None, "half-way through"
    assert count(log, "sync_logs") > 0
    retain(log, OVER, monkeypatch)
    retain(log, OVER, monkeypatch)
    assert count(log, "sync_logs") == 0
    assert log.verify().first is None
    assert count(log, "change_logs") == 1, "one note for one erasure"


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_link_that_lost_only_some_of_its_rows_is_tampering_though_it_is_over(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owner_of(log) as owner, clock(monkeypatch, OVER), monkeypatch.context() as patch:
        patch.setattr("bilag.monitoring.retention.erase_logs", lambda *_: None)
        patch.setattr("bilag.monitoring.retention.over_partitions", lambda *_: [])
        list(erase(owner, plan(owner, OVER), OVER, actor="command line: owner"))
    log.superuser(
        "DELETE FROM sync_logs WHERE position = 2 AND link ="
        " (SELECT link FROM audit_links WHERE source = 'sync_logs' AND rows > 2 LIMIT 1)"
    )
    assert log.first()[0] == "audit_deleted"


def test_a_note_that_comes_too_early_hides_nothing(log: Log) -> None:
    newest = log.value("SELECT link FROM audit_heads")
    with log.scope() as connection:
        record_change(
            connection, log.organization, "user eve@example.org", "retention.erased", "retention",
            {"throughLink": newest, "before": f"{YEAR + 1}-01-01", "attempts": 1, "changes": 1},
        )  # fmt: skip
    log.superuser("TRUNCATE sync_logs")
    found = log.verify()
    assert found.notes == []
    assert found.erased == 0
    assert found.faults > log.value("SELECT count(*) FROM audit_links WHERE source = 'sync_logs'")
    assert log.first()[0] == "audit_erased_early", "it explains all the others"


def test_rules_and_holds_are_the_organization_s_own(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with log.scope() as connection:
        assert read_rules(connection) == Rules()
        save_rules(connection, log.organization, Rules(10), actor="user a@b.no")
    assert retain(log, OVER, monkeypatch) == []
    assert count(log, "records") == CLAIMS
    hold = Rules(5, date.max, "audit of the grant")
    with log.scope() as connection:
        save_rules(connection, log.organization, hold, actor="user a@b.no")
        assert read_rules(connection) == hold
        for wrong in (Rules(4), Rules(101), Rules(5, OVER, " ")):
            with pytest.raises(Refused):
                save_rules(connection, log.organization, wrong, actor="user a@b.no")
    with owner_of(log) as owner:
        (over,) = plan(owner, OVER)
    assert (over.held, over.anything, over.claims) == (True, False, CLAIMS)
    assert retain(log, OVER, monkeypatch) == []
    assert count(log, "records") == CLAIMS
    assert log.value("SELECT count(*) FROM change_logs WHERE event = 'retention.changed'") == 2
    with log.scope() as connection:
        save_rules(connection, log.organization, Rules(), actor="user a@b.no")
    retain(log, OVER, monkeypatch)
    assert count(log, "records") == 0


def test_open_claims_and_late_accounting_years_stay(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.superuser(
        "UPDATE exports SET state = 'needs_review' WHERE id = 1",
        f"UPDATE exports SET accounting_year = {YEAR + 1} WHERE id = 2",
    )
    retain(log, OVER, monkeypatch)
    assert log.value("SELECT array_agg(source_id ORDER BY id) FROM exports"
                     " WHERE source_id NOT LIKE 'erased:%'") == ["C000000", "C000001"]  # fmt: skip
    assert count(log, "records") == 2
    assert log.value("SELECT count(*) FROM sync_logs WHERE export_id = 2") > 0
    assert log.verify().first is None


def test_a_month_goes_as_a_whole_when_the_last_organization_s_time_is_over(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = f"{datetime.now(UTC):%Y%m}"
    other = "00000000-0000-0000-0000-00000000000f"
    log.superuser(
        f"INSERT INTO organizations (id, slug, name) VALUES ('{other}', 'other', 'Other')",
        f"INSERT INTO retention_rules (organization_id, years) VALUES ('{other}', 10)",
        "INSERT INTO sync_logs (organization_id, at, integration_id, run_id, export_id, source_id,"
        f" reference, attempt, event, outcome, row_hash, link, position) SELECT '{other}', at,"
        " integration_id, run_id, export_id, 'X', reference, attempt, event, outcome, row_hash, 1,"
        " position FROM sync_logs LIMIT 1",
        f"INSERT INTO audit_links VALUES ('{other}', 1, 'sync_logs', 1, 'x', 'x')",
        f"INSERT INTO audit_heads VALUES ('{other}', 1, 'x')",
    )
    dropped = retain(log, OVER, monkeypatch)
    assert f"export_runs_{month}" in dropped
    assert f"sync_logs_{month}" not in dropped, "the other organization needs it"
    assert log.value("SELECT array_agg(DISTINCT organization_id::text) FROM sync_logs") == [other]

    assert f"sync_logs_{month}" in retain(log, date(YEAR + 11, 1, 1), monkeypatch)
    assert log.value(f"SELECT to_regclass('sync_logs_{month}')") is None
    with owner_of(log) as owner:
        assert over_partitions(owner, plan(owner, date(YEAR + 11, 1, 1))) == []


def test_only_the_owner_can_erase_and_only_with_the_word(log: Log) -> None:
    word = "SELECT set_config('bilag.retention', 'on', false)"
    refused = psycopg.errors.InsufficientPrivilege
    with psycopg.connect(log.database.application_url, autocommit=True) as application:
        application.execute(word)
        with pytest.raises(refused, match="permission denied"):
            application.execute("DELETE FROM sync_logs")
    with owner_of(log) as owner:
        for table in ("sync_logs", "change_logs", "export_runs", "submissions", "records"):
            with pytest.raises(refused, match="append-only"):
                owner.execute(f"DELETE FROM {table}".encode())
        owner.execute(word)
        with pytest.raises(refused, match="append-only"):
            owner.execute("UPDATE sync_logs SET link = link")
        with pytest.raises(refused, match="append-only"):
            owner.execute("TRUNCATE sync_logs")


def test_the_clock_is_trusted_as_far_as_the_newest_log_of_any_organization(log: Log) -> None:
    with owner_of(log) as owner:
        every = plan(owner, date(YEAR, 12, 31))
    newest = max(one.newest for one in every if one.newest is not None)
    check_clock(every, newest + timedelta(days=31))
    silent = replace(every[0], newest=newest - timedelta(days=3000))
    check_clock([silent, *every], newest)  # one that left long ago is no reason
    with pytest.raises(Refused, match="--clock-is-right"):
        check_clock(every, newest + timedelta(days=31, seconds=1))
    check_clock([replace(one, newest=None) for one in every], newest)


def test_the_commands_show_set_and_erase(
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("BILAG_HOME", str(log.home))
    monkeypatch.setenv("BILAG_DATABASE_URL", log.database.application_url)
    assert run(["retention", "--dry-run"]) != 0, "it takes the owner"
    monkeypatch.setenv("BILAG_DATABASE_OWNER_URL", log.database.owner_url)
    assert run(["retention-rules", SLUG, "--years", "7"]) == 0
    assert "kept 7 years after the accounting year" in capsys.readouterr().out
    assert run(["retention-rules", SLUG, "--hold"]) == 2, "a hold needs a reason"
    assert run(["retention-rules", SLUG, "--hold-until", "2099-01-01", "--reason", "grant"]) == 0
    assert "nothing is erased until 2099-01-01 has passed: grant" in capsys.readouterr().out
    assert run(["retention-rules", SLUG, "--lift-hold", "--years", "5"]) == 0
    capsys.readouterr()

    later = datetime(YEAR + 6, 1, 1, 12, tzinfo=UTC)
    for module in ("bilag.app.cli_retention", "bilag.exports.audit"):
        monkeypatch.setattr(f"{module}.utc_now", lambda: later)
    assert run(["retention", "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["organizations"][0]["claims"] == CLAIMS
    assert told["dryRun"] is True
    assert count(log, "records") == CLAIMS
    assert run(["retention"]) == 1, "the log says that it is another year"
    said = capsys.readouterr().err
    assert f"The clock of this machine says {YEAR + 6}-01-01" in said
    assert "--clock-is-right" in said
    assert count(log, "records") == CLAIMS
    assert run(["retention", "--clock-is-right"]) == 0
    said = capsys.readouterr().out
    assert f"{SLUG}: {CLAIMS} claims" in said
    assert "dropped sync_logs_" in said
    assert count(log, "records") == 0
    assert run(["audit", "verify", SLUG]) == 0
    assert "was erased by retention" in capsys.readouterr().out
