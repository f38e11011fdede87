"""Who calls: an API token names the organization and what it may do; nothing in the request does.

Tokens are checked in the database with every request, so a revoked one ends at once.
"""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from bilag.api.problems import ApiProblem
from bilag.core.problem import Problem
from bilag.delivery.accounting import AccountingExports
from bilag.delivery.installation import installation
from bilag.tenants.tokens import Caller, authenticate


class ApiToken(HttpBearer):
    """Lets a request in whose token is valid and has the scope; answers 401 or 403 otherwise."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """Return who the token speaks for, None without a valid one; raises ApiProblem (403)."""
        with installation().pool.connection() as connection:
            caller = authenticate(connection, token.strip())
        if caller is None:
            return None
        # Before the scope is checked, so that the refusal is told in the organization's language.
        _of(request).auth = caller
        if self.scope not in caller.scopes:
            raise ApiProblem(403, Problem("scope_missing", params={"scope": self.scope}))
        return caller


RECORDS_WRITE = ApiToken("records:write")
EXPORTS_READ = ApiToken("exports:read")
EXPORTS_WRITE = ApiToken("exports:write")


def caller_of(request: HttpRequest) -> Caller:
    """Return who calls; only for operations behind an ApiToken."""
    caller = _of(request).auth
    if not isinstance(caller, Caller):
        raise TypeError("this operation is not behind an ApiToken")
    return caller


def exports_of(request: HttpRequest) -> AccountingExports:
    """Return the verbs of the caller's organization, acting in the name of its token."""
    caller = caller_of(request)
    return installation().exports_of(caller.organization_id, f"token {caller.token_id}")


def _of(request: HttpRequest) -> Any:
    # Django's request takes any attribute; `auth` is where the framework keeps the caller.
    return request
