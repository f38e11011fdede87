"""Tenants are separated twice: by our own queries, and by the database whatever the query (X2)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from bilag.core.problem import Refused
from bilag.tenants.members import (
    Membership,
    is_global_admin,
    list_members,
    member_role,
    memberships_of,
    remove_member,
    save_member,
)
from bilag.tenants.organizations import (
    Organization,
    get_organization,
    list_organizations,
    read_organization,
    save_organization,
)
from bilag.tenants.role import UnsafeRole, refuse_unsafe_role
from bilag.tenants.tokens import Caller, authenticate, create_token, list_tokens, revoke
from tests.clusters import Cluster, Database
from tests.database.people import ALICE, CHARLIE, scope, two_organizations

# Tables that hold no organization's data. Whoever adds one here has to be able to say why.
WITHOUT_TENANT = {
    # people, who may belong to several organizations or to none; `members` says to which
    "account_emailaddress",
    "account_emailconfirmation",
    "mfa_authenticator",
    "portal_accounts_user",
    "socialaccount_socialaccount",
    "socialaccount_socialapp",
    "socialaccount_socialtoken",
    "usersessions_usersession",
    "django_session",
    # Django's own, and empty of ours
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
    "django_migrations",
    "global_admins",  # people who look after the installation, not an organization
    "instance",
    "instance_keys",  # one row, wrapped: of no organization
    "procrastinate_events",
    "procrastinate_jobs",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
    "wage_rates",  # rates and limits of the law
    "web_cache",  # counts of failed sign-ins, by address and account
}

# The closed list of X2: what runs with the owner's rights and may therefore cross tenants.
CROSSING = {
    "authenticate_token",
    "begin_epoch",
    "changes_about",
    "due_integrations",
    "due_reconciliations",
    "due_schedules",
    "ensure_partitions",
    "find_invitation",
    "fold_record_types",
    "fold_totals",
    "forget_idempotency_keys",
    "global_health",
    "installation_figures",
    "list_organizations",
    "organizations_of",
    "organizations_to_watch",
    "organizations_with_notices",
    "runs_with_claims",
}

BY_TYPE = {
    "uuid": "gen_random_uuid()",
    "text": "'x'",
    "int2": "1",
    "int4": "1",
    "int8": "1",
    "bool": "false",
    "numeric": "1",
    "jsonb": "'{}'",
    "bytea": "sha256('x')",
    "date": "current_date",
    "timestamptz": "now()",
    "_text": "'{}'",
}


@pytest.fixture
def url(database: Database) -> str:
    two_organizations(database.application_url)
    return database.application_url


def tenant_tables(owner_url: str) -> dict[str, str]:
    """Return each table with rows of organizations, and the column that names the organization."""
    with psycopg.connect(owner_url) as owner:
        rows = owner.execute(
            "SELECT c.relname, CASE c.relname WHEN 'organizations' THEN 'id'"
            " ELSE 'organization_id' END FROM pg_class c"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
            " AND NOT c.relispartition AND c.relname <> ALL (%s) ORDER BY c.relname",
            [list(WITHOUT_TENANT)],
        ).fetchall()
    return dict(rows)


def superuser_url(cluster: Cluster, database: Database) -> str:
    return psycopg.conninfo.make_conninfo(cluster.superuser_url, dbname=database.name)


def a_row(connection: psycopg.Connection[Any], table: str, organization: UUID) -> sql.Composed:
    """Return an INSERT of a row of this organization with every column that has to be filled."""
    columns = connection.execute(
        "SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
        " WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND a.attnotnull"
        " AND NOT a.atthasdef AND a.attidentity = ''",
        [table],
    ).fetchall()
    own = "id" if table == "organizations" else "organization_id"
    names = [name for name, _ in columns]
    values = [
        sql.Literal(str(organization)) if name == own else sql.SQL(BY_TYPE[kind])
        for name, kind in columns
    ]
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(values),
    )


def fill(tables: dict[str, str], url: str) -> None:
    """Give Alice's organization a row in every table, whatever else the row would have to be."""
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")  # no foreign keys, no triggers
        checks = superuser.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype = 'c' AND conrelid <> 0 AND conparentid = 0 AND conislocal"
        ).fetchall()
        for table, check in checks:
            if table in tables:
                names = sql.Identifier(table), sql.Identifier(check)
                superuser.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*names))
        for table in tables.keys() - {"organizations"}:
            # the settings of watching are there already: they are made with the organization
            superuser.execute(a_row(superuser, table, ALICE) + sql.SQL(" ON CONFLICT DO NOTHING"))


