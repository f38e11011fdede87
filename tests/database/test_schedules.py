"""Schedules, switching and copying by the file, the command line and the API (C6, C7, C14, C15)."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml

from tests.clusters import Database
from tests.database.api_stage import RECORDS, Stage, api_stage, problem, record
from tests.database.cli_place import ORGANIZATION, Place, claim
from tests.sandboxes import start_sandbox

INTEGRATIONS = "/api/v1/integrations"
SCHEDULE = f"{INTEGRATIONS}/ledger/schedule"
PREVIEW = "/api/v1/schedules/preview"
MONDAYS = {
    "trigger": "weekly",
    "schedule": {
        "at": "07:00",
        "weekdays": ["monday"],
        "pauses": [{"fromDay": 28, "toDay": 3}, {"from": "2026-12-20", "to": "2027-01-03T12:00"}],
    },
}


@pytest.fixture
def place(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Place]:
    """An installation with one organization that delivers to a sandbox."""
    monkeypatch.setenv("BILAG_HOME", str(tmp_path))
    monkeypatch.setenv("BILAG_DATABASE_URL", database.application_url)
    handlers, level = logging.root.handlers, logging.root.level
    with start_sandbox("rest") as sandbox:
        yield Place(tmp_path, database, sandbox, capsys)
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def configured(place: Place, delivery: dict[str, Any], **organization: Any) -> Path:
    """Write the place's file with a delivery for its integration."""
    file = place.write_configuration()
    content = yaml.safe_load(file.read_text())
    content["organizations"][0].update(organization)
    content["organizations"][0]["integrations"][0]["delivery"].update(delivery)
    file.write_text(yaml.safe_dump(content))
    return file


def test_the_file_says_the_schedule_and_gets_it_back(place: Place) -> None:
    applied = place.bilag("apply", configured(place, MONDAYS))
    assert applied.code == 0, applied.err
    ((next_run, hold),) = place.rows("SELECT next_run_at, hold_until FROM integration_runtime")
    assert next_run is not None
    assert hold is not None
    written = place.bilag("export-configuration", ORGANIZATION).out
    delivery = yaml.safe_load(written)["organizations"][0]["integrations"][0]["delivery"]
    assert {name: delivery[name] for name in MONDAYS} == MONDAYS
    copy = place.home / "copy.yaml"
    copy.write_text(written)
    assert place.bilag("apply", copy).out == "nothing to change\n"
    place.bilag("apply", configured(place, {"trigger": "manual"}))
    assert place.rows("SELECT next_run_at, hold_until FROM integration_runtime") == [(None, None)]


@pytest.mark.parametrize(
    ("delivery", "where", "what"),
    [
        ({"trigger": "daily"}, "delivery.schedule.at", "needs a time of day"),
        ({"trigger": "daily", "schedule": {"at": "7"}}, "delivery.schedule.at", "Write it as 07"),
        ({"trigger": "cron", "schedule": {"cron": "0 25 * * *"}}, "delivery.schedule.cron", "hour"),
        ({"schedule": {"pauses": [{"fromDay": 1}]}}, "delivery.schedule.pauses[1]", "either from"),
        ({"trigger": "sometimes"}, "delivery.trigger", "on_approval"),
    ],
)
def test_the_file_names_what_cannot_be_followed(
    place: Place, delivery: dict[str, Any], where: str, what: str
) -> None:
    refused = place.bilag("apply", configured(place, delivery))
    assert refused.code == 3
    assert f"integrations[ledger].{where}" in refused.err
    assert "line " in refused.err
    assert what in refused.err
    assert place.rows("SELECT * FROM organizations") == []


