"""schemathesis over the whole OpenAPI document, with every check it has (rows X1 and X3 as well).

Boundary values of each parameter and body, good and bad, and walks that use what an answer named.
An operation is covered as soon as it is in the document. `test_api_contract` goes deeper into what
each operation does with things that are there.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from schemathesis.engine import events, from_schema
from schemathesis.specs.openapi.checks import RejectedPositiveData

from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage, record
from tests.serving import served

SEED = 4711
# Documents whose form depends on what the integration is of; it is described elsewhere.
FREE = {"settings"}
STEPS = 4
WALKS = 6
# Each of these has to have looked at each operation; the others apply to some only.
EVERYWHERE = {
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_schema_conformance", "response_headers_conformance", "unsupported_method",
    "negative_data_rejection", "positive_data_acceptance", "ignored_auth",
}  # fmt: skip


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def is_about_meaning(body: str) -> bool:
    """Return whether a refusal says nothing against the form of what was sent.

    A form cannot say which integrations exist or that a debt has to balance; that an amount is a
    text, or a field at most so long, it can say, and then it has to.
    """
    problems = json.loads(body)["problems"]
    return not any(
        one["code"].startswith("value_") and one.get("field", "").split(".")[0] not in FREE
        for one in problems
    )


def test_no_check_of_schemathesis_fails(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"), record("C2"))
    document = stage.alice.get("/api/v1/openapi.json")
    operations = {
        f"{method.upper()} {path}" for path, of in document["paths"].items() for method in of
    }
    with served(get_wsgi_application()) as address:
        schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
        config = schema.config
        config.update(headers={"Authorization": f"Bearer {stage.alice.token}"})
        config.seed = SEED
        config.generation.update(deterministic=True, database="none")
        config.phases.fuzzing.enabled = False  # `test_api_contract` does that
        config.phases.stateful.max_steps = STEPS
        config.phases.stateful.generation.update(max_examples=WALKS)
        failures, seen, errors = _run(schema)
    assert not failures, "\n\n".join(failures)
    assert errors == []
    for check in sorted(EVERYWHERE):
        assert operations - {label for label, name in seen if name == check} == set(), check


def _run(schema: Any) -> tuple[list[str], Counter[tuple[str, str]], list[str]]:
    failures: dict[tuple[str, str], str] = {}
    seen: Counter[tuple[str, str]] = Counter()
    errors = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            errors.append(repr(event))
        if not isinstance(event, events.ScenarioFinished):
            continue
        for case_id, checked in event.recorder.checks.items():
            label = event.recorder.cases[case_id].value.operation.label
            for check in checked:
                seen[label, check.name] += 1
                if check.failure_info is None:
                    continue
                failure = check.failure_info.failure
                if isinstance(failure, RejectedPositiveData) and failure.status_code == 422:
                    answer = event.recorder.interactions[case_id].response
                    if is_about_meaning(answer.content.decode()):
                        continue
                sample = check.failure_info.code_sample
                failures.setdefault(
                    (label, check.name), f"{label} {check.name}: {failure.message}\n{sample}"
                )
    return list(failures.values()), seen, errors
