"""A sign-in that issues signed tokens: real keys, and a real HTTP server that publishes them.

`wrong_tokens` are the ways in which a token can lie; each has to be refused.
"""

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "authenticated"
SUBJECT = "5f0c8a52-administrator-001"
HMAC_SECRET = "canary-jwt-secret-0123456789abcdef"


def _public(key: Any) -> bytes:
    public: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public


RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
STRANGE_KEY = rsa.generate_private_key(65537, 2048)
WEAK_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it has to be refused


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """Return the public half of a key as it is published."""
    is_rsa = isinstance(key, rsa.RSAPrivateKey)
    algorithm: Any = jwt.algorithms.RSAAlgorithm if is_rsa else jwt.algorithms.ECAlgorithm
    found: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))
    found.pop("key_ops", None)
    return {**found, "kid": kid, **more}


@dataclass
class Issuer:
    """A running issuer; `answer` takes the place of its published keys, `requests` counts."""

    url: str = ""
    requests: int = 0
    keys: list[dict[str, Any]] = field(
        default_factory=lambda: [
            jwk(RSA_KEY, "rsa-1", alg="RS256", use="sig"),
            jwk(EC_KEY, "ec-1", use="sig"),
            jwk(WEAK_KEY, "weak-1"),
            jwk(RSA_KEY, "for-encryption", use="enc"),
            {"kty": "oct", "kid": "oct-1", "k": base64.urlsafe_b64encode(b"k" * 32).decode()},
        ]
    )
    answer: tuple[int, bytes, dict[str, str]] | None = None
    delay: float = 0.0

    @property
    def name(self) -> str:
        """The `iss` of its tokens."""
        return f"{self.url}/auth/v1"

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return what a good token says; a change to None leaves the claim out."""
        now = int(time.time())
        said = {
            "iss": self.name, "aud": AUDIENCE, "sub": SUBJECT, "iat": now, "exp": now + 600,
            "role": "authenticated", **changes,
        }  # fmt: skip
        return {name: value for name, value in said.items() if value is not None}

    def token(
        self,
        key: Any = RSA_KEY,
        kid: str | None = "rsa-1",
        algorithm: str = "RS256",
        **changes: Any,
    ) -> str:
        """Return a signed token, good unless something is changed."""
        headers = {} if kid is None else {"kid": kid}
        return jwt.encode(self.claims(**changes), key, algorithm, headers=headers)

    def entry(self, **changes: Any) -> dict[str, Any]:
        """Return its entry in BILAG_JWT_FILE."""
        return {
            "issuer": self.name, "audience": AUDIENCE,
            "jwksUrl": f"{self.name}/.well-known/jwks.json",
            "allowedNetworks": ["127.0.0.1/32"], **changes,
        }  # fmt: skip


def write_issuers(path: Path, *entries: dict[str, Any]) -> Path:
    """Write BILAG_JWT_FILE; a value of None leaves its key out."""
    kept = [{k: v for k, v in entry.items() if v is not None} for entry in entries]
    path.write_text(json.dumps({"issuers": kept}))  # JSON is YAML
    return path


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Serve an issuer's keys on a free port of 127.0.0.1 for the length of the block."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.requests += 1
            time.sleep(issuer.delay)
            status, body, headers = issuer.answer or (
                200, json.dumps({"keys": issuer.keys}).encode(), {},
            )  # fmt: skip
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # who asked has seen enough
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wrong_tokens(issuer: Issuer) -> dict[str, str]:
    """Return tokens that must be refused, by what is wrong with them."""
    now = int(time.time())
    good = issuer.token()
    head, _, signature = good.split(".")
    metadata = {"user_metadata": {"role": "admin"}, "app_metadata": {"role": "admin"}}
    return {
        "another issuer": issuer.token(iss="https://elsewhere.example/auth/v1"),
        "an issuer that only begins like it": issuer.token(iss=f"{issuer.name}/more"),
        "issuers in a list": _by_hand(issuer, iss=[issuer.name]),
        "no issuer": issuer.token(iss=None),
        "another audience": issuer.token(aud="somebody-else"),
        "no audience": issuer.token(aud=None),
        "expired": issuer.token(exp=now - 31),
        "no expiry": issuer.token(exp=None),
        "an expiry that is no number": issuer.token(exp="never"),
        "an endless expiry": _by_hand(issuer, exp=float("inf")),
        "not valid yet": issuer.token(nbf=now + 120),
        "issued in the future": issuer.token(iat=now + 120),
        "no subject": issuer.token(sub=None),
        "an empty subject": issuer.token(sub="  "),
        "a subject that is no text": _by_hand(issuer, sub=17),
        "a subject with a NUL": issuer.token(sub=SUBJECT + "\x00"),
        "an overlong subject": issuer.token(sub="x" * 201),
        "the e-mail address of somebody who signs in here": issuer.token(sub="admin@example.org"),
        "no signature": jwt.encode(issuer.claims(), None, "none", headers={"kid": "rsa-1"}),  # type: ignore[arg-type]
        "a signature that is cut off": f"{good.rpartition('.')[0]}.",
        "other claims under its signature": f"{head}.{_part(issuer.claims(sub='x'))}.{signature}",
        "the public key as a shared secret": hmac_token(issuer, _public(RSA_KEY)),
        "the published shared secret": hmac_token(issuer, b"k" * 32, kid="oct-1"),
        "a shared secret nobody configured": hmac_token(issuer, HMAC_SECRET.encode()),
        "a key nobody published": issuer.token(key=STRANGE_KEY),
        "a key that brings itself along": jwt.encode(
            issuer.claims(), STRANGE_KEY, "RS256",
            headers={"kid": "rsa-1", "jwk": jwk(STRANGE_KEY, "rsa-1"), "jku": f"{issuer.url}/x"},
        ),
        "an unknown key": issuer.token(kid="rsa-2"),
        "no name of a key": issuer.token(kid=None),
        "another key's name": issuer.token(kid="ec-1"),
        "a weak key": _by_hand(issuer, WEAK_KEY, kid="weak-1"),
        "a key that is not for signatures": issuer.token(kid="for-encryption"),
        "an algorithm that is not allowed": issuer.token(algorithm="PS256"),
        "an algorithm the key is not for": issuer.token(algorithm="RS512"),
        "an extension we do not know": jwt.encode(
            issuer.claims(), RSA_KEY, "RS256",
            headers={"kid": "rsa-1", "crit": ["x-new"], "x-new": True},
        ),
        "the service role": issuer.token(role="service_role", **metadata),
        "the service role among others": issuer.token(role=["authenticated", "service_role"]),
        "claims that are no object": f"{head}.{_part([1])}.{signature}",
        "claims that never end": f"{head}.{_base64(b'[' * 5000)}.{signature}",
        "too long": issuer.token(padding="x" * 9000),
        "not three parts": "a.b",
        "no base64": "ø.ø.ø",
    }  # fmt: skip


def hmac_token(issuer: Issuer, secret: bytes, kid: str = "rsa-1", **changes: Any) -> str:
    """Return a good token signed by a shared secret."""
    # PyJWT refuses to sign with a public key, so it is done by hand, as an attacker would.
    return _by_hand(issuer, secret, "HS256", kid, **changes)


def _by_hand(
    issuer: Issuer, key: Any = RSA_KEY, algorithm: str = "RS256", kid: str = "rsa-1", **changes: Any
) -> str:
    """Sign what the library would not sign."""
    signed = (
        f"{_part({'alg': algorithm, 'typ': 'JWT', 'kid': kid})}"
        f".{_part({**issuer.claims(), **changes})}"
    )
    return f"{signed}.{_base64(jwt.get_algorithm_by_name(algorithm).sign(signed.encode(), key))}"


def _part(value: Any) -> str:
    return _base64(json.dumps(value).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
