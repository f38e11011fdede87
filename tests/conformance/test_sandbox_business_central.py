"""The Business Central sandbox itself: what it posts, refuses, rolls back, limits and breaks.

Each expectation is a line of the facts on Dynamics; assertions look at ledger and journals.
"""

import http.client
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from bilag.sandbox.business_central import Options
from bilag.sandbox.business_central.metadata import metadata_xml
from tests.sandboxes import SandboxProcess, start_sandbox

DEFAULTS = Options()
COMPANY = f"companies({DEFAULTS.company_id})"
EDMX = Path(__file__).parent.parent / "fixtures" / "business_central" / "metadata.xml"
DAY = "2026-03-14"


class Client:
    """Somebody who speaks API v2.0 to a sandbox, in English, with a token of its own."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.host = urlsplit(sandbox.url).netloc
        self.patience = 10.0
        status, answer = self.login()
        assert status == 200, answer
        self.token = answer["access_token"]

    def login(self, **changes: str) -> tuple[int, Any]:
        """Ask for a token."""
        form = {
            "grant_type": "client_credentials",
            "client_id": DEFAULTS.client_id,
            "client_secret": DEFAULTS.client_secret,
            "scope": DEFAULTS.scope,
        } | changes
        body = urlencode({name: value for name, value in form.items() if value})
        return self.raw("POST", f"/{DEFAULTS.tenant}/oauth2/v2.0/token", body, {})

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One request below the company, unless the path says where."""
        sent = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json",
            "Accept-Language": "en-US",
            "Content-Type": "application/json",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        root = f"/v2.0/{DEFAULTS.tenant}/{DEFAULTS.environment}/api/v2.0/"
        below = "" if path.startswith(("companies", "$")) else f"{COMPANY}/"
        content = body if isinstance(body, bytes | None) else json.dumps(body)
        return self.raw(method, root + below + path, content, sent)

    def raw(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        """One request, its status and its answer."""
        connection = http.client.HTTPConnection(self.host, timeout=self.patience)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read().decode()
        finally:
            connection.close()
        kind = answer.headers.get("Content-Type", "")
        return answer.status, json.loads(content) if "json" in kind else content

    def journal(self, code: str = "EXP1A") -> str:
        """Make a journal and return its id."""
        status, answer = self("POST", "journals", {"code": code})
        assert status == 201, answer
        return str(answer["id"])

    def lines(self, journal: str, document: str = "BREF1", **changes: Any) -> list[str]:
        """Stage a document of two lines and return their ids."""
        ids = []
        for account, amount in (("7140", 125.5), ("2990", -125.5)):
            status, answer = self(
                "POST",
                f"journals({journal})/journalLines",
                {
                    "accountNumber": account,
                    "amount": amount,
                    "postingDate": DAY,
                    "documentNumber": document,
                }
                | changes,
            )
            assert status == 201, answer
            ids.append(str(answer["id"]))
        return ids

    def post(self, journal: str, **headers: str) -> tuple[int, Any]:
        """Post a journal."""
        return self("POST", f"journals({journal})/Microsoft.NAV.post", {}, **headers)

    def batch(self, *requests: dict[str, Any], **headers: str) -> tuple[int, Any]:
        """Send a $batch; ids are r1, r2 and so on."""
        numbered = [{"id": f"r{n}", **one} for n, one in enumerate(requests, 1)]
        return self("POST", "$batch", {"requests": numbered}, **headers)

    def entries(self, where: str) -> list[dict[str, Any]]:
        """Return posted entries."""
        status, answer = self(
            "GET", f"generalLedgerEntries?$filter={quote(where)}&$expand=dimensionSetLines"
        )
        assert status == 200, answer
        found: list[dict[str, Any]] = answer["value"]
        return found

    def staged(self) -> dict[str, int]:
        """Return how many lines each journal has, seen from the other side."""
        journals = self.raw("GET", "/_sandbox/journals", None, {})[1]["journals"]
        return {one["code"]: len(one["lines"]) for one in journals if one["code"] != "DEFAULT"}


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxProcess]:
    with start_sandbox("business-central") as process:
        yield process


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.reset()
    running.set(**{name: getattr(DEFAULTS, name) for name in Options.__slots__})
    return running


