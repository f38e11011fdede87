"""/integrations: which there are, switching them on and off (C6), and their schedules (C14).

The verbs are those of `ConfiguredIntegrations`; what is changed is kept in the audit log.
"""

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Router

from bilag.api.answers import answer
from bilag.api.auth import CONFIGURATION_WRITE, EXPORTS_READ, caller_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.once import once
from bilag.api.problems import language_of, not_found_if_unknown
from bilag.api.values import Answer, Flag, Moment, Reason, Request, TargetSystem
from bilag.core.clock import utc_now
from bilag.core.schedule import Schedule, upcoming
from bilag.core.schedule_words import pause_words, words
from bilag.delivery.configured import ConfiguredIntegrations, Timed
from bilag.delivery.installation import installation
from bilag.integrations.model import Integration
from bilag.integrations.timetable import Timetable, Trigger

IntegrationKey = Annotated[TargetSystem, Path(alias="integrationKey")]

router = Router(tags=["integrations"], by_alias=True)


class IntegrationAnswer(Answer):
    """One integration; `status` is `error` while it is stopped until a connection test passes.

    A `draft` is still being set up: nothing of it is sent until it is turned on.
    """

    key: str
    name: str
    type: str
    book: str
    enabled: bool
    status: Literal["active", "disabled", "error", "draft"] | None = None

    @classmethod
    def of(cls, one: Integration, status: str | None = None) -> "IntegrationAnswer":
        return cls.model_validate(
            {
                "key": one.key,
                "name": one.name,
                "type": one.type,
                "book": one.book.key,
                "enabled": one.enabled,
                "status": status,
            }
        )


class IntegrationsAnswer(Answer):
    """The integrations of the organization, by key."""

    integrations: list[IntegrationAnswer]


class EnabledRequest(Request):
    """Whether anything may be sent; while it may not, approved records wait in the queue."""

    enabled: Flag
    reason: Reason | None = Field(None, description="Kept in the audit log.")


class ScheduleRequest(Request):
    """A trigger, and what it needs: see `schedule`."""

    trigger: Trigger
    schedule: Timetable = Timetable()


class SchedulePreviewAnswer(Answer):
    """A schedule in words, its pauses, and its next five runs."""

    trigger: Trigger
    schedule: Timetable
    words: str
    pauses: list[str]
    next_runs: list[Moment] = Field(description="None for a trigger without times of its own.")


class ScheduleAnswer(SchedulePreviewAnswer):
    """The schedule that an integration goes by."""

    integration: str
    enabled: bool
    next_run_at: Moment | None = Field(
        None, description="In the past while no worker has started that run yet."
    )
    paused_until: Moment | None = Field(None, description="While a pause is under way.")

    @classmethod
    def of(cls, timed: Timed, language: str) -> "ScheduleAnswer":
        one = timed.integration
        return cls(
            integration=one.key,
            enabled=one.enabled,
            trigger=one.delivery.trigger,
            schedule=one.delivery.schedule,
            words=words(timed.schedule, language),
            pauses=_pauses(timed.schedule, language),
            next_runs=list(timed.runs),
            next_run_at=timed.next_run_at,
            paused_until=timed.paused_until,
        )


@router.get(
    "/integrations",
    auth=EXPORTS_READ,
    response={200: IntegrationsAnswer, **READ_ERRORS},
    summary="The integrations",
)
def list_all_integrations(request: HttpRequest) -> HttpResponse:
    """Each integration with its status."""
    found = _configured(request).listed()
    listed = [IntegrationAnswer.of(one, status) for one, status in found]
    return answer(200, IntegrationsAnswer(integrations=listed))


@router.put(
    "/integrations/{integrationKey}/enabled",
    auth=CONFIGURATION_WRITE,
    response={200: IntegrationAnswer, **WRITE_ERRORS},
    summary="Switch an integration on or off",
)
def put_enabled(
    request: HttpRequest, integration_key: IntegrationKey, body: EnabledRequest
) -> HttpResponse:
    """A running sync stops at its next record; switched on, the queue goes as the schedule says."""
    with not_found_if_unknown():
        one = _configured(request).switch(
            integration_key, enabled=body.enabled, reason=body.reason or ""
        )
    return answer(200, IntegrationAnswer.of(one))


@router.get(
    "/integrations/{integrationKey}/schedule",
    auth=EXPORTS_READ,
    response={200: ScheduleAnswer, **READ_ERRORS},
    summary="The schedule of an integration",
)
def get_schedule(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """When it sends what came in: in words, with the next five runs and the pauses."""
    with not_found_if_unknown():
        timed = _configured(request).timed(integration_key)
    return answer(200, ScheduleAnswer.of(timed, language_of(request)))


@router.put(
    "/integrations/{integrationKey}/schedule",
    auth=CONFIGURATION_WRITE,
    response={200: ScheduleAnswer, **WRITE_ERRORS},
    summary="Set the schedule of an integration",
)
def put_schedule(
    request: HttpRequest, integration_key: IntegrationKey, body: ScheduleRequest
) -> HttpResponse:
    """It goes by the new schedule from now on; what came in before goes with its next run."""
    with not_found_if_unknown():
        timed = _configured(request).reschedule(integration_key, body.trigger, body.schedule)
    return answer(200, ScheduleAnswer.of(timed, language_of(request)))


@router.post(
    "/schedules/preview",
    auth=EXPORTS_READ,
    response={200: SchedulePreviewAnswer, **WRITE_ERRORS},
    summary="Preview a schedule",
)
@once
def post_schedule_preview(request: HttpRequest, body: ScheduleRequest) -> HttpResponse:
    """What a schedule would do, for example a cron expression, in words and with its next runs."""
    schedule = body.schedule.timed(body.trigger)
    return answer(
        200,
        SchedulePreviewAnswer(
            trigger=body.trigger,
            schedule=body.schedule,
            words=words(schedule, language_of(request)),
            pauses=_pauses(schedule, language_of(request)),
            next_runs=list(upcoming(schedule, utc_now())),
        ),
    )


def _pauses(schedule: Schedule, language: str) -> list[str]:
    return [pause_words(pause, language) for pause in schedule.pauses]


def _configured(request: HttpRequest) -> ConfiguredIntegrations:
    caller = caller_of(request)
    return installation().integrations_of(caller.organization_id, caller.actor)
