"""The addresses below /o/ORG/settings/tokens."""

from django.urls import path

from bilag.portal.tokens import views

app_name = "tokens"
urlpatterns = [
    path("", views.listed, name="list"),
    path("/new", views.make, name="make"),
    path("/<uuid:token_id>/end", views.end, name="end"),
]
