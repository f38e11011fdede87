"""How we log in to a REST API, with what all of its settings have in common: groups, addresses.

The secrets are entered apart and live in the vault.
"""

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from bilag.connectors.form import in_form

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("an address looks like https://api.example.com/v1")
    if parts.username or parts.password:
        raise ValueError("leave user name and password out of the address; they are secrets")
    if parts.query or parts.fragment:
        raise ValueError("leave out everything from ? or # on")
    return text.rstrip("/")


def header_name(text: str) -> str:
    """Return a header's name; raises ValueError for what cannot be one."""
    if not _HEADER_NAME.fullmatch(text):
        raise ValueError(f"{text!r} cannot be the name of a header")
    return text


Address = Annotated[str, Field(max_length=500), AfterValidator(_address)]
HeaderName = Annotated[str, AfterValidator(header_name)]

# Which secret each kind of login needs.
SECRET_OF_KIND = {
    "api_key": "api_key",
    "basic": "password",
    "bearer": "bearer_token",
    "oauth2_client_credentials": "client_secret",
    "hmac": "hmac_key",
}
_OAUTH2, _HMAC = ("oauth2_client_credentials",), ("hmac",)


class Section(BaseModel):
    """A group of settings: camelCase in JSON, unknown names refused, never changed once read."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class Auth(Section):
    """How we log in; the secrets (`api_key`, `password` ...) are entered apart."""

    kind: Literal["none", "api_key", "basic", "bearer", "oauth2_client_credentials", "hmac"] = (
        Field(
            "none",
            title="Login",
            description="How the system knows that it is you.",
            json_schema_extra=in_form(
                first=True,
                secrets=SECRET_OF_KIND,
                labels={
                    "none": "No login",
                    "api_key": "API key in a header",
                    "basic": "User name and password",
                    "bearer": "Token that does not expire",
                    "oauth2_client_credentials": "OAuth2 client credentials",
                    "hmac": "Signature with a shared key (HMAC)",
                },
            ),
        )
    )
    api_key_header: HeaderName = Field(
        "X-API-Key",
        title="API key header",
        description="The header that carries the API key.",
        json_schema_extra=in_form(logins=("api_key",)),
    )
    username: str = Field(
        "",
        title="User name",
        description="For user name and password.",
        json_schema_extra=in_form(first=True, logins=("basic",)),
    )
    token_url: Address | Literal[""] = Field(
        "",
        title="Token address",
        description="Where OAuth2 access tokens are fetched.",
        json_schema_extra=in_form(first=True, logins=_OAUTH2),
    )
    client_id: str = Field(
        "",
        title="Client id",
        description="The OAuth2 client.",
        json_schema_extra=in_form(first=True, logins=_OAUTH2),
    )
    scope: str = Field(
        "",
        title="Scope",
        description="Asked for with the token; may be empty.",
        json_schema_extra=in_form(logins=_OAUTH2),
    )
    audience: str = Field(
        "",
        title="Audience",
        description="Only where the system asks for one.",
        json_schema_extra=in_form(logins=_OAUTH2),
    )
    client_auth: Literal["header", "body"] = Field(
        "header",
        title="Client login",
        description="Where client id and secret are sent.",
        json_schema_extra=in_form(
            labels={"header": "In a header", "body": "In the body"}, logins=_OAUTH2
        ),
    )
    signature_header: HeaderName = Field(
        "X-Signature",
        title="Signature header",
        description="Carries the HMAC-SHA256 in hex.",
        json_schema_extra=in_form(logins=_HMAC),
    )
    timestamp_header: HeaderName = Field(
        "X-Timestamp",
        title="Time stamp header",
        description="Seconds since 1970, signed too.",
        json_schema_extra=in_form(logins=_HMAC),
    )
    signed_text: str = Field(
        "{timestamp}.{body}",
        title="Signed text",
        description="What is signed; may hold {timestamp}, {method}, {path} and {body}.",
        json_schema_extra=in_form(logins=_HMAC),
    )
    signature_prefix: str = Field(
        "sha256=",
        title="Signature prefix",
        description="Written before the signature.",
        json_schema_extra=in_form(logins=_HMAC),
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "basic" and not self.username:
            raise ValueError("user name and password: the user name is missing")
        if self.kind == "oauth2_client_credentials" and not (self.token_url and self.client_id):
            raise ValueError("OAuth2 client credentials need a token address and a client id")
        if self.kind == "hmac" and "{body}" not in self.signed_text:
            raise ValueError("the signed text has to hold {body}")
        return self
