"""/integration-types and /integrations: setting integrations up, changing, deleting them (C1, C2).

The verbs are those of `Drafting`; what is in use is tested before it changes, and audited.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field
from pydantic import SecretStr

from bilag.api.answers import answer
from bilag.api.auth import CONFIGURATION_READ, CONFIGURATION_WRITE, caller_of
from bilag.api.connection_answers import (
    ConnectionTestAnswer,
    CredentialAnswer,
    ReferenceListAnswer,
    credential_answers,
)
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.integrations import IntegrationKey, router
from bilag.api.once import once
from bilag.api.problems import language_of, not_found_if_unknown
from bilag.api.values import Answer, Flag, Request
from bilag.delivery.connecting import Connected, ConnectorType
from bilag.delivery.credentials import NewSecret
from bilag.delivery.drafting import Drafting
from bilag.delivery.installation import installation
from bilag.integrations.model import Name
from bilag.integrations.start import NewIntegration

Status = Literal["active", "disabled", "error", "draft"]
SECRET_MAX = 20_000


class TypeIntegrationAnswer(Answer):
    """One of the organization's integrations of a kind."""

    key: str
    name: str
    status: Status


class IntegrationTypeAnswer(Answer):
    """A kind of accounting system that can be connected.

    `settings` is the JSON Schema of its settings: with titles and descriptions for a form;
    `x-first` marks what is needed first, `x-labels` names the choices, `x-secrets` says which
    secret goes with which choice of the login, `x-logins` which choices need the setting.
    """

    type: str
    title: str
    description: str
    settings: dict[str, Any]
    secrets: dict[str, str] = Field(description="The name of each secret's field, and its title.")
    reference_kinds: list[str]
    integrations: list[TypeIntegrationAnswer] = Field(
        description="Those of the organization; empty: not configured."
    )

    @classmethod
    def of(cls, kind: ConnectorType) -> "IntegrationTypeAnswer":
        return cls(
            type=kind.type,
            title=kind.title,
            description=kind.description,
            settings=dict(kind.schema),
            secrets=dict(kind.secrets),
            reference_kinds=list(kind.reference_kinds),
            integrations=[
                TypeIntegrationAnswer.model_validate(
                    {"key": one.key, "name": one.name, "status": state}
                )
                for one, state in kind.integrations
            ],
        )


class IntegrationTypesAnswer(Answer):
    """The kinds of system there are."""

    types: list[IntegrationTypeAnswer]


class MissingAnswer(Answer):
    """What a draft lacks before it can be turned on, and the step it belongs to."""

    step: Literal["credentials", "test", "fields"]
    code: str
    message: str
    field: str | None = None


class IntegrationDetailAnswer(Answer):
    """One integration; a `draft` is still being set up, and nothing of it is sent."""

    key: str
    name: str
    type: str
    book: str
    status: Status
    route: bool
    settings: dict[str, Any]
    mapping_version: int
    company_id: str | None = None
    company_name: str | None = None
    error: str | None = None
    warning: str | None = None
    credentials: list[CredentialAnswer]
    test: ConnectionTestAnswer | None = None
    lists: list[ReferenceListAnswer]
    missing: list[MissingAnswer] | None = Field(None, description="Of a draft only.")


class CredentialRequest(Request):
    """A new secret; it is never shown again."""

    secret: Annotated[SecretStr, Field(min_length=1, max_length=SECRET_MAX)]
    expires: date | None = Field(None, description="The day on which it expires.")


NewCredentials = Annotated[dict[str, CredentialRequest], Field(max_length=20)]


class IntegrationRequest(Request):
    """Name and settings; both are given whole. Settings that lead to another host, header or
    tenant need their `credentials` again: a stored secret does not follow."""

    name: Name
    settings: dict[str, Any]
    credentials: NewCredentials = Field(default_factory=dict)


class ActivationRequest(Request):
    """With `takeOver`, the integration that delivers to the book now gets nothing new any more."""

    take_over: Flag = False


@router.get(
    "/integration-types",
    auth=CONFIGURATION_READ,
    response={200: IntegrationTypesAnswer, **READ_ERRORS},
    summary="The kinds of accounting system",
)
def list_integration_types(request: HttpRequest) -> HttpResponse:
    """What can be connected, with the settings each needs, and what is connected already."""
    found = drafting_of(request).types(language_of(request))
    return answer(
        200, IntegrationTypesAnswer(types=[IntegrationTypeAnswer.of(one) for one in found])
    )


