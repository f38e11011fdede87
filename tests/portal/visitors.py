"""People at the pages, signed in without signing in: sessions as signing in leaves them.

They have a password, an authenticator app, a passkey and recovery codes; some have less.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from http.cookies import SimpleCookie
from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.webauthn.internal.auth import WebAuthn
from allauth.usersessions.models import UserSession
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from fido2.cose import ES256
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)

from bilag.portal.accounts.arrivals import find_person, make_person
from bilag.portal.accounts.models import User
from bilag.portal.accounts.proof import PROVEN

PASSWORD = "Riktig hest batteri 017"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at the pages: a name for messages, and the session's key, if there is one."""

    name: str
    session: str = ""

    @property
    def email(self) -> str:
        """Return the address they sign in with, which is also the name of their memberships."""
        return f"{self.name}@example.org"

    def cookies(self) -> dict[str, str]:
        """Return the cookies that the browser sends."""
        return {settings.SESSION_COOKIE_NAME: self.session} if self.session else {}

    def client(self, language: str = "en", *, checks_csrf: bool = False) -> Client:
        """Return a client of Django's whole stack that is this visitor."""
        client = Client(
            SERVER_NAME="localhost", enforce_csrf_checks=checks_csrf, raise_request_exception=False,
            headers={"Accept-Language": language},
        )  # fmt: skip
        client.cookies = SimpleCookie({**self.cookies(), settings.LANGUAGE_COOKIE_NAME: language})
        return client


def signed_in(name: str, *, factors: bool = True) -> Visitor:
    """Return a visitor who is signed in, made if new; without factors only by the password."""
    person = _person(name, factors=factors)
    return Visitor(name, _session(person, proven=factors))


def expired(name: str, of: str) -> Visitor:
    """Return a visitor whose session, of somebody who is known, has ended."""
    return Visitor(name, _session(_person(of), ended=True))


def code_now(secret: str = TOTP_SECRET) -> str:
    """Return what the authenticator app shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def _person(name: str, *, factors: bool = True) -> User:
    email = Visitor(name).email
    person = find_person(email)
    if person is None:
        person = make_person(email, None)
        person.password = _hashed()
        person.save(update_fields=["password"])
        if factors:
            TOTP.activate(person, TOTP_SECRET)
            RecoveryCodes.activate(person)
            WebAuthn.add(person, "Nøkkel 017", _passkey())
    return person


def _passkey() -> dict[str, Any]:
    """Return what a device answers when a passkey is made; nobody has the private key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), b"nokkel-017"
    public = ES256.from_cryptography_key(key.public_key())
    made = AttestedCredentialData.create(Aaguid(bytes(16)), name, public)
    flags = AuthenticatorData.FLAG
    proof = AuthenticatorData.create(bytes(32), flags.UP | flags.UV | flags.AT, 1, made)
    answer = AuthenticatorAttestationResponse(
        client_data=CollectedClientData.create("webauthn.create", bytes(32), "http://localhost"),
        attestation_object=AttestationObject.create("none", proof, {}),
    )
    return dict(RegistrationResponse(raw_id=name, response=answer))


@cache
def _hashed() -> str:
    """Hash the password of everybody once: that it is slow is its strength."""
    return make_password(PASSWORD)


def _session(person: User, *, proven: bool = True, ended: bool = False) -> str:
    # so late that no page asks for password or code again while the tests run
    session, now = SessionStore(), time.time() + 86400
    ways = [{"method": "password", "at": now, "email": person.email}]
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    if proven:
        session[PROVEN] = now
        ways.append({"method": "mfa", "type": "totp", "at": now})
    session["account_authentication_methods"] = ways
    if ended:
        session.set_expiry(datetime.now(UTC) - timedelta(minutes=1))
    session.create()
    key = str(session.session_key)
    UserSession.objects.create(user=person, session_key=key, ip="127.0.0.1", user_agent=_BROWSER)
    return key
