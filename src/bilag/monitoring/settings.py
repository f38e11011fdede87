"""The bounds of an organization: when it is yellow or red, when people are told, and how (O1, O7).

Every function runs inside `organization_scope`; each organization has its row from the start.
"""

import base64
import re
import secrets
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from bilag.core.problem import Problem, Refused
from bilag.exports.audit import record_change
from bilag.integrations.keys import Vault
from bilag.integrations.organization_secrets import put_secret
from bilag.tenants.members import Role

WEBHOOK_SECRET = "alert_webhook"  # the name of the field, no secret  # noqa: S105
_INCOME_CODE = re.compile(r"[0-9A-Za-zÆØÅæøå_-]{1,100}")

# Each number with its least and its greatest value; the database has the same.
BOUNDS: dict[str, tuple[int, int]] = {
    "pending_hours": (1, 8760),
    "no_sync_hours": (1, 8760),
    "stale_hours": (1, 8760),
    "pending_alert_hours": (1, 8760),
    "errors_max": (0, 9999),
    "failures_in_a_row": (2, 100),
    "credential_days": (0, 365),
    "silence_days": (0, 3650),
    "wage_warning_percent": (1, 100),
}


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What an organization chose; the defaults stand in the table."""

    pending_hours: int
    no_sync_hours: int
    stale_hours: int
    pending_alert_hours: int
    errors_max: int
    failures_in_a_row: int
    credential_days: int
    silence_days: int
    mail_roles: list[str]
    webhook_url: str
    wage_warning_percent: int
    wage_income_code: str


_COLUMNS = ", ".join(field.name for field in fields(WatchSettings))
_READ = f"SELECT {_COLUMNS} FROM watch_settings WHERE organization_id = %s"
_SAVE = "UPDATE watch_settings SET {} WHERE organization_id = %(organization)s".format(
    ", ".join(f"{field.name} = %({field.name})s" for field in fields(WatchSettings))
)


def read_settings(connection: psycopg.Connection[Any], organization_id: UUID) -> WatchSettings:
    """Return the settings of the organization of the scope; LookupError outside of it."""
    rows = connection.cursor(row_factory=class_row(WatchSettings))
    found = rows.execute(_READ, [organization_id]).fetchone()
    if found is None:
        raise LookupError(f"there is no organization {organization_id} in this scope")
    return found


def save_settings(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    wanted: WatchSettings,
    *,
    actor: str,
) -> bool:
    """Keep the settings, with a row of the audit chain; returns whether anything changed.

    Raises Refused with a problem for each value that cannot be used.
    """
    if problems := list(_problems(wanted)):
        raise Refused(*problems)
    before = asdict(read_settings(connection, organization_id))
    after = asdict(wanted)
    changed = {name: value for name, value in after.items() if before[name] != value}
    if not changed:
        return False
    connection.execute(_SAVE, {**after, "organization": organization_id})
    record_change(
        connection, organization_id, actor, "watch.changed", "alerts",
        {"before": {name: before[name] for name in changed}, "after": changed},
    )  # fmt: skip
    return True


def new_webhook_secret(
    connection: psycopg.Connection[Any], vault: Vault, organization_id: UUID, *, actor: str
) -> str:
    """Make a new secret to sign with and return it, the only time that it can be read.

    It holds from the next message on; the audit chain says who made it.
    """
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    put_secret(connection, vault, organization_id, WEBHOOK_SECRET, secret, actor)
    record_change(connection, organization_id, actor, "watch.webhook_secret", "alerts", {})
    return secret


def _problems(wanted: WatchSettings) -> Any:
    for name, (least, greatest) in BOUNDS.items():
        if not least <= getattr(wanted, name) <= greatest:
            params = {"minimum": str(least), "maximum": str(greatest)}
            yield Problem("watch_number", name, params=params)
    for role in wanted.mail_roles:
        if role not in get_args(Role):
            params = {"role": role, "known": ", ".join(get_args(Role))}
            yield Problem("watch_role", "mail_roles", params=params)
    if wanted.webhook_url and not _is_address(wanted.webhook_url):
        yield Problem("watch_webhook_address", "webhook_url")
    if not _INCOME_CODE.fullmatch(wanted.wage_income_code):
        yield Problem("watch_income_code", "wage_income_code")


def _is_address(text: str) -> bool:
    """Return whether it is an address to send to; http is for networks of one's own (X4)."""
    try:
        parts = urlsplit(text)
        port_is_good = parts.port != 0
    except ValueError:
        return False
    plain = text.isprintable() and " " not in text and len(text) <= 2000
    whole = parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc
    return port_is_good and plain and whole