@pytest.fixture
def client(sandbox: SandboxProcess) -> Client:
    return Client(sandbox)


def line(journal: str, **changes: Any) -> dict[str, Any]:
    """One operation of a batch: a journal line."""
    body = {"accountNumber": "7140", "amount": 1, "postingDate": DAY, "documentNumber": "BREF1"}
    return {
        "method": "POST",
        "url": f"{COMPANY}/journals({journal})/journalLines",
        "headers": {"Content-Type": "application/json"},
        "body": body | changes,
    }


def message(answer: Any) -> str:
    """The text of an error, without the correlation id at its end."""
    text, _, tail = answer["error"]["message"].partition("  CorrelationId:  ")
    assert len(tail) == 37
    return str(text)


# --- journals


def test_posting_takes_every_line_and_leaves_a_blank_one(client: Client) -> None:
    journal = client.journal("exp1a")
    first, _ = client.lines(journal, "bref1", description="Bus")
    client("POST", f"journalLines({first})/dimensionSetLines", {"code": "avdeling",
                                                               "valueCode": "200"})  # fmt: skip
    client.raw("POST", "/_sandbox/meddle", '{"do":"stray_line","journal":"EXP1A"}', {})
    assert client.post(journal) == (204, "")
    ledger = client.sandbox.ledger()
    assert [entry["reference"] for entry in ledger["entries"]] == ["BREF1", "STRAY1"]
    assert ledger["entries"][0]["amount"] == "125.5"
    assert ledger["entries"][0]["lines"][0]["costCentre"] == "200"
    entries = client.entries(f"documentNumber eq 'BREF1' and postingDate eq {DAY}")
    assert [(e["accountNumber"], e["debitAmount"], e["creditAmount"]) for e in entries] == [
        ("7140", 125.5, 0),
        ("2990", 0, 125.5),
    ]
    assert [one["valueCode"] for one in entries[0]["dimensionSetLines"]] == ["200"]
    assert "externalDocumentNumber" not in entries[0]
    _, left = client("GET", f"journals({journal})/journalLines")
    assert [(one["lineNumber"], one["accountNumber"]) for one in left["value"]] == [(10000, "")]
    status, answer = client.post(journal)
    assert (status, message(answer)) == (400, "There is nothing to post.")


def test_codes_and_line_numbers_are_keys_and_ids_are_not_ours(client: Client) -> None:
    mine = "11111111-1111-4111-8111-111111111111"
    status, made = client("POST", "journals", {"id": mine, "code": "exp7a"})
    assert (status, made["code"]) == (201, "EXP7A")
    assert made["id"] != mine
    status, answer = client("POST", "journals", {"code": "EXP7A"})
    assert (status, answer["error"]["code"]) == (400, "Internal_EntityWithSameKeyExists")
    url = f"journals({made['id']})/journalLines"
    numbers = [client("POST", url, {"accountNumber": "7140", "lineNumber": n})[0] for n in (5, 5)]
    assert numbers == [201, 400]
    assert client("POST", url, {"accountNumber": "7140"})[1]["lineNumber"] == 10005
    status, answer = client("POST", "journals", {"code": "TOO-LONG-12"})
    assert answer["error"]["code"] == "Application_StringExceededLength"
    assert client.staged() == {"EXP7A": 2}


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({"accountNumber": "1"}, "Application_DialogException", "does not match to an Account."),
        (
            {"accountType": "Vendor", "accountNumber": "ABL001"},
            "Internal_InvalidTableRelation",
            "contains a value (ABL001) that cannot be found in the related table (Vendor).",
        ),
        ({"currencyCode": "EUR"}, "BadRequest", "'currencyCode' does not exist"),
        ({"amount": "1.50"}, "BadRequest", "Edm.Decimal"),
        ({"postingDate": "14.03.2026"}, "BadRequest", "Edm.Date"),
        ({"journalDisplayName": "X"}, "Application_DialogException", "isn't editable"),
        ({"documentNumber": "X" * 21}, "Application_StringExceededLength", "string is 21"),
        ({"dimensionSetLines": [{}]}, "BadRequest_MethodNotImplemented", "dimensionSetLines"),
    ],
)
def test_a_line_that_is_wrong_is_refused_and_leaves_nothing(
    client: Client, body: dict[str, Any], code: str, text: str
) -> None:
    status, answer = client("POST", f"journals({client.journal()})/journalLines", body)
    assert (status, answer["error"]["code"]) == (400, code)
    assert text in message(answer)
    assert client.staged() == {"EXP1A": 0}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"mandatory_dimensions": "7140:AVDELING"},
            "A dimension used in Gen. Journal Line GENERAL, EXP1A, 10000 has caused an error. "
            "Select a Dimension Value Code for the Dimension Code AVDELING for G/L Account 7140.",
        ),
        (
            {"blocked_accounts": "2990"},
            "Blocked must be equal to 'No' in G/L Account: No.=2990. Current value is 'Yes'.",
        ),
        (
            {"posting_from": "2026-04-01"},
            "Posting Date is not within your range of allowed posting dates in Gen. Journal Line "
            "Journal Template Name='GENERAL',Journal Batch Name='EXP1A',Line No.='10000'.",
        ),
        (
            {"number_series": True},
            "You may not enter numbers manually. If you want to enter numbers manually, please "
            "activate Manual Nos. in No. Series GENJNL.",
        ),
    ],
)
def test_posting_refuses_with_the_documented_text_and_keeps_the_lines(
    client: Client, options: dict[str, Any], text: str
) -> None:
    journal = client.journal()
    client.lines(journal)
    client.sandbox.set(**options)
    status, answer = client.post(journal)
    assert (status, message(answer)) == (400, text)
    assert (client.sandbox.ledger()["count"], client.staged()) == (0, {"EXP1A": 2})


