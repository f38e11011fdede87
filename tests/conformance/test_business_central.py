"""Business Central against its sandbox: the whole suite, and each way to log in.

Staging, resuming and refusals are in test_business_central_journals.py.
"""

from decimal import Decimal

import orjson
import pytest
from hypothesis import strategies as st

from bilag.connectors.interface import Submission
from bilag.core.outcome import Accepted, Posted
from bilag.core.voucher import Voucher
from tests.conformance.business_central import harness_of, start_business_central
from tests.conformance.suite import ConnectorSuite, Harness, sandbox_fixture, vouchers
from tests.sandboxes import SandboxProcess

sandbox = sandbox_fixture(start_business_central)


class TestJournals(ConnectorSuite):
    """Journals that are posted at once, reached by client secret."""

    vouchers = vouchers(places=2, codes=st.sampled_from(["", "200", " a1 ", "300"]))

    @pytest.fixture
    def harness(self, sandbox: SandboxProcess) -> Harness:
        return harness_of(sandbox)

    def assert_exact(self, made: Voucher, submission: Submission) -> None:
        documents = orjson.loads(submission.body)["documents"]
        (document,) = [one for one in documents if one["documentNumber"] == made.reference]
        assert [Decimal(line["amount"]) for line in document["lines"]] == [
            line.amount for line in made.lines
        ]
        assert document["externalDocumentNumber"] == made.display_number
        for line, ours in zip(document["lines"], made.lines, strict=True):
            assert line["description"].startswith(made.display_number)
            assert len(line["description"]) <= 100
            centre = ours.cost_centre.strip().upper()
            assert line.get("dimensions", {}).get("AVDELING", "") == centre

    async def test_two_hits_are_reported_as_two(self, harness: Harness) -> None:
        submission = harness.submission()
        async with harness.session() as session:
            await harness.send(session, submission)
            harness.sandbox.meddle(submission.references[0], "double")
            found = await harness.find(session, submission.references[0])
        assert isinstance(found, Posted)
        assert (found.hits, found.amount) == (2, Decimal("125.50"))

    async def test_a_token_that_expires_on_the_way_is_fetched_again(self, harness: Harness) -> None:
        """A refused token says that nothing was done, so even posting goes on under a new one."""
        harness.strike("expired_token", at=[10, 35])
        harness.strike("expired_token", on="post", at=[3])
        async with harness.session() as session:
            outcomes = [
                await harness.send(session, harness.submission(number)) for number in range(1, 21)
            ]
        assert all(isinstance(one, Accepted) for one in outcomes)
        assert harness.sandbox.requests()["paths"][harness.token_path] == 4
        ledger = harness.sandbox.ledger()
        assert (ledger["count"], ledger["duplicateReferences"]) == (20, {})
