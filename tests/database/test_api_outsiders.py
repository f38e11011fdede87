"""Outsiders of every kind at every operation there is: nothing seen, nothing changed.

An operation is walked as soon as it is in the document; what it is asked stands in `test_api_auth`.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.http import HttpResponse

from bilag.tenants.callers import SCOPES_OF_ROLE, Caller
from bilag.tenants.members import Role, remove_member, save_member
from bilag.tenants.scope import organization_scope
from tests.clusters import Cluster, Database
from tests.database.api_stage import Person, Stage, api_stage, problem, record
from tests.database.test_api_auth import BODIES, PLACES, operations_of
from tests.database.test_tenants import superuser_url
from tests.issuers import (
    HMAC_SECRET,
    Issuer,
    hmac_token,
    running_issuer,
    write_issuers,
    wrong_tokens,
)

ORGANIZATION = "Bilag-Organization"
# It stands in everything of Alice's organization that has a text, and nobody else may read it.
MARK = "ALICE-ONLY-4711"
# What is done with it stands on its own: it is signed by the accounting system, and refused to all.
UNSIGNED = {"put_export"}
NAMES = (
    "exportId", "integrationKey", "reconciliationId", "runId", "sourceId", "syncId", "entryId",
    "alertId",
)  # fmt: skip
SYNC = """
INSERT INTO sync_requests (id, organization_id, integration_id, actor, asked)
SELECT gen_random_uuid(), organization_id, id, %s, '[]' FROM organization_integrations
WHERE organization_id = %s RETURNING id
"""
ALERT = """
INSERT INTO alerts (organization_id, rule, cause, params, opened_at, told_at)
VALUES (%s, 'silence', 'x', jsonb_build_object('integration', %s::text), now(), now()) RETURNING id
"""


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture
def stage(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issuer: Issuer
) -> Iterator[Stage]:
    monkeypatch.setenv("BILAG_JWT_FILE", str(write_issuers(tmp_path / "jwt.yaml", issuer.entry())))
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def member(stage: Stage, person: Person, subject: str, role: Role | None) -> None:
    """Make somebody a member of a person's organization, or remove them."""
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, person.organization),
    ):
        if role is None:
            assert remove_member(connection, person.organization, subject)
        else:
            save_member(connection, person.organization, subject, role)


class Walk:
    """Alice's organization with its mark everywhere, and every operation addressed at it."""

    def __init__(self, stage: Stage, cluster: Cluster) -> None:
        self.stage = stage
        stage.query("UPDATE organizations SET name = %s", MARK)
        stage.query("UPDATE organization_integrations SET name = %s", MARK)
        stage.query("UPDATE books SET name = %s", MARK)
        claimant = {"id": "V017", "name": MARK}
        for one in ("C1", "C2"):
            stage.alice.hand_over(record(one, claimant=claimant, text=MARK, approvedBy=MARK))
        stage.look_up()
        asked = stage.alice.ask("POST", "/api/v1/reconciliations", BODIES["post_reconciliation"])
        stage.alice.ask("PUT", "/api/v1/closed-periods", {"policy": "first_open_day"})
        ((sync,),) = stage.query(SYNC, MARK, stage.alice.organization)
        ((alert,),) = stage.query(ALERT, stage.alice.organization, MARK)
        places = {
            **PLACES,
            "exportId": stage.alice.export_id("C1"),
            "integrationKey": stage.alice.integration,
            "reconciliationId": json.loads(asked.content)["id"],
            "syncId": sync,
            "entryId": stage.alice.get("/api/v1/audit-log")["entries"][0]["id"],
            "alertId": alert,
        }
        stage.query(
            "INSERT INTO syncs (id, organization_id, integration_id, trigger, actor)"
            " VALUES (%s, %s, %s, 'x', %s)",
            PLACES["runId"], stage.alice.organization, stage.alice.integration, MARK,
        )  # fmt: skip
        self.operations = operations_of(stage, **places)
        self.names = {str(places[one]) for one in NAMES}
        self._superuser = superuser_url(cluster, stage.database)

    def ask(self, **headers: str) -> dict[str, HttpResponse]:
        """Ask every operation; each answer, a refusal too, is without the mark."""
        found = {}
        for name, (method, path, _) in self.operations.items():
            body = BODIES.get(name)
            found[name] = self.stage.charlie.ask(method, path, body, **headers)
            assert MARK.encode() not in found[name].content, name
        return found

    def rows(self) -> dict[str, object]:
        """Return what Alice's organization has in each table, as a hash."""
        with psycopg.connect(self._superuser) as superuser:
            tables = superuser.execute(
                "SELECT c.relname, CASE c.relname WHEN 'organizations' THEN 'id'"
                " ELSE 'organization_id' END FROM pg_class c WHERE c.relrowsecurity"
                " AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition"
            ).fetchall()
            assert len(tables) > 20
            return {
                table: superuser.execute(
                    f"SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text))"
                    f" FROM {table} t WHERE {column} = %s",
                    [self.stage.alice.organization],
                ).fetchone()
                for table, column in tables
            }