def test_what_does_not_balance_is_not_posted(client: Client) -> None:
    journal = client.journal()
    for document, amount in (("A", 12), ("B", -12)):
        body = line(journal, documentNumber=document, amount=amount)["body"]
        client("POST", f"journals({journal})/journalLines", body)
    client.sandbox.set(force_document_balance=True)
    status, answer = client.post(journal)
    assert status == 400
    assert message(answer).startswith("Document No. A is out of balance by 12.")
    client.sandbox.set(force_document_balance=False)
    assert client.post(journal)[0] == 204


def test_dimensions_are_found_by_the_dimensions_id(client: Client) -> None:
    client.sandbox.set(default_dimensions="7140:AVDELING=100")
    first, _ = client.lines(client.journal())
    url = f"journalLines({first})/dimensionSetLines"
    status, answer = client("POST", url, {"code": "AVDELING", "valueCode": "200"})
    assert status == 400
    assert message(answer).startswith("The dimension set line already exists.")
    (present,) = client("GET", url)[1]["value"]
    assert present["valueCode"] == "100"
    change = f"{url}({present['id']})"
    status, answer = client("PATCH", change, {"valueCode": "200"})
    assert answer["error"]["code"] == "BadRequest_InvalidToken"
    status, answer = client("PATCH", change, {"valueCode": "200"}, If_Match="*")
    assert (status, answer["valueCode"]) == (200, "200")
    for body, text in (
        ({"code": "AVDELING"}, 'The "valueId" or "valueCode" field must be filled in.'),
        ({"code": "X", "valueCode": "1"}, 'The "code" does not match to a Dimension.'),
        (
            {"code": "PROSJEKT", "valueCode": "9"},
            'The "valueCode" does not match to a Dimension Value.',
        ),
    ):
        assert message(client("POST", url, body)[1]) == text


def test_a_stale_etag_changes_nothing(client: Client) -> None:
    first, _ = client.lines(client.journal())
    etag = client("GET", f"journalLines({first})")[1]["@odata.etag"]
    assert client("PATCH", f"journalLines({first})", {"amount": 2}, If_Match=etag)[0] == 200
    status, answer = client("DELETE", f"journalLines({first})", If_Match=etag)
    assert (status, answer["error"]["code"]) == (409, "Request_EntityChanged")
    assert client("GET", f"journalLines({first})")[1]["amount"] == 2