def test_every_table_has_row_level_security_but_a_closed_list(database: Database) -> None:
    with psycopg.connect(database.owner_url) as owner:
        unguarded = owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relrowsecurity"
        ).fetchall()
        half = owner.execute(
            "SELECT tablename, cmd, qual, with_check FROM pg_policies WHERE schemaname = 'public'"
            " AND (cmd <> 'ALL' OR qual IS DISTINCT FROM with_check"
            "      OR qual NOT LIKE '%current_organization()%')"
        ).fetchall()
        views = owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('v', 'm')"
        ).fetchall()
    assert {name for (name,) in unguarded} == WITHOUT_TENANT
    assert half == []
    assert views == [], "a view runs with its owner's rights: rows would cross tenants"


def test_functions_that_cross_tenants_are_a_closed_list(database: Database) -> None:
    with psycopg.connect(database.owner_url) as owner:
        functions = owner.execute(
            "SELECT proname, coalesce(proconfig, '{}'),"
            " EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) a"
            "         WHERE a.grantee = 0)"
            " FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        ).fetchall()
    assert {name for name, _, _ in functions} == CROSSING
    for name, settings, everybody in functions:
        assert settings == ["search_path=public, pg_temp"], name
        assert everybody is False, f"{name} may be called by any role"


def test_no_table_shows_or_takes_another_organizations_rows(
    database: Database, cluster: Cluster, url: str
) -> None:
    tables = tenant_tables(database.owner_url)
    fill(tables, superuser_url(cluster, database))

    def counted(organization: UUID | None, table: str) -> int | None:
        """Return how many of Alice's rows are seen, or None where nothing may be read at all."""
        with psycopg.connect(url) as connection:
            if organization is not None:
                connection.execute(
                    "SELECT set_config('bilag.organization', %s, true)", [str(organization)]
                )
            statement = sql.SQL("SELECT count(*) FROM {} WHERE {} = {}").format(
                sql.Identifier(table), sql.Identifier(tables[table]), sql.Literal(str(ALICE))
            )
            try:
                row = connection.execute(statement).fetchone()
            except psycopg.errors.InsufficientPrivilege:
                return None
        return int(row[0]) if row else None

    unread = {table for table in tables if counted(ALICE, table) is None}
    assert not unread, f"nobody at all may read {unread}"
    for table in tables:
        assert (counted(ALICE, table) or 0) > 0, f"{table}: the owner of the row does not see it"
        assert counted(CHARLIE, table) == 0, f"{table} shows another organization's rows"
        assert counted(None, table) == 0, f"{table} shows rows without a scope"
    for table in tables:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), scope(url, CHARLIE) as outsider:
            outsider.execute(a_row(outsider, table, ALICE))


def test_the_application_cannot_change_or_remove_another_organizations_rows(
    database: Database, cluster: Cluster, url: str
) -> None:
    tables = tenant_tables(database.owner_url)
    fill(tables, superuser_url(cluster, database))
    touched = {}
    for table, own in tables.items():
        for statement in (
            "UPDATE {0} SET {1} = {1} WHERE {1} = {2}",
            "DELETE FROM {0} WHERE {1} = {2}",
        ):
            composed = sql.SQL(statement).format(
                sql.Identifier(table), sql.Identifier(own), sql.Literal(str(ALICE))
            )
            try:
                with scope(url, CHARLIE) as outsider:
                    touched[table, statement[:6]] = outsider.execute(composed).rowcount
            except psycopg.errors.InsufficientPrivilege:
                continue
    assert touched, "the application may change something of its own"
    assert set(touched.values()) == {0}


def test_partitions_are_not_a_way_around(database: Database, url: str) -> None:
    with psycopg.connect(database.owner_url) as owner:
        partitions = owner.execute(
            "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
        ).fetchall()
    assert partitions
    for (name,) in partitions:
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            psycopg.connect(url) as connection,
        ):
            connection.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(name)))


