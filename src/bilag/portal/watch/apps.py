"""The Django app of these pages."""

from django.apps import AppConfig


class WatchConfig(AppConfig):
    """Named apart from every app of a library."""

    name = "bilag.portal.watch"
    label = "portal_watch"
