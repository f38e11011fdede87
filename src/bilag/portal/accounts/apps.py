"""The Django application of people and how they sign in."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the label `portal_accounts`, which holds the people's table."""

    name = "bilag.portal.accounts"
    label = "portal_accounts"

    def ready(self) -> None:
        """Listen to what allauth says about sign-ins."""
        import_module("bilag.portal.accounts.proof")
