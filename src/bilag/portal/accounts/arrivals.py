"""How a person comes in: an invitation carried in the session, an account made of it, a way back.

The link's token moves from the address into the session at once, so that no page shows it.
"""

from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from bilag.core.problem import Refused
from bilag.delivery.installation import installation
from bilag.delivery.membership import invitation_of
from bilag.portal.accounts.models import User
from bilag.tenants.invitations import FoundInvitation

CARRIED = "invitation"


def carried_invitation(request: HttpRequest) -> FoundInvitation | None:
    """Return the invitation whose link was opened in this session, while it can be used."""
    token = request.session.get(CARRIED, "")
    try:
        return invitation_of(installation().pool, token) if token else None
    except Refused:
        return None


def find_person(email: str) -> User | None:
    """Return the account with this e-mail address."""
    return User.objects.filter(email=email.lower()).first()


@transaction.atomic
def make_person(email: str, password: str | None, language: str = "") -> User:
    """Make an account; whoever invited them, or the operator, vouches for the address."""
    person = User.objects.create_user(email, password, language=language)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


@transaction.atomic
def start_over(email: str) -> str:
    """Take password, second factors and sessions away; return the path to set them anew.

    Makes the account when there is none. The link in it works once, for PASSWORD_RESET_TIMEOUT.
    """
    person = find_person(email) or make_person(email, None)
    for belonging in (Authenticator, SocialAccount):
        belonging.objects.filter(user=person).delete()
    end_sessions(person)
    person.set_unusable_password()
    person.save()
    key: Any = default_token_generator.make_token(person)
    return reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(person), "key": key},
    )


def end_sessions(person: User) -> None:
    """Sign a person out everywhere."""
    for session in UserSession.objects.filter(user=person):
        session.end()


def link_to(path: str, request: HttpRequest | None = None) -> str:
    """Return the whole address of a path, as people outside reach it (BILAG_URL)."""
    if settings.PAGES_ADDRESS or request is None:
        return f"{settings.PAGES_ADDRESS or 'http://localhost:8080'}{path}"
    return request.build_absolute_uri(path)


def invitation_link(token: str, request: HttpRequest | None = None) -> str:
    """Return the link that an invited person opens; it holds the token, so it is shown once."""
    return link_to(reverse("account_open_invitation", kwargs={"token": token}), request)
