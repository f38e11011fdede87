"""What the engine knows of a target, shared by all workers: who syncs, breaker, pause, error.

Each verb is one statement on integration_runtime inside the tenant scope; times are the database's.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, tuple_row

from bilag.integrations.model import Breaker

# Failure policy: a breaker that opens again and again waits at most 2^6 = 64 times its delay.
_DOUBLINGS_MAX = 6


@dataclass(frozen=True, slots=True)
class Runtime:
    """One row of integration_runtime; `sync_run_id` is empty when no sync is going on."""

    sync_token: int
    sync_run_id: UUID | None
    sync_started_at: datetime | None
    last_sync_at: datetime | None
    last_sync_outcome: str | None
    breaker_failures: int
    breaker_opened_at: datetime | None
    breaker_retry_at: datetime | None
    breaker_trips: int
    paused_until: datetime | None
    error_since: datetime | None
    error_message: str | None
    company_id: str | None
    company_name: str | None
    look_up_proven_at: datetime | None
    warning: str | None
    next_run_at: datetime | None
    run_through: int
    stopped_through: int
    hold_from: datetime | None
    hold_until: datetime | None


_BEGIN_SYNC = """
UPDATE integration_runtime
SET sync_token = nextval('sending_tokens'), sync_run_id = %s, sync_started_at = now(),
    doubt_seconds = %s
WHERE integration_id = %s RETURNING sync_token
"""

_END_SYNC = """
UPDATE integration_runtime SET sync_run_id = NULL, last_sync_at = now(), last_sync_outcome = %s
WHERE integration_id = %s AND sync_token = %s
"""

_END_FENCED = """
UPDATE integration_runtime SET sync_run_id = NULL, last_sync_at = now(), last_sync_outcome = %s
WHERE integration_id = %s AND sync_run_id = %s
"""

# While it is open, late failures of requests that were under way do not push its end further.
_BREAKER_FAILED = """
WITH was AS MATERIALIZED (
    SELECT integration_id, breaker_trips,
        breaker_failures + %(failures)s >= %(threshold)s
            AND coalesce(breaker_retry_at, '-infinity') <= now() AS opens
    FROM integration_runtime WHERE integration_id = %(integration)s FOR UPDATE
)
UPDATE integration_runtime r SET
    breaker_failures = r.breaker_failures + %(failures)s,
    breaker_trips = r.breaker_trips + was.opens::int,
    breaker_opened_at = CASE WHEN was.opens THEN coalesce(r.breaker_opened_at, now())
                             ELSE r.breaker_opened_at END,
    breaker_retry_at = CASE WHEN was.opens THEN now()
        + make_interval(secs => %(seconds)s * 2 ^ least(was.breaker_trips, %(doublings)s))
        ELSE r.breaker_retry_at END,
    error_message = CASE WHEN r.error_since IS NULL AND was.opens THEN %(message)s
        ELSE r.error_message END
FROM was WHERE r.integration_id = was.integration_id RETURNING was.opens
"""

_BREAKER_SUCCEEDED = """
UPDATE integration_runtime SET breaker_failures = 0, breaker_trips = 0, breaker_opened_at = NULL,
    breaker_retry_at = NULL,
    error_message = CASE WHEN error_since IS NOT NULL THEN error_message END
WHERE integration_id = %s AND (breaker_failures > 0 OR breaker_opened_at IS NOT NULL)
"""

_PAUSE = """
UPDATE integration_runtime
SET paused_until = greatest(paused_until, now() + make_interval(secs => %s))
WHERE integration_id = %s
"""

_SET_ERROR = """
UPDATE integration_runtime
SET error_since = coalesce(error_since, now()), error_message = %s, error_code = %s
WHERE integration_id = %s
"""

_CLEAR_ERROR = """
UPDATE integration_runtime SET error_since = NULL, error_message = NULL, error_code = NULL
WHERE integration_id = %s AND error_since IS NOT NULL
"""

_SET_WARNING = "UPDATE integration_runtime SET warning = %s WHERE integration_id = %s"

_REMEMBER_COMPANY = """
UPDATE integration_runtime SET company_id = %(id)s, company_name = %(name)s
WHERE integration_id = %(integration)s AND coalesce(company_id, %(id)s) = %(id)s
"""

_PASSED = """
UPDATE integration_runtime SET company_id = coalesce(nullif(%(id)s, ''), company_id),
    company_name = CASE WHEN %(id)s = '' THEN company_name ELSE %(name)s END,
    look_up_proven_at = CASE WHEN %(proven)s THEN now() ELSE look_up_proven_at END,
    error_since = NULL, error_message = CASE WHEN error_since IS NULL THEN error_message END
