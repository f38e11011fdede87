"""Many records in one request: each line is answered, and a bad one never blocks the good ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import Database
from tests.database.api_stage import RECORDS, Person, Stage, api_stage, problem, record


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def _send(person: Person, *lines: bytes | dict[str, Any]) -> dict[str, Any]:
    texts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines]
    response = person.ask("POST", RECORDS, b"\n".join(texts), Content_Type="application/x-ndjson")
    assert response.status_code == 200, response.content
    found: dict[str, Any] = json.loads(response.content)
    return found


def test_200_bad_lines_among_1000_good_ones_block_nothing(stage: Stage) -> None:
    kinds: list[bytes | dict[str, Any]] = [
        b"{", b"\xff\xfe", b"[1]", b'{"a":1,"a":2}', b"\x00", b"null", b'"text"',
        record("B", category="none"), record("B", lines=[]), record("B", approvedAt=None),
    ]  # fmt: skip
    lines: list[bytes | dict[str, Any]] = []
    bad = []
    for n in range(1000):
        lines.append(record(f"C{n:06d}"))
        if n % 5 == 0:
            lines.append(kinds[n // 5 % len(kinds)])
            bad.append(len(lines))

    found = _send(stage.alice, *lines)

    assert found["counts"] == {"total": 1200, "accepted": 1000, "invalid": 200}
    assert [one["line"] for one in found["lines"]] == list(range(1, 1201))
    refused = [one for one in found["lines"] if one["result"] == "invalid"]
    assert [one["line"] for one in refused] == bad
    assert all(one["problems"][0]["message"] for one in refused)
    assert stage.query("SELECT count(*), sum(total) FROM records") == [(1000, 349500)]
    (total,) = stage.alice.get("/api/v1/status")["totals"]
    assert total["approved"] == {"count": 1000, "amount": "349500"}
    assert total["difference"] == {"count": 0, "amount": "0"}


def test_the_same_file_again_is_known_line_by_line(stage: Stage) -> None:
    lines = [record(f"C{n}") for n in range(3)]
    first = _send(stage.alice, *lines)

    again = _send(stage.alice, *lines, record("C3"), record("C1", text="Other"))

    assert again["counts"] == {"total": 5, "accepted": 1, "known": 3, "refused": 1}
    for before, after in zip(first["lines"], again["lines"], strict=False):
        assert before["recordId"] == after["recordId"]
    assert again["lines"][4]["problems"][0]["code"] == "other_content"


def test_lines_work_in_their_order(stage: Stage) -> None:
    withdrawal = {"sourceId": "C1", "status": "withdrawn"}

    found = _send(
        stage.alice, withdrawal, record("C1"), b"", withdrawal, record("C1", revision=2),
        record("C2", status="pending"),
    )  # fmt: skip

    results = [(one["line"], one["result"]) for one in found["lines"]]
    assert results == [
        (1, "not_found"), (2, "accepted"), (4, "withdrawn"), (5, "accepted"), (6, "not_approved"),
    ]  # fmt: skip
    states = stage.query("SELECT revision, state FROM exports ORDER BY revision")
    assert states == [(1, "cancelled"), (2, "pending")]


def test_a_line_that_is_too_long_is_refused_and_the_next_one_taken(stage: Stage) -> None:
    long = json.dumps(record("C1", text="x" * 3 * 1024 * 1024)).encode()

    found = _send(stage.alice, long, record("C2"))

    assert found["counts"] == {"total": 2, "accepted": 1, "invalid": 1}
    assert found["lines"][0]["problems"][0]["code"] == "json_too_large"
    assert found["lines"][1] == {**found["lines"][1], "line": 2, "sourceId": "C2"}


def test_too_many_lines_are_refused_before_any_is_taken(stage: Stage) -> None:
    body = json.dumps(record()).encode() + b"\n" * 100_000
    response = stage.alice.ask("POST", RECORDS, body, Content_Type="application/x-ndjson")

    assert problem(response, 413)["code"] == "lines_too_many"
    assert stage.query("SELECT count(*) FROM records") == [(0,)]


def test_a_flood_of_faults_is_counted_but_not_all_told(stage: Stage) -> None:
    strange = {f"field{n}": n for n in range(40)}
    lines = [b"{" + json.dumps(strange)[1:-1].encode() + b"}"] * 1500

    found = _send(stage.alice, *lines, record("C1"))

    assert found["counts"] == {"total": 1501, "accepted": 1, "invalid": 1500}
    told = [len(one.get("problems", ())) for one in found["lines"]]
    assert (told[0], told[1400]) == (20, 1)
    for one in found["lines"][:-1]:
        assert len(one["problems"]) + one["moreProblems"] >= 40


def test_an_empty_body_holds_no_lines(stage: Stage) -> None:
    assert _send(stage.alice, b"", b" ") == {"counts": {"total": 0}, "lines": []}
