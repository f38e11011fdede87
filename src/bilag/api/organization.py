"""/features, /declaration and /closed-periods: what holds for all claims of an organization.

C7, I8, E15. The verbs are those of `OrganizationSettings`; each change is in the audit log.
"""

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router
from pydantic import AfterValidator, StringConstraints

from bilag.api.answers import answer
from bilag.api.auth import CONFIGURATION_READ, CONFIGURATION_WRITE, caller_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.once import once
from bilag.api.periods import BookAnswer
from bilag.api.values import (
    PRINTABLE,
    PRINTABLE_WITH_BREAKS,
    Answer,
    Reason,
    Request,
    refuse_identity_number,
)
from bilag.delivery.installation import installation
from bilag.delivery.organization import Feature, OrganizationSettings, SignOff
from bilag.integrations.model import Day
from bilag.records.fields import ID_MAX
from bilag.tenants.organizations import DECLARATION_MAX, REASON_MAX

FeatureName = Annotated[
    str, Field(min_length=1, max_length=ID_MAX, pattern=PRINTABLE, examples=["membership"])
]
Why = Annotated[
    str,
    StringConstraints(max_length=REASON_MAX, pattern=PRINTABLE_WITH_BREAKS),
    AfterValidator(refuse_identity_number),
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PRINTABLE),
    AfterValidator(refuse_identity_number),
]
FEATURES_MAX = 500
Policy = Literal["stop", "first_open_day", "ask"]

router = Router(tags=["organization"], by_alias=True)


class FeatureAnswer(Answer):
    """One thing that the app could send; excluded, its records are refused."""

    name: str
    kind: Literal["category", "type", "other"]
    excluded: bool
    why: str | None = None

    @classmethod
    def of(cls, one: Feature) -> "FeatureAnswer":
        found = {"name": one.name, "kind": one.kind, "excluded": one.excluded}
        return cls.model_validate(found | {"why": one.why or None})


class FeaturesAnswer(Answer):
    """The categories of records, the expense types that are mapped, and whatever is excluded."""

    features: list[FeatureAnswer]


class ExcludedFeature(Request):
    """A feature by its name, and why it is excluded, for the people who read the list."""

    name: FeatureName
    why: Why = ""


class FeaturesRequest(Request):
    """The whole list of what is excluded; what is not on it is taken."""

    excluded: list[ExcludedFeature] = Field(max_length=FEATURES_MAX)


class DeclarationAnswer(Answer):
    """The written sign-off of the confidentiality declaration; without one honoraria are held."""

    signed_off: bool
    template_id: str | None = None
    version: str | None = None
    signed_off_by: str | None = None
    signed_off_at: str | None = None
    text: str | None = None
    waiting: int = Field(description="Honoraria that are held until there is a sign-off.")
    without_evidence: int = Field(
        description="Honoraria that are held because the driver acknowledged none, or another."
    )

    @classmethod
    def of(cls, one: SignOff) -> "DeclarationAnswer":
        return cls(
            signed_off=one.is_signed,
            template_id=one.template_id or None,
            version=one.version or None,
            signed_off_by=one.signed_off_by or None,
            signed_off_at=one.signed_off_at or None,
            text=one.text or None,
            waiting=one.waiting,
            without_evidence=one.without_evidence,
        )


class DeclarationRequest(Request):
    """What was signed off, by whom and when; `text` is kept for people and decides nothing."""

    template_id: Name
    version: Name
    signed_off_by: Name
    signed_off_at: Day
    text: Annotated[
        str, StringConstraints(max_length=DECLARATION_MAX, pattern=PRINTABLE_WITH_BREAKS)
    ] = ""


class WithdrawalRequest(Request):
    """Why the sign-off is taken back; kept in the audit log."""

    reason: Reason


class ClosedBookAnswer(BookAnswer):
    """A book with the claims that wait for a day of it, by why they wait."""

    waiting: dict[str, int]


class ClosedPeriodsAnswer(Answer):
    """What happens to a claim whose posting date is closed, and the books."""

    policy: Policy
    books: list[ClosedBookAnswer]


