"""Saying it: the alerts that wait to be told, by e-mail and to the organization's webhook (O7).

A notice is told at least once: the webhook's id stays the same, so that a repeat is recognized.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import class_row, tuple_row

from bilag.integrations.keys import Vault, VaultError
from bilag.integrations.organization_secrets import read_secret_async
from bilag.monitoring.alerts import ALERT_COLUMNS, ROLES, Alert
from bilag.monitoring.mail import Reader, send_mail
from bilag.monitoring.settings import WEBHOOK_SECRET
from bilag.monitoring.webhook import Target, send_webhook
from bilag.tenants.scope import organization_scope_async

log = structlog.get_logger(__name__)

AT_ONCE = 50
# Failure policy: a notice that was taken and not settled, since the process ended, is taken again
# after so long. One that could not be told is tried again after these waits, then given up: the
# alert stands in the app, whatever comes of its notices.
LEASE_SECONDS = 120
WAIT_SECONDS = (60, 300, 1800, 7200, 18_000, 36_000)
# What is slow to answer takes so long of the others' time, and its last call to the end: together
# less than the lease. What a webhook did not come to waits for another turn.
MAIL_SECONDS = 30.0
WEBHOOK_SECONDS = 10.0

_TAKE = f"""
WITH taken AS (
    UPDATE alert_notices n SET attempts = n.attempts + 1,
        due_at = now() + {LEASE_SECONDS} * interval '1 second'
    WHERE n.organization_id = current_organization() AND n.id = ANY (ARRAY(
        SELECT w.id FROM alert_notices w WHERE w.organization_id = current_organization()
          AND w.sent_at IS NULL AND w.given_up_at IS NULL AND w.due_at <= now()
        ORDER BY w.due_at LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED))
    RETURNING n.id, n.alert_id, n.channel, n.attempts, n.told
)
SELECT t.id AS notice, t.channel, t.attempts, t.told, {ALERT_COLUMNS}
FROM taken t JOIN alerts a ON a.organization_id = current_organization() AND a.id = t.alert_id
LEFT JOIN organization_integrations i ON i.id = a.integration_id ORDER BY t.attempts, a.id
"""
_SENT = """
UPDATE alert_notices SET sent_at = now(), error = %(error)s, told = '{}'
WHERE organization_id = current_organization() AND id = %(notice)s
"""
_AGAIN = """
UPDATE alert_notices SET due_at = now() + %(wait)s * interval '1 second', error = %(error)s,
    told = %(told)s
WHERE organization_id = current_organization() AND id = %(notice)s
"""
_GIVE_UP = """
UPDATE alert_notices SET given_up_at = now(), error = %(error)s, told = '{}'
WHERE organization_id = current_organization() AND id = %(notice)s
"""
# It was not its turn, which is no attempt.
_ANOTHER_TURN = f"""
UPDATE alert_notices SET attempts = attempts - 1,
    due_at = now() + {WAIT_SECONDS[0]} * interval '1 second'
