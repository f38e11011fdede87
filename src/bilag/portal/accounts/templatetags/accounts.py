"""Tags of the sign-in pages: other providers, roles in words, keys that can be read out."""

from django import template
from django.conf import settings
from django.urls import reverse

from bilag.portal.accounts import mail
from bilag.portal.members.forms import ROLES
from bilag.tenants.members import Role

register = template.Library()


@register.simple_tag
def other_providers() -> list[dict[str, str]]:
    """Return the other providers that people may sign in with, and where that begins."""
    return [
        {
            "name": app["name"],
            "address": reverse("openid_connect_login", args=[app["provider_id"]]),
        }
        for app in settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    ]


@register.simple_tag
def can_mail() -> bool:
    """Return whether this installation sends e-mail."""
    return mail.can_mail()


@register.filter
def role_name(role: Role) -> str:
    """Return what a role is called."""
    return str(ROLES[role][0])


@register.filter
def in_fours(key: str) -> str:
    """Return a key in groups of four characters, as it is read out and typed."""
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))
