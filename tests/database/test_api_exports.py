"""/accounting-exports: pages, status, asking for, cancelling, retrying, deciding, previews."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.clusters import Database
from tests.database.api_stage import EXPORTS, RECORDS, Stage, api_stage, problem, record

RUN = UUID(int=17)


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def _hand_over_many(stage: Stage, count: int, prefix: str = "C") -> list[str]:
    ids = [f"{prefix}{n:06d}" for n in range(count)]
    body = b"\n".join(json.dumps(record(one)).encode() for one in ids)
    response = stage.alice.ask("POST", RECORDS, body, Content_Type="application/x-ndjson")
    assert json.loads(response.content)["counts"]["accepted"] == count
    return ids


def _ask(stage: Stage, path: str, body: Any, status: int = 200) -> Any:
    response = stage.alice.ask("POST", f"{EXPORTS}{path}", body)
    assert response.status_code == status, response.content
    return json.loads(response.content)


def test_pages_hold_every_export_once_while_new_ones_come_in(stage: Stage) -> None:
    ids = _hand_over_many(stage, 7)
    address, seen = f"{EXPORTS}?limit=3&state=pending", []
    while address:
        page = stage.alice.get(address)
        assert len(page["exports"]) <= 3
        seen += [one["sourceId"] for one in page["exports"]]
        address = page.get("next", "")
        stage.alice.hand_over(record(f"new-{len(seen)}"))

    assert seen == sorted(ids, reverse=True)


def test_filters_leave_out_what_was_not_asked_for(stage: Stage) -> None:
    _hand_over_many(stage, 2)
    stage.bring(stage.alice.export_id("C000001"), "held")

    def listed(query: str) -> list[str]:
        return [one["sourceId"] for one in stage.alice.get(f"{EXPORTS}?{query}")["exports"]]

    assert listed("state=held") == ["C000001"]
    assert listed("sourceId=C000000") == ["C000000"]
    assert listed("sourceId=C000000&state=held") == []
    for name in ("ledger", "rest", str(stage.alice.integration)):
        assert listed(f"integration={name}") == ["C000001", "C000000"]
    unknown = problem(stage.alice.ask("GET", f"{EXPORTS}?integration=none"), 422)
    assert "ledger (rest)" in unknown["detail"]


def test_an_export_shows_its_numbers_reasons_and_timeline(stage: Stage) -> None:
    stage.alice.hand_over(record())
    export_id = stage.alice.export_id("C000017")
    stage.bring(
        export_id, "sending", "failed", accounting_year=2026, voucher_number=42,
        external_voucher_number="V-9", external_reference="id-9", attempt=1,
        reason='{"code": "refused", "message": "old", "params": {"message": "no such account"}}',
    )  # fmt: skip
    stage.query(
        "INSERT INTO sync_logs (organization_id, at, integration_id, run_id, export_id, source_id,"
        " reference, attempt, event, outcome, http_status, message, row_hash, link, position)"
        " VALUES (%s, now(), %s, %s, %s, 'C000017', 'r', 1, 'sent', 'rejected', 422,"
        " 'no such account', '', 1, 0)",
        stage.alice.organization, stage.alice.integration, RUN, export_id,
    )  # fmt: skip

    found = stage.alice.get(f"{EXPORTS}/{export_id}?include=attempts")

    assert found["voucherNumber"] == "2026-42"
    assert (found["externalVoucherNumber"], found["externalReference"]) == ("V-9", "id-9")
    assert found["amount"] == "349.5"
    assert found["reasons"][0]["message"] == (
        "The accounting system refused the voucher: no such account"
    )
    (attempt,) = found["attempts"]
    assert (attempt["httpStatus"], attempt["outcome"]) == (422, "rejected")
    assert attempt["runId"] == str(RUN)
    assert attempt["at"].endswith("Z")
    assert "attempts" not in stage.alice.get(f"{EXPORTS}/{export_id}")


def test_asking_for_an_export_says_how_it_stands(stage: Stage) -> None:
    _hand_over_many(stage, 3)
    body = {"expenseId": "C000000", "targetSystem": "ledger"}
    assert _ask(stage, "", body, 202)["result"] == "queued"

    export_id = stage.alice.export_id("C000000")
    stage.bring(export_id, "sending", "exported", exported_at="2026-11-03T10:00:00+01:00")

    done = _ask(stage, "", body)
    assert (done["result"], done["exportedAt"]) == ("already_exported", "2026-11-03T09:00:00Z")
    assert done["exportIds"] == [export_id]
    unknown = {"expenseId": "C9", "targetSystem": "rest"}
    assert _ask(stage, "", unknown) == {
        "expenseId": "C9", "result": "not_found", "exportIds": [],
    }  # fmt: skip


def test_a_batch_is_answered_in_the_order_asked(stage: Stage) -> None:
    ids = _hand_over_many(stage, 4)
    stage.bring(stage.alice.export_id(ids[1]), "held", reason='{"code": "waits_for_earlier"}')
    stage.bring(stage.alice.export_id(ids[2]), "sending", "in_doubt")
    stage.bring(stage.alice.export_id(ids[3]), "cancelled", live=False)
    asked = [ids[3], "unknown", ids[2], ids[1], ids[0], ids[1]]

    found = _ask(stage, "/batch", {"expenseIds": asked, "targetSystem": "ledger"})

    assert [one["expenseId"] for one in found["answers"]] == asked
    assert [one["result"] for one in found["answers"]] == [
        "not_approved", "not_found", "in_doubt", "held", "queued", "held",
    ]  # fmt: skip
    assert found["answers"][3]["reasons"][0]["code"] == "waits_for_earlier"
    assert found["counts"]["total"] == 6


def test_two_batches_of_10000_at_once_agree_and_queue_each_export_once(stage: Stage) -> None:
    ids = _hand_over_many(stage, 10_000)
    stage.query("UPDATE exports SET due_at = now() + interval '1 day'")
    bodies = [ids, ids[::-1]]

    def ask(asked: list[str]) -> Any:
        return _ask(stage, "/batch", {"expenseIds": asked, "targetSystem": "ledger"})

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(ask, bodies))

    for asked, answered in zip(bodies, found, strict=True):
        assert answered["counts"] == {"total": 10_000, "queued": 10_000}
        assert [one["expenseId"] for one in answered["answers"]] == asked
    assert stage.query("SELECT state, count(*) FROM exports WHERE due_at <= now() GROUP BY 1") == [
        ("pending", 10_000)
    ]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"expenseIds": ["a"]}, "targetSystem", "value_missing"),
        ({"expenseIds": [], "targetSystem": "ledger"}, "expenseIds", "value_empty"),
        ({"expenseIds": ["a", 1], "targetSystem": "l"}, "expenseIds[2]", "value_text_needed"),
        ({"expenseIds": ["a"] * 10_001, "targetSystem": "l"}, "expenseIds", "value_list_long"),
        ({"expenseIds": ["a\0"], "targetSystem": "l"}, "expenseIds[1]", "value_characters"),
        ({"expenseIds": ["a" * 121], "targetSystem": "l"}, "expenseIds[1]", "value_text_long"),
        ({"expenseIds": ["a"], "targetSystem": "l", "x": 1}, "x", "value_unknown"),
        ({"expenseIds": ["a"], "targetSystem": "none"}, "targetSystem", "target_unknown"),
        ([], "", "value_object_needed"),
    ],
)
def test_a_request_that_cannot_be_used_names_the_field(
    stage: Stage, body: Any, field: str, code: str
) -> None:
    found = problem(stage.alice.ask("POST", f"{EXPORTS}/batch", body), 422)

    assert [(one.get("field", ""), one["code"]) for one in found["problems"]] == [(field, code)]


def test_only_a_pending_export_can_be_cancelled(stage: Stage) -> None:
    _hand_over_many(stage, 2)
    pending, sending = stage.alice.export_id("C000000"), stage.alice.export_id("C000001")
    stage.bring(sending, "sending")

    assert stage.alice.ask("DELETE", f"{EXPORTS}/{pending}").status_code == 204
    for export_id, state in ((pending, "cancelled"), (sending, "sending")):
        found = problem(stage.alice.ask("DELETE", f"{EXPORTS}/{export_id}"), 409)
        assert found["problems"][0]["params"] == {"state": state}
    assert problem(stage.alice.ask("DELETE", f"{EXPORTS}/999"), 404)


def test_retry_queues_the_refused_ones_that_were_asked_for(stage: Stage) -> None:
    ids = [stage.alice.export_id(one) for one in _hand_over_many(stage, 4)]
    for export_id in ids[:3]:
        stage.bring(export_id, "sending", "failed")

    assert _ask(stage, "/retry", {"exportIds": [ids[0], ids[3], 999]}) == {"exportIds": [ids[0]]}
    assert _ask(stage, "/retry", {"targetSystem": "ledger"}) == {"exportIds": ids[1:3]}
    assert _ask(stage, "/retry", {}) == {"exportIds": []}
    assert stage.query("SELECT DISTINCT state FROM exports") == [("pending",)]
    actors = stage.query("SELECT actor FROM change_logs WHERE event = 'export.retried'")
    assert all(actor.startswith("token ") for (actor,) in actors)


def test_a_preview_is_the_voucher_as_it_would_be_sent(stage: Stage) -> None:
    stage.alice.hand_over(record())
    stage.alice.hand_over(record("C2", lines=[{**record()["lines"][0], "type": "none"}]))

    found = _ask(stage, "/preview", {"expenseId": "C000017", "targetSystem": "ledger"})
    missing = _ask(stage, "/preview", {"expenseId": "C2", "targetSystem": "ledger"})

    assert [(line["account"], line["amount"]) for line in found["lines"]] == [
        ("7140", "249.5"), ("7160", "100"), ("2990", "-349.5"),
    ]  # fmt: skip
    assert found["problems"] == []
    assert found["reference"] in found["body"]
    assert "lines" not in missing
    assert missing["problems"]
    assert problem(
        stage.alice.ask(
            "POST", f"{EXPORTS}/preview", {"expenseId": "C9", "targetSystem": "ledger"}
        ),
        404,
    )
    assert stage.query("SELECT DISTINCT state FROM exports") == [("pending",)]


def test_a_person_settles_what_needs_review_with_a_reason(stage: Stage) -> None:
    stage.alice.hand_over(record())
    export_id = stage.alice.export_id("C000017")
    path, decision = f"/{export_id}/decision", {"decision": "exported", "reason": "Seen there"}
    refused = problem(stage.alice.ask("POST", EXPORTS + path, decision), 409)
    assert refused["problems"][0]["params"] == {"state": "pending"}
    stage.bring(export_id, "sending", "in_doubt", "needs_review")
    for reason in ("", "  ", "asked 418100 10051 about it"):
        found = problem(
            stage.alice.ask("POST", EXPORTS + path, {**decision, "reason": reason}), 422
        )
        assert found["problems"][0]["field"] == "reason"

    settled = _ask(stage, path, {**decision, "externalReference": "id-9", "voucherNumber": "V-9"})

    assert (settled["state"], settled["externalVoucherNumber"]) == ("exported", "V-9")
    assert stage.query("SELECT detail ->> 'reason' FROM change_logs") == [("Seen there",)]


def test_a_run_tells_what_was_answered_then_and_how_it_stands_now(stage: Stage) -> None:
    ids = _hand_over_many(stage, 4)
    stage.query(
        "INSERT INTO syncs (id, organization_id, integration_id, trigger, actor, finished_at,"
        " outcome) VALUES (%s, %s, %s, 'manual', 'coordinator-3', now(), 'partly')",
        RUN, stage.alice.organization, stage.alice.integration,
    )  # fmt: skip
    for n, one in enumerate(ids):
        stage.query(
            "INSERT INTO export_runs (organization_id, integration_id, run_id, submission_id,"
            " claim_ids, success_count, outcome, started_at, finished_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, 'x', now(), now())",
            stage.alice.organization, stage.alice.integration, RUN, n, json.dumps([one]),
            int(n == 0),
        )  # fmt: skip
    exports = [stage.alice.export_id(one) for one in ids]
    stage.bring(exports[0], "sending", "exported")
    stage.bring(exports[1], "sending", "failed", "pending", "sending", "exported")
    stage.bring(exports[2], "sending", "failed")
    stage.bring(exports[3], "sending", "in_doubt")

    (listed,) = stage.alice.get(f"{EXPORTS}/runs")["runs"]

    assert (listed["totalClaims"], listed["successCount"], listed["failureCount"]) == (4, 1, 3)
    assert listed["now"] == {"successCount": 2, "failureCount": 1, "openCount": 1}
    assert (listed["integration"], listed["integrationStatus"]) == ("ledger", "active")
    assert stage.alice.get(f"{EXPORTS}/runs/{RUN}") == listed
    assert problem(stage.alice.ask("GET", f"{EXPORTS}/runs/{UUID(int=18)}"), 404)


def test_the_status_adds_up_to_what_was_approved(stage: Stage) -> None:
    _hand_over_many(stage, 3)
    stage.bring(stage.alice.export_id("C000000"), "held")
    stage.alice.ask("DELETE", f"{EXPORTS}/{stage.alice.export_id('C000001')}")
    stage.alice.hand_over(record("S1", currency="SEK"))

    found = {one["currency"]: one for one in stage.alice.get("/api/v1/status")["totals"]}

    assert found["NOK"]["approved"] == {"count": 3, "amount": "1048.5"}
    assert found["NOK"]["states"] == {
        state: {"count": 1, "amount": "349.5"} for state in ("cancelled", "held", "pending")
    }
    assert found["SEK"]["approved"]["count"] == 1
    for one in found.values():
        assert one["difference"] == {"count": 0, "amount": "0"}
