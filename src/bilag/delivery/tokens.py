"""The verbs for an organization's API tokens (X3): list them, make one, end one.

Making and ending are kept in the audit log; a token is returned once, by `make`, and never again.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg_pool import ConnectionPool

from bilag.core.problem import Problem, Refused
from bilag.exports.audit import record_change
from bilag.tenants.scope import organization_scope
from bilag.tenants.tokens import DAYS_DEFAULT, ListedToken, create_token, list_tokens, revoke

Pool = ConnectionPool[psycopg.Connection[Any]]


class ApiTokens:
    """The verbs for one organization, in the name of `actor`; every call opens its own scope."""

    def __init__(self, pool: Pool, organization_id: UUID, *, actor: str) -> None:
        self._pool = pool
        self._organization_id = organization_id
        self._actor = actor

    def listed(self) -> list[ListedToken]:
        """Return the tokens, newest first, masked."""
        with self._scope() as connection:
            return list_tokens(connection, self._organization_id)

    def find(self, token_id: UUID) -> ListedToken:
        """Return one token, masked; raises LookupError for an unknown one."""
        found = next((one for one in self.listed() if one.id == token_id), None)
        if found is None:
            raise LookupError(f"there is no token {token_id}")
        return found

    def make(
        self,
        name: str,
        scopes: Iterable[str],
        days: int = DAYS_DEFAULT,
        token_id: UUID | None = None,
    ) -> str:
        """Make a token and return it, this once; raises Refused as `create_token` does.

        Whoever gives a `token_id` may ask twice: the second time is refused, since the token
        cannot be shown again.
        """
        wanted = sorted(set(scopes))
        own = token_id or uuid4()
        try:
            with self._scope() as connection:
                token = create_token(
                    connection, self._organization_id, name, wanted, days, token_id=own
                )
                self._note(
                    connection, "token.created", name.strip(),
                    {"id": str(own), "scopes": wanted, "days": days},
                )  # fmt: skip
        except psycopg.errors.UniqueViolation as error:
            raise Refused(Problem("token_made_already")) from error
        return token

    def end(self, token_id: UUID) -> ListedToken:
        """End a token at once and return it as it was; raises LookupError unless it was in use."""
        found = self.find(token_id)
        with self._scope() as connection:
            if not revoke(connection, self._organization_id, token_id):
                raise LookupError(f"no token {token_id} is in use")
            self._note(connection, "token.revoked", found.name, {"id": str(token_id)})
        return found

    def _note(
        self, connection: psycopg.Connection[Any], event: str, name: str, detail: dict[str, Any]
    ) -> None:
        record_change(
            connection, self._organization_id, self._actor, event, f"token {name}", detail
        )

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection
