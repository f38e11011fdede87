"""The addresses below /o/ORG/settings/members."""

from django.urls import path

from bilag.portal.members import views

app_name = "members"
urlpatterns = [
    path("", views.listed, name="list"),
    path("/invite", views.invite, name="invite"),
    path("/invitations/<uuid:invitation_id>/withdraw", views.withdraw, name="withdraw"),
    path("/<path:subject>/role", views.role, name="role"),
    path("/<path:subject>/remove", views.remove, name="remove"),
]
