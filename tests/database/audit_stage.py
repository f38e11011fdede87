"""A delivered organization whose log is tampered with; each test works on a copy of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bilag.exports.anchors import Anchor, AnchorFiles, head
from bilag.exports.epoch import EpochMark
from bilag.exports.verify import Verified, one_view, verify
from bilag.integrations.key_sources import open_vault
from bilag.integrations.model import organization_id
from bilag.integrations.vault import audit_key, load_data_key
from bilag.tenants.scope import organization_scope
from tests.clusters import Cluster, Database, database_of
from tests.sandboxes import start_sandbox
from tests.simulation.conftest import rest_settings
from tests.simulation.test_restore import copy_database
from tests.simulation.world import claim, make_world

SLUG = "blindeforbundet"
CLAIMS = 40


@dataclass(frozen=True)
class Log:
    """One organization's log, in a database of its own; `home` holds keys, mark and anchors."""

    database: Database
    superuser_url: str
    home: Path
    organization: UUID

    @contextmanager
    def scope(self) -> Iterator[psycopg.Connection[Any]]:
        """Open the organization's scope as the application's role."""
        with (
            psycopg.connect(self.database.application_url, autocommit=True) as connection,
            organization_scope(connection, self.organization),
        ):
            yield connection

    def superuser(self, *statements: str) -> None:
        """Do something that no trigger hinders."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                connection.execute(statement.encode())

    def value(self, query: str) -> Any:
        """Return the first column of the first row, as the superuser sees it."""
        with psycopg.connect(self.superuser_url) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]

    @property
    def anchors(self) -> AnchorFiles:
        """Return the anchors of the home folder."""
        return AnchorFiles(self.home / "anchors")

    def anchor(self) -> Anchor:
        """Anchor the newest link."""
        with self.scope() as connection:
            newest = head(connection, self.organization)
        assert newest is not None
        self.anchors.add(SLUG, newest)
        return newest

    def verify(self, *, keyed: bool = True) -> Verified:
        """Verify as the command does."""
        anchors = self.anchors.of(SLUG, self.organization)
        restores = EpochMark(self.home / "epoch.json").restores()
        key = None
        if keyed:
            with self.scope() as connection:
                vault = open_vault(self.home, {})
                key = audit_key(load_data_key(connection, vault, self.organization))
        with (
            psycopg.connect(self.database.application_url, autocommit=True) as connection,
            one_view(connection, self.organization),
        ):
            return verify(connection, self.organization, anchors, restores, key)

    def first(self) -> tuple[str, dict[str, str]]:
        """Return the code and the parameters of the first fault, which must be there."""
        found = self.verify().first
        assert found is not None, "nothing was found"
        return found.problem.code, dict(found.problem.params)


def deliver(cluster: Cluster, template: Database, name: str, home: Path) -> Log:
    """Deliver claims for real: accepted ones, refused ones, and decisions of people about them."""
    made = database_of(cluster, name)
    copy_database(cluster.superuser_url, template.name, name)
    with (
        start_sandbox("rest", auth="none") as sandbox,
        make_world(
            made.application_url, made.owner_url, home, settings=rest_settings(sandbox.url)
        ) as world,
    ):
        sandbox.faults({"kind": "status", "status": 422, "at": [1, 2, 3, 4, 5]})
        world.accept([claim(number) for number in range(CLAIMS)])
        world.start_worker("--once").wait(120)
        for export_id in world.query("SELECT id FROM exports WHERE state = 'failed' ORDER BY id"):
            world.exports.retry_failed_exports(export_ids=[export_id[0]])
        world.start_worker("--once").wait(120)
        assert world.states() == {"exported": CLAIMS}
    superuser = psycopg.conninfo.make_conninfo(cluster.superuser_url, dbname=name)
    return Log(made, superuser, home, organization_id(SLUG))
