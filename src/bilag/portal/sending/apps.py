"""The Django app of these pages."""

from django.apps import AppConfig


class SendingConfig(AppConfig):
    """Named apart from every app of a library."""

    name = "bilag.portal.sending"
    label = "portal_sending"
