"""Records one at a time: taken once, answered alike, refused with everything that is wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import Database
from tests.database.api_stage import EXPORTS, RECORDS, Stage, api_stage, problem, record


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def test_the_same_record_again_is_answered_with_the_same_bytes(stage: Stage) -> None:
    first = stage.alice.ask("POST", RECORDS, record())
    again = stage.alice.ask("POST", RECORDS, record())

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    assert json.loads(first.content)["sourceSystem"] == "app"
    assert stage.query("SELECT count(*) FROM exports") == [(1,)]


def test_other_content_is_refused_and_changes_nothing(stage: Stage) -> None:
    stage.alice.hand_over(record())

    found = problem(stage.alice.ask("POST", RECORDS, record(text="Other")), 409)

    assert (found["code"], found["problems"][0]["record"]) == ("other_content", "C000017")
    assert stage.query("SELECT content ->> 'text' FROM records") == [(None,)]


def test_a_revision_is_new_and_a_lower_one_never_seen_is_refused(stage: Stage) -> None:
    stage.alice.hand_over(record(), record(revision=3, text="Corrected"))

    found = problem(stage.alice.ask("POST", RECORDS, record(revision=2)), 409)

    assert found["code"] == "stale_revision"
    states = stage.query("SELECT revision, state FROM exports ORDER BY revision")
    assert states == [(1, "superseded"), (3, "pending")]


def test_every_fault_of_a_record_is_told_at_once_with_its_place(stage: Stage) -> None:
    bad = record(currency="XXX", approvedAt="yesterday", unknownField=1)
    bad["lines"][1]["amount"] = "12.34567"

    found = problem(stage.alice.ask("POST", RECORDS, bad), 422)

    places = {(one["field"], one.get("line")) for one in found["problems"]}
    assert places == {
        ("currency", None), ("approvedAt", None), ("unknownField", None), ("lines[2].amount", 2),
    }  # fmt: skip
    assert {one["record"] for one in found["problems"]} == {"C000017"}
    assert stage.query("SELECT count(*) FROM records") == [(0,)]


@pytest.mark.parametrize("status", ["pending", "rejected"])
def test_what_is_not_approved_is_refused(stage: Stage, status: str) -> None:
    found = problem(stage.alice.ask("POST", RECORDS, record(status=status)), 422)

    assert found["code"] == "not_approved"
    assert stage.query("SELECT count(*) FROM records") == [(0,)]


def test_a_withdrawn_approval_cancels_the_export(stage: Stage) -> None:
    stage.alice.hand_over(record())

    response = stage.alice.ask("POST", RECORDS, {"sourceId": "C000017", "status": "withdrawn"})

    assert response.status_code == 200
    assert json.loads(response.content)["cancelled"] == 1
    assert stage.query("SELECT state FROM exports") == [("cancelled",)]
    status = stage.alice.get(f"{RECORDS}/C000017")
    assert "withdrawnAt" in status["revisions"][0]


def test_withdrawing_what_was_never_approved_is_not_found(stage: Stage) -> None:
    withdrawal = {"sourceId": "C000017", "status": "withdrawn"}

    assert problem(stage.alice.ask("POST", RECORDS, withdrawal), 404)["problems"][0]["record"]


def test_an_amount_written_as_a_number_arrives_exactly(stage: Stage) -> None:
    text = json.dumps(record(lines=[{"date": "2026-10-05", "type": "travel", "amount": 0}]))
    body = text.replace('"amount": 0', '"amount": 12345678901.2345').encode()

    assert stage.alice.ask("POST", RECORDS, body).status_code == 201

    (revision,) = stage.alice.get(f"{RECORDS}/C000017")["revisions"]
    assert revision["total"] == "12345678901.2345"
    assert stage.query("SELECT content #>> '{lines,0,amount}' FROM records") == [
        ("12345678901.2345",)
    ]


def test_two_source_systems_may_use_the_same_id(stage: Stage) -> None:
    stage.alice.hand_over(record(), record(sourceSystem="old-app", text="Another claim"))

    systems = [r["sourceSystem"] for r in stage.alice.get(f"{RECORDS}/C000017")["revisions"]]
    one = stage.alice.get(f"{RECORDS}/C000017?sourceSystem=old-app")

    assert systems == ["app", "old-app"]
    assert {export["sourceSystem"] for export in one["exports"]} == {"old-app"}


@pytest.mark.parametrize("source_id", ["2026/17", "Æ 17?", "a%2Fb"])
def test_a_record_is_found_under_any_id(stage: Stage, source_id: str) -> None:
    stage.alice.hand_over(record(source_id))
    path = source_id.replace("%", "%25").replace("?", "%3F").replace(" ", "%20")

    assert stage.alice.get(f"{RECORDS}/{path}")["sourceId"] == source_id


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "json_invalid"),
        (b'{"sourceId":"a","sourceId":"b"}', {}, 400, "json_key_twice"),
        (b'{"amount":NaN}', {}, 400, "json_not_finite"),
        (b"\xff", {}, 400, "json_not_utf8"),
        (b"{}", {"Content_Type": "text/plain"}, 415, "content_type_unknown"),
        (b"{}", {"Content_Encoding": "gzip"}, 415, "content_type_unknown"),
        (b" " * (1024 * 1024 + 1), {}, 413, "body_too_large"),
        (b"[]", {}, 422, "record_not_object"),
    ],
)
def test_a_body_that_cannot_be_read_says_why(
    stage: Stage, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    assert problem(stage.alice.ask("POST", RECORDS, body, **headers), status)["code"] == code


def test_an_outsider_sees_nothing_of_a_record(stage: Stage) -> None:
    stage.alice.hand_over(record())

    assert problem(stage.charlie.ask("GET", f"{RECORDS}/C000017"), 404)
    assert stage.charlie.get(EXPORTS) == {"exports": []}
    # the same id is the outsider's own record, and new
    assert stage.charlie.ask("POST", RECORDS, record()).status_code == 201
