"""Writes an organization's configuration as the YAML that `bilag apply` reads, without secrets.

C15. Applied to the same organization it changes nothing; with another slug it is a copy.
"""

from decimal import Decimal
from typing import Any

import psycopg
import yaml

from bilag.core.money import amount_text
from bilag.core.problem import Problem, Refused
from bilag.integrations.books import list_books
from bilag.integrations.model import Book, Integration
from bilag.integrations.store import list_integrations, read_mapping, stored
from bilag.tenants.members import list_members
from bilag.tenants.organizations import get_organization
from bilag.tenants.scope import organization_scope


def as_yaml(configuration: dict[str, Any]) -> str:
    """Return a configuration as the YAML that `bilag apply` reads."""
    text: str = yaml.safe_dump(configuration, allow_unicode=True, sort_keys=False)
    return text


def export_configuration(connection: psycopg.Connection[Any], slug: str) -> str:
    """Return the organization as YAML; credentials are left out, so that applying it keeps them.

    Raises Refused for an unknown slug.
    """
    return as_yaml(configuration_of(connection, slug))


def configuration_of(connection: psycopg.Connection[Any], slug: str) -> dict[str, Any]:
    """Return the organization as the data of that file; raises Refused for an unknown slug."""
    organization = get_organization(connection, slug)
    if organization is None:
        raise Refused(Problem("organization_unknown", params={"slug": slug}))
    own = organization.id
    with organization_scope(connection, own):
        entry = {
            "slug": slug,
            "name": organization.name,
            "language": organization.language,
            "allowedNetworks": list(organization.allowed_networks),
            "excludedFeatures": [
                _feature(name, organization.feature_reasons.get(name, ""))
                for name in organization.excluded_features
            ],
            "declaration": organization.declaration or None,
            "closedPeriods": organization.closed_periods,
            "forceApprovalAbove": _limit(organization.force_approval_above),
            "members": [
                {"subject": member.subject, "role": member.role}
                for member in list_members(connection, own)
            ],
            "books": [_book(book) for book in list_books(connection, own)],
            "integrations": [
                _integration(connection, one) for one in list_integrations(connection, own)
            ],
        }
    return {"organizations": [entry]}


def _feature(name: str, why: str) -> str | dict[str, str]:
    return {"feature": name, "why": why} if why else name


def _limit(amount: Decimal | None) -> str | None:
    return None if amount is None else amount_text(amount)


def _book(book: Book) -> dict[str, Any]:
    return {
        "key": book.key,
        "name": book.name,
        "currency": book.currency,
        "yearStartMonth": book.year_start_month,
        "numberPrefix": book.number_prefix,
        "numberStart": book.number_start,
        "roundingAccount": book.rounding_account,
        "closedThrough": str(book.closed_through) if book.closed_through else None,
    }


def _integration(connection: psycopg.Connection[Any], one: Integration) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "key": one.key,
        "name": one.name,
        "type": one.type,
        "book": one.book.key,
        "enabled": one.enabled,
        "route": one.is_route,
        "settings": one.settings,
        "filters": stored(one.filters),
        "delivery": stored(one.delivery),
    }
    mapping = read_mapping(connection, one.organization_id, one.id, one.mapping_version)
    if mapping is not None:
        entry["mapping"] = mapping
    return entry
