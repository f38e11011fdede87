"""Who belongs to the organization: listed, invited, given another role, removed.

The verbs write each change to the audit log and keep the last administrator.
"""

from typing import Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bilag.core.clock import utc_now
from bilag.core.problem import Problem, Refused
from bilag.delivery.membership import Membership
from bilag.portal.accounts.arrivals import invitation_link
from bilag.portal.accounts.mail import can_mail, mail
from bilag.portal.members.forms import ROLES, InviteForm, RoleForm
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.templatetags.portal import person
from bilag.tenants.members import Role


@require_GET
@organization_page("admin")
def listed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the members and the invitations that are still open."""
    members, invitations = _people(desk).listed()
    now = utc_now()
    context = {
        "members": [
            {
                "subject": one.subject,
                "role": ROLES[one.role][0],
                "self": one.subject == desk.person.subject,
            }
            for one in members
        ],
        "invitations": [
            {
                "one": one,
                "role": ROLES[one.role][0],
                "by": person(one.invited_by),
                "over": one.expires_at <= now,
            }
            for one in invitations
        ],
    }
    return render(request, "members/list.html", context)


@require_http_methods(["GET", "POST"])
@organization_page("admin", support=False)
def invite(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Invite a person; the link is shown in this answer only, and mailed where that is set up."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made, token = _people(desk).invite(
                form.cleaned_data["email"], cast(Role, form.cleaned_data["role"])
            )
        except Refused as error:
            form.refuse(error)
        else:
            link = invitation_link(token, request)
            organization = desk.organization
            fault = ""
            if can_mail():
                fault = mail(
                    "invitation",
                    made.email,
                    organization.language,
                    {"organization": organization.name, "link": link},
                )
            context = {
                "made": made,
                "link": link,
                "mailed": can_mail() and not fault,
                "fault": _said("mail_failed", reason=fault) if fault else "",
            }
            return render(request, "members/invited.html", context)
    return render(request, "members/invite.html", {"form": form})


@require_http_methods(["GET", "POST"])
@organization_page("admin", support=False)
def role(request: HttpRequest, desk: Desk, subject: str) -> HttpResponse:
    """Give a member another role."""
    now = _role_of(desk, subject)
    form = RoleForm(request.POST or None, initial={"role": now})
    if request.method == "POST" and form.is_valid():
        wanted = cast(Role, form.cleaned_data["role"])
        try:
            changed = _people(desk).change_role(subject, wanted)
        except Refused as error:
            form.refuse(error)
        else:
            if changed:
                named = {"person": subject, "role": ROLES[wanted][0]}
                say(request, _("%(person)s now has the role %(role)s.") % named)
            return _back(desk)
    return render(request, "members/role.html", {"form": form, "subject": subject})


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def remove(request: HttpRequest, desk: Desk, subject: str) -> HttpResponse:
    """Ask, and end a membership."""
    now = _role_of(desk, subject)
    errors: list[str] = []
    if request.method == "POST":
        try:
            _people(desk).remove(subject)
        except Refused as error:
            errors = [one.text(get_language() or "nb") for one in error.problems]
        else:
            say(request, _("%(person)s no longer belongs to the organization.")
                % {"person": subject})  # fmt: skip
            return _back(desk)
    context = {"subject": subject, "role": ROLES[now][0], "errors": errors}
    return render(request, "members/remove.html", context, status=409 if errors else 200)


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def withdraw(request: HttpRequest, desk: Desk, invitation_id: UUID) -> HttpResponse:
    """Ask, and withdraw an invitation."""
    open_ones: dict[UUID, Any] = {one.id: one for one in _people(desk).listed()[1]}
    if invitation_id not in open_ones:
        raise Http404
    if request.method == "POST":
        try:
            email = _people(desk).withdraw(invitation_id)
        except Refused as error:
            say(request, error.problems[0].text(get_language() or "nb"), "warning")
        else:
            said = _("The invitation of %(person)s is withdrawn; its link no longer works.")
            say(request, said % {"person": email})
        return _back(desk)
    return render(request, "members/withdraw.html", {"invitation": open_ones[invitation_id]})


def _people(desk: Desk) -> Membership:
    return desk.installation.members_of(desk.organization.id, desk.actor)


def _role_of(desk: Desk, subject: str) -> Role:
    for one in _people(desk).listed()[0]:
        if one.subject == subject:
            return one.role
    raise Http404


def _back(desk: Desk) -> HttpResponse:
    return redirect("members:list", desk.organization.slug)


def _said(code: str, **params: str) -> str:
    return Problem(code, params=params).text(get_language() or "nb")
