"""The addresses of these pages, below /o/ORG/."""

from django.urls import URLPattern, path

from bilag.portal.watch import alerts, settings

app_name = "watch"

urlpatterns: list[URLPattern] = [
    path("alerts", alerts.listed, name="alerts"),
    path("alerts/<int:alert_id>/acknowledge", alerts.seen, name="acknowledge"),
    path("settings/alerts", settings.bounds, name="settings"),
    path("settings/alerts/secret", settings.secret, name="secret"),
]
