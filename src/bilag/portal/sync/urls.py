"""The addresses of these pages, below /o/ORG/."""

from django.urls import URLPattern, path

from bilag.portal.sync import now, views

app_name = "sync"
urlpatterns: list[URLPattern] = [
    path("sync/<slug:key>", now.sync_now, name="now"),
    path("runs", views.listed, name="list"),
    path("runs/<uuid:sync_id>", views.shown, name="one"),
    path("runs/<uuid:sync_id>/stop", now.stop, name="stop"),
]
