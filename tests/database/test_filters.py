"""Included data (C13): a preview counts what a sync then does; what a change lets go on."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from bilag.core.problem import Refused
from bilag.core.record import Record
from bilag.delivery import included
from bilag.delivery.included import IncludedRecords
from bilag.exports.filtered import _COME_BACK, _LEFT_OUT, _parameters
from bilag.integrations.model import Book, Filters, book_id
from bilag.mapping.gates import compile_filters
from bilag.mapping.result import Excluded, Missing
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage, connect_owner, problem
from tests.simulation.world import claim

FILTERS = "/api/v1/integrations/ledger/filters"


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def verbs(stage: Stage) -> IncludedRecords:
    return stage.installation.included_of(stage.alice.organization, "administrator-001")


def accept(stage: Stage, *records: Record) -> None:
    stage.installation.exports_of(stage.alice.organization, "app").accept_records(records)


def set_aside(stage: Stage) -> None:
    """Do with what is pending as the mapping of a sync does: hold it or leave it out."""
    book = Book(book_id(stage.alice.organization, "main"), stage.alice.organization, "main", "",
                "NOK")  # fmt: skip
    gate = compile_filters(verbs(stage).filters("ledger").filters, book)
    rows = stage.query(
        "SELECT e.id, r.content FROM exports e JOIN records r ON r.id = e.record_id"
        " WHERE state = 'pending'"
    )
    for export_id, content in rows:
        match gate(content):
            case Excluded(found):
                state = "excluded"
            case Missing((found,)):
                state = "held"
            case _:
                continue
        stage.query(
            "UPDATE exports SET state = %s, reason = %s WHERE id = %s",
            state, Jsonb(found.as_json()), export_id,
        )  # fmt: skip


def states(stage: Stage) -> dict[str, str]:
    return dict(stage.query("SELECT source_id, state FROM exports"))


def test_every_filter_is_counted_by_itself_and_all_together(stage: Stage) -> None:
    accept(
        stage,
        replace(claim(1), paid=True, cost_centre="100"),
        replace(claim(2), cost_centre="100"),
        replace(claim(3), cost_centre="200"),
        replace(claim(4), category="activity"),
        replace(claim(5), currency="EUR", cost_centre="100"),
    )
    filters = Filters.model_validate(
        {"status": "approved_and_paid", "fromAmount": "1", "costCentres": ["100"]}
    )
    found = verbs(stage).preview("ledger", filters)
    assert (found.records, found.complete) == (5, True)
    assert {one.name: (one.kept, one.dropped, one.untold) for one in found.each} == {
        "categories": (4, 1, 0),
        "status": (1, 4, 0),
        "amounts": (4, 0, 1),
        "costCentres": (3, 2, 0),
    }
    assert (found.all.kept, found.all.dropped, found.all.untold) == (1, 4, 0)
    assert (found.leave, found.come_back) == (4, 0)
    assert found.categories == {"expense": 4, "activity": 1}
    assert set(states(stage).values()) == {"pending"}, "counting changes nothing"
    assert verbs(stage).filters("ledger").filters == Filters()


def test_what_a_filter_left_out_comes_back_when_it_is_widened(stage: Stage) -> None:
    accept(stage, claim(1), replace(claim(2), category="activity"), claim(3, amount="9000"))
    verbs(stage).change("ledger", Filters.model_validate({"toAmount": "5000"}))
    set_aside(stage)
    assert states(stage) == {"C000001": "pending", "C000002": "excluded", "C000003": "excluded"}

    wider = Filters(categories=("expense", "activity"))
    preview = verbs(stage).preview("ledger", wider)
    assert (preview.records, preview.come_back, preview.leave) == (3, 2, 0)
    one, followed = verbs(stage).change("ledger", wider)
    assert one.filters == wider
    assert (followed.came_back, followed.tried_again) == (2, 0)
    assert set(states(stage).values()) == {"pending"}
    assert stage.query("SELECT count(*) FROM exports WHERE reason IS NOT NULL") == [(0,)]
    changes = stage.query(
        "SELECT event, actor, detail FROM change_logs WHERE event IN"
        " ('integration.changed', 'export.released') ORDER BY id DESC LIMIT 2"
    )
    assert [event for event, _, _ in changes] == ["export.released", "integration.changed"]
    assert {actor for _, actor, _ in changes} == {"administrator-001"}
    assert len(changes[0][2]["exports"]) == 2
    assert json.loads(changes[1][2]["filters"]["after"]) == {"categories": ["expense", "activity"]}
    assert verbs(stage).change("ledger", wider)[1].came_back == 0, "the same filters change nothing"
    assert stage.query("SELECT count(*) FROM change_logs WHERE event = 'export.released'") == [(1,)]


def test_what_another_filter_leaves_out_too_stays_until_the_next_sync_says_so(
    stage: Stage,
) -> None:
    accept(stage, replace(claim(1, amount="9000"), category="activity"))
    verbs(stage).change("ledger", Filters.model_validate({"toAmount": "5000"}))
    set_aside(stage)
    every = ["expense", "activity"]
    _, followed = verbs(stage).change(
        "ledger", Filters.model_validate({"categories": every, "toAmount": "5000"})
    )
    assert followed.came_back == 1
    set_aside(stage)
    assert stage.query("SELECT state, reason ->> 'code' FROM exports") == [
        ("excluded", "filter_amount_above")
    ]


def test_what_is_held_is_looked_at_again_where_filters_have_to_do_with_it(stage: Stage) -> None:
    accept(stage, claim(1), claim(2), replace(claim(3), category="honorarium"))
    created = Filters.model_validate({"dateField": "created", "fromDate": "2026-01-01"})
    verbs(stage).change("ledger", created)
    set_aside(stage)
    assert states(stage) == dict.fromkeys(("C000001", "C000002", "C000003"), "held")
    gap = {"code": "type_not_mapped", "message": "x", "record": "C000001"}
    stage.query("UPDATE exports SET reason = %s WHERE source_id = 'C000001'", Jsonb(gap))
    stage.query("UPDATE exports SET reason = %s WHERE source_id = 'C000003'", Jsonb(gap))

    preview = verbs(stage).preview("ledger", Filters(categories=("expense",)))
    assert (preview.all.kept, preview.leave) == (2, 1)
    _, followed = verbs(stage).change("ledger", Filters(categories=("expense",)))
    assert followed.tried_again == 2
    # the mapping's gap is not the filters'; an honorarium is left out by the next sync
    assert states(stage) == {"C000001": "held", "C000002": "pending", "C000003": "pending"}


def test_a_correction_that_waits_for_a_person_is_no_filters_business(stage: Stage) -> None:
    accept(stage, claim(1))
    stage.bring(stage.alice.export_id("C000001"), "sending", "exported", exported_at="2026-11-03")
    accept(stage, claim(1, revision=2, amount="5"))
    assert verbs(stage).preview("ledger").records == 0
    _, followed = verbs(stage).change("ledger", Filters(categories=("mileage",)))
    assert followed.tried_again == 0
    assert dict(stage.query("SELECT kind, state FROM exports")) == {
        "original": "exported", "correction": "held",
    }  # fmt: skip


def test_what_the_stored_reason_says_and_what_the_gate_says_agree(stage: Stage) -> None:
    """Of any two filters: each record that the second takes comes back from the first."""
    draw = random.Random(17)
    records = [_drawn(draw, number) for number in range(150)]
    accept(stage, *records)
    for _ in range(12):
        set_aside(stage)
        before = states(stage)
        new = _filters(draw)
        preview = verbs(stage).preview("ledger", new)
        verbs(stage).change("ledger", new)
        back = {s for s, state in states(stage).items() if state == "pending"}
        set_aside(stage)
        after = states(stage)
        taken = {source for source, state in after.items() if state == "pending"}
        assert taken <= back | {s for s, state in before.items() if state == "pending"}
        counted = {state: list(after.values()).count(state) for state in set(after.values())}
        assert preview.records == len(records)
        assert preview.all.dropped == counted.get("excluded", 0)
        assert preview.all.kept == counted.get("pending", 0)
        assert preview.all.untold == counted.get("held", 0)
        gate = compile_filters(new, verbs(stage).filters("ledger").book)
        for record in records:
            expected = gate(record.as_content())
            state = {Excluded: "excluded", Missing: "held"}.get(type(expected), "pending")
            assert after[record.source_id] == state, (new, record)


def test_more_records_than_are_counted_are_said_to_be_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(stage, *(claim(number) for number in range(7)))
    monkeypatch.setattr(included, "COUNTED_MAX", 5)
    found = verbs(stage).preview("ledger")
    assert (found.records, found.complete) == (5, False)


def test_filters_nobody_can_mean_are_refused_and_nothing_is_stored(stage: Stage) -> None:
    with pytest.raises(Refused) as refused:
        verbs(stage).change("ledger", Filters(categories=()))
    assert [p.code for p in refused.value.problems] == ["filter_no_category"]
    with pytest.raises(LookupError):
        verbs(stage).preview("elsewhere")
    assert stage.query("SELECT filters FROM organization_integrations") == [({},)]


def test_the_mapping_says_what_it_lacks_for_more_categories(stage: Stage) -> None:
    stage.query(
        "INSERT INTO mapping_versions (organization_id, integration_id, version, field_mappings,"
        " created_by) SELECT organization_id, id, 9, %s, 'x' FROM organization_integrations",
        Jsonb({"categories": {"travel": {"account": "7140"}},
               "defaults": {"expense": {"counterAccount": "2990"}}}),
    )  # fmt: skip
    stage.query("UPDATE organization_integrations SET mapping_version = 9")
    found = verbs(stage).preview("ledger", Filters(categories=("expense", "mileage")))
    assert {p.params.get("category") for p in found.problems} == {"mileage"}


def test_the_api_counts_sets_and_refuses(stage: Stage) -> None:
    accept(stage, claim(1), claim(2, amount="9000"))
    assert stage.alice.get(FILTERS)["filters"]["status"] == "approved"
    wanted = {"fromAmount": 10, "toAmount": "500.50", "categories": ["expense"]}
    asked = stage.alice.ask("POST", f"{FILTERS}/preview", wanted)
    told = json.loads(asked.content)
    assert (told["all"]["kept"], told["leave"], told["complete"]) == (1, 1, True)
    assert [one["filter"] for one in told["each"]] == ["categories", "amounts"]
    put = json.loads(stage.alice.ask("PUT", FILTERS, wanted).content)
    assert put["filters"]["toAmount"] == "500.5"
    assert put["cameBack"] == 0
    for body, field in (
        ({"fromAmount": "1e9"}, "fromAmount"),
        ({"categories": []}, "categories"),
        ({"fromDate": 20260101}, "fromDate"),
        ({"status": "pending"}, "status"),
        ({"projects": [""]}, "projects[1]"),
        ({"costCentre": ["100"]}, "costCentre"),
    ):
        refused = problem(stage.alice.ask("PUT", FILTERS, body), 422)
        assert [one["field"] for one in refused["problems"]] == [field]
    unknown = stage.alice.ask("PUT", FILTERS.replace("ledger", "gone"), wanted)
    assert problem(unknown, 404)["code"] == "resource_unknown"
    assert stage.charlie.get(FILTERS)["filters"]["categories"] == ["expense", "mileage",
                                                                   "honorarium"]  # fmt: skip


def test_looking_again_reads_what_was_left_out_and_no_history(stage: Stage) -> None:
    accept(stage, claim(1), replace(claim(2), category="activity"))
    set_aside(stage)
    with connect_owner(stage) as owner:
        owner.execute(
            "INSERT INTO exports (organization_id, integration_id, book_id, record_id,"
            " source_system, source_id, revision, live, category, currency, amount, reference,"
            " state, exported_at) SELECT organization_id, integration_id, book_id, record_id,"
            " source_system, 'H' || n, 1, true, category, currency, amount, 'H' || n, 'exported',"
            " now() FROM (SELECT * FROM exports LIMIT 1) e, generate_series(1, 20000) n"
        )
        owner.execute("VACUUM ANALYZE exports")
    for query, parameters in (
        (_COME_BACK, _parameters(stage.alice.integration, Filters())),
        (_LEFT_OUT, {"integration": stage.alice.integration, "limit": 5_000}),
    ):
        plan = _plan(stage, query, parameters)
        assert "exports_excluded" in plan
        assert "Seq Scan" not in plan


def _plan(stage: Stage, query: str, parameters: dict[str, Any]) -> str:
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, stage.alice.organization),
    ):
        rows = connection.execute(f"EXPLAIN {query}", parameters).fetchall()
        return "\n".join(row[0] for row in rows)


def _drawn(draw: random.Random, number: int) -> Record:
    approved = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=draw.randrange(300))
    base = claim(number, amount=str(draw.randrange(1, 4000)))
    lines = tuple(replace(line, cost_centre=draw.choice(("", "100", "200"))) for line in base.lines)
    return replace(
        base, lines=lines, approved_at=approved, paid=draw.random() < 0.5,
        created_at=approved - timedelta(days=3) if draw.random() < 0.7 else None,
        category=draw.choice(("expense", "mileage", "activity")),
        project=draw.choice(("", "P1", "P2")), cost_centre=draw.choice(("100", "300")),
        currency=draw.choice(("NOK", "NOK", "EUR")),
        exchange_rate=Decimal("11.5") if draw.random() < 0.5 else None,
    )  # fmt: skip


def _filters(draw: random.Random) -> Filters:
    wanted: dict[str, Any] = {
        "categories": draw.sample(("expense", "mileage", "activity"), draw.randrange(1, 4)),
        "status": draw.choice(("approved", "approved_and_paid", "approved_not_paid")),
        "dateField": draw.choice(("approved", "created")),
    }
    if draw.random() < 0.5:
        wanted["fromDate"] = f"2026-0{draw.randrange(1, 6)}-15"
    if draw.random() < 0.3:
        wanted["toDate"] = f"2026-0{draw.randrange(6, 10)}-15"
    if draw.random() < 0.5:
        wanted["fromAmount"] = str(draw.randrange(0, 1000))
    if draw.random() < 0.3:
        wanted["toAmount"] = str(draw.randrange(1000, 20000))
    if draw.random() < 0.4:
        wanted["costCentres"] = ["100", "200"][: draw.randrange(1, 3)]
    if draw.random() < 0.3:
        wanted["projects"] = ["P1"]
    return Filters.model_validate(wanted)


def test_filters_stored_by_the_version_before_go_on_as_they_were(stage: Stage) -> None:
    old = {"categories": ["expense"], "dateField": "approved", "fromDate": "2026-01-01"}
    stage.query("UPDATE organization_integrations SET filters = %s", Jsonb(old))
    accept(stage, claim(1), replace(claim(2), category="mileage"))
    set_aside(stage)
    assert states(stage) == {"C000001": "pending", "C000002": "excluded"}
    told = stage.alice.get(FILTERS)["filters"]
    assert (told["fromDate"], told["status"]) == ("2026-01-01", "approved")


def test_an_outsider_counts_and_changes_nothing_of_anothers(stage: Stage) -> None:
    accept(stage, claim(1))
    charlie = stage.installation.included_of(stage.charlie.organization, "eve")
    assert charlie.preview("ledger").records == 0
    charlie.change("ledger", Filters(categories=("mileage",)))
    assert stage.query("SELECT filters FROM organization_integrations") == [({},)]
    with pytest.raises(LookupError):
        charlie.preview(str(stage.alice.integration))
