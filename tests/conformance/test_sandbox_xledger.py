"""The Xledger sandbox itself: staging, booking, limits and switches, seen over HTTP.

What the facts (xledger.md) call UNKNOWN is tried in each position of its switch.
"""

import hashlib
import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandboxes import SandboxProcess, start_sandbox

LOGIN = "token sandbox-token"
# xledger.md §3 [C3]: the type of the variable, and what the edge returns.
ADD = """mutation ($inputs: [AddGLImportItemsInput!]!) {
  addGLImportItems(inputs: $inputs) { edges { clientId node { dbId } } } }"""
ITEMS = """{ glImportItems(first: 1000, filter: {modifiedAt_gte: "2020-01-01T00:00:00"}) {
  edges { cursor node { dbId extIdentifier jobLevel { dbId name } } } } }"""
ENTRIES = """{ journalEntries(first: 1000) { edges { cursor node {
  extIdentifier amount transactionNumber account { code } glObject2 { code }
  transactionHeader { transactionNumber postedDate invoiceFile { dbId } } } } } }"""
ERRORS = "{ glImportItemErrors { edges { node { dbId message transactionDbId } } } }"
START = {
    "validation": "immediate",
    "batch": "atomic",
    "books_after": 0.0,
    "posted_rows": "stay",
    "error_link": "dbId",
    "error_status": 200,
    "filter_ext_identifier": False,
    "remove_items": False,
    "unique_tr_reg_numbers": False,
    "burst_requests": 100000,
    "burst_seconds": 5.0,
    "concurrency": 0,
    "credits": 0,
    "reset_at": "local",
    "answer_after": 0.0,
}


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxProcess]:
    with start_sandbox("xledger") as process:
        yield process


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.set(**START)
    running.reset()
    return running


