"""/health, /alerts and /alert-settings: how it stands, what people are told of, and the bounds.

The rules are those of `bilag.monitoring`; acknowledging and changing bounds are audited.
"""

from dataclasses import asdict, replace
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router

from bilag.api.answers import answer
from bilag.api.auth import (
    CONFIGURATION_READ,
    CONFIGURATION_WRITE,
    EXPORTS_READ,
    EXPORTS_WRITE,
    caller_of,
)
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.once import once
from bilag.api.problems import ApiProblem, language_of, not_found_if_unknown
from bilag.api.values import BIGINT_MAX, Answer, Moment, Request
from bilag.core.problem import Problem
from bilag.delivery.installation import tenant
from bilag.monitoring.alerts import Alert, acknowledge, list_alerts
from bilag.monitoring.health import IntegrationHealth, measure, synced_in_all
from bilag.monitoring.settings import BOUNDS, WatchSettings, read_settings, save_settings
from bilag.tenants.members import Role

ALERTS_MAX = 100
AlertId = Annotated[int, Path(alias="alertId", ge=1, le=BIGINT_MAX)]
Colour = Literal["red", "yellow", "green", "new", "off"]
Reason = Literal["stopped", "sync_failed", "no_sync", "waits_for_person", "sync_partly", "errors",
                 "pending_old", "warning"]  # fmt: skip

router = Router(tags=["overview"], by_alias=True)


class IntegrationHealthAnswer(Answer):
    """One integration; `new` is switched on and has sent nothing yet, `off` is switched off."""

    integration: str
    name: str
    type: str
    enabled: bool
    health: Colour
    reasons: list[Reason]
    stale: bool
    last_sync_at: Moment | None = None
    last_sync_outcome: str | None = None
    next_run_at: Moment | None = None
    paused_until: Moment | None = None
    pending: int = Field(description="Counts end at 10,000.")
    pending_since: Moment | None = Field(
        None, description="Since when the oldest that is pending could have gone."
    )
    in_doubt: int
    failed: int
    held: int
    needs_review: int
    errors: int = Field(description="Attempts that went wrong in the last 24 hours.")

    @classmethod
    def of(cls, one: IntegrationHealth) -> "IntegrationHealthAnswer":
        found = asdict(one)
        shown = {name: found[name] for name in cls.model_fields if name in found}
        return cls.model_validate(
            shown
            | {"integration": one.key, "health": one.colour, "pending_since": one.could_go_since}
        )


class HealthAnswer(Answer):
    """How the organization stands: the worst of its integrations, and each of them."""

    health: Colour
    synced: int = Field(description="Vouchers that went out since the start.")
    integrations: list[IntegrationHealthAnswer]


class AlertAnswer(Answer):
    """One alert; without `clearedAt` its cause is still there."""

    id: int
    rule: str
    integration: str | None = None
    message: str
    next_step: str
    opened_at: Moment
    told_at: Moment
    cleared_at: Moment | None = None
    acknowledged_at: Moment | None = None
    acknowledged_by: str | None = None

    @classmethod
    def of(cls, one: Alert, language: str) -> "AlertAnswer":
        return cls(
            id=one.id,
            rule=one.rule,
            integration=one.integration_key,
            message=one.text(language),
            next_step=one.next_step(language),
            opened_at=one.opened_at,
            told_at=one.told_at,
            cleared_at=one.cleared_at,
            acknowledged_at=one.acknowledged_at,
            acknowledged_by=one.acknowledged_by or None,
        )


class AlertsPage(Answer):
    """Alerts newest first; `next` is the address of the following page."""

    alerts: list[AlertAnswer]
    next: str | None = None


class SettingsAnswer(Answer):
    """When it is yellow or red, when people are told, and how."""

    pending_hours: int
    no_sync_hours: int
    stale_hours: int
    pending_alert_hours: int
    errors_max: int
    failures_in_a_row: int
    credential_days: int
    silence_days: int
    mail_roles: list[Role]
    webhook_url: str
    wage_warning_percent: int
    wage_income_code: str


def _bound(name: str) -> int | None:
    least, greatest = BOUNDS[name]
    found: int | None = Field(None, ge=least, le=greatest)
    return found


