"""Stores approved records once each, and answers a record that comes again as the first time (I3).

All statements are set-based and run in the caller's transaction and tenant scope (READ COMMITTED).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal
from uuid import UUID

import orjson
import psycopg

from bilag.core.money import amount_text
from bilag.core.problem import Problem
from bilag.core.record import Record, content_hash
from bilag.records.types import count_types

# Failure policy: one statement carries at most so many records, so that its document stays small;
# larger sets are stored in several statements of the same transaction, all or nothing.
_SET_MAX = 1_000

Result = Literal["accepted", "known", "refused"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one record: `record_id` is the stored record that stands for it.

    `known`: the same content was stored before, whoever sent it. `refused`: `problems` say why, and
    `record_id` is the record in its way, None where the organization does not want such records
    (C7). `is_new` is true once, in the call that stored it.
    """

    record_id: UUID | None
    source_id: str
    revision: int
    result: Result
    problems: tuple[Problem, ...]
    content_hash: bytes
    is_new: bool


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The newest stored revision of a record whose approval was taken back."""

    record_id: UUID
    revision: int
    is_new: bool


@dataclass(slots=True)
class _Incoming:
    position: int
    record: Record
    content: dict[str, Any]
    hash: bytes
    unwanted: tuple[Problem, ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.record.source_system, self.record.source_id


# revision -> (content hash, record id); the id of a record stored in this very call comes later
_Revisions = dict[int, tuple[bytes, UUID | None]]

# Two lists and no pairs: the index takes them as they are, which a join with a document does not
# (measured: 36 % more requests a second). What belongs to no pair is left out by the reader.
_STORED: Final = """
SELECT source_system, source_id, revision, content_hash, id FROM records
WHERE organization_id = %s AND source_system = ANY(%s) AND source_id = ANY(%s)
"""

# In the order of `n`, which is the same for everybody who stores the same records: two processes
# wait for each other at the first common record and never in a circle.
_INSERT: Final = """
INSERT INTO records (organization_id, source_system, source_id, revision, category, currency, total,
    claimant_id, content, content_hash, approved_at, created_at, first_cost_date, last_cost_date)
SELECT %s, d.s, d.i, d.r, d.category, d.currency, d.total, d.claimant, d.content,
    decode(d.hash, 'hex'), d.approved_at, d.created_at, d.first_date, d.last_date
FROM jsonb_to_recordset(%s::jsonb) AS d (n int, s text, i text, r int, category text, currency text,
    total numeric, claimant text, content jsonb, hash text, approved_at timestamptz,
    created_at timestamptz, first_date date, last_date date)
ORDER BY d.n
ON CONFLICT (organization_id, source_system, source_id, revision) DO NOTHING
RETURNING source_system, source_id, revision, id
"""

_WITHDRAW: Final = """
INSERT INTO record_withdrawals (organization_id, source_system, source_id, revision, record_id,
    withdrawn_at, withdrawn_by)