def test_the_command_tells_words_runs_and_pauses(place: Place) -> None:
    place.bilag("apply", configured(place, MONDAYS))
    told = place.bilag("schedule", ORGANIZATION, "--language", "nb")
    lines = told.out.splitlines()
    assert lines[:3] == [
        "hlf: ledger: Hver mandag kl. 07.00 (Europe/Oslo)",
        "  Pause fra og med den 28. til og med den 3. i neste måned, hver måned",
        "  Pause fra 20.12.2026 00:00 til 03.01.2027 12:00",
    ]
    assert len([line for line in lines[3:] if line.endswith(("+01:00", "+02:00"))]) >= 5
    tried = place.bilag("schedule", ORGANIZATION, "--try", "0 7 * * 1-5", "--json")
    (one,) = tried.json["integrations"]
    assert one["words"] == "Monday to Friday at 07:00 (Europe/Oslo)"
    assert len(one["nextRuns"]) == 5
    assert one["nextRuns"] == sorted(one["nextRuns"])
    assert place.rows("SELECT delivery ->> 'trigger' FROM organization_integrations") == [
        ("weekly",)
    ], "trying changes nothing"
    wrong = place.bilag("schedule", ORGANIZATION, "--try", "0 7 30 2 *", "--language", "nn")
    assert (wrong.code, "hender aldri" in wrong.err) == (2, True)
    assert place.bilag("schedule", ORGANIZATION, "--integration", "other").code == 4
    assert place.bilag("schedule", "nobody").code == 4


def test_status_tells_the_next_run_and_the_excluded_features(place: Place) -> None:
    place.bilag("apply", configured(place, MONDAYS, excludedFeatures=["membership"]))
    (organization,) = place.bilag("status", "--json").json["organizations"]
    assert organization["excludedFeatures"] == ["membership"]
    (one,) = organization["integrations"]
    assert one["schedule"] == "Every Monday at 07:00 (Europe/Oslo)"
    ((next_run,),) = place.rows("SELECT next_run_at FROM integration_runtime")
    assert one["nextRunAt"] == next_run.isoformat()
    assert "next run: 20" in place.bilag("status").out
    assert "neste kjøring: 20" in place.bilag("status", "--language", "nb").out
    place.bilag("disable", ORGANIZATION, "ledger")
    assert "next run" not in place.bilag("status").out
    assert place.bilag("disable", ORGANIZATION, "other").code == 4


def test_records_of_an_excluded_feature_are_refused_in_a_file(place: Place) -> None:
    place.bilag("apply", configured(place, {}, excludedFeatures=["course-registration", "mileage"]))
    taken = place.take_in(
        claim(1), claim(2, type="Course registration"), claim(3, category="mileage")
    )
    assert taken.code == 1
    assert "course-registration" in taken.out.casefold().replace(" ", "-")
    assert list(place.states()) == ["C-1"]


def test_a_configuration_is_copied_without_secrets_and_people(place: Place) -> None:
    file = configured(place, MONDAYS)
    content = yaml.safe_load(file.read_text())
    (giver,) = content["organizations"]
    giver["integrations"][0]["mapping"]["claimants"] = {"V017": "30017"}
    giver["books"][0]["closedThrough"] = "2026-03-31"
    giver["members"] = [{"subject": "administrator-001", "role": "admin"}]
    content["organizations"].append({"slug": "nhf", "name": "NHF"})
    file.write_text(yaml.safe_dump(content))
    assert place.bilag("apply", file).code == 0
    copied = place.bilag("copy-configuration", ORGANIZATION, "nhf")
    assert copied.code == 0, copied.err
    assert copied.out == "nhf: book main: made\nnhf: integration ledger: made, switched off\n"
    written = yaml.safe_load(place.bilag("export-configuration", "nhf").out)["organizations"][0]
    (one,), (own,) = written["integrations"], giver["integrations"]
    assert one["enabled"] is False
    assert {name: one["delivery"][name] for name in MONDAYS} == MONDAYS
    assert one["settings"]["baseUrl"] == own["settings"]["baseUrl"]
    assert one["mapping"]["categories"] == own["mapping"]["categories"]
    assert "claimants" not in one["mapping"]
    assert written["members"] == []
    assert written["books"][0]["closedThrough"] is None
    credentials = "SELECT o.slug FROM credentials c JOIN organizations o ON o.id = organization_id"
    assert place.rows(credentials) == [(ORGANIZATION,)]
    logged = place.rows(
        "SELECT event, subject FROM change_logs l JOIN organizations o ON o.id = l.organization_id"
        " WHERE slug = 'nhf' AND event <> 'organization.created' ORDER BY l.id"
    )
    assert logged == [("book.created", "book main"), ("integration.created", "integration ledger")]

    again = place.bilag("copy-configuration", ORGANIZATION, "nhf", "--integration", "ledger")
    assert (again.code, "--replace" in again.err) == (3, True)
    place.bilag("enable", "nhf", "ledger")
    replaced = place.bilag("copy-configuration", ORGANIZATION, "nhf", "--replace")
    assert replaced.out == "nhf: integration ledger: replaced\n"
    written = yaml.safe_load(place.bilag("export-configuration", "nhf").out)["organizations"][0]
    assert written["integrations"][0]["enabled"] is True, "on or off stays as it was"
    assert place.bilag("copy-configuration", ORGANIZATION, ORGANIZATION).code == 2
    assert place.bilag("copy-configuration", ORGANIZATION, "nobody").code == 4


