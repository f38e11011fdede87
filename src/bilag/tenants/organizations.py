"""The organizations themselves: what they are called, what they may reach, what is switched off.

Only the list of ids, slugs and names crosses tenants; everything else is read inside a scope.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from bilag.tenants.scope import organization_scope

# Of what was signed, and of why a feature is excluded, so many characters are kept.
DECLARATION_MAX, REASON_MAX = 20_000, 500


@dataclass(frozen=True, slots=True)
class ListedOrganization:
    """What anybody inside the house may know of an organization."""

    id: UUID
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Organization:
    """One tenant; `allowed_networks` (CIDR) are those its targets may be in besides public ones.

    `declaration` is the recorded sign-off of the confidentiality declaration, empty without one;
    `feature_reasons` say of excluded features why they are.
    `closed_periods` (E15) is stop, first_open_day or ask. Above `force_approval_above`, in the
    book's currency, a second person approves a forced export (E12).
    """

    id: UUID
    slug: str
    name: str
    language: str = "nb"
    allowed_networks: Sequence[str] = ()
    declaration: dict[str, Any] = field(default_factory=dict)
    excluded_features: Sequence[str] = ()
    closed_periods: str = "stop"
    force_approval_above: Decimal | None = None
    feature_reasons: dict[str, str] = field(default_factory=dict)


_READ = """
SELECT id, slug, name, language, allowed_networks, declaration, excluded_features, closed_periods,
    force_approval_above, feature_reasons
FROM organizations WHERE id = %s
"""

_SAVE = """
INSERT INTO organizations AS o
    (id, slug, name, language, allowed_networks, declaration, excluded_features, closed_periods,
     force_approval_above, feature_reasons)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, language = excluded.language,
    allowed_networks = excluded.allowed_networks, declaration = excluded.declaration,
    excluded_features = excluded.excluded_features, closed_periods = excluded.closed_periods,
    force_approval_above = excluded.force_approval_above,
    feature_reasons = excluded.feature_reasons
WHERE (o.name, o.language, o.allowed_networks, o.declaration, o.excluded_features,
       o.closed_periods, o.force_approval_above, o.feature_reasons)
    IS DISTINCT FROM (excluded.name, excluded.language, excluded.allowed_networks,
        excluded.declaration, excluded.excluded_features, excluded.closed_periods,
        excluded.force_approval_above, excluded.feature_reasons)
"""


def list_organizations(connection: psycopg.Connection[Any]) -> list[ListedOrganization]:
    """Return every organization of the installation by slug; needs no scope, shows no more."""
    rows = connection.cursor(row_factory=class_row(ListedOrganization))
    return rows.execute("SELECT id, slug, name FROM list_organizations()").fetchall()


def get_organization(connection: psycopg.Connection[Any], slug: str) -> Organization | None:
    """Return the organization with this slug, or None; opens its scope for the read."""
    listed = next((one for one in list_organizations(connection) if one.slug == slug), None)
    if listed is None:
        return None
    with organization_scope(connection, listed.id):
        return read_organization(connection, listed.id)


def read_organization(
    connection: psycopg.Connection[Any], organization_id: UUID
) -> Organization | None:
    """Return the organization of the scope, or None when the scope is another one's."""
    rows = connection.cursor(row_factory=class_row(Organization))
    return rows.execute(_READ, [organization_id]).fetchone()


def change_organization(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    how: Callable[[Organization], Organization],
) -> tuple[Organization, Organization]:
    """Change the organization of the scope, which nobody else can do meanwhile; returns old, new.

    Raises LookupError when the scope is another one's.
    """
    rows = connection.cursor(row_factory=class_row(Organization))
    old = rows.execute(_READ + " FOR UPDATE", [organization_id]).fetchone()
    if old is None:
        raise LookupError(f"organization {organization_id} is not the one of the scope")
    new = how(old)
    save_organization(connection, new)
    return old, new


def save_organization(connection: psycopg.Connection[Any], organization: Organization) -> bool:
    """Create the organization or update everything but its slug; returns whether a row changed.

    Runs inside the organization's own scope, which may be opened before the row exists.
    """
    return (
        connection.execute(
            _SAVE,
            [
                organization.id,
                organization.slug,
                organization.name,
                organization.language,
                list(organization.allowed_networks),
                Jsonb(organization.declaration),
                list(organization.excluded_features),
                organization.closed_periods,
                organization.force_approval_above,
                Jsonb(organization.feature_reasons),
            ],
        ).rowcount
        == 1
    )
