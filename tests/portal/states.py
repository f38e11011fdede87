"""Which states of which pages are looked at, beyond what the resolver says by itself.

Every page is visited in the filled and in the empty organization, with everything folded open.
What else there is to see stands here: who comes, by which way, what is filled in wrongly. A page
that can only be reached in a way nobody says here, or a form nobody fills in wrongly, fails.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.portal.browser import Window
from tests.portal.place import EMPTY, FILLED, MAPPED, Place
from tests.portal.routes import Route
from tests.portal.visitors import PASSWORD, Visitor

# By the beginning of the address: who looks at it. The first that fits counts.
_WHO = (
    ("o/<", "admin"),
    ("admin-overview", "global"),
    ("account/login", "signed out"),
    ("account/inactive", "signed out"),
    ("account/password/reset", "signed out"),
    ("account/2fa/totp/activate", "half"),
    ("account/2fa/passkeys/add", "half"),
    ("account/invitation", "signed out"),
    ("account/oidc", "signed out"),
    ("", "admin"),
)

# Addresses that show no page to whoever looks, by name of the address: why.
NO_PAGE: Mapping[str, str] = {
    "mfa_authenticate": "only between password and code: a state below",
    "mfa_login_webauthn": "only the script asks for it",
    "mfa_download_recovery_codes": "a file",
    "account_session_end": "JSON for the script",
    "account_invitation": "only after an invitation's link: a state below",
    "integrations:suggest": "JSON, and a part of a page for htmx",
    "sending:withdraw": "leads back while nothing is signed off",
    "sending:configuration_file": "a file",
    "reports:file": "a file",
    "audit:file": "a file",
    "claims:file": "a file",
    "reports:payroll": "a file",
    "mapping:start": "leads to the first page",
    "mapping:suggest": "a part of a page",
    "mapping:csv": "a file",
    "mapping:save": "leads back while nothing is changed",
    "openid_connect_login": "no other provider is set up here",
    "openid_connect_callback": "no other provider is set up here",
}

# Pages that refuse by their nature, and with which status.
ANSWERS: Mapping[str, int] = {
    "account_set_password": 403,
    "account_open_invitation": 410,
    "socialaccount_login_cancelled": 403,
    "socialaccount_signup": 403,
}

# Parts of pages that htmx asks for, by name; they are seen inside the page they belong to.
PARTS: frozenset[str] = frozenset()

# Addresses whose pages may share a title, since they are one task in several ways.
ONE_TASK: Mapping[str, str] = {
    "account_open_invitation": "account_set_password",  # each says why it is not possible
    "socialaccount_login_cancelled": "account_set_password",
    "socialaccount_signup": "account_set_password",
    "mfa_reauthenticate": "account_reauthenticate",
    "mfa_reauthenticate_webauthn": "account_reauthenticate",
}

# Route: what is filled in wrongly (field to value) before the form is sent; an empty mapping sends
# the form as it is. Fields that are left out keep what they have. BUTTON is the one that is
# pressed, as `name=value`, where it matters.
BUTTON = ""
_TOO_LONG = "7" * 200
ERRORS: Mapping[str, Mapping[str, str]] = {
    "portal:support": {},
    "account_login": {"login": "nobody@example.org", "password": "not the one"},
    "account_reauthenticate": {"password": "not the one"},
    "account_change_password": {"oldpassword": "not the one", "password1": "short"},
    "account_reset_password_from_key": {"password1": "short", "password2": "other"},
    "account_invitation": {"password1": "short", "password2": "other"},
    "mfa_authenticate": {"code": "000000"},
    "mfa_reauthenticate": {"code": "000000"},
    "mfa_activate_totp": {"code": "000000"},
    "mfa_edit_webauthn": {"name": ""},
    "members:invite": {"email": "not an address"},
    "tokens:make": {"name": "", "days": "0"},
    "integrations:new": {"name": ""},
    "integrations:system": {"name": ""},
    "integrations:setup-credentials": {"endpoint": "nowhere"},
    "integrations:rotate": {},
    "integrations:settings": {"name": ""},
    "sending:data": {"from_amount": "much"},
    "sending:schedule": {"trigger": "cron", "cron": "every day"},
    "sending:pauses": {},
    "sending:switch": {"reason": "15108695088"},
    "sending:features": {"name": ""},
    "sending:declaration": {"version": ""},
    "sending:book": {"closed_through": "1800-01-01"},
    "sending:configuration": {"configuration": "{"},
    "watch:settings": {"pending_hours": "0"},
    "repair:failed_claims": {},
    "repair:held_claims": {},
    "repair:cancel": {"reason": ""},
    "repair:decide": {"reason": ""},
    "repair:approval": {"reason": ""},
    "repair:reconciliations": {"first": "2026-12-01", "last": "2026-11-01"},
    "reports:rates": {"amount": "much"},
    "mapping:category": {"account": ""},
    "mapping:default": {"account": _TOO_LONG},
    "mapping:general": {"counterAccount": _TOO_LONG},
    "mapping:code": {"code": ""},
    "mapping:claimant": {"party": ""},
    "mapping:payees": {"clearingAccount": _TOO_LONG},
    "mapping:import": {"file": "no such columns"},
    "mapping:fields": {"header-0-name": "", BUTTON: "do=keep"},
    "mapping:rule": {"max_length": "0"},
}

# Forms that cannot be filled in wrongly, by name of the address: why.
NO_ERRORS: Mapping[str, str] = {
    "mapping:codes": "its only choice is between two",
    "sending:copy": "both are chosen from lists of what there is",
    "sync:now": "it has no field",
    "sync:stop": "it has no field",
    "mfa_add_webauthn": "its button asks the device before anything is sent",
}


@dataclass(frozen=True, slots=True)
class State:
    """A page as somebody comes to it: the address it counts for, who, and by which way.

    Where `path` is given, the way has to end there.
    """

    route: str
    name: str
    visitor: str
    way: Callable[[Window, Place], object]
    status: int = 200
    path: str = ""


def _with_the_password(window: Window, place: Place) -> None:
    window.go("/account/login/")
    window.page.locator("#id_login").fill(place.people["walker"].email)
    window.page.locator("#id_password").fill(PASSWORD)
    window.page.locator("#id_password").press("Enter")
    window.page.wait_for_url("**/2fa/authenticate/")


def _nowhere(window: Window, _place: Place) -> None:
    window.go("/o/nowhere/")


def _invited(window: Window, place: Place) -> None:
    window.go(f"/account/invitation/{place.invitation}/")


def _forgot(window: Window, place: Place) -> None:
    window.go(place.way_back)


def _running(window: Window, place: Place) -> None:
    window.go(f"/o/{FILLED}/runs/{place.values[FILLED]['sync:stop sync_id']}")


def _may_not_start(window: Window, place: Place) -> None:
    place.query(
        MAPPED["nb"],
        "UPDATE integration_runtime SET paused_until = now() + interval '1 hour'",
    )
    window.go(f"/o/{MAPPED['nb']}/sync/rest")


STATES: tuple[State, ...] = (
    State("sync:one", "while it runs", "admin", _running),
    State("sync:now", "while it is off", "mapper-nb", _may_not_start),
    State("mfa_authenticate", "after the password", "arriving", _with_the_password),
    State("account_invitation", "with an invitation", "invited", _invited),
    State("account_reset_password_from_key", "with a link", "forgetful", _forgot),
    State("nothing", "no such page", "admin", _nowhere, 404),
)


def visitor_of(route: Route) -> str:
    """Return who looks at a page: somebody who may."""
    return next(who for beginning, who in _WHO if route.pattern.startswith(beginning))


def default_states(route: Route, place: Place) -> list[State]:
    """Return the states that every page has: as it is filled, and as it is empty."""
    slugs = [FILLED, EMPTY] if route.parameters == ("slug",) else [FILLED]
    return [_at(route, route.path(place, slug), slug) for slug in slugs]


def _at(route: Route, path: str, slug: str) -> State:
    def go(window: Window, _place: Place) -> None:
        window.go(path)

    return State(
        route.name,
        slug,
        visitor_of(route),
        go,
        ANSWERS.get(route.name, 200),
        path.partition("?")[0],
    )


def person(place: Place, name: str) -> Visitor:
    """Return a visitor of the place by name; who is not known there is signed out."""
    return place.people.get(name, Visitor(name))