WHERE integration_id = %(integration)s
"""

_PROVE_LOOK_UP = (
    "UPDATE integration_runtime SET look_up_proven_at = now()"
    " WHERE integration_id = %s AND (%s::bigint IS NULL OR sync_token = %s)"
)


async def begin_sync(
    connection: psycopg.AsyncConnection[Any],
    integration_id: UUID,
    run_id: UUID,
    doubt_seconds: float,
) -> int:
    """Draw a fresh token and take the sync of this integration; whoever had it is fenced out.

    `doubt_seconds` is kept for the day on which the database is restored. Raises LookupError when
    the integration is not of the organization of the scope.
    """
    rows = connection.cursor(row_factory=tuple_row)
    found = await rows.execute(_BEGIN_SYNC, [run_id, doubt_seconds, integration_id])
    row = await found.fetchone()
    if row is None:
        raise LookupError(f"there is no integration {integration_id} in this organization")
    return int(row[0])


def stop_running_sync(connection: psycopg.Connection[Any], integration_id: UUID) -> None:
    """Fence a sync that goes by what was just changed: it sends and sets aside nothing more.

    Raises nothing where none runs; what it has not sent waits for the next one.
    """
    connection.execute(
        "UPDATE integration_runtime SET sync_token = nextval('sending_tokens')"
        " WHERE integration_id = %s",
        [integration_id],
    )


_STOP_WHAT_WAITS = """
UPDATE integration_runtime SET sync_token = nextval('sending_tokens'),
    stopped_through = (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM exports_id_seq)
