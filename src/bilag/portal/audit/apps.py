"""The Django application of the pages of the audit log."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Registers the label `portal_audit`."""

    name = "bilag.portal.audit"
    label = "portal_audit"
