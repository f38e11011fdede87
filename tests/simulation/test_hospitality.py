"""Real input: 11,151 claims of people's own typing, into a book in Canadian dollars.

The data is not shipped; the test says so and skips where it is absent.
"""

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "claims-hospitality.csv"
COUNTER = "2990"
MAPPING: dict[str, Any] = {
    "defaults": {"expense": {"account": "7350"}},
    "counterAccount": COUNTER,
    "missingClaimant": "clearing",
    "clearingAccount": COUNTER,
}


@pytest.mark.skipif(not DATA.exists(), reason="claims-hospitality.csv is not shipped with bilag")
def test_every_real_claim_is_delivered_or_named(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    sandbox.add_master_data(accounts={"7350": "Hospitality", COUNTER: "Owed"})
    world = world_of(slug="hospitality", currency="CAD", mapping=_mapping())
    for _ in range(2):  # the second time changes nothing
        ended = world.run(
            "import", str(DATA), "--organization", "hospitality",
            "--profile", str(ROOT / "examples" / "hospitality.yaml"),
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr
        if not world.workers:
            world.start_worker()
        states = world.wait_for(at_rest, seconds=180)
        assert states == {"exported": 11_432, "excluded": 7}
    expected = _expected()
    found = _found(sandbox)
    zero = {claim for claim, amount in expected.items() if not amount}
    assert len(expected) == 11_151
    assert len(zero) == 7
    assert sum(1 for amount in expected.values() if amount < 0) == 6
    assert found == {claim: amount for claim, amount in expected.items() if amount}
    assert sum(found.values()) == sum(expected.values())
    reasons = world.query("SELECT DISTINCT reason ->> 'code' FROM exports WHERE state = 'excluded'")
    assert reasons == [("zero_sum",)]
    vouchers = [entry["reference"] for entry in sandbox.ledger()["entries"]]
    assert len(vouchers) == len(set(vouchers)) == 11_432
    world.totals()


def _mapping() -> dict[str, Any]:
    """Map every event type of the file to one account."""
    with DATA.open(newline="", encoding="utf-8") as file:
        types = {row["event_type"].strip() for row in csv.DictReader(file)}
    return MAPPING | {"categories": {name: {"account": "7350"} for name in types if name}}


def _expected() -> dict[str, Decimal]:
    """Return the sum of each claim in the file, to the cent."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    with DATA.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sums[row["claim"].strip()] += Decimal(row["amount"].replace(",", ""))
    return dict(sums)


def _found(sandbox: SandboxProcess) -> dict[str, Decimal]:
    """Return what the ledger owes for each claim: minus the postings on the counter-account."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in sandbox.ledger()["entries"]:
        for line in entry["lines"]:
            if line["account"] == COUNTER:
                sums[entry["sourceId"]] -= Decimal(line["amount"])
    return dict(sums)
