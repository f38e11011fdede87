"""Closed periods by the file, the command line and the API, and on a database of before (E15)."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
import yaml
from django.core.management import call_command
from django.db import connections

from bilag.app.migrate import migrate, setup_django
from tests.clusters import Cluster, Database, database_of
from tests.database.api_stage import EXPORTS, Stage, api_stage, problem, record
from tests.database.cli_place import ORGANIZATION, Place, claim
from tests.sandboxes import start_sandbox

BOOKS = "/api/v1/books"
DECISION = f"{EXPORTS}/closed-period-decision"


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


def configured(place: Place, policy: str = "stop", closed: object = "left out") -> Path:
    """Write the place's file with a policy and, where given, the book's last closed day."""
    file = place.write_configuration()
    content = yaml.safe_load(file.read_text())
    (organization,) = content["organizations"]
    organization["closedPeriods"] = policy
    if closed != "left out":
        organization["books"][0]["closedThrough"] = closed
    file.write_text(yaml.safe_dump(content))
    return file


def test_a_database_of_before_is_upgraded_with_what_it_holds(
    cluster: Cluster, database: Database
) -> None:
    old = database_of(cluster, "bilag_before_periods")
    with psycopg.connect(cluster.urls.owner, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {old.name}")
    setup_django(old.application_url, old.owner_url)
    call_command("migrate", "procrastinate", database="owner", verbosity=0, interactive=False)
    call_command("migrate", "bilag", "0001", database="owner", verbosity=0, interactive=False)
    connections["owner"].close()
    with psycopg.connect(old.owner_url) as owner:
        owner.execute(
            "INSERT INTO organizations (id, slug, name) VALUES (gen_random_uuid(), 'hlf', 'HLF');"
            " INSERT INTO books (id, organization_id, key, name, currency)"
            " SELECT gen_random_uuid(), id, 'main', 'Main', 'NOK' FROM organizations"
        )
    migrate(old.owner_url, old.application_url)
    with psycopg.connect(old.owner_url) as owner:
        assert owner.execute(
            "SELECT o.slug, o.closed_periods, b.key, b.closed_through FROM organizations o"
            " JOIN books b ON b.organization_id = o.id"
        ).fetchall() == [("hlf", "stop", "main", None)]
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute("UPDATE organizations SET closed_periods = 'whatever'")
    with psycopg.connect(old.application_url) as application:
        application.execute("SELECT open_day FROM exports")


def test_the_file_says_the_policy_and_the_last_closed_day(place: Place) -> None:
    first = place.bilag("apply", configured(place, "ask", "2026-02-28"))
    assert first.code == 0, first.err
    assert place.rows("SELECT closed_periods FROM organizations") == [("ask",)]
    assert str(place.rows("SELECT closed_through FROM books")[0][0]) == "2026-02-28"
    written = place.bilag("export-configuration", ORGANIZATION).out
    assert yaml.safe_load(written)["organizations"][0]["closedPeriods"] == "ask"
    copy = place.home / "copy.yaml"
    copy.write_text(written)
    assert place.bilag("apply", copy).out == "nothing to change\n"

    assert place.bilag("apply", configured(place, "ask")).out == "nothing to change\n"
    assert place.rows("SELECT closed_through IS NULL FROM books") == [(False,)], "left out stays"
    opened = place.bilag("apply", configured(place, "stop", None))
    assert "closedThrough" in opened.out
    assert "closedPeriods" in opened.out
    assert place.rows("SELECT closed_through FROM books") == [(None,)]
    ((detail,),) = place.rows(
        "SELECT detail -> 'closedThrough' FROM change_logs WHERE event = 'book.changed'"
    )
    assert detail == {"before": '"2026-02-28"', "after": "null"}


@pytest.mark.parametrize("closed", ["28.02.2026", 20260228, "2026-02-30", "9999-12-31"])
def test_a_day_that_cannot_be_meant_is_refused(place: Place, closed: object) -> None:
    refused = place.bilag("apply", configured(place, "stop", closed))
    assert refused.code == 3
    assert "books[main].closedThrough" in refused.err
    refused = place.bilag("apply", configured(place, "somehow"))
    assert "closedPeriods" in refused.err
    assert place.rows("SELECT * FROM organizations") == []


def test_applying_an_opened_period_releases_what_waited(place: Place) -> None:
    place.bilag("apply", configured(place, "stop", "2026-03-31"))
    place.take_in(claim(1))
    assert place.deliver().code == 0
    assert place.states() == {"C-1": "held"}
    shown = place.bilag("exports", ORGANIZATION, "--state", "held")
    assert "2026-03-04" in shown.out
    assert "closed through 2026-03-31" in shown.out
    place.bilag("apply", configured(place, "stop", "2026-02-28"))
    place.deliver()
    assert place.states() == {"C-1": "exported"}


def test_the_command_closes_shows_and_opens(place: Place) -> None:
    place.configure()
    assert (
        place.bilag("close-period", ORGANIZATION, "main").out == "hlf: main has no closed period\n"
    )
    closed = place.bilag("close-period", ORGANIZATION, "main", "--through", "2026-03-31")
    assert closed.out == "hlf: main is closed through 2026-03-31\n"
    assert place.bilag("close-period", ORGANIZATION, "main").out == closed.out
    place.bilag("close-period", ORGANIZATION, "main", "--through", "2026-03-31")
    logged = place.rows("SELECT actor, subject FROM change_logs WHERE event = 'book.changed'")
    assert len(logged) == 1, "closing what is closed changes nothing"
    assert logged[0][0].startswith("command line: ")
    assert logged[0][1] == "book main"
    assert place.bilag("close-period", ORGANIZATION, "other", "--reopen").code == 4
    assert place.bilag("close-period", ORGANIZATION, "main", "--through", "31.03.2026").code == 2
    assert place.bilag("close-period", ORGANIZATION, "main", "--through", "9999-12-31").code == 2
    place.take_in(claim(1))
    place.deliver()
    assert place.states() == {"C-1": "held"}
    opened = place.bilag("close-period", ORGANIZATION, "main", "--reopen")
    assert opened.out == "hlf: main has no closed period\n"
    place.deliver()
    assert place.states() == {"C-1": "exported"}


def test_the_command_decides_some_or_all(place: Place) -> None:
    place.bilag("apply", configured(place, "ask", "2026-03-31"))
    place.take_in(claim(1), claim(2), claim(3), claim(4, type="unheard"))
    place.deliver()
    one, other = place.export_id("C-1"), place.export_id("C-2")
    decide = ("decide-period", ORGANIZATION)
    assert place.bilag(*decide, "--as", "wait", "--reason", "x").code == 2, "which ones?"
    assert place.bilag(*decide, one, "--as", "first_open_day", "--reason", " ").code == 2
    first = place.bilag(*decide, one, 4711, "--as", "first_open_day", "--reason", "agreed")
    assert (first.code, first.out) == (1, "hlf: 1 decided: first_open_day\n")
    assert "4711" in first.err
    waits = place.bilag(*decide, other, "--as", "wait", "--reason", "until Monday")
    assert (waits.code, waits.out) == (0, "hlf: 1 decided: wait\n")
    place.deliver()
    assert place.states() == dict.fromkeys(("C-2", "C-3", "C-4"), "held") | {"C-1": "exported"}
    (entry,) = place.sandbox.ledger()["entries"]
    assert entry["postingDate"] == "2026-04-01"
    assert "until Monday" in place.bilag("exports", ORGANIZATION, "--source-id", "C-2").out
    everything = place.bilag(*decide, "--all", "--as", "first_open_day", "--reason", "all of it")
    assert everything.out == "hlf: 3 decided: first_open_day\n"
    place.deliver()
    assert place.states()["C-3"] == "exported"
    assert place.states()["C-4"] == "held", "its type has no account yet"


def test_books_and_closed_periods_over_http(stage: Stage) -> None:
    alice = stage.alice
    (book,) = alice.get(BOOKS)["books"]
    assert book == {"key": "main", "name": "Main book", "currency": "NOK"}
    address = f"{BOOKS}/main/closed-period"
    closed = alice.ask("PUT", address, {"closedThrough": "2026-11-30"})
    assert json.loads(closed.content)["closedThrough"] == "2026-11-30"
    assert alice.get(BOOKS)["books"][0]["closedThrough"] == "2026-11-30"
    assert "closedThrough" not in stage.charlie.get(BOOKS)["books"][0], "another's book is open"
    ((actor,),) = stage.query("SELECT actor FROM change_logs WHERE event = 'book.changed'")
    assert actor.startswith("token ")
    for wrong in ({"closedThrough": 20261130}, {"closedThrough": "30.11.2026"}, {},
                  {"closedThrough": "9999-12-31"}):  # fmt: skip
        problem(alice.ask("PUT", address, wrong), 422)
    problem(alice.ask("PUT", f"{BOOKS}/other/closed-period", {"closedThrough": None}), 404)
    reader = stage.token("exports:read", "exports:write")
    refused = alice.ask("PUT", address, {"closedThrough": None}, Authorization=f"Bearer {reader}")
    assert problem(refused, 403)["code"] == "scope_missing"
    assert alice.get(BOOKS)["books"][0]["closedThrough"] == "2026-11-30"
    alice.ask("PUT", address, {"closedThrough": None})
    assert "closedThrough" not in alice.get(BOOKS)["books"][0]


def test_decisions_over_http_touch_only_what_asks_and_is_ours(stage: Stage) -> None:
    alice, charlie = stage.alice, stage.charlie
    alice.ask("PUT", f"{BOOKS}/main/closed-period", {"closedThrough": "2026-11-30"})
    alice.hand_over(record("C1"), record("C2"), record("C3"))
    asks = [alice.export_id("C1"), alice.export_id("C2")]
    params = {"day": "2026-11-02", "closed": "2026-11-30", "open": "2026-12-01"}
    for export_id in asks:
        reason = json.dumps({"code": "period_closed_ask", "record": "C", "params": params})
        stage.bring(export_id, "held", reason=reason)
    body = {"decision": "first_open_day", "reason": "agreed with the auditor"}
    theirs = charlie.ask("POST", DECISION, {**body, "exportIds": asks})
    assert json.loads(theirs.content) == {"exportIds": []}
    problem(alice.ask("POST", DECISION, {**body, "reason": " "}), 422)
    problem(alice.ask("POST", DECISION, {**body, "decision": "forget"}), 422)
    problem(alice.ask("POST", DECISION, {**body, "targetSystem": "nowhere"}), 422)
    assert stage.query("SELECT count(*) FROM exports WHERE open_day IS NOT NULL") == [(0,)]

    some = alice.ask("POST", DECISION, {**body, "exportIds": [asks[0], alice.export_id("C3")]})
    assert json.loads(some.content) == {"exportIds": asks[:1]}
    every = {"decision": "wait", "reason": "until Monday", "targetSystem": "ledger"}
    assert json.loads(alice.ask("POST", DECISION, every).content) == {"exportIds": asks}
    found = alice.get(f"{EXPORTS}/{asks[1]}")
    assert found["state"] == "held"
    assert found["reasons"][0]["code"] == "period_closed_wait"
    assert "until Monday" in found["reasons"][0]["message"]
    logged = stage.query(
        "SELECT detail ->> 'decision', detail -> 'exports' FROM change_logs"
        " WHERE event = 'export.period_decided' ORDER BY id"
    )
    assert logged == [("first_open_day", asks[:1]), ("wait", asks)]
