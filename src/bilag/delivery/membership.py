"""Who belongs to an organization: invited, accepted, given another role, removed (X3).

Every change is written to the audit log. An organization never loses its last administrator.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool

from bilag.core.problem import Problem, Refused
from bilag.exports.audit import record_change
from bilag.tenants.invitations import (
    DAYS,
    FoundInvitation,
    Invitation,
    create_invitation,
    find_invitation,
    list_invitations,
    use_invitation,
    withdraw_invitation,
)
from bilag.tenants.members import (
    Member,
    Role,
    add_member,
    list_members,
    lock_admins,
    member_role,
    remove_member,
    save_member,
)
from bilag.tenants.scope import organization_scope

Pool = ConnectionPool[psycopg.Connection[Any]]

ROLES: tuple[Role, ...] = get_args(Role)


class Membership:
    """The people of one organization, changed in the name of `actor`."""

    def __init__(self, pool: Pool, organization_id: UUID, *, actor: str) -> None:
        self._pool = pool
        self._organization_id = organization_id
        self._actor = actor

    def listed(self) -> tuple[list[Member], list[Invitation]]:
        """Return the members by subject, and the open invitations by e-mail."""
        with self._scope() as connection:
            return (
                list_members(connection, self._organization_id),
                list_invitations(connection, self._organization_id),
            )

    def invite(self, email: str, role: Role) -> tuple[Invitation, str]:
        """Invite a person; returns the token of the link, which cannot be read again.

        Raises Refused for something that is no e-mail address, an unknown role, or a member.
        """
        _refuse_unknown(role)
        with self._scope() as connection:
            made, token = create_invitation(
                connection, self._organization_id, email, role, self._actor
            )
            self._write(connection, "member.invited", made.email, {"role": role})
        return made, token

    def withdraw(self, invitation_id: UUID) -> str:
        """Withdraw an open invitation and return whose it was; raises Refused for none such."""
        with self._scope() as connection:
            email = withdraw_invitation(connection, self._organization_id, invitation_id)
            if email is None:
                raise Refused(Problem("invitation_unknown"))
            self._write(connection, "member.invitation_withdrawn", email, {})
        return email

    def change_role(self, subject: str, role: Role) -> bool:
        """Give a member another role; returns whether that changed anything.

        Raises Refused for an unknown role, no member, or the last administrator.
        """
        _refuse_unknown(role)
        with self._scope() as connection:
            old = self._role_of(connection, subject, stays_admin=role == "admin")
            if old == role:
                return False
            save_member(connection, self._organization_id, subject, role)
            detail = {"role": {"before": old, "after": role}}
            self._write(connection, "member.changed", subject, detail)
        return True

    def remove(self, subject: str) -> None:
        """End a membership, at once; raises Refused for no member or the last administrator."""
        with self._scope() as connection:
            old = self._role_of(connection, subject, stays_admin=False)
            remove_member(connection, self._organization_id, subject)
            self._write(connection, "member.removed", subject, {"role": old})

    def _role_of(
        self, connection: psycopg.Connection[Any], subject: str, *, stays_admin: bool
    ) -> Role:
        admins = lock_admins(connection, self._organization_id)
        role = member_role(connection, self._organization_id, subject)
        named = {"email": subject}
        if role is None:
            raise Refused(Problem("member_unknown", params=named))
        if admins == {subject} and not stays_admin:
            raise Refused(Problem("last_admin", params=named))
        return role

    def _write(
        self, connection: psycopg.Connection[Any], event: str, subject: str, detail: dict[str, Any]
    ) -> None:
        record_change(
            connection, self._organization_id, self._actor, event, f"member {subject}", detail
        )

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection


def invitation_of(pool: Pool, token: str) -> FoundInvitation:
    """Return what a link stands for; raises Refused when it can no longer be used."""
    with pool.connection() as connection:
        found = find_invitation(connection, token)
    if found is None:
        raise _ended()
    return found


def accept_invitation(pool: Pool, token: str, subject: str) -> FoundInvitation:
    """Make the invited person a member, once; raises Refused for anybody else or a used link.

    Somebody who became a member by another way keeps the role they have.
    """
    found = invitation_of(pool, token)
    if found.email != subject:
        raise Refused(Problem("invitation_for_another"))
    with (
        pool.connection() as connection,
        organization_scope(connection, found.organization_id),
    ):
        if not use_invitation(connection, found.organization_id, found.id):
            raise _ended()
        add_member(connection, found.organization_id, subject, found.role)
        record_change(
            connection, found.organization_id, f"user {subject}", "member.joined",
            f"member {subject}", {"role": found.role},
        )  # fmt: skip
    return found


def _ended() -> Refused:
    return Refused(Problem("invitation_ended", params={"days": str(DAYS)}))


def _refuse_unknown(role: str) -> None:
    if role not in ROLES:
        raise Refused(Problem("role_not_valid", "role", params={"roles": ", ".join(ROLES)}))
