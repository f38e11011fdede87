"""The addresses of the HTTP API, all of them below /api/v1/."""

from django.urls import path

from bilag import __version__
from bilag.api import (
    audit_log,
    configuration,
    connecting,
    connections,
    dry_run,
    exports,
    force,
    included,
    integrations,
    mapping,
    mapping_trial,
    organization,
    overview,
    periods,
    reconciliations,
    records,
    repair,
    reports,
    syncs,
    watch,
)
from bilag.api.body import ExactJson
from bilag.api.documents import BilagApi
from bilag.api.page import ReferencePage

DESCRIPTION = (
    "Approved records in, and their exports to the accounting system. A token belongs to one"
    " organization and is sent as `Authorization: Bearer bilag_…`. Refusals are problem details"
    " (RFC 9457) in nb, nn or en, as Accept-Language asks."
)

api = BilagApi(
    title="bilag",
    version=__version__,
    description=DESCRIPTION,
    urls_namespace="api",
    openapi_url="/openapi.json",
    docs_url="/docs",
    docs=ReferencePage(),
    parser=ExactJson(),
)
# These two fill the router of `integrations`: all methods of an address belong to one router.
_ALSO = (connecting, connections)
for router in (
    records.router,
    overview.router,
    exports.router,
    force.router,
    repair.router,
    reconciliations.router,
    periods.router,
    integrations.router,
    included.router,
    organization.router,
    configuration.router,
    mapping.router,
    mapping_trial.router,
    dry_run.router,
    audit_log.router,
    watch.router,
    reports.router,
    syncs.router,
):
    api.add_router("", router)

urlpatterns = [path("api/v1/", api.urls)]
