"""The addresses below /o/ORG/settings/integrations/KEY/mapping."""

from django.urls import path

from bilag.portal.mapping import categories, claimants, fields, previews, rules, saving, versions

app_name = "mapping"
urlpatterns = [
    path("", categories.start, name="start"),
    path("/categories", categories.listed, name="categories"),
    path("/categories/type", categories.category, name="category"),
    path("/categories/default/<slug:kind>", categories.default, name="default"),
    path("/categories/general", categories.general, name="general"),
    path("/categories/codes/<slug:table>", categories.codes, name="codes"),
    path("/categories/codes/<slug:table>/code", categories.code, name="code"),
    path("/suggest", categories.suggest, name="suggest"),
    path("/claimants", claimants.listed, name="claimants"),
    path("/claimants/one", claimants.one, name="claimant"),
    path("/claimants/payees", claimants.payees, name="payees"),
    path("/claimants/import", claimants.take_in, name="import"),
    path("/claimants/csv", claimants.hand_out, name="csv"),
    path("/fields", fields.edit, name="fields"),
    path("/fields/check", fields.check, name="check"),
    path("/fields/rule", rules.edit, name="rule"),
    path("/fields/rule/value", rules.value, name="value"),
    path("/versions", versions.listed, name="versions"),
    path("/versions/compare", versions.compare, name="compare"),
    path("/versions/<int:version>/restore", versions.restore, name="restore"),
    path("/preview", previews.show, name="preview"),
    path("/unsaved", saving.unsaved, name="unsaved"),
    path("/save", saving.save, name="save"),
]
