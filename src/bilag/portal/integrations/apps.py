"""Registers the page group with Django, so that its templates and translations are found."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """The pages of external integrations."""

    name = "bilag.portal.integrations"
    label = "portal_integrations"
