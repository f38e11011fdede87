"""Generic REST against its sandbox: the whole suite, under each login and both kinds of system.

Then what is its own: the meaning of 409, PUT, booking later, limits, wrong company.
"""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from bilag.connectors.interface import Submission
from bilag.connectors.rest import RestConnector, RestSettings
from bilag.connectors.rest.wire import Wire
from bilag.core.outcome import Accepted, Misconfigured, Posted, Rejected, Staged, Unknown
from bilag.core.voucher import Voucher
from tests.conformance.suite import (
    ConnectorSuite,
    Harness,
    sandbox_fixture,
    with_cost_centre,
)
from tests.sandboxes import SandboxProcess, start_sandbox

SECRETS = {
    "api_key": "ak/live+Zx81kQ9wT5==",
    "password": 'pw&p%s s"w\\ord-4471',
    "bearer_token": "bt.Yq77-unlikely-to-occur",
    "client_secret": "cs~9Q/odd+chars&=?-2210",
    "hmac_key": "hk-4c1d8e-never-sent-anywhere",
}
AUTH: dict[str, dict[str, Any]] = {
    "api_key": {"kind": "api_key"},
    "basic": {"kind": "basic", "username": "bilag-user"},
    "bearer": {"kind": "bearer"},
    "oauth2": {"kind": "oauth2_client_credentials", "clientId": "bilag-client"},
    "oauth2_body": {
        "kind": "oauth2_client_credentials",
        "clientId": "bilag-client",
        "clientAuth": "body",
    },
    "hmac": {"kind": "hmac"},
}
SECRET_OF = {
    "api_key": "api_key",
    "basic": "password",
    "bearer": "bearer_token",
    "oauth2": "client_secret",
    "oauth2_body": "client_secret",
    "hmac": "hmac_key",
}

sandbox = sandbox_fixture(
    lambda: start_sandbox(
        "rest",
        api_key=SECRETS["api_key"],
        username="bilag-user",
        password=SECRETS["password"],
        bearer_token=SECRETS["bearer_token"],
        client_id="bilag-client",
        client_secret=SECRETS["client_secret"],
        hmac_key=SECRETS["hmac_key"],
    )
)


def settings_of(url: str, login: str = "api_key", **changes: Any) -> RestSettings:
    """Settings that fit the sandbox."""
    auth = dict(AUTH[login])
    if login.startswith("oauth2"):
        auth["tokenUrl"] = f"{url}/oauth/token"
    return RestSettings.model_validate(
        {
            "baseUrl": url,
            "auth": auth,
            "idempotencyHeader": "Idempotency-Key",
            "success": {"voucherNumber": "/voucherNumber"},
            "lookUp": {
                "path": "/vouchers?reference={reference}",
                "hits": "/items",
                "reference": "/reference",
                "voucherNumber": "/voucherNumber",
                "amount": "/amount",
            },
            "company": {"path": "/company"},
            **changes,
        }
    )


def harness_of(sandbox: SandboxProcess, login: str = "api_key", **changes: Any) -> Harness:
    """A harness over a sandbox that was emptied and set back."""
    sandbox.reset()
    sandbox.set(
        idempotency="off",
        unique_references=False,
        books_after=0,
        token_seconds=3600,
        company_id="999999999",
    )
    name = SECRET_OF[login]
    secret = SECRETS[name]
    derived = [f"bilag-user:{secret}", f"bilag-client:{quote(secret, safe='')}"]
    return Harness(
        connector=RestConnector(),
        sandbox=sandbox,
        secrets={name: SECRETS[name]},
        settings=settings_of(sandbox.url, login, **changes),
        settings_for=lambda url: settings_of(url, login, **changes),
        write_path="POST /vouchers",
        has_tokens=login.startswith("oauth2"),
        sends_secret=login != "hmac",
        derived_secrets=[b64encode(one.encode()).decode() for one in derived],
    )


class RestSuite(ConnectorSuite):
    """How a REST body is compared with its voucher."""

    def assert_exact(self, made: Voucher, submission: Submission) -> None:
        document = orjson.loads(submission.body)
        amounts = [Decimal(line["amount"]) for line in document["lines"]]
        assert amounts == [line.amount for line in made.lines]
        assert sum(amounts) == 0
        assert document["reference"] == made.reference
        assert document.get("text", "") == made.text
        assert submission.headers == {"Idempotency-Key": made.reference}