WHERE integration_id = %s
"""


def stop_what_waits(connection: psycopg.Connection[Any], integration_id: UUID) -> None:
    """Fence the sync that runs, and let nothing of what waits now go before somebody asks again.

    What was attempted before follows its own times, and what comes in later goes as usual.
    """
    connection.execute(_STOP_WHAT_WAITS, [integration_id])


def let_waiting_go(connection: psycopg.Connection[Any], integration_id: UUID) -> None:
    """Take back what `stop_what_waits` did."""
    connection.execute(
        "UPDATE integration_runtime SET stopped_through = 0 WHERE integration_id = %s",
        [integration_id],
    )


# The lock makes whoever fences this sync wait until what it sets aside is committed.
_STILL_OURS = """
SELECT FROM integration_runtime WHERE integration_id = %s AND sync_token = %s FOR SHARE
"""


async def is_still_ours(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, sync_token: int
) -> bool:
    """Return whether this sync still goes by what is configured, until the transaction ends."""
    cursor = await connection.execute(_STILL_OURS, [integration_id, sync_token])
    return await cursor.fetchone() is not None


async def end_sync(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, sync_token: int, outcome: str
) -> bool:
    """Note how the sync went; returns False, and changes nothing, when the token is not ours."""
    return await _changed(connection, _END_SYNC, [outcome, integration_id, sync_token])


async def end_fenced_sync(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, run_id: UUID, outcome: str
) -> bool:
    """Note how a sync went that was fenced, unless another one has taken over since."""
    return await _changed(connection, _END_FENCED, [outcome, integration_id, run_id])


async def breaker_failed(
    connection: psycopg.AsyncConnection[Any],
    integration_id: UUID,
    failures: int,
    policy: Breaker,
    message: str = "",
) -> bool:
    """Add transport failures in a row; returns whether this opened the breaker.

    It opens at the threshold for `retry_seconds`, doubled with each time it opens again; `message`
    is shown to people while it is open.
    """
    rows = connection.cursor(row_factory=tuple_row)
    found = await rows.execute(
        _BREAKER_FAILED,
        {
            "integration": integration_id,
            "failures": failures,
            "threshold": policy.failures,
            "seconds": policy.retry_seconds,
            "doublings": _DOUBLINGS_MAX,
            "message": message or None,
        },
    )
    row = await found.fetchone()
    return row is not None and bool(row[0])


async def breaker_succeeded(connection: psycopg.AsyncConnection[Any], integration_id: UUID) -> bool:
    """Close the breaker and forget its failures; returns whether there was anything to forget."""
    return await _changed(connection, _BREAKER_SUCCEEDED, [integration_id])


async def pause_until(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, after_seconds: float
) -> None:
    """Hold the integration back until so many seconds from now; a longer pause stays."""
    await _changed(connection, _PAUSE, [after_seconds, integration_id])


async def set_error(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, message: str, code: str = ""
) -> None:
    """Stop the integration with a message for people; nothing goes out until it is cleared.

    `code` names a kind of error that alerts tell from others.
    """
    await _changed(connection, _SET_ERROR, [message, code or None, integration_id])


async def set_warning(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, message: str
) -> None:
    """Show people a message though deliveries go on; it ends when a credential is set."""
    await _changed(connection, _SET_WARNING, [message, integration_id])


def read_warning(connection: psycopg.Connection[Any], integration_id: UUID) -> str:
    """Return what people should know though deliveries go on; empty when there is nothing."""
    rows = connection.cursor(row_factory=tuple_row)
    found = rows.execute(
        "SELECT coalesce(warning, '') FROM integration_runtime WHERE integration_id = %s",
        [integration_id],
    ).fetchone()
    return str(found[0]) if found else ""


def clear_warning(connection: psycopg.Connection[Any], integration_id: UUID) -> None:
    """End the warning: what it told of is no longer so."""
    connection.execute(_SET_WARNING, [None, integration_id])


async def clear_error_async(connection: psycopg.AsyncConnection[Any], integration_id: UUID) -> bool:
    """End the error after a check passed; returns whether there was one."""
    return await _changed(connection, _CLEAR_ERROR, [integration_id])


def clear_error(connection: psycopg.Connection[Any], integration_id: UUID) -> bool:
    """The same for the API and the command line."""
    return connection.execute(_CLEAR_ERROR, [integration_id]).rowcount == 1


async def remember_company(
    connection: psycopg.AsyncConnection[Any],
    integration_id: UUID,
    company_id: str,
    company_name: str,
) -> bool:
    """Remember the company that answered; returns False when another one is remembered (C3)."""
    company = {"integration": integration_id, "id": company_id, "name": company_name}
    return await _changed(connection, _REMEMBER_COMPANY, company)


def read_runtime(connection: psycopg.Connection[Any], integration_id: UUID) -> Runtime | None:
    """Return what the engine knows of an integration, None outside its organization's scope."""
    columns = ", ".join(Runtime.__slots__)
    rows = connection.cursor(row_factory=class_row(Runtime))
    return rows.execute(
        f"SELECT {columns} FROM integration_runtime WHERE integration_id = %s", [integration_id]
    ).fetchone()


def note_passed_test(
    connection: psycopg.Connection[Any],
    integration_id: UUID,
    company_id: str,
    company_name: str,
    *,
    look_up_proven: bool,
) -> None:
    """Remember what a test has found of an integration that starts, or goes on, with it."""
    connection.execute(
        _PASSED,
        {
            "integration": integration_id,
            "id": company_id,
            "name": company_name,
            "proven": look_up_proven,
        },
    )


async def prove_look_up(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, sync_token: int | None = None
) -> None:
    """Note that the look-up finds what exists; a change of the settings takes the proof away.

    With a `sync_token` only while it is still ours: changed settings fence the running sync.
    """
    await _changed(connection, _PROVE_LOOK_UP, [integration_id, sync_token, sync_token])


async def _changed(
    connection: psycopg.AsyncConnection[Any], statement: str, parameters: Any
) -> bool:
    return (await connection.execute(statement, parameters)).rowcount == 1
