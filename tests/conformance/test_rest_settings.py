"""Settings of Generic REST: what is refused when they are saved, and what they promise.

Every field can be drawn as a form: it has a title, and the whole survives JSON.
"""

from typing import Any

import pytest
from pydantic import ValidationError

from bilag.connectors.registry import CONNECTORS
from bilag.connectors.rest import RestConnector, RestSettings

BASE = {"baseUrl": "https://api.example.com/v1"}
LOOK_UP = {"path": "/vouchers?reference={reference}", "hits": "/items", "reference": "/reference"}


def settings_of(**changes: Any) -> RestSettings:
    """The least settings with changes."""
    return RestSettings.model_validate(BASE | changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"baseUrl": "api.example.com"}, "https://api.example.com/v1"),
        ({"baseUrl": "file:///etc/passwd"}, "address"),
        ({"baseUrl": "https://user:pw@api.example.com"}, "secrets"),
        ({"baseUrl": "https://api.example.com?x=1"}, "from ?"),
        ({"path": "https://evil.example.com/"}, "base address"),
        ({"path": "//evil.example.com/"}, "base address"),
        ({"path": "/a/../../b"}, "base address"),
        ({"path": "/{book}"}, "placeholder"),
        ({"headers": {"Authorization": "Basic abc"}}, "login"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "line break"),
        ({"headers": {"X A": "a"}}, "name of a header"),
        ({"auth": {"kind": "basic"}}, "user name"),
        ({"auth": {"kind": "oauth2_client_credentials", "clientId": "x"}}, "token address"),
        ({"auth": {"kind": "api_key", "apiKey": "secret"}}, "Extra inputs"),
        ({"auth": {"kind": "hmac", "signedText": "{timestamp}"}}, "{body}"),
        ({"honoursIdempotencyKey": True}, "idempotency"),
        ({"idempotencyHeader": "Authorization"}, "idempotency key"),
        ({"success": {"externalReference": ""}}, "proves nothing"),
        ({"success": {"externalReference": "id"}}, "starts with a slash"),
        ({"success": {"statuses": []}}, "at least 1"),
        ({"success": {"statuses": [500]}}, "499"),
        ({"errors": {"rejectedStatuses": [400, 401]}}, "401"),
        ({"errors": {"rejectedStatuses": [500]}}, "499"),
        ({"errors": {"sentences": ["{field} {field}"]}}, "once"),
        ({"errors": {"sentences": ["{cost centre}"]}}, "once"),
        ({"lookUp": {**LOOK_UP, "path": "/vouchers"}}, "{reference}"),
        ({"lookUp": {**LOOK_UP, "reference": ""}}, "at least 1"),
        ({"lookUp": {**LOOK_UP, "absentStatuses": [401]}}, "absent"),
        ({"lookUp": {**LOOK_UP, "absentStatuses": [200]}}, "both"),
        ({"body": {"names": {"account": "a", "amount": "a"}}}, "two fields"),
        ({"body": {"names": {"reference": ""}}}, "at least 1"),
        ({"nonsense": 1}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings_of(**changes)
    assert said in str(caught.value)


def test_settings_survive_json() -> None:
    made = settings_of(lookUp=LOOK_UP, company={"path": "/company"})
    assert RestSettings.model_validate_json(made.model_dump_json(by_alias=True)) == made


def test_every_field_has_a_title() -> None:
    schema = RestSettings.model_json_schema(by_alias=True)
    sections = [schema, *schema["$defs"].values()]
    assert len(sections) > 7
    for section in sections:
        for name, value in section["properties"].items():
            # A section whose title is its class's own name has it behind the reference.
            assert value.get("title") or "$ref" in value, (section["title"], name)


def test_no_field_is_a_secret() -> None:
    text = RestSettings.model_json_schema(by_alias=True)
    names = {name for section in [text, *text["$defs"].values()] for name in section["properties"]}
    assert not names & set(RestConnector.secret_fields)
    assert not {"password", "apiKey", "bearerToken", "clientSecret", "hmacKey"} & names


def test_the_settings_decide_what_is_promised() -> None:
    promises = RestConnector().capabilities
    least = promises(settings_of())
    assert (least.honours_key, least.can_look_up, least.books_later) == (False, False, False)
    most = promises(
        settings_of(
            lookUp=LOOK_UP,
            idempotencyHeader="Idempotency-Key",
            honoursIdempotencyKey=True,
            success={"booked": {"pointer": "/status"}},
            requestsInFlightMax=4,
            body={"names": {"vatCode": ""}},
        )
    )
    assert (most.honours_key, most.can_look_up, most.books_later) == (True, True, True)
    assert (most.requests_in_flight_max, most.carries_vat) == (4, False)


def test_it_is_in_the_registry() -> None:
    assert isinstance(CONNECTORS["rest"], RestConnector)
