"""The addresses of the pages that repair, below /o/ORG/."""

from django.urls import URLPattern, path

from bilag.portal.repair import causes, doubts, forced, one_claim, reconciling

app_name = "repair"
_EXPORT = "exports/<int:export_id>"
_RECONCILIATION = "reports/reconciliation"

urlpatterns: list[URLPattern] = [
    path("failed", causes.failed, name="failed"),
    path("failed/<slug:key>/<slug:cause>", causes.failed_claims, name="failed_claims"),
    path("failed/<slug:key>/<slug:cause>/retry", causes.retry_all, name="retry_all"),
    path("held", causes.held, name="held"),
    path("held/<slug:key>/<slug:cause>", causes.held_claims, name="held_claims"),
    path("held/<slug:key>/<slug:cause>/release", causes.release_all, name="release_all"),
    path("in-doubt", doubts.listed, name="doubts"),
    path(f"{_EXPORT}/evidence", doubts.evidence, name="evidence"),
    path(f"{_EXPORT}/look-up", doubts.look_up, name="look_up"),
    path(f"{_EXPORT}/decide/<slug:decision>", doubts.decide, name="decide"),
    path(f"{_EXPORT}/retry", one_claim.retry, name="retry"),
    path(f"{_EXPORT}/release", one_claim.release, name="release"),
    path(f"{_EXPORT}/cancel", one_claim.cancel, name="cancel"),
    path(f"{_EXPORT}/force", forced.force, name="force"),
    path(f"{_EXPORT}/approval", forced.approval, name="approval"),
    path("approvals", forced.approvals, name="approvals"),
    path(_RECONCILIATION, reconciling.listed, name="reconciliations"),
    path(f"{_RECONCILIATION}/<uuid:reconciliation_id>", reconciling.shown, name="reconciliation"),
]
