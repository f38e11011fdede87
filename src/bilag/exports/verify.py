"""Verifies the audit chain (O6): every row, set and link, and the anchors kept elsewhere.

Reads one view of the database in the order in which it was written, in flat memory; whoever
changed something, what is named first is the first row of the log that is not as it was written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, islice, pairwise
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from bilag.core.problem import Problem
from bilag.exports.anchors import Anchor
from bilag.exports.audit import keyed_hash, link_hash, merkle_root
from bilag.exports.epoch import Restore, taken
from bilag.exports.logged import Logged, attempts, changes
from bilag.exports.verify_erased import erasures
from bilag.tenants.scope import organization_scope

# So many sets are compared with their links at once, and so many submissions are read for them.
_SETS_AT_A_TIME = 200
_SUBMISSIONS_AT_A_TIME = 256
# Of so many sets with a fault the row is looked for; beyond that the first ones say enough.
_ODD_SETS_MAX = 1_000
# Of several faults in one place the one that explains the others comes first.
_RANKS = ("audit_link_deleted", "audit_link_changed", "audit_truncated", "audit_changed",
          "audit_answer_changed", "audit_inserted", "audit_deleted", "audit_deleted_set",
          "audit_reordered", "audit_replaced", "audit_payload_missing",
          "audit_payload_changed")  # fmt: skip


class Fault(NamedTuple):
    """Something that is not as it was written: in which set, at which place, and the sentence."""

    link: int
    rank: int
    position: int
    problem: Problem


@dataclass(slots=True)
class Verified:
    """What was found in one organization's log: `first` is None where all is as it was written.

    `erased` is the last set that retention took out; `notes` are worth knowing and no fault.
    """

    links: int = 0
    attempts: int = 0
    changes: int = 0
    erased: int = 0
    anchors: int = 0
    anchored_at: datetime | None = None
    payloads_compared: bool = True
    faults: int = 0
    first: Fault | None = None
    notes: list[Problem] = field(default_factory=list)

    def blame(self, code: str, link: int, place: int = 0, /, **params: object) -> None:
        """Count a fault, and keep the earliest one in the order of the log."""
        self.faults += 1
        rank = _RANKS.index(code) if code in _RANKS else len(_RANKS)
        told = {name: str(value) for name, value in {"link": link, **params}.items()}
        fault = Fault(link, rank, place, Problem(code, params=told))
        if self.first is None or fault[:3] < self.first[:3]:
            self.first = fault

    def blame_row(self, code: str, row: Logged, **params: object) -> None:
        """Count a fault of a row, named so that it can be found."""
        self.blame(code, row.link, row.position, **_named(row), **params)


class _Link(NamedTuple):
    source: str
    rows: int
    root: bytes


@dataclass(slots=True)
class _Chain:
    """The links as they are: the newest one, and a bit for each whose rows were not seen yet."""

    last: int = 0
    hash: bytes = b""
    unseen: bytearray = field(default_factory=bytearray)
    anchored: dict[int, str] = field(default_factory=dict)

    def seen(self, link: int) -> None:
        if link // 8 < len(self.unseen):
            self.unseen[link // 8] &= ~(1 << link % 8) & 0xFF

    def is_seen(self, link: int) -> bool:
        index = link // 8
        return index < len(self.unseen) and not self.unseen[index] >> link % 8 & 1

    def left(self) -> Iterator[int]:
        for index, byte in enumerate(self.unseen):
            if byte:
                yield from (index * 8 + bit for bit in range(8) if byte >> bit & 1)


@contextmanager
def one_view(
    connection: psycopg.Connection[Any], organization_id: UUID
) -> Iterator[psycopg.Connection[Any]]:
    """Open a scope that shows one moment of the database and can change nothing."""
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    try:
        with organization_scope(connection, organization_id):
            yield connection
    finally:
        connection.isolation_level = None
        connection.read_only = None


def verify(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    anchors: Sequence[Anchor],
    restores: Mapping[int, Restore],
    audit_key: bytes | None,
) -> Verified:
    """Verify the log of the organization of the scope, which `one_view` opened.

    `anchors` must have been read before the view was opened; `restores` are the epochs that were
    noted outside the database. Without the key, payloads and answers are not compared.
    """
    result = Verified(payloads_compared=audit_key is not None)
    chain = _walk(connection, result, {anchor.link for anchor in anchors})
    right = [one for one in anchors if chain.anchored.get(one.link) == one.hash]
    _look_at_retention(connection, result, right)
    for some in _checked(connection, attempts(connection, organization_id), result, chain):
        result.attempts += len(some)
        if audit_key is not None:
            _compare_contents(connection, some, result, audit_key)
    for some in _checked(connection, changes(connection, organization_id), result, chain):
        result.changes += len(some)
    for link in chain.left():
        if link > result.erased:
            (found,) = _links(connection, [link]).values()
            result.blame("audit_deleted_set", link, table=found.source, rows=found.rows)
    _compare_head(connection, result, chain)
    _compare_anchors(connection, result, chain, anchors, restores)
    return result


def _walk(connection: psycopg.Connection[Any], result: Verified, anchored: set[int]) -> _Chain:
    """Follow the links from the first to the last, each by the hash of the one before it."""
    chain = _Chain()
    ((count,),) = connection.execute("SELECT count(*) FROM audit_links").fetchall()
    chain.unseen = bytearray(count // 8 + 1)
    with connection.cursor(name="links") as cursor:
        cursor.itersize = 5_000
        cursor.execute("SELECT link, source, rows, root, hash FROM audit_links ORDER BY link")
        for link, _, _, root, digest in cursor:
            if link != chain.last + 1:
                result.blame("audit_link_deleted", chain.last + 1, found=link)
            elif link_hash(chain.hash, link, root) != digest:
                result.blame("audit_link_changed", link)
            if link <= count:
                chain.unseen[link // 8] |= 1 << link % 8
            if link in anchored:
                chain.anchored[link] = bytes(digest).hex()
            chain.last, chain.hash = link, bytes(digest)
            result.links += 1
    return chain


def _checked(
    connection: psycopg.Connection[Any], rows: Iterable[Logged], result: Verified, chain: _Chain
) -> Iterator[list[Logged]]:
    """Yield the rows of a table in handfuls, their sets compared with the links they belong to."""
    sets = (list(group) for _, group in groupby(rows, key=lambda row: (row.at, row.link)))
    odd: dict[int, list[Logged]] = {}
    while some := list(islice(sets, _SETS_AT_A_TIME)):
        links = _links(connection, [group[0].link for group in some])
        for group in some:
            for row in group:
                if row.computed != row.row_hash:
                    result.blame_row("audit_changed", row)
            number, link = group[0].link, links.get(group[0].link)
            right = link is not None and _root(group) == link.root
            if link is None or (link.source != group[0].table and not right):
                result.blame_row("audit_inserted", group[0])
            elif right:
                chain.seen(number)
                _look_at_order(group, link, result)
            elif number in odd or len(odd) < _ODD_SETS_MAX:
                # a row whose time was changed stands apart from its set: judged when all are known
                odd.setdefault(number, []).extend(group)
            yield group
    for number, group in odd.items():
        if chain.is_seen(number):
            result.blame_row("audit_inserted", group[0])
        else:
            chain.seen(number)
            _judge(sorted(group, key=_place), _links(connection, [number])[number], result)


def _look_at_order(group: list[Logged], link: _Link, result: Verified) -> None:
    if (len(group), group[0].table) != (link.rows, link.source):
        result.blame("audit_link_changed", group[0].link)
    # ids are drawn in the order of the set, and lists are shown by them
    for place, (row, after) in enumerate(zip(group, [*group[1:], None], strict=True), 1):
        if row.position != place or (after is not None and row.id > after.id):
            result.blame_row("audit_reordered", row)


def _judge(group: list[Logged], link: _Link, result: Verified) -> None:
    """Name the row for which a set is not the one that was written, where it can be told."""
    places = [row.position for row in group]
    missing = sorted(set(range(1, link.rows + 1)) - set(places))
    surplus = [after for row, after in pairwise(group) if row.position == after.position]
    surplus += [row for row in group if not 1 <= row.position <= link.rows]
    by_id = sorted(group, key=lambda row: row.id)
    if missing:
        result.blame("audit_deleted", group[0].link, missing[0], table=group[0].table,
                     place=missing[0], rows=link.rows, at=_moment(group[0].at))  # fmt: skip
    elif surplus:
        result.blame_row("audit_inserted", surplus[0])
    elif any(row.computed != row.row_hash for row in group):
        pass  # named already: the hash of that row was changed
    elif _root(by_id) == link.root:
        moved = next(row for row, right in zip(group, by_id, strict=True) if row is not right)
        result.blame_row("audit_reordered", moved)
    else:
        result.blame_row("audit_replaced", group[0], rows=len(group), last=by_id[-1].id)


def _root(group: Iterable[Logged]) -> bytes:
    return merkle_root([row.row_hash for row in group])


def _place(row: Logged) -> tuple[int, int]:
    return row.position, row.id


def _links(connection: psycopg.Connection[Any], numbers: list[int]) -> dict[int, _Link]:
    found = connection.execute(
        "SELECT link, source, rows, root FROM audit_links"
        " WHERE organization_id = current_organization() AND link = ANY (%s)",
        [numbers],
    )
    return {link: _Link(source, rows, bytes(root)) for link, source, rows, root in found}


def _compare_contents(
    connection: psycopg.Connection[Any], rows: Sequence[Logged], result: Verified, key: bytes
) -> None:
    """Compare what was sent and answered, where it is kept, with the keyed hashes in the log."""
    for row in rows:
        expected = keyed_hash(key, row.answer.encode()) if row.answer else None
        if expected != row.answer_hash:
            result.blame_row("audit_answer_changed", row)
    sent = iter([row for row in rows if row.payload_hash is not None])
    while some := list(islice(sent, _SUBMISSIONS_AT_A_TIME)):
        bodies = connection.execute(
            "SELECT id, body FROM submissions WHERE id = ANY (%s)",
            [list({row.submission_id for row in some})],
        )
        hashes = {number: keyed_hash(key, body.encode()) for number, body in bodies}
        for row in some:
            if row.submission_id not in hashes:
                result.blame_row("audit_payload_missing", row, submission=row.submission_id)
            elif hashes[row.submission_id] != row.payload_hash:
                result.blame_row("audit_payload_changed", row, submission=row.submission_id)


def _look_at_retention(
    connection: psycopg.Connection[Any], result: Verified, anchors: Sequence[Anchor]
) -> None:
    """Find out up to which set retention took rows out; a note that is untrue excuses nothing."""
    for one in erasures(connection, anchors):
        told = {"through": str(one.through), "before": str(one.before), "at": _moment(one.at),
                "actor": one.actor}  # fmt: skip
        if one.fault:
            # before all others: it explains the rows that it was to excuse
            result.blame(one.fault, 0, **told, link=one.link, witness=one.witness,
                         attempts=one.attempts, changes=one.changes)  # fmt: skip
            continue
        result.erased = max(result.erased, one.through)
        result.notes.append(Problem("audit_erased", params=told))


def _compare_head(connection: psycopg.Connection[Any], result: Verified, chain: _Chain) -> None:
    row = connection.execute(
        "SELECT link, hash FROM audit_heads WHERE organization_id = current_organization()"
    ).fetchone()
    link, digest = (row[0], bytes(row[1])) if row else (0, b"")
    if link > chain.last:
        result.blame("audit_truncated", chain.last + 1, last=chain.last, known=link)
    elif (link, digest) != (chain.last, chain.hash):
        result.blame("audit_head_changed", chain.last + 1, last=chain.last, known=link)


def _compare_anchors(
    connection: psycopg.Connection[Any],
    result: Verified,
    chain: _Chain,
    anchors: Sequence[Anchor],
    restores: Mapping[int, Restore],
) -> None:
    """Compare the chain with what was known of it elsewhere: only this finds a new chain."""
    result.anchors = len(anchors)
    result.anchored_at = max((anchor.at for anchor in anchors), default=None)
    wrong = [one for one in anchors if chain.anchored.get(one.link) != one.hash]
    if not wrong:
        return
    ((instance, epoch),) = connection.execute("SELECT id, epoch FROM instance").fetchall()
    noted = {number: one for number, one in restores.items() if number <= epoch}
    lost = [one for one in wrong if one.instance_id == instance and taken(one, noted)]
    if lost:
        first = min(lost, key=lambda one: one.link)
        begun = taken(first, noted)
        told = _told(lost, anchors, wrong, chain) | {"epoch": begun, "restored": noted[begun].at}
        params = {name: str(value) for name, value in told.items()}
        result.notes.append(Problem("audit_restored", params=params))
    rest = [one for one in wrong if one not in lost]
    if not rest:
        return
    first, told = min(rest, key=lambda one: one.link), _told(rest, anchors, wrong, chain)
    if any(one.instance_id != instance for one in rest):
        result.blame("audit_foreign", int(str(told["agreed"])) + 1, **told)
    elif first.link > chain.last:
        covered = [number for number in noted if number > first.epoch]
        if covered:
            restored = noted[min(covered)].at
            result.blame("audit_truncated_since", chain.last + 1, restored=restored, **told)
        else:
            code = "audit_truncated_anchor" if first.epoch == epoch else "audit_restore_not_noted"
            result.blame(code, chain.last + 1, epoch=epoch, **told)
    else:
        result.blame("audit_rewritten", int(str(told["agreed"])) + 1, **told)


def _told(
    some: Sequence[Anchor], anchors: Sequence[Anchor], wrong: Sequence[Anchor], chain: _Chain
) -> dict[str, object]:
    """Return what a sentence says of anchors that disagree, and up to where others agree."""
    first = min(some, key=lambda one: one.link)
    right = [one.link for one in anchors if one not in wrong and one.link < first.link]
    return {"last": chain.last, "known": first.link, "anchored": _moment(first.at),
            "agreed": max(right, default=0), "newest": max(one.link for one in some)}  # fmt: skip


def _named(row: Logged) -> dict[str, object]:
    return {"table": row.table, "row": row.id, "place": row.position, "about": row.about,
            "at": _moment(row.at)}  # fmt: skip


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