class TestApiKey(RestSuite):
    """A system that ignores our key, reached by API key."""

    @pytest.fixture
    def harness(self, sandbox: SandboxProcess) -> Harness:
        return harness_of(sandbox)


class TestOAuth2HonouringKeys(RestSuite):
    """A system that honours our key, reached by OAuth2 client credentials."""

    @pytest.fixture
    def harness(self, sandbox: SandboxProcess) -> Harness:
        made = harness_of(sandbox, "oauth2", honoursIdempotencyKey=True)
        sandbox.set(idempotency="posted")
        return made

    async def test_a_token_is_as_secret_as_what_it_was_got_with(self, harness: Harness) -> None:
        async with harness.session() as session:
            await harness.send(session, harness.submission())
            token = await Wire.of(session).login.token()
            harness.strike("echo")
            outcome = await harness.send(session, harness.submission())
        assert token is not None
        assert isinstance(outcome, Rejected)
        assert "[secret]" in outcome.message
        assert token.header.removeprefix("Bearer ") not in repr(outcome)


@pytest.mark.parametrize("login", AUTH)
class TestEachLogin:
    """Every login posts with its own secret, keeps it to itself, and is refused with another."""

    @pytest.fixture
    def harness(self, sandbox: SandboxProcess, login: str) -> Harness:
        return harness_of(sandbox, login)

    @pytest.fixture
    def only_this_login(self, sandbox: SandboxProcess, login: str) -> Iterator[None]:
        sandbox.set(auth=login.removesuffix("_body"))
        yield
        sandbox.set(auth="api_key,basic,bearer,oauth2,hmac")

    @pytest.mark.usefixtures("only_this_login")
    async def test_it_posts_and_finds(self, harness: Harness) -> None:
        submission = harness.submission()
        async with harness.session() as session:
            outcome = await harness.send(session, submission)
            found = await harness.find(session, submission.references[0])
            report = await harness.connector.check(session, submission.references)
        assert isinstance(outcome, Accepted)
        assert isinstance(found, Posted)
        assert report.look_up_proven

    async def test_another_secret_is_refused(self, harness: Harness) -> None:
        await ConnectorSuite().test_a_wrong_login_stops_the_integration(harness)

    async def test_a_missing_secret_is_named(self, harness: Harness) -> None:
        await ConnectorSuite().test_a_missing_secret_stops_the_integration(harness)

    async def test_the_secret_is_never_written_down(self, harness: Harness) -> None:
        await ConnectorSuite().test_no_secret_is_ever_written_down(harness)


async def test_a_mended_voucher_goes_under_a_new_key(sandbox: SandboxProcess) -> None:
    """A system that remembers its refusals answers the old key with the old refusal for ever."""
    harness = harness_of(sandbox, honoursIdempotencyKey=True)
    sandbox.set(idempotency="all")
    wrong = harness.submission(lines=with_cost_centre("9999"))
    async with harness.session() as session:
        assert isinstance(await harness.send(session, wrong), Rejected)
        assert isinstance(await harness.send(session, harness.submission()), Rejected)
        mended = harness.submission(key_suffix="-2")
        assert isinstance(await harness.send(session, mended), Accepted)
        assert isinstance(await harness.find(session, mended.references[0]), Posted)
    assert sandbox.ledger()["count"] == 1


class TestConflict:
    """HTTP 409 means what the settings say, and in doubt otherwise."""

    @pytest.mark.parametrize(
        ("means", "expected"),
        [("unknown", Unknown), ("rejected", Rejected), ("accepted", Accepted)],
    )
    async def test_a_reference_that_is_posted(
        self, sandbox: SandboxProcess, means: str, expected: type
    ) -> None:
        harness = harness_of(sandbox, conflictMeans=means)
        sandbox.set(unique_references=True)
        async with harness.session() as session:
            first = await harness.send(session, harness.submission())
            second = await harness.send(session, harness.submission())
        assert isinstance(first, Accepted)
        assert isinstance(second, expected)
        if isinstance(second, Accepted):
            assert second.external_reference == first.external_reference
        assert sandbox.ledger()["count"] == 1

    async def test_a_conflict_that_look_up_does_not_confirm_stays_open(
        self, sandbox: SandboxProcess
    ) -> None:
        harness = harness_of(sandbox, conflictMeans="accepted")
        harness.strike("status", status=409, at=[1])
        async with harness.session() as session:
            outcome = await harness.send(session, harness.submission())
        assert isinstance(outcome, Unknown)

    async def test_a_conflict_over_a_double_posting_is_not_taken_for_success(
        self, sandbox: SandboxProcess
    ) -> None:
        harness = harness_of(sandbox, conflictMeans="accepted")
        async with harness.session() as session:
            for _ in range(2):
                await harness.send(session, harness.submission())
            sandbox.set(unique_references=True)
            outcome = await harness.send(session, harness.submission())
        assert isinstance(outcome, Unknown)