class SettingsRequest(Request):
    """What is to be changed; what is left out stays."""

    pending_hours: int | None = _bound("pending_hours")
    no_sync_hours: int | None = _bound("no_sync_hours")
    stale_hours: int | None = _bound("stale_hours")
    pending_alert_hours: int | None = _bound("pending_alert_hours")
    errors_max: int | None = _bound("errors_max")
    failures_in_a_row: int | None = _bound("failures_in_a_row")
    credential_days: int | None = _bound("credential_days")
    silence_days: int | None = _bound("silence_days")
    mail_roles: list[Role] | None = Field(None, max_length=10)
    webhook_url: str | None = Field(None, max_length=2000)
    wage_warning_percent: int | None = _bound("wage_warning_percent")
    wage_income_code: str | None = Field(None, max_length=100)


@router.get(
    "/health",
    auth=EXPORTS_READ,
    response={200: HealthAnswer, **READ_ERRORS},
    summary="How the integrations stand",
)
def get_health(request: HttpRequest) -> HttpResponse:
    """Green, yellow or red by the organization's bounds, with the reasons."""
    with tenant(caller_of(request).organization_id) as connection:
        found = measure(connection)
        synced = synced_in_all(connection)
    each = [IntegrationHealthAnswer.of(one) for one in found.integrations]
    return answer(200, HealthAnswer(health=found.colour, synced=synced, integrations=each))


@router.get(
    "/alerts",
    auth=EXPORTS_READ,
    response={200: AlertsPage, **READ_ERRORS},
    summary="The alerts",
)
def get_alerts(
    request: HttpRequest,
    cleared: bool = False,
    before: Annotated[int | None, Query(ge=1, le=BIGINT_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=ALERTS_MAX)] = 50,
) -> HttpResponse:
    """Those whose cause is still there, or all with `cleared`; `before` comes from `next`."""
    own, language = caller_of(request).organization_id, language_of(request)
    with tenant(own) as connection:
        found = list_alerts(connection, own, cleared=cleared, before=before, limit=limit + 1)
    shown, following = found[:limit], None
    if len(found) > len(shown):
        cleared_too = "&cleared=true" if cleared else ""
        following = f"{request.path}?limit={limit}&before={shown[-1].id}{cleared_too}"
    listed = [AlertAnswer.of(one, language) for one in shown]
    return answer(200, AlertsPage(alerts=listed, next=following))


@router.post(
    "/alerts/{alertId}/acknowledge",
    auth=EXPORTS_WRITE,
    response={200: AlertAnswer, **WRITE_ERRORS},
    summary="Acknowledge an alert",
)
@once
def post_acknowledge(request: HttpRequest, alert_id: AlertId) -> HttpResponse:
    """Somebody has seen it; it stays until its cause is gone. Asking again changes nothing."""
    caller = caller_of(request)
    own = caller.organization_id
    with tenant(own) as connection, not_found_if_unknown():
        acknowledge(connection, own, alert_id, actor=caller.actor)
        found = list_alerts(connection, own, cleared=True, before=alert_id + 1, limit=1)
    if not found or found[0].id != alert_id:
        raise ApiProblem(404, Problem("resource_unknown"))
    return answer(200, AlertAnswer.of(found[0], language_of(request)))


@router.get(
    "/alert-settings",
    auth=CONFIGURATION_READ,
    response={200: SettingsAnswer, **READ_ERRORS},
    summary="The bounds of health and alerts",
)
def get_alert_settings(request: HttpRequest) -> HttpResponse:
    """When it is yellow or red, when people are told, and how."""
    own = caller_of(request).organization_id
    with tenant(own) as connection:
        found = read_settings(connection, own)
    return answer(200, _settings(found))


@router.put(
    "/alert-settings",
    auth=CONFIGURATION_WRITE,
    response={200: SettingsAnswer, **WRITE_ERRORS},
    summary="Change the bounds of health and alerts",
)
def put_alert_settings(request: HttpRequest, body: SettingsRequest) -> HttpResponse:
    """What is left out stays; the webhook's secret is made in the portal, and shown there once."""
    caller = caller_of(request)
    own = caller.organization_id
    given = body.model_dump(exclude_none=True)
    with tenant(own) as connection:
        wanted = replace(read_settings(connection, own), **given)
        save_settings(connection, own, wanted, actor=caller.actor)
    return answer(200, _settings(wanted))


def _settings(found: WatchSettings) -> SettingsAnswer:
    return SettingsAnswer.model_validate(asdict(found))
