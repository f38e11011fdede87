"""Strangers of every kind at every address there is: they get nothing, and nothing changes.

The addresses come from Django's resolver; what is public is the short list below.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.test import Client

from bilag.tenants.tokens import SCOPES
from tests.portal.place import CANARY, FILLED, OTHER, Place
from tests.portal.routes import METHODS, Route, pages, routes

# Whoever comes may open these; what they show is nobody's. Everything else asks for a sign-in.
PUBLIC = {
    "portal:language", "portal:colours",
    "account_login", "account_logout", "account_inactive", "mfa_login_webauthn",
    "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "api:openapi-json", "api:openapi-view", "api:api-root",
}  # fmt: skip
# Forms that another site may send, by name of the address: why.
WITHOUT_CSRF: Mapping[str, str] = {}

_NOTHING = {401, 403, 404, 405, 410, 429}


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who has no business there: a client, and the methods that are tried."""

    name: str
    client: Client
    methods: tuple[str, ...] = ("GET", "POST")
    headers: tuple[tuple[str, str], ...] = ()
    signed_in: bool = True

    @property
    def for_programs(self) -> bool:
        """Tell whether it comes with a token, which only the API looks at."""
        return bool(self.headers)

    def ask(self, method: str, path: str) -> Any:
        """Send one request without a body."""
        return self.client.generic(method, path, headers=dict(self.headers))


def test_strangers_get_nothing_and_change_nothing(place: Place) -> None:
    before, everything = _fingerprint(place), routes()
    operations = [route for route in everything if route.is_api]
    wrong = [
        f"{stranger.name}: {method} {route.name}: {found}"
        for stranger in _strangers(place)
        for route in (operations if stranger.for_programs else everything)
        for method in stranger.methods
        if (found := _seen(stranger, method, route, place))
    ]
    assert not wrong, "\n".join(wrong)
    assert _fingerprint(place) == before


def test_roles_get_only_the_pages_that_are_theirs(place: Place) -> None:
    """A page says which roles may; the others of the organization are told that it is not there."""
    before = _fingerprint(place)
    closed = [route for route in pages() if route.of_an_organization]
    assert closed
    wrong = []
    for role in ("coordinator", "accountant"):
        client = place.people[role].client()
        for route in closed:
            assert route.roles, f"{route.name} is not behind organization_page"
            if role in route.roles:
                continue
            for method in ("GET", "POST"):
                status = client.generic(method, route.path(place)).status_code
                if status not in (404, 405):
                    wrong.append(f"{role}: {method} {route.name}: {status}")
    assert not wrong, "\n".join(wrong)
    assert _fingerprint(place) == before


def test_nobody_else_s_form_is_taken(place: Place) -> None:
    """A form of another site: the session's cookie alone changes nothing."""
    before = _fingerprint(place)
    client = place.people["admin"].client(checks_csrf=True)
    taken = {
        route.name
        for route in pages()
        if client.post(route.path(place), {"x": "y"}).status_code not in (403, 405)
    }
    assert taken == set(WITHOUT_CSRF)
    assert _fingerprint(place) == before


def _strangers(place: Place) -> Iterator[Stranger]:
    for name in ("outsider", "nobody", "signed out", "expired", "global"):
        every = METHODS if name in ("outsider", "signed out") else ("GET", "POST")
        signed_in = name not in ("signed out", "expired")
        yield Stranger(name, place.people[name].client(), every, signed_in=signed_in)
    # the API asks for a token, whoever is signed in at the pages; these are for the API alone
    tokens = {
        "an outsider's token": place.token(OTHER, *SCOPES),
        "an expired token": _expired(place),
        "no token at all": "",
    }
    for name, token in tokens.items():
        header = ("Authorization", f"Bearer {token}")
        yield Stranger(name, place.people["signed out"].client(), METHODS, (header,), False)


def _expired(place: Place) -> str:
    token = place.token(FILLED, *SCOPES)
    with place.owner() as owner:
        owner.execute(
            "UPDATE api_tokens SET expires_at = now() WHERE organization_id = %s",
            [place.organizations[FILLED]],
        )
    return token


def _seen(stranger: Stranger, method: str, route: Route, place: Place) -> str:
    """Return what a stranger got that they may not have, or nothing."""
    if stranger.name == "global" and not route.of_an_organization:
        return ""  # looks after the whole installation, and sees what is in it in support mode only
    path = route.path(place)
    answer = stranger.ask(method, path)
    said = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = f"{said.decode(errors='replace')} {dict(answer.headers)}"
    for echo in (path, path.partition("?")[0]):
        for shape in (echo, quote(echo), quote(echo, safe=""), escape(echo)):
            text = text.replace(shape, "")
    if CANARY in text.lower():
        return f"{answer.status_code}, and reads of {CANARY}"
    if answer.status_code >= 500:
        return f"{answer.status_code}"
    to_sign_in = answer.status_code == 302 and answer["Location"].startswith(settings.LOGIN_URL)
    if answer.status_code in _NOTHING or to_sign_in or route.name in PUBLIC:
        return ""
    if stranger.signed_in and not route.of_an_organization and not route.is_api:
        return ""  # pages of their own
    if route.is_api and stranger.name == "an outsider's token":
        return ""  # answers of their own organization
    return f"{answer.status_code} {answer.get('Location', '')}"


def _fingerprint(place: Place) -> dict[str, str]:
    """Return a sum over everything the organization has, table by table."""
    own = place.organizations[FILLED]
    with place.owner() as owner:
        tables = [
            row[0]
            for row in owner.execute(
                "SELECT c.table_name FROM information_schema.columns c"
                " JOIN information_schema.tables t USING (table_schema, table_name)"
                " WHERE c.table_schema = 'public' AND c.column_name = 'organization_id'"
                " AND t.table_type = 'BASE TABLE' AND table_name <> 'api_tokens' ORDER BY 1"
            )
        ]
        found = {}
        for table in ("organizations", *tables):
            key = "id" if table == "organizations" else "organization_id"
            rows = owner.execute(
                f"SELECT t::text FROM {table} t WHERE {key} = %s ORDER BY 1", [own]
            ).fetchall()
            found[table] = hashlib.sha256(repr(rows).encode()).hexdigest()
    assert len(found) > 10
    return found
