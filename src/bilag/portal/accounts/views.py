"""The pages of a person's own account, and the door for those who were invited."""

from http import HTTPStatus
from typing import Any

from allauth.account.utils import perform_login
from allauth.usersessions.internal.flows.sessions import end_sessions
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bilag.core.problem import Problem, Refused
from bilag.delivery.installation import installation
from bilag.delivery.membership import accept_invitation, invitation_of
from bilag.portal.accounts.arrivals import CARRIED, carried_invitation, find_person, make_person
from bilag.portal.accounts.browsers import browser_name
from bilag.portal.accounts.forms import AcceptForm, PreferencesForm
from bilag.portal.accounts.oidc import refusal
from bilag.portal.accounts.preferences import colours_of, remember
from bilag.portal.accounts.sessions import put_off, session_end
from bilag.portal.scope import Person, person_page, say
from bilag.tenants.invitations import DAYS


@require_http_methods(["GET", "POST"])
@person_page
def account(request: HttpRequest, person: Person) -> HttpResponse:
    """Show a person's own account; language and colours are chosen here."""
    user: Any = request.user
    shown = {"language": translation.get_language(), "colours": colours_of(user) or "auto"}
    form = PreferencesForm(request.POST or None, initial=shown)
    if request.method == "POST" and form.is_valid():
        remember(user, **form.cleaned_data)
        with translation.override(form.cleaned_data["language"]):
            say(request, _("Saved. The pages now look this way wherever you sign in."))
        return redirect("account")
    context = {"form": form, "has_password": user.has_usable_password()}
    return render(request, "accounts/account.html", context)


@require_GET
@person_page
def email(request: HttpRequest, person: Person) -> HttpResponse:
    """Say under which address the person is known, and how another one is taken into use."""
    return render(request, "accounts/email.html", {"email": person.subject})


@require_GET
@person_page
def password_elsewhere(request: HttpRequest, person: Person) -> HttpResponse:
    """Say that there is no password here to be changed."""
    return refusal(request, _("You sign in with another provider, so there is no password here."))


@require_http_methods(["GET", "POST"])
@person_page
def sessions(request: HttpRequest, person: Person) -> HttpResponse:
    """List where the person is signed in; a POST ends one of them, or all others."""
    mine = list(UserSession.objects.filter(user=request.user).order_by("-last_seen_at"))
    alive = set(
        Session.objects.filter(
            session_key__in=[one.session_key for one in mine], expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    current = request.session.session_key
    listed = [one for one in mine if one.session_key in alive]
    if request.method == "POST":
        chosen = request.POST.get("session", "")
        if chosen == "others":
            ending = [one for one in mine if one.session_key != current]
            done = _("You are signed out everywhere else.")
        else:
            ending = [one for one in mine if str(one.pk) == chosen]
            done = _("The session is ended.")
        if not ending and chosen != "others":
            raise Http404
        end_sessions(request, ending)
        say(request, done)
        return redirect("usersessions_list")
    rows = [
        {
            "id": one.pk,
            "browser": browser_name(one.user_agent),
            "address": one.ip,
            "started": one.created_at,
            "seen": one.last_seen_at,
            "current": one.session_key == current,
        }
        for one in listed
    ]
    return render(request, "accounts/sessions.html", {"sessions": rows})


@require_POST
def session_extend(request: HttpRequest) -> HttpResponse:
    """Put the session's end off as far as it may be, and say when it is now."""
    if not request.user.is_authenticated:
        return JsonResponse({"ends": None}, status=401)
    put_off(request, at_once=True)
    return _end_of(request)


@require_GET
def session_ending(request: HttpRequest) -> HttpResponse:
    """Say when the session ends; asking does not put it off."""
    if not request.user.is_authenticated:
        return JsonResponse({"ends": None}, status=401)
    return _end_of(request)


def _end_of(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ends": int(session_end(request).timestamp())})


@require_GET
@never_cache
def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Take an invitation's link out of the address and go on to what it is for."""
    try:
        invitation_of(installation().pool, token)
    except Refused as error:
        return _ended(request, error)
    request.session[CARRIED] = token
    return redirect("account_invitation")


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters("password1", "password2")
def invitation(request: HttpRequest) -> HttpResponse:
    """Show who invites to what; accepting makes a member, and an account where there is none."""
    found = carried_invitation(request)
    if found is None:
        return _ended(request, Refused(Problem("invitation_ended", params={"days": str(DAYS)})))
    user: Any = request.user
    known = user.is_authenticated or find_person(found.email) is not None
    form = None if known else AcceptForm(request.POST or None, email=found.email)
    if request.method == "POST" and user.is_authenticated:
        return _accept(request, user.email)
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            with transaction.atomic():
                new = make_person(found.email, form.cleaned_data["password1"])
        except IntegrityError:  # in another window at the same time: the page now asks to sign in
            return redirect("account_invitation")
        accepted = _accept(request, new.email)
        if accepted.status_code != HTTPStatus.FOUND:
            return accepted
        signed_in: HttpResponse = perform_login(request, new, redirect_url=accepted["Location"])
        return signed_in
    context = {
        "invitation": found,
        "form": form,
        "theirs": user.is_authenticated and user.email == found.email,
        "somebody_else": user.is_authenticated and user.email != found.email,
    }
    return render(request, "accounts/invitation.html", context)


def _accept(request: HttpRequest, subject: str) -> HttpResponse:
    token = request.session.get(CARRIED, "")
    try:
        found = accept_invitation(installation().pool, token, subject)
    except Refused as error:
        return _ended(request, error)
    request.session.pop(CARRIED, None)
    say(request, _("You now belong to %(name)s.") % {"name": found.organization_name})
    return redirect("portal:overview", found.slug)


def _ended(request: HttpRequest, error: Refused) -> HttpResponse:
    language = translation.get_language() or "nb"
    return refusal(request, error.problems[0].text(language), status=410)
