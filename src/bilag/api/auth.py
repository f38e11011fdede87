"""Who calls: an API token, or a person by the signed token of their own sign-in (X3).

Either is checked in the database with every request, so a revoked token and a removed member end at
once. What a caller may do comes from the token's scopes or the member's role, never from a request.
"""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from bilag.api.attempts import attempts, client_address
from bilag.api.problems import ApiProblem
from bilag.core.problem import Problem
from bilag.delivery.accounting import AccountingExports
from bilag.delivery.installation import installation
from bilag.tenants.callers import SCOPES_OF_ROLE, Caller
from bilag.tenants.issuers import KeysNotFetched
from bilag.tenants.members import Membership, memberships_of
from bilag.tenants.tokens import PREFIX, authenticate, token_hash

# With it a person who belongs to several organizations says for which one a request is.
ORGANIZATION_HEADER = "Bilag-Organization"


class ApiToken(HttpBearer):
    """Lets in who may do what `scope` is about; answers 401, 403, 429 or 503 otherwise."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """Return who calls, None without a valid token; raises ApiProblem (400, 403, 429, 503)."""
        token = token.strip()
        ours = token.startswith(PREFIX)
        address, digest = client_address(request), token_hash(token)
        # A signed token costs no query until it has proven itself, so it need not wait unread.
        if ours and (wait := attempts.wait_seconds(address, digest)):
            raise _too_many(wait)
        caller = _by_token(token) if ours else _by_person(request, token)
        if caller is None:
            attempts.wrong(address, digest)
            if wait := attempts.wait_seconds(address, digest):
                raise _too_many(wait)
            return None
        if ours:
            attempts.good(digest)
        # Before the scope is checked, so that the refusal is told in the organization's language.
        _of(request).auth = caller
        if not caller.may(self.scope):
            code = "scope_missing" if ours else "role_without_scope"
            raise ApiProblem(403, Problem(code, params={"scope": self.scope}))
        return caller


RECORDS_WRITE = ApiToken("records:write")
RUNS_READ = ApiToken("runs:read")
EXPORTS_READ = ApiToken("exports:read")
EXPORTS_WRITE = ApiToken("exports:write")
CONFIGURATION_READ = ApiToken("configuration:read")
CONFIGURATION_WRITE = ApiToken("configuration:write")


def caller_of(request: HttpRequest) -> Caller:
    """Return who calls; only for operations behind an ApiToken."""
    caller = _of(request).auth
    if not isinstance(caller, Caller):
        raise TypeError("this operation is not behind an ApiToken")
    return caller


def exports_of(request: HttpRequest) -> AccountingExports:
    """Return the verbs of the caller's organization, acting in the caller's name."""
    caller = caller_of(request)
    return installation().exports_of(caller.organization_id, caller.actor)


def _by_token(token: str) -> Caller | None:
    with installation().pool.connection() as connection:
        return authenticate(connection, token)


def _by_person(request: HttpRequest, token: str) -> Caller | None:
    signed_tokens = installation().signed_tokens
    if signed_tokens is None:
        return None
    try:
        subject = signed_tokens.subject(token)
    except KeysNotFetched as error:
        wait = str(round(max(1.0, error.retry_seconds)))
        raise ApiProblem(503, Problem("issuer_unavailable"), Retry_After=wait) from error
    if subject is None:
        return None
    with installation().pool.connection() as connection:
        memberships = memberships_of(connection, subject)
    mine = _chosen(memberships, request.headers.get(ORGANIZATION_HEADER))
    return Caller(mine.organization_id, f"user {subject}", SCOPES_OF_ROLE[mine.role])


def _chosen(memberships: list[Membership], slug: str | None) -> Membership:
    """Return the membership that a request is for; one that is not theirs does not exist."""
    if slug is not None:
        memberships = [one for one in memberships if one.slug == slug]
    if not memberships:
        raise ApiProblem(403, Problem("member_of_none"))
    if len(memberships) > 1:
        slugs = ", ".join(one.slug for one in memberships)
        raise ApiProblem(400, Problem("organization_not_named", params={"slugs": slugs}))
    return memberships[0]


def _too_many(seconds: float) -> ApiProblem:
    wait = str(round(seconds))
    return ApiProblem(429, Problem("attempts_too_many", params={"seconds": wait}), Retry_After=wait)


def _of(request: HttpRequest) -> Any:
    # Django's request takes any attribute; `auth` is where the framework keeps the caller.
    return request
