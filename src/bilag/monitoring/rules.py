"""The rules of alerts (O7): each is one function over one set-based query, at one moment.

They run in the scope of an organization, after `take_snapshot`; bounds are the organization's.
Hours are real hours, days are Oslo's, so that a daylight-saving change moves no bound of hours.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from bilag.delivery.identify import OTHER_COMPANY
from bilag.monitoring.health import IS_ERROR

# So many causes of one rule are told apart; a system that words each refusal anew must not flood.
CAUSES_MAX = 20
_ROWS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that people are told of; `cause` says what makes it the same as the one before.

    `newest` is when it happened last, for what happens again and again; `is_cut` says that its rule
    has found more causes than it names. Its sentence is the text `alert_<rule>`, filled with
    `params`; a stored problem among them is said in their language.
    """

    rule: str
    cause: str
    integration_id: UUID | None
    params: dict[str, Any]
    newest: datetime | None = None
    is_cut: bool = False


Connection = psycopg.AsyncConnection[Any]

# What a system says of each claim differs by its numbers; the cause is the same.
_PATTERN = "left(regexp_replace({}, '[0-9]+', '#', 'g'), 200)"

_REFUSALS = f"""
SELECT 'refusal' AS rule, concat_ws(' | ', i.key, g.code, g.field, g.pattern) AS cause,
    i.id AS integration_id, g.newest, g.is_cut,
    jsonb_build_object('integration', i.name, 'count', g.count, 'source_id', g.source_id,
        'problem', g.problem) AS params
FROM organization_integrations i CROSS JOIN LATERAL (
    SELECT e.code, e.field, e.pattern, count(*)::text AS count, min(e.source_id) AS source_id,
        max(e.state_since) AS newest, count(*) OVER () > {CAUSES_MAX} AS is_cut,
        (array_agg(e.reason ORDER BY e.state_since DESC))[1] AS problem
    FROM (SELECT source_id, state_since, reason, reason ->> 'code' AS code,
              reason ->> 'field' AS field,
              {_PATTERN.format("coalesce(reason -> 'params' ->> 'message', '')")} AS pattern
          FROM (SELECT * FROM exports WHERE integration_id = i.id AND for_person
                LIMIT {_ROWS_MAX}) o
          WHERE state = 'failed'
            AND coalesce(reason ->> 'code', '') NOT IN ('', 'decided', 'gave_up')
            AND state_since <= %(at)s) e
    GROUP BY 1, 2, 3 ORDER BY max(e.state_since) DESC LIMIT {CAUSES_MAX}) g
"""


async def refusals(connection: Connection, at: datetime) -> list[Cause]:
    """Claims that the accounting system refused and that nobody has dealt with, by cause."""
    return await _found(connection, _REFUSALS, at)


_IN_A_ROW = f"""
SELECT 'failures_in_a_row' AS rule, concat_ws(' | ', i.key, g.category, g.pattern) AS cause,
    i.id AS integration_id, NULL::timestamptz AS newest, g.is_cut,
    jsonb_build_object('integration', i.name, 'count', g.count, 'category', g.category,
        'source_id', g.source_id, 'failures', g.failures, 'message', g.message) AS params
FROM organization_integrations i JOIN watch_settings s ON s.organization_id = i.organization_id
CROSS JOIN LATERAL (
    SELECT t.category, {_PATTERN.format("t.message")} AS pattern, count(*)::text AS count,
        min(t.source_id) AS source_id, max(t.failures)::text AS failures, max(t.message) AS message,
        count(*) OVER () > {CAUSES_MAX} AS is_cut
    FROM (
        SELECT e.category, e.source_id, f.failures, f.message
        FROM (SELECT * FROM exports WHERE integration_id = i.id AND for_engine
                AND attempt >= s.failures_in_a_row LIMIT {_ROWS_MAX}) e
        CROSS JOIN LATERAL (%(failures)s) f WHERE f.failures >= s.failures_in_a_row
        UNION ALL
        SELECT e.category, e.source_id, f.failures, f.message
        FROM (SELECT * FROM exports WHERE integration_id = i.id AND for_person
                AND attempt >= s.failures_in_a_row LIMIT {_ROWS_MAX}) e
        CROSS JOIN LATERAL (%(failures)s) f WHERE f.failures >= s.failures_in_a_row) t
    GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT {CAUSES_MAX}) g
""".replace(
    "%(failures)s",
    f"""SELECT count(*) AS failures,
                (array_agg(l.message ORDER BY l.at DESC, l.id DESC))[1] AS message
            FROM sync_logs l WHERE l.export_id = e.id AND l.at <= %(at)s AND {IS_ERROR}
              AND l.at > coalesce((SELECT max(a.at) FROM sync_logs a WHERE a.export_id = e.id
                AND a.at <= %(at)s AND a.outcome = 'accepted'), '-infinity')""",
)


async def failures_in_a_row(connection: Connection, at: datetime) -> list[Cause]:
    """Records of which several attempts in a row have failed, by kind of record and error."""
    return await _found(connection, _IN_A_ROW, at)


_ERRORS = """
SELECT 'errors' AS rule, '' AS cause, NULL::uuid AS integration_id, NULL::timestamptz AS newest,
    jsonb_build_object('count', h.errors::text, 'bound', s.errors_max::text) AS params
FROM watch_settings s
JOIN (SELECT organization_id, sum(errors_open) AS errors FROM health_snapshots GROUP BY 1) h
    ON h.organization_id = s.organization_id
WHERE h.errors > s.errors_max
"""


