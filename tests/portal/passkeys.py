"""Passkeys as the database keeps them, without a device that holds them."""

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

from bilag.portal.accounts.models import User

_ANSWER = b'{"type":"webauthn.create","challenge":"eA","origin":"http://localhost"}'


def add_passkey(email: str, name: str) -> None:
    """Give a person a passkey that no device holds, and recovery codes."""
    person = User.objects.get(email=email)
    public = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    credential = AttestedCredentialData.create(Aaguid.NONE, name.encode(), public)
    data = AuthenticatorData.create(bytes(32), AuthenticatorData.FLAG.AT, 0, credential)
    Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.WEBAUTHN,
        data={
            "name": name,
            "credential": {
                "id": websafe_encode(name.encode()),
                "rawId": websafe_encode(name.encode()),
                "type": "public-key",
                "response": {
                    "clientDataJSON": websafe_encode(
                        b'{"type":"webauthn.create","challenge":"eA"}'
                    ),
                    "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
                },
                "clientExtensionResults": {"credProps": {"rk": True}},
            },
        },
    )
    RecoveryCodes.activate(person)
