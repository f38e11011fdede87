"""The form of every connector's settings: each field is drawn, translated, and read."""

import ast
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import django
import pytest
from django.utils.translation import override

from bilag.connectors.registry import CONNECTORS
from bilag.core.problem import Problem, Refused
from bilag.core.texts_settings import SETTING_TEXTS, in_language, secret_title
from bilag.delivery.connecting import connector_type
from bilag.integrations.vault import CALLBACK_CREDENTIAL
from bilag.portal.integrations.places import SECTION, places
from bilag.portal.integrations.settings_form import SettingsForm
from tests.conformance.business_central import COMPANY, TENANT

SOURCES = Path(__file__).parents[2] / "src/bilag/connectors"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bilag.app.django_settings")
KINDS = sorted(CONNECTORS)
# Enough of each kind's settings to be usable, and something unusual of each shape of field.
EXAMPLES: dict[str, dict[str, Any]] = {
    "rest": {
        "baseUrl": "https://ledger.example/v1",
        "headers": {"X-Company": "17"},
        "auth": {"kind": "oauth2_client_credentials", "tokenUrl": "https://login.example/token",
                 "clientId": "bilag"},
        "errors": {"rejectedStatuses": [400, 422], "message": ["/reason"]},
        "lookUp": {"path": "/v?reference={reference}", "reference": "/ref",
                   "absentStatuses": [404]},
        "company": {"path": "/company"},
        "settleSeconds": 2.5,
        "body": {"fields": [{"name": "region", "kind": "code"}]},
    },
    "xledger": {
        "environment": "demo",
        "vouchers": {"jobLevel": {"dbSubId": 1}, "subledgerAccounts": ["2400", "2990"]},
        "lookUp": {"entryLines": True},
        "pace": {"burstRequests": 5},
    },
    "dynamics_business_central": {
        "tenant": TENANT, "company": COMPANY, "clientId": "app", "environment": "Production",
        "dimensions": {"costCentre": "AVDELING", "fields": {"region": "REGION"}},
        "requestSeconds": 20.0,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_can_be_entered_or_is_left_alone(kind: str) -> None:
    schema = connector_type(CONNECTORS[kind]).schema
    found = places(schema)
    assert any(place.first for place in found)
    names = [place.name for place in found]
    assert len(names) == len(set(names))
    for place in found:
        assert place.title, place.name
        assert place.kind == SECTION or place.description or place.title


@pytest.mark.parametrize("kind", KINDS)
def test_every_address_is_known_to_lead_the_secrets(kind: str) -> None:
    connector = CONNECTORS[kind]
    names = {place.name for place in places(connector_type(connector).schema)}
    assert set(connector.leads_by) <= names
    addresses = {name for name in names if name.lower().endswith(("url", "endpoint"))}
    assert addresses
    assert addresses <= set(connector.leads_by)


@pytest.mark.parametrize("kind", KINDS)
def test_every_choice_of_a_login_knows_its_secret(kind: str) -> None:
    connector = CONNECTORS[kind]
    asked = [place for place in places(connector_type(connector).schema) if place.secrets]
    assert {name for place in asked for name in (place.secrets or {}).values()} == set(
        connector.secret_fields
    )
    for place in asked:
        assert set(place.secrets or {}) <= set(place.choices or {})


def test_settings_are_said_in_three_languages_and_nothing_is_left_over() -> None:
    used = {secret_title(CALLBACK_CREDENTIAL, "en")}
    for connector in CONNECTORS.values():
        used |= {secret_title(field, "en") for field in connector.secret_fields}
        schema = connector.settings_type.model_json_schema()
        used |= {schema["title"], schema["description"], *_texts(schema, schema["$defs"])}
    technical = {text for text in used if _is_name(text)}
    assert used - set(SETTING_TEXTS) <= technical
    reasons = _constants()
    assert {text for text in SETTING_TEXTS if text not in used} <= reasons
    for text, (nb, nn) in SETTING_TEXTS.items():
        assert nb
        assert nn
        assert in_language(text, "nb") == nb
    assert in_language("Base address", "nn") == "Grunnadresse"
    assert in_language("Base address", "de") == "Base address"


def _form(kind: str, stored: Mapping[str, Any], data: Mapping[str, Any] | None) -> SettingsForm:
    return SettingsForm(connector_type(CONNECTORS[kind]), settings=stored, data=data)


def _as_shown(form: SettingsForm) -> dict[str, Any]:
    """Return what a browser sends of a form as it is shown, nothing touched."""
    shown = {name: form[name].initial for name in form.fields}
    return {
        name: "on" if value is True else str(value)
        for name, value in shown.items()
        if value is not None and value is not False
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("known", [False, True], ids=["empty", "filled"])
def test_what_is_shown_and_sent_back_untouched_stays_the_same(kind: str, known: bool) -> None:
    django.setup()
    stored = EXAMPLES[kind] if known else {}
    data = _as_shown(_form(kind, stored, None))
    assert all(isinstance(value, str) for value in data.values())
    form = _form(kind, stored, data)
    form.is_valid()
    read = CONNECTORS[kind].settings_type.model_validate
    if known:
        assert read(form.settings()) == read(stored)
    else:
        assert form.settings() == {}, "what is as usual is not stored"


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_asks_what_the_chosen_login_needs(kind: str) -> None:
    django.setup()
    found = places(connector_type(CONNECTORS[kind]).schema)
    (login,) = [place for place in found if place.secrets]
    asked: set[str] = set()
    for choice in login.choices or {}:
        form = _form(kind, {}, {login.name: choice})
        form.draw_anew()
        secrets = [field.name for field in form.secret_fields()]
        needed = (login.secrets or {}).get(choice)
        assert secrets == ([f"secret.{needed}", f"expires.{needed}"] if needed else [])
        drawn = {field.name for field in form.first()}
        drawn |= {field.name for _title, fields in form.more() for field in fields}
        assert drawn == {
            place.name for place in found
            if place is not login and (not place.logins or choice in place.logins)
        }  # fmt: skip
        asked |= {login.name, *drawn}
    assert asked == {place.name for place in found}, "every setting belongs to some login"
    assert all(set(place.logins) <= set(login.choices or {}) for place in found)


def test_what_belongs_to_another_login_stays_as_it_is() -> None:
    django.setup()
    stored = EXAMPLES["rest"]
    shown = _as_shown(_form("rest", stored, None)) | {"auth.kind": "none"}
    hidden = {"auth.tokenUrl", "auth.clientId", "auth.apiKeyHeader", "auth.signatureHeader"}
    form = _form("rest", stored, {n: v for n, v in shown.items() if n not in hidden})
    assert form.is_valid(), form.errors
    assert form.settings()["auth"] == {
        "tokenUrl": "https://login.example/token", "clientId": "bilag",
    }  # fmt: skip
    assert form.entered()["auth.apiKeyHeader"] == "X-API-Key"


def test_what_is_entered_is_read_as_it_is_meant() -> None:
    django.setup()
    data = _as_shown(_form("rest", {}, None)) | {
        "baseUrl": "https://ledger.example/v1",
        "settleSeconds": "2,5",
        "requestsInFlightMax": "4",
        "headers": "X-Company = 17\nX-Other=a=b",
        "success.statuses": "200\n 201 \n²\n" + "9" * 5000,
        "company": "on",
        "company.path": "/company",
        "lookUp.path": "/not/used?reference={reference}",
        "secret.api_key": " with blanks ",
        "auth.kind": "api_key",
        "expires.api_key": "2027-01-31",
    }
    form = _form("rest", {}, data)
    assert form.is_valid(), form.errors
    assert form.settings() == {
        "baseUrl": "https://ledger.example/v1",
        "headers": {"X-Company": "17", "X-Other": "a=b"},
        "auth": {"kind": "api_key"},
        "success": {"statuses": [200, 201, "²", "9" * 5000]},
        "company": {"path": "/company"},
        "requestsInFlightMax": 4,
        "settleSeconds": 2.5,
    }
    (secret,) = form.secrets().values()
    assert (secret.secret, str(secret.expires_at)) == (" with blanks ", "2027-01-31 00:00:00+00:00")
    assert "with blanks" not in str(form.as_p())
    assert "secret.api_key" not in form.entered()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"auth.kind": "basic", "auth.username": "x"}, "secret.password"),
        ({"auth.kind": "none", "secret.password": "x"}, "secret.password"),
        ({"settleSeconds": "soon"}, "settleSeconds"), ({"requestsInFlightMax": "2.5"},
        "requestsInFlightMax"), ({"baseUrl": ""}, "baseUrl"), ({"auth.kind": "?"}, "auth.kind"),
        ({"expires.api_key": "soon"}, "expires.api_key"),
        ({"settleSeconds": "9" * 19}, "settleSeconds"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_at_its_field(typed: dict[str, str], field: str) -> None:
    django.setup()
    data = _as_shown(_form("rest", {"baseUrl": "https://ledger.example"}, None)) | typed
    form = _form("rest", {}, data)
    assert not form.is_valid()
    assert list(form.errors) == [field]


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("settings.auth.kind", "auth.kind"), ("settings.auth", "auth.kind"),
        ("settings.success.statuses.0", "success.statuses"), ("settings", None),
        ("settings.auth.tokenUrl.function-after[_address(), str]", "auth.tokenUrl"),
        ("api_key", "secret.api_key"),
    ],
)  # fmt: skip
def test_a_problem_of_a_verb_stands_at_its_field(place: str, field: str | None) -> None:
    django.setup()
    form = _form("rest", {}, _as_shown(_form("rest", {}, None)))
    form.is_valid()
    form.errors.clear()
    reason = {"reason": "the only placeholder is {reference}"}
    with override("nb"):
        form.refuse(Refused(Problem("value_not_valid", place, params=reason)))
    ((name, (said,)),) = form.errors.items()
    assert name == (field or "__all__")
    assert "den eneste plassholderen er {reference}" in said


@pytest.mark.parametrize("language", ["nb", "nn"])
def test_a_schema_is_said_in_the_language_asked_for(language: str) -> None:
    kind = connector_type(CONNECTORS["rest"], language)
    assert kind.schema["properties"]["baseUrl"]["title"] == "Grunnadresse"
    assert kind.secrets["password"] == "Passord"
    assert connector_type(CONNECTORS["rest"]).schema["properties"]["baseUrl"]["title"] != (
        "Grunnadresse"
    )


def _texts(part: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what places show: titles, descriptions, labels of choices."""
    for place in places({**part, "$defs": defs}):
        yield place.title
        yield from place.section
        if place.description:
            yield place.description
        yield from (label for value, label in (place.choices or {}).items() if label != value)


def _is_name(text: str) -> bool:
    return " " not in text and not text.endswith(".")


def _constants() -> set[str]:
    """Return every text constant of the connectors, adjacent ones joined as Python joins them."""
    return {
        node.value
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
