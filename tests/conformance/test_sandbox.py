"""The REST sandbox itself: its ledger outlives it, its faults strike where they are told to.

Every other test of delivery leans on this one being right.
"""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bilag.sandbox.faults import Fault, FaultPlan
from bilag.sandbox.ledger import Ledger
from tests.sandboxes import SandboxProcess, start_sandbox

KEY = {"X-API-Key": "sandbox-api-key"}


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxProcess]:
    with start_sandbox("rest") as process:
        yield process


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.reset()
    running.set(idempotency="off", unique_voucher_numbers=False)
    return running


def ask(
    sandbox: SandboxProcess, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    """One request as a supplier's customer would make it: status and parsed answer."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, KEY | headers)
        answer = connection.getresponse()
        content = answer.read().decode()
    finally:
        connection.close()
    return answer.status, json.loads(content) if content[:1] in "{[" else content


def document(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A voucher that is posted."""
    return {
        "reference": f"BREF{number:016d}",
        "voucherNumber": f"2026-{number}",
        "postingDate": "2026-03-14",
        "currency": "NOK",
        "sourceId": f"claim-{number}",
        "text": "<b>Volunteer 017</b>",
        "lines": [
            {"account": "7140", "amount": "10.10"},
            {"account": "2990", "amount": "-10.10"},
        ],
    } | changes


def lines(first: dict[str, Any]) -> dict[str, Any]:
    """A change that gives a voucher this first line."""
    return {"lines": [first, {"account": "2990", "amount": "-10.10"}]}


def test_the_ledger_outlives_a_kill_and_drops_half_a_line(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    with start_sandbox("rest", ledger=file) as sandbox:
        for number in (1, 2, 2):
            assert ask(sandbox, "POST", "/vouchers", document(number))[0] == 201
        sandbox.kill()
        with file.open("ab") as half:
            half.write(b'{"reference":"BHALF')
        sandbox.restart()
        ledger = sandbox.ledger()
        assert ask(sandbox, "POST", "/vouchers", document(3))[0] == 201
        sandbox.restart()
        assert sandbox.ledger(summary=True)["count"] == 4
    assert (ledger["count"], ledger["references"]) == (3, 2)
    assert ledger["duplicateReferences"] == {document(2)["reference"]: 2}
    assert ledger["duplicateSourceIds"] == {"claim-2": 2}
    assert ledger["sums"] == {"NOK": "30.30"}
    assert [entry["id"] for entry in ledger["entries"]] == ["V-000001", "V-000002", "V-000003"]


@pytest.mark.parametrize(
    ("changes", "message", "field"),
    [
        ({"reference": ""}, "Missing field: reference", "reference"),
        ({"voucherNumber": None}, "Missing field: voucherNumber", "voucherNumber"),
        ({"voucherNumber": "2026 1"}, "Invalid voucher number: 2026 1", "voucherNumber"),
        ({"postingDate": "14.03.2026"}, "Invalid posting date: 14.03.2026", "postingDate"),
        ({"currency": "kr"}, "Invalid currency", "currency"),
        ({"reference": "B" * 21}, "Reference is too long", "reference"),
        ({"lines": []}, "A voucher has 2 to 1000 lines", "lines"),
        (lines({"account": "7140", "amount": "10.11"}), "Voucher does not balance: 0.01", "lines"),
        (lines({"account": "0", "amount": "10.10"}), "Invalid account code: 0", "lines[0].account"),
        (lines({"account": "7140", "amount": "x"}), "Invalid amount: x", "lines[0].amount"),
        (
            lines({"account": "7140", "amount": "10.10", "costCentre": "9999"}),
            "Invalid cost center code: 9999",
            "lines[0].costCentre",
        ),
    ],
)
def test_what_a_ledger_would_not_take_is_refused(
    sandbox: SandboxProcess, changes: dict[str, Any], message: str, field: str
) -> None:
    status, answer = ask(sandbox, "POST", "/vouchers", document(**changes))
    assert status == 422
    assert (answer["error"]["message"], answer["error"]["field"]) == (message, field)
    assert sandbox.ledger(summary=True)["count"] == 0


@pytest.mark.parametrize(
    ("mode", "posted", "second_refusal"), [("off", 2, 201), ("posted", 1, 201), ("all", 1, 422)]
)
def test_an_idempotency_key_is_treated_as_the_switch_says(
    sandbox: SandboxProcess, mode: str, posted: int, second_refusal: int
) -> None:
    sandbox.set(idempotency=mode)
    key = {"Idempotency-Key": "K1"}
    answers = [ask(sandbox, "POST", "/vouchers", document(1), **key) for _ in range(2)]
    assert [status for status, _ in answers] == [201, 201]
    assert sandbox.ledger(summary=True)["count"] == posted
    # A code of its own for each run, because master data stays when the sandbox is emptied.
    code = f"7-{mode}"
    refused = document(2, **lines({"account": "7140", "amount": "10.10", "costCentre": code}))
    key = {"Idempotency-Key": "K2"}
    assert ask(sandbox, "POST", "/vouchers", refused, **key)[0] == 422
    sandbox.add_master_data(costCentres={code: "Newly opened"})
    assert ask(sandbox, "POST", "/vouchers", refused, **key)[0] == second_refusal
    if mode != "off":
        assert ask(sandbox, "POST", "/vouchers", document(3), **key)[0] == 422


def test_a_taken_voucher_number_is_refused_where_the_switch_says(sandbox: SandboxProcess) -> None:
    sandbox.set(unique_voucher_numbers=True)
    assert ask(sandbox, "POST", "/vouchers", document(1))[0] == 201
    status, answer = ask(sandbox, "POST", "/vouchers", document(2, voucherNumber="2026-1"))
    assert (status, answer["error"]["code"]) == (422, "number_taken")


def test_a_fault_strikes_the_requests_it_names() -> None:
    def struck(**rules: Any) -> list[int]:
        plan = FaultPlan()
        plan.faults.append(Fault.from_json({"kind": "error_before", **rules}))
        return [number for number in range(1, 21) if plan.next("write")]

    assert struck(at=[2, 5]) == [2, 5]
    assert struck(every=6) == [6, 12, 18]
    assert struck() == list(range(1, 21))
    by_chance = struck(probability=0.3, seed=7)
    assert by_chance == struck(probability=0.3, seed=7)
    assert by_chance != struck(probability=0.3, seed=8)
    assert 0 < len(by_chance) < 20


@pytest.mark.parametrize("kind", ["wrong_company", "other_reference", "null_data"])
def test_a_fault_never_makes_a_refusal_look_posted(sandbox: SandboxProcess, kind: str) -> None:
    sandbox.faults({"kind": kind})
    refused = ask(sandbox, "POST", "/vouchers", document(lines=[]))
    assert refused[0] == 422
    assert sandbox.ledger()["count"] == 0


def test_places_are_counted_apart(sandbox: SandboxProcess) -> None:
    sandbox.faults({"kind": "error_before", "on": "read", "at": [2]})
    ask(sandbox, "POST", "/vouchers", document(1))
    reads = [ask(sandbox, "GET", "/vouchers?reference=B")[0] for _ in range(3)]
    assert reads == [200, 500, 200]
    assert sandbox.faults()["faults"][0]["struck"] == 1


@pytest.mark.parametrize(
    "fault", [{"kind": "nonsense"}, {"on": "write"}, {"kind": "slow", "on": "x"}, {"x": 1}]
)
def test_a_fault_that_does_not_exist_is_refused(
    sandbox: SandboxProcess, fault: dict[str, Any]
) -> None:
    assert ask(sandbox, "POST", "/_sandbox/faults", fault)[0] == 400
    assert sandbox.faults()["faults"] == []


def test_options_that_do_not_exist_are_refused(sandbox: SandboxProcess) -> None:
    refused: list[Any] = [{"set": 1}, {"nonsense": 1}, {"idempotency": 1}, []]
    for changes in refused:
        assert ask(sandbox, "POST", "/_sandbox/options", changes)[0] == 400


def test_requests_are_counted_and_controls_are_not(sandbox: SandboxProcess) -> None:
    ask(sandbox, "POST", "/vouchers", document(1))
    ask(sandbox, "GET", "/company")
    sandbox.ledger()
    assert sandbox.requests()["paths"] == {"POST /vouchers": 1, "GET /company": 1}
    assert sandbox.requests()["inFlightMax"] == 1


def test_the_front_page_shows_the_last_vouchers_to_everybody(sandbox: SandboxProcess) -> None:
    for number in range(1, 53):
        ask(sandbox, "POST", "/vouchers", document(number))
    status, page = ask(sandbox, "GET", "/")
    assert status == 200
    assert '<html lang="en">' in page
    assert "<caption" in page
    assert page.count('<th scope="row">') == 50
    assert "&lt;b&gt;Volunteer 017" in page
    assert "<b>" not in page
    assert "Vouchers posted: 52" in page
    oldest = sandbox.ledger()["entries"][0]["reference"]
    _, page = ask(sandbox, "GET", f"/?reference={oldest}")
    assert page.count('<th scope="row">') == 1
    assert oldest in page
    _, page = ask(sandbox, "GET", "/?reference=%3Cb%3E")
    assert "No voucher has the reference &lt;b&gt;." in page


def test_a_thousand_sums_stay_exact() -> None:
    ledger = Ledger()
    for number in range(1000):
        ledger.add(document(number) | {"amount": "0.10"})
    assert ledger.summary()["sums"] == {"NOK": "100.00"}
    assert len(ledger.find(document(999)["reference"])) == 1
    assert [entry["sourceId"] for entry in ledger.last(2)] == ["claim-999", "claim-998"]
