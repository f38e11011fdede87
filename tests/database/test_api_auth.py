"""Who may do what: tokens, scopes, outsiders and languages, for every operation there is."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from bilag.tenants.callers import CONTAINED, SCOPES
from bilag.tenants.scope import organization_scope
from bilag.tenants.tokens import revoke
from tests.clusters import Cluster, Database
from tests.database.api_stage import (
    EXPORTS,
    MAPPING,
    RECORDS,
    Stage,
    api_stage,
    connect_owner,
    problem,
    record,
)

# What each operation is asked; a new operation that is not here fails the tests.
BODIES: dict[str, Any] = {
    "post_records": record("C9"),
    "post_export": {"expenseId": "C1", "targetSystem": "ledger"},
    "post_batch": {"expenseIds": ["C1"], "targetSystem": "ledger"},
    "post_retry": {"exportIds": [1]},
    "post_release": {"targetSystem": "ledger"},
    "post_cancellation": {"reason": "entered by hand"},
    "post_look_up": None,
    "post_preview": {"expenseId": "C1", "targetSystem": "ledger"},
    "post_decision": {"decision": "failed", "reason": "looked it up"},
    "put_export": {},
    "post_dry_run": {"targetSystem": "ledger", "mapping": {"counterAccount": "2990"}},
    "put_closed_period": {"closedThrough": "2020-12-31"},
    "post_period_decision": {"decision": "wait", "reason": "not yet", "exportIds": [1]},
    "post_force": {"confirmation": "x" * 40, "reason": "it was deleted there"},
    "post_approval": {"decision": "approve"},
    "post_reconciliation": {"targetSystem": "ledger"},
    "put_enabled": {"enabled": True},
    "post_sync": None,
    "post_sync_stop": None,
    "put_schedule": {"trigger": "manual"},
    "post_schedule_preview": {"trigger": "manual"},
    "post_acknowledge": {},
    "put_alert_settings": {"errorsMax": 20},
    "post_control_report": {"book": "main", "from": "2026-11-01", "to": "2026-11-30"},
    "put_filters": {"categories": ["expense"], "fromAmount": "100"},
    "post_filters_preview": {"categories": ["expense"]},
    "put_features": {"excluded": [{"name": "membership", "why": "in the member portal"}]},
    "put_declaration": {
        "templateId": "confidentiality",
        "version": "2",
        "signedOffBy": "Administrator 001",
        "signedOffAt": "2026-01-15",
    },
    "post_declaration_withdrawal": {"reason": "a new wording"},
    "put_closed_periods": {"policy": "ask"},
    "post_configuration_preview": {"organizations": [{"slug": "alice", "name": "Mine now"}]},
    "put_configuration": {"organizations": [{"slug": "alice", "name": "Mine now"}]},
    "put_mapping": {"baseVersion": 1, "mapping": MAPPING},
    "post_mapping_restore": {"baseVersion": 1},
    "patch_mapping_draft": {"changes": {"counterAccount": "2400"}},
    "post_mapping_draft_save": {},
    "post_mapping_put_on_top": {"version": 1},
    "post_mapping_claimants_csv": {"csv": "claimant;party\nV017;10017\n"},
    "post_mapping_value": {"section": "header", "name": "x", "rule": {"constant": "1"}},
    "post_mapping_preview": {},
    "post_mapping_effect": {},
    "post_integration": {"key": "second", "name": "Second", "type": "rest", "book": "main"},
    "put_integration": {"name": "Another", "settings": {"baseUrl": "https://ledger.example"}},
    "post_activation": {},
    "post_connection_test": None,
    "put_credentials": {"credentials": {"api_key": {"secret": "not-for-outsiders"}}},
    "post_reference_lists": None,
}
READS = {
    "list_exports", "get_export", "get_record", "list_runs", "get_run", "get_status",
    "get_dry_run", "list_all_books", "get_force",
    "list_causes", "list_cause_exports", "list_approvals", "get_approval",
    "list_reconciliations", "get_reconciliation",
    "get_health", "get_alerts", "get_alert_settings",
    "get_control_report", "get_wages", "get_payroll_list",
    "list_all_integrations", "get_schedule", "get_filters", "get_features", "get_declaration",
    "get_closed_periods", "get_configuration",
    "get_mapping", "list_mapping_versions",
    "get_mapping_version", "compare_mapping_versions", "get_mapping_draft", "list_mapping_types",
    "list_mapping_claimants", "get_mapping_claimants_csv", "get_mapping_fields",
    "list_integration_types", "get_integration", "get_credentials", "list_reference_lists",
    "get_reference_data", "list_audit_log", "get_audit_entry",
    "get_sync_ahead", "list_syncs", "get_sync",
}  # fmt: skip
WRITES = {*BODIES, "delete_export", "delete_mapping_draft", "delete_integration"}
RUN = UUID(int=17)
# What the placeholders in addresses stand for, and the questions that an operation needs.
PLACES: dict[str, object] = {
    "exportId": 1, "sourceId": "C1", "runId": RUN, "reconciliationId": RUN, "bookKey": "main",
    "integrationKey": "ledger", "version": 1, "kind": "accounts", "entryId": "c1-1", "alertId": 17,
    "syncId": RUN,
    "cause": "none",
}  # fmt: skip
QUERIES = {
    "get_dry_run": "integration={integrationKey}",
    "compare_mapping_versions": "to=1",
    "get_control_report": "book=main&from=2026-11-01&to=2026-11-30",
    "get_wages": "year=2026",
    "list_cause_exports": "integration={integrationKey}",
    "get_payroll_list": "year=2026",
}


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def operations_of(stage: Stage, **places: object) -> dict[str, tuple[str, str, str]]:
    """Return id -> (method, path, scope) of every operation in the OpenAPI document.

    `places` fill the addresses instead of PLACES. Fails for an operation that is not listed above.
    """
    known = {**PLACES, **places}
    found = {}
    for path, operations in stage.alice.get("/api/v1/openapi.json")["paths"].items():
        names = set(re.findall(r"{(\w+)}", path))
        assert names <= set(known), f"PLACES has no value for {names - set(known)} in {path}"
        for method, operation in operations.items():
            name = operation["operationId"]
            (scope,) = operation["security"][0]["ApiToken"]
            filled = re.sub(r"{(\w+)}", lambda match: str(known[match[1]]), path)
            query = QUERIES.get(name, "").format(**known)
            found[name] = (method.upper(), f"{filled}?{query}" if query else filled, scope)
    assert set(found) == READS | WRITES
    return found


def test_no_operation_answers_without_a_valid_token(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"))
    operations = operations_of(stage, exportId=stage.alice.export_id("C1"))
    expired, revoked = stage.token(*SCOPES), ""
    with connect_owner(stage) as owner:
        owner.execute(
            "UPDATE api_tokens SET expires_at = now() WHERE id = %s", [stage.newest_token_id()]
        )
    revoked = stage.token(*SCOPES)
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, stage.alice.organization),
    ):
        assert revoke(connection, stage.alice.organization, stage.newest_token_id())
    garbage = ["", "Basic YTpi", "Bearer", "Bearer x", f"Bearer {expired}", f"Bearer {revoked}"]

    for name, (method, path, _) in operations.items():
        for authorization in garbage:
            response = stage.alice.ask(method, path, BODIES.get(name), Authorization=authorization)
            assert problem(response, 401)["code"] == "token_not_valid", (name, authorization)
            assert response["WWW-Authenticate"] == "Bearer"
            assert response["Cache-Control"] == "no-store"
    assert stage.query("SELECT state FROM exports") == [("pending",)]


def test_no_operation_answers_a_token_without_its_scope(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"))
    operations = operations_of(stage, exportId=stage.alice.export_id("C1"))
    tokens = {
        scope: stage.token(*(own for own in SCOPES if scope not in (own, *CONTAINED.get(own, ()))))
        for scope in SCOPES
    }

    for name, (method, path, scope) in operations.items():
        response = stage.alice.ask(
            method, path, BODIES.get(name), Authorization=f"Bearer {tokens[scope]}"
        )
        found = problem(response, 403)
        assert (found["code"], found["problems"][0]["params"]) == (
            "scope_missing", {"scope": scope},
        ), name  # fmt: skip
    assert stage.query("SELECT state FROM exports") == [("pending",)]
    assert stage.query("SELECT count(*) FROM records") == [(1,)]


def test_an_outsider_finds_nothing_and_changes_nothing(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"))
    export_id = stage.alice.export_id("C1")
    stage.query(
        "INSERT INTO syncs (id, organization_id, integration_id, trigger) VALUES (%s, %s, %s, 'x')",
        RUN, stage.alice.organization, stage.alice.integration,
    )  # fmt: skip
    operations = operations_of(stage, exportId=export_id)
    answers = {}
    for name, (method, path, _) in operations.items():
        response = stage.charlie.ask(method, path, BODIES.get(name))
        answers[name] = (response.status_code, response.content)

    assert {name for name, (status, _) in answers.items() if status == 404} == {
        "post_acknowledge",
        "get_export", "get_record", "get_run", "put_export", "delete_export", "post_decision",
        "post_preview", "get_force", "post_force", "post_approval", "get_reconciliation",
        "get_audit_entry", "get_sync", "post_sync_stop", "get_approval", "post_cancellation",
        "post_look_up",
    }  # fmt: skip
    for asked in ("post_period_decision", "post_release", "post_retry"):
        assert json.loads(answers[asked][1]) == {"exportIds": []}
    assert json.loads(answers["get_dry_run"][1])["records"] <= 1, "only what is the outsider's own"
    assert stage.query("SELECT closed_through FROM books") == [(None,)]
    assert stage.query("SELECT count(*) FROM reconciliations") == [(0,)]
    routes = stage.query(
        "SELECT enabled, name, delivery ->> 'trigger', filters FROM organization_integrations"
    )
    assert routes == [(True, "Ledger", None, {})]
    assert stage.query(
        "SELECT name, excluded_features, declaration, closed_periods FROM organizations"
    ) == [("alice", [], {}, "stop")]
    assert b"alice" not in answers["get_configuration"][1]
    for name in ("put_configuration", "post_configuration_preview"):
        status, content = answers[name]
        assert (status, json.loads(content)["code"]) == (422, "upload_other")
    assert stage.query("SELECT count(*) FROM credentials") == [(0,)]
    assert stage.query("SELECT count(*) FROM connection_tests") == [(0,)]
    # what is listed is the outsider's own record, handed over just now
    listed = (
        json.loads(answers["list_exports"][1])["exports"] + stage.charlie.get(EXPORTS)["exports"]
    )
    assert {one["sourceId"] for one in listed} == {"C9"}
    assert json.loads(answers["list_runs"][1]) == {"runs": []}
    assert json.loads(answers["post_retry"][1]) == {"exportIds": []}
    assert json.loads(answers["post_export"][1])["result"] == "not_found"
    assert json.loads(answers["post_batch"][1])["counts"] == {"total": 1, "not_found": 1}
    (total,) = json.loads(answers["get_status"][1])["totals"]
    assert total["approved"]["count"] == 1
    assert stage.query("SELECT state FROM exports") == [("pending",)]
    assert len(stage.query("SELECT source_id FROM records")) == 1


@pytest.mark.parametrize(
    ("accepted", "title"),
    [
        ("nn", "Finst ikkje"), ("nb-NO,en;q=0.5", "Finnes ikke"), ("no", "Finnes ikke"),
        ("de, en;q=0.3", "Not found"), ("de", "Finst ikkje"), ("", "Finst ikkje"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_the_language_asked_for(
    stage: Stage, accepted: str, title: str
) -> None:
    stage.query("UPDATE organizations SET language = 'nn'")

    response = stage.alice.ask("GET", f"{EXPORTS}/1", Accept_Language=accepted)

    assert problem(response, 404)["title"] == title


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404), ("GET", "/api/", 404), ("GET", f"{EXPORTS}/abc", 404),
        ("GET", f"{EXPORTS}/99999999999999999999", 422), ("GET", f"{EXPORTS}/{'9' * 5000}", 404),
        ("PATCH", f"{EXPORTS}/1", 405), ("GET", f"{EXPORTS}/batch", 405), ("TRACE", RECORDS, 405),
        ("GET", f"{EXPORTS}?limit=501", 422), ("GET", f"{EXPORTS}?state=gone", 422),
        ("GET", f"{EXPORTS}?cursor=xx", 422), ("GET", f"{EXPORTS}?sourceId=%00", 422),
        ("GET", f"{RECORDS}/%00", 422), ("GET", f"{EXPORTS}/runs/1", 422),
        ("GET", f"{EXPORTS}?integration=gone", 422),
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_problem_too(
    stage: Stage, method: str, path: str, status: int
) -> None:
    response = stage.alice.ask(method, path)

    found = problem(response, status)
    assert response["Cache-Control"] == "no-store"
    if status == 405:
        assert response["Allow"]
    if status == 422:
        assert found["problems"][0]["field"]


@pytest.mark.parametrize("path", ["/api/v1/status", "/", "/elsewhere"])
def test_a_foreign_host_name_is_refused_as_a_problem(
    stage: Stage, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = stage.alice.ask("GET", path, Host="elsewhere.example")

    found = problem(response, 400)
    assert found["code"] == "host_not_allowed"
    assert "BILAG_ALLOWED_HOSTS" in found["detail"]
    assert not [one for one in caplog.records if one.exc_info], "no traceback for a stranger's host"


def test_the_root_is_the_portal_s(stage: Stage) -> None:
    response = stage.alice.ask("GET", "/", Authorization="")
    assert (response.status_code, response["Location"]) == (302, "/account/login/?next=/")


def test_a_fault_of_ours_shows_nothing_of_the_inside(stage: Stage) -> None:
    with connect_owner(stage) as owner:
        owner.execute("REVOKE EXECUTE ON FUNCTION authenticate_token(bytea) FROM bilag_app")

    fault = stage.alice.ask("GET", "/api/v1/status")

    found = problem(fault, 500)
    assert found["requestId"] in found["detail"]
    assert b"authenticate_token" not in fault.content


def test_a_database_lost_in_the_middle_is_told_as_503_and_the_same_may_be_sent_again(
    stage: Stage, cluster: Cluster
) -> None:
    with (
        psycopg.connect(cluster.superuser_url, autocommit=True) as superuser,
        connect_owner(stage) as owner,
        ThreadPoolExecutor(1) as pool,
        owner.transaction(),
    ):
        owner.execute("LOCK TABLE records IN SHARE MODE")
        waiting = pool.submit(stage.alice.ask, "POST", RECORDS, record())
        while not superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND usename = 'bilag_app' AND wait_event_type = 'Lock'",
            [stage.database.name],
        ).fetchone():
            time.sleep(0.02)
        lost = waiting.result()

    assert problem(lost, 503)["code"] == "database_unavailable"
    assert lost["Retry-After"] == "1"
    assert stage.alice.ask("POST", RECORDS, record()).status_code == 201


def test_the_reference_page_loads_nothing_from_elsewhere(stage: Stage) -> None:
    response = stage.alice.ask("GET", "/api/v1/docs", Authorization="")

    page = response.content.decode()
    assert response.status_code == 200
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page
    document = stage.alice.get("/api/v1/openapi.json")
    assert document["openapi"].startswith("3.1")
    for path in document["paths"]:
        assert path in page
