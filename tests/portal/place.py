"""An installation for the tests of the pages: three organizations, their people, and sessions.

One organization has something of everything, one is new and empty, one belongs to an outsider.
Whatever is named by CANARY is the first one's, and nobody else may ever see it.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.test import Client

from bilag.app.cli_configure import apply_file
from bilag.app.serve import prepare
from bilag.app.wiring import Installation, open_installation
from bilag.core.record import Record, RecordLine
from bilag.exports.states import STATES
from bilag.integrations.model import organization_id
from bilag.portal.accounts.models import User
from bilag.portal.accounts.proof import PROVEN
from bilag.tenants.scope import organization_scope
from bilag.tenants.tokens import SCOPES, create_token
from tests.clusters import Database
from tests.portal.passkeys import add_passkey

CANARY = "kanarifugl"
# The walks by keyboard change their organization, so that they have one of their own.
FILLED, EMPTY, OTHER, WALKED = "kanarifugl", "nystart", "fremmed", "vandring"
PASSWORD = "Riktig hest batteri 017"
SECRET = f"sandbox-secret-{CANARY}"
# Nobody listens there: what is only looked at sends nothing.
NOWHERE = "http://127.0.0.1:9"
ADDRESSES = {
    "xledger": {
        "endpoint": f"{NOWHERE}/graphql",
        "vouchers": {"jobLevel": {"dbSubId": 1}},
        "dimensions": {"glObject1": "project", "glObject2": "costCentre"},
        "batches": {"documentsPerCall": 20, "batchRule": "atomic"},
        "pace": {"settleSeconds": 1},
    },
    "dynamics_business_central": {
        "baseUrl": f"{NOWHERE}/v2.0",
        "loginUrl": NOWHERE,
        "tenant": "6f1d2c3b-0a4e-4d5f-8b6a-7c8d9e0f1a2b",
        "environment": "Production",
        "company": "Kanarifugl AS",
        "clientId": "3c9a7e10-5b2d-4f68-9e41-d0c7a8b6f512",
        "dimensions": {"costCentre": "AVDELING", "project": "PROSJEKT"},
    },
    "rest": {
        "baseUrl": NOWHERE,
        "path": "/vouchers",
        "auth": {"kind": "api_key", "apiKeyHeader": "X-API-Key"},
        "success": {"externalReference": "/id", "voucherNumber": "/voucherNumber"},
    },
}
_SECRETS = {"xledger": "api_token", "dynamics_business_central": "client_secret", "rest": "api_key"}
MAPPING: dict[str, Any] = {
    "categories": {
        "kollektivreise": {"account": "7140"},
        "servering": {"account": "7160"},
        "porto": {"account": "6940"},
    },
    "counterAccount": "2990",
    "missingClaimant": "clearing",
    "clearingAccount": "2990",
}
RUN = UUID(int=17)
APPROVED_AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at the pages: a name for messages, and the cookie of a session, if there is one."""

    name: str
    session: str = ""

    def cookies(self) -> dict[str, str]:
        """Return the cookies that the browser sends."""
        return {settings.SESSION_COOKIE_NAME: self.session} if self.session else {}

    def client(self, language: str = "en", *, checks_csrf: bool = False) -> Client:
        """Return a client of Django's whole stack that is this visitor."""
        client = Client(
            SERVER_NAME="localhost", enforce_csrf_checks=checks_csrf, raise_request_exception=False,
            headers={"Accept-Language": language},
        )  # fmt: skip
        client.cookies = SimpleCookie({**self.cookies(), settings.LANGUAGE_COOKIE_NAME: language})
        return client