def test_employee_lines_are_posted_but_not_shown(client: Client) -> None:
    journal = client.journal()
    client.lines(journal, accountType="Employee", accountNumber="E001")
    assert client("GET", f"journals({journal})/journalLines")[1]["value"] == []
    assert client.post(journal)[0] == 204
    assert client.sandbox.ledger()["entries"][0]["lines"][0]["account"] == "2910"


@pytest.mark.parametrize(("mode", "status", "dimensions"),
                         [("on", 201, 1), ("ignored", 201, 0), ("refused", 400, 0)])  # fmt: skip
def test_a_deep_insert_does_what_the_switch_says(
    client: Client, mode: str, status: int, dimensions: int
) -> None:
    client.sandbox.set(deep_insert=mode)
    journal = client.journal()
    body = line(journal, dimensionSetLines=[{"code": "AVDELING", "valueCode": "200"}])["body"]
    assert client("POST", f"journals({journal})/journalLines", body)[0] == status
    _, shown = client("GET", f"journals({journal})/journalLines?$expand=dimensionSetLines")
    assert sum(len(one["dimensionSetLines"]) for one in shown["value"]) == dimensions


# --- set-up that breaks exports


def test_a_posting_series_replaces_our_number(client: Client) -> None:
    client.sandbox.set(posting_number_series=True)
    journal = client.journal()
    client.lines(journal)
    client.post(journal)
    assert client.entries("documentNumber eq 'BREF1'") == []
    assert client.sandbox.ledger()["entries"][0]["sentAs"] == "BREF1"


def test_a_default_balance_account_shows_and_doubles(client: Client) -> None:
    client.sandbox.set(default_balance_account="1920")
    status, made = client("POST", "journals", {"code": "EXP1A"})
    assert (status, made["balancingAccountNumber"]) == (201, "1920")
    client.lines(made["id"])
    client.post(made["id"])
    assert [one["account"] for one in client.sandbox.ledger()["entries"][0]["lines"]] == [
        "7140",
        "1920",
        "2990",
        "1920",
    ]


def test_a_job_queue_answers_before_it_posts(client: Client) -> None:
    client.sandbox.set(post_with_job_queue=True, job_queue_seconds=0.3)
    journal = client.journal()
    client.lines(journal)
    assert client.post(journal)[0] == 204
    assert client.entries("documentNumber eq 'BREF1'") == []
    time.sleep(0.6)
    assert len(client.entries("documentNumber eq 'BREF1'")) == 2


def test_a_journal_ending_in_a_digit_is_renamed(client: Client) -> None:
    client.sandbox.set(increment_batch_name=True, exposes_batch_setup=True)
    journal = client.journal("EXP09")
    client.lines(journal)
    client.post(journal)
    assert client("GET", f"journals({journal})")[0] == 404
    path = (
        f"/v2.0/{DEFAULTS.tenant}/{DEFAULTS.environment}/api/bilag/setup/v1.0/{COMPANY}"
        "/journalBatchSetups"
    )
    login = {"Authorization": f"Bearer {client.token}"}
    _, shown = client.raw("GET", path, None, login)
    names = {one["batchName"]: one["incrementBatchName"] for one in shown["value"]}
    assert names == {"DEFAULT": True, "EXP10": True}
    client.sandbox.set(exposes_batch_setup=False)
    assert client.raw("GET", path, None, login)[0] == 404


# --- $batch


@pytest.mark.parametrize(("isolation", "left"), [("snapshot", 0), ("", 1)])
def test_a_batch_stops_and_rolls_back_though_it_says_201(
    client: Client, isolation: str, left: int
) -> None:
    journal = client.journal()
    wrong = line(journal, accountNumber="1")
    status, answer = client.batch(line(journal), wrong, line(journal), Isolation=isolation)
    assert status == 200
    assert [(one["id"], one["status"]) for one in answer["responses"]] == [("r1", 201), ("r2", 400)]
    assert client.staged() == {"EXP1A": left}


def test_a_batch_may_go_on_after_an_error(client: Client) -> None:
    journal = client.journal()
    # Refused when the line is in already, which must not stay.
    wrong = line(journal, dimensionSetLines=[{"code": "AVDELING", "valueCode": "9999"}])
    client.sandbox.set(deep_insert="on")
    _, answer = client.batch(line(journal), wrong, line(journal), Prefer="odata.continue-on-error")
    assert [one["status"] for one in answer["responses"]] == [201, 400, 201]
    assert client.staged() == {"EXP1A": 2}


