"""E12: a posted claim is sent again on purpose, as a new generation beside the one that stands.

The guard stays as it is: the forced generation becomes the live one in the statement in which the
posted one stops being it, and only while nothing of the claim is under way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import class_row

from bilag.core.problem import Problem
from bilag.core.reference import make_reference
from bilag.exports.audit import record_change
from bilag.exports.decide import DecisionRefused
from bilag.tenants.callers import is_same_person, is_token

POSTED = ("exported", "accepted", "reversed")
_UNDER_WAY = ("pending", "sending", "in_doubt", "needs_review")
_WAITS = "waits_for_approval"


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of a claim in a book (of one accounting year of it, where it is split)."""

    id: int
    integration_id: UUID
    book_id: UUID
    record_id: UUID
    source_system: str
    source_id: str
    revision: int
    generation: int
    part: int
    kind: str
    live: bool
    state: str
    attempt: int
    category: str
    currency: str
    amount: Decimal
    reference: str
    reason: dict[str, Any] | None
    created_at: datetime
    exported_at: datetime | None
    content: dict[str, Any]

    @property
    def was_sent(self) -> bool:
        """Return whether it may stand in the accounting system under its reference."""
        return self.attempt > 0 or self.state in POSTED


@dataclass(frozen=True, slots=True)
class Forceable:
    """A posted export that may be sent again, with all generations of its claim, oldest first."""

    export: Generation
    generations: Sequence[Generation]
    next_generation: int
    next_reference: str


_GENERATIONS = """
SELECT e.id, e.integration_id, e.book_id, e.record_id, e.source_system, e.source_id, e.revision,
    e.generation, e.part, e.kind, e.live, e.state, e.attempt, e.category, e.currency, e.amount,
    e.reference, e.reason, e.created_at, e.exported_at, r.content
FROM exports e JOIN records r ON r.id = e.record_id
WHERE e.organization_id = current_organization() AND e.source_id = %(source)s
  AND e.book_id = %(book)s AND e.source_system = %(system)s
"""

# The same locks as an arriving revision takes, so that two of them cannot open one generation.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s) & 1023)"
_LOCK_ROWS = """
SELECT FROM exports e WHERE e.organization_id = current_organization()
  AND e.source_id = %(source)s AND e.book_id = %(book)s AND e.source_system = %(system)s
ORDER BY e.id FOR UPDATE
"""

_WITHDRAWN = """
SELECT EXISTS (SELECT FROM record_withdrawals w WHERE w.organization_id = current_organization()
    AND w.source_system = %s AND w.source_id = %s AND w.revision >= %s)
"""

_STEP_BACK = "UPDATE exports SET live = false WHERE id = %s AND live"

_OPEN = """
INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system, source_id,
    revision, generation, part, kind, live, category, currency, amount, reference, state, reason)
SELECT e.organization_id, %(integration)s, e.book_id, e.record_id, e.source_system, e.source_id,
    e.revision, %(generation)s, e.part, 'forced', %(live)s, e.category, e.currency, e.amount,
    %(reference)s, %(state)s, %(reason)s::jsonb
FROM exports e WHERE e.id = %(id)s
RETURNING id
"""


def forceable(
    connection: psycopg.Connection[Any], export_id: int, *, lock: bool = False
) -> Forceable:
    """Return what a forced generation of this export would follow; `lock` keeps it so.

    Raises LookupError for an unknown export, DecisionRefused when it is not posted, not current,
    withdrawn, or when something of its claim is under way or waits for approval.
    """
    generations, export = _claim(connection, export_id, lock=lock)
    same_part = [one for one in generations if one.part == export.part]
    _refuse_unless_posted(export, same_part)
    _refuse_beside(same_part)
    _refuse_withdrawn(connection, export)
    following = max(one.generation for one in generations) + 1
    name = f"{export.source_id}\x1f{export.part}" if export.part else export.source_id
    reference = make_reference(export.book_id, export.source_system, name, following)
    return Forceable(export, same_part, following, reference)


