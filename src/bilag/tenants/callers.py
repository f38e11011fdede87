"""Who calls the API, and what they may do: by a token's scopes, or by a person's role (X3).

A person's role comes from our own members only; what a sign-in says of roles is not looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from bilag.tenants.members import Role

SCOPES = (
    "records:write",
    "runs:read",
    "exports:read",
    "exports:write",
    "configuration:read",
    "configuration:write",
)
# Whoever may read everything about exports may read the little that `runs:read` is about.
CONTAINED: Mapping[str, tuple[str, ...]] = {"exports:read": ("runs:read",)}

# A coordinator sees the newest runs and the state of a claim, and changes nothing (E11); an
# accountant reads.
SCOPES_OF_ROLE: Mapping[Role, tuple[str, ...]] = {
    "admin": SCOPES,
    "accountant": ("exports:read", "configuration:read"),
    "coordinator": ("runs:read",),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request speaks for, in which organization; `actor` is the name in the audit log."""

    organization_id: UUID
    actor: str
    scopes: tuple[str, ...]

    def may(self, scope: str) -> bool:
        """Return whether the caller has the scope, itself or within another one."""
        return any(scope == own or scope in CONTAINED.get(own, ()) for own in self.scopes)


def is_token(actor: str) -> bool:
    """Return whether the name in the audit log is an API token's: any person may hold that.

    A person's signed token is no API token: it acts as the person.
    """
    return actor.startswith("token ")


def is_same_person(actor: str, other: str) -> bool:
    """Return whether two names in the audit log are one person's, in whatever way they came in.

    A member and a global administrator in support mode are one person where the subject is one.
    """
    return _subject(actor) == _subject(other)


def _subject(actor: str) -> str:
    way, _, subject = actor.partition(" ")
    return (subject if way in ("user", "support") else actor).casefold()