def test_what_posting_committed_cannot_be_rolled_back(client: Client) -> None:
    journal = client.journal()
    client.batch(
        line(journal),
        line(journal, amount=-1),
        {"method": "POST", "url": f"{COMPANY}/journals({journal})/Microsoft.NAV.post"},
        line(journal, lineNumber=50000),
        line(journal, accountNumber="1"),
        Isolation="snapshot",
    )
    assert client.sandbox.ledger()["count"] == 1
    assert client.staged() == {"EXP1A": 1}


def test_a_batch_has_at_most_a_hundred_parts_and_is_json_for_who_asks(client: Client) -> None:
    read = {"method": "GET", "url": "companies"}
    status, answer = client.batch(*[read] * 101)
    assert (status, answer["error"]["code"]) == (400, "Unknown")
    assert message(answer).startswith("The current batch message contains too many parts.")
    assert client.batch(*[read] * 100)[0] == 200
    status, text = client.batch(read, Accept="*/*")
    assert (status, text[:15]) == (200, "--batchresponse")
    limits = client.sandbox.requests()["limits"]
    assert (limits["batchOperationsMax"], limits["breaches"]) == (100, {"batch": 1})


def test_an_id_of_a_batch_is_an_address_only_where_the_switch_says(client: Client) -> None:
    journal = client.journal()
    dimension = {
        "method": "POST",
        "url": "$r1/dimensionSetLines",
        "body": {"code": "AVDELING", "valueCode": "200"},
    }
    statuses = []
    for known in (False, True):
        client.sandbox.set(batch_references=known)
        _, answer = client.batch(line(journal), dimension, Isolation="snapshot")
        statuses.append([one["status"] for one in answer["responses"]])
    assert statuses == [[201, 400], [201, 201]]


# --- reading


def test_pages_follow_the_next_link(client: Client) -> None:
    seen: list[str] = []
    path = "accounts?$select=number"
    while path:
        _, answer = client("GET", path, Prefer="odata.maxpagesize=10")
        assert len(answer["value"]) <= 10
        seen += [one["number"] for one in answer["value"]]
        path = answer.get("@odata.nextLink", "").partition("/api/v2.0/")[2]
    assert len(seen) == len(set(seen)) > 30


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("startswith(number,'714')", ["7140"]),
        ("number eq '7140' or number eq '2990'", ["2990", "7140"]),
        ("(number ge '7140' and number lt '7150') and directPosting eq true", ["7140"]),
        ("contains(displayName,'Daily') and number ne '7140'", ["7150"]),
        ("number eq '7140' or displayName eq 'Travel'", None),
        ("nonsense eq 1", None),
        ("number eq 7140", None),
    ],
)
def test_filters(client: Client, where: str, found: list[str] | None) -> None:
    status, answer = client("GET", f"accounts?$filter={quote(where)}")
    if found is None:
        assert status == 400
    else:
        assert [one["number"] for one in answer["value"]] == found


def test_messages_follow_the_language_that_is_asked_for(client: Client) -> None:
    assert "not match" in str(client("POST", f"journals({client.journal()})/journalLines",
                                     {"accountNumber": "1"}))  # fmt: skip
    answer = client("POST", "journals", {"code": "EXP1A"}, Accept_Language="nb-NO")[1]
    assert message(answer).startswith("Handlingen")
    assert answer["error"]["code"] == "Internal_EntityWithSameKeyExists"


def test_the_metadata_is_the_fixture(client: Client) -> None:
    status, served = client("GET", "$metadata")
    assert (status, served) == (200, metadata_xml())
    assert EDMX.read_text(encoding="utf-8") == metadata_xml()


# --- invoices and receipts


