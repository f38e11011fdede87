"""Xledger against its sandbox: the whole suite, by window and by filter, under both logins.

Then what is its own: booking later, several vouchers in a call, limits, discarding, master data.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
import pytest

from bilag.connectors.interface import Submission
from bilag.connectors.xledger import XledgerConnector, XledgerSettings
from bilag.core.outcome import (
    Absent,
    Accepted,
    RetryLater,
)
from bilag.core.voucher import Voucher
from tests.conformance.suite import (
    ConnectorSuite,
    Harness,
    sandbox_fixture,
)
from tests.sandboxes import SandboxProcess, start_sandbox

TOKEN = "xl-Zx81kQ9wT5-unlikely-to-occur"
CLIENT_SECRET = "cs~9Q/odd+chars&=?-2210"
# Everything a test changes, at its first position; limits out of the way of the other tests.
OPTIONS: dict[str, Any] = {
    "validation": "immediate",
    "batch": "atomic",
    "books_after": 0.0,
    "posted_rows": "stay",
    "error_link": "transactionDbId",
    "filter_ext_identifier": False,
    "remove_items": False,
    "burst_requests": 100_000,
    "concurrency": 0,
    "credits": 0,
    "auth_status": 401,
    "error_status": 200,
    "db_ids": "text",
    "answer_after": 0.0,
    "read_only": False,
    "reset_at": "local",
}
FILTERS = {"stagedSearch": "extIdentifier_in", "postedSearch": "extIdentifier_in"}

sandbox = sandbox_fixture(
    lambda: start_sandbox(
        "xledger", token=TOKEN, client_id="bilag-client", client_secret=CLIENT_SECRET
    )
)


def settings_of(url: str, login: str = "token", **changes: Any) -> XledgerSettings:
    """Settings that fit the sandbox; sections in `changes` are laid over those here."""
    made: dict[str, Any] = {
        "endpoint": f"{url}/graphql",
        "vouchers": {"jobLevel": {"dbSubId": 1}},
        "dimensions": {"glObject1": "project", "glObject2": "costCentre"},
        "lookUp": {"entryLines": True},
        "pace": {"burstRequests": 1000, "burstSeconds": 1},
    }
    if login == "oauth2":
        made["auth"] = {
            "kind": "oauth2_client_credentials",
            "tokenUrl": f"{url}/oauth/token",
            "clientId": "bilag-client",
        }
    for name, change in changes.items():
        made[name] = {**made.get(name, {}), **change} if isinstance(change, dict) else change
    return XledgerSettings.model_validate(made)


def harness_of(
    sandbox: SandboxProcess,
    login: str = "token",
    options: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Harness:
    """A harness over a sandbox that was emptied and set back."""
    sandbox.set(**{**OPTIONS, **(options or {})})
    sandbox.reset()
    secret = {"client_secret": CLIENT_SECRET} if login == "oauth2" else {"api_token": TOKEN}
    return Harness(
        connector=XledgerConnector(),
        sandbox=sandbox,
        secrets=secret,
        settings=settings_of(sandbox.url, login, **changes),
        settings_for=lambda url: settings_of(url, login, **changes),
        write_path="POST /graphql addGLImportItems",
        has_tokens=login == "oauth2",
        # the limit with HTTP 200 has tests of its own; the token address is no GraphQL
        faults={"too_many": {"kind": "status", "status": 429}},
    )


class XledgerSuite(ConnectorSuite):
    """How nodes are compared with their voucher, and a limit that comes with HTTP 200."""

    def assert_exact(self, made: Voucher, submission: Submission) -> None:
        nodes = [item["node"] for item in orjson.loads(submission.body)["variables"]["inputs"]]
        for name in ("amount", "invoiceAmount"):
            assert [Decimal(node[name]) for node in nodes] == [line.amount for line in made.lines]
        assert {node["extIdentifier"] for node in nodes} == {made.reference}
        for node, line in zip(nodes, made.lines, strict=True):
            assert node["text"] == f"{made.reference} {line.text or made.text}"
            assert node.get("glObject2", {}).get("code", "") == line.cost_centre
        assert submission.headers == {}

    async def test_too_many_requests_wait_as_long_as_asked(self, harness: Harness) -> None:
        harness.sandbox.faults({"kind": "too_many", "at": [1]})
        async with harness.session() as session:
            first = await harness.send(session, harness.submission())
            second = await harness.send(session, harness.submission())
        assert isinstance(first, RetryLater)
        assert (first.after_seconds, first.pauses, first.transport) == (5, True, False)
        assert isinstance(second, Accepted)


class TestByWindow(XledgerSuite):
    """A tenant without filters, whose booked rows stay in the import; by API token."""

    @pytest.fixture
    def harness(self, sandbox: SandboxProcess) -> Harness:
        return harness_of(sandbox)

    async def test_a_hit_with_another_reference_decides_nothing(self, harness: Harness) -> None:
        """In a window other references are what one expects to see."""
        harness.strike("other_reference", on="read")
        async with harness.session() as session:
            found = await harness.find(session, harness.submission().references[0])
        assert isinstance(found, Absent)


class TestByFilter(XledgerSuite):
    """A tenant with filters, whose booked rows leave the import; by OAuth2, ids as numbers."""

    @pytest.fixture
    def harness(self, sandbox: SandboxProcess) -> Harness:
        return harness_of(
            sandbox,
            "oauth2",
            {"filter_ext_identifier": True, "posted_rows": "vanish", "db_ids": "number"},
            lookUp={**FILTERS, "postedRowsStay": False},
        )


class TestOneByOne:
    """Look-up with one query for each reference."""

    async def test_each_is_found_by_its_own_query(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(
            sandbox,
            options={"filter_ext_identifier": True},
            lookUp={"stagedSearch": "extIdentifier", "postedSearch": "extIdentifier"},
        )
        await XledgerSuite().test_many_are_looked_up_at_once_but_within_the_limit(harness)
        await XledgerSuite().test_a_hit_with_another_reference_decides_nothing(
            harness_of(
                sandbox,
                options={"filter_ext_identifier": True},
                lookUp={"stagedSearch": "extIdentifier", "postedSearch": "extIdentifier"},
            )
        )
