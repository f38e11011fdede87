"""The Django application of the members' pages."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    """Registers the label `portal_members`."""

    name = "bilag.portal.members"
    label = "portal_members"
