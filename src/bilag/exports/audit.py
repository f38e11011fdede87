"""The hash chain of O6: rows are hashed, a set's rows become one Merkle root, roots are chained.

Payloads and answers enter only as keyed hashes, so that erasing them leaves the chain verifiable.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg

from bilag.core.clock import utc_now

# Fields of a sync_logs row in the order in which they are hashed; an answer only by its hash.
SYNC_LOG_FIELDS = (
    "organization_id", "at", "integration_id", "run_id", "export_id", "source_id", "reference",
    "attempt", "submission_id", "event", "outcome", "http_status", "duration_ms", "message",
    "field", "line", "payload_hash", "answer_hash",
)  # fmt: skip
CHANGE_LOG_FIELDS = ("organization_id", "at", "actor", "event", "subject", "detail")


def moment_text(moment: datetime) -> str:
    """Return a UTC time with exactly six decimals, as it is stored and hashed."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def row_hash(values: Sequence[object]) -> bytes:
    """Return SHA-256 over a row's fields as one JSON list, in the order of the field tuples."""
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).digest()


def keyed_hash(key: bytes, content: bytes) -> bytes:
    """Return HMAC-SHA-256 under the organization's audit key: checkable, but not guessable."""
    return hmac.digest(key, content, "sha256")


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle root of row hashes (leaves 0x00, nodes 0x01, an odd node moves up)."""
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in hashes]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0] if level else hashlib.sha256(b"").digest()


def link_hash(previous: bytes, link: int, root: bytes) -> bytes:
    """Return the hash of one link: SHA-256(previous || link as 8 bytes || root)."""
    return hashlib.sha256(previous + link.to_bytes(8, "big") + root).digest()


# One CTE that appends a link for the set described by a CTE `sealed(root, rows)`.
CHAIN_SQL = """
    head AS (
        INSERT INTO audit_heads AS h (organization_id, link, hash)
        SELECT current_organization(), 1, sha256(int8send(1) || sealed.root) FROM sealed
        ON CONFLICT (organization_id) DO UPDATE
            SET link = h.link + 1,
                hash = sha256(h.hash || int8send(h.link + 1) || (SELECT root FROM sealed))
        RETURNING link, hash
    ), linked AS (
        INSERT INTO audit_links (organization_id, link, source, rows, root, hash)
        SELECT current_organization(), head.link, {source}, sealed.rows, sealed.root, head.hash
        FROM head, sealed RETURNING link
    )
"""

_RECORD_CHANGE = f"""
WITH sealed AS (SELECT %(root)s::bytea AS root, 1 AS rows),
{CHAIN_SQL.format(source="'change_logs'")}
INSERT INTO change_logs (organization_id, at, actor, event, subject, detail, row_hash, link)
SELECT current_organization(), %(at)s, %(actor)s, %(event)s, %(subject)s, %(detail)s, %(row)s, link
FROM linked
"""


def record_change(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    actor: str,
    event: str,
    subject: str,
    detail: dict[str, Any],
) -> None:
    """Write one decision or configuration change into the chain, in the caller's transaction.

    `detail` must hold no secret; `event` is a dotted name such as `export.retried`.
    """
    connection.execute(_RECORD_CHANGE, _change(organization_id, actor, event, subject, detail))


async def record_change_async(
    connection: psycopg.AsyncConnection[Any],
    organization_id: UUID,
    actor: str,
    event: str,
    subject: str,
    detail: dict[str, Any],
) -> None:
    """The same on a connection of the worker."""
    await connection.execute(
        _RECORD_CHANGE, _change(organization_id, actor, event, subject, detail)
    )


def _change(
    organization_id: UUID, actor: str, event: str, subject: str, detail: dict[str, Any]
) -> dict[str, Any]:
    at = moment_text(utc_now())
    text = orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode()
    row = row_hash((str(organization_id), at, actor, event, subject, orjson.loads(text)))
    return {
        "at": at,
        "actor": actor,
        "event": event,
        "subject": subject,
        "detail": text,
        "row": row,
        "root": merkle_root([row]),
    }
