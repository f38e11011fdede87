"""People come by invitation, once; roles change and end, but never the last administrator's."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from bilag.core.problem import Refused
from bilag.delivery.membership import Membership, accept_invitation, invitation_of
from bilag.tenants.invitations import email_subject
from bilag.tenants.members import memberships_of
from tests.clusters import Database
from tests.database.people import ALICE, CHARLIE, scope, two_organizations

ADMIN, OTHER = "v017@example.org", "v018@example.org"


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool[psycopg.Connection[Any]]]:
    two_organizations(database.application_url)
    pool: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
        database.application_url, min_size=1, kwargs={"autocommit": True}, open=True
    )
    with pool:
        yield pool


def people(pool: Any, organization: UUID = ALICE) -> Membership:
    return Membership(pool, organization, actor=f"user {ADMIN}")


def joined(pool: Any, email: str, role: Any, organization: UUID = ALICE) -> None:
    accept_invitation(pool, people(pool, organization).invite(email, role)[1], email)


def refused(call: Any, *arguments: Any) -> list[str]:
    with pytest.raises(Refused) as error:
        call(*arguments)
    return [problem.code for problem in error.value.problems]


def changes(database: Database, organization: UUID = ALICE) -> list[tuple[str, str, str]]:
    with scope(database.application_url, organization) as connection:
        return connection.execute(
            "SELECT actor, event, subject FROM change_logs ORDER BY link"
        ).fetchall()


def test_an_invited_person_becomes_a_member_once(pool: Any, database: Database) -> None:
    made, token = people(pool).invite(" V018@Example.org ", "accountant")
    assert (made.email, made.role) == (OTHER, "accountant")
    assert (made.expires_at - made.created_at).days == 7
    found = invitation_of(pool, token)
    assert (found.organization_name, found.email, found.role) == ("Alice", OTHER, "accountant")
    assert accept_invitation(pool, token, OTHER) == found
    assert refused(accept_invitation, pool, token, OTHER) == ["invitation_ended"]
    members, invitations = people(pool).listed()
    assert [(one.subject, one.role) for one in members] == [(OTHER, "accountant")]
    assert invitations == []
    assert changes(database) == [
        (f"user {ADMIN}", "member.invited", f"member {OTHER}"),
        (f"user {OTHER}", "member.joined", f"member {OTHER}"),
    ]


def test_of_many_who_accept_at_once_one_does(pool: Any, database: Database) -> None:
    _, token = people(pool).invite(OTHER, "admin")
    together = threading.Barrier(4)

    def accept(_: int) -> bool:
        together.wait()
        try:
            accept_invitation(pool, token, OTHER)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(accept, range(4))) == 1
    assert [event for _, event, _ in changes(database)] == ["member.invited", "member.joined"]


def test_of_many_who_invite_the_same_person_at_once_one_link_works(pool: Any) -> None:
    together = threading.Barrier(4)

    def invite(_: int) -> str:
        together.wait()
        return people(pool).invite(OTHER, "admin")[1]

    with ThreadPoolExecutor(4) as threads:
        tokens = list(threads.map(invite, range(4)))
    working = [token for token in tokens if not _ended(pool, token)]
    assert len(working) == 1
    assert len(people(pool).listed()[1]) == 1


def _ended(pool: Any, token: str) -> bool:
    try:
        invitation_of(pool, token)
    except Refused:
        return True
    return False


def test_a_link_is_for_one_address_and_ends(pool: Any, database: Database) -> None:
    made, token = people(pool).invite(OTHER, "admin")
    assert refused(accept_invitation, pool, token, ADMIN) == ["invitation_for_another"]
    for wrong in ("", "x", token[:-1], token[:-1] + "æ", "x" * 40, f"{token} "):
        assert refused(invitation_of, pool, wrong) == ["invitation_ended"]
    again, newer = people(pool).invite(OTHER, "accountant")
    assert refused(invitation_of, pool, token) == ["invitation_ended"]
    assert [one.id for one in people(pool).listed()[1]] == [again.id]
    assert refused(people(pool).withdraw, made.id) == ["invitation_unknown"]
    assert people(pool).withdraw(again.id) == OTHER
    assert refused(invitation_of, pool, newer) == ["invitation_ended"]
    _, late = people(pool).invite(OTHER, "accountant")
    with scope(database.application_url, ALICE) as connection:
        connection.execute("UPDATE invitations SET expires_at = now()")
    assert refused(accept_invitation, pool, late, OTHER) == ["invitation_ended"]
    assert people(pool).listed()[0] == []


def test_the_database_keeps_no_link(pool: Any, database: Database) -> None:
    _, token = people(pool).invite(OTHER, "admin")
    with psycopg.connect(database.owner_url) as owner:
        kept = owner.execute(
            "SELECT string_agg(to_json(i)::text, '') FROM invitations i"
        ).fetchone()
        logged = owner.execute(
            "SELECT string_agg(to_json(c)::text, '') FROM change_logs c"
        ).fetchone()
    assert kept is not None
    assert logged is not None
    for text in (kept[0], logged[0]):
        assert OTHER in text
        assert token not in text
        assert token.encode().hex() not in text


def test_what_cannot_be_invited_is_told(pool: Any) -> None:
    joined(pool, ADMIN, "admin")
    assert refused(people(pool).invite, ADMIN.upper(), "accountant") == ["member_already"]
    assert refused(people(pool).invite, OTHER, "owner") == ["role_not_valid"]
    for wrong in ("", "nobody", "a b@example.org", "a@b", "a@example.org\n", "x" * 250 + "@b.no"):
        if wrong != "a@example.org\n":  # what surrounds an address is not part of it
            assert refused(people(pool).invite, wrong, "admin") == ["email_not_valid"]
    assert email_subject("a@example.org\n") == "a@example.org"


def test_the_last_administrator_stays(pool: Any, database: Database) -> None:
    joined(pool, ADMIN, "admin")
    joined(pool, OTHER, "accountant")
    before = len(changes(database))
    assert refused(people(pool).remove, ADMIN) == ["last_admin"]
    assert refused(people(pool).change_role, ADMIN, "accountant") == ["last_admin"]
    assert people(pool).change_role(ADMIN, "admin") is False
    assert refused(people(pool).remove, "v019@example.org") == ["member_unknown"]
    assert len(changes(database)) == before, "what was refused leaves no trace"
    assert people(pool).change_role(OTHER, "admin") is True
    people(pool).remove(ADMIN)
    assert [one.subject for one in people(pool).listed()[0]] == [OTHER]
    assert [event for _, event, _ in changes(database)][before:] == [
        "member.changed",
        "member.removed",
    ]


def test_two_who_take_each_others_role_away_leave_one_administrator(pool: Any) -> None:
    joined(pool, ADMIN, "admin")
    joined(pool, OTHER, "admin")
    together = threading.Barrier(2)

    def remove(subject: str) -> bool:
        together.wait()
        try:
            people(pool).remove(subject)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(remove, [ADMIN, OTHER])) == 1
    assert [one.role for one in people(pool).listed()[0]] == ["admin"]


def test_an_outsider_changes_nobody(pool: Any) -> None:
    joined(pool, ADMIN, "admin")
    joined(pool, OTHER, "admin")
    made, _ = people(pool).invite("v019@example.org", "accountant")
    outsider = people(pool, CHARLIE)
    assert outsider.listed() == ([], [])
    assert refused(outsider.remove, OTHER) == ["member_unknown"]
    assert refused(outsider.change_role, OTHER, "accountant") == ["member_unknown"]
    assert refused(outsider.withdraw, made.id) == ["invitation_unknown"]
    assert refused(outsider.withdraw, uuid4()) == ["invitation_unknown"]
    assert len(people(pool).listed()[0]) == 2


def test_who_is_a_member_already_keeps_the_role(pool: Any) -> None:
    _, token = people(pool).invite(ADMIN, "accountant")
    joined(pool, OTHER, "accountant", CHARLIE)
    with pool.connection() as connection, connection.transaction():
        connection.execute("SELECT set_config('bilag.organization', %s, true)", [str(ALICE)])
        connection.execute(
            "INSERT INTO members (organization_id, subject, role) VALUES (%s, %s, 'admin')",
            [ALICE, ADMIN],
        )
    accept_invitation(pool, token, ADMIN)
    with pool.connection() as connection:
        assert [(one.slug, one.role) for one in memberships_of(connection, ADMIN)] == [
            ("alice", "admin")
        ]