def test_a_scope_ends_with_its_transaction(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("SELECT set_config('bilag.organization', %s, true)", [str(ALICE)])
        assert connection.execute("SELECT current_organization()").fetchone() == (None,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no organization"):
            connection.execute("SELECT * FROM runs_with_claims('{claim-1}')")


def test_the_application_role_is_safe(url: str) -> None:
    with psycopg.connect(url) as connection:
        refuse_unsafe_role(connection)


def test_owner_and_superuser_are_refused(database: Database, cluster: Cluster, url: str) -> None:
    with (
        psycopg.connect(database.owner_url) as owner,
        pytest.raises(UnsafeRole, match="owns table"),
    ):
        refuse_unsafe_role(owner)
    with (
        psycopg.connect(superuser_url(cluster, database)) as superuser,
        pytest.raises(UnsafeRole, match="superuser"),
    ):
        refuse_unsafe_role(superuser)


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        ("ALTER ROLE {} BYPASSRLS", "BYPASSRLS"),
        ("GRANT bilag_owner TO {}", "owns tables"),
        ("CREATE TABLE public.its_own (); ALTER TABLE public.its_own OWNER TO {}", "its_own"),
    ],
)
def test_a_role_that_may_become_more_is_refused(
    database: Database, cluster: Cluster, grant: str, reason: str
) -> None:
    """The role exists inside the transaction only: roles belong to the whole cluster."""
    role = sql.Identifier("bilag_test_role")
    with psycopg.connect(superuser_url(cluster, database)) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        connection.execute(sql.SQL(grant).format(role))
        connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(role))
        with pytest.raises(UnsafeRole, match=reason):
            refuse_unsafe_role(connection)
        connection.rollback()