WHERE organization_id = current_organization() AND id = %(notice)s
"""
_ORGANIZATION = """
SELECT o.slug, o.name, o.language, o.allowed_networks, w.mail_roles, w.webhook_url
FROM organizations o JOIN watch_settings w ON w.organization_id = o.id WHERE o.id = %s
"""
# A subject that is no address, such as that of a token from elsewhere, has no mailbox.
_PEOPLE = """
SELECT subject, role FROM members
WHERE organization_id = %s AND role = ANY (%s) AND subject LIKE '%%_@_%%' ORDER BY subject
"""
_GLOBAL_ADMINS = "SELECT subject FROM global_admins WHERE subject LIKE '%_@_%' ORDER BY subject"


@dataclass(frozen=True, slots=True)
class _Notice:
    notice: UUID
    channel: str
    attempts: int
    told: list[str]
    alert: Alert


@dataclass(slots=True)
class _Outcome:
    """What came of a notice: whom it need not be mailed to again, and what went wrong.

    `again` says why it is tried again, `unreachable` who has a mailbox that no mail can be sent to.
    """

    told: list[str] = field(default_factory=list)
    again: str = ""
    unreachable: str = ""


@dataclass(frozen=True, slots=True)
class _Organization:
    slug: str
    name: str
    language: str
    allowed_networks: list[str]
    mail_roles: list[str]
    webhook_url: str


async def send_due(connection: psycopg.AsyncConnection[Any], vault: Vault, address: str) -> int:
    """Send the notices that are due, of every organization; returns how many were told.

    `address` is the portal's own, for links; the connection is in autocommit. No transaction is
    open while a mail server or a webhook is spoken to.
    Failure policy: an organization whose notices cannot be sent is logged, and comes again; only a
    lost connection keeps the others from being told.
    """
    waiting = connection.cursor(row_factory=tuple_row)
    await waiting.execute("SELECT * FROM organizations_with_notices(%s)", [AT_ONCE])
    told = 0
    for (organization_id,) in await waiting.fetchall():
        try:
            told += await _send_of(connection, vault, organization_id, address)
        except Exception:
            if connection.closed:
                raise
            log.exception("notices_failed", organization=str(organization_id))
    return told


async def _send_of(
    connection: psycopg.AsyncConnection[Any], vault: Vault, organization_id: UUID, address: str
) -> int:
    async with organization_scope_async(connection, organization_id):
        notices = await _taken(connection)
        organization = await _organization(connection, organization_id)
        people = await _people(connection, organization_id, organization.mail_roles)
        try:
            secret = await read_secret_async(connection, vault, organization_id, WEBHOOK_SECRET)
        except VaultError as error:
            log.warning("webhook_secret", organization=organization.slug, error=str(error))
            secret = ""
    mails = [one for one in notices if one.channel == "mail"]
    calls = [one for one in notices if one.channel == "webhook"]
    target = Target(
        organization.webhook_url, secret, tuple(organization.allowed_networks), organization.slug
    )
    outcomes = await _mail(organization, people, mails, address)
    outcomes |= await _call(target, calls, organization.language)
    async with organization_scope_async(connection, organization_id):
        return await _settle(connection, notices, outcomes)


async def _settle(
    connection: psycopg.AsyncConnection[Any],
    notices: Sequence[_Notice],
    outcomes: dict[UUID, _Outcome],
) -> int:
    """Keep what came of each notice; returns how many are told. One without outcome comes again."""
    sent = 0
    for one in notices:
        outcome = outcomes.get(one.notice)
        if outcome is None:
            await connection.execute(_ANOTHER_TURN, {"notice": one.notice})
            continue
        error = (outcome.again or outcome.unreachable)[:500]
        kept = {"notice": one.notice, "error": error, "told": outcome.told}
        if not outcome.again:
            await connection.execute(_SENT, kept)
            sent += 1
        elif one.attempts > len(WAIT_SECONDS):
            log.warning("notice_given_up", notice=str(one.notice), error=error)
            await connection.execute(_GIVE_UP, kept)
        else:
            wait = WAIT_SECONDS[one.attempts - 1]
            await connection.execute(_AGAIN, {**kept, "wait": wait})
    return sent


async def _mail(
    organization: _Organization,
    people: dict[str, str],
    notices: Sequence[_Notice],
    address: str,
) -> dict[UUID, _Outcome]:
    """Mail each person the alerts that are theirs and that they were not mailed before.

    Failure policy: each person stands alone. Who could not be told is tried again, and nobody else;
    an address that no mail can be made out to is noted, and never tried again.
    """
    outcomes = {one.notice: _Outcome(list(one.told)) for one in notices}
    ends = time.monotonic() + MAIL_SECONDS
    for subject, role in people.items():
        theirs = [n for n in notices if _is_told(role, n.alert.rule) and subject not in n.told]
        if not theirs:
            continue
        again, unreachable = "the mail server is too slow", ""
        if time.monotonic() < ends:
            alerts = [one.alert for one in theirs]
            to = Reader(
                subject, role, organization.slug, organization.name, organization.language, address
            )
            again, unreachable = await _mail_one(to, alerts)
        for one in theirs:
            outcome = outcomes[one.notice]
            outcome.again = outcome.again or again
            outcome.unreachable = outcome.unreachable or unreachable
            if not again:
                outcome.told.append(subject)
    return outcomes


async def _mail_one(to: Reader, alerts: Sequence[Alert]) -> tuple[str, str]:
    """Mail one person; returns why it is tried again, and why this person cannot be reached."""
    try:
        await asyncio.to_thread(send_mail, to, alerts)
    except ValueError as error:
        unreachable = f"{to.address} cannot be reached: {type(error).__name__}: {error}"
        log.warning("mailbox_unreachable", organization=to.slug, error=unreachable)
        return "", unreachable
    except Exception as error:  # whatever it is, it is this person's alone  # noqa: BLE001
        return f"{to.address}: {type(error).__name__}: {error}", ""
    return "", ""


async def _call(target: Target, notices: Sequence[_Notice], language: str) -> dict[UUID, _Outcome]:
    """Call the webhook with one alert after the other, while it is this organization's turn."""
    outcomes: dict[UUID, _Outcome] = {}
    ends = time.monotonic() + WEBHOOK_SECONDS
    for one in notices:
        if time.monotonic() > ends:
            break
        try:
            why = await send_webhook(target, one.notice, one.alert, language)
        except Exception as error:  # tried again like any other failure  # noqa: BLE001
            why = f"{type(error).__name__}: {error}"
        outcomes[one.notice] = _Outcome(again=why)
    return outcomes


def _is_told(role: str, rule: str) -> bool:
    """Return whether a role is told of a rule: global admins only of what names them."""
    named = ROLES.get(rule)
    return role in named if named else role != "global_admin"


async def _taken(connection: psycopg.AsyncConnection[Any]) -> list[_Notice]:
    rows = connection.cursor(row_factory=tuple_row)
    found = await (await rows.execute(_TAKE)).fetchall()
    return [_Notice(row[0], row[1], row[2], row[3], Alert(*row[4:])) for row in found]


async def _organization(
    connection: psycopg.AsyncConnection[Any], organization_id: UUID
) -> _Organization:
    rows = connection.cursor(row_factory=class_row(_Organization))
    (found,) = await (await rows.execute(_ORGANIZATION, [organization_id])).fetchall()
    return found


async def _people(
    connection: psycopg.AsyncConnection[Any], organization_id: UUID, roles: Sequence[str]
) -> dict[str, str]:
    """Return each address with its role; who looks after the installation as `global_admin`."""
    rows = connection.cursor(row_factory=tuple_row)
    everyone = await (await rows.execute(_GLOBAL_ADMINS)).fetchall()
    members = await (await rows.execute(_PEOPLE, [organization_id, list(roles)])).fetchall()
    return {subject: "global_admin" for (subject,) in everyone} | dict(members)
