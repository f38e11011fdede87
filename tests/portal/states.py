"""Which states of which pages are looked at, beyond what the resolver says by itself.

Every page is visited in the filled and in the empty organization, with everything folded open.
What else there is to see of a page stands here: what is wrong in its form, what has to be pressed.
A form that can be filled in wrongly and is not in ERRORS fails the test.
"""

from collections.abc import Mapping

from tests.portal.routes import Route

# By the beginning of the address: who looks at it. The first that fits counts.
_WHO = (
    ("o/<", "admin"),
    ("admin-overview", "global"),
    ("account/login", "signed out"),
    ("account/password/reset", "signed out"),
    ("account/2fa/authenticate", "signed out"),
    ("", "admin"),
)

# Pages without a state of their own: they lead elsewhere, or they are no page. Name: why.
_ON_THE_WAY = "seen on the way through it, in test_accounts_browser.py"
NO_PAGE: Mapping[str, str] = {
    "account_open_invitation": "leads on to the invitation",
    "account_invitation": _ON_THE_WAY,
    "account_set_password": "refuses (403)",
    "account_session_end": "tells a script",
    "mfa_authenticate": _ON_THE_WAY,
    "mfa_deactivate_totp": _ON_THE_WAY,
    "mfa_download_recovery_codes": "a file",
    "mfa_login_webauthn": "tells a script",
    "openid_connect_login": "leads to the provider",
    "openid_connect_callback": "leads from the provider",
    "socialaccount_login_cancelled": "refuses (403)",
    "socialaccount_signup": "refuses (403)",
}

# Parts of pages that htmx asks for, by name; they are seen inside the page they belong to.
PARTS: frozenset[str] = frozenset()

# Route: what is filled in wrongly (field to value) before the form is sent; an empty mapping sends
# the form as it is. Fields that are left out keep what they have.
ERRORS: Mapping[str, Mapping[str, str]] = {
    "account_login": {"login": "", "password": ""},
    "account_reauthenticate": {"password": ""},
    "account_change_password": {"oldpassword": "", "password1": "short", "password2": "shorter"},
    "mfa_reauthenticate": {"code": ""},
    "mfa_activate_totp": {"code": ""},
    "mfa_edit_webauthn": {"name": ""},
    "members:invite": {"email": "nobody"},
}

# Route: the form has no field that could be filled in wrongly, or no page shows it. Name: why.
NO_ERRORS: Mapping[str, str] = {
    "mfa_add_webauthn": "the script of the page fills the form in; a name is proposed",
}


def visitor_of(route: Route) -> str:
    """Return who looks at a page: somebody who may."""
    return next(who for beginning, who in _WHO if route.pattern.startswith(beginning))