def test_a_vendors_invoice_number_is_posted_once(client: Client) -> None:
    answers = []
    for _ in range(2):
        _, made = client(
            "POST",
            "purchaseInvoices",
            {
                "vendorNumber": "V001",
                "vendorInvoiceNumber": "BREF1",
                "postingDate": DAY,
                "currencyCode": "EUR",
                "shortcutDimension1Code": "200",
            },
        )
        client(
            "POST",
            f"purchaseInvoices({made['id']})/purchaseInvoiceLines",
            {"lineType": "Account", "lineObjectNumber": "7140", "unitCost": 10, "quantity": 1},
        )
        answers.append(client("POST", f"purchaseInvoices({made['id']})/Microsoft.NAV.post", {}))
    assert answers[0][0] == 204
    assert message(answers[1][1]) == "Purchase Invoice BREF1 already exists."
    ledger = client.sandbox.ledger()
    assert (ledger["count"], ledger["entries"][0]["reference"]) == (1, "BREF1")
    assert [one["amount"] for one in ledger["entries"][0]["lines"]] == ["115.00", "-115.00"]


def test_receipts_on_several_lines_of_a_document_are_lost_but_one(client: Client) -> None:
    journal = client.journal()
    for number, key in enumerate(client.lines(journal)):
        _, made = client(
            "POST",
            "attachments",
            {"parentId": key, "parentType": "Journal", "fileName": f"receipt-{number}.pdf"},
        )
        content = f"attachments({made['id']})/attachmentContent"
        assert client("PATCH", content, b"%PDF", If_Match="*")[0] == 204
        assert client("GET", f"attachments({made['id']})")[1]["byteSize"] == 4
    client.post(journal)
    (kept,) = client.sandbox.ledger()["entries"][0]["attachments"]
    assert (kept["fileName"], kept["bytes"]) == ("receipt-0.pdf", 4)


# --- login and limits


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000218),
        ({"client_id": "x"}, 400, "unauthorized_client", 700016),
        ({"scope": "https://x/.default"}, 400, "invalid_resource", 500011),
        ({"scope": "openid"}, 400, "invalid_scope", 70011),
    ],
)
def test_a_login_is_refused_as_entra_does(
    client: Client, changes: dict[str, str], status: int, error: str, code: int
) -> None:
    found, answer = client.login(**changes)
    assert (found, answer["error"], answer["error_codes"]) == (status, error, [code])
    assert answer["error_description"].startswith(f"AADSTS{code}: ")
    assert "sandbox-client-secret" not in str(answer)


def test_a_certificate_logs_in_and_a_forged_one_does_not(tmp_path: Path) -> None:
    key, other = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bilag")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def part(value: Any) -> str:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        return urlsafe_b64encode(content).rstrip(b"=").decode()

    def assertion(signer: rsa.RSAPrivateKey, **changes: Any) -> str:
        head = {"alg": "RS256", "x5t#S256": part(certificate.fingerprint(hashes.SHA256()))}
        claims = {
            "aud": f"https://login.microsoftonline.com/{DEFAULTS.tenant}/oauth2/v2.0/token",
            "iss": DEFAULTS.client_id,
            "sub": DEFAULTS.client_id,
            "jti": "1",
            "exp": int(time.time()) + 300,
        } | changes
        signed = f"{part(head)}.{part(claims)}"
        signature = signer.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{part(signature)}"

    with start_sandbox("business-central", certificate=file) as sandbox:
        client = Client(sandbox)

        def login(token: str) -> int:
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            return client.login(
                client_secret="", client_assertion_type=kind, client_assertion=token
            )[0]

        assert login(assertion(key)) == 200
        assert login(assertion(other)) == 401
        assert login(assertion(key, exp=int(time.time()) - 1)) == 401
        assert login(assertion(key, aud="https://elsewhere/token")) == 401
        assert login("nonsense") == 401


def test_limits_are_kept_and_counted(client: Client) -> None:
    client.sandbox.set(answer_after=0.1, concurrent_max=2, connections_max=4)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client("GET", "dimensions"), range(8)))
    statuses = sorted(status for status, _ in answers)
    assert statuses[:4] == [200] * 4
    assert 429 in statuses
    refused = next(answer for status, answer in answers if status == 429)
    assert refused == {
        "error": {
            "code": "Application_TooManyRequests",
            "message": "Too many requests reached. Actual (5). Maximum (4).",
        }
    }
    limits = client.sandbox.requests()["limits"]
    assert limits["breaches"]["connections"] == statuses.count(429)
    assert limits["breaches"]["concurrent"] > 0
    client.sandbox.set(answer_after=0.0, rate_requests=3, rate_seconds=0.4)
    time.sleep(0.5)
    assert [client("GET", "dimensions")[0] for _ in range(4)] == [200, 200, 200, 429]
    time.sleep(0.5)
    assert client("GET", "dimensions")[0] == 200