class TestOtherShapes:
    """PUT to a reference, answers without a body, vouchers that are booked later."""

    async def test_a_put_to_the_reference_posts_once_and_is_not_repeated_by_itself(
        self, sandbox: SandboxProcess
    ) -> None:
        harness = harness_of(
            sandbox,
            method="PUT",
            path="/vouchers/{reference}",
            idempotencyHeader="",
            honoursIdempotencyKey=True,
        )
        harness = replace(harness, write_path="PUT /vouchers")
        submission = harness.submission()
        async with harness.session() as session:
            assert isinstance(await harness.send(session, submission), Accepted)
            assert isinstance(await harness.send(session, submission), Accepted)
            assert sandbox.ledger()["count"] == 1
            harness.strike("reset_before")
            before = harness.writes()
            assert isinstance(await harness.send(session, submission), Unknown)
        assert harness.writes() == before + 1

    async def test_a_queued_voucher_is_accepted_then_booked(self, sandbox: SandboxProcess) -> None:
        booked = {"pointer": "/status", "equals": "posted"}
        base = settings_of(sandbox.url).model_dump(by_alias=True)
        harness = harness_of(
            sandbox,
            success={**base["success"], "booked": booked},
            lookUp={**base["lookUp"], "booked": booked},
        )
        sandbox.set(books_after=0.6)
        assert harness.connector.capabilities(harness.settings).books_later
        submission = harness.submission()
        async with harness.session() as session:
            outcome = await harness.send(session, submission)
            waiting = await harness.find(session, submission.references[0])
            sandbox.set(books_after=0)
            while isinstance(waiting, Staged):
                staged, waiting = waiting, await harness.find(session, submission.references[0])
        assert isinstance(outcome, Accepted)
        assert not outcome.booked
        assert staged.external_reference == outcome.external_reference
        assert isinstance(waiting, Posted)

    async def test_amounts_go_as_exact_numbers_where_asked(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, body={"amountFormat": "number"})
        submission = harness.submission()
        assert b'"amount":125.5,' in submission.body
        async with harness.session() as session:
            assert isinstance(await harness.send(session, submission), Accepted)
        assert sandbox.ledger()["sums"] == {"NOK": "125.5"}

    @pytest.mark.parametrize("status", [404, 405])
    async def test_a_wrong_path_stops_the_integration(
        self, sandbox: SandboxProcess, status: int
    ) -> None:
        harness = harness_of(sandbox)
        harness.strike("status", status=status)
        async with harness.session() as session:
            assert isinstance(await harness.send(session, harness.submission()), Misconfigured)


class TestCompany:
    """The company found is named; another one than expected stops everything."""

    async def test_another_company_is_named(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, company={"path": "/company", "expected": "999999999"})
        async with harness.session() as session:
            right = await harness.connector.check(session)
            harness.strike("wrong_company", on="company")
            wrong = await harness.connector.check(session)
        assert right.ok
        assert (right.company_id, right.company_name) == ("999999999", "Sandbox Organization")
        assert not wrong.ok
        assert wrong.company_id == "111111111"
        assert "111111111" in wrong.message

    async def test_without_company_and_look_up_only_the_address_is_proven(
        self, sandbox: SandboxProcess
    ) -> None:
        harness = harness_of(sandbox, company=None, lookUp=None)
        async with harness.session() as session:
            report = await harness.connector.check(session)
        assert report.ok
        assert not report.look_up_proven
        assert "not tried" in report.message
        assert harness.writes() == 0
