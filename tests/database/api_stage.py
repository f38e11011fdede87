"""The API on a real database, with two organizations: Alice's, and Charlie's, who is an outsider.

Requests go through Django's whole stack; only the socket is left out.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from django.http import HttpResponse
from django.test import Client

from bilag.api.attempts import attempts
from bilag.app.jwt_issuers import open_signed_tokens
from bilag.app.wiring import Installation, open_installation
from bilag.delivery import installation as context
from bilag.tenants.scope import organization_scope
from bilag.tenants.tokens import SCOPES, create_token, list_tokens
from tests.clusters import Database
from tests.simulation.world import make_world

# Nobody listens there: in these tests nothing is sent.
SETTINGS: dict[str, Any] = {
    "baseUrl": "http://127.0.0.1:9",
    "path": "/vouchers",
    "auth": {"kind": "api_key", "apiKeyHeader": "X-API-Key"},
    "success": {"externalReference": "/id", "voucherNumber": "/voucherNumber"},
}
MAPPING = {
    "categories": {"travel": {"account": "7140"}, "meal": {"account": "7160"}},
    "counterAccount": "2990",
    "missingClaimant": "clearing",
    "clearingAccount": "2990",
}
EXPORTS = "/api/v1/accounting-exports"
RECORDS = "/api/v1/records"


def record(source_id: str = "C000017", **changes: Any) -> dict[str, Any]:
    """An approved claim of 349.50 by Volunteer 017, as the app sends it."""
    return {
        "sourceId": source_id,
        "category": "expense",
        "currency": "NOK",
        "claimant": {"id": "V017", "name": "Volunteer 017"},
        "approvedBy": "coordinator-3",
        "approvedAt": "2026-11-02T09:30:00Z",
        "lines": [
            {"date": "2026-10-05", "type": "travel", "amount": "249.50"},
            {"date": "2026-10-05", "type": "meal", "amount": "100"},
        ],
        **changes,
    }


@dataclass
class Person:
    """One organization as its app sees it: a token, and requests made with it."""

    organization: UUID
    integration: UUID
    token: str
    client: Client = field(default_factory=lambda: Client(SERVER_NAME="localhost"))

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send a request; a body that is not bytes goes as JSON. Headers as `Idempotency_Key`."""
        given = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        content_type = given.pop("Content-Type", "application/json")
        data = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        # The client raises what the API should have answered; the answer is what is tested.
        self.client.raise_request_exception = False
        response = self.client.generic(method, path, data, content_type=content_type, headers=given)
        assert isinstance(response, HttpResponse)
        return response

    def get(self, path: str) -> Any:
        """Return the JSON of a GET that must succeed."""
        response = self.ask("GET", path)
        assert response.status_code == 200, response.content
        return json.loads(response.content)

    def hand_over(self, *records: dict[str, Any]) -> None:
        """Hand over records that must be new."""
        for one in records:
            response = self.ask("POST", RECORDS, one)
            assert response.status_code == 201, response.content

    def export_id(self, source_id: str) -> int:
        """Return the id of a record's only export."""
        (export,) = self.get(f"{RECORDS}/{source_id}")["exports"]
        return int(export["id"])


@dataclass
class Stage:
    """The open installation, and the two organizations."""

    database: Database
    installation: Installation
    alice: Person
    charlie: Person

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as the application's role in Alice's scope."""
        with (
            self.installation.pool.connection() as connection,
            organization_scope(connection, self.alice.organization),
        ):
            cursor = connection.execute(statement, list(parameters) or None)
            return cursor.fetchall() if cursor.description else []

    def bring(self, export_id: int, *states: str, **columns: Any) -> None:
        """Take an export through states, as the engine does, and then set columns."""
        for state in states:
            self.query(
                "UPDATE exports SET state = %s, state_since = now() WHERE id = %s", state, export_id
            )
        for column, value in columns.items():
            self.query(f"UPDATE exports SET {column} = %s WHERE id = %s", value, export_id)

    def look_up(self) -> None:
        """Give Alice's integration a look-up, without which nothing is reconciled."""
        self.query(
            "UPDATE organization_integrations SET settings = settings"
            """ || '{"lookUp": {"path": "/vouchers?ref={reference}", "reference": "/ref"}}'"""
        )

    def token(self, *scopes: str) -> str:
        """Make another token for Alice's organization."""
        with (
            self.installation.pool.connection() as connection,
            organization_scope(connection, self.alice.organization),
        ):
            return create_token(connection, self.alice.organization, "another", scopes)

    def newest_token_id(self) -> UUID:
        """Return the id of the token that was made last."""
        with (
            self.installation.pool.connection() as connection,
            organization_scope(connection, self.alice.organization),
        ):
            return list_tokens(connection, self.alice.organization)[0].id


@contextmanager
def api_stage(database: Database, home: Path, monkeypatch: Any) -> Iterator[Stage]:
    """Open an installation on the database, hand it to the API and set up the organizations."""
    monkeypatch.setenv("BILAG_DATABASE_URL", database.application_url)
    monkeypatch.setenv("BILAG_DATABASE_OWNER_URL", database.owner_url)
    attempts.forget()
    with open_installation(home) as opened:
        # as `serve` does; a test that wants people to come with signed tokens names an issuer
        installation = replace(opened, signed_tokens=open_signed_tokens(os.environ))
        context.use(installation)
        yield Stage(
            database,
            installation,
            _person(installation, database, home, "alice"),
            _person(installation, database, home, "charlie"),
        )


def _person(installation: Installation, database: Database, home: Path, slug: str) -> Person:
    with make_world(
        database.application_url,
        database.owner_url,
        home,
        settings=SETTINGS,
        mapping=MAPPING,
        slug=slug,
    ) as world:
        pass
    with (
        installation.pool.connection() as connection,
        organization_scope(connection, world.organization),
    ):
        token = create_token(connection, world.organization, "app", SCOPES)
    return Person(world.organization, world.integration, token)


def problem(response: HttpResponse, status: int) -> dict[str, Any]:
    """Return the problem details of an answer that must be a refusal with this status."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(response.content)
    assert found["status"] == status
    assert found["requestId"] == response["X-Request-Id"]
    assert found["title"] != f"api_title_{status}"
    assert all(one["message"] != one["code"] for one in found["problems"]), found
    return found


def connect_owner(stage: Stage) -> psycopg.Connection[Any]:
    """Connect as the owner of the tables, whom row-level security does not bind."""
    return psycopg.connect(stage.database.owner_url, autocommit=True)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