def test_who_waits_too_long_is_turned_away_with_503(client: Client) -> None:
    client.sandbox.set(answer_after=0.4, concurrent_max=1, queue_seconds=0.1)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: client("GET", "dimensions")[0], range(2)))
    assert sorted(answers) == [200, 503]


# --- faults


@pytest.mark.parametrize(
    ("kind", "posted"),
    [("lost_answer", 1), ("error_after", 1), ("gateway_timeout", 1), ("garbage", 1),
     ("error_before", 0), ("reset_before", 0), ("lock", 0), ("too_many", 0),
     ("expired_token", 0)],
)  # fmt: skip
def test_a_struck_posting_has_happened_or_not(client: Client, kind: str, posted: int) -> None:
    journal = client.journal()
    client.lines(journal)
    client.sandbox.faults({"kind": kind, "on": "post", "seconds": 0.05})
    try:
        status = client.post(journal)[0]
    except (http.client.HTTPException, ConnectionError):
        status = 0
    assert status == {"lost_answer": 0, "error_after": 500, "gateway_timeout": 504, "garbage": 200,
                      "error_before": 500, "reset_before": 0, "lock": 409, "too_many": 429,
                      "expired_token": 401}[kind]  # fmt: skip
    assert client.sandbox.ledger()["count"] == posted


@pytest.mark.parametrize("kind", ["late_commit", "drip", "cut_answer"])
def test_a_posting_whose_answer_never_comes_has_happened(client: Client, kind: str) -> None:
    journal = client.journal()
    client.lines(journal)
    client.sandbox.faults({"kind": kind, "on": "post", "seconds": 0.1})
    client.patience = 0.05
    with pytest.raises((http.client.HTTPException, OSError)):
        client.post(journal)
    time.sleep(0.3)
    assert client.sandbox.ledger()["count"] == 1


def test_one_operation_inside_a_batch_is_struck(client: Client) -> None:
    journal = client.journal()
    client.sandbox.faults({"kind": "lock", "on": "inner", "at": [2]})
    _, answer = client.batch(line(journal), line(journal), Isolation="snapshot")
    assert [one["status"] for one in answer["responses"]] == [201, 409]
    assert client.staged() == {"EXP1A": 0}


def test_another_company_answers(client: Client) -> None:
    client.sandbox.faults({"kind": "wrong_company", "on": "company"})
    _, answer = client("GET", "companies")
    assert answer["value"][0]["id"] != DEFAULTS.company_id
    assert client("GET", f"companies({DEFAULTS.company_id})/dimensions")[0] == 200
    assert client("GET", f"companies({'0' * 8}-0000-0000-0000-{'0' * 12})/dimensions")[0] == 404


# --- the ledger


def test_the_ledger_outlives_a_kill_and_meddling(tmp_path: Path) -> None:
    with start_sandbox("business-central", ledger=tmp_path / "ledger") as sandbox:
        client = Client(sandbox)
        journal = client.journal()
        for number in range(1, 5):
            client.lines(journal, f"BREF{number}")
        client.post(journal)
        for number, action in enumerate(("delete", "alter", "double", "reverse"), 1):
            sandbox.meddle(f"BREF{number}", action)
        before = sandbox.ledger()
        sandbox.kill()
        sandbox.restart()
        client = Client(sandbox)
        assert sandbox.ledger() == before
        assert before["duplicateReferences"] == {"BREF3": 2, "BREF4": 2}
        sums = {
            number: [
                Decimal(str(one["debitAmount"])) - Decimal(str(one["creditAmount"]))
                for one in client.entries(f"documentNumber eq 'BREF{number}'")
            ]
            for number in range(1, 5)
        }
        ours = [Decimal("125.5"), Decimal("-125.5")]
        assert sums == {
            1: [],
            2: [Decimal("126.5"), Decimal("-126.5")],
            3: ours * 2,
            4: [*ours, *reversed(ours)],
        }
