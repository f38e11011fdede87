"""An installation for the tests of the pages: three organizations, their people, and sessions.

One organization has something of everything, one is new and empty, one belongs to an outsider.
Whatever is named by CANARY is the first one's, and nobody else may ever see it.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from allauth.mfa.models import Authenticator
from django.db import connections

from bilag.app.cli_configure import apply_file
from bilag.app.serve import prepare
from bilag.app.wiring import Installation, open_installation
from bilag.core.record import Record, RecordLine
from bilag.delivery.credentials import NewSecret
from bilag.exports.force import open_forced
from bilag.exports.states import STATES
from bilag.integrations.model import organization_id
from bilag.integrations.start import NewIntegration
from bilag.integrations.store import list_integrations, save_mapping
from bilag.monitoring.control import make_report, period_of
from bilag.monitoring.store import ask
from bilag.portal.accounts.arrivals import start_over
from bilag.tenants.scope import organization_scope
from bilag.tenants.tokens import SCOPES, create_token
from tests.clusters import Database
from tests.portal.visitors import Visitor, expired, signed_in

CANARY = "kanarifugl"
# The walks by keyboard change their organization, so that each language has one of its own.
FILLED, EMPTY, OTHER = "kanarifugl", "nystart", "fremmed"
WALKS = {language: f"vandring-{language}" for language in ("nb", "nn", "en")}
MAPPED = {language: f"tilordning-{language}" for language in WALKS}
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
DRAFT = "utkast"
_STEPS_OF_A_DRAFT = ("system", "setup-credentials", "setup-test", "accounts", "confirm", "delete")
MAPPING: dict[str, Any] = {
    "categories": {
        "kollektivreise": {"account": "7140"},
        "servering": {"account": "7160"},
        "porto": {"account": "6940"},
    },
    "counterAccount": "2990",
    "missingClaimant": "clearing",
    "clearingAccount": "2990",
    "defaults": {"mileage": {"account": "7100"}},
    "claimants": {"V001": "50001"},
    "costCentres": {"codes": {"100": "CC100"}},
    "header": {"claimant": {"from": "claimant.name"}},
}
# What an address needs behind it, by name of the address.
QUERIES = {
    "mapping:category": "type=kollektivreise",
    "mapping:code": "code=100",
    "mapping:claimant": "claimant=V001",
    "mapping:suggest": "what=account&field=account&account=71",
    "mapping:rule": "section=header&name=claimant",
    "mapping:value": "section=header&name=claimant",
    "mapping:compare": "old=1&new=2",
    "reports:control": "book=xledger&first=2026-11-01&last=2026-11-30",
    "reports:claims": "first=2026-11-01&last=2026-11-30",
    "reports:file": "first=2026-11-01&last=2026-11-30",
    "reports:wages": "year=2026",
}
# What keeps the claims in these states, and the pages of such a cause.
_REASONS: dict[str, dict[str, Any]] = {
    "failed": {"code": "refused", "field": "cost_centre", "line": 1,
               "params": {"message": "Invalid cost center code: CC100"}},
    "held": {"code": "type_not_mapped", "field": "lines[1].type", "line": 1,
             "params": {"type": "drosje"}},
    "needs_review": {"code": "cannot_look_up", "params": {"reference": "B017"}},
    "in_doubt": {"code": "look_up_failed", "params": {"message": "HTTP 503"}},
}  # fmt: skip
_CAUSE_PAGES = {
    "failed": ("failed_claims", "retry_all"), "held": ("held_claims", "release_all"),
}  # fmt: skip
RUN = UUID(int=17)
APPROVED_AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@dataclass
class Place:
    """The open installation with its organizations, its people by what they are, and their URLs."""

    database: Database
    home: Path
    installation: Installation
    organizations: dict[str, UUID]
    people: dict[str, Visitor]
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    invitation: str = ""
    way_back: str = ""

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
    organizations = {
        slug: organization_id(slug)
        for slug in (FILLED, EMPTY, OTHER, *WALKS.values(), *MAPPED.values())
    }
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("INSERT INTO global_admins (subject) VALUES ('global@example.org')")
    names = ("global", "admin", "accountant", "coordinator", "outsider", "nobody", "walker")
    walkers = [f"{who}-{language}" for language in WALKS for who in ("walker", "mapper")]
    people = {name: signed_in(name) for name in (*names, *walkers)}
    people["half"] = signed_in("half", factors=False)
    people["signed out"] = Visitor("signed out")
    people["expired"] = expired("expired", "admin")
    place = Place(database, home, installation, organizations, people)
    _claims(place)
    _traces(place)
    _draft(place)
    _open_sync(place)
    _second_version(place)
    place.way_back = start_over("forgetful@example.org")
    for slug in organizations:
        place.values[slug] = {**_values(place, slug), **place.values.get(slug, {})}
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
    members = place.installation.members_of(own, "user admin@example.org")
    invited, place.invitation = members.invite(f"{CANARY}@example.org", "accountant")
    place.values[FILLED] = {
        **_repairs(place),
        "invitation_id": invited.id, "subject": "coordinator@example.org",
        "alert_id": _alert(place), "report_id": _report(place),
    }  # fmt: skip


def _repairs(place: Place) -> dict[str, Any]:
    """Give what is failed, held and in doubt a reason, and let a forced export wait.

    Returns what stands for the parameters of the pages that repair.
    """
    own = place.organizations[FILLED]
    found: dict[str, tuple[int, str, str]] = {}
    for state, reason in _REASONS.items():
        (row,) = place.query(
            FILLED,
            "UPDATE exports e SET reason = %s::jsonb FROM organization_integrations i"
            " WHERE i.id = e.integration_id AND e.id = (SELECT id FROM exports WHERE state = %s"
            " LIMIT 1) RETURNING e.id, i.key, e.causes[1]",
            json.dumps(reason), state,
        )  # fmt: skip
        found[state] = row
    ((posted, integration),) = place.query(
        FILLED, "SELECT id, integration_id FROM exports WHERE state = 'exported' LIMIT 1"
    )
    with (
        place.installation.pool.connection() as connection,
        organization_scope(connection, own),
    ):
        forced = open_forced(
            connection, own, posted, integration_id=integration, reason="slettet ved en feil",
            evidence={}, seen="", actor="user global@example.org", needs_approval=True,
        )  # fmt: skip
        asked = ask(connection, integration, actor="user admin@example.org")
    place.query(
        FILLED,
        "INSERT INTO reconciliation_findings (organization_id, reconciliation_id, export_id, kind,"
        " state, evidence) VALUES (%s, %s, %s, 'missing', 'exported', '{}')",
        own, asked, posted,
    )  # fmt: skip
    of_cause = {
        f"repair:{page} {name}": value
        for state, pages in _CAUSE_PAGES.items()
        for page in pages
        for name, value in (("key", found[state][1]), ("cause", found[state][2]))
    }
    return {
        **of_cause,
        "repair:decide export_id": found["needs_review"][0],
        "repair:evidence export_id": found["needs_review"][0],
        "repair:look_up export_id": found["in_doubt"][0],
        "repair:force export_id": found["needs_review"][0],
        "repair:approval export_id": forced,
        "decision": "exported",
        "reconciliation_id": asked,
    }


def _alert(place: Place) -> int:
    """Open an alert; a worker that looks clears it, since nothing is wrong."""
    ((alert,),) = place.query(
        FILLED,
        "INSERT INTO alerts (organization_id, rule, cause, integration_id, params, opened_at,"
        " told_at) SELECT organization_id, 'warning', %s, id, jsonb_build_object("
        "'integration', name, 'message', %s::text), now(), now()"
        " FROM organization_integrations ORDER BY key LIMIT 1 RETURNING id",
        CANARY, CANARY,
    )  # fmt: skip
    return int(alert)


def _report(place: Place) -> int:
    own = place.organizations[FILLED]
    with (
        place.installation.pool.connection() as connection,
        organization_scope(connection, own),
    ):
        november = date(2026, 11, 1), date(2026, 11, 30)
        period = period_of(connection, own, "xledger", *november)
        return make_report(connection, own, period, actor="user admin@example.org").id


def _draft(place: Place) -> None:
    """Begin a second Xledger, as far as its credentials."""
    drafting = place.installation.drafting_of(place.organizations[FILLED], "user admin@example.org")
    begun = {
        "key": DRAFT, "name": "Kanarifugl utkast", "type": "xledger",
        "newBook": {"key": "utkast", "name": "Kanarifugl utkast", "currency": "NOK"},
    }  # fmt: skip
    drafting.start(NewIntegration.model_validate(begun))
    drafting.save(DRAFT, ADDRESSES["xledger"], {"api_token": NewSecret(SECRET)})


def _open_sync(place: Place) -> None:
    """Leave a sync that goes on for ever: it is of a draft, of which nothing is ever sent."""
    ((request,),) = place.query(
        FILLED,
        "INSERT INTO sync_requests (id, organization_id, integration_id, actor, asked)"
        " SELECT gen_random_uuid(), organization_id, id, 'user admin@example.org',"
        """ '[{"currency": "NOK", "count": 3, "amount": "447"}]'"""
        " FROM organization_integrations WHERE is_draft RETURNING id",
    )  # fmt: skip
    place.values[FILLED]["sync:stop sync_id"] = request


def _second_version(place: Place) -> None:
    """Save another version of each mapping, so that two can be compared."""
    own = place.organizations[FILLED]
    changed = {**MAPPING, "counterAccount": "2910"}
    with (
        place.installation.pool.connection() as connection,
        organization_scope(connection, own),
    ):
        for one in list_integrations(connection, own):
            if not one.is_draft:
                save_mapping(connection, own, one.id, changed, "user admin@example.org")


def _values(place: Place, slug: str) -> dict[str, Any]:
    """Return what stands for the parameters of addresses, `name` or `address name`."""
    exports = place.query(slug, "SELECT id, source_id FROM exports ORDER BY id LIMIT 1")
    entries = place.query(
        slug, "SELECT 'c' || (extract(epoch FROM at) * 1000000)::bigint || '-' || id"
        " FROM change_logs ORDER BY id LIMIT 1",
    )  # fmt: skip
    integrations = place.query(slug, "SELECT key FROM organization_integrations ORDER BY key")
    books = place.query(slug, "SELECT key FROM books ORDER BY key")
    tokens = place.query(slug, "SELECT id FROM api_tokens ORDER BY id")
    passkeys = Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN)
    return {
        "exportId": exports[0][0] if exports else 1,
        "cause": "none",
        "decision": "exported",
        "reconciliation_id": RUN,
        "export_id": exports[0][0] if exports else 1,
        "entry": entries[0][0] if entries else "c1-1",
        "entryId": entries[0][0] if entries else "c1-1",
        "sourceId": exports[0][1] if exports else "none",
        "runId": RUN,
        "syncId": RUN,
        "sync_id": RUN,
        "reconciliationId": RUN,
        "alertId": 1,
        "version": 1,
        "table": "costCentres",
        "mapping:default kind": "mileage",
        "bookKey": books[0][0] if books else "none",
        "integrationKey": integrations[0][0] if integrations else "none",
        **{f"integrations:{step} key": DRAFT for step in _STEPS_OF_A_DRAFT},
        "key": integrations[0][0] if integrations else "none",
        "book_key": books[0][0] if books else "none",
        "field": "client_secret",
        "kind": "account",
        "token_id": tokens[0][0] if tokens else RUN,
        "pk": passkeys.filter(user__email="admin@example.org").values_list("pk")[0][0],
        "token": "none",
        "uidb36": "1",
        "account_reset_password_from_key key": "none",
        "provider_id": "none",
    }


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
            *({
                "slug": slug, "name": "Vandrelaget", "language": language,
                "allowedNetworks": ["127.0.0.0/8"],
                "members": [{"subject": f"walker-{language}@example.org", "role": "admin"}],
            } for language, slug in WALKS.items()),
            *({
                "slug": slug, "name": "Tilordningslaget", "language": language,
                "allowedNetworks": ["127.0.0.0/8"],
                "members": [{"subject": f"mapper-{language}@example.org", "role": "admin"}],
                "books": [{"key": "rest", "name": "Hovedbok", "currency": "NOK"}],
                "integrations": [_integration("rest", addresses["rest"], "Tilordningslaget")],
            } for language, slug in MAPPED.items()),
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
    # by way of a person, whose decisions the database counts itself: so the totals are right
    ways = {
        "sending": (), "accepted": (), "exported": ("needs_review",), "failed": (), "in_doubt": (),
        "needs_review": ("in_doubt",), "reversed": ("needs_review", "exported"),
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