def test_the_api_shows_and_sets_a_schedule(stage: Stage) -> None:
    before = stage.alice.get(SCHEDULE)
    assert (before["trigger"], before["nextRuns"]) == ("on_approval", [])
    answered = stage.alice.ask("PUT", SCHEDULE, MONDAYS, Accept_Language="nn")
    assert answered.status_code == 200, answered.content
    found = json.loads(answered.content)
    assert found["words"] == "Kvar måndag kl. 07.00 (Europe/Oslo)"
    assert found["schedule"] == {**MONDAYS["schedule"], "timeZone": "Europe/Oslo"}
    assert len(found["nextRuns"]) == 5
    assert found["nextRunAt"] == found["nextRuns"][0]
    assert {
        **stage.alice.get(SCHEDULE),
        "words": found["words"],
        "pauses": found["pauses"],
    } == found
    ((stored, next_run),) = stage.query(
        "SELECT delivery, next_run_at FROM organization_integrations i"
        " JOIN integration_runtime r ON r.integration_id = i.id"
    )
    assert stored["trigger"] == "weekly"
    assert stored["requestsInFlight"] == 16, "the rest of the delivery stays"
    assert next_run is not None
    stage.alice.ask("PUT", SCHEDULE, MONDAYS)
    logged = stage.query("SELECT actor, subject FROM change_logs")
    assert len(logged) == 1, "the same again changes nothing"
    assert logged[0][0].startswith("token ")
    assert logged[0][1] == "integration ledger"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"trigger": "weekly", "schedule": {"at": "7", "weekdays": ["monday"]}},
         "schedule_time_not_valid", "schedule.at"),
        ({"trigger": "weekly"}, "schedule_at_missing", "schedule.at"),
        ({"trigger": "cron", "schedule": {"cron": "0 0 30 2 *"}},
         "schedule_cron_never", "schedule.cron"),
        ({"trigger": "manual", "schedule": {"pauses": [{"from": "x", "to": "y"}]}},
         "schedule_pause_moment", "schedule.pauses[1].from"),
        ({"trigger": "sometimes"}, "value_one_of", "trigger"),
        ({"trigger": "manual", "schedule": {"every": "day"}}, "value_unknown", "schedule.every"),
    ],
)  # fmt: skip
def test_the_api_names_what_cannot_be_followed(
    stage: Stage, body: dict[str, Any], code: str, field: str
) -> None:
    for method, path in (("PUT", SCHEDULE), ("POST", PREVIEW)):
        refused = problem(stage.alice.ask(method, path, body), 422)
        assert (refused["code"], refused["problems"][0]["field"]) == (code, field)
    assert stage.alice.get(SCHEDULE)["trigger"] == "on_approval"


