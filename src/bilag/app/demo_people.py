"""The people of the demo: one for each role, each with a password and a second factor.

They are drawn anew for each demo and kept in its folder, since a demo runs on the own machine only.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from django.db import connections

from bilag.app.cli_open import connected
from bilag.app.demo_records import PEOPLE
from bilag.app.serve import prepare
from bilag.app.wiring import Installation
from bilag.tenants.global_admins import add_global_admin

OPERATOR = "operator@example.org"
_CODES = 4


@dataclass(frozen=True, slots=True)
class SignIn:
    """What one person signs in with; each code works once in place of the app's."""

    email: str
    what: str
    password: str
    key: str
    codes: tuple[str, ...]


def sign_ins(opened: Installation, home: Path) -> list[SignIn]:
    """Return the sign-in of each role, made the first time; their roles stand in demo.yaml."""
    file = home / "sign-ins.json"
    if file.exists():
        return [SignIn(**one) for one in json.loads(file.read_text())]
    with connected(opened.urls.owner, "BILAG_DATABASE_OWNER_URL") as owner:
        add_global_admin(owner, OPERATOR)
    prepare(opened)
    try:
        found = [_person(OPERATOR, "global admin")]
        found += [
            _person(email, f"{role} of {', '.join(slugs)}")
            for email, (role, slugs) in PEOPLE.items()
        ]
    finally:
        connections["default"].close()
    file.touch(mode=0o600)
    file.write_text(json.dumps([asdict(one) for one in found], indent=1))
    return found


def _person(email: str, what: str) -> SignIn:
    # Loaded here and not above: these need Django, which only knows its database by now.
    arrivals: Any = import_module("bilag.portal.accounts.arrivals")
    totp: Any = import_module("allauth.mfa.totp.internal.auth")
    recovery: Any = import_module("allauth.mfa.recovery_codes.internal.auth")
    password, key = secrets.token_urlsafe(9), totp.generate_totp_secret()
    person = arrivals.find_person(email) or arrivals.make_person(email, None)
    person.set_password(password)
    person.save()
    person.authenticator_set.all().delete()
    totp.TOTP.activate(person, key)
    codes = recovery.RecoveryCodes.activate(person).generate_codes()
    return SignIn(email, what, password, key, tuple(codes[:_CODES]))