async def errors(connection: Connection, at: datetime) -> list[Cause]:
    """More errors in the last 24 hours than the organization's bound, as `health` weighs them.

    An error weighs until its claim has gone through.
    """
    return await _found(connection, _ERRORS, at)


_PENDING = """
SELECT 'pending' AS rule, i.key AS cause, i.id AS integration_id, NULL::timestamptz AS newest,
    jsonb_build_object('integration', i.name, 'count', h.pending::text,
        'hours', s.pending_alert_hours::text) AS params
FROM health_snapshots h JOIN organization_integrations i ON i.id = h.integration_id
JOIN watch_settings s ON s.organization_id = i.organization_id
WHERE i.enabled AND %(at)s - h.could_go_since > s.pending_alert_hours * interval '1 hour'
"""


async def pending(connection: Connection, at: datetime) -> list[Cause]:
    """Integrations that are switched on, and whose oldest claim could have gone long ago."""
    return await _found(connection, _PENDING, at)


_BREAKERS = """
SELECT 'breaker' AS rule, i.key AS cause, i.id AS integration_id, NULL::timestamptz AS newest,
    jsonb_build_object('integration', i.name, 'message', coalesce(r.error_message, '')) AS params
FROM integration_runtime r JOIN organization_integrations i ON i.id = r.integration_id
WHERE i.enabled AND r.breaker_opened_at <= %(at)s
"""


async def breakers(connection: Connection, at: datetime) -> list[Cause]:
    """Integrations whose circuit breaker is open."""
    return await _found(connection, _BREAKERS, at)


_CREDENTIALS = """
SELECT 'credential' AS rule, concat_ws(' | ', i.key, c.field, c.expires_at::text,
        CASE WHEN c.expires_at <= %(at)s THEN 'expired' END) AS cause,
    i.id AS integration_id, NULL::timestamptz AS newest,
    jsonb_build_object('integration', i.name, 'field', c.field,
        'day', to_char(c.expires_at AT TIME ZONE 'Europe/Oslo', 'YYYY-MM-DD')) AS params
FROM credentials c JOIN organization_integrations i ON i.id = c.integration_id
JOIN watch_settings s ON s.organization_id = i.organization_id
WHERE i.enabled AND c.expires_at - %(at)s <= s.credential_days * interval '24 hours'
"""


async def credentials(connection: Connection, at: datetime) -> list[Cause]:
    """Credentials that expire soon; told once more when they have."""
    return await _found(connection, _CREDENTIALS, at)


_STOPPED = f"""
SELECT CASE WHEN r.error_code = '{OTHER_COMPANY}' THEN 'other_company' ELSE 'stopped' END AS rule,
    concat_ws(' | ', i.key, left(r.error_message, 200)) AS cause, i.id AS integration_id,
    NULL::timestamptz AS newest,
    jsonb_build_object('integration', i.name, 'message', coalesce(r.error_message, '')) AS params
FROM integration_runtime r JOIN organization_integrations i ON i.id = r.integration_id
WHERE i.enabled AND r.error_since <= %(at)s
"""


async def stopped(connection: Connection, at: datetime) -> list[Cause]:
    """Integrations that an error has stopped; another company is a rule of its own."""
    return await _found(connection, _STOPPED, at)


_WARNINGS = """
SELECT 'warning' AS rule, concat_ws(' | ', i.key, left(r.warning, 200)) AS cause,
    i.id AS integration_id, NULL::timestamptz AS newest,
    jsonb_build_object('integration', i.name, 'message', r.warning) AS params
FROM integration_runtime r JOIN organization_integrations i ON i.id = r.integration_id
WHERE i.enabled AND r.warning IS NOT NULL
"""


async def warnings(connection: Connection, at: datetime) -> list[Cause]:
    """What people should know though deliveries go on: a new credential was refused (C5)."""
    return await _found(connection, _WARNINGS, at)


_SILENCE = """
SELECT 'silence' AS rule, n.day::text AS cause, NULL::uuid AS integration_id,
    NULL::timestamptz AS newest,
    jsonb_build_object('day', n.day::text, 'days', s.silence_days::text) AS params
FROM watch_settings s CROSS JOIN LATERAL (
    SELECT (e.created_at AT TIME ZONE 'Europe/Oslo')::date AS day FROM exports e
    WHERE e.organization_id = s.organization_id AND e.kind NOT IN ('forced', 'reversal')
    ORDER BY e.id DESC LIMIT 1) n
WHERE s.silence_days > 0 AND (%(at)s AT TIME ZONE 'Europe/Oslo')::date - n.day > s.silence_days
  AND EXISTS (SELECT FROM organization_integrations i WHERE i.enabled)
"""


async def silence(connection: Connection, at: datetime) -> list[Cause]:
    """No record has arrived for more days than the organization's bound."""
    return await _found(connection, _SILENCE, at)


RULES: tuple[Callable[[Connection, datetime], Awaitable[list[Cause]]], ...] = (
    refusals, failures_in_a_row, errors, pending, breakers, credentials, stopped, warnings, silence,
)  # fmt: skip


async def _found(connection: Connection, query: str, at: datetime) -> list[Cause]:
    rows = connection.cursor(row_factory=class_row(Cause))
    return await (await rows.execute(query, {"at": at})).fetchall()
