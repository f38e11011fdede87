"""What the operator says about signing in: address of the pages, mail server, other providers.

Read from the environment once, when Django's settings are made; raises SignInRefused.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

# Failure policy: a mail server that does not answer costs a page so many seconds; the link is
# shown instead, and nothing is sent again by itself.
MAIL_SECONDS_MAX = 10
_LOCAL = ("localhost", "127.0.0.1", "::1")
_PROVIDER = {"id", "name", "server", "clientId", "secret", "allowedNetworks", "vouchesFor"}


class SignInRefused(RuntimeError):
    """A setting about signing in cannot be used; the text names it and says what to write."""


def pages_address(environ: Mapping[str, str]) -> str:
    """Return the address at which people reach the pages (BILAG_URL), or an empty text."""
    address = environ.get("BILAG_URL", "").rstrip("/")
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path):
        raise SignInRefused(
            f"BILAG_URL is {address!r}; it looks like https://bilag.example.org, without a path"
        )
    return address


def whole_number(environ: Mapping[str, str], name: str, default: int) -> int:
    """Return a setting that is a number from 0 up; raises SignInRefused for anything else."""
    text = environ.get(name, str(default))
    if not (text.isascii() and text.isdecimal()):
        raise SignInRefused(f"{name} is {text!r}; it must be a whole number")
    return int(text)


def mail_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return Django's e-mail settings of BILAG_SMTP_URL, or none at all without it.

    smtps:// is TLS from the start, smtp:// STARTTLS, but for a relay on this machine.
    """
    address = environ.get("BILAG_SMTP_URL", "")
    if not address:
        return {}
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        # not shown: it may hold a password
        raise SignInRefused(
            "BILAG_SMTP_URL cannot be used; it looks like smtp://user:password@host:587"
            " (STARTTLS) or smtps://user:password@host:465"
        )
    secure = parts.scheme == "smtps"
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if secure else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": secure,
        "EMAIL_USE_TLS": not secure and parts.hostname not in _LOCAL,
        "EMAIL_TIMEOUT": MAIL_SECONDS_MAX,
        "DEFAULT_FROM_EMAIL": environ.get("BILAG_MAIL_FROM", f"bilag@{parts.hostname}"),
    }


def providers(environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the OpenID Connect providers of BILAG_OIDC_FILE as allauth takes them."""
    file = environ.get("BILAG_OIDC_FILE", "")
    if not file:
        return []
    try:
        listed = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SignInRefused(
            f"BILAG_OIDC_FILE: {file} cannot be read: {type(error).__name__}"
        ) from None
    if not isinstance(listed, list):
        raise SignInRefused(f"{file} must be a YAML list of providers")
    found = [_provider(one, f"{file}, provider {number}", environ)
             for number, one in enumerate(listed, 1)]  # fmt: skip
    ids = [one["provider_id"] for one in found]
    for twice in {one for one in ids if ids.count(one) > 1}:
        raise SignInRefused(f"{file}: the id {twice!r} stands twice; give each provider its own")
    return found


def _provider(one: Any, place: str, environ: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise SignInRefused(f"{place}: write id, name, server, clientId and secret")
    for key in sorted(one.keys() - _PROVIDER):
        raise SignInRefused(f"{place}: {key} is not known here; known are {sorted(_PROVIDER)}")
    for key in ("id", "name", "server", "clientId", "secret"):
        if not isinstance(one.get(key), str) or not one[key]:
            raise SignInRefused(f"{place}: {key} is missing")
    identifier = one["id"]
    if not identifier.replace("-", "").isalnum() or not identifier.isascii():
        raise SignInRefused(f"{place}: the id may have letters, digits and hyphens only")
    networks = [str(network) for network in one.get("allowedNetworks", ())]
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise SignInRefused(f"{place}: {network} is not a network like 10.1.0.0/16") from None
    return {
        "provider_id": identifier,
        "name": one["name"],
        "client_id": one["clientId"],
        "secret": _secret(one["secret"], place, environ),
        "settings": {
            "server_url": one["server"],
            "oauth_pkce_enabled": True,
            "allowed_networks": networks,
            # domains whose addresses this provider knows to be its people's own
            "verified_email": [str(domain) for domain in one.get("vouchesFor", ())],
        },
    }


def _secret(reference: str, place: str, environ: Mapping[str, str]) -> str:
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        secret = environ.get(name, "")
    elif kind == "file" and name:
        try:
            secret = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SignInRefused(f"{place}: {name}: {type(error).__name__}") from None
    else:
        # not shown: somebody may have written the secret itself
        raise SignInRefused(f"{place}: the secret is given as env:NAME or file:/path, never itself")
    if not secret.strip():
        raise SignInRefused(f"{place}: there is no secret in {reference}")
    return secret.strip()
