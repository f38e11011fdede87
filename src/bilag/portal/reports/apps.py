"""The Django app of these pages."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Named apart from every app of a library."""

    name = "bilag.portal.reports"
    label = "portal_reports"
