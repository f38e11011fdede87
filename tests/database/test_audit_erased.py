"""A note of retention that is not of retention hides nothing from `bilag audit verify`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.exports.audit import record_change
from bilag.exports.retention import Rules, save_rules
from bilag.monitoring.retention import erase, plan
from tests.clusters import Cluster, Database
from tests.database.audit_stage import SLUG, Log, deliver
from tests.simulation.test_restore import copy_database

YEAR = datetime.now(UTC).year
OVER = date(YEAR + 6, 1, 1)
LONG_AGO = f"{YEAR - 10}-01-01"
SECOND = "(SELECT link FROM audit_links WHERE source = 'sync_logs' ORDER BY link LIMIT 1 OFFSET 1)"


@pytest.fixture(scope="module")
def source(
    cluster: Cluster, template_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Log]:
    """A delivered organization that is not touched."""
    name = "bilag_erased_source"
    yield deliver(cluster, template_database, name, tmp_path_factory.mktemp("erased"))
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        superuser.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def log(cluster: Cluster, source: Log, database: Database, tmp_path: Path) -> Log:
    """A copy of it, without anchors."""
    copy_database(cluster.superuser_url, source.database.name, database.name)
    url = psycopg.conninfo.make_conninfo(cluster.superuser_url, dbname=database.name)
    made = replace(source, database=database, superuser_url=url)
    (made.home / "anchors" / f"{SLUG}.ndjson").unlink(missing_ok=True)
    return made


def forge(log: Log, **detail: object) -> int:
    """Write a note as the application's role can, with the counts that retention would write."""
    newest = log.value("SELECT link FROM audit_heads")
    through = detail.get("throughLink", newest)
    said = {
        "throughLink": through, "before": LONG_AGO, "years": 5, "claims": 0, "runs": 0,
        "attempts": log.value(f"SELECT count(*) FROM sync_logs WHERE link <= {newest}"),
        "changes": log.value(f"SELECT count(*) FROM change_logs WHERE link <= {newest}"),
        **detail,
    }  # fmt: skip
    with log.scope() as connection:
        record_change(connection, log.organization, "user eve@example.org", "retention.erased",
                      "retention", said)  # fmt: skip
    return int(newest)


def aged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be the day on which all that was delivered is over."""
    today = datetime(OVER.year, 1, 1, 12, tzinfo=UTC)
    for module in ("bilag.exports.audit", "bilag.exports.verify_erased"):
        monkeypatch.setattr(f"{module}.utc_now", lambda: today)


def judged(log: Log) -> str:
    """Return by which code the note is named, which excuses nothing then."""
    found = log.verify()
    assert found.first is not None, "nothing was found"
    assert (found.erased, found.notes) == (0, [])
    told = dict(found.first.problem.params)
    assert int(told["link"]) > 0
    assert "{" not in found.first.problem.text("nb")
    return found.first.problem.code


def test_a_single_decision_cannot_be_hidden(log: Log) -> None:
    with log.scope() as connection:
        record_change(connection, log.organization, "user eve@example.org", "export.decided",
                      "export 5", {"decision": "pending"})  # fmt: skip
    forge(log)
    log.superuser("DELETE FROM change_logs WHERE event = 'export.decided'")
    assert judged(log) == "audit_erased_young", "rows are there that are younger"


def test_an_anchor_shows_that_the_rows_were_younger(log: Log) -> None:
    log.anchor()
    with log.scope() as connection:
        record_change(connection, log.organization, "user eve@example.org", "x.y", "s", {})
    through = forge(log)
    log.superuser(f"DELETE FROM sync_logs WHERE link <= {through}",
                  f"DELETE FROM change_logs WHERE link <= {through}")  # fmt: skip
    assert judged(log) == "audit_erased_young"
    (log.home / "anchors" / f"{SLUG}.ndjson").unlink()


def test_a_note_must_fit_what_its_links_held(log: Log) -> None:
    through = forge(log, attempts=0, changes=0)
    log.superuser(f"DELETE FROM sync_logs WHERE link <= {through}",
                  f"DELETE FROM change_logs WHERE link <= {through}")  # fmt: skip
    assert judged(log) == "audit_erased_counts"


@pytest.mark.parametrize(
    "detail",
    [
        {"before": "yesterday"}, {"before": None}, {"before": "0001-01-01"}, {"throughLink": 1e400},
        {"throughLink": 999}, {"throughLink": -1}, {"attempts": None},
    ],
)  # fmt: skip
def test_a_note_that_says_nothing_sensible_is_named(log: Log, detail: dict[str, Any]) -> None:
    forge(log, **detail)
    assert judged(log) == "audit_erased_unclear"


def test_a_note_of_the_future_is_named(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("bilag.exports.audit.utc_now",
                      lambda: datetime.now(UTC) + timedelta(days=3650))  # fmt: skip
        forge(log, before=f"{YEAR + 1}-01-01")
    log.superuser("TRUNCATE sync_logs")
    assert judged(log) == "audit_erased_unclear"


def test_a_note_holds_to_the_rules_of_the_organization(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with log.scope() as connection:
        save_rules(connection, log.organization, Rules(10), actor="user a@b.no")
    aged(monkeypatch)
    forge(log, before=f"{YEAR + 1}-01-01")
    assert judged(log) == "audit_erased_early"


@pytest.mark.parametrize(
    "gone", [f"sync_logs WHERE link = {SECOND}", "change_logs WHERE event LIKE 'export%'"]
)
def test_retention_begins_with_the_oldest(
    log: Log, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    aged(monkeypatch)
    with (
        psycopg.connect(log.database.owner_url, autocommit=True) as owner,
        monkeypatch.context() as patch,
    ):
        patch.setattr("bilag.monitoring.retention.erase_logs", lambda *_: None)
        patch.setattr("bilag.monitoring.retention.over_partitions", lambda *_: [])
        list(erase(owner, plan(owner, OVER), OVER, actor="command line: owner"))
    assert log.verify().first is None, "retention was stopped"
    log.superuser(f"DELETE FROM {gone}")
    assert judged(log) == "audit_erased_gap"