@pytest.fixture
def walk(stage: Stage, cluster: Cluster) -> Walk:
    return Walk(stage, cluster)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_walk_is_about_what_is_there(walk: Walk) -> None:
    """Alice herself is refused nowhere: what outsiders do not find is there to be found."""
    marked = 0
    before = walk.rows()
    order = sorted(walk.operations, key=lambda name: name.startswith("delete"))
    for name in order:
        method, path, _ = walk.operations[name]
        answer = walk.stage.alice.ask(method, path, BODIES.get(name))
        refused = (401, 403) if name == "get_force" else (401, 403, 404)
        assert answer.status_code not in refused or name in UNSIGNED, (name, answer.content)
        marked += MARK.encode() in answer.content
    assert marked >= 5, "the mark can be seen by who may see it"
    assert walk.rows() != before


def test_nobody_without_a_valid_token_gets_or_changes_anything(walk: Walk, issuer: Issuer) -> None:
    member(walk.stage, walk.stage.alice, "gone", "admin")
    before = walk.rows()
    for authorization in (
        {"Authorization": ""},
        bearer("bilag_" + "a" * 40),
        bearer(issuer.token(sub="gone", exp=int(time.time()) - 60)),
        bearer(issuer.token(sub="gone", role="service_role")),
        bearer(hmac_token(issuer, HMAC_SECRET.encode())),
    ):
        for name, answer in walk.ask(**authorization).items():
            assert problem(answer, 401)["code"] == "token_not_valid", name
            assert answer["WWW-Authenticate"] == "Bearer"
    assert walk.rows() == before


def test_another_organization_finds_and_changes_nothing(walk: Walk, issuer: Issuer) -> None:
    member(walk.stage, walk.stage.charlie, "charlie-1", "admin")
    before = walk.rows()
    for headers in ({}, bearer(issuer.token(sub="charlie-1"))):
        answers = walk.ask(**headers)
        for name, (_, path, _) in walk.operations.items():
            status = answers[name].status_code
            assert status not in (401, 403, 500, 503) or name in UNSIGNED, (name, status)
            if walk.names & set(path.split("/")):
                assert status in (404, 422), (name, answers[name].content)
    assert walk.rows() == before


@pytest.mark.parametrize("role", ["coordinator", "accountant"])
def test_a_role_may_do_what_its_scopes_say_and_nothing_else(
    walk: Walk, issuer: Issuer, role: Role
) -> None:
    member(walk.stage, walk.stage.alice, "member-1", role)
    may = Caller(walk.stage.alice.organization, "", SCOPES_OF_ROLE[role]).may
    before = walk.rows()
    lies = {"role": "admin", "organization": "alice"}
    token = bearer(
        issuer.token(sub="member-1", role="admin", user_metadata=lies, app_metadata=lies)
    )
    seen = set()
    for name, (method, path, scope) in walk.operations.items():
        answer = walk.stage.alice.ask(method, path, BODIES.get(name), **token)
        if may(scope):
            assert answer.status_code not in (401, 403, 404), (name, answer.content)
            seen.add(name)
        else:
            refused = problem(answer, 403)
            assert refused["code"] == "role_without_scope", name
            assert MARK.encode() not in answer.content
    looked = {"list_runs", "get_run", "get_record", "list_syncs", "get_sync"}
    assert seen == looked or role == "accountant"
    assert {name for name in seen if name.startswith(("put_", "delete_"))} == set()
    assert walk.rows() == before


