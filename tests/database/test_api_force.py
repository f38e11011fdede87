"""/accounting-exports/{id}/force and /approval, /reconciliations, and what an outsider gets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bilag.delivery.installation import installation
from bilag.exports.decide import DecisionRefused
from tests.clusters import Database
from tests.database.api_stage import EXPORTS, Stage, api_stage, problem, record

RECONCILIATIONS = "/api/v1/reconciliations"


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        running.alice.hand_over(record())
        export_id = running.alice.export_id("C000017")
        running.bring(export_id, "sending", "exported", exported_at="2026-11-03T10:00:00+01:00")
        yield running


def _ask(stage: Stage, path: str, body: Any, status: int) -> Any:
    response = stage.alice.ask("POST", path, body)
    assert response.status_code == status, response.content
    return json.loads(response.content)


def test_force_takes_two_steps_and_a_reason(stage: Stage) -> None:
    export_id = stage.alice.export_id("C000017")
    path = f"{EXPORTS}/{export_id}/force"
    evidence = stage.alice.get(path)
    (seen,) = evidence["seen"]
    assert (seen["result"], evidence["needsApproval"]) == ("cannot_tell", False)
    assert "ledger" in seen["message"], "why it could not be looked up"
    given = {"confirmation": evidence["confirmation"], "reason": "deleted there"}
    for body, status in (
        ({"reason": "deleted there"}, 422),
        ({"confirmation": evidence["confirmation"]}, 422),
        ({**given, "reason": " "}, 422),
        ({**given, "confirmation": "1.x"}, 409),
        ({**given, "confirmation": evidence["confirmation"][:-2] + "xx"}, 409),
    ):
        problem(stage.alice.ask("POST", path, body), status)
    assert stage.query("SELECT count(*) FROM exports") == [(1,)]

    (before,) = stage.alice.get("/api/v1/status")["totals"]
    forced = _ask(stage, path, given, 202)

    assert forced["waitsForApproval"] is False
    assert (forced["export"]["kind"], forced["export"]["state"]) == ("forced", "pending")
    assert problem(stage.alice.ask("POST", path, given), 409)["code"] == "force_not_current"
    (status,) = stage.alice.get("/api/v1/status")["totals"]
    assert status["forced"] == {"pending": {"count": 1, "amount": "349.5"}}
    assert {**status, "forced": None} == {**before, "forced": None}, "it stands apart from the sum"
    ((actor, detail),) = stage.query("SELECT actor, detail FROM change_logs")
    assert actor.startswith("token ")
    assert detail["reason"] == "deleted there"


@pytest.mark.parametrize("asked_by", ["user Bo@example.org", "support bo@example.org", ""])
def test_another_person_approves_and_never_a_token(stage: Stage, asked_by: str) -> None:
    stage.query("UPDATE organizations SET force_approval_above = 349.49")
    path = f"{EXPORTS}/{stage.alice.export_id('C000017')}/force"
    evidence = stage.alice.get(path)
    assert evidence["needsApproval"] is True
    body = {"confirmation": evidence["confirmation"], "reason": "deleted there"}
    forced = _ask(stage, path, body, 202)
    assert (forced["waitsForApproval"], forced["export"]["state"]) == (True, "held")
    assert "deleted there" in forced["export"]["reasons"][0]["message"]
    approval = f"{EXPORTS}/{forced['export']['id']}/approval"
    problem(stage.alice.ask("POST", approval, {"decision": "refuse"}), 422)
    _asked_by(stage, forced["export"]["id"], asked_by or _token_of(stage, "user bo@example.org"))
    for token in (stage.alice.token, stage.token("exports:read", "exports:write")):
        stage.alice.token = token
        by_token = problem(stage.alice.ask("POST", approval, {"decision": "approve"}), 403)
        assert by_token["code"] == "force_approval_by_token"
    for own in ("user bo@example.org", "support bo@example.org"):
        verbs = installation().forced_exports_of(stage.alice.organization, own)
        with pytest.raises(DecisionRefused) as refused:
            verbs.approve(forced["export"]["id"])
        assert refused.value.problem.code == "force_own_approval"
    # the name that a person's signed token acts under
    other = installation().forced_exports_of(stage.alice.organization, "user anne@example.org")
    other.approve(forced["export"]["id"])
    approved = stage.alice.get(f"{EXPORTS}/{forced['export']['id']}")
    assert (approved["state"], approved["live"]) == ("pending", True)
    problem(stage.alice.ask("POST", approval, {"decision": "refuse", "reason": "no"}), 409)


def _asked_by(stage: Stage, export_id: int, actor: str) -> None:
    stage.query(
        "UPDATE exports SET reason = jsonb_set(reason, '{params,actor}', to_jsonb(%s::text))"
        " WHERE id = %s",
        actor,
        export_id,
    )


def _token_of(stage: Stage, person: str) -> str:
    tokens = installation().tokens_of(stage.alice.organization, person)
    tokens.make("own", ["exports:write"])
    return f"token {next(one.id for one in tokens.listed() if one.name == 'own')}"


def test_a_reconciliation_is_asked_for_once_and_read(stage: Stage) -> None:
    stage.look_up()
    body = {"targetSystem": "ledger", "from": "2026-11-01", "to": "2026-11-30"}
    asked = _ask(stage, RECONCILIATIONS, body, 202)
    assert _ask(stage, RECONCILIATIONS, body, 202)["id"] == asked["id"]
    assert (asked["from"], asked["lookedUp"], asked["counts"]) == ("2026-11-01", 0, {})
    assert "outcome" not in asked
    jobs = stage.query("SELECT status, args ->> 'integration_id' FROM procrastinate_jobs"
                       " WHERE queue_name = 'reconcile'")  # fmt: skip
    assert jobs == [("todo", str(stage.alice.integration))]
    stage.query(
        "INSERT INTO reconciliation_findings (organization_id, reconciliation_id, export_id, kind,"
        " state, evidence) SELECT organization_id, %s, id, 'reversed', state, %s FROM exports",
        asked["id"], '{"voucherNumber": "V-9", "reversedBy": "V-10"}',
    )  # fmt: skip
    found = stage.alice.get(f"{RECONCILIATIONS}/{asked['id']}")
    (finding,) = found["findings"]
    assert (found["counts"], finding["kind"]) == ({"reversed": 1}, "reversed")
    assert "V-9" in finding["message"]
    assert "V-10" in finding["message"]
    assert finding["nextStep"]
    for bad in ({"from": "2026-12-01"}, {"targetSystem": "none"}, {"from": "soon"}):
        problem(stage.alice.ask("POST", RECONCILIATIONS, {**body, **bad}), 422)


def test_no_reconciliation_is_begun_where_nothing_can_be_looked_up(stage: Stage) -> None:
    refused = stage.alice.ask("POST", RECONCILIATIONS, {"targetSystem": "ledger"})
    (one,) = problem(refused, 422)["problems"]
    assert (one["code"], one["field"]) == ("reconcile_no_look_up", "targetSystem")
    assert stage.alice.get(RECONCILIATIONS) == {"reconciliations": []}


def test_reconciliations_come_in_pages(stage: Stage) -> None:
    stage.look_up()
    for day in range(1, 6):
        _ask(stage, RECONCILIATIONS, {"targetSystem": "ledger", "from": f"2026-11-0{day}"}, 202)
    address, seen = f"{RECONCILIATIONS}?limit=2&integration=ledger", []
    while address:
        page = stage.alice.get(address)
        seen += [one["from"] for one in page["reconciliations"]]
        address = page.get("next", "")
    assert seen == [f"2026-11-0{day}" for day in range(5, 0, -1)]
    problem(stage.alice.ask("GET", f"{RECONCILIATIONS}?cursor=x"), 422)


def test_an_outsider_gets_nothing(stage: Stage) -> None:
    stage.look_up()
    export_id = stage.alice.export_id("C000017")
    asked = _ask(stage, RECONCILIATIONS, {"targetSystem": "ledger"}, 202)
    for method, path, body in (
        ("GET", f"{EXPORTS}/{export_id}/force", None),
        ("POST", f"{EXPORTS}/{export_id}/force", {"confirmation": "1.x", "reason": "x"}),
        ("POST", f"{EXPORTS}/{export_id}/approval", {"decision": "approve"}),
        ("GET", f"{RECONCILIATIONS}/{asked['id']}", None),
    ):
        problem(stage.charlie.ask(method, path, body), 404)
    assert stage.charlie.get(RECONCILIATIONS) == {"reconciliations": []}
    stage.alice.token = stage.token("exports:read")
    problem(stage.alice.ask("POST", RECONCILIATIONS, {"targetSystem": "ledger"}), 403)
    problem(stage.alice.ask("GET", f"{EXPORTS}/{export_id}/force"), 403)
