"""A database of the first version, with claims in it, is brought to this one by `migrate`."""

import os

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from bilag.app.migrate import migrate, setup_django
from tests.clusters import Cluster, database_of


def test_the_first_version_is_brought_to_this_one(cluster: Cluster) -> None:
    old = database_of(cluster, f"bilag_old_{os.getpid()}")
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        name = sql.Identifier(old.name)
        superuser.execute(sql.SQL("CREATE DATABASE {} OWNER bilag_owner").format(name))
    setup_django(old.application_url, old.owner_url)
    call_command("migrate", "bilag", "0001", database="owner", verbosity=0, interactive=False)
    connections["owner"].close()
    with psycopg.connect(old.owner_url, autocommit=True) as owner:
        columns = owner.execute(
            "SELECT count(*) FROM information_schema.columns WHERE table_name = 'organizations'"
            " AND column_name = 'force_approval_above'"
        ).fetchone()
        assert columns == (0,)
        owner.execute(
            "INSERT INTO organizations (id, slug, name)"
            " VALUES ('00000000-0000-0000-0000-000000000001', 'hlf', 'HLF')"
        )
    for _ in range(2):
        migrate(old.owner_url, old.application_url)
    with psycopg.connect(old.application_url) as application:
        application.execute(
            "SELECT set_config('bilag.organization', '00000000-0000-0000-0000-000000000001', true)"
        )
        kept = application.execute(
            "SELECT slug, force_approval_above FROM organizations"
        ).fetchall()
        assert kept == [("hlf", None)]
        assert application.execute("SELECT * FROM reconciliations").fetchall() == []
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
