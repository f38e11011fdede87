"""The portal on a real database: Alice's organization, Charlie's, and people who are signed in.

Who signs in how is tested elsewhere; here a session is made as signing in would leave it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections
from django.test import Client

from bilag.app.serve import prepare
from bilag.portal.accounts.arrivals import find_person, make_person
from bilag.portal.accounts.proof import PROVEN
from bilag.tenants.members import Role, save_member
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage


@dataclass
class Portal:
    """The stage of the API (`stage`), with browsers of people beside it."""

    stage: Stage
    slug: str = "alice"

    def browser(
        self, role: Role | None = "admin", name: str = "", organization: UUID | None = None
    ) -> Client:
        """Return the browser of somebody signed in, with this role in Alice's organization.

        Without a role they belong to no organization.
        """
        subject = name or f"{role or 'nobody'}@example.org"
        if role is not None:
            own = organization or self.stage.alice.organization
            with (
                self.stage.installation.pool.connection() as connection,
                organization_scope(connection, own),
            ):
                save_member(connection, own, subject, role)
        person = find_person(subject) or make_person(subject, None)
        client = Client(SERVER_NAME="localhost", headers={"accept-language": "en"})
        client.force_login(person)
        session = client.session
        session[PROVEN] = time.time()
        session.save()
        return client

    def page(self, path: str = "") -> str:
        """Return the address of a page of Alice's organization."""
        return f"/o/{self.slug}/{path}"


@contextmanager
def portal_stage(database: Database, home: Path, monkeypatch: Any) -> Iterator[Portal]:
    """Open an installation on the database and hand it to the portal."""
    try:
        with api_stage(database, home, monkeypatch) as stage:
            prepare(stage.installation)
            yield Portal(stage)
    finally:
        connections["default"].close()
