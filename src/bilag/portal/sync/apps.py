"""The Django app of these pages."""

from django.apps import AppConfig


class SyncConfig(AppConfig):
    """Named apart from every app of a library."""

    name = "bilag.portal.sync"
    label = "portal_sync"