class PolicyRequest(Request):
    """What happens to claims in a closed period from now on."""

    policy: Policy


@router.get(
    "/features",
    auth=CONFIGURATION_READ,
    response={200: FeaturesAnswer, **READ_ERRORS},
    summary="The features, excluded or not",
)
def get_features(request: HttpRequest) -> HttpResponse:
    """What the organization does elsewhere is excluded: such records are refused."""
    return answer(200, _features(_settings(request)))


@router.put(
    "/features",
    auth=CONFIGURATION_WRITE,
    response={200: FeaturesAnswer, **WRITE_ERRORS},
    summary="Set the excluded features",
)
def put_features(request: HttpRequest, body: FeaturesRequest) -> HttpResponse:
    """The list is replaced as a whole; what was taken before stays."""
    settings = _settings(request)
    settings.set_features({one.name: one.why for one in body.excluded})
    return answer(200, _features(settings))


@router.get(
    "/declaration",
    auth=CONFIGURATION_READ,
    response={200: DeclarationAnswer, **READ_ERRORS},
    summary="The sign-off of the confidentiality declaration",
)
def get_declaration(request: HttpRequest) -> HttpResponse:
    """Whether driver honoraria may be posted, and how many wait for it."""
    return answer(200, DeclarationAnswer.of(_settings(request).declaration()))


@router.put(
    "/declaration",
    auth=CONFIGURATION_WRITE,
    response={200: DeclarationAnswer, **WRITE_ERRORS},
    summary="Record the sign-off",
)
def put_declaration(request: HttpRequest, body: DeclarationRequest) -> HttpResponse:
    """Held honoraria are tried again; a driver must have acknowledged this template and version."""
    settings = _settings(request)
    settings.sign_off(
        template_id=body.template_id, version=body.version, signed_off_by=body.signed_off_by,
        signed_off_at=body.signed_off_at, text=body.text,
    )  # fmt: skip
    return answer(200, DeclarationAnswer.of(settings.declaration()))


@router.post(
    "/declaration/withdrawal",
    auth=CONFIGURATION_WRITE,
    response={200: DeclarationAnswer, **WRITE_ERRORS},
    summary="Take the sign-off back",
)
@once
def post_declaration_withdrawal(request: HttpRequest, body: WithdrawalRequest) -> HttpResponse:
    """Honoraria are held from now on; what was sent before is not touched."""
    settings = _settings(request)
    settings.withdraw_sign_off(body.reason)
    return answer(200, DeclarationAnswer.of(settings.declaration()))


@router.get(
    "/closed-periods",
    auth=CONFIGURATION_READ,
    response={200: ClosedPeriodsAnswer, **READ_ERRORS},
    summary="Closed periods, and what waits for them",
)
def get_closed_periods(request: HttpRequest) -> HttpResponse:
    """The policy, and each book with the claims that wait for one of its days."""
    return answer(200, _periods(_settings(request)))


@router.put(
    "/closed-periods",
    auth=CONFIGURATION_WRITE,
    response={200: ClosedPeriodsAnswer, **WRITE_ERRORS},
    summary="Set the policy of closed periods",
)
def put_closed_periods(request: HttpRequest, body: PolicyRequest) -> HttpResponse:
    """What waits follows with the next sync. A book is closed by `/books/{key}/closed-period`."""
    settings = _settings(request)
    settings.set_period_policy(body.policy)
    return answer(200, _periods(settings))


def _features(settings: OrganizationSettings) -> FeaturesAnswer:
    return FeaturesAnswer(features=[FeatureAnswer.of(one) for one in settings.features()])


def _periods(settings: OrganizationSettings) -> ClosedPeriodsAnswer:
    policy, books = settings.closed_periods()
    listed = [
        {**BookAnswer.of(one.book).model_dump(), "waiting": dict(one.waiting)} for one in books
    ]
    return ClosedPeriodsAnswer.model_validate({"policy": policy, "books": listed})


def _settings(request: HttpRequest) -> OrganizationSettings:
    caller = caller_of(request)
    return installation().settings_of(caller.organization_id, caller.actor)
