"""What waits for a person in the demo, and the page of the portal on which it is mended.

Read from the database each time, so that what was mended is told no more.
"""

from collections.abc import Iterator

from bilag.app.cli_open import Desk
from bilag.exports.causes import causes
from bilag.exports.status import export_page
from bilag.monitoring.health import measure

_EXPORTS_MAX = 10_000


def what_to_mend(at: Desk, language: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong in an organization, and the path of its page; how it stands if nothing.

    A claim that several things hold is told under each of them.
    """
    slug = at.organization.slug
    with at.scope() as connection:
        grouped = [(state, causes(connection, state).page) for state in ("failed", "held")]
        health = measure(connection)
    for state, found in grouped:
        for one in found:
            why = one.problem.text(language) if one.problem else "no reason was noted"
            yield f"{_claims(one.count)} {state}: {why}", f"/o/{slug}/{state}"
    if doubts := unsettled(at):
        what = f"{_claims(len(doubts))} in doubt: a person looks into the ledger and decides"
        yield what, f"/o/{slug}/in-doubt"
    if not any(found for _, found in grouped) and not doubts:
        yield "all is well" if health.colour == "green" else "see how it stands", f"/o/{slug}/"


def _claims(count: int) -> str:
    return "1 claim" if count == 1 else f"{count} claims"


def unsettled(at: Desk) -> set[str]:
    """Return the references of which only a person can say whether they are booked."""
    return references(at, "needs_review")


def references(at: Desk, state: str) -> set[str]:
    """Return the references of the claims in a state."""
    with at.scope() as connection:
        rows = export_page(connection, state=state, limit=_EXPORTS_MAX)
    return {row.reference for row in rows}
