"""/configuration: an organization as a document, out and in again, without its secrets (C15).

The verbs are those of `OrganizationConfiguration`. As JSON is YAML, `bilag apply` reads it too.
"""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router

from bilag.api.answers import answer
from bilag.api.auth import CONFIGURATION_READ, CONFIGURATION_WRITE, caller_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.once import once
from bilag.api.values import Answer, Request
from bilag.delivery.configuration.apply import Change
from bilag.delivery.configuration.verbs import OrganizationConfiguration
from bilag.delivery.installation import installation

_Organization = Annotated[
    dict[str, Any], Field(description="As in the file of `bilag apply`; see the documentation.")
]

router = Router(tags=["organization"], by_alias=True)


class ConfigurationAnswer(Answer):
    """The organization as the file of `bilag apply` has it, without secrets and members."""

    organizations: list[_Organization]


class ConfigurationRequest(Request):
    """The same to be taken in; it may speak of the token's organization only."""

    organizations: list[_Organization] = Field(min_length=1, max_length=1)


class ChangeAnswer(Answer):
    """One thing that is made, changed or removed."""

    subject: str
    what: str
    event: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, change: Change) -> "ChangeAnswer":
        return cls(
            subject=change.subject,
            what=change.what,
            event=change.event,
            detail=dict(change.detail),
        )


class ChangesAnswer(Answer):
    """What would change, or has changed; nothing where it is as the configuration says already."""

    changes: list[ChangeAnswer]


@router.get(
    "/configuration",
    auth=CONFIGURATION_READ,
    response={200: ConfigurationAnswer, **READ_ERRORS},
    summary="The configuration",
)
def get_configuration(request: HttpRequest) -> HttpResponse:
    """Taken in again it changes nothing."""
    return answer(200, ConfigurationAnswer.model_validate(_configuration(request).exported()))


@router.post(
    "/configuration/preview",
    auth=CONFIGURATION_READ,
    response={200: ChangesAnswer, **WRITE_ERRORS},
    summary="Preview a configuration",
)
@once
def post_configuration_preview(request: HttpRequest, body: ConfigurationRequest) -> HttpResponse:
    """What taking it in would change; nothing is changed."""
    return _told(_configuration(request).preview(_content(body)))


@router.put(
    "/configuration",
    auth=CONFIGURATION_WRITE,
    response={200: ChangesAnswer, **WRITE_ERRORS},
    summary="Take a configuration in",
)
def put_configuration(request: HttpRequest, body: ConfigurationRequest) -> HttpResponse:
    """All of it or nothing. It sets no secret, no member and no private network."""
    return _told(_configuration(request).take_in(_content(body)))


def _content(body: ConfigurationRequest) -> dict[str, Any]:
    return {"organizations": body.organizations}


def _told(changes: list[Change]) -> HttpResponse:
    return answer(200, ChangesAnswer(changes=[ChangeAnswer.of(one) for one in changes]))


def _configuration(request: HttpRequest) -> OrganizationConfiguration:
    caller = caller_of(request)
    return installation().configuration_of(caller.organization_id, caller.actor)
