"""The rows of the audit log as they stand, each with the hash that it ought to have (O6).

Streamed from the server in the order in which they were written: memory stays flat.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg

from bilag.exports.audit import moment_text, row_hash

_AT_A_TIME = 2_000


class Logged(NamedTuple):
    """One row: where it stands in the chain, what it is about, its hash as stored and computed."""

    table: str
    id: int
    at: datetime
    link: int
    position: int
    about: str
    row_hash: bytes
    computed: bytes
    submission_id: int | None = None
    payload_hash: bytes | None = None
    answer: str = ""
    answer_hash: bytes | None = None


# A set's rows share one time, and the index gives that order: what is left to sort is small.
_ATTEMPTS = """
SELECT id, at, link, position, row_hash, integration_id, run_id, export_id, source_id, reference,
    attempt, submission_id, event, outcome, http_status, duration_ms, message, field, line,
    payload_hash, answer_hash, answer
FROM sync_logs WHERE organization_id = current_organization() ORDER BY at, link, position, id
"""

_CHANGES = """
SELECT id, at, link, row_hash, actor, event, subject, detail::text
FROM change_logs WHERE organization_id = current_organization() ORDER BY at, link, id
"""


def attempts(connection: psycopg.Connection[Any], organization_id: UUID) -> Iterator[Logged]:
    """Yield every row of `sync_logs` of the organization of the scope."""
    own = str(organization_id)
    with connection.cursor(name="attempts") as cursor:
        cursor.itersize = _AT_A_TIME
        cursor.execute(_ATTEMPTS)
        for row in cursor:
            number, at, link, position, stored, integration, run = row[:7]
            export_id, source_id, reference, attempt, submission_id, event, outcome = row[7:14]
            payload, answered = _hex(row[19]), _hex(row[20])
            values = (
                own, moment_text(at.astimezone(UTC)), str(integration), str(run), export_id,
                source_id, reference, attempt, submission_id, event, outcome, *row[14:19],
                payload, answered,
            )  # fmt: skip
            yield Logged(
                "sync_logs", number, at, link, position, f"{source_id}: {event}, {outcome}",
                bytes(stored), row_hash(values), submission_id, row[19], row[21], row[20],
            )  # fmt: skip


def changes(connection: psycopg.Connection[Any], organization_id: UUID) -> Iterator[Logged]:
    """Yield every row of `change_logs` of the organization of the scope; each is its own set."""
    own = str(organization_id)
    with connection.cursor(name="changes") as cursor:
        cursor.itersize = _AT_A_TIME
        cursor.execute(_CHANGES)
        for number, at, link, stored, actor, event, subject, detail in cursor:
            values = (
                own, moment_text(at.astimezone(UTC)), actor, event, subject, orjson.loads(detail)
            )  # fmt: skip
            yield Logged(
                "change_logs", number, at, link, 1, f"{actor}: {event}, {subject}",
                bytes(stored), row_hash(values),
            )  # fmt: skip


def _hex(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).hex()
