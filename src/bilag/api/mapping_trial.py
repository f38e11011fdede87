"""/integrations/{key}/mapping: what may be mapped, what single rules give, previews and effects.

Nothing here is written or sent; without a mapping in the body it is about the working copy.
"""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from bilag.api.answers import answer, items
from bilag.api.auth import CONFIGURATION_READ, caller_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.integrations import IntegrationKey
from bilag.api.mapping import PATH, editor_of
from bilag.api.mapping_model import FieldsAnswer
from bilag.api.mapping_trial_model import (
    EffectAnswer,
    EffectRequest,
    MappingPreviewAnswer,
    PreviewedAnswer,
    PreviewRequest,
    ValueAnswer,
    ValueRequest,
    ValuesAnswer,
)
from bilag.api.once import once
from bilag.api.problems import language_of, not_found_if_unknown
from bilag.delivery.installation import installation
from bilag.delivery.mapping_trial import MappingTrial
from bilag.mapping.paths import ALL_PATHS

router = Router(tags=["mappings"], by_alias=True)


@router.get(
    PATH + "/fields",
    auth=CONFIGURATION_READ,
    response={200: FieldsAnswer, **READ_ERRORS},
    summary="Fields that can be mapped",
)
def get_mapping_fields(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """The app's fields with sample values, and the external fields that the connector knows."""
    with not_found_if_unknown():
        samples = _trial(request).path_samples(integration_key)
        integration = editor_of(request).working_copy(integration_key).integration
    target = editor_of(request).target_fields(integration)
    paths = (*ALL_PATHS, *(path for path in samples if path not in ALL_PATHS))
    return answer(200, FieldsAnswer.of(paths, samples, target, language_of(request)))


@router.post(
    PATH + "/value",
    auth=CONFIGURATION_READ,
    response={200: ValuesAnswer, **WRITE_ERRORS},
    summary="Try one rule",
)
@once
def post_mapping_value(
    request: HttpRequest, integration_key: IntegrationKey, body: ValueRequest
) -> HttpResponse:
    """What a rule gives for our samples, or the problem that the claim would be held for."""
    language = language_of(request)
    with not_found_if_unknown():
        values = _trial(request).rule_values(integration_key, body.section, body.name, body.rule)
    return answer(200, ValuesAnswer(values=[ValueAnswer.of(one, language) for one in values]))


@router.post(
    PATH + "/preview",
    auth=CONFIGURATION_READ,
    response={200: MappingPreviewAnswer, **WRITE_ERRORS},
    summary="Preview the mapping",
)
@once
def post_mapping_preview(
    request: HttpRequest, integration_key: IntegrationKey, body: PreviewRequest
) -> HttpResponse:
    """Up to five records side by side: as they came in, as vouchers, and as they would be sent."""
    language = language_of(request)
    with not_found_if_unknown():
        found = _trial(request).preview(integration_key, body.source_ids, body.mapping)
    return answer(
        200,
        MappingPreviewAnswer(
            faults=items(found.faults, language),
            records=[PreviewedAnswer.of(one, language) for one in found.records],
        ),
    )


@router.post(
    PATH + "/effect",
    auth=CONFIGURATION_READ,
    response={200: EffectAnswer, **WRITE_ERRORS},
    summary="What saving would do to the claims that wait",
)
@once
def post_mapping_effect(
    request: HttpRequest, integration_key: IntegrationKey, body: EffectRequest
) -> HttpResponse:
    """Which claims would be released, held or sent otherwise; 422 with every fault of a mapping."""
    with not_found_if_unknown():
        effect = _trial(request).effect(integration_key, body.mapping)
    return answer(200, EffectAnswer.of(effect, language_of(request)))


def _trial(request: HttpRequest) -> MappingTrial:
    caller = caller_of(request)
    return installation().mapping_trial_of(caller.organization_id, caller.actor)