def test_who_is_no_member_or_no_more_is_told_nothing(walk: Walk, issuer: Issuer) -> None:
    member(walk.stage, walk.stage.charlie, "charlie-1", "admin")
    member(walk.stage, walk.stage.alice, "removed-1", "admin")
    removed = bearer(issuer.token(sub="removed-1"))
    status = "/api/v1/status"
    assert walk.stage.charlie.ask("GET", status, **removed).status_code == 200
    member(walk.stage, walk.stage.alice, "removed-1", None)
    before = walk.rows()
    said = set()
    for token, slug in (
        (removed, None), (removed, "alice"), (bearer(issuer.token(sub="nobody")), "alice"),
        (bearer(issuer.token(sub="charlie-1")), "alice"),
        (bearer(issuer.token(sub="charlie-1")), "nowhere"),
        (bearer(issuer.token(sub="charlie-1")), ""),
    ):  # fmt: skip
        headers = dict(token) if slug is None else {**token, ORGANIZATION: slug}
        for name, answer in walk.ask(**headers).items():
            refused = problem(answer, 403)
            assert refused["code"] == "member_of_none", name
            said.add(refused["detail"])
    assert len(said) == 1, "an organization that is there is refused as one that is not"
    assert walk.rows() == before


def test_a_person_acts_in_their_own_name_in_the_organization_they_name(
    stage: Stage, issuer: Issuer
) -> None:
    for person in (stage.alice, stage.charlie):
        member(stage, person, "both-1", "admin")
    token = bearer(issuer.token(sub="both-1"))
    address, body = "/api/v1/integrations/ledger/enabled", {"enabled": False}
    unnamed = problem(stage.alice.ask("PUT", address, body, **token), 400)
    assert unnamed["code"] == "organization_not_named"
    assert "alice, charlie" in unnamed["detail"]
    done = stage.alice.ask("PUT", address, body, **token, **{ORGANIZATION: "alice"})
    assert done.status_code == 200
    assert stage.query("SELECT enabled FROM organization_integrations") == [(False,)]
    assert stage.query("SELECT actor, event FROM change_logs") == [
        ("user both-1", "integration.changed")
    ]
    theirs = stage.charlie.get("/api/v1/integrations")["integrations"]
    assert [one["enabled"] for one in theirs] == [True]


def test_a_token_of_ours_goes_where_it_belongs_whatever_organization_is_named(
    stage: Stage,
) -> None:
    answer = stage.charlie.ask("PUT", "/api/v1/integrations/ledger/enabled", {"enabled": False},
                               **{ORGANIZATION: "alice"})  # fmt: skip
    assert answer.status_code == 200
    assert stage.query("SELECT enabled FROM organization_integrations") == [(True,)]


def test_every_lie_in_a_signed_token_is_refused(stage: Stage, issuer: Issuer) -> None:
    for subject in ("5f0c8a52-administrator-001", "admin@example.org", "x", "17"):
        member(stage, stage.alice, subject, "admin")
    for why, token in wrong_tokens(issuer).items():
        answer = stage.alice.ask(
            "PUT", "/api/v1/integrations/ledger/enabled", {"enabled": False}, **bearer(token)
        )
        assert answer.status_code in (401, 429), (why, answer.content)
    assert stage.query("SELECT enabled FROM organization_integrations") == [(True,)]
    good = stage.alice.ask("GET", "/api/v1/status", **bearer(issuer.token()))
    assert good.status_code == 200, "the right one is let in after all of them"


def test_an_issuer_out_of_reach_lets_nobody_in(stage: Stage, issuer: Issuer) -> None:
    member(stage, stage.alice, "5f0c8a52-administrator-001", "admin")
    issuer.answer = (500, b"", {})
    answer = stage.alice.ask("GET", "/api/v1/status", **bearer(issuer.token()))
    assert problem(answer, 503)["code"] == "issuer_unavailable"
    assert 1 <= int(answer["Retry-After"]) <= 10
    assert stage.alice.ask("GET", "/api/v1/status").status_code == 200, "our own tokens go on"
