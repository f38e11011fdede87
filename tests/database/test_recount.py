"""`bilag verify totals`: the counters are what the exports say, or are named and mended."""

import json
from pathlib import Path

import psycopg
import pytest

from bilag.app.cli import run
from tests.clusters import Database
from tests.database.audit_stage import CLAIMS, SLUG, deliver
from tests.simulation.world import World, claim, make_world


@pytest.fixture
def world(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """An organization with claims in several states, forced and superseded ones among them."""
    monkeypatch.setenv("BILAG_HOME", str(tmp_path))
    monkeypatch.setenv("BILAG_DATABASE_URL", database.application_url)
    with make_world(
        database.application_url, database.owner_url, tmp_path,
        settings={"baseUrl": "http://127.0.0.1:9"},
    ) as made:  # fmt: skip
        made.accept([claim(number) for number in range(20)])
        made.accept([claim(number, revision=2, amount="17.25") for number in range(3)])
        for number in (5, 6):
            made.exports.cancel_export(made.query("SELECT id FROM exports WHERE source_id = %s",
                                                  f"C{number:06d}")[0][0])  # fmt: skip
        yield made


def test_the_totals_are_what_the_exports_say(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.totals()
    assert run(["verify", "totals"]) == 0
    assert f"{SLUG}: the totals are what the exports say" in capsys.readouterr().out
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        owner.execute("SELECT fold_totals()")
    assert run(["verify", "totals", SLUG]) == 0


@pytest.mark.parametrize(
    ("fault", "state", "kept", "counted"),
    [
        ("UPDATE export_totals SET count = count + 1 WHERE state = 'approved'", "approved", 24, 23),
        ("UPDATE export_totals SET amount = amount - 0.0001 WHERE state = 'cancelled'",
         "cancelled", 2, 2),
        ("DELETE FROM export_totals WHERE state = 'superseded'", "superseded", 0, 3),
        ("INSERT INTO export_totals SELECT organization_id, integration_id, 'EUR', listing, state,"
         " 4, 4 FROM export_totals WHERE state = 'cancelled'", "cancelled", 4, 0),
    ],
)  # fmt: skip
def test_a_counter_that_is_not_right_is_named_and_mended(
    world: World,
    capsys: pytest.CaptureFixture[str],
    fault: str,
    state: str,
    kept: int,
    counted: int,
) -> None:
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        owner.execute("SELECT fold_totals()")
        owner.execute(fault.encode())
    assert run(["verify", "totals", SLUG, "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    (one,) = told["differences"]
    assert (one["state"], one["kept"]["count"], one["counted"]["count"]) == (state, kept, counted)

    assert run(["verify", "totals", "--mend"]) == 0
    assert run(["verify", "totals"]) == 0
    world.totals()
    assert world.query("SELECT subject FROM change_logs WHERE event = 'totals.mended'") == [
        ("1 counters",)
    ]


def test_what_was_really_delivered_is_counted_right(
    cluster: object, template_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = deliver(cluster, template_database, "bilag_recount", tmp_path)  # type: ignore[arg-type]
    monkeypatch.setenv("BILAG_HOME", str(tmp_path))
    monkeypatch.setenv("BILAG_DATABASE_URL", log.database.application_url)
    assert log.value("SELECT count(*) FROM exports WHERE state = 'exported'") == CLAIMS
    assert run(["verify", "totals"]) == 0