def open_forced(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    export_id: int,
    *,
    integration_id: UUID,
    reason: str,
    evidence: dict[str, Any],
    seen: str,
    actor: str,
    needs_approval: bool,
) -> int:
    """Open the forced generation of a posted export and return its id; written to the audit log.

    Pending and live, or held and not live until somebody else has approved; `seen` stands for the
    evidence that was shown. Raises as `forceable`.
    """
    found = forceable(connection, export_id, lock=True)
    waits = None
    if needs_approval:
        problem = Problem(_WAITS, params={"actor": actor, "reason": reason})
        waits = {**problem.as_json(), "seen": seen, "of": export_id}
    else:
        connection.execute(_STEP_BACK, [export_id])
    ((forced_id,),) = connection.execute(
        _OPEN,
        {
            "id": export_id,
            "integration": integration_id,
            "generation": found.next_generation,
            "live": not needs_approval,
            "reference": found.next_reference,
            "state": "held" if needs_approval else "pending",
            "reason": orjson.dumps(waits).decode() if waits else None,
        },
    ).fetchall()
    record_change(
        connection, organization_id, actor, "export.forced", f"export {forced_id}",
        {"sourceId": found.export.source_id, "of": export_id, "reason": reason,
         "generation": found.next_generation, "reference": found.next_reference,
         "needsApproval": needs_approval, "evidence": evidence},
    )  # fmt: skip
    return int(forced_id)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A forced generation that waits for a second person: who asked, of which export, having seen
    what."""

    forced: Generation
    generations: Sequence[Generation]
    asked_by: str
    of: int
    seen: str

    @property
    def reason(self) -> str:
        """Return why it was asked for."""
        return str((self.forced.reason or {}).get("params", {}).get("reason", ""))


class WaitingExport(NamedTuple):
    """A forced export in the list of those that wait for a second person."""

    id: int
    integration_key: str
    source_id: str
    generation: int
    currency: str
    amount: Decimal
    asked_at: datetime
    asked_by: str
    reason: str
    integration_name: str


_WAITING = """
SELECT e.id, i.key, e.source_id, e.generation, e.currency, e.amount, e.created_at,
    e.reason -> 'params' ->> 'actor', e.reason -> 'params' ->> 'reason', i.name
FROM exports e JOIN organization_integrations i ON i.id = e.integration_id
WHERE e.organization_id = current_organization() AND e.kind = 'forced' AND e.for_person
  AND e.state = 'held' AND e.reason ->> 'code' = %s AND e.id > %s
ORDER BY e.id LIMIT %s
"""


def waiting_exports(
    connection: psycopg.Connection[Any], *, after: int = 0, limit: int
) -> list[WaitingExport]:
    """Return forced exports that wait for a second person, oldest first, with ids above `after`."""
    rows = connection.execute(_WAITING, [_WAITS, after, limit]).fetchall()
    return [WaitingExport(*row) for row in rows]


def waiting(connection: psycopg.Connection[Any], forced_id: int, *, lock: bool = False) -> Waiting:
    """Return a forced generation that waits for approval.

    Raises LookupError for an unknown export, DecisionRefused for one that does not wait.
    """
    generations, forced = _claim(connection, forced_id, lock=lock)
    reason = forced.reason or {}
    if forced.kind != "forced" or forced.state != "held" or reason.get("code") != _WAITS:
        raise DecisionRefused(Problem("force_waits_not", params={"state": forced.state}))
    same_part = [one for one in generations if one.part == forced.part]
    asked_by = str(reason.get("params", {}).get("actor", ""))
    return Waiting(forced, same_part, asked_by, int(reason["of"]), str(reason["seen"]))


def approve(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    forced_id: int,
    *,
    actor: str,
    evidence: dict[str, Any],
) -> None:
    """Let a forced generation go out that waited for a second person.

    Raises DecisionRefused for a token and for whoever asked for it, and when the posted export is
    not current any more or something of the claim is under way; LookupError for an unknown export.
    """
    found = waiting(connection, forced_id, lock=True)
    refuse_approver(connection, found.asked_by, actor)
    others = [one for one in found.generations if one.id != forced_id]
    posted = next(one for one in others if one.id == found.of)
    _refuse_unless_posted(posted, others)
    _refuse_beside(others)
    _refuse_withdrawn(connection, posted)
    connection.execute(_STEP_BACK, [found.of])
    connection.execute(
        "UPDATE exports SET state = 'pending', state_since = now(), due_at = now(), live = true,"
        " reason = NULL WHERE id = %s AND state = 'held'",
        [forced_id],
    )
    record_change(
        connection, organization_id, actor, "export.force_approved", f"export {forced_id}",
        {"sourceId": posted.source_id, "of": found.of, "askedBy": found.asked_by,
         "evidence": evidence},
    )  # fmt: skip


_MAKER = """
SELECT actor FROM change_logs WHERE organization_id = current_organization()
  AND event = 'token.created' AND detail ->> 'id' = %s