def test_organizations_are_listed_by_name_only_and_read_by_their_own(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        assert [one.slug for one in list_organizations(connection)] == ["alice", "charlie"]
        found = get_organization(connection, "alice")
        assert found is not None
        assert (found.id, found.name, found.language) == (ALICE, "Alice", "nb")
        assert get_organization(connection, "nobody") is None
        assert read_organization(connection, ALICE) is None
    with scope(url, CHARLIE) as connection:
        assert read_organization(connection, ALICE) is None
    with pytest.raises(psycopg.errors.InsufficientPrivilege), scope(url, CHARLIE) as connection:
        save_organization(connection, Organization(ALICE, "alice", "Charlie's now"))


def test_an_organization_is_changed_only_when_it_differs(url: str) -> None:
    wanted = Organization(
        ALICE, "alice", "Alice", "nn", ["127.0.0.1/32"], {"version": "2"}, ["membership"]
    )
    with scope(url, ALICE) as connection:
        assert save_organization(connection, wanted) is True
        assert save_organization(connection, wanted) is False
        assert read_organization(connection, ALICE) == wanted


def test_members_belong_to_one_organization(url: str) -> None:
    with scope(url, ALICE) as connection:
        assert save_member(connection, ALICE, "alice", "admin") is True
        assert save_member(connection, ALICE, "alice", "admin") is False
        assert save_member(connection, ALICE, "bob", "coordinator") is True
        assert save_member(connection, ALICE, "bob", "accountant") is True
        assert remove_member(connection, ALICE, "alice") is True
        assert [(one.subject, one.role) for one in list_members(connection, ALICE)] == [
            ("bob", "accountant")
        ]
        assert member_role(connection, ALICE, "bob") == "accountant"
        assert member_role(connection, ALICE, "charlie") is None
    with scope(url, CHARLIE) as connection:
        assert list_members(connection, ALICE) == []
        assert member_role(connection, ALICE, "bob") is None
        assert remove_member(connection, ALICE, "bob") is False
    with pytest.raises(psycopg.errors.InsufficientPrivilege), scope(url, CHARLIE) as connection:
        save_member(connection, ALICE, "charlie", "admin")
    with scope(url, ALICE) as connection:
        assert len(list_members(connection, ALICE)) == 1


def test_a_person_is_told_of_their_own_organizations_only(url: str) -> None:
    for organization, subject, role in (
        (ALICE, "v017@example.org", "admin"),
        (CHARLIE, "v017@example.org", "accountant"),
        (CHARLIE, "v018@example.org", "coordinator"),
    ):
        with scope(url, organization) as connection:
            save_member(connection, organization, subject, role)
    with psycopg.connect(url) as connection:
        assert memberships_of(connection, "v017@example.org") == [
            Membership(ALICE, "alice", "Alice", "admin"),
            Membership(CHARLIE, "charlie", "Charlie", "accountant"),
        ]
        assert [one.slug for one in memberships_of(connection, "v018@example.org")] == ["charlie"]
        assert memberships_of(connection, "V018@example.org") == []
        assert memberships_of(connection, "") == []


def test_only_the_owner_says_who_looks_after_the_installation(database: Database, url: str) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("INSERT INTO global_admins (subject) VALUES ('v017@example.org')")
    with psycopg.connect(url, autocommit=True) as connection:
        assert is_global_admin(connection, "v017@example.org") is True
        assert is_global_admin(connection, "v018@example.org") is False
        for statement in (
            "INSERT INTO global_admins (subject) VALUES ('v018@example.org')",
            "UPDATE global_admins SET subject = 'v018@example.org'",
            "DELETE FROM global_admins",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_a_token_speaks_for_its_organization_until_it_is_revoked(url: str) -> None:
    with scope(url, ALICE) as connection:
        token = create_token(connection, ALICE, "The app", ["records:write", "exports:read"])
        (listed,) = list_tokens(connection, ALICE)
    assert listed.last_four == token[-4:]
    assert listed.expires_at - listed.created_at == timedelta(days=365)
    with psycopg.connect(url, autocommit=True) as connection:
        caller = authenticate(connection, token)
        assert caller == Caller(ALICE, f"token {listed.id}", ("exports:read", "records:write"))
        swapped = token[:-1] + ("a" if token[-1] != "a" else "b")
        for wrong in (swapped, token[6:], "", f"{token} ", "bilag_", "bilag_" + "æ" * 40):
            assert authenticate(connection, wrong) is None
    with scope(url, CHARLIE) as connection:
        assert list_tokens(connection, ALICE) == []
        assert revoke(connection, ALICE, listed.id) is False
    with psycopg.connect(url, autocommit=True) as connection:
        assert authenticate(connection, token) == caller
    with scope(url, ALICE) as connection:
        assert revoke(connection, ALICE, listed.id) is True
        assert revoke(connection, ALICE, listed.id) is False
        assert authenticate(connection, token) is None


def test_an_expired_token_is_nobody(url: str) -> None:
    with scope(url, ALICE) as connection:
        token = create_token(connection, ALICE, "The app", ["exports:read"], 1)
        assert authenticate(connection, token) is not None
        connection.execute("UPDATE api_tokens SET expires_at = now()")
        assert authenticate(connection, token) is None


def test_the_database_keeps_no_token(database: Database, url: str) -> None:
    with scope(url, ALICE) as connection:
        token = create_token(connection, ALICE, "The app", ["exports:read"])
    with psycopg.connect(database.owner_url) as owner:
        rows = owner.execute("SELECT to_json(t)::text FROM api_tokens t").fetchall()
    assert len(rows) == 1
    assert token[6:] not in rows[0][0]
    assert token.encode().hex() not in rows[0][0]


@pytest.mark.parametrize(
    ("name", "scopes", "days", "codes"),
    [
        ("app", ["exports:delete"], 10, ["token_scope_unknown"]),
        ("app", [], 10, ["token_without_scope"]),
        ("app", ["exports:read"], 731, ["token_days"]),
        (" ", ["exports:read"], 0, ["token_without_name", "token_days"]),
    ],
)
def test_a_token_that_is_too_much_is_refused(
    url: str, name: str, scopes: list[str], days: int, codes: list[str]
) -> None:
    with scope(url, ALICE) as connection:
        with pytest.raises(Refused) as refused:
            create_token(connection, ALICE, name, scopes, days)
        assert [problem.code for problem in refused.value.problems] == codes
        assert list_tokens(connection, ALICE) == []


def test_a_token_for_another_organization_cannot_be_made(url: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), scope(url, CHARLIE) as connection:
        create_token(connection, ALICE, "Charlie's way in", ["exports:write"])
    with scope(url, ALICE) as connection:
        assert list_tokens(connection, ALICE) == []
        assert revoke(connection, ALICE, uuid4()) is False
