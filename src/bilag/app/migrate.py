"""Migrations: brings a database to this version as its owner, then grants the application role.

Safe to run again and by two at once (an advisory lock); never run by `serve` or `worker`.
"""

import os
from typing import Any, NamedTuple

import django
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bilag.app.schema import ROOMS, room_sql

SETTINGS_MODULE = "bilag.app.django_settings"

_LOCK = "SELECT pg_advisory_lock(hashtext('bilag.migrate'))"

# procrastinate runs its queue with the application's role; its tables hold no organization's data.
_QUEUE_GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events,
    procrastinate_periodic_defers, procrastinate_workers TO :application;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :application;
GRANT SELECT ON django_migrations TO :application;
"""

# People who sign in, their second factors and sessions; they belong to no organization, members do.
_SIGN_IN_GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON portal_accounts_user, account_emailaddress,
    account_emailconfirmation, mfa_authenticator, usersessions_usersession,
    socialaccount_socialaccount, socialaccount_socialapp, socialaccount_socialtoken,
    django_session TO :application;
"""


class MigrationRefused(RuntimeError):
    """The database or the role cannot be used as it is; the text says what to change."""


def setup_django(application_url: str, owner_url: str = "") -> None:
    """Point Django at the databases and load it; later calls only change the databases."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS_MODULE)
    for alias, url in (("default", application_url), ("owner", owner_url or application_url)):
        wanted = {"ENGINE": "django.db.backends.postgresql", **_django_database(url)}
        settings.DATABASES[alias].update(wanted)
        if settings.configured and alias in connections.settings:
            connections[alias].close()
            connections.settings[alias].update(wanted)
            connections[alias].settings_dict.update(wanted)
    django.setup()


class Migrated(NamedTuple):
    """How many migrations a database had before, and how many it has now."""

    before: int
    after: int


def migrate(owner_url: str, application_url: str) -> Migrated:
    """Create or update all tables as the owner and grant the application's role what it needs.

    Raises MigrationRefused when the server is older than PostgreSQL 15.
    """
    with psycopg.connect(owner_url, autocommit=True) as connection:
        if connection.info.server_version < 150000:
            raise MigrationRefused(
                f"PostgreSQL 15 or newer is needed; this server is {connection.info.server_version}"
            )
        connection.execute(_LOCK)
        before = _count(connection)
        setup_django(application_url, owner_url)
        try:
            call_command("migrate", database="owner", verbosity=0, interactive=False)
        finally:
            connections["owner"].close()
        role = sql.Identifier(str(conninfo_to_dict(application_url)["user"]))
        with connection.transaction():
            for text in (
                _QUEUE_GRANTS,
                _SIGN_IN_GRANTS,
                *(room_sql(room, "grants.sql") for room in ROOMS),
            ):
                connection.execute(
                    sql.SQL("").join(_split(text, role))  # the role's name is quoted, never pasted
                )
        connection.execute("ANALYZE")
        return Migrated(before, _count(connection))


def _count(connection: psycopg.Connection[Any]) -> int:
    there = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
    if there is None or there[0] is None:
        return 0
    row = connection.execute("SELECT count(*) FROM django_migrations").fetchone()
    return int(row[0]) if row else 0


def _split(text: str, role: sql.Identifier) -> list[sql.Composable]:
    parts: list[sql.Composable] = []
    for index, piece in enumerate(text.split(":application")):
        if index:
            parts.append(role)
        parts.append(sql.SQL(piece))  # our own file, no user input
    return parts


def _django_database(url: str) -> dict[str, Any]:
    parts = conninfo_to_dict(url)
    return {
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "") or ""),
        "OPTIONS": parts,
    }
