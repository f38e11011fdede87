"""A dry run says what is posted afterwards, to the øre, and leaves no trace (E17)."""

import json
import logging
import tracemalloc
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
import yaml

from bilag.connectors.registry import CONNECTORS
from bilag.delivery.dry_run import dry_run
from bilag.exports.preview import waiting_records
from bilag.integrations.store import get_integration
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.api_stage import EXPORTS, Stage, api_stage, problem, record
from tests.database.cli_place import ORGANIZATION, Place, claim
from tests.sandboxes import start_sandbox
from tests.simulation.world import World, make_world
from tests.simulation.world import claim as world_claim

DRY_RUN = f"{EXPORTS}/dry-run"
TABLES = ("exports", "submissions", "syncs", "sync_logs", "change_logs", "export_runs",
          "voucher_series", "voucher_number_gaps", "mapping_versions", "audit_links")  # fmt: skip


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
        yield Place(tmp_path, database, sandbox, capsys, categories={"reise": "7140"})
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def everything(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row that a dry run could have written or changed."""
    return {table: place.rows(f"SELECT t::text FROM {table} t ORDER BY 1") for table in TABLES}


def nets(found: dict[str, Any], name: str) -> dict[str, Decimal]:
    return {row["code"]: Decimal(row["net"]) for row in found[name]}


def posted(place: Place, key: str) -> dict[str, Decimal]:
    """Return what the accounting system holds for each account or dimension."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in place.sandbox.ledger()["entries"]:
        for line in entry["lines"]:
            sums[line.get(key, "")] += Decimal(line["amount"])
    return dict(sums)


CLAIMS = (
    claim(1, "100.10", costCentre="10"),
    claim(2, "0.25", costCentre="20", project="P1"),
    claim(3, "-40.00"),
    claim(4, "10.00", currency="EUR", exchangeRate="11.4567", exchangeRateDate="2026-03-02"),
    claim(5, "1.00", type="ukjent"),
    claim(6, "2.00", type="ukjent"),
    claim(7, "3.00", type="annet"),
    claim(8, "0.00"),
    claim(9, "5.00", category="activity", hours="1"),
)


def test_it_says_what_is_posted_afterwards_and_leaves_no_trace(place: Place) -> None:
    place.sandbox.add_master_data(costCentres={"10": "Oslo", "20": "Hamar"})
    place.configure()
    assert place.take_in(*CLAIMS).code == 0
    before, asked = everything(place), place.sandbox.requests()
    ran = place.bilag("dry-run", ORGANIZATION, "--json")
    assert ran.code == 0, ran.err
    assert everything(place) == before
    assert place.sandbox.requests() == asked

    (found,) = ran.json["dryRuns"]
    counted = {k: found[k] for k in ("records", "vouchers", "held", "excluded", "sentAgain")}
    assert counted == {"records": 9, "vouchers": 4, "held": 3, "excluded": 2, "sentAgain": 0}
    assert found["claims"] == [
        {"currency": "EUR", "count": 1, "amount": "10"},
        {"currency": "NOK", "count": 3, "amount": "60.35"},
    ]
    assert (found["firstPostingDate"], found["lastPostingDate"]) == ("2026-03-04", "2026-03-04")
    assert found["accountingYears"] == [{"year": 2026, "vouchers": 4}]
    assert [(r["state"], r["code"], r["records"]) for r in found["reasons"]] == [
        ("held", "type_not_mapped", 3),
        ("excluded", "zero_sum", 1),
        ("excluded", "filter_category", 1),
    ]
    examples = found["reasons"][0]["examples"]
    assert [(e["records"], e["sourceId"]) for e in examples] == [(2, "C-5"), (1, "C-7")]
    assert "ukjent" in examples[0]["message"]
    for name in ("accounts", "costCentres", "projects", "vatCodes"):
        assert sum(nets(found, name).values()) == 0, name
    assert found["total"]["net"] == "0"
    assert Decimal(found["total"]["debit"]) == Decimal("254.92")

    place.deliver()
    assert sorted(place.states().values()) == ["excluded"] * 2 + ["exported"] * 4 + ["held"] * 3
    assert nets(found, "accounts") == posted(place, "account")
    assert nets(found, "costCentres") == posted(place, "costCentre")
    assert nets(found, "projects") == posted(place, "project")
    (after,) = place.bilag("dry-run", ORGANIZATION, "--json").json["dryRuns"]
    assert (after["records"], after["accounts"], after["reasons"]) == (0, [], [])


def test_another_mapping_is_tried_before_it_is_saved(place: Place) -> None:
    place.configure()
    place.take_in(*CLAIMS)
    place.deliver()
    before = everything(place)
    file = place.home / "mapping.yaml"
    (place.home / "people.csv").write_text("claimant;party\nV017;10017\n")
    file.write_text(yaml.safe_dump({
        "categories": {"ukjent": {"account": "7350"}, "reise": {"account": "7140"}},
        "counterAccount": "2910",
        "claimants": "file:people.csv",
    }))  # fmt: skip
    tried = ("dry-run", ORGANIZATION, "--mapping", file, "--json")
    (nothing,) = place.bilag(*tried).json["dryRuns"]
    assert nothing["records"] == 0, "what is held is asked for with --held"
    (found,) = place.bilag(*tried, "--held").json["dryRuns"]
    assert (found["vouchers"], found["held"], found["mappingVersion"]) == (2, 1, None)
    assert nets(found, "accounts") == {"7350": Decimal(3), "2910": Decimal(-3)}
    (now,) = place.bilag("dry-run", ORGANIZATION, "--held", "--json").json["dryRuns"]
    assert (now["vouchers"], now["held"], now["mappingVersion"]) == (0, 3, 1)
    assert everything(place) == before

    file.write_text("categories:\n  ukjent: {account: ''}\nheader: {x: {from: nowhere}}\n")
    refused = place.bilag(*tried)
    assert refused.code == 3
    assert "mapping.categories.ukjent.account" in refused.err
    assert "mapping.header.x.from" in refused.err
    file.write_text("- not\n- a mapping\n")
    assert place.bilag(*tried).code == 3
    assert everything(place) == before


def test_people_get_tables_that_add_up(place: Place) -> None:
    place.configure()
    place.take_in(*CLAIMS)
    ran = place.bilag("dry-run", ORGANIZATION, "--language", "nb")
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["7140", "4", "214,92", "40,00", "174,92"] in lines
    assert ["2990", "4", "40,00", "214,92", "-174,92"] in [
        [cell.replace("−", "-") for cell in line] for line in lines
    ]
    assert ["sum", "8", "254,92", "254,92", "0,00"] in lines
    assert "holdt tilbake: 3 (type_not_mapped)" in ran.out
    assert "2 x Utgiftstypen «ukjent» har ingen konto" in ran.out
    assert place.bilag("dry-run", "nobody").code == 4
    assert place.bilag("dry-run", ORGANIZATION, "--integration", "nowhere").code == 4


def test_closed_periods_are_told_as_they_would_be_posted(place: Place) -> None:
    file = place.write_configuration()
    content = yaml.safe_load(file.read_text())
    content["organizations"][0]["closedPeriods"] = "first_open_day"
    content["organizations"][0]["books"][0]["closedThrough"] = "2026-12-31"
    file.write_text(yaml.safe_dump(content))
    place.bilag("apply", file)
    place.take_in(claim(1), claim(2))
    (found,) = place.bilag("dry-run", ORGANIZATION, "--json").json["dryRuns"]
    assert (found["vouchers"], found["moved"], found["held"]) == (2, 2, 0)
    assert found["firstPostingDate"] == "2027-01-01"
    assert found["accountingYears"] == [{"year": 2027, "vouchers": 2}]
    content["organizations"][0]["closedPeriods"] = "stop"
    file.write_text(yaml.safe_dump(content))
    place.bilag("apply", file)
    (found,) = place.bilag("dry-run", ORGANIZATION, "--json").json["dryRuns"]
    assert [(r["code"], r["records"]) for r in found["reasons"]] == [("period_closed", 2)]


def test_over_http_each_sees_its_own(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"), record("C2"))
    found = stage.alice.get(f"{DRY_RUN}?integration=ledger")
    assert (found["vouchers"], found["condition"], found["mappingVersion"]) == (2, "active", 1)
    assert nets(found, "accounts") == {
        "7140": Decimal("499.00"),
        "7160": Decimal("200"),
        "2990": Decimal("-699.00"),
    }
    assert stage.charlie.get(f"{DRY_RUN}?integration=ledger")["records"] == 0
    problem(stage.alice.ask("GET", DRY_RUN), 422)
    problem(stage.alice.ask("GET", f"{DRY_RUN}?integration=nowhere"), 422)
    writer = stage.token("exports:write")
    asked = f"{DRY_RUN}?integration=ledger"
    refused = stage.alice.ask("GET", asked, Authorization=f"Bearer {writer}")
    assert problem(refused, 403)["code"] == "scope_missing"


def test_over_http_a_mapping_is_tried_and_not_saved(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"))
    mapping = {"defaults": {"expense": {"account": "7999"}}, "counterAccount": "2990",
               "missingClaimant": "clearing", "clearingAccount": "2990"}  # fmt: skip
    body = {"targetSystem": "ledger", "mapping": mapping}
    answer = stage.alice.ask("POST", DRY_RUN, body, Idempotency_Key="once")
    found = json.loads(answer.content)
    assert answer.status_code == 200, found
    assert nets(found, "accounts") == {"7999": Decimal("349.50"), "2990": Decimal("-349.50")}
    assert "mappingVersion" not in found
    assert stage.query("SELECT count(*) FROM mapping_versions") == [(1,)]
    body["mapping"] = {**mapping, "header": {"x": {"from": "nowhere"}}, "colour": "blue"}
    refused = problem(stage.alice.ask("POST", DRY_RUN, body), 422)
    assert [one["field"] for one in refused["problems"]] == ["mapping.colour"]


def test_the_database_refuses_every_change_while_it_runs(stage: Stage) -> None:
    stage.alice.hand_over(record("C1"))
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, stage.alice.organization),
    ):
        next(waiting_records(connection, stage.alice.integration, held=False))
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("UPDATE exports SET state = 'held'")


_RECORDS = """
INSERT INTO records (organization_id, source_system, source_id, revision, category, currency, total,
    claimant_id, content, content_hash, approved_at, first_cost_date, last_cost_date)
SELECT organization_id, source_system, 'M' || n, 1, category, currency, total, claimant_id,
    jsonb_set(content, '{sourceId}', to_jsonb('M' || n)), content_hash, approved_at,
    first_cost_date, last_cost_date
FROM (SELECT * FROM records LIMIT 1) r, generate_series(%(first)s::int, %(last)s::int) n
"""
_EXPORTS = """
INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system, source_id,
    revision, live, category, currency, amount, reference, state)
SELECT e.organization_id, e.integration_id, e.book_id, r.id, r.source_system, r.source_id, 1, true,
    e.category, e.currency, e.amount, r.source_id, 'pending'
FROM (SELECT * FROM exports LIMIT 1) e, records r
WHERE NOT EXISTS (SELECT FROM exports x WHERE x.record_id = r.id)
"""


def test_memory_stays_flat(database: Database, tmp_path: Path) -> None:
    settings = {"baseUrl": "http://127.0.0.1:9"}
    urls = (database.application_url, database.owner_url)
    with make_world(*urls, tmp_path, settings=settings) as world:
        world.accept([world_claim(1)])
        _add(world, 1, 2_000)
        few = _peak(world, 2_001)
        _add(world, 2_001, 20_000)
        assert _peak(world, 20_001) < few + 1_000_000


def _add(world: World, first: int, last: int) -> None:
    """Let more claims of the same content wait, as the owner."""
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        owner.execute(_RECORDS, {"first": first, "last": last})
        owner.execute(_EXPORTS, {})
        owner.execute("ANALYZE")


def _peak(world: World, records: int) -> int:
    """Return the bytes that a dry run holds at most, in Python's own memory."""
    with (
        world.pool.connection() as connection,
        organization_scope(connection, world.organization),
    ):
        integration = get_integration(connection, world.organization, "ledger")
        assert integration is not None
        tracemalloc.start()
        found = dry_run(connection, CONNECTORS, integration)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (found.records, found.vouchers) == (records, records)
    return peak
