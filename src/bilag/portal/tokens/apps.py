"""The Django application of the pages of API tokens."""

from django.apps import AppConfig


class TokensConfig(AppConfig):
    """Registers the label `portal_tokens`."""

    name = "bilag.portal.tokens"
    label = "portal_tokens"
