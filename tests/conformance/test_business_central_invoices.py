"""Purchase invoices: made as drafts, compared, posted, found by the vendor's invoice number.

Every test looks at the sandbox's ledger.
"""

from decimal import Decimal
from typing import Any

import pytest

from bilag.connectors.http import Permit
from bilag.core.clock import running_seconds
from bilag.core.outcome import Absent, Accepted, Discarded, Posted, Rejected, Staged, Unknown
from bilag.core.voucher import VoucherLine
from tests.conformance.business_central import (
    harness_of,
    send_all,
    several,
    start_business_central,
)
from tests.conformance.suite import Harness, sandbox_fixture
from tests.sandboxes import SandboxProcess

sandbox = sandbox_fixture(start_business_central)


@pytest.fixture
def harness(sandbox: SandboxProcess) -> Harness:
    """A harness in the mode that makes purchase invoices."""
    return harness_of(sandbox, mode="purchase_invoice")


def claim(account: str = "7140", centre: str = "200", vendor: str = "V017") -> dict[str, Any]:
    """A claim of two costs that is owed to a vendor."""
    return {
        "lines": (
            VoucherLine(account, Decimal("125.50"), cost_centre=centre),
            VoucherLine("7000", Decimal("-25.50"), project="P100"),
            VoucherLine("2400", Decimal("-100.00"), party=vendor),
        )
    }


async def test_an_invoice_is_posted_once_and_found_by_its_number(harness: Harness) -> None:
    submission = several(harness, claim())
    reference = submission.references[0]
    async with harness.session() as session:
        (outcome,) = await send_all(harness, session, submission)
        (again,) = await send_all(harness, session, submission)
        found = await harness.find(session, reference)
        other = await harness.find(session, "BZZZZZZZZZZZZZZZZZZZ")
        report = await harness.connector.check(session, (reference,))
    assert isinstance(outcome, Accepted)
    assert isinstance(again, Accepted)
    assert isinstance(found, Posted)
    assert isinstance(other, Absent)
    assert (found.amount, found.hits) == (Decimal(100), 1)
    assert found.external_reference == outcome.external_reference == again.external_reference
    assert report.look_up_proven
    (entry,) = harness.sandbox.ledger()["entries"]
    assert entry["reference"] == reference
    assert entry["lines"][0]["dimensions"] == {"AVDELING": "200"}
    assert entry["lines"][1]["dimensions"] == {"PROSJEKT": "P100"}
    assert entry["lines"][2]["ledgerOf"] == "Vendor V017"


async def test_a_foreign_currency_is_carried(harness: Harness) -> None:
    submission = several(harness, claim() | {"currency": "EUR"})
    async with harness.session() as session:
        (outcome,) = await send_all(harness, session, submission)
        found = await harness.find(session, submission.references[0])
    assert isinstance(outcome, Accepted)
    assert isinstance(found, Posted)
    assert found.amount == Decimal(100)
    assert harness.connector.capabilities(harness.settings).carries_currency


@pytest.mark.parametrize(
    ("changes", "options", "field", "line"),
    [
        (claim(vendor="V999"), {}, "party", None),
        (claim(account="1111"), {}, "account", 1),
        (claim(centre="9999"), {}, "cost_centre", 1),
        (claim(), {"blocked_accounts": "7140", "blocked_at": "post"}, "account", None),
    ],
)
async def test_a_refusal_leaves_no_draft(
    harness: Harness, changes: dict[str, Any], options: dict[str, Any], field: str, line: int | None
) -> None:
    harness.sandbox.set(**options)
    submission = several(harness, changes)
    async with harness.session() as session:
        (outcome,) = await send_all(harness, session, submission)
        found = await harness.find(session, submission.references[0])
    assert isinstance(outcome, Rejected), outcome
    assert (outcome.field, outcome.line) == (field, line), outcome.message
    assert isinstance(found, Absent)
    assert harness.sandbox.ledger()["count"] == 0


@pytest.mark.parametrize("kind", ["lost_answer", "error_after", "error_before"])
@pytest.mark.parametrize(("place", "at"), [("write", 1), ("write", 2), ("write", 3), ("post", 1)])
async def test_an_interrupted_invoice_is_made_once(
    harness: Harness, kind: str, place: str, at: int
) -> None:
    submission = several(harness, claim())
    harness.sandbox.faults({"kind": kind, "on": place, "at": [at]})
    async with harness.session() as session:
        (first,) = await send_all(harness, session, submission)
        found = await harness.find(session, submission.references[0])
        (second,) = await send_all(harness, session, submission)
        last = await harness.find(session, submission.references[0])
    assert isinstance(first, Unknown)
    assert isinstance(found, Absent | Staged | Posted)
    assert isinstance(second, Accepted)
    assert isinstance(last, Posted)
    assert harness.sandbox.ledger()["count"] == 1


async def test_a_draft_is_discarded(harness: Harness) -> None:
    submission = several(harness, claim())
    harness.sandbox.faults({"kind": "error_before", "on": "post"})
    async with harness.session() as session:
        await send_all(harness, session, submission)
        staged = await harness.find(session, submission.references[0])
        gone = await harness.connector.discard(submission, session, Permit(running_seconds() + 30))
        absent = await harness.find(session, submission.references[0])
    assert isinstance(staged, Staged)
    assert isinstance(gone, Discarded)
    assert isinstance(absent, Absent)
