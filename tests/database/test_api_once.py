"""Idempotency-Key: one request runs once, whoever repeats it, whenever, and whatever crashes."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.delivery.accounting import AccountingExports
from bilag.tenants.idempotency import forget_old_keys
from tests.clusters import Database
from tests.database.api_stage import (
    EXPORTS,
    RECORDS,
    Stage,
    api_stage,
    connect_owner,
    problem,
    record,
)


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def test_a_repeat_gets_the_first_answer_even_when_things_have_moved_on(stage: Stage) -> None:
    stage.alice.hand_over(record())
    body = {"expenseId": "C000017", "targetSystem": "ledger"}
    first = stage.alice.ask("POST", EXPORTS, body, Idempotency_Key="k")
    stage.bring(stage.alice.export_id("C000017"), "sending", "exported")

    again = stage.alice.ask("POST", EXPORTS, body, Idempotency_Key="k")
    fresh = stage.alice.ask("POST", EXPORTS, body)

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.content == again.content
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert json.loads(fresh.content)["result"] == "already_exported"


@pytest.mark.parametrize("change", ["body", "path", "query"])
def test_a_key_belongs_to_one_request(stage: Stage, change: str) -> None:
    stage.alice.hand_over(record(), record("C2"))
    body = {"expenseId": "C000017", "targetSystem": "ledger"}
    assert stage.alice.ask("POST", EXPORTS, body, Idempotency_Key="k").status_code == 202
    path = {"path": f"{EXPORTS}/preview", "query": f"{EXPORTS}?x=1"}.get(change, EXPORTS)
    other = {**body, "expenseId": "C2"} if change == "body" else body

    found = problem(stage.alice.ask("POST", path, other, Idempotency_Key="k"), 422)

    assert found["code"] == "idempotency_key_reused"
    # the outsider's key of the same name is another key
    assert stage.charlie.ask("POST", EXPORTS, other, Idempotency_Key="k").status_code == 200


def test_a_refused_request_may_come_again_corrected(stage: Stage) -> None:
    bad = stage.alice.ask("POST", RECORDS, record(currency="XXX"), Idempotency_Key="k")
    good = stage.alice.ask("POST", RECORDS, record(), Idempotency_Key="k")
    again = stage.alice.ask("POST", RECORDS, record(), Idempotency_Key="k")

    assert (bad.status_code, good.status_code, again.status_code) == (422, 201, 201)
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", " ", "a b", "æ", "x" * 256])
def test_a_key_that_is_none_is_refused(stage: Stage, key: str) -> None:
    response = stage.alice.ask("POST", RECORDS, record(), Idempotency_Key=key)

    assert problem(response, 400)["code"] == "idempotency_key_not_valid"
    assert stage.query("SELECT count(*) FROM records") == [(0,)]


def test_of_many_at_once_one_runs_and_the_others_come_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[int] = []
    others_done = threading.Event()
    original = AccountingExports.accept_records

    def slow(self: AccountingExports, records: Any) -> Any:
        runs.append(1)
        assert others_done.wait(20)
        return original(self, records)

    monkeypatch.setattr(AccountingExports, "accept_records", slow)
    answers = []

    def ask() -> None:
        answers.append(stage.alice.ask("POST", RECORDS, record(), Idempotency_Key="k"))
        if len(answers) == 7:
            others_done.set()

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(ask) for _ in range(8)]:
            future.result()

    assert len(runs) == 1
    busy = [one for one in answers if one.status_code == 409]
    assert (len(busy), answers[-1].status_code) == (7, 201)
    assert problem(busy[0], 409)["code"] == "idempotency_in_progress"
    assert busy[0]["Retry-After"] == "1"
    replay = stage.alice.ask("POST", RECORDS, record(), Idempotency_Key="k")
    assert (replay.status_code, replay.content) == (201, answers[-1].content)


def test_a_request_whose_process_died_is_taken_over_after_a_minute(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What no handler catches, as when the process ends."""

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        # The work is done, and nothing after it: neither the answer is kept nor the key released.
        patched.setattr("bilag.api.once.keep_answer", killed)
        patched.setattr("bilag.api.once.release", killed)
        with pytest.raises(Killed):
            stage.alice.ask("POST", RECORDS, record(), Idempotency_Key="k")
    early = stage.alice.ask("POST", RECORDS, record(), Idempotency_Key="k")
    stage.query("UPDATE idempotency_keys SET created_at = now() - interval '61 seconds'")
    other = stage.alice.ask("POST", RECORDS, record("C2"), Idempotency_Key="k")
    late = stage.alice.ask("POST", RECORDS, record(), Idempotency_Key="k")
    again = stage.alice.ask("POST", RECORDS, record(), Idempotency_Key="k")

    assert problem(early, 409)["code"] == "idempotency_in_progress"
    assert problem(other, 422)["code"] == "idempotency_key_reused"
    assert late.status_code == 200
    assert again["Idempotent-Replayed"] == "true"
    assert stage.query("SELECT count(*) FROM exports") == [(1,)]


def test_a_key_is_free_again_after_7_days(stage: Stage) -> None:
    stage.alice.ask("POST", RECORDS, record(), Idempotency_Key="k")
    stage.query("UPDATE idempotency_keys SET created_at = now() - interval '7 days 1 minute'")

    response = stage.alice.ask("POST", RECORDS, record("C2"), Idempotency_Key="k")

    assert response.status_code == 201
    assert "Idempotent-Replayed" not in response


def test_housekeeping_forgets_old_keys_of_every_organization(stage: Stage) -> None:
    for person in (stage.alice, stage.charlie):
        for key in ("old", "young"):
            person.ask("POST", RECORDS, record(f"C-{key}"), Idempotency_Key=key)
    with connect_owner(stage) as owner:
        owner.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '7 days 1 minute'"
            " WHERE key = %s", [f"post:{hashlib.sha256(b'old').hexdigest()}"],
        )  # fmt: skip
        assert [asyncio.run(_keep_house(stage)) for _ in range(2)] == [2, 0]
        left = owner.execute("SELECT DISTINCT key FROM idempotency_keys").fetchall()
    assert left == [(f"post:{hashlib.sha256(b'young').hexdigest()}",)]


def test_of_a_large_answer_the_counts_are_kept(stage: Stage) -> None:
    body = b"\n".join(json.dumps(record(f"C{n:06d}")).encode() for n in range(9000))
    kind = "application/x-ndjson"
    first = stage.alice.ask("POST", RECORDS, body, Content_Type=kind, Idempotency_Key="k")
    again = stage.alice.ask("POST", RECORDS, body, Content_Type=kind, Idempotency_Key="k")

    assert len(first.content) > 1024 * 1024
    assert json.loads(again.content) == {"counts": {"total": 9000, "accepted": 9000}}
    assert again["Idempotent-Replayed"] == "true"


async def _keep_house(stage: Stage) -> int:
    """What the worker does now and then, as the application's role."""
    url = stage.database.application_url
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        return await forget_old_keys(connection)
