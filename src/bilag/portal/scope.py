"""Who asks for a page, and in which organization: the only way into the pages of a tenant.

An outsider is told that there is no such page, so that nobody learns which organizations exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, cast
from urllib.parse import quote

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import get_language

from bilag.core.clock import utc_now
from bilag.delivery.accounting import AccountingExports
from bilag.delivery.configured import ConfiguredIntegrations
from bilag.delivery.connection_test import ConnectionTests
from bilag.delivery.credentials import Credentials
from bilag.delivery.drafting import Drafting
from bilag.delivery.installation import Installation, installation
from bilag.delivery.sync_now import SyncNow
from bilag.delivery.tokens import ApiTokens
from bilag.tenants.members import Membership, Role, is_global_admin, memberships_of
from bilag.tenants.organizations import Organization, get_organization, read_organization
from bilag.tenants.scope import organization_scope

Level = Literal["success", "info", "warning", "danger"]
_LEVELS = {
    "success": messages.SUCCESS,
    "info": messages.INFO,
    "warning": messages.WARNING,
    "danger": messages.ERROR,
}
# where the session keeps the organization and the end of a global admin's support mode
SUPPORT = "support"
ROLES: tuple[Role, ...] = ("admin", "accountant", "coordinator")


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in: the subject of the memberships, and what they are."""

    subject: str
    memberships: tuple[Membership, ...]
    global_admin: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """One person at work in one organization; `support` while a global admin acts as its admin."""

    organization: Organization
    role: Role
    person: Person
    language: str
    support: bool = False

    @property
    def actor(self) -> str:
        """Return the name under which changes are written to the audit log."""
        return f"{'support' if self.support else 'user'} {self.person.subject}"

    @property
    def installation(self) -> Installation:
        """Return the installation, for the verbs that have no property here."""
        return installation()

    @property
    def exports(self) -> AccountingExports:
        """Return the verbs for exports."""
        return installation().exports_of(self.organization.id, self.actor)

    @property
    def integrations(self) -> ConfiguredIntegrations:
        """Return the verbs for integrations."""
        return installation().integrations_of(self.organization.id, self.actor)

    @property
    def drafting(self) -> Drafting:
        """Return the verbs that set integrations up and describe them."""
        return installation().drafting_of(self.organization.id, self.actor)

    @property
    def connection_tests(self) -> ConnectionTests:
        """Return the connection tests."""
        return installation().connection_tests_of(self.organization.id, self.actor)

    @property
    def tokens(self) -> ApiTokens:
        """Return the verbs for API tokens."""
        return installation().tokens_of(self.organization.id, self.actor)

    @property
    def syncs(self) -> SyncNow:
        """Return the verbs for syncs."""
        return installation().syncs_of(self.organization.id, self.actor)

    @property
    def credentials(self) -> Credentials:
        """Return the verbs for credentials."""
        return installation().credentials_of(self.organization.id, self.actor)


class PortalRequest(Protocol):
    """What the pages' decorators leave on a request for the frame around the page."""

    person: Person
    desk: Desk | None


Rest = ParamSpec("Rest")
DeskView = Callable[Concatenate[HttpRequest, Desk, Rest], HttpResponseBase]
PersonView = Callable[Concatenate[HttpRequest, Person, Rest], HttpResponseBase]


def person_page(view: PersonView[Rest]) -> Callable[..., HttpResponseBase]:
    """Let in who is signed in; `view(request, person, ...)`. Others go to the sign-in page."""

    @wraps(view)
    def page(request: HttpRequest, *args: Rest.args, **rest: Rest.kwargs) -> HttpResponseBase:
        person = _person(request)
        if person is None:
            return redirect_to_login(request.get_full_path())
        return view(request, person, *args, **rest)

    return page


def global_page(view: PersonView[Rest]) -> Callable[..., HttpResponseBase]:
    """Let in global admins; `view(request, person, ...)`. Others get a 404."""

    @wraps(view)
    @person_page
    def page(
        request: HttpRequest, person: Person, /, *args: Rest.args, **rest: Rest.kwargs
    ) -> HttpResponseBase:
        if not person.global_admin:
            raise Http404
        return view(request, person, *args, **rest)

    return page


def organization_page(
    *roles: Role, support: bool = True
) -> Callable[[DeskView[Rest]], Callable[..., HttpResponseBase]]:
    """Let in who has one of these roles in the organization of the address; others get a 404.

    The view is called as `view(request, desk, ...)`, without the address's `slug`. Not `support`:
    closed in support mode, whose hour what it makes would outlive.
    """

    def decorate(view: DeskView[Rest]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def page(
            request: HttpRequest, slug: str, *args: Rest.args, **rest: Rest.kwargs
        ) -> HttpResponseBase:
            person = _person(request)
            if person is None:
                return redirect_to_login(request.get_full_path())
            desk = _desk(person, slug, supported(request))
            if desk is None or desk.role not in roles or (desk.support and not support):
                raise Http404
            cast(PortalRequest, request).desk = desk
            return view(request, desk, *args, **rest)

        page.roles = roles  # type: ignore[attr-defined]  # for the test that walks all addresses
        return page

    return decorate


def say(request: HttpRequest, text: str, level: Level = "success") -> None:
    """Put a sentence into the status region of the next page that is shown to this person."""
    messages.add_message(request, _LEVELS[level], text, extra_tags=level)


def announce(response: HttpResponse, text: str) -> HttpResponse:
    """Let the status region say a sentence when htmx has put this answer into the page."""
    # A header holds ASCII only; the script decodes it.
    response["Bilag-Announce"] = quote(text)
    return response


def _person(request: HttpRequest) -> Person | None:
    user: Any = request.user
    if not user.is_authenticated:
        return None
    subject = str(user.get_username())
    with installation().pool.connection() as connection:
        person = Person(
            subject,
            tuple(memberships_of(connection, subject)),
            is_global_admin(connection, subject),
        )
    cast(PortalRequest, request).person = person
    return person


def supported(request: HttpRequest) -> str:
    """Return the slug of the organization that a global admin supports now, or nothing (O9)."""
    slug, until = request.session.get(SUPPORT, ("", 0))
    return str(slug) if utc_now().timestamp() < until else ""


def _desk(person: Person, slug: str, support_of: str) -> Desk | None:
    mine = next((one for one in person.memberships if one.slug == slug), None)
    with installation().pool.connection() as connection:
        if mine is not None:
            with organization_scope(connection, mine.organization_id):
                found = read_organization(connection, mine.organization_id)
        elif person.global_admin and slug == support_of:
            found = get_organization(connection, slug)
        else:
            return None
    if found is None:
        return None
    role: Role = mine.role if mine else "admin"
    return Desk(found, role, person, get_language() or "nb", support=mine is None)
