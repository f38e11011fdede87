"""The Django application of the pages that repair."""

from django.apps import AppConfig


class RepairConfig(AppConfig):
    """Registers the label `portal_repair`."""

    name = "bilag.portal.repair"
    label = "portal_repair"
