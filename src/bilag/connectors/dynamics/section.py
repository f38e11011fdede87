"""What the settings of every Dynamics product have in common: groups and addresses.

Secrets are never among them; they are `secret_fields` of the connector and live in the vault.
"""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Section(BaseModel):
    """A group of settings: camelCase in JSON, unknown names refused, never changed once read."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("an address looks like https://api.businesscentral.dynamics.com/v2.0")
    if parts.username or parts.password:
        raise ValueError("leave user name and password out of the address; they are secrets")
    if parts.query or parts.fragment:
        raise ValueError("leave out everything from ? or # on")
    return text.rstrip("/")


def _piece(text: str) -> str:
    if any(sign in text for sign in "/\\?#%") or text in (".", ".."):
        raise ValueError("give only the name itself, without slashes or signs of an address")
    return text.strip()


Address = Annotated[str, Field(max_length=500), AfterValidator(_address)]
PathPiece = Annotated[str, Field(max_length=100), AfterValidator(_piece)]
