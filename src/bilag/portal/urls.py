"""The addresses of the portal; each group of pages brings its own."""

from django.urls import URLPattern, URLResolver, include, path

from bilag.portal import views
from bilag.portal.watch import views as watch

_frame = [
    path("", views.home, name="home"),
    path("language", views.language, name="language"),
    path("colours", views.colours, name="colours"),
    path("admin-overview", watch.organizations, name="installation"),
    path("admin-overview/<slug:slug>/support", views.support, name="support"),
    path("support/end", views.support_end, name="support_end"),
    path("o/<slug:slug>/", watch.overview, name="overview"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("bilag.portal.sending.urls")),
    path("", include((_frame, "portal"))),
    path("", include("bilag.portal.integrations.urls")),
    path("account/", include("bilag.portal.accounts.urls")),
    path("o/<slug:slug>/audit", include("bilag.portal.audit.urls")),
    path("o/<slug:slug>/exports", include("bilag.portal.claims.urls")),
    path("o/<slug:slug>/", include("bilag.portal.watch.urls")),
    path("o/<slug:slug>/", include("bilag.portal.sync.urls")),
    path("o/<slug:slug>/", include("bilag.portal.repair.urls")),
    path("o/<slug:slug>/reports/", include("bilag.portal.reports.urls")),
    path("o/<slug:slug>/settings/members", include("bilag.portal.members.urls")),
    path("o/<slug:slug>/settings/tokens", include("bilag.portal.tokens.urls")),
    path(
        "o/<slug:slug>/settings/integrations/<str:key>/mapping",
        include("bilag.portal.mapping.urls"),
    ),
]
