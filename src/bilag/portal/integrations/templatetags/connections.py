"""Filters for the pages of connections: names of secrets and lists, expiry, problems, findings."""

from collections.abc import Mapping

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from bilag.core.clock import utc_now
from bilag.core.problem import Problem
from bilag.core.texts_settings import secret_title
from bilag.integrations.vault import CredentialDescription
from bilag.portal.integrations import standing

register = template.Library()

register.filter("kind_name", standing.kind_name)
register.filter("finding", standing.finding)
register.filter("expiry_words", standing.expiry_words)
register.filter("last_four", standing.last_four)


@register.filter
def kept_four(one: CredentialDescription) -> str:
    """Return the characters that may be shown of the credential in reserve."""
    return one.kept.lstrip("•")


@register.filter
def problem_text(problem: Problem) -> SafeString:
    """Return the sentence of a problem in the reader's language."""
    return standing.problem_text(problem, get_language() or "nb")


@register.filter
def secret_name(field: str) -> str:
    """Return what a secret is called in the reader's language."""
    return secret_title(field, get_language() or "nb")


@register.filter
def at(found: Mapping[str, object], name: str) -> object:
    """Return what stands under a name, None where there is nothing."""
    return found.get(name)


@register.filter
def soon(one: CredentialDescription) -> bool:
    """Return whether a credential has expired, or does so within two weeks."""
    return one.expires_soon(utc_now())
