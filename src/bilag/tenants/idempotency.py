"""Requests that carried a key, and how they were answered, so that a repeat is answered alike.

A reservation is a transaction of its own: a crash leaves it without an answer, never half of one.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from bilag.tenants.scope import organization_scope

# Failure policy: a reservation without an answer for so long belongs to a process that is gone, or
# to a very slow one; the same request may take it over, because every verb may be repeated safely.
_TAKE_OVER_SECONDS = 60
# After so many days a key counts as never used, and the worker's housekeeping deletes it.
KEPT_DAYS = 7
# Failure policy: so many are deleted at once; what is left over waits for the next housekeeping.
_FORGET_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer that the first request with this key got; `body` is the exact text."""

    status: int
    body: str


class Reservation(Enum):
    """What a key stands for when there is no stored answer to give."""

    OURS = "ours"  # go on and work; end with `keep_answer` or `release`
    IN_PROGRESS = "in_progress"  # somebody works on the same request now
    OTHER_REQUEST = "other_request"  # the key belongs to a request with other content


_RESERVE = """
INSERT INTO idempotency_keys AS k (organization_id, key, request_hash) VALUES (%(organization)s,
    %(key)s, %(hash)s)
ON CONFLICT (organization_id, key) DO UPDATE
    SET request_hash = excluded.request_hash, status = NULL, answer = NULL, created_at = now()
WHERE k.created_at < now() - %(days)s * interval '1 day'
   OR (k.status IS NULL AND k.request_hash = excluded.request_hash
       AND k.created_at < now() - %(seconds)s * interval '1 second')
RETURNING true
"""
_READ = """
SELECT request_hash = %(hash)s, status, answer FROM idempotency_keys
WHERE organization_id = %(organization)s AND key = %(key)s
"""
_KEEP = """
UPDATE idempotency_keys SET status = %(status)s, answer = to_jsonb(%(body)s::text)
WHERE organization_id = %(organization)s AND key = %(key)s AND request_hash = %(hash)s
  AND status IS NULL
"""
# An infinitely old reservation is one that anybody may take, with any content.
_RELEASE = """
UPDATE idempotency_keys SET created_at = '-infinity'
WHERE organization_id = %(organization)s AND key = %(key)s AND request_hash = %(hash)s
  AND status IS NULL
"""


def reserve(
    connection: psycopg.Connection[Any], organization_id: UUID, key: str, request_hash: bytes
) -> Answered | Reservation:
    """Reserve the key for this request, or return its answer or why it cannot be had; commits.

    Of any number of callers at once exactly one gets OURS.
    """
    values = {
        "organization": organization_id,
        "key": key,
        "hash": request_hash,
        "days": KEPT_DAYS,
        "seconds": _TAKE_OVER_SECONDS,
    }
    with organization_scope(connection, organization_id):
        rows = connection.cursor(row_factory=tuple_row)
        if rows.execute(_RESERVE, values).fetchone():
            return Reservation.OURS
        found = rows.execute(_READ, values).fetchone()
    if found is None:
        raise RuntimeError(f"the reservation of {key!r} was neither made nor found")
    same, status, answer = found
    if not same:
        return Reservation.OTHER_REQUEST
    return Reservation.IN_PROGRESS if status is None else Answered(status, answer)


def keep_answer(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    key: str,
    request_hash: bytes,
    answer: Answered,
) -> None:
    """Store the answer of a reserved request; one that is stored already stays as it is."""
    values = {
        "organization": organization_id,
        "key": key,
        "hash": request_hash,
        "status": answer.status,
        "body": answer.body,
    }
    with organization_scope(connection, organization_id):
        connection.execute(_KEEP, values)


def release(
    connection: psycopg.Connection[Any], organization_id: UUID, key: str, request_hash: bytes
) -> None:
    """Give a reservation back: the request was refused, and may come again, corrected or not."""
    values = {"organization": organization_id, "key": key, "hash": request_hash}
    with organization_scope(connection, organization_id):
        connection.execute(_RELEASE, values)


def first_seen(
    connection: psycopg.Connection[Any], organization_id: UUID, key: str, request_hash: bytes
) -> bool:
    """Note a message's id in the caller's transaction; False when it was noted before."""
    written = connection.execute(
        "INSERT INTO idempotency_keys (organization_id, key, request_hash, status)"
        " VALUES (%s, %s, %s, 204) ON CONFLICT DO NOTHING",
        [organization_id, key, request_hash],
    )
    return written.rowcount == 1


async def forget_old_keys(connection: psycopg.AsyncConnection[Any]) -> int:
    """Delete keys of all organizations that are older than KEPT_DAYS; returns how many."""
    cursor = await connection.execute(
        "SELECT forget_idempotency_keys(%s, %s)", [KEPT_DAYS, _FORGET_MAX]
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
