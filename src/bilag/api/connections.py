"""/integrations/{key}: its connection test, its credentials, and the lists of its system (C3-C5).

A test ends within 10 seconds; a credential in use is tested before it is replaced.
"""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query

from bilag.api.answers import ProblemItem, answer
from bilag.api.auth import CONFIGURATION_READ, CONFIGURATION_WRITE, caller_of
from bilag.api.connecting import NewCredentials, drafting_of, new_secrets
from bilag.api.connection_answers import (
    ConnectionTestAnswer,
    CredentialAnswer,
    ReferenceListAnswer,
    credential_answers,
)
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.integrations import IntegrationKey, router
from bilag.api.once import once
from bilag.api.problems import RETRY_SECONDS, ApiProblem, language_of, not_found_if_unknown
from bilag.api.values import Answer, Request, Text
from bilag.core.problem import Refused
from bilag.delivery.connection_test import ConnectionTests
from bilag.delivery.installation import installation

Kind = Annotated[str, Path(max_length=50, pattern=r"^[a-z_]+$", examples=["accounts"])]


class CredentialsAnswer(Answer):
    """What may be shown of an integration's credentials, and the names of those it can have."""

    credentials: list[CredentialAnswer]
    fields: list[str]


class CredentialsRequest(Request):
    """New secrets by their fields; those that belong together are given together."""

    credentials: Annotated[NewCredentials, Field(min_length=1)]


class ReferenceListsAnswer(Answer):
    """The lists that were read of a system; `problems` are those that could not be had."""

    lists: list[ReferenceListAnswer]
    problems: list[ProblemItem] | None = None


class SuggestionAnswer(Answer):
    """One entry of a list; what is not `usable` the system would refuse to post to."""

    code: str
    name: str
    usable: bool


class SuggestionsAnswer(Answer):
    """Entries whose code, or a word of whose name, begins with the query; the exact code first."""

    items: list[SuggestionAnswer]


@router.post(
    "/integrations/{integrationKey}/connection-test",
    auth=CONFIGURATION_WRITE,
    response={200: ConnectionTestAnswer, **WRITE_ERRORS},
    summary="Test the connection",
)
@once
def post_connection_test(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """Ends within 10 seconds and writes nothing there. A pass ends an error that had stopped it."""
    with not_found_if_unknown():
        try:
            _tests(request).test(integration_key)
        except Refused as refused:
            raise ApiProblem(503, *refused.problems, Retry_After=str(RETRY_SECONDS)) from refused
        found = drafting_of(request).describe(integration_key)
        if found.test is None:
            raise LookupError("it was deleted while it was tested")
    return answer(200, ConnectionTestAnswer.of(found.test, found.test_counts, language_of(request)))


@router.get(
    "/integrations/{integrationKey}/credentials",
    auth=CONFIGURATION_READ,
    response={200: CredentialsAnswer, **READ_ERRORS},
    summary="The credentials of an integration",
)
def get_credentials(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """Masked, with who set each and when it expires; no secret is ever read back."""
    return _credentials(request, integration_key)


@router.put(
    "/integrations/{integrationKey}/credentials",
    auth=CONFIGURATION_WRITE,
    response={200: CredentialsAnswer, **WRITE_ERRORS},
    summary="Replace credentials",
)
def put_credentials(
    request: HttpRequest, integration_key: IntegrationKey, body: CredentialsRequest
) -> HttpResponse:
    """Tested against the live system first; when that does not pass, the old stay in use. Those of
    a draft are stored, and tested in a step of its own."""
    caller = caller_of(request)
    with not_found_if_unknown():
        found = drafting_of(request).describe(integration_key)
        verbs = installation().credentials_of(caller.organization_id, caller.actor)
        verbs.replace(
            str(found.integration.id), new_secrets(body.credentials), language=language_of(request)
        )
    return _credentials(request, integration_key)


@router.get(
    "/integrations/{integrationKey}/reference-data",
    auth=CONFIGURATION_READ,
    response={200: ReferenceListsAnswer, **READ_ERRORS},
    summary="The lists that were read of a system",
)
def list_reference_lists(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """Ledger accounts, cost centres and the like: which were read, and when."""
    with not_found_if_unknown():
        found = drafting_of(request).describe(integration_key)
    listed = [ReferenceListAnswer.of(one) for one in found.lists]
    return answer(200, ReferenceListsAnswer(lists=listed))


@router.post(
    "/integrations/{integrationKey}/reference-data",
    auth=CONFIGURATION_WRITE,
    response={200: ReferenceListsAnswer, **WRITE_ERRORS},
    summary="Read a system's lists anew",
)
@once
def post_reference_lists(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """Ends within 10 seconds; of a list that cannot be had, the one that is kept stays."""
    with not_found_if_unknown():
        read = _tests(request).refresh(integration_key)
        found = drafting_of(request).describe(integration_key)
    problems = [
        ProblemItem.model_validate({**one.problem.as_json(language_of(request)), "field": one.kind})
        for one in read
        if one.problem is not None
    ]
    listed = [ReferenceListAnswer.of(one) for one in found.lists]
    return answer(200, ReferenceListsAnswer(lists=listed, problems=problems))


@router.get(
    "/integrations/{integrationKey}/reference-data/{kind}",
    auth=CONFIGURATION_READ,
    response={200: SuggestionsAnswer, **READ_ERRORS},
    summary="Suggestions from a list",
)
def get_reference_data(
    request: HttpRequest,
    integration_key: IntegrationKey,
    kind: Kind,
    query: Annotated[Text, Query()] = "",
) -> HttpResponse:
    """At most 20 entries whose code, or a word of whose name, begins with the query."""
    with not_found_if_unknown():
        found = drafting_of(request).suggest(integration_key, kind, query)
    items = [SuggestionAnswer(code=i.code, name=i.name, usable=i.usable) for i in found]
    return answer(200, SuggestionsAnswer(items=items))


def _tests(request: HttpRequest) -> ConnectionTests:
    caller = caller_of(request)
    return installation().connection_tests_of(caller.organization_id, caller.actor)


def _credentials(request: HttpRequest, key: str) -> HttpResponse:
    with not_found_if_unknown():
        found = drafting_of(request).describe(key)
    return answer(
        200,
        CredentialsAnswer(
            credentials=credential_answers(found.credentials),
            fields=list(found.kind.secrets) if found.kind else [],
        ),
    )
