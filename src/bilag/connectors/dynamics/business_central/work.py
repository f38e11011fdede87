"""One submission on its way: what is still open, what became of the rest, what may be staged.

Every write of a submission goes through here, so that nothing staged is ever forgotten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bilag.connectors.dynamics.business_central.plan import Document, Plan, PlannedLine
from bilag.connectors.dynamics.business_central.stop import Reply, Stop
from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.connectors.dynamics.odata import Inner, Operation
from bilag.connectors.http import Permit
from bilag.core.outcome import Accepted, Evidence, Outcome, Rejected, Unknown


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of a submission; `path` stands below the API's address."""

    id: str
    code: str
    path: str


@dataclass(slots=True)
class Work:
    """The state of one `send` or `discard`.

    `staged`: a write may have left something there. `posting`: it cannot be excluded that posting
    has begun, so nothing may be taken back and nothing counts as not posted.
    """

    wire: Wire
    plan: Plan
    company: str
    permit: Permit
    open: dict[str, Document]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    journal: Journal | None = None
    staged: bool = False
    posting: bool = False
    posts: int = 0
    line_ids: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, wire: Wire, plan: Plan, company: str, references: Sequence[str], permit: Permit
    ) -> "Work":
        """Return the work on those documents of the plan that `references` names."""
        wanted = frozenset(references)
        chosen = {one.reference: one for one in plan.documents if one.reference in wanted}
        return cls(wire, plan, company, permit, chosen)

    def opened(self) -> Journal:
        """Return the journal; raises ValueError before it was opened."""
        if self.journal is None:
            raise ValueError("the journal was not opened")
        return self.journal

    def planned(self) -> Mapping[int, tuple[Document, PlannedLine]]:
        """Return every line of the plan by its number in the journal."""
        return {line.number: (one, line) for one in self.plan.documents for line in one.lines}

    async def write(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"{}",
        if_match: str = "",
        expects_object: bool = True,
    ) -> Reply:
        """Write what posts nothing; remembers that something may be there now."""
        headers = {"If-Match": if_match} if if_match else None
        try:
            reply = await self.wire.write(
                method,
                path,
                self.permit.staging(),
                body=body,
                headers=headers,
                expects_object=expects_object,
            )
        except Stop as stop:
            self.staged = self.staged or isinstance(stop.outcome, Unknown)
            raise
        self.staged = self.staged or reply.ok
        return reply

    async def batch(
        self, operations: Sequence[Operation], *, whole: bool
    ) -> tuple[list[Inner | None], Evidence]:
        """Write up to 100 operations that post nothing; see Wire.batch."""
        try:
            answered = await self.wire.batch(operations, self.permit.staging(), whole=whole)
        except Stop as stop:
            self.staged = self.staged or isinstance(stop.outcome, Unknown)
            raise
        self.staged = True
        return answered

    async def post(self, path: str) -> Reply:
        """Post: the one write that may reach the ledger, under a permit of its own each time.

        After a Stop that is not Unknown nothing was posted.
        """
        permit = self.permit if self.posts == 0 else self.permit.again()
        self.posts += 1
        self.posting = True
        try:
            reply = await self.wire.write(
                "POST",
                path,
                permit,
                timeout_seconds=self.wire.settings.post_seconds,
                expects_object=False,
            )
        except Stop as stop:
            self.posting = isinstance(stop.outcome, Unknown)
            raise
        return reply

    def settle(self, reference: str, outcome: Accepted | Rejected | Unknown) -> None:
        """Note what became of a document; it is not open any more."""
        self.outcomes[reference] = outcome
        self.open.pop(reference, None)
