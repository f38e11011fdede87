"""Takes back what waits in the import and is not booked: removes the items, then looks again.

Only where the tenant is known to have `removeGLImportItems`; a look that shows nothing any more is
the proof, never the answer to the removal.
"""

from datetime import datetime

import orjson

from bilag.connectors.http import Permit
from bilag.connectors.interface import Submission
from bilag.connectors.xledger.answers import XLEDGER_TIME, Reply
from bilag.connectors.xledger.look_up import look_up_all, staged_rows
from bilag.connectors.xledger.pages import Row, literal
from bilag.connectors.xledger.settings import NODES_MAX
from bilag.connectors.xledger.wire import Wire
from bilag.core.outcome import Absent, CannotTell, Discarded, Posted
from bilag.core.problem import Problem


async def discard(wire: Wire, submission: Submission, permit: Permit) -> Discarded | CannotTell:
    """Remove the import items of these references; Discarded once none of them is found."""
    if not wire.settings.look_up.remove_items:
        return _cannot("xledger.no_removal")
    references = submission.references
    before = await staged_rows(wire, references, None)
    for failure in before.failed.values():
        return failure
    items = [row for rows in before.rows.values() for row in rows]
    ids = [str(row["dbId"]) for row in items]
    for at in range(0, len(ids), NODES_MAX):
        listed = ", ".join(map(literal, ids[at : at + NODES_MAX]))
        query = f"mutation {{ removeGLImportItems(dbIds: [{listed}]) {{ numAffected }} }}"
        reply = await wire.exchange(orjson.dumps({"query": query}), permit.staging())
        if not isinstance(reply, Reply):
            return CannotTell(reply.message, reply.evidence, reply.problem)
    after = await look_up_all(wire, references, _first_created(items))
    for reference, found in after.items():
        if isinstance(found, CannotTell):
            return found
        if not isinstance(found, Absent):
            state = "booked" if isinstance(found, Posted) else "in the import"
            return _cannot("xledger.not_removed", reference=reference, state=state)
    return Discarded(next(iter(after.values())).evidence)


def _first_created(items: list[Row]) -> datetime | None:
    """Return when the first of these items was made, which no booking of them can precede."""
    try:
        moments = [datetime.fromisoformat(str(item.get("createdAt"))) for item in items]
    except ValueError:
        return None
    local = [m if m.tzinfo else m.replace(tzinfo=XLEDGER_TIME) for m in moments]
    return min(local, default=None)


def _cannot(code: str, **params: str) -> CannotTell:
    problem = Problem(code, params=params)
    return CannotTell(problem.text(), problem=problem)
