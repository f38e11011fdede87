"""Which outcome an answer is: proof, refusal, or neither; and which field a refusal names.

No network: the rules read answers as they are.
"""

import time
from typing import Any

import orjson
import pytest

from bilag.connectors.http import HttpAnswer
from bilag.connectors.redact import Redactor
from bilag.connectors.rest import RestSettings
from bilag.connectors.rest.answers import Answers
from bilag.connectors.rest.pointer import MISSING, compile_pointer, text_at, value_at
from bilag.core.outcome import (
    Accepted,
    Misconfigured,
    Outcome,
    Rejected,
    RetryLater,
    Unknown,
)

OURS = "BQ2ZJ7M4X5K3N6P7R2T4"


def outcome_of(status: int, body: Any, headers: Any = None, **changes: Any) -> Outcome:
    """The outcome of one answer under these settings."""
    settings = RestSettings.model_validate({"baseUrl": "https://api.example.com"} | changes)
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    answers = Answers(settings, Redactor(), "https://api.example.com/vouchers")
    return answers.outcome(HttpAnswer(status, headers or {}, content, 12), OURS)


@pytest.mark.parametrize(
    ("status", "body", "success"),
    [
        (200, {"id": ""}, {}),
        (200, {"id": None}, {}),
        (200, {"number": "7"}, {}),
        (200, [], {}),
        (200, b"", {}),
        (200, b"<html>Sign in</html>", {}),
        (200, b'{"id": "7"', {}),
        (204, b"", {}),
        (203, {"id": "7"}, {}),
        (200, {"id": "7", "ok": False}, {"pointer": "/ok", "equals": "true"}),
        (200, {"id": "7"}, {"pointer": "/ok"}),
        (200, {"id": "7", "ok": None}, {"pointer": "/ok"}),
        (204, b"<html>", {"statuses": [204], "answer": "empty"}),
    ],
)
def test_a_success_that_proves_nothing_is_unknown(
    status: int, body: Any, success: dict[str, Any]
) -> None:
    outcome = outcome_of(status, body, success=success)
    assert isinstance(outcome, Unknown)
    assert outcome.evidence.http_status == status


@pytest.mark.parametrize(
    ("status", "body", "success", "reference", "number"),
    [
        (201, {"id": 4711}, {}, "4711", ""),
        (200, b'\xef\xbb\xbf{"id": "a"}', {}, "a", ""),
        (200, {"data": [{"id": "x", "no": 12}]},
         {"externalReference": "/data/0/id", "voucherNumber": "/data/0/no"}, "x", "12"),
        (200, {"ok": True}, {"externalReference": "", "pointer": "/ok", "equals": "true"},
         OURS, ""),
        (204, b"", {"statuses": [204], "answer": "empty"}, OURS, ""),
    ],
)  # fmt: skip
def test_a_success_is_read_where_the_settings_say(
    status: int, body: Any, success: dict[str, Any], reference: str, number: str
) -> None:
    outcome = outcome_of(status, body, success=success)
    assert isinstance(outcome, Accepted)
    assert (outcome.external_reference, outcome.voucher_number) == (reference, number)
    assert outcome.booked


def test_a_voucher_may_wait_to_be_booked() -> None:
    success = {"booked": {"pointer": "/status", "equals": "posted"}}
    for status, booked in (("queued", False), ("posted", True)):
        outcome = outcome_of(200, {"id": "1", "status": status}, success=success)
        assert isinstance(outcome, Accepted)
        assert outcome.booked is booked


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Rejected), (402, Rejected), (413, Rejected), (422, Rejected), (451, Rejected),
        (401, Misconfigured), (403, Misconfigured), (404, Misconfigured), (405, Misconfigured),
        (407, Misconfigured),
        (408, RetryLater), (425, RetryLater), (429, RetryLater),
        (409, Unknown), (301, Unknown), (307, Unknown), (500, Unknown), (503, Unknown),
        (599, Unknown),
    ],
)  # fmt: skip
def test_each_status_has_one_meaning(status: int, expected: type[Outcome]) -> None:
    assert isinstance(outcome_of(status, {"message": "no"}), expected)


def test_only_listed_statuses_refuse_where_a_list_is_given() -> None:
    errors = {"rejectedStatuses": [404, 422]}
    assert isinstance(outcome_of(422, {}, errors=errors), Rejected)
    assert isinstance(outcome_of(404, {}, errors=errors), Rejected)
    assert isinstance(outcome_of(400, {}, errors=errors), Unknown)
    assert isinstance(outcome_of(401, {}, errors=errors), Misconfigured)


