"""The file BILAG_JWT_FILE: which issuers' signed tokens the API takes, and how keys are fetched.

It is read when `serve` starts; a fault in it is told with its place, its line and what to do.
"""

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from itertools import permutations
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from bilag.connectors.http import ExchangeError, HttpClient
from bilag.core.problem import Problem, Refused
from bilag.delivery.configuration.entries import Entry, Network, Secret, Sources
from bilag.delivery.configuration.read import read_entries
from bilag.integrations.model import Name
from bilag.tenants.issuers import ASYMMETRIC, SYMMETRIC, Issuer, KeysNotFetched
from bilag.tenants.signed_tokens import SignedTokens

VARIABLE = "BILAG_JWT_FILE"
# Failure policy: one try within this time, name look-up included; when to try again is said by
# `tenants.issuers`.
FETCH_SECONDS = 3.0
_SECRET_BYTES_MIN = 32  # RFC 7518, 3.2: a key as long as the hash


class IssuerEntry(Entry):
    """One issuer: by the address of its public keys, or by a secret that it shares with us."""

    issuer: Name
    audience: Name
    algorithms: Annotated[tuple[str, ...], Field(min_length=1)] = ("RS256", "ES256")
    jwks_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+", max_length=2000)] | None = None
    secret: Secret | None = None
    leeway_seconds: int = Field(30, ge=0, le=120)
    allowed_networks: tuple[Network, ...] = ()
    subject_prefix: Annotated[str, Field(max_length=50)] = ""

    @model_validator(mode="after")
    def _one_kind_of_key(self) -> Self:
        if (self.jwks_url is None) == (self.secret is None):
            raise Refused(Problem("issuer_keys"))
        known = ASYMMETRIC if self.secret is None else SYMMETRIC
        if unknown := sorted(set(self.algorithms) - set(known)):
            params = {"unknown": ", ".join(unknown), "known": ", ".join(known)}
            raise Refused(Problem("issuer_algorithms", "algorithms", params=params))
        if self.secret and len(self.secret.get_secret_value().encode()) < _SECRET_BYTES_MIN:
            params = {"bytes": str(_SECRET_BYTES_MIN)}
            raise Refused(Problem("issuer_secret_short", "secret", params=params))
        return self


class IssuersFile(Entry):
    """The whole file."""

    issuers: Annotated[tuple[IssuerEntry, ...], Field(min_length=1)]

    @field_validator("issuers")
    @classmethod
    def _told_apart(cls, entries: tuple[IssuerEntry, ...]) -> tuple[IssuerEntry, ...]:
        if len({entry.issuer for entry in entries}) < len(entries):
            raise Refused(Problem("issuer_twice"))
        # The same `sub` of two issuers is two people; neither prefix may begin like the other.
        for one, other in permutations(entries, 2):
            if other.subject_prefix.startswith(one.subject_prefix):
                raise Refused(Problem("issuer_prefixes"))
        return entries


def open_signed_tokens(environ: Mapping[str, str]) -> SignedTokens | None:
    """Return what checks signed tokens, None where no file is named.

    Raises Refused with every fault of the file; no issuer is asked yet.
    """
    place = environ.get(VARIABLE, "")
    if not place:
        return None
    path = Path(place)
    try:
        read = read_entries(IssuersFile, path, Sources(path.parent, environ))
    except Refused as error:
        named = (replace(one, field=f"{VARIABLE} {one.field}".strip()) for one in error.problems)
        raise Refused(*named) from None
    return SignedTokens([_issuer(entry) for entry in read.issuers], fetch)


def _issuer(entry: IssuerEntry) -> Issuer:
    return Issuer(
        name=entry.issuer,
        audience=entry.audience,
        algorithms=entry.algorithms,
        jwks_url=entry.jwks_url or "",
        secret=entry.secret.get_secret_value() if entry.secret else "",
        leeway_seconds=entry.leeway_seconds,
        allowed_networks=entry.allowed_networks,
        subject_prefix=entry.subject_prefix,
    )


def fetch(issuer: Issuer) -> bytes:
    """Return what stands at the address of an issuer's keys; raises KeysNotFetched."""
    return asyncio.run(_fetch(issuer))


async def _fetch(issuer: Issuer) -> bytes:
    allowed = [ipaddress.ip_network(network) for network in issuer.allowed_networks]
    try:
        async with HttpClient(allowed=allowed, timeout_seconds=FETCH_SECONDS) as client:
            answer = await client.request("GET", issuer.jwks_url)
    except ExchangeError as error:
        raise KeysNotFetched(str(error)) from error
    if answer.status != HTTPStatus.OK:
        raise KeysNotFetched(f"the answer is HTTP {answer.status}")
    return answer.body
