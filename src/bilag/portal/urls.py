"""The addresses of the portal; each group of pages brings its own."""

from django.urls import URLPattern, URLResolver, include, path

from bilag.portal import views

_frame = [
    path("", views.home, name="home"),
    path("language", views.language, name="language"),
    path("colours", views.colours, name="colours"),
    path("admin-overview", views.organizations, name="installation"),
    path("admin-overview/<slug:slug>/support", views.support, name="support"),
    path("support/end", views.support_end, name="support_end"),
    path("o/<slug:slug>/", views.overview, name="overview"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("bilag.portal.sending.urls")),
    path("", include((_frame, "portal"))),
    path("", include("bilag.portal.integrations.urls")),
    path("account/", include("bilag.portal.accounts.urls")),
    path("o/<slug:slug>/settings/members", include("bilag.portal.members.urls")),
    path("o/<slug:slug>/settings/tokens", include("bilag.portal.tokens.urls")),
]