def post(
    sandbox: SandboxProcess, path: str, body: str | bytes, content_type: str, login: str = LOGIN
) -> tuple[int, Any]:
    """One request; status and parsed answer."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)
    try:
        headers = {"Authorization": login, "Content-Type": content_type}
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    return answer.status, json.loads(content)


def ask(
    sandbox: SandboxProcess, query: str, variables: Any = None, login: str = LOGIN
) -> tuple[int, Any]:
    """One GraphQL request as a customer of Xledger makes it."""
    body = json.dumps({"query": query, "variables": variables})
    return post(sandbox, "/graphql", body, "application/json", login)


def nodes(sandbox: SandboxProcess, query: str) -> list[dict[str, Any]]:
    """The nodes of a query that is answered."""
    status, answer = ask(sandbox, query)
    assert (status, set(answer)) == (200, {"data"}), answer
    (connection,) = answer["data"].values()
    return [edge["node"] for edge in connection["edges"] or []]


def document(number: int = 1, first: Any = None, second: Any = None) -> list[dict[str, Any]]:
    """The two nodes of a voucher that is booked, with changes to each."""
    shared = {
        "trRegNumber": number,
        "postedDate": "2026-03-14",
        "transactionSource": {"code": "GL"},
        "extIdentifier": f"BREF{number:016d}",
        "text": "Volunteer 017",
        "jobLevel": {"dbId": 14502},
    }
    debit = {"account": {"code": "7140"}, "amount": "10.10", "glObject2": {"code": "200"}}
    credit = {"account": {"code": "2990"}, "amount": "-10.10", "subledger": {"code": "10017"}}
    return [
        {"clientId": f"{number}-1", "node": shared | debit | (first or {})},
        {"clientId": f"{number}-2", "node": shared | credit | (second or {})},
    ]


def add(sandbox: SandboxProcess, *inputs: dict[str, Any]) -> Any:
    """Send nodes; returns the answer."""
    return ask(sandbox, ADD, {"inputs": inputs})[1]


UNKNOWN_ACCOUNT = {"account": {"code": "P123456"}}


def test_an_accepted_document_is_staged_first_and_booked_later(sandbox: SandboxProcess) -> None:
    sandbox.set(books_after=1.0)
    answer = add(sandbox, *document())
    edges = answer["data"]["addGLImportItems"]["edges"]
    assert [edge["clientId"] for edge in edges] == ["1-1", "1-2"]
    staged = nodes(sandbox, ITEMS)
    assert [row["dbId"] for row in staged] == [edge["node"]["dbId"] for edge in edges]
    assert staged[0]["jobLevel"]["dbId"] == "14502"
    # xledger.md §4 [C]: nothing found is null, not an empty list.
    assert ask(sandbox, ENTRIES)[1] == {"data": {"journalEntries": {"edges": None}}}
    assert sandbox.ledger(summary=True)["count"] == 0
    time.sleep(1.1)
    entry = sandbox.ledger()["entries"][0]
    assert (entry["reference"], entry["amount"]) == ("BREF0000000000000001", "10.10")
    assert [line.get("costCentre") for line in entry["lines"]] == ["200", None]
    posted = nodes(sandbox, ENTRIES)
    assert [row["amount"] for row in posted] == ["10.10", "-10.10"]
    assert {row["transactionNumber"] for row in posted} == {entry["voucherNumber"]}
    assert {row["jobLevel"]["name"] for row in nodes(sandbox, ITEMS)} == {"Kjørt"}
    payables = nodes(sandbox, "{ apTransactions { edges { node { extIdentifier amount } } } }")
    assert payables == [{"extIdentifier": entry["reference"], "amount": "-10.10"}]


def test_the_same_document_twice_is_booked_twice(sandbox: SandboxProcess) -> None:
    add(sandbox, *document())
    add(sandbox, *document())
    assert sandbox.ledger()["duplicateReferences"] == {"BREF0000000000000001": 2}
    assert len({row["transactionNumber"] for row in nodes(sandbox, ENTRIES)}) == 2
    sandbox.set(unique_tr_reg_numbers=True)
    add(sandbox, *document())
    assert sandbox.ledger(summary=True)["count"] == 2
    assert "used already" in nodes(sandbox, ERRORS)[0]["message"]


def test_rows_of_another_job_level_stay_staged(sandbox: SandboxProcess) -> None:
    other: dict[str, Any] = {"jobLevel": {"dbId": 14501}}
    add(sandbox, *document(1, other, other))
    run: dict[str, Any] = {"jobLevel": {"dbSubId": 1}}
    add(sandbox, *document(2, run, run))
    assert [one["trRegNumber"] for one in sandbox.ledger()["entries"]] == [2]
    assert len(nodes(sandbox, ITEMS)) == 4


def test_posted_rows_vanish_where_the_switch_says(sandbox: SandboxProcess) -> None:
    sandbox.set(posted_rows="vanish")
    add(sandbox, *document())
    assert nodes(sandbox, ITEMS) == []
    assert len(nodes(sandbox, ENTRIES)) == 2


@pytest.mark.parametrize(
    ("batch", "staged", "booked"), [("atomic", 0, 0), ("per_document", 2, 1), ("per_line", 3, 1)]
)
def test_a_refused_line_takes_with_it_what_the_switch_says(
    sandbox: SandboxProcess, batch: str, staged: int, booked: int
) -> None:
    sandbox.set(batch=batch)
    answer = add(sandbox, *document(1), *document(2, UNKNOWN_ACCOUNT))
    # xledger.md §3, §9 [C3]: the text.
    message = "account.code: No value matching owner 42365431, code 'P123456'."
    assert answer["errors"] == [{"message": message}]
    assert ("data" in answer) == bool(staged)
    assert len(nodes(sandbox, ITEMS)) == staged
    assert sandbox.ledger(summary=True)["count"] == booked


@pytest.mark.parametrize("link", ["dbId", "transactionDbId"])
def test_a_document_is_refused_while_booking(sandbox: SandboxProcess, link: str) -> None:
    sandbox.set(validation="booking", error_link=link)
    sandbox.add_master_data(periods={"2026-01": "closed"})
    add(sandbox, *document(1, {"glObject2": {"code": "9999"}}))
    add(sandbox, *document(2, {"amount": "10.11"}))
    january = {"postedDate": "2026-01-31"}
    add(sandbox, *document(3, january, january))
    add(sandbox, *document(4))
    errors = nodes(sandbox, ERRORS)
    assert [error["message"] for error in errors] == [
        "Invalid cost center code: 9999",
        "Transaction does not balance: 0.01",
        "Period 2026-01 is closed",
        "Period 2026-01 is closed",
    ]
    staged = {row["dbId"]: row["extIdentifier"] for row in nodes(sandbox, ITEMS)}
    assert [staged[error[link]][-1] for error in errors] == ["1", "2", "3", "3"]
    assert [one["trRegNumber"] for one in sandbox.ledger()["entries"]] == [4]
    # A person mends it, and books it by hand.
    sandbox.add_master_data(periods={"2026-01": "open"})
    meddle(sandbox, do="rerun", reference="BREF0000000000000003")
    assert [one["trRegNumber"] for one in sandbox.ledger()["entries"]] == [4, 3]
    assert len(nodes(sandbox, ERRORS)) == 2


def test_filters_and_removing_are_there_where_the_switches_say(sandbox: SandboxProcess) -> None:
    sandbox.set(books_after=60.0)
    for number in (1, 2):
        add(sandbox, *document(number))
    query = '{ glImportItems(filter: {extIdentifier: "BREF0000000000000002"}) { edges { node { dbId } } } }'  # noqa: E501
    remove = "mutation { removeGLImportItems(dbIds: [%s]) { numAffected skippedDbIds } }"
    _, no_filter = ask(sandbox, query)
    _, no_removing = ask(sandbox, remove % 1)
    assert "GLImportItem_Filter" in no_filter["errors"][0]["message"]
    assert no_removing["errors"][0]["message"].startswith("Cannot query field")
    sandbox.set(filter_ext_identifier=True, remove_items=True)
    found = [row["dbId"] for row in nodes(sandbox, query)]
    assert len(found) == 2
    _, answer = ask(sandbox, remove % ",".join([*found, "1"]))
    assert answer["data"]["removeGLImportItems"] == {"numAffected": 2, "skippedDbIds": ["1"]}
    sandbox.set(books_after=0.0)
    assert [one["trRegNumber"] for one in sandbox.ledger()["entries"]] == [1]


def test_pages_walk_both_ways(sandbox: SandboxProcess) -> None:
    for number in range(1, 4):
        add(sandbox, *document(number))
    for direction, cursor, more in (
        ("first", "after", "hasNextPage"),
        ("last", "before", "hasPreviousPage"),
    ):
        seen: list[str] = []
        position = ""
        while True:
            query = (
                f"{{ journalEntries({direction}: 4 {position}) "
                f"{{ edges {{ cursor }} pageInfo {{ {more} }} }} }}"
            )
            page = ask(sandbox, query)[1]["data"]["journalEntries"]
            seen += [edge["cursor"] for edge in page["edges"]]
            if not page["pageInfo"][more]:
                break
            position = f'{cursor}: "{seen[-1]}"'
        assert len(seen) == len(set(seen)) == 6
        assert seen == sorted(seen, key=int, reverse=direction == "last")


def test_times_are_central_european_and_have_no_zone(sandbox: SandboxProcess) -> None:
    add(sandbox, *document())
    query = "{ glImportItems(filter: {modifiedAt_gte: %s}) { edges { node { modifiedAt } } } }"
    written = nodes(sandbox, query % '"2026-01-01T00:00:00"')[0]["modifiedAt"]
    assert len(nodes(sandbox, query % f'"{written}"')) == 2
    assert nodes(sandbox, query % '"2099-01-01T00:00:00"') == []
    _, with_zone = ask(sandbox, query % '"2026-01-01T00:00:00Z"')
    assert "Invalid DateTimeString" in with_zone["errors"][0]["message"]


@pytest.mark.parametrize("status", [200, 400])
def test_limits_are_kept_and_breaches_counted(sandbox: SandboxProcess, status: int) -> None:
    sandbox.set(burst_requests=3, burst_seconds=0.5, error_status=status)
    answers = [ask(sandbox, "{ __typename }") for _ in range(4)]
    assert [code for code, _ in answers] == [200, 200, 200, status]
    assert answers[3][1]["errors"][0]["code"] == "BAD_REQUEST.BURST_RATE_LIMIT_REACHED"
    time.sleep(0.6)
    assert ask(sandbox, "{ __typename }")[1] == {"data": {"__typename": "Query"}}
    sandbox.set(burst_requests=1000, credits=1, credit_seconds=3600.0)
    sandbox.reset()
    ask(sandbox, "{ __typename }")
    code, spent = ask(sandbox, "{ __typename }")
    error = spent["errors"][0]
    assert (code, error["code"]) == (status, "BAD_REQUEST.INSUFFICIENT_CREDITS")
    assert len(error["extensions"]["resetAt"]) == len("2026-03-14T12:00:00")
    sandbox.set(credits=0, concurrency=2, answer_after=0.3)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: ask(sandbox, "{ __typename }")[1], range(3)))
    codes = [one["errors"][0]["code"] for one in found if "errors" in one]
    assert codes == ["BAD_REQUEST.CONCURRENCY_LIMIT_REACHED"]
    limits = sandbox.requests()["limits"]
    assert limits["breaches"] == {
        "burst": 0,
        "concurrency": 1,
        "credits": 1,
        "nodes": 0,
        "rows": 0,
    }
    assert (limits["inFlightMax"], limits["operations"]) == (3, {"__typename": 5})


def test_more_than_500_nodes_or_10000_rows_are_refused(sandbox: SandboxProcess) -> None:
    assert "errors" in add(sandbox, *(document()[:1] * 501))
    assert "errors" in ask(sandbox, ENTRIES.replace("1000", "10001"))[1]
    limits = sandbox.requests()["limits"]
    assert (limits["breaches"]["nodes"], limits["breaches"]["rows"]) == (1, 1)
    assert (limits["nodesMax"], limits["rowsMax"]) == (501, 10001)
    assert nodes(sandbox, ITEMS) == []


def test_logins(sandbox: SandboxProcess) -> None:
    for login in ("Bearer sandbox-token-no", "token wrong", "token wrong token", ""):
        status, answer = ask(sandbox, "{ __typename }", login=login)
        assert (status, list(answer)) == (401, ["errors"])
    _, answer = ask(sandbox, "{ __typename }", login="Token sandbox-token")
    # xledger.md §2 [C3]: the text.
    expected = 'Bad format for API Token. Expected header: "Authorization: token <your-token>"'
    assert answer["errors"][0]["message"] == expected
    form = "grant_type=client_credentials&client_id=sandbox-client&client_secret="
    kind = "application/x-www-form-urlencoded"
    assert post(sandbox, "/oauth/token", form + "wrong", kind)[0] == 401
    _, token = post(sandbox, "/oauth/token", form + "sandbox-client-secret", kind)
    bearer = f"Bearer {token['access_token']}"
    assert ask(sandbox, "{ __typename }", login=bearer)[0] == 200
    sandbox.faults({"kind": "expired_token", "on": "read", "at": [1]})
    assert [ask(sandbox, "{ __typename }", login=bearer)[0] for _ in range(2)] == [401, 401]


def test_a_file_is_kept_by_its_hash_and_hangs_on_the_voucher(sandbox: SandboxProcess) -> None:
    content = b"%PDF-1.7 receipt of Volunteer 017"
    inputs = document(1, {"invoiceFile": "receipt.pdf"})
    assert "errors" in add(sandbox, *inputs)
    request = json.dumps({"query": ADD, "variables": {"inputs": inputs}})
    # xledger.md §10 [C3]: a part named as its file, and a part named `content` with the JSON.
    parts = [
        b'Content-Disposition: form-data; name="receipt.pdf"; filename="receipt.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\n" + content,
        b'Content-Disposition: form-data; name="content"\r\n\r\n' + request.encode(),
    ]
    body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
    status, answer = post(sandbox, "/graphql", body, "multipart/form-data; boundary=edge")
    assert (status, list(answer)) == (200, ["data"])
    entry = sandbox.ledger()["entries"][0]
    assert entry["file"]["sha256"] == hashlib.sha256(content).hexdigest()
    header = nodes(sandbox, ENTRIES)[0]["transactionHeader"]
    assert header["invoiceFile"]["dbId"] == str(entry["file"]["dbId"])


def test_master_data_can_be_read_added_and_closed(sandbox: SandboxProcess) -> None:
    query = """{ entities { edges { node { dbId description
      glSetupEntries { field { name } fieldObject { objectKind { dbId } } } } } } }"""
    company = nodes(sandbox, query)[0]
    slots = {one["field"]["name"]: one["fieldObject"] for one in company["glSetupEntries"]}
    kind = slots["glObject2"]["objectKind"]["dbId"]
    sandbox.add_master_data(
        costCentres={"911": "New", "912": {"name": "Old", "open": False}},  # type: ignore[dict-item]
    )
    query = (
        "{ objectValues(filter: {objectKindDbId: %s, code_in: %s}, objectStatus: OPEN) "
        "{ edges { node { code description } } } }"
    )
    assert nodes(sandbox, query % (kind, '["911", "912"]')) == [
        {"code": "911", "description": "New"}
    ]
    add(sandbox, *document(1, {"glObject2": {"code": "911"}}))
    add(sandbox, *document(2, {"glObject2": {"code": "912"}}))
    assert [one["trRegNumber"] for one in sandbox.ledger()["entries"]] == [1]
    # xledger.md §3, §5 [C3]: lists the VAT codes, creates nothing.
    trick = "mutation { addGLImportItems(inputs: {node: {taxRule: {showAlternatives: YES}}}) { edges { node { dbId } } } }"  # noqa: E501
    found = ask(sandbox, trick)[1]["errors"][0]["extensions"]["exampleValidInputs"]
    assert {"code": "1", "text": "Input VAT 25 %"}.items() <= found[1].items()


def test_the_schema_can_be_asked(sandbox: SandboxProcess) -> None:
    query = '{ __type(name: "AddGLImportItemsInputNode") { inputFields { name } } }'
    fields = ask(sandbox, query)[1]["data"]["__type"]["inputFields"]
    assert {"trRegNumber", "extIdentifier", "glObject2", "jobLevel"} <= {f["name"] for f in fields}


def test_faults_strike_as_xledger_answers(sandbox: SandboxProcess) -> None:
    sandbox.faults(
        {"kind": "too_many", "at": [1]},
        {"kind": "null_data", "at": [2]},
        {"kind": "error_before", "at": [3]},
        {"kind": "lost_answer", "at": [4]},
        {"kind": "wrong_company", "on": "company"},
        {"kind": "other_reference", "on": "read", "at": [1]},
    )
    refused = add(sandbox, *document(1))
    assert refused["errors"][0]["code"] == "BAD_REQUEST.BURST_RATE_LIMIT_REACHED"
    assert add(sandbox, *document(2)) == {"data": None}
    with pytest.raises(ValueError, match="Expecting value"):
        add(sandbox, *document(3))
    with pytest.raises(http.client.RemoteDisconnected):
        add(sandbox, *document(4))
    assert [one["trRegNumber"] for one in sandbox.ledger()["entries"]] == [2, 4]
    assert nodes(sandbox, "{ entities { edges { node { dbId } } } }") == [{"dbId": "99999999"}]
    assert nodes(sandbox, ENTRIES)[0]["extIdentifier"] == "BAAAAAAAAAAAAAAAAAAA"
    requests = sandbox.requests()
    assert requests["paths"]["POST /graphql addGLImportItems"] == 4
    assert requests["limits"]["breaches"]["burst"] == 0


def meddle(sandbox: SandboxProcess, **asked: Any) -> Any:
    """What a person does in the system."""
    status, answer = post(sandbox, "/_sandbox/meddle", json.dumps(asked), "application/json")
    assert status == 200, answer
    return answer


def test_what_a_person_changes_is_read_and_outlives_a_kill(tmp_path: Path) -> None:
    reference = "BREF000000000000000%s"
    with start_sandbox("xledger", ledger=tmp_path / "ledger", burst_requests=1000) as sandbox:
        for number in range(1, 5):
            add(sandbox, *document(number))
        meddle(sandbox, reference=reference % 1, do="delete")
        meddle(sandbox, reference=reference % 2, do="alter", amount="9.00", account="7150")
        meddle(sandbox, reference=reference % 3, do="double")
        meddle(sandbox, reference=reference % 4, do="reverse")
        sandbox.set(books_after=60.0)
        add(sandbox, *document(5))
        read = [nodes(sandbox, query) for query in (ITEMS, ENTRIES)]
        sandbox.kill()
        with (tmp_path / "ledger.events").open("ab") as half:
            half.write(b'{"document":')
        sandbox.restart()
        # Asked for first: at its next request the restarted sandbox books what waits.
        after = [nodes(sandbox, query) for query in (ENTRIES, ITEMS)]
        ledger = sandbox.ledger()
    by_reference: dict[str, list[str]] = {}
    for row in read[1]:
        by_reference.setdefault(row["extIdentifier"][-1], []).append(row["amount"])
    assert by_reference == {
        "2": ["9.00", "-9.00"],
        "3": ["10.10", "-10.10", "10.10", "-10.10"],
        "4": ["10.10", "-10.10", "-10.10", "10.10"],
    }
    assert after[0][: len(read[1])] == read[1]
    assert [row["dbId"] for row in after[1]] == [row["dbId"] for row in read[0]]
    # The ledger is what was booked from imports, whatever people did to it since.
    assert [one["trRegNumber"] for one in ledger["entries"]] == [1, 2, 3, 4, 5]
    assert ledger["duplicateReferences"] == {}
