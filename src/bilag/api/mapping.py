"""/integrations/{key}/mapping: the mapping in force, its versions, and the caller's working copy.

The working copy of each token lives on the server until it is saved or discarded (C8, C12).
"""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router

from bilag.api.answers import answer
from bilag.api.auth import CONFIGURATION_READ, CONFIGURATION_WRITE, caller_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.integrations import IntegrationKey
from bilag.api.mapping_model import (
    ChangesRequest,
    ClaimantsAnswer,
    ClaimantsRequest,
    CsvAnswer,
    DifferencesAnswer,
    DraftAnswer,
    ImportedAnswer,
    MappingAnswer,
    MappingRequest,
    PutOnTopRequest,
    RestoreRequest,
    SavedAnswer,
    TypesAnswer,
    VersionAnswer,
    VersionsAnswer,
)
from bilag.api.once import once
from bilag.api.problems import language_of, not_found_if_unknown
from bilag.api.values import Request
from bilag.delivery.installation import installation
from bilag.delivery.mapping_editor import MappingEditor
from bilag.delivery.mapping_tables import MappingTables
from bilag.mapping.document import TEXT_MAX

PATH = "/integrations/{integrationKey}/mapping"
ROWS_MAX = 500
Version = Annotated[int, Path(ge=0, le=2**31 - 1)]

router = Router(tags=["mappings"], by_alias=True)


class CompareQuery(Request):
    """The version to compare with."""

    to: int = Field(ge=0, le=2**31 - 1)


class PageQuery(Request):
    """What to look for, and which page: `after` is `next` of the page before."""

    search: str = Field("", max_length=200, pattern=r"^[^\x00]*$")
    after: str = Field("", max_length=TEXT_MAX, pattern=r"^[^\x00]*$")
    limit: int = Field(50, ge=1, le=ROWS_MAX)