VALUES (%s, %s, %s, %s, %s, coalesce(%s::timestamptz, now()), %s)
ON CONFLICT DO NOTHING
"""


def store_records(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    records: Sequence[Record],
    unwanted: Callable[[Record], tuple[Problem, ...]] = lambda record: (),
) -> list[Stored]:
    """Store what is new and return one answer for each record, in the order given.

    The same record again is `known`; other content under a stored revision, a lower revision
    never seen, or what is new and `unwanted` for some reason, is `refused`. Safe when two processes
    store the same records at once.
    """
    incoming = [
        _incoming(position, record, unwanted(record)) for position, record in enumerate(records)
    ]
    # Stable: records of one id stay in the order in which they came.
    incoming.sort(key=lambda one: one.key)
    answers: list[Stored] = []
    remaining = iter(incoming)
    while batch := list(islice(remaining, _SET_MAX)):
        answers.extend(_store_set(connection, organization_id, batch))
    by_position = dict(zip((one.position for one in incoming), answers, strict=True))
    return [by_position[position] for position in range(len(records))]


def withdraw(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    source_system: str,
    source_id: str,
    at: datetime | None,
    by: str,
) -> Withdrawn | None:
    """Note that an approval was taken back; returns None when no such record is stored.

    Applies to the newest stored revision; the same withdrawal again changes nothing. `at` None is
    the database's time.
    """
    newest = connection.execute(
        "SELECT id, revision FROM records WHERE organization_id = %s AND source_system = %s"
        " AND source_id = %s ORDER BY revision DESC LIMIT 1",
        [organization_id, source_system, source_id],
    ).fetchone()
    if newest is None:
        return None
    record_id, revision = newest
    written = connection.execute(
        _WITHDRAW, [organization_id, source_system, source_id, revision, record_id, at, by]
    )
    return Withdrawn(record_id, revision, written.rowcount == 1)


def _incoming(position: int, record: Record, unwanted: tuple[Problem, ...]) -> _Incoming:
    content = record.as_content()
    return _Incoming(position, record, content, content_hash(content), unwanted)


def _store_set(
    connection: psycopg.Connection[Any], organization_id: UUID, batch: list[_Incoming]
) -> list[Stored]:
    """Decide, insert, and decide again where another process was faster."""
    known = _read_stored(connection, organization_id, batch)
    fresh = list(_fresh(batch, known))
    inserted = _insert(connection, organization_id, fresh)
    stored = (one for one in fresh if (*one.key, one.record.revision) in inserted)
    count_types(connection, organization_id, (one.content for one in stored))
    if len(inserted) < len(fresh):
        # Somebody else stored the same id and revision meanwhile and has committed: what stands
        # there now is what we answer by.
        known = _read_stored(connection, organization_id, batch)
    else:
        for (system, source_id, revision), record_id in inserted.items():
            revisions = known[system, source_id]
            revisions[revision] = (revisions[revision][0], record_id)
    unclaimed = dict(inserted)
    return [_answer(one, known[one.key], unclaimed) for one in batch]


def _read_stored(
    connection: psycopg.Connection[Any], organization_id: UUID, batch: list[_Incoming]
) -> dict[tuple[str, str], _Revisions]:
    known: dict[tuple[str, str], _Revisions] = {one.key: {} for one in batch}
    systems, ids = ({key[part] for key in known} for part in (0, 1))
    # Planned anew each time: a plan kept from when the table was small reads the whole table.
    found = connection.execute(_STORED, [organization_id, list(systems), list(ids)], prepare=False)
    for system, source_id, revision, digest, record_id in found:
        if (revisions := known.get((system, source_id))) is not None:
            revisions[revision] = (bytes(digest), record_id)
    return known


def _fresh(batch: list[_Incoming], known: dict[tuple[str, str], _Revisions]) -> Iterator[_Incoming]:
    """Yield the records to insert, noting each as known to those of the batch that follow."""
    for one in batch:
        revisions = known[one.key]
        revision = one.record.revision
        if one.unwanted:
            continue
        if revision not in revisions and revision > max(revisions, default=0):
            revisions[revision] = (one.hash, None)
            yield one


def _insert(
    connection: psycopg.Connection[Any], organization_id: UUID, fresh: list[_Incoming]
) -> dict[tuple[str, str, int], UUID]:
    if not fresh:
        return {}
    rows = [
        {
            "n": n,
            "s": one.record.source_system,
            "i": one.record.source_id,
            "r": one.record.revision,
            "category": one.record.category,
            "currency": one.record.currency,
            "total": amount_text(one.record.total),
            "claimant": one.record.claimant_id,
            "content": one.content,
            "hash": one.hash.hex(),
            "approved_at": one.record.approved_at,
            "created_at": one.record.created_at,
            "first_date": one.record.first_cost_date,
            "last_date": one.record.last_cost_date,
        }
        for n, one in enumerate(fresh)
    ]
    cursor = connection.execute(_INSERT, [organization_id, orjson.dumps(rows).decode()])
    return {(system, source_id, revision): id_ for system, source_id, revision, id_ in cursor}


def _answer(
    one: _Incoming, revisions: _Revisions, unclaimed: dict[tuple[str, str, int], UUID]
) -> Stored:
    record = one.record
    stored = revisions.get(record.revision)
    problems: tuple[Problem, ...] = ()
    result: Result = "refused"
    is_new = False
    if stored is None and one.unwanted:
        # the lack of a record is the answer: nothing of it was stored
        return Stored(
            None, record.source_id, record.revision, result, one.unwanted, one.hash, is_new
        )  # fmt: skip
    if stored is None:
        newest = max(revisions)
        stored = revisions[newest]
        params = {"revision": str(record.revision), "newest": str(newest)}
        problems = (Problem("stale_revision", "revision", None, record.source_id, params),)
    elif stored[0] != one.hash:
        params = {"revision": str(record.revision), "next": str(max(revisions) + 1)}
        problems = (Problem("other_content", "sourceId", None, record.source_id, params),)
    else:
        # The first of equal records in a batch is the one that was stored.
        is_new = unclaimed.pop((*one.key, record.revision), None) is not None
        result = "accepted" if is_new else "known"
    record_id = stored[1]
    if record_id is None:
        raise RuntimeError(f"record {record.source_id} was neither stored nor found")
    return Stored(record_id, record.source_id, record.revision, result, problems, one.hash, is_new)
