"""How the work on a submission ends early, and what a write that is certain came to.

Stop carries the outcome of every document that is still open; nothing here does any work.
"""

from dataclasses import dataclass, field

from bilag.connectors.dynamics.odata import Fault, Item
from bilag.connectors.faults import evidence_of, transport_problem
from bilag.connectors.http import ExchangeError, TargetRefused, TooLate
from bilag.core.outcome import NOTHING_SEEN, Evidence, Misconfigured, RetryLater, Unknown
from bilag.core.problem import Problem

Trouble = RetryLater | Misconfigured | Unknown


class Stop(Exception):
    """The work cannot go on; `outcome` is what happens to every document that is still open."""

    def __init__(self, outcome: Trouble) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class NoLogin(Stop):
    """There is no login to be had, so nothing was sent; whoever waited for it ends as well."""


def stopped(
    kind: type[RetryLater] | type[Misconfigured] | type[Unknown],
    code: str,
    evidence: Evidence = NOTHING_SEEN,
    **params: str,
) -> Stop:
    """Return a Stop whose outcome says the sentence of `code`; no fault of the network."""
    problem = Problem(code, params=params)
    if kind is Misconfigured:
        return Stop(Misconfigured(problem.text(), evidence, problem))
    if kind is RetryLater:
        return Stop(RetryLater(problem.text(), evidence=evidence, problem=problem))
    return Stop(Unknown(problem.text(), transport=False, evidence=evidence, problem=problem))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a write that is certain: done (`ok`), or refused with a fault."""

    status: int
    document: Item
    evidence: Evidence
    fault: Fault = field(default_factory=lambda: Fault("", ""))

    @property
    def ok(self) -> bool:
        """True when it was done."""
        return 200 <= self.status < 300


def unsent(error: ExchangeError, url: str) -> RetryLater | Misconfigured:
    """Return the outcome of a request that was not written, or that only read and had no answer."""
    problem = transport_problem(error, url)
    if isinstance(error, TargetRefused):
        return Misconfigured(problem.text(), evidence_of(error), problem)
    return RetryLater(
        problem.text(),
        transport=not isinstance(error, TooLate),
        evidence=evidence_of(error),
        problem=problem,
    )
