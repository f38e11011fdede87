"""What a finding says to a person, and the next step it proposes, in nb, nn or en."""

from collections.abc import Sequence
from typing import Any

from bilag.core.problem import Problem
from bilag.core.texts import say
from bilag.delivery.connecting import Connecting
from bilag.integrations.model import Integration


def not_comparable(connecting: Connecting, one: Integration) -> Problem | None:
    """Return why an integration cannot be reconciled and what to do instead; None where it can.

    One whose settings cannot be read is not judged: its reconciliation says what is wrong.
    """
    if connecting.unanswered(one) in ("looked_up", "unknown"):
        return None
    return Problem("reconcile_no_look_up", params={"integration": one.name})


def said(kind: str, state: str, reference: str, evidence: dict[str, Any], language: str) -> str:
    """Return the sentence of one finding: what we hold, and what stands in the ledger."""
    message = str(evidence.get("message", ""))
    if evidence.get("staged"):
        message = say("reconcile_staged", language)
    if evidence.get("unproven"):
        message = say("reconcile_unproven", language)
    return say(
        f"reconcile_{kind}",
        language,
        reference=reference,
        state=state,
        voucher=str(evidence.get("voucherNumber") or evidence.get("externalReference") or "-"),
        hits=str(evidence.get("hits", "")),
        reversed_by=str(evidence.get("reversedBy", "")),
        message=message,
        difference=_difference(evidence, language),
    ).strip()


def next_step(kind: str, language: str) -> str:
    """Return what a person may do about findings of this kind; nothing is done by itself."""
    return say(f"reconcile_next_{kind}", language)


def _difference(evidence: dict[str, Any], language: str) -> str:
    if "expectedAmount" in evidence:
        amounts = {"expected": evidence["expectedAmount"], "amount": str(evidence.get("amount"))}
        return say("reconcile_by_amount", language, **amounts)
    here, there = evidence.get("onlyHere", ()), evidence.get("onlyThere", ())
    return say("reconcile_by_lines", language, here=_lines(here), there=_lines(there))


def _lines(lines: Sequence[dict[str, str]]) -> str:
    shown = [
        f"{one['account']} {one['amount']}" + (f" ({one['costCentre']})" * bool(one["costCentre"]))
        for one in lines
    ]
    return ", ".join(shown) or "-"
