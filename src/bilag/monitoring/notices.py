"""Saying it: the alerts that wait to be told, by e-mail and to the organization's webhook (O7).

A notice is told at least once: the webhook's id stays the same, so that a repeat is recognized.
"""

import asyncio
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import class_row, tuple_row

from bilag.integrations.keys import Vault, VaultError
from bilag.integrations.organization_secrets import read_secret_async
from bilag.monitoring.alerts import ALERT_COLUMNS, ROLES, Alert
from bilag.monitoring.mail import send_mail
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

_TAKE = f"""
WITH taken AS (
    UPDATE alert_notices n SET attempts = n.attempts + 1,
        due_at = now() + {LEASE_SECONDS} * interval '1 second'
    WHERE n.organization_id = current_organization() AND n.id = ANY (ARRAY(
        SELECT w.id FROM alert_notices w WHERE w.organization_id = current_organization()
          AND w.sent_at IS NULL AND w.given_up_at IS NULL AND w.due_at <= now()
        ORDER BY w.due_at LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED))
    RETURNING n.id, n.alert_id, n.channel, n.attempts
)
SELECT t.id AS notice, t.channel, t.attempts, {ALERT_COLUMNS}
FROM taken t JOIN alerts a ON a.organization_id = current_organization() AND a.id = t.alert_id
LEFT JOIN organization_integrations i ON i.id = a.integration_id ORDER BY a.id
"""
_SENT = """
UPDATE alert_notices SET sent_at = now(), error = ''
WHERE organization_id = current_organization() AND id = ANY (%s)
"""
_AGAIN = """
UPDATE alert_notices SET due_at = now() + %s * interval '1 second', error = %s
WHERE organization_id = current_organization() AND id = ANY (%s)
"""
_GIVE_UP = """
UPDATE alert_notices SET given_up_at = now(), error = %s
WHERE organization_id = current_organization() AND id = ANY (%s)
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
    alert: Alert


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
    """
    waiting = connection.cursor(row_factory=tuple_row)
    await waiting.execute("SELECT * FROM organizations_with_notices(%s)", [AT_ONCE])
    told = 0
    for (organization_id,) in await waiting.fetchall():
        told += await _send_of(connection, vault, organization_id, address)
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
    outcomes: dict[UUID, str] = {}
    if mails:
        outcomes |= dict.fromkeys(
            (one.notice for one in mails), await _mail(organization, people, mails, address)
        )
    target = Target(
        organization.webhook_url, secret, tuple(organization.allowed_networks), organization.slug
    )
    for one in notices:
        if one.channel == "webhook":
            outcomes[one.notice] = await send_webhook(
                target, one.notice, one.alert, organization.language
            )
    async with organization_scope_async(connection, organization_id):
        return await _settle(connection, notices, outcomes)


async def _settle(
    connection: psycopg.AsyncConnection[Any],
    notices: Sequence[_Notice],
    outcomes: dict[UUID, str],
) -> int:
    """Keep what came of each notice: empty is told, anything else says why it was not."""
    sent = [one.notice for one in notices if not outcomes[one.notice]]
    await connection.execute(_SENT, [sent])
    for one in notices:
        why = outcomes[one.notice]
        if why and one.attempts > len(WAIT_SECONDS):
            log.warning("notice_given_up", notice=str(one.notice), error=why)
            await connection.execute(_GIVE_UP, [why[:500], [one.notice]])
        elif why:
            wait = WAIT_SECONDS[one.attempts - 1]
            await connection.execute(_AGAIN, [wait, why[:500], [one.notice]])
    return len(sent)


async def _mail(
    organization: _Organization,
    people: dict[str, str],
    notices: Sequence[_Notice],
    address: str,
) -> str:
    """Mail each person the alerts that are theirs; returns why it could not be done, or nothing."""
    link = f"{address}/o/{organization.slug}/" if address else ""
    for subject, role in people.items():
        theirs = [one.alert for one in notices if _is_told(role, one.alert.rule)]
        if not theirs:
            continue
        try:
            await asyncio.to_thread(
                send_mail, subject, organization.name, theirs, organization.language, link
            )
        except (OSError, smtplib.SMTPException) as error:
            return f"{type(error).__name__}: {error}"
    return ""


def _is_told(role: str, rule: str) -> bool:
    """Return whether a role is told of a rule: global admins only of what names them."""
    named = ROLES.get(rule)
    return role in named if named else role != "global_admin"


async def _taken(connection: psycopg.AsyncConnection[Any]) -> list[_Notice]:
    rows = connection.cursor(row_factory=tuple_row)
    found = await (await rows.execute(_TAKE)).fetchall()
    return [_Notice(row[0], row[1], row[2], Alert(*row[3:])) for row in found]


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