def test_the_api_previews_an_expression(stage: Stage) -> None:
    body = {"trigger": "cron", "schedule": {"cron": "0 7 * * MON-FRI", "timeZone": "UTC"}}
    found = json.loads(stage.alice.ask("POST", PREVIEW, body).content)
    assert found["words"] == "Monday to Friday at 07:00 (UTC)"
    assert len(found["nextRuns"]) == 5
    assert all(run.endswith("T07:00:00Z") for run in found["nextRuns"])


def test_the_api_switches_an_integration(stage: Stage) -> None:
    (one,) = stage.alice.get(INTEGRATIONS)["integrations"]
    assert (one["key"], one["enabled"], one["status"]) == ("ledger", True, "active")
    for _ in range(2):
        off = stage.alice.ask("PUT", f"{INTEGRATIONS}/ledger/enabled", {"enabled": False})
        assert json.loads(off.content)["enabled"] is False
    assert stage.alice.get(INTEGRATIONS)["integrations"][0]["status"] == "disabled"
    assert stage.query("SELECT event FROM change_logs") == [("integration.changed",)]
    stage.alice.hand_over(record("C1"))
    assert stage.query("SELECT state FROM exports") == [("pending",)]


def test_an_outsider_sees_and_changes_nothing(stage: Stage) -> None:
    own = stage.query("SELECT delivery, enabled, updated_at FROM organization_integrations")
    key = str(stage.alice.integration)
    problem(stage.charlie.ask("GET", f"{INTEGRATIONS}/{key}/schedule"), 404)
    problem(stage.charlie.ask("PUT", f"{INTEGRATIONS}/{key}/schedule", MONDAYS), 404)
    problem(stage.charlie.ask("PUT", f"{INTEGRATIONS}/{key}/enabled", {"enabled": False}), 404)
    assert stage.charlie.ask("PUT", SCHEDULE, MONDAYS).status_code == 200
    assert stage.query("SELECT delivery, enabled, updated_at FROM organization_integrations") == own
    stage.alice.token = stage.token("exports:read", "exports:write")
    assert stage.alice.get(SCHEDULE)["trigger"] == "on_approval"
    problem(stage.alice.ask("PUT", SCHEDULE, MONDAYS), 403)
    problem(stage.alice.ask("PUT", f"{INTEGRATIONS}/ledger/enabled", {"enabled": False}), 403)


def test_records_of_an_excluded_feature_are_refused_at_the_api(stage: Stage) -> None:
    stage.alice.hand_over(record("C1", category="activity"))
    stage.query("UPDATE organizations SET excluded_features = '{activity,membership}'")
    refused = problem(stage.alice.ask("POST", RECORDS, record("C2", category="activity")), 422)
    assert (refused["code"], refused["problems"][0]["field"]) == ("feature_excluded", "category")
    assert refused["problems"][0]["record"] == "C2"
    assert "activity" in refused["detail"]
    line = {"date": "2026-10-05", "type": "Membership", "amount": "1"}
    refused = problem(stage.alice.ask("POST", RECORDS, record("C3", lines=[line])), 422)
    assert refused["problems"][0]["field"] == "lines[1].type"
    lines = [record("C4"), record("C5", category="activity"), record("C1", category="activity")]
    many = stage.alice.ask(
        "POST", RECORDS, "\n".join(map(json.dumps, lines)).encode(),
        Content_Type="application/x-ndjson",
    )  # fmt: skip
    answered = json.loads(many.content)["lines"]
    assert [one["result"] for one in answered] == ["accepted", "refused", "known"]
    assert "recordId" not in answered[1]
    assert answered[1]["problems"][0]["code"] == "feature_excluded"
    assert stage.query("SELECT source_id FROM records ORDER BY 1") == [("C1",), ("C4",)]
    assert stage.query("SELECT count(*) FROM exports") == [(2,)]
    assert stage.alice.get("/api/v1/status")["excludedFeatures"] == ["activity", "membership"]
    assert stage.charlie.ask("POST", RECORDS, record("C9", category="activity")).status_code == 201