def test_only_faults_of_the_system_feed_the_breaker() -> None:
    for status, feeds in ((500, True), (302, True), (409, False)):
        outcome = outcome_of(status, {})
        assert isinstance(outcome, Unknown)
        assert outcome.transport is feeds


def test_a_429_pauses_and_a_408_does_not() -> None:
    for status, pauses in ((429, True), (408, False)):
        outcome = outcome_of(status, {}, {"retry-after": "11"})
        assert isinstance(outcome, RetryLater)
        assert (outcome.after_seconds, outcome.pauses) == (11, pauses)


@pytest.mark.parametrize(
    ("body", "message", "field", "line"),
    [
        ({"error": {"message": "Bad", "field": "lines[1].costCentre"}}, "Bad", "cost_centre", 2),
        ({"message": "Bad", "field": "/lines/0/vatCode"}, "Bad", "vat_code", 1),
        ({"message": "Bad", "field": "$.lines[2].account.number"}, "Bad", "number", 3),
        ({"message": "Invalid cost center code: 9999"}, "Invalid cost center code: 9999",
         "cost_centre", None),
        ({"message": "Invalid account: 1"}, "Invalid account: 1", "account", None),
        ({"title": "Invalid", "errors": {"Lines[0].CostCenter": ["Unknown", "Closed"]}},
         "Unknown; Closed", "cost_centre", 1),
        ({"errors": [{"message": "Bad", "field": "postingDate"}]}, "Bad", "posting_date", None),
        ({"detail": "Bad", "field": "shoeSize"}, "Bad", "shoeSize", None),
        ({"error": "Bad"}, "Bad", "", None),
        ({"message": "Bad", "field": "account", "line": 4}, "Bad", "account", 5),
    ],
)  # fmt: skip
def test_a_refusal_names_field_and_line(
    body: Any, message: str, field: str, line: int | None
) -> None:
    outcome = outcome_of(400, body)
    assert isinstance(outcome, Rejected)
    assert (outcome.message, outcome.field, outcome.line) == (message, field, line)


def test_their_field_names_can_be_told() -> None:
    errors = {
        "field": ["/where"],
        "message": ["/why"],
        "fieldNames": {"Dimension 3": "project"},
        "sentences": ["Row {line}: {field} {value} does not exist"],
        "linesCountedFrom": 1,
    }
    outcome = outcome_of(400, {"why": "No", "where": "rows/2/dimension3"}, errors=errors)
    assert isinstance(outcome, Rejected)
    assert (outcome.field, outcome.line) == ("project", 2)
    spoken = outcome_of(400, {"why": "Row 3: dimension_3 77 does not exist"}, errors=errors)
    assert isinstance(spoken, Rejected)
    assert (spoken.field, spoken.line) == ("project", 3)


@pytest.mark.parametrize("body", [b"", b"Cost centre closed", b"\xff\xfe", b"[1,2]"])
def test_a_refusal_without_json_is_still_a_refusal(body: bytes) -> None:
    outcome = outcome_of(400, body)
    assert isinstance(outcome, Rejected)
    assert outcome.message
    assert outcome.field == ""


def test_a_long_answer_is_cut_and_no_sentence_runs_for_ever() -> None:
    sentences = ["{field} {value} {line}!", "{value}{field}{line}!"] * 10
    started = time.monotonic()
    outcome = outcome_of(400, {"message": "a " * 50_000}, errors={"sentences": sentences})
    assert isinstance(outcome, Rejected)
    assert len(outcome.message) == 500
    assert len(outcome.evidence.answer) == 4000
    assert time.monotonic() - started < 1


def test_pointers_follow_rfc_6901() -> None:
    document = {"a/b": {"m~n": [10, {"": "x"}]}, "n": None, "t": True}
    assert value_at(document, compile_pointer("")) is document
    assert value_at(document, compile_pointer("/a~1b/m~0n/0")) == 10
    assert value_at(document, compile_pointer("/a~1b/m~0n/1/")) == "x"
    assert value_at(document, compile_pointer("/a~1b/m~0n/2")) is MISSING
    assert value_at(document, compile_pointer("/n")) is None
    assert text_at(document, compile_pointer("/t")) == "true"
    assert text_at(document, compile_pointer("/n")) == ""
    assert text_at(document, compile_pointer("/a~1b")) == ""
