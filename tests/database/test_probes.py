"""/healthz, /readyz and /metrics: what they answer, to whom, and that no tenant stands in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from bilag.app.serve import prepare
from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage, connect_owner, record
from tests.database.watch_stage import look_at, pending, refused
from tests.portal.test_watch import NOW


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        prepare(running.installation)
        yield running


def probe(path: str, **headers: str) -> tuple[int, str]:
    # as a probe asks: by an address that is no host name of ours
    answer = Client(SERVER_NAME="10.0.0.17").get(path, headers=headers)
    return answer.status_code, answer.content.decode()


def beats(stage: Stage, seconds_ago: int) -> None:
    with connect_owner(stage) as owner:
        owner.execute("DELETE FROM procrastinate_workers")
        owner.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - %s * interval '1 second')", [seconds_ago],
        )  # fmt: skip


def test_it_lives(stage: Stage) -> None:
    assert probe("/healthz") == (200, "ok")


def test_it_is_ready_and_says_whether_a_worker_is_there(stage: Stage) -> None:
    status, text = probe("/readyz")
    assert status == 200
    assert '"worker": "late"' in text
    assert probe("/readyz?worker")[0] == 503
    beats(stage, 1)
    status, text = probe("/readyz?worker")
    assert status == 200
    assert text == '{"database": "ok", "migrations": "ok", "keys": "ok", "worker": "ok"}'
    beats(stage, 61)
    assert probe("/readyz?worker")[0] == 503


def test_it_is_not_ready_before_the_newest_migration(stage: Stage) -> None:
    with connect_owner(stage) as owner:
        owner.execute("DELETE FROM django_migrations WHERE name = '0013_watch'")
    status, text = probe("/readyz")
    assert (status, '"migrations": "missing"' in text) == (503, True)


def test_it_is_not_ready_with_another_master_key(stage: Stage) -> None:
    with connect_owner(stage) as owner:
        owner.execute("UPDATE instance_keys SET wrapped = '\\x00'")
    status, text = probe("/readyz")
    assert (status, '"keys": "failed"' in text) == (503, True)


def test_metrics_are_for_who_has_the_token_or_a_named_address(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert probe("/metrics")[0] == 404, "closed unless the operator opens it"
    monkeypatch.setenv("BILAG_METRICS_TOKEN", "s3cret")
    assert probe("/metrics")[0] == 404
    assert probe("/metrics", Authorization="Bearer wrong")[0] == 404
    assert probe("/metrics", Authorization="Bearer s3cret")[0] == 200
    monkeypatch.delenv("BILAG_METRICS_TOKEN")
    assert probe("/metrics", Authorization="Bearer ")[0] == 404
    monkeypatch.setenv("BILAG_METRICS_NETWORKS", "10.1.0.0/16, 127.0.0.0/8")
    assert probe("/metrics")[0] == 200
    monkeypatch.setenv("BILAG_METRICS_NETWORKS", "10.1.0.0/16")
    assert probe("/metrics")[0] == 404


def test_metrics_are_sums_of_all_without_a_tenants_name(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILAG_METRICS_TOKEN", "s3cret")
    refused(stage, "C000017", NOW)
    pending(stage, "C000018", NOW)
    stage.charlie.hand_over(record("C1"))
    stage.alice.get("/api/v1/health")
    look_at(stage, NOW)
    status, text = probe("/metrics", Authorization="Bearer s3cret")
    assert status == 200
    lines = text.splitlines()
    assert "bilag_organizations 2.0" in lines
    assert "bilag_claims_pending 1.0" in lines
    assert "bilag_claims_for_person 1.0" in lines
    assert "bilag_alerts_open 1.0" in lines
    assert "bilag_database_up 1.0" in lines
    assert any(one.startswith("bilag_http_requests_total{") for one in lines)
    for name in ("alice", "charlie", "Ledger", "C000017", str(stage.alice.organization)):
        assert name not in text