@router.post(
    "/integrations",
    auth=CONFIGURATION_WRITE,
    response={201: IntegrationDetailAnswer, **WRITE_ERRORS},
    summary="Begin an integration",
)
@once
def post_integration(request: HttpRequest, body: NewIntegration) -> HttpResponse:
    """It is a draft: nothing is sent before it has settings, credentials and mapping, was tested
    and turned on."""
    drafting_of(request).start(body)
    return _detail(request, body.key, 201)


@router.get(
    "/integrations/{integrationKey}",
    auth=CONFIGURATION_READ,
    response={200: IntegrationDetailAnswer, **READ_ERRORS},
    summary="An integration",
)
def get_integration(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """Its settings, what may be shown of its credentials, its newest test, and what is missing."""
    with not_found_if_unknown():
        return _detail(request, integration_key)


@router.put(
    "/integrations/{integrationKey}",
    auth=CONFIGURATION_WRITE,
    response={200: IntegrationDetailAnswer, **WRITE_ERRORS},
    summary="Change an integration",
)
def put_integration(
    request: HttpRequest, integration_key: IntegrationKey, body: IntegrationRequest
) -> HttpResponse:
    """Other settings of one in use are tested first; when that does not pass, nothing changes."""
    drafting, secrets = drafting_of(request), new_secrets(body.credentials)
    with not_found_if_unknown():
        now = drafting.describe(integration_key).integration
        if now.is_draft:
            drafting.save(integration_key, body.settings, secrets)
            drafting.rename(integration_key, body.name, now.book.key)
        else:
            drafting.change(
                integration_key, name=body.name, settings=body.settings, secrets=secrets,
                language=language_of(request),
            )  # fmt: skip
        return _detail(request, integration_key)


@router.delete(
    "/integrations/{integrationKey}",
    auth=CONFIGURATION_WRITE,
    response={204: None, **WRITE_ERRORS},
    summary="Delete an unused integration",
)
def delete_integration(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """A draft, or one through which nothing was done; what has history is switched off instead."""
    with not_found_if_unknown():
        drafting_of(request).delete(integration_key)
    return HttpResponse(status=204)


@router.post(
    "/integrations/{integrationKey}/activation",
    auth=CONFIGURATION_WRITE,
    response={200: IntegrationDetailAnswer, **WRITE_ERRORS},
    summary="Turn a draft on",
)
@once
def post_activation(
    request: HttpRequest, integration_key: IntegrationKey, body: ActivationRequest
) -> HttpResponse:
    """It delivers its book's claims from now on, as its schedule says."""
    with not_found_if_unknown():
        drafting_of(request).turn_on(integration_key, take_over=body.take_over)
        return _detail(request, integration_key)


def drafting_of(request: HttpRequest) -> Drafting:
    """Return the verbs of the caller's organization, in the name of its token."""
    caller = caller_of(request)
    return installation().drafting_of(caller.organization_id, caller.actor)


def new_secrets(given: Mapping[str, CredentialRequest]) -> dict[str, NewSecret]:
    """Return new secrets as the verbs take them."""
    return {
        name: NewSecret(
            one.secret.get_secret_value(),
            datetime.combine(one.expires, time(), UTC) if one.expires else None,
        )
        for name, one in given.items()
    }


def _detail(request: HttpRequest, key: str, status: int = 200) -> HttpResponse:
    drafting, language = drafting_of(request), language_of(request)
    found = drafting.describe(key)
    missing = None
    if found.integration.is_draft:
        missing = [
            MissingAnswer.model_validate({"step": step, **problem.as_json(language)})
            for step, problem in drafting.missing(key)
        ]
    return answer(status, _detailed(found, missing, language))


def _detailed(
    found: Connected, missing: list[MissingAnswer] | None, language: str
) -> IntegrationDetailAnswer:
    one, runtime = found.integration, found.runtime
    return IntegrationDetailAnswer.model_validate(
        {
            "key": one.key,
            "name": one.name,
            "type": one.type,
            "book": one.book.key,
            "status": found.state,
            "route": one.is_route,
            "settings": one.settings,
            "mappingVersion": one.mapping_version,
            "companyId": runtime.company_id,
            "companyName": runtime.company_name,
            "error": runtime.error_message,
            "warning": runtime.warning,
            "credentials": credential_answers(found.credentials),
            "test": found.test and ConnectionTestAnswer.of(found.test, found.test_counts, language),
            "lists": [ReferenceListAnswer.of(listed) for listed in found.lists],
            "missing": missing,
        }
    )
