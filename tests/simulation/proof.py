"""The auditor of the simulation: what the accounting system holds against what was approved.

A loss is a claim that is neither in the ledger nor in a state that a person is shown.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from bilag.core.record import Record
from tests.sandboxes import SandboxProcess
from tests.simulation.world import World

WAITS_FOR_A_PERSON = {"failed", "needs_review", "held"}


def at_rest(states: dict[str, int]) -> bool:
    """Return whether nothing is left for the engine to do."""
    return not {"pending", "sending", "in_doubt", "accepted"} & set(states)


def posted(sandbox: SandboxProcess, world: World | None = None) -> Counter[str]:
    """Return how often each claim stands in the accounting system's ledger.

    A system that knows no claim ids is read by our references, which `world` knows.
    """
    claim_of = dict(world.query("SELECT reference, source_id FROM exports")) if world else {}
    return Counter(
        claim_of.get(entry["reference"]) or entry["sourceId"] or entry["reference"]
        for entry in sandbox.ledger()["entries"]
    )


def prove(world: World, sandbox: SandboxProcess, claims: Sequence[Record]) -> dict[str, int]:
    """Assert 0 duplicates and 0 losses, sums equal to the øre; returns the states."""
    ledger = posted(sandbox, world)
    doubled = {claim: count for claim, count in ledger.items() if count > 1}
    assert not doubled, f"posted more than once: {doubled}"
    rows = world.query("SELECT source_id, state FROM exports WHERE live OR state = 'held'")
    state_of = dict(rows)
    lost = [
        claim.source_id
        for claim in claims
        if claim.source_id not in ledger and state_of.get(claim.source_id) not in WAITS_FOR_A_PERSON
    ]
    assert not lost, f"neither posted nor shown to a person: {lost[:5]} of {len(lost)}"
    wrong = [
        claim for claim, state in state_of.items() if state == "exported" and claim not in ledger
    ]
    assert not wrong, f"said to be exported and not in the ledger: {wrong[:5]}"
    expected = sum((c.total for c in claims if c.source_id in ledger), Decimal(0))
    found = sum((Decimal(e["amount"]) for e in sandbox.ledger()["entries"]), Decimal(0))
    assert found == expected
    world.totals()
    return world.states()
