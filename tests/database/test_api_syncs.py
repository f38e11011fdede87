"""/syncs: what would go, asking once, how far it is, and stopping; no worker runs here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.clusters import Database
from tests.database.api_stage import Person, Stage, api_stage, problem, record

SYNC = "/api/v1/integrations/ledger/sync"
SYNCS = "/api/v1/syncs"


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        # approving asks for a delivery, which no worker takes here
        yield running


def quiet(stage: Stage) -> None:
    stage.query("DELETE FROM procrastinate_jobs")


def start(person: Person, **headers: str) -> dict[str, Any]:
    response = person.ask("POST", SYNC, **headers)
    assert response.status_code == 202, response.content
    found: dict[str, Any] = person.get(f"{SYNCS}/{response.json()['id']}")  # type: ignore[attr-defined]
    return found


def test_what_would_go_is_counted_by_currency_and_what_would_not_beside_it(stage: Stage) -> None:
    stage.alice.hand_over(
        record("C1"), record("C2"), record("C3"),
        record("C4", currency="EUR", exchangeRate="11.5"),
        record("C5"), record("C6"),
    )  # fmt: skip
    stage.bring(stage.alice.export_id("C5"), "held")
    stage.bring(stage.alice.export_id("C6"), "sending", "in_doubt")
    stage.bring(stage.alice.export_id("C3"), due_at="2100-01-01")
    quiet(stage)
    found = stage.alice.get(SYNC)
    assert found["sums"] == [
        {"currency": "EUR", "count": 1, "amount": "349.5"},
        {"currency": "NOK", "count": 2, "amount": "699"},
    ]
    assert {name: found[name] for name in ("records", "triedLater", "held", "inDoubt")} == {
        "records": 3, "triedLater": 1, "held": 1, "inDoubt": 1,
    }  # fmt: skip
    assert found["mayStart"] is True
    assert "refusal" not in found


def test_a_second_one_is_refused_and_told_who_asked_and_when(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"))
    quiet(stage)
    started = start(stage.alice)
    assert (started["asked"], started["left"], started["total"], started["begun"]) == (
        1, 1, 1, False,
    )  # fmt: skip
    refusal = problem(stage.alice.ask("POST", SYNC), 409)
    assert refusal["code"] == "sync_under_way"
    assert started["actor"] in refusal["detail"]
    found = stage.alice.get(SYNC)
    assert (found["mayStart"], found["underWay"]) == (False, started["id"])
    assert found["refusal"]["message"] == refusal["detail"]
    assert len(stage.query("SELECT 1 FROM sync_requests")) == 1
    assert len(stage.query("SELECT 1 FROM procrastinate_jobs WHERE status = 'todo'")) == 1


def test_the_same_key_asks_once(stage: Stage) -> None:
    quiet(stage)
    first = stage.alice.ask("POST", SYNC, Idempotency_Key="one")
    again = stage.alice.ask("POST", SYNC, Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.content == again.content


def test_it_is_stopped_once_and_stays_open_until_a_worker_has_seen_it(stage: Stage) -> None:
    quiet(stage)
    started = start(stage.alice)
    stopped = stage.alice.ask("POST", f"{SYNCS}/{started['id']}/stop")
    assert stopped.status_code == 200
    assert stage.alice.get(f"{SYNCS}/{started['id']}")["stoppedBy"]
    assert problem(stage.alice.ask("POST", f"{SYNCS}/{started['id']}/stop"), 409)["code"] == (
        "sync_has_ended"
    )
    assert problem(stage.alice.ask("POST", SYNC), 409)["code"] == "sync_under_way"
    events = stage.query("SELECT event FROM change_logs WHERE event LIKE 'sync.%%' ORDER BY id")
    assert events == [("sync.asked_for",), ("sync.stopped",)]


def test_runs_that_nobody_asked_for_stand_in_the_list_and_cannot_be_stopped(stage: Stage) -> None:
    quiet(stage)
    started = start(stage.alice)
    runs = [uuid4() for _ in range(3)]
    for age, run in enumerate(runs):
        stage.query(
            "INSERT INTO syncs (id, organization_id, integration_id, trigger, asked, started_at,"
            " finished_at, outcome) VALUES (%s, %s, %s, 'schedule', 7,"
            " now() - (%s + 1) * interval '1 hour', now(), 'ok')",
            run, stage.alice.organization, stage.alice.integration, age,
        )  # fmt: skip
    seen, address = [], f"{SYNCS}?limit=2&integration=ledger"
    while address:
        page = stage.alice.get(address)
        seen += [one["id"] for one in page["syncs"]]
        address = page.get("next", "")
    assert seen == [started["id"], *map(str, runs)]
    one = stage.alice.get(f"{SYNCS}/{runs[0]}")
    assert (one["askedFor"], one["trigger"], one["asked"]) == (False, "schedule", 7)
    assert problem(stage.alice.ask("POST", f"{SYNCS}/{runs[0]}/stop"), 409)["code"] == (
        "sync_has_ended"
    )


def test_an_outsider_sees_and_stops_nothing_of_it(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"))
    quiet(stage)
    started = start(stage.alice)
    for method, path in (("GET", ""), ("POST", "/stop")):
        problem(stage.charlie.ask(method, f"{SYNCS}/{started['id']}{path}"), 404)
    assert stage.charlie.get(SYNCS) == {"syncs": []}
    assert stage.charlie.get(SYNC)["records"] == 0
    assert stage.charlie.ask("POST", SYNC).status_code == 202, "its own ledger is not busy"
    assert stage.alice.get(f"{SYNCS}/{started['id']}").get("stoppedBy") is None
    problem(stage.alice.ask("GET", f"{SYNCS}/{UUID(int=1)}"), 404)
    problem(stage.alice.ask("POST", "/api/v1/integrations/nothing/sync"), 404)
