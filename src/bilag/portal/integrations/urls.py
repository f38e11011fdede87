"""The addresses of external integrations; mapping, data and schedule bring their own."""

from django.urls import path

from bilag.portal.integrations import views, wizard

app_name = "integrations"
_HOME = "o/<slug:slug>/settings/integrations"
_ONE = f"{_HOME}/<slug:key>"

urlpatterns = [
    path(_HOME, views.listed, name="list"),
    path(f"{_HOME}/new", wizard.new, name="new"),
    path(_ONE, views.overview, name="overview"),
    path(f"{_ONE}/setup/system", wizard.system, name="system"),
    path(f"{_ONE}/setup/credentials", wizard.credentials, name="setup-credentials"),
    path(f"{_ONE}/setup/test", wizard.test, name="setup-test"),
    path(f"{_ONE}/setup/accounts", wizard.accounts, name="accounts"),
    path(f"{_ONE}/setup/confirm", wizard.confirm, name="confirm"),
    path(f"{_ONE}/test", wizard.test_now, name="test"),
    path(f"{_ONE}/credentials/<slug:field>", views.rotate, name="rotate"),
    path(f"{_ONE}/settings", views.settings, name="settings"),
    path(f"{_ONE}/delete", views.delete, name="delete"),
    path(f"{_ONE}/suggest/<slug:kind>", views.suggest, name="suggest"),
]