"""


def refuse_approver(connection: psycopg.Connection[Any], asked_by: str, actor: str) -> None:
    """Raise DecisionRefused for a token, and for the person who asked, in whatever way.

    Whoever asked by a token is the person who made it, as far as the audit log knows.
    """
    if is_token(actor):
        raise DecisionRefused(Problem("force_approval_by_token"))
    askers = [asked_by]
    if is_token(asked_by):
        made = connection.execute(_MAKER, [asked_by.partition(" ")[2]])
        askers.extend(row[0] for row in made.fetchall())
    if any(is_same_person(actor, asker) for asker in askers):
        raise DecisionRefused(Problem("force_own_approval"))


def refuse(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    forced_id: int,
    *,
    actor: str,
    reason: str,
) -> None:
    """Cancel a forced generation that waits for approval; anybody may, also whoever asked for it.

    Raises DecisionRefused for one that does not wait, LookupError for an unknown export.
    """
    found = waiting(connection, forced_id, lock=True)
    decided = Problem("decided", params={"reason": reason}).as_json()
    connection.execute(
        "UPDATE exports SET state = 'cancelled', state_since = now(), reason = %s::jsonb"
        " WHERE id = %s AND state = 'held'",
        [orjson.dumps(decided).decode(), forced_id],
    )
    record_change(
        connection, organization_id, actor, "export.force_refused", f"export {forced_id}",
        {"sourceId": found.forced.source_id, "of": found.of, "askedBy": found.asked_by,
         "reason": reason},
    )  # fmt: skip


def _claim(
    connection: psycopg.Connection[Any], export_id: int, *, lock: bool
) -> tuple[list[Generation], Generation]:
    """Return all generations of the claim of an export, and the export among them."""
    row = connection.execute(
        "SELECT organization_id, source_id, book_id, source_system FROM exports WHERE id = %s",
        [export_id],
    ).fetchone()
    if row is None:
        raise LookupError(f"export {export_id} does not exist")
    where = {"source": row[1], "book": row[2], "system": row[3]}
    if lock:
        connection.execute(_LOCK, [str(row[0]), f"{row[3]}/{row[1]}"])
        connection.execute(_LOCK_ROWS, where)
    rows = connection.cursor(row_factory=class_row(Generation))
    found = rows.execute(_GENERATIONS + "ORDER BY e.generation, e.id", where).fetchall()
    return found, next(one for one in found if one.id == export_id)


def _refuse_unless_posted(export: Generation, generations: Sequence[Generation]) -> None:
    if export.state not in POSTED or export.kind == "reversal":
        raise DecisionRefused(Problem("force_not_posted", params={"state": export.state}))
    current = next((one for one in generations if one.live), None)
    if current is not None and current.id != export.id:
        raise DecisionRefused(Problem("force_not_current", params={"current": str(current.id)}))


def _refuse_beside(generations: Sequence[Generation]) -> None:
    for one in generations:
        waits = one.state == "held" and (one.reason or {}).get("code") == "waits_for_earlier"
        if one.state in _UNDER_WAY or waits:
            params = {"export": str(one.id), "state": one.state}
            raise DecisionRefused(Problem("force_under_way", params=params))
        if one.kind == "forced" and one.state == "held":
            raise DecisionRefused(Problem("force_waits", params={"export": str(one.id)}))


def _refuse_withdrawn(connection: psycopg.Connection[Any], export: Generation) -> None:
    row = connection.execute(
        _WITHDRAWN, [export.source_system, export.source_id, export.revision]
    ).fetchone()
    if row and row[0]:
        raise DecisionRefused(Problem("force_withdrawn"))
