"""The pages of API tokens: the list, making one, ending one.

A token stands in one answer, that of the request which made it: not in an address, not in the
session, and not in what a browser keeps.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from bilag.core.clock import utc_now
from bilag.core.problem import Refused
from bilag.portal.scope import Desk, organization_page, say
from bilag.portal.tokens.forms import TokenForm
from bilag.tenants.tokens import ListedToken

SOON = timedelta(days=14)
# Older ones stand in the audit log.
ENDED_MAX = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One token as the page shows it."""

    token: ListedToken
    soon: bool
    left: str

    @classmethod
    def of(cls, token: ListedToken) -> "Row":
        left = token.expires_at - utc_now()
        days = max(0, left.days)
        text = (
            ngettext("in %(days)s day", "in %(days)s days", days) % {"days": days}
            if days
            else _("in less than a day")
        )
        return cls(token, left < SOON, text)


@require_GET
@organization_page("admin")
def listed(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the tokens, masked: those in use, and the newest of those that have ended."""
    found = desk.tokens.listed()
    ended = [token for token in found if not token.in_use]
    context = {
        "rows": [Row.of(token) for token in found if token.in_use],
        "ended": ended[:ENDED_MAX],
        "older": len(ended) - ENDED_MAX,
    }
    return render(request, "tokens/list.html", context)


@require_http_methods(["GET", "POST"])
@organization_page("admin", support=False)
def make(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Make a token and show it in this very answer, which is kept nowhere."""
    if request.method == "GET":
        return render(request, "tokens/make.html", {"form": TokenForm(initial=_drawn())})
    form = TokenForm(request.POST)
    if form.is_valid():
        token_id, name, scopes, days = form.made()
        try:
            token = desk.tokens.make(name, scopes, days, token_id)
        except Refused as error:
            form.refuse(error)
        else:
            return render(request, "tokens/made.html", {"name": name, "token": token})
    return render(request, "tokens/make.html", {"form": form})


@require_http_methods(["GET", "POST"])
@organization_page("admin")
def end(request: HttpRequest, desk: Desk, token_id: UUID) -> HttpResponse:
    """Ask whether a token is to end, and end it."""
    try:
        token = desk.tokens.find(token_id)
    except LookupError as error:
        raise Http404 from error
    if request.method == "GET" and token.in_use:
        return render(request, "tokens/end.html", {"row": Row.of(token)})
    if request.method == "POST" and token.in_use:
        desk.tokens.end(token_id)
    say(request, _("The token %(name)s has ended.") % {"name": token.name})
    return redirect("tokens:list", desk.organization.slug)


def _drawn() -> dict[str, UUID]:
    return {"token_id": uuid4()}
