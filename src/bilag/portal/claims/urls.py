"""The addresses below /o/ORG/exports."""

from django.urls import URLPattern, path

from bilag.portal.claims import claim, views

app_name = "claims"
urlpatterns: list[URLPattern] = [
    path("", views.listed, name="list"),
    path("/file", views.file, name="file"),
    path("/<int:export_id>", claim.shown, name="claim"),
]