@dataclass
class Place:
    """The open installation with its organizations, its people by what they are, and their URLs."""

    database: Database
    home: Path
    installation: Installation
    organizations: dict[str, UUID]
    people: dict[str, Visitor]
    values: dict[str, dict[str, Any]] = field(default_factory=dict)

    def query(self, slug: str, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as the application's role in the scope of an organization."""
        with (
            self.installation.pool.connection() as connection,
            organization_scope(connection, self.organizations[slug]),
        ):
            cursor = connection.execute(statement, list(parameters) or None)
            return cursor.fetchall() if cursor.description else []

    def owner(self) -> psycopg.Connection[Any]:
        """Connect as the owner of the tables, whom row-level security does not bind."""
        return psycopg.connect(self.database.owner_url, autocommit=True)

    def token(self, slug: str, *scopes: str) -> str:
        """Make an API token of an organization."""
        organization = self.organizations[slug]
        with (
            self.installation.pool.connection() as connection,
            organization_scope(connection, organization),
        ):
            return create_token(connection, organization, f"{slug} app", scopes or SCOPES)


def claim(number: int, kind: str = "kollektivreise", day: date = date(2026, 10, 5)) -> Record:
    """Return an approved claim of two lines by a claimant whom only the first organization has."""
    lines = (
        RecordLine(day, kind, Decimal(100 + number % 900), text="Buss til Hamar"),
        RecordLine(day, "servering", Decimal("49.50"), text="Lunsj"),
    )
    return Record(
        source_system="app",
        source_id=f"{CANARY.upper()}-{number:04d}",
        revision=1,
        category="expense",
        currency="NOK",
        claimant_id=f"{CANARY}-017",
        claimant_name="Volunteer 017",
        approved_by="coordinator-3",
        approved_at=APPROVED_AT,
        lines=lines,
        text=f"Besøk av {CANARY}",
    )


@contextmanager
def open_place(
    database: Database, home: Path, addresses: Mapping[str, Mapping[str, Any]] = ADDRESSES
) -> Iterator[Place]:
    """Set the installation up on a migrated database and hand it to the pages of this process.

    `addresses` are the settings of each type of accounting system. Django's connections are closed
    at the end, so that the database can be dropped.
    """
    with ExitStack() as stack:
        with _environment(database):
            installation = stack.enter_context(open_installation(home))
        stack.callback(connections.close_all)
        prepare(installation)
        yield _fill(database, home, installation, addresses)


@contextmanager
def _environment(database: Database) -> Iterator[None]:
    """Let the environment name the database for as long as it is read; then as it was."""
    given = {
        "BILAG_DATABASE_URL": database.application_url,
        "BILAG_DATABASE_OWNER_URL": database.owner_url,
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _fill(
    database: Database,
    home: Path,
    installation: Installation,
    addresses: Mapping[str, Mapping[str, Any]],
) -> Place:
    file = home / "organizations.json"
    file.write_text(json.dumps(_configuration(home, addresses)))
    apply_file(installation, file, by="test")
    organizations = {slug: organization_id(slug) for slug in (FILLED, EMPTY, OTHER, WALKED)}
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("INSERT INTO global_admins (subject) VALUES ('global@example.org')")
    people = {
        name: Visitor(name, make_session(f"{name}@example.org"))
        for name in ("global", "admin", "accountant", "coordinator", "outsider", "nobody", "walker")
    }
    people["signed out"] = Visitor("signed out")
    people["expired"] = Visitor("expired", make_session("admin@example.org", expired=True))
    place = Place(database, home, installation, organizations, people)
    _claims(place)
    _traces(place)
    place.values = {slug: _values(place, slug) for slug in organizations}
    return place


def _traces(place: Place) -> None:
    """Leave what a while of use leaves: a sync, an import, a token."""
    own = place.organizations[FILLED]
    place.query(
        FILLED,
        "INSERT INTO syncs (id, organization_id, integration_id, trigger, actor, finished_at,"
        " outcome) SELECT %s, %s, id, 'manual', 'user admin@example.org', now(), 'finished'"
        " FROM organization_integrations ORDER BY key LIMIT 1",
        RUN, own,
    )  # fmt: skip
    place.query(
        FILLED,
        "INSERT INTO imports (id, organization_id, file_name, profile, state, finished_at)"
        " VALUES (gen_random_uuid(), %s, %s, '', 'finished', now())",
        own, f"{CANARY}.csv",
    )  # fmt: skip
    place.token(FILLED)
    place.installation.members_of(own, "user admin@example.org").invite(
        f"{CANARY}@example.org", "accountant"
    )
    add_passkey("admin@example.org", "Laptop")


def _values(place: Place, slug: str) -> dict[str, Any]:
    """Return what stands for the parameters of addresses, `name` or `address name`."""
    exports = place.query(slug, "SELECT id, source_id FROM exports ORDER BY id LIMIT 1")
    integrations = place.query(slug, "SELECT key FROM organization_integrations ORDER BY key")
    books = place.query(slug, "SELECT key FROM books ORDER BY key")
    invitations = place.query(slug, "SELECT id FROM invitations")
    admin = Authenticator.objects.filter(user__email="admin@example.org")
    return {
        "exportId": exports[0][0] if exports else 1,
        "sourceId": exports[0][1] if exports else "none",
        "runId": RUN,
        "reconciliationId": RUN,
        "bookKey": books[0][0] if books else "none",
        "integrationKey": integrations[0][0] if integrations else "none",
        "subject": "accountant@example.org",
        "invitation_id": invitations[0][0] if invitations else RUN,
        "account_open_invitation token": "x" * 40,
        "account_reset_password_from_key uidb36": "1",
        "account_reset_password_from_key key": "x",
        "provider_id": "federation",
        "pk": admin.get(type=Authenticator.Type.WEBAUTHN).pk,
    }


@cache
def _hashed() -> str:
    """Hash the password of everybody once: that it is slow is its strength."""
    return make_password(PASSWORD)


def make_session(subject: str, *, expired: bool = False) -> str:
    """Make the person, if new, and a session as signing in leaves it; returns the session's key."""
    user, _ = User.objects.get_or_create(email=subject, defaults={"password": _hashed()})
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    # so late that no page asks for password or code again while the tests run
    session[PROVEN] = time.time() + 86400
    if expired:
        session.set_expiry(datetime.now(UTC) - timedelta(minutes=1))
    session.create()
    return str(session.session_key)


def _configuration(home: Path, addresses: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    secret = home / "secret"
    secret.write_text(f"{SECRET}\n")
    members = [{"subject": f"{role}@example.org", "role": role}
               for role in ("admin", "accountant", "coordinator")]  # fmt: skip
    return {
        "organizations": [
            {
                "slug": FILLED, "name": "Kanarifugl Forbund", "language": "nb",
                "allowedNetworks": ["127.0.0.0/8"], "members": members,
                "books": [
                    {"key": kind.split("_")[0], "name": f"Kanarifugl {kind}", "currency": "NOK"}
                    for kind in addresses
                ],
                "integrations": [
                    _integration(kind, settings_of, "Kanarifugl")
                    for kind, settings_of in addresses.items()
                ],
            },
            {"slug": EMPTY, "name": "Nystart Lag", "language": "nb", "members": members},
            {
                "slug": WALKED, "name": "Vandrelaget", "language": "nb",
                "allowedNetworks": ["127.0.0.0/8"],
                "members": [{"subject": "walker@example.org", "role": "admin"}],
            },
            {
                "slug": OTHER, "name": "Fremmed Forening", "language": "nb",
                "allowedNetworks": ["127.0.0.0/8"],
                "members": [{"subject": "outsider@example.org", "role": "admin"}],
                "books": [{"key": "rest", "name": "Hovedbok", "currency": "NOK"}],
                "integrations": [_integration("rest", ADDRESSES["rest"], "Fremmed")],
            },
        ]
    }  # fmt: skip


def _integration(kind: str, settings_of: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {
        "key": kind.split("_")[0],
        "name": f"{name} {kind}",
        "type": kind,
        "book": kind.split("_")[0],
        "settings": dict(settings_of),
        "credentials": {_SECRETS[kind]: "file:secret"},
        "delivery": {"trigger": "manual"},
        "mapping": MAPPING,
    }


def _claims(place: Place) -> None:
    """Hand over claims, one in each state, and some more that wait."""
    verbs = place.installation.exports_of(place.organizations[FILLED], "test")
    verbs.accept_records([claim(number) for number in range(1, 2 * len(STATES))])
    ids = [row[0] for row in place.query(FILLED, "SELECT id FROM exports ORDER BY id")]
    ways = {
        "sending": (), "accepted": (), "exported": (), "failed": (), "in_doubt": (),
        "needs_review": ("in_doubt",), "reversed": ("exported",),
    }  # fmt: skip
    for export_id, state in zip(ids, STATES, strict=False):
        way = ["sending", *ways[state], state] if state in ways else [state]
        for step in dict.fromkeys(way):
            if step != "pending":
                place.query(
                    FILLED,
                    "UPDATE exports SET state = %s, state_since = now() WHERE id = %s",
                    step, export_id,
                )  # fmt: skip
