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
from tests.simulation.proof import at_rest
from tests.simulation.systems import BUSINESS_CENTRAL, REST, XLEDGER, System
from tests.simulation.world import World, make_world

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "claims-hospitality.csv"
COUNTER = "2990"
MAPPING: dict[str, Any] = {
    "defaults": {"expense": {"account": "7350"}},
    "counterAccount": COUNTER,
    "missingClaimant": "clearing",
    "clearingAccount": COUNTER,
}


# Several vouchers a request, as an organization with so many of them would have it.
CHANGES: dict[str, dict[str, Any]] = {
    "business_central": {"currency": "CAD", "documentsPerJournal": 100},
    "xledger": {
        "batches": {"documentsPerCall": 100, "batchRule": "atomic"},
        "lookUp": {"entryLines": True, "postedRowsStay": True},
    },
}


@pytest.mark.skipif(not DATA.exists(), reason="claims-hospitality.csv is not shipped with bilag")
@pytest.mark.parametrize(
    "system", [REST, BUSINESS_CENTRAL, XLEDGER], ids=lambda system: str(system.name)
)
def test_every_real_claim_is_delivered_or_named(
    database: Any, tmp_path: Path, system: System
) -> None:
    options = {"currency": "CAD"} if system is XLEDGER else {}
    with system.start(**options) as sandbox:
        settings = system.settings_of(sandbox.url, **CHANGES.get(system.name, {}))
        with make_world(
            database.application_url, database.owner_url, tmp_path, settings=settings,
            system=system.connector, secrets=system.secrets,
            slug="hospitality", currency="CAD", mapping=_mapping(),
        ) as world:  # fmt: skip
            _delivered_or_named(world, sandbox)


def _delivered_or_named(world: World, sandbox: SandboxProcess) -> None:
    sandbox.add_master_data(accounts={"7350": "Hospitality", COUNTER: "Owed"})
    for _ in range(2):  # the second time changes nothing
        ended = world.run(
            "import", str(DATA), "--organization", "hospitality",
            "--profile", str(ROOT / "examples" / "hospitality.yaml"),
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr
        if not world.workers:
            world.start_worker()
        states = world.wait_for(at_rest, seconds=280)
        assert states == {"exported": 11_432, "excluded": 7}
    expected = _expected()
    found = _found(world, sandbox)
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


def _found(world: World, sandbox: SandboxProcess) -> dict[str, Decimal]:
    """Return what the ledger owes for each claim: minus the postings on the counter-account."""
    claim_of = dict(world.query("SELECT reference, source_id FROM exports"))
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in sandbox.ledger()["entries"]:
        for line in entry["lines"]:
            if line["account"] == COUNTER:
                sums[claim_of[entry["reference"]]] -= Decimal(line["amount"])
    return dict(sums)