@router.get(
    PATH,
    auth=CONFIGURATION_READ,
    response={200: MappingAnswer, **READ_ERRORS},
    summary="The mapping in force",
)
def get_mapping(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """The current version with its whole document."""
    with not_found_if_unknown():
        found = editor_of(request).current(integration_key)
    return answer(200, MappingAnswer.with_document(*found))


@router.put(
    PATH,
    auth=CONFIGURATION_WRITE,
    response={200: SavedAnswer, **WRITE_ERRORS},
    summary="Save a new version of the mapping",
)
def put_mapping(
    request: HttpRequest, integration_key: IntegrationKey, body: MappingRequest
) -> HttpResponse:
    """In the place of `baseVersion`; 409 saying who saved another one meanwhile, and when."""
    with not_found_if_unknown():
        saved = editor_of(request).replace(integration_key, body.mapping, body.base_version)
    return answer(200, SavedAnswer.of(saved))


@router.get(
    PATH + "/versions",
    auth=CONFIGURATION_READ,
    response={200: VersionsAnswer, **READ_ERRORS},
    summary="The versions of the mapping",
)
def list_mapping_versions(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """Every version with who made it and when, newest first."""
    with not_found_if_unknown():
        _, found = editor_of(request).versions(integration_key)
    return answer(
        200,
        VersionsAnswer(
            versions=[
                VersionAnswer(version=v.version, created_at=v.created_at, created_by=v.created_by)
                for v in found
            ]
        ),
    )


@router.get(
    PATH + "/versions/{version}",
    auth=CONFIGURATION_READ,
    response={200: MappingAnswer, **READ_ERRORS},
    summary="One version of the mapping",
)
def get_mapping_version(
    request: HttpRequest, integration_key: IntegrationKey, version: Version
) -> HttpResponse:
    """One version with its whole document."""
    with not_found_if_unknown():
        found = editor_of(request).version(integration_key, version)
    return answer(200, MappingAnswer.with_document(*found))


@router.get(
    PATH + "/versions/{version}/differences",
    auth=CONFIGURATION_READ,
    response={200: DifferencesAnswer, **READ_ERRORS},
    summary="Compare two versions",
)
def compare_mapping_versions(
    request: HttpRequest,
    integration_key: IntegrationKey,
    version: Version,
    asked: Query[CompareQuery],
) -> HttpResponse:
    """What differs, field by field, in words."""
    with not_found_if_unknown():
        compared = editor_of(request).compare(integration_key, version, asked.to)
    return answer(200, DifferencesAnswer.of(compared, language_of(request)))


@router.post(
    PATH + "/versions/{version}/restore",
    auth=CONFIGURATION_WRITE,
    response={200: SavedAnswer, **WRITE_ERRORS},
    summary="Restore an old version",
)
@once
def post_mapping_restore(
    request: HttpRequest, integration_key: IntegrationKey, version: Version, body: RestoreRequest
) -> HttpResponse:
    """The old document becomes a new version; 409 when another one was saved meanwhile."""
    with not_found_if_unknown():
        saved = editor_of(request).restore(integration_key, version, body.base_version)
    return answer(200, SavedAnswer.of(saved))


@router.get(
    PATH + "/draft",
    auth=CONFIGURATION_READ,
    response={200: DraftAnswer, **READ_ERRORS},
    summary="The working copy",
)
def get_mapping_draft(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """What the caller has changed and not saved, what is wrong with it, and what others saved."""
    return _draft(request, integration_key)


@router.patch(
    PATH + "/draft",
    auth=CONFIGURATION_WRITE,
    response={200: DraftAnswer, **WRITE_ERRORS},
    summary="Change the working copy",
)
def patch_mapping_draft(
    request: HttpRequest, integration_key: IntegrationKey, body: ChangesRequest
) -> HttpResponse:
    """Change parts; nothing is in force until it is saved."""
    with not_found_if_unknown():
        editor_of(request).change(integration_key, body.changes)
    return _draft(request, integration_key)


@router.delete(
    PATH + "/draft",
    auth=CONFIGURATION_WRITE,
    response={200: DraftAnswer, **WRITE_ERRORS},
    summary="Discard the working copy",
)
def delete_mapping_draft(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """Forget what the caller has changed; the version in force stays as it is."""
    with not_found_if_unknown():
        editor_of(request).discard(integration_key)
    return _draft(request, integration_key)


@router.post(
    PATH + "/draft/save",
    auth=CONFIGURATION_WRITE,
    response={200: SavedAnswer, **WRITE_ERRORS},
    summary="Save the working copy",
)
@once
def post_mapping_draft_save(request: HttpRequest, integration_key: IntegrationKey) -> HttpResponse:
    """Make it the version in force; 409 when another one was saved meanwhile: nothing is lost."""
    with not_found_if_unknown():
        saved = editor_of(request).save(integration_key)
    return answer(200, SavedAnswer.of(saved))


@router.post(
    PATH + "/draft/put-on-top",
    auth=CONFIGURATION_WRITE,
    response={200: DraftAnswer, **WRITE_ERRORS},
    summary="Put the changes on top of a newer version",
)
@once
def post_mapping_put_on_top(
    request: HttpRequest, integration_key: IntegrationKey, body: PutOnTopRequest
) -> HttpResponse:
    """Where both changed the same part, the caller's stands; it is saved afterwards."""
    with not_found_if_unknown():
        editor_of(request).put_on_top(integration_key, body.version)
    return _draft(request, integration_key)


@router.get(
    PATH + "/types",
    auth=CONFIGURATION_READ,
    response={200: TypesAnswer, **READ_ERRORS},
    summary="Expense types, mapped or not",
)
def list_mapping_types(
    request: HttpRequest, integration_key: IntegrationKey, asked: Query[PageQuery]
) -> HttpResponse:
    """Types that came in or are mapped in the working copy; what nothing covers comes first."""
    with not_found_if_unknown():
        page = tables_of(request).types(
            integration_key, search=asked.search, after=asked.after, limit=asked.limit
        )
    return answer(200, TypesAnswer.of(page))


@router.get(
    PATH + "/claimants",
    auth=CONFIGURATION_READ,
    response={200: ClaimantsAnswer, **READ_ERRORS},
    summary="Claimants and their parties",
)
def list_mapping_claimants(
    request: HttpRequest, integration_key: IntegrationKey, asked: Query[PageQuery]
) -> HttpResponse:
    """The claimants of the working copy by id, whose id or party contains the search."""
    with not_found_if_unknown():
        _, page = tables_of(request).claimants(
            integration_key, search=asked.search, after=asked.after, limit=asked.limit
        )
    return answer(200, ClaimantsAnswer.of(page))


@router.get(
    PATH + "/claimants/csv",
    auth=CONFIGURATION_READ,
    response={200: CsvAnswer, **READ_ERRORS},
    summary="Claimants as CSV",
)
def get_mapping_claimants_csv(
    request: HttpRequest, integration_key: IntegrationKey
) -> HttpResponse:
    """All claimants of the working copy; cells are safe from formulas, and read back as before."""
    with not_found_if_unknown():
        text = tables_of(request).export_claimants(integration_key)
    return answer(200, CsvAnswer(csv=text))


@router.post(
    PATH + "/claimants/csv",
    auth=CONFIGURATION_WRITE,
    response={200: ImportedAnswer, **WRITE_ERRORS},
    summary="Import claimants from CSV",
)
@once
def post_mapping_claimants_csv(
    request: HttpRequest, integration_key: IntegrationKey, body: ClaimantsRequest
) -> HttpResponse:
    """Add and change claimants in the working copy; 422 with every bad line, and nothing taken."""
    with not_found_if_unknown():
        done = tables_of(request).import_claimants(integration_key, body.csv, "csv")
    return answer(200, ImportedAnswer(added=done.added, changed=done.changed, same=done.same))


def editor_of(request: HttpRequest) -> MappingEditor:
    """Return the mapping editor of the caller's organization, with the caller's working copies."""
    caller = caller_of(request)
    return installation().mapping_editor_of(caller.organization_id, caller.actor)


def tables_of(request: HttpRequest) -> MappingTables:
    """Return the tables of the caller's working copies."""
    caller = caller_of(request)
    return installation().mapping_tables_of(caller.organization_id, caller.actor)


def _draft(request: HttpRequest, integration_key: str) -> HttpResponse:
    editor = editor_of(request)
    with not_found_if_unknown():
        behind = editor.unsaved(integration_key)
    checked = editor.checked(behind.working)
    return answer(200, DraftAnswer.of(behind, checked, language_of(request)))
