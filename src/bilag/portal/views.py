"""The pages of the frame: front page, overview, support mode, language and colours."""

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bilag.core.clock import utc_now
from bilag.delivery.installation import installation, tenant
from bilag.exports.audit import record_change
from bilag.monitoring.overview import overview_of
from bilag.portal.accounts.preferences import remember
from bilag.portal.forms import Form
from bilag.portal.scope import (
    SUPPORT,
    Person,
    global_page,
    person_page,
    say,
    supported,
)
from bilag.tenants.organizations import Organization, get_organization

YEAR = 365 * 86400
SUPPORT_SECONDS = 3600


class SupportForm(Form):
    """Why a global admin has to act for an organization."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("For example the number of the request. The organization sees it."),
        max_length=500,
    )


@require_GET
@person_page
def home(request: HttpRequest, person: Person) -> HttpResponse:
    """Show the person's organizations and how each stands, or go straight to the only one."""
    if person.global_admin and not person.memberships:
        return redirect("portal:installation")
    if len(person.memberships) == 1 and "choose" not in request.GET:
        return redirect("portal:overview", person.memberships[0].slug)
    with installation().pool.connection() as connection:
        standing = overview_of(connection, [one.slug for one in person.memberships])
    rows = [(one, standing[one.slug]) for one in person.memberships if one.slug in standing]
    return render(request, "portal/home.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@global_page
def support(request: HttpRequest, person: Person, slug: str) -> HttpResponse:
    """Act as administrator of an organization for an hour: visible to it, and in its audit log."""
    with installation().pool.connection() as connection:
        organization = get_organization(connection, slug)
    if organization is None:
        raise Http404
    form = SupportForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        form = form if request.method == "POST" else SupportForm()
        context = {"organization": organization, "form": form}
        return render(request, "portal/support.html", context)
    _note_support(person, organization, "support.started", form.cleaned_data["reason"])
    until = int(utc_now().timestamp()) + SUPPORT_SECONDS
    request.session[SUPPORT] = (organization.slug, until)
    say(request, _("You act for %(name)s now.") % {"name": organization.name}, "warning")
    return redirect("portal:overview", organization.slug)


@require_POST
@global_page
def support_end(request: HttpRequest, person: Person) -> HttpResponse:
    """End support mode before its time."""
    slug = supported(request)
    request.session.pop(SUPPORT, None)
    with installation().pool.connection() as connection:
        organization = get_organization(connection, slug) if slug else None
    if organization is not None:
        _note_support(person, organization, "support.ended", "")
    say(request, _("Support mode has ended."))
    return redirect("portal:installation")


def _note_support(person: Person, organization: Organization, event: str, reason: str) -> None:
    with tenant(organization.id) as connection:
        record_change(
            connection, organization.id, f"support {person.subject}", event,
            f"organization {organization.slug}", {"reason": reason},
        )  # fmt: skip


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language for this browser and go back to where the person was."""
    response = _back(request)
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        remember(request.user, language=chosen)
        _remember(response, settings.LANGUAGE_COOKIE_NAME, chosen)
    return response


@require_POST
def colours(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or as the device, and go back to where the person was."""
    response = _back(request)
    chosen = request.POST.get("colours", "")
    if chosen in ("auto", "light", "dark"):
        remember(request.user, colours=chosen)
        _remember(response, "bilag_colours", chosen)
    return response


def _back(request: HttpRequest) -> HttpResponse:
    address = request.POST.get("next", "/")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(address if ours else "/")


def _remember(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, httponly=True, samesite="Lax")
