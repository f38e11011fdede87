"""The Django application of the pages of claims."""

from django.apps import AppConfig


class ClaimsConfig(AppConfig):
    """Registers the label `portal_claims`."""

    name = "bilag.portal.claims"
    label = "portal_claims"
