"""The Django application of the mapping editor."""

from django.apps import AppConfig


class MappingConfig(AppConfig):
    """Registers the label `portal_mapping`."""

    name = "bilag.portal.mapping"
    label = "portal_mapping"
