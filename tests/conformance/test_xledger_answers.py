"""Answers of Xledger read one by one: limits, logins, refusals, and what stands under a reference.

Texts with a source are quoted as the facts have them (facts/xledger.md, §2, §8, §9).
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from bilag.connectors.http import HttpAnswer
from bilag.connectors.redact import Redactor
from bilag.connectors.xledger import XledgerSettings
from bilag.connectors.xledger.answers import Fault, Reply, read_reply
from bilag.connectors.xledger.look_up import window_start
from bilag.connectors.xledger.refusals import Blaming
from bilag.connectors.xledger.standing import posted
from bilag.core.outcome import CannotTell, Evidence, Misconfigured, Posted, RetryLater, Unknown

URL = "https://www.xledger.net/graphql"


def reply_of(document: object, status: int = 200, **headers: str) -> Any:
    """What is made of an answer."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    answer = HttpAnswer(status, {k.replace("_", "-"): v for k, v in headers.items()}, body, 1)
    return read_reply(answer, URL, Redactor(["tok-12345"]))


def error_of(message: str = "x", **more: Any) -> dict[str, Any]:
    """An answer with one error."""
    return {"errors": [{"message": message, **more}]}


@pytest.mark.parametrize(
    ("code", "seconds"),
    [
        ("BAD_REQUEST.BURST_RATE_LIMIT_REACHED", 5),
        ("BAD_REQUEST.CONCURRENCY_LIMIT_REACHED", 1),
        ("BAD_REQUEST.INSUFFICIENT_CREDITS", 1200),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 429])
def test_a_limit_is_told_by_its_code_whatever_the_status(
    code: str, seconds: int, status: int
) -> None:
    for document in (
        error_of(code=code),
        error_of(extensions={"code": code}),
        {"data": None} | error_of(code=code),
        {"data": {"addGLImportItems": None}} | error_of(code=code),
    ):
        found = reply_of(document, status)
        assert isinstance(found, RetryLater)
        assert (found.after_seconds, found.pauses, found.transport) == (seconds, True, False)
    assert isinstance(reply_of(error_of("Too many requests")), RetryLater)


@pytest.mark.parametrize("place", ["error", "answer"])
def test_credits_come_back_when_it_says(place: str) -> None:
    at = time.time() + 300
    for written in (
        datetime.fromtimestamp(at, UTC).isoformat(),
        datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        int(at),
        int(at * 1000),
    ):
        extensions = {"resetAt": written}
        document = error_of(code="BAD_REQUEST.INSUFFICIENT_CREDITS")
        if place == "error":
            document["errors"][0]["extensions"] = extensions
        else:
            document["extensions"] = extensions
        found = reply_of(document)
        assert isinstance(found, RetryLater)
        assert found.after_seconds == pytest.approx(300, abs=3)
    odd_ones: tuple[object, ...] = ("soon", "", None, [], 1e300, "9999-99-99")
    for odd in odd_ones:
        document = error_of(code="BAD_REQUEST.INSUFFICIENT_CREDITS", extensions={"resetAt": odd})
        found = reply_of(document)
        assert isinstance(found, RetryLater)
        assert found.after_seconds in (1200, 86400)


@pytest.mark.parametrize(
    "message",
    [
        'Bad format for API Token. Expected header: "Authorization: token <your-token>"',
        "API Token is not valid or has expired",
        "Not authorized",
        "Insufficient scope for GL",
        "The token has expired",
    ],
)
def test_a_login_that_is_refused_stops_the_integration(message: str) -> None:
    for status in (200, 400, 401, 403):
        assert isinstance(reply_of(error_of(message), status), Misconfigured)
    assert isinstance(reply_of(b"no", 401), Misconfigured)


def test_a_value_of_ours_is_no_word_of_theirs() -> None:
    message = "account.code: No value matching owner 1, code 'no access to scope'."
    assert isinstance(reply_of(error_of(message)), Reply)


def test_a_field_they_do_not_know_stops_the_integration() -> None:
    for message in (
        'Cannot query field "amount" on type "JournalEntry".',
        'Field "jobLevl" is not defined by type "AddGLImportItemsInputNode".',
    ):
        assert isinstance(reply_of(error_of(message), 400), Misconfigured)


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (error_of("Your query timed out"), 200),
        (error_of("Internal server error"), 200),
        (error_of("account.code: No value matching owner 1, code '9'."), 500),
        (error_of(code="BAD_REQUEST.BURST_RATE_LIMIT_REACHED"), 502),
        ({"data": None}, 200),
        ({"data": []}, 200),
        ({}, 200),
        ([], 200),
        (b"<html>", 200),
        (b'{"data": {"a": NaN}}', 200),
        (b"[" * 100_000, 200),
        (b"", 204),
    ],
)
def test_what_proves_nothing_stays_unknown(document: object, status: int) -> None:
    assert isinstance(reply_of(document, status), Unknown)


def test_data_beside_errors_is_looked_at() -> None:
    found = reply_of({"data": {"addGLImportItems": {"edges": []}}} | error_of(code="x.BURST"))
    assert isinstance(found, Reply)
    assert found.faults[0].code == "x.BURST"
    odd: Reply = reply_of({"data": {"a": {}}, "errors": ["text", {"path": "x", "extensions": 7}]})
    assert [fault.message for fault in odd.faults] == ["text", "no message"]


def test_no_secret_is_kept() -> None:
    found = reply_of(error_of("Unauthorized: tok-12345"))
    assert "tok-12345" not in repr(found)


# --- refusals


