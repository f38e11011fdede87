"""A database of an earlier version, with claims in it, is brought to this one by `migrate`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from bilag.app.migrate import migrate, setup_django
from tests.clusters import Cluster, Database, database_of

ORGANIZATION = "00000000-0000-0000-0000-000000000001"
LEDGER = """
INSERT INTO books (id, organization_id, key, name, currency)
VALUES (%(id)s, %(id)s, 'main', 'Main', 'NOK');
INSERT INTO organization_integrations (id, organization_id, book_id, key, name, integration_type)
VALUES (%(id)s, %(id)s, %(id)s, 'ledger', 'Ledger', 'rest')
"""
EXPORT = """
INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system, source_id,
    revision, live, category, currency, amount, reference, state, reason)
SELECT %(id)s, %(id)s, %(id)s, gen_random_uuid(), 'app', %(source)s, 1, state <> 'cancelled',
    'expense', 'NOK', 100, %(source)s, state, %(reason)s::jsonb
FROM (SELECT %(state)s AS state) given RETURNING id
"""
DECIDED = """
INSERT INTO change_logs (organization_id, at, actor, event, subject, detail, row_hash, link)
VALUES (%s, now(), 'Volunteer 017', 'export.decided', 'export ' || %s::bigint,
    '{"decision": "cancelled"}', '', 0)
"""


@contextmanager
def database_of_version(cluster: Cluster, version: str) -> Iterator[Database]:
    """A database as an earlier version's migrations leave it, with one organization."""
    old = database_of(cluster, f"bilag_old_{os.getpid()}_{version}")
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        name = sql.Identifier(old.name)
        superuser.execute(sql.SQL("CREATE DATABASE {} OWNER bilag_owner").format(name))
    setup_django(old.application_url, old.owner_url)
    call_command("migrate", "bilag", version, database="owner", verbosity=0, interactive=False)
    connections["owner"].close()
    with psycopg.connect(old.owner_url, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO organizations (id, slug, name) VALUES (%s, 'hlf', 'HLF')", [ORGANIZATION]
        )
    yield old
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_the_first_version_is_brought_to_this_one(cluster: Cluster) -> None:
    with database_of_version(cluster, "0001") as old:
        with psycopg.connect(old.owner_url, autocommit=True) as owner:
            columns = owner.execute(
                "SELECT count(*) FROM information_schema.columns"
                " WHERE table_name = 'organizations' AND column_name = 'force_approval_above'"
            ).fetchone()
            assert columns == (0,)
        for _ in range(2):
            migrate(old.owner_url, old.application_url)
        with psycopg.connect(old.application_url) as application:
            application.execute("SELECT set_config('bilag.organization', %s, true)", [ORGANIZATION])
            kept = application.execute(
                "SELECT slug, force_approval_above FROM organizations"
            ).fetchall()
            assert kept == [("hlf", None)]
            assert application.execute("SELECT * FROM reconciliations").fetchall() == []


def test_what_was_decided_out_of_doubt_before_stays_looked_for(cluster: Cluster) -> None:
    """A person had said that it is not there; the upgrade must not take that for proof."""
    states = {
        "decided-failed": ("failed", '{"code": "decided"}', True),
        "decided-cancelled": ("cancelled", None, True),
        "refused": ("failed", '{"code": "account_unknown"}', False),
        "withdrawn": ("cancelled", None, False),
        "waiting": ("pending", None, False),
    }
    with database_of_version(cluster, "0011") as old:
        with psycopg.connect(old.owner_url, autocommit=True) as owner:
            psycopg.ClientCursor(owner).execute(LEDGER, {"id": ORGANIZATION})
            for source, (state, reason, _) in states.items():
                row = {"id": ORGANIZATION, "source": source, "state": state, "reason": reason}
                ((export,),) = owner.execute(EXPORT, row).fetchall()
                if source == "decided-cancelled":
                    owner.execute(DECIDED, [ORGANIZATION, export])
        migrate(old.owner_url, old.application_url)
        with psycopg.connect(old.owner_url) as owner:
            left: dict[str, bool] = dict(
                owner.execute("SELECT source_id, left_in_doubt FROM exports").fetchall()
            )
    assert left == {source: doubted for source, (_, _, doubted) in states.items()}
