"""The OpenAPI document is the truth: generated requests, good and bad, get only what it says.

The seed is fixed, so that a failure comes again.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bilag.integrations.connection_tests import save_test, what_is_tried
from bilag.integrations.start import NewIntegration
from bilag.integrations.store import save_mapping
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.api_stage import EXPORTS, MAPPING, SETTINGS, Stage, api_stage, record
from tests.database.watch_stage import alerts, look_at, runtime

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
# So many requests in all, good and bad ones, however many operations there are.
REQUESTS = 1800
# and so many more of an operation that has not succeeded yet
AGAIN = 100
KEY = "/api/v1/integrations/{integrationKey}"
RUN = UUID(int=17)
# Nobody can sign a callback yet; the export that is there cannot be cancelled; an integration in
# use is not deleted, and what it is changed to is tried first, at an address where nobody answers.
SILENT = {
    "PUT /api/v1/accounting-exports/{exportId}", "DELETE /api/v1/accounting-exports/{exportId}",
    f"DELETE {KEY}", f"PUT {KEY}", f"PUT {KEY}/credentials",
}  # fmt: skip


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def test_every_answer_is_as_documented(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"), record("C2"), record("C3"), record("C4"))
    stage.alice.hand_over(record("C6"))
    held = stage.alice.export_id("C6")
    stage.bring(held, "held")
    review = stage.alice.export_id("C2")
    forced = _posted_and_forced(stage, "C4")
    evidence = stage.alice.get(f"{EXPORTS}/{_posted(stage, 'C3')}/force")
    stage.look_up()
    _ready_draft(stage)
    _nothing_asked_for(stage)
    asked = stage.alice.ask("POST", "/api/v1/reconciliations", {"targetSystem": "ledger"})
    stage.bring(review, "sending", "in_doubt", "needs_review")
    stage.query(
        "INSERT INTO syncs (id, organization_id, integration_id, trigger) VALUES (%s, %s, %s, 'x')",
        RUN, stage.alice.organization, stage.alice.integration,
    )  # fmt: skip
    stage.alice.ask("PUT", "/api/v1/books/main/closed-period", {"closedThrough": "2020-12-31"})
    entry = stage.alice.get("/api/v1/audit-log")["entries"][0]["id"]
    known: dict[str, object] = {
        "targetSystem": "ledger", "exportId": review, "runId": str(RUN), "sourceId": "C1",
        "integration": "ledger", "expenseId": "C1", "cursor": None, "bookKey": "main",
        "integrationKey": "ledger", "organizations": [{"slug": "alice", "name": "alice"}],
        "kind": "accounts", "type": "rest", "book": "main",
        "entryId": entry, "record": "C1", "user": None,
        "from": None, "to": None, "syncId": str(RUN),
        "reconciliationId": json.loads(asked.content)["id"],
        "confirmation": evidence["confirmation"], "reason": "Seen there", "decision": "exported",
    }  # fmt: skip
    # What these are about, and what is answered about it.
    about = {
        "/api/v1/audit-log": {"type": "change"},
        "/force": {"exportId": evidence["exportId"]},
        "/approval": {"exportId": forced, "decision": "refuse"},
        "/cancellation": {"exportId": held},
        f"{EXPORTS}/closed-period-decision": {"decision": "wait"},
        f"{EXPORTS}/dry-run": {"mapping": MAPPING},
        f"{KEY}/mapping": {"mapping": {**MAPPING, "counterAccount": "2400"}, "baseVersion": 1},
        f"{KEY}/mapping/versions/{{version}}": {"version": 1},
        f"{KEY}/mapping/versions/{{version}}/differences": {"version": 1, "to": 1},
        f"{KEY}/mapping/versions/{{version}}/restore": {"version": 1, "baseVersion": 2},
        f"{KEY}/mapping/draft": {"changes": {"counterAccount": "2990"}},
        f"{KEY}/mapping/draft/put-on-top": {"version": 3},
        f"{KEY}/mapping/claimants/csv": {"csv": "claimant;party\nV017;10017\n"},
        f"{KEY}/mapping/value": {"rule": {"from": "text"}},
        f"{KEY}/mapping/preview": {"mapping": MAPPING, "sourceIds": ["C1"]},
        f"{KEY}/mapping/effect": {"mapping": MAPPING},
        "/api/v1/integrations/{integrationKey}/activation": {
            "integrationKey": "ready", "takeOver": True,
        },
        "/api/v1/alerts/{alertId}/acknowledge": {"alertId": _alert(stage)},
        f"{KEY}/sync": {"integrationKey": "still"},
        "/api/v1/syncs/{syncId}/stop": {"syncId": _asked_for_sync(stage)},
        "/api/v1/control-report": {"from": "2026-11-01", "to": "2026-11-30"},
        "/api/v1/wages": {"year": 2026},
        "/api/v1/wages/payroll-list": {"year": 2026},
    }  # fmt: skip
    # Whose parts fit together too seldom when each is chosen by itself.
    whole: dict[str, dict[str, object]] = {
        "/api/v1/records": record("C5"),
        "/api/v1/integrations": {"key": "third", "name": "Third", "type": "rest", "book": "main"},
    }
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    authorization = {"Authorization": f"Bearer {stage.alice.token}"}
    seen: dict[str, set[int]] = {}
    operations = [found.ok() for found in schema.get_all_operations()]
    examples = max(10, REQUESTS // len(operations) // len(GenerationMode))
    for operation in operations:
        for mode, most in ((GenerationMode.POSITIVE, examples), (GenerationMode.NEGATIVE, examples),
                           (GenerationMode.POSITIVE, AGAIN)):  # fmt: skip
            if most == AGAIN and (min(seen[operation.label]) < 300 or operation.label in SILENT):
                continue

            @settings(
                max_examples=most, deadline=None, database=None, derandomize=True,
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode), about_what_is_there=booleans())
            def check(case: schemathesis.Case, about_what_is_there: bool) -> None:
                if about_what_is_there:
                    for part in (case.body, case.path_parameters, case.query):
                        if isinstance(part, dict):
                            place = case.operation.path.removeprefix(EXPORTS + "/{exportId}")
                            values = known | about.get(place, {})
                            part.update({name: values[name] for name in part if name in values})
                    if isinstance(case.body, dict) and case.operation.path in whole:
                        case.body = dict(whole[case.operation.path])
                response = case.call(headers=authorization)
                case.validate_response(response, checks=CHECKS)  # type: ignore[arg-type]
                seen.setdefault(case.operation.label, set()).add(response.status_code)

            check()
    silent = {label for label, statuses in seen.items() if min(statuses) >= 300}
    assert silent <= SILENT, {label: seen[label] for label in silent}
    assert len(seen) == len(operations)


def _alert(stage: Stage) -> int:
    runtime(stage, warning="the new credential was refused")
    look_at(stage, datetime.now(UTC))
    return alerts(stage)[0].id


def _ready_draft(stage: Stage) -> None:
    """Make an integration that only waits to be turned on."""
    own = stage.alice.organization
    drafting = stage.installation.drafting_of(own, "ann")
    drafting.start(NewIntegration(key="ready", name="Ready", type="rest", book="main"))
    one = drafting.save("ready", SETTINGS, {})
    with stage.installation.pool.connection() as connection, organization_scope(connection, own):
        save_mapping(connection, own, one.id, MAPPING, "ann")
        tried = what_is_tried(connection, one)
        save_test(connection, one, tried, {"message": "ok"}, "ann", passed=True)


def _nothing_asked_for(stage: Stage) -> None:
    """Make an integration that nobody switches off or syncs beside the one that is asked for."""
    stage.query(
        "INSERT INTO organization_integrations (id, organization_id, book_id, key, name,"
        " integration_type, is_route) SELECT gen_random_uuid(), organization_id, book_id, 'still',"
        " 'Still', integration_type, false FROM organization_integrations WHERE key = 'ledger'"
    )
    stage.query(
        "INSERT INTO integration_runtime (organization_id, integration_id)"
        " SELECT organization_id, id FROM organization_integrations WHERE key = 'still'"
    )


def _asked_for_sync(stage: Stage) -> str:
    """Return a sync of the other integration that somebody asked for."""
    ((sync,),) = stage.query(
        "INSERT INTO sync_requests (id, organization_id, integration_id, actor, asked)"
        " SELECT gen_random_uuid(), organization_id, id, 'ann', '[]'"
        " FROM organization_integrations WHERE key = 'ready' RETURNING id"
    )
    return str(sync)


def _posted(stage: Stage, source_id: str) -> int:
    export_id = stage.alice.export_id(source_id)
    stage.bring(export_id, "sending", "exported", exported_at="2026-11-03T10:00:00+01:00")
    return export_id


def _posted_and_forced(stage: Stage, source_id: str) -> int:
    """Return a forced export of the claim that somebody else asked for, waiting for approval."""
    stage.query("UPDATE organizations SET force_approval_above = 0")
    verbs = stage.installation.forced_exports_of(stage.alice.organization, "somebody else")
    export_id = _posted(stage, source_id)
    confirmation = verbs.evidence(export_id).confirmation
    forced = verbs.force(export_id, reason="deleted there", confirmation=confirmation)
    assert forced.waits_for_approval
    return forced.export_id