def document(reference: str, *nodes: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """One document of a call."""
    return {reference: [{"node": dict(node)} for node in nodes]}


DOCUMENTS = {
    **document("A", {"account": {"code": "7140"}, "glObject1": {"code": "200"}}, {"account": {}}),
    **document("B", {"account": {"code": "9999"}}, {"account": {"code": "2990"}}),
}
BLAMING = Blaming(
    XledgerSettings.model_validate(
        {"dimensions": {"glObject1": "costCentre", "glObject2": "project", "glObject3": "activity"}}
    )
)


@pytest.mark.parametrize(
    ("message", "more", "field", "lines"),
    [
        ("account.code: No value matching owner 42365431, code '9999'.", {}, "account", {"B": 1}),
        ("glObject1.code: No value matching owner 1, code '200'.", {}, "cost_centre", {"A": 1}),
        ("glObject2.code: No value matching owner 1, code '5'.", {}, "project", {}),
        ("glObject3.code: No value matching owner 1, code '5'.", {}, "activity", {}),
        ("subledger.code: No value matching owner 42365431, code 'P123456'.", {}, "party", {}),
        ("taxRule.code: No value matching owner 1, code '1'.", {}, "vat_code", {}),
        ("Invalid cost center code: 9999", {}, "cost_centre", {}),
        ("Invalid cost center code: 200", {}, "cost_centre", {"A": 1}),
        ("inputs[3].node.account.code: No value matching owner 1, code '2'.", {}, "account",
         {"B": 2}),
        ("postedDate: bad", {"path": ["addGLImportItems", "inputs", 1, "node"]}, "posting_date",
         {"A": 2}),
        ("wrong", {"path": ["addGLImportItems", 2, "node", "taxRule"]}, "vat_code", {"B": 1}),
        ("wrong", {"extensions": {"code": "INVALID_VALUE"}}, "", {}),
        ("wrong", {"code": "BAD_REQUEST.SOMETHING"}, "", {}),
        ("taxRule: x", {"extensions": {"exampleValidInputs": []}}, "vat_code", {}),
    ],
)  # fmt: skip
def test_a_refusal_names_field_and_line(
    message: str, more: dict[str, Any], field: str, lines: dict[str, int]
) -> None:
    fault = Fault(
        message,
        more.get("code") or more.get("extensions", {}).get("code", ""),
        tuple(more.get("path", ())),
        more.get("extensions", {}),
    )
    blame = BLAMING.blame(fault, DOCUMENTS)
    assert (blame.refusal, blame.field, dict(blame.lines)) == (True, field, lines)


@pytest.mark.parametrize(
    "message",
    ["Something went wrong", "Deadlock: try again", "", "a" * 5000, "x: y", "[999999999]", "ok:"],
)
def test_what_is_no_complaint_about_content_is_no_refusal(message: str) -> None:
    blame = BLAMING.blame(Fault(message, "", (), {}), DOCUMENTS)
    assert not blame.refusal
    assert not blame.lines


def test_a_value_in_several_lines_names_none() -> None:
    twice = document("C", {"account": {"code": "1"}}, {"account": {"code": "1"}})
    fault = Fault("account.code: No value matching owner 1, code '1'.", "", (), {})
    assert BLAMING.blame(fault, twice).lines == {"C": None}


# --- what stands


def entry(header: str, account: str, amount: object) -> dict[str, Any]:
    """One booked line."""
    return {
        "dbId": "1",
        "amount": amount,
        "account": {"code": account},
        "transactionHeader": {"dbId": header, "transactionNumber": f"N{header}"},
        "glObject1": {"code": "200"},
    }


def standing(*rows: dict[str, Any]) -> Posted | CannotTell:
    """What these lines amount to."""
    return posted(rows, "glObject1", Evidence())


def test_one_voucher_stands_with_its_debit() -> None:
    found = standing(entry("9", "7140", "100.00"), entry("9", "2710", "25.00"),
                     entry("9", "2990", "-125.00"))  # fmt: skip
    assert isinstance(found, Posted)
    assert (found.external_reference, found.voucher_number) == ("9", "N9")
    assert (found.amount, found.hits, found.reversed_by) == (Decimal("125.00"), 1, "")
    assert [line.cost_centre for line in found.lines] == ["200"] * 3


def test_a_reversal_is_no_second_voucher_and_a_third_counts() -> None:
    there = [entry("9", "7140", "100"), entry("9", "2990", "-100")]
    back = [entry("10", "7140", "-100"), entry("10", "2990", "100")]
    again = [entry("11", "7140", "100"), entry("11", "2990", "-100")]
    reversed_one = standing(*back, *there)
    assert isinstance(reversed_one, Posted)
    assert (reversed_one.external_reference, reversed_one.hits) == ("9", 1)
    assert reversed_one.reversed_by == "N10"
    mended = standing(*there, *back, *again)
    assert isinstance(mended, Posted)
    assert (mended.external_reference, mended.hits, mended.reversed_by) == ("11", 1, "")
    doubled = standing(*there, *again)
    assert isinstance(doubled, Posted)
    assert doubled.hits == 2


def test_an_amount_that_cannot_be_read_is_no_amount() -> None:
    found = standing(entry("9", "7140", "a lot"), entry("9", "2990", "-100"))
    assert isinstance(found, Posted)
    assert found.amount is None
    without = entry("9", "7140", "1") | {"transactionHeader": None}
    assert isinstance(standing(without), CannotTell)


def test_a_window_begins_a_day_early_in_central_european_time() -> None:
    assert window_start(None) == ""
    assert window_start(datetime(2026, 1, 15, 12, tzinfo=UTC)) == "2026-01-14T13:00:00"
    assert window_start(datetime(2026, 7, 15, 12, tzinfo=UTC)) == "2026-07-14T14:00:00"
