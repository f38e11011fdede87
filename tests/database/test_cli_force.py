"""`force-export`, `force-approve` and `reconcile` by what they show, ask, and leave behind."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import yaml

from bilag.app import cli_force
from tests.clusters import Database
from tests.database.cli_place import ORGANIZATION, Place, claim
from tests.sandboxes import start_sandbox


@pytest.fixture
def place(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Place]:
    """An installation whose organization has one posted claim and an approval limit of 100."""
    monkeypatch.setenv("BILAG_HOME", str(tmp_path))
    monkeypatch.setenv("BILAG_DATABASE_URL", database.application_url)
    monkeypatch.delenv("BILAG_LANGUAGE", raising=False)
    handlers, level = logging.root.handlers, logging.root.level
    with start_sandbox("rest") as sandbox:
        place = Place(tmp_path, database, sandbox, capsys)
        place.configure()
        place.take_in(claim(1), claim(2, amount="100.01"))
        place.deliver()
        assert place.states() == {"C-1": "exported", "C-2": "exported"}
        limit(place, "100")
        yield place
    # The handlers of the command write to a stderr that is gone by now.
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def limit(place: Place, amount: object) -> str:
    """Apply an approval limit and return what was said."""
    file = place.home / "limit.yaml"
    entry = {"slug": ORGANIZATION, "name": "HLF", "forceApprovalAbove": amount}
    file.write_text(yaml.safe_dump({"organizations": [entry]}))
    ran = place.bilag("apply", file)
    return ran.out + ran.err


def test_the_limit_is_configuration(place: Place) -> None:
    assert "forceApprovalAbove" in limit(place, 250)
    assert limit(place, "250") == "nothing to change\n"
    written = place.bilag("export-configuration", ORGANIZATION).out
    assert yaml.safe_load(written)["organizations"][0]["forceApprovalAbove"] == "250"
    for bad in ("-1", "much", "1.00001"):
        assert "forceApprovalAbove" in limit(place, bad)
        assert place.rows("SELECT force_approval_above::text FROM organizations") == [("250.0000",)]
    limit(place, None)
    assert place.rows("SELECT force_approval_above FROM organizations") == [(None,)]


def test_it_shows_what_stands_there_and_asks(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    force = ("force-export", ORGANIZATION, "C-1", "--integration", "ledger")
    assert place.bilag(*force).code == 2, "a reason is required"
    assert place.bilag(*force, "--reason", " ").code == 2
    unasked = place.bilag(*force, "--reason", "deleted")
    assert unasked.code == 2
    assert "--yes" in unasked.err
    assert "is posted: voucher" in unasked.out
    monkeypatch.setattr(cli_force.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(cli_force.click, "confirm", lambda *_, **__: _abort())
    assert place.bilag(*force, "--reason", "deleted").code == 130
    assert len(place.states()) == 2
    assert place.rows("SELECT count(*) FROM exports WHERE kind = 'forced'") == [(0,)]

    refused = place.bilag(*force, "--reason", "deleted", "--yes")
    assert refused.code == 1, "--yes alone is not enough for what is posted"
    assert "--although-posted" in refused.err
    assert place.rows("SELECT count(*) FROM exports WHERE kind = 'forced'") == [(0,)]

    forced = place.bilag(*force, "--reason", "deleted", "--yes", "--although-posted")

    assert (forced.code, forced.out.splitlines()[-1]) == (0, "export 3 is pending")
    again = place.bilag(*force, "--reason", "deleted", "--yes", "--although-posted")
    assert again.code == 1
    assert "export 3 is pending" in again.err
    assert place.bilag("force-export", ORGANIZATION, "none", "--reason", "x").code == 4
    shown = place.bilag("status", ORGANIZATION).out
    assert "apart from the sum: forced again, pending" in shown


def _abort() -> None:
    raise cli_force.click.Abort


def test_above_the_limit_another_person_approves(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = place.bilag(
        "force-export", ORGANIZATION, "C-2", "--reason", "deleted", "--yes", "--although-posted"
    )
    assert ran.code == 1
    assert "another person must approve" in ran.out
    assert place.rows("SELECT state FROM exports WHERE id = 3") == [("held",)]
    assert (
        place.bilag("exports", ORGANIZATION, "--state", "held").out.count("Waits for another") == 1
    )
    own = place.bilag("force-approve", ORGANIZATION, "3")
    assert own.code == 1
    assert "Somebody else" in own.err
    monkeypatch.setattr(cli_force, "actor", lambda: "command line: somebody else")
    assert place.bilag("force-approve", ORGANIZATION, "3", "--refuse").code == 2
    assert place.bilag("force-approve", ORGANIZATION, "99").code == 4
    approved = place.bilag("force-approve", ORGANIZATION, "3")
    assert (approved.code, approved.out) == (0, "export 3 is pending\n")
    place.deliver()
    assert place.rows("SELECT state FROM exports WHERE id = 3") == [("exported",)]
    entries = place.sandbox.ledger()["entries"]
    assert sorted(entry["sourceId"] for entry in entries) == ["C-1", "C-2", "C-2"]


def test_reconcile_that_compares_nothing_says_so_and_is_no_success(place: Place) -> None:
    ran = place.bilag("reconcile", ORGANIZATION, "--to", "2026-03-01")
    assert ran.code == 7
    assert "nothing was compared" in ran.err
    place.looks_up = False
    place.configure()
    before = place.rows("SELECT count(*) FROM reconciliations")
    ran = place.bilag("reconcile", ORGANIZATION)
    assert ran.code == 7
    assert "bilag can look nothing up there" in ran.out
    assert "control report" in ran.out, "what to do instead"
    ran = place.bilag("reconcile", ORGANIZATION, "--json")
    assert (ran.code, ran.json["reconciliations"]) == (7, [])
    assert ran.json["notCompared"][0]["reason"]["code"] == "reconcile_no_look_up"
    assert place.rows("SELECT count(*) FROM reconciliations") == before, "none was begun"


def test_reconcile_tells_people_and_programs(place: Place) -> None:
    assert place.bilag("reconcile", ORGANIZATION).code == 0
    place.sandbox.meddle(place.rows("SELECT reference FROM exports WHERE id = 2")[0][0], "delete")
    ran = place.bilag("reconcile", ORGANIZATION)
    assert ran.code == 1
    assert "2 looked up, 0 compared line by line" in ran.out
    assert "missing" in ran.out
    assert "force-export" in ran.out, "the next step"
    (one,) = json.loads(place.bilag("reconcile", ORGANIZATION, "--json").out)["reconciliations"]
    assert one["counts"] == {"missing": 1}
    assert one["findings"][0]["sourceId"] == "C-2"
