"""The addresses below /o/ORG/audit."""

from django.urls import URLPattern, path

from bilag.portal.audit import views

app_name = "audit"
urlpatterns: list[URLPattern] = [
    path("", views.listed, name="list"),
    path("/file", views.file, name="file"),
    path("/<str:entry>", views.shown, name="entry"),
]
