"""Integrations and mapping versions as stored: the only writer of both tables.

Every function runs inside `organization_scope`; what exports rest on cannot be changed under them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, dict_row, tuple_row
from psycopg.types.json import Jsonb

from bilag.core.problem import Problem, Refused
from bilag.integrations.configuration import Configuration
from bilag.integrations.mapping_drafts import MappingMoved
from bilag.integrations.model import KEY_OF_NONE, Delivery, Filters, Integration
from bilag.integrations.reserve import forget_all_reserves
from bilag.integrations.rows import INTEGRATION_COLUMNS, integration_of
from bilag.integrations.runs import plan_anew
from bilag.integrations.runtime import Runtime, stop_running_sync


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """One version of an integration's mapping, without the document itself."""

    version: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class LoadedIntegration:
    """All that a worker has to know before it sends; `mapping` is the current version's document.

    `allowed_networks` are CIDR texts; `declaration` is the organization's recorded sign-off.
    """

    integration: Integration
    runtime: Runtime
    mapping: dict[str, Any]
    allowed_networks: tuple[str, ...]
    declaration: dict[str, Any]
    slug: str
    language: str
    closed_periods: str


_INTEGRATIONS = f"""
SELECT {INTEGRATION_COLUMNS} FROM organization_integrations i
JOIN books b ON b.id = i.book_id AND b.organization_id = i.organization_id
WHERE i.organization_id = %(organization)s
    AND (%(wanted)s::text IS NULL OR i.key = %(wanted)s OR i.id::text = %(wanted)s)
    AND (%(drafts)s OR NOT i.is_draft)
ORDER BY i.key
"""

_SAVE_INTEGRATION = """
INSERT INTO organization_integrations AS i (id, organization_id, book_id, key, name,
    integration_type, enabled, is_route, is_draft, settings, filters, delivery)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET book_id = excluded.book_id, name = excluded.name,
    integration_type = excluded.integration_type, enabled = excluded.enabled,
    is_route = excluded.is_route, is_draft = excluded.is_draft, settings = excluded.settings,
    filters = excluded.filters, delivery = excluded.delivery, updated_at = now()
WHERE (i.book_id, i.name, i.integration_type, i.enabled, i.is_route, i.is_draft, i.settings,
    i.filters, i.delivery) IS DISTINCT FROM (excluded.book_id, excluded.name,
    excluded.integration_type, excluded.enabled, excluded.is_route, excluded.is_draft,
    excluded.settings, excluded.filters, excluded.delivery)
"""

_LOAD = f"""
SELECT {INTEGRATION_COLUMNS}, m.field_mappings, o.allowed_networks, o.declaration, o.slug,
    o.language, o.closed_periods,
    r.sync_token, r.sync_run_id, r.sync_started_at, r.last_sync_at, r.last_sync_outcome,
    r.breaker_failures, r.breaker_opened_at, r.breaker_retry_at, r.breaker_trips, r.paused_until,
    r.error_since, r.error_message, r.company_id, r.company_name, r.look_up_proven_at,
    r.warning, r.next_run_at, r.run_through, r.stopped_through, r.hold_from, r.hold_until
FROM organization_integrations i
JOIN books b ON b.id = i.book_id AND b.organization_id = i.organization_id
JOIN organizations o ON o.id = i.organization_id
JOIN integration_runtime r ON r.integration_id = i.id
LEFT JOIN mapping_versions m ON m.integration_id = i.id AND m.version = i.mapping_version
WHERE i.id = %s
"""


def list_integrations(
    connection: psycopg.Connection[Any], organization_id: UUID, *, drafts: bool = False
) -> list[Integration]:
    """Return the integrations of the organization of the scope, by key, disabled ones too.

    What is still being set up is among them only with `drafts`.
    """
    return _integrations(connection, organization_id, None, drafts=drafts)


def get_integration(
    connection: psycopg.Connection[Any], organization_id: UUID, key_or_id: str | UUID
) -> Integration | None:
    """Return the integration with this key or id, a draft too, or None."""
    return next(iter(_integrations(connection, organization_id, str(key_or_id))), None)


_STATES = """
SELECT i.key, CASE WHEN i.is_draft THEN 'draft' WHEN NOT i.enabled THEN 'disabled'
    WHEN r.error_since IS NOT NULL THEN 'error' ELSE 'active' END
FROM organization_integrations i
JOIN integration_runtime r ON r.integration_id = i.id
WHERE i.organization_id = %s AND (%s OR NOT i.is_draft) ORDER BY i.key
"""


def integration_states(
    connection: psycopg.Connection[Any], organization_id: UUID, *, drafts: bool = False
) -> dict[str, str]:
    """Return by key how each integration stands: active, disabled, error (stopped by one).

    What is still being set up is among them only with `drafts`, as draft.
    """
    rows = connection.cursor(row_factory=tuple_row)
    return dict(rows.execute(_STATES, [organization_id, drafts]).fetchall())


def integration_by_target(
    connection: psycopg.Connection[Any], organization_id: UUID, target: str
) -> Integration:
    """Return the integration with this key or id, or the only one of this type (E1).

    A draft is found by its key or id only. Raises Refused, listing the organization's
    integrations, for none or several.
    """
    every = list_integrations(connection, organization_id, drafts=True)
    named = [one for one in every if target in (one.key, str(one.id))]
    found = named or [one for one in every if one.type == target and not one.is_draft]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{one.key} ({one.type})" for one in found or every) or "-"
    code = "target_ambiguous" if found else "target_unknown"
    raise Refused(Problem(code, "targetSystem", params={"target": target, "known": known}))


def save_integration(connection: psycopg.Connection[Any], integration: Integration) -> bool:
    """Create the integration with its runtime row, or update it; returns whether it changed.

    Raises Refused when another one is the book's route, when a draft would send something, when
    type or book would change under exports, or for a new one of a key that is none. The mapping is
    not touched; changed settings take the proof of the look-up away.
    """
    if integration.is_draft and (integration.enabled or integration.is_route):
        raise Refused(Problem("integration_is_draft", params={"integration": integration.key}))
    _refuse_two_routes(connection, integration)
    old = _locked(connection, integration)
    if old is None and integration.key == KEY_OF_NONE:
        raise Refused(Problem("integration_key_of_none", "key", params={"key": integration.key}))
    if old is not None and (old["integration_type"], old["book_id"]) != (
        integration.type,
        integration.book.id,
    ):
        _refuse_if_used(connection, integration)
    changed = connection.execute(
        _SAVE_INTEGRATION,
        [
            integration.id, integration.organization_id, integration.book.id, integration.key,
            integration.name, integration.type, integration.enabled, integration.is_route,
            integration.is_draft, Jsonb(integration.settings),
            Jsonb(stored(integration.filters)), Jsonb(stored(integration.delivery)),
        ],
    )  # fmt: skip
    connection.execute(
        "INSERT INTO integration_runtime (organization_id, integration_id) VALUES (%s, %s)"
        " ON CONFLICT (integration_id) DO NOTHING",
        [integration.organization_id, integration.id],
    )
    if old is not None and old["settings"] != integration.settings:
        connection.execute(
            # a fresh token fences the sync that still runs with the old settings
            "UPDATE integration_runtime"
            " SET look_up_proven_at = NULL, sync_token = nextval('sending_tokens')"
            " WHERE organization_id = %s AND integration_id = %s",
            [integration.organization_id, integration.id],
        )
        forget_all_reserves(connection, integration.organization_id, integration.id)
    if old is not None and Filters.model_validate(old["filters"]) != integration.filters:
        stop_running_sync(connection, integration.id)
    if old is not None and old["is_draft"] and not integration.is_draft:
        connection.execute(
            "DELETE FROM integration_drafts WHERE organization_id = %s AND integration_id = %s",
            [integration.organization_id, integration.id],
        )
    if old is None or _goes_otherwise(old, integration):
        plan_anew(connection, integration)
    return changed.rowcount == 1


def change_integration(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    key_or_id: str | UUID,
    how: Callable[[Integration], Integration],
) -> tuple[Integration, Integration]:
    """Change an integration, which nobody else can do meanwhile; returns the old one and the new.

    Raises LookupError for an unknown one, and Refused as `save_integration` does.
    """
    (old,) = lock_integrations(connection, organization_id, key_or_id)
    new = how(old)
    save_integration(connection, new)
    return old, new


def lock_integrations(
    connection: psycopg.Connection[Any], organization_id: UUID, key_or_id: str | UUID | None = None
) -> list[Integration]:
    """Return one integration, or all by key, drafts too, which nobody else can change meanwhile.

    Whoever changes several locks all of them first, so that two never wait for each other. Raises
    LookupError for an unknown one.
    """
    wanted = None if key_or_id is None else str(key_or_id)
    found = _integrations(connection, organization_id, wanted, " FOR UPDATE OF i")
    if not found and wanted is not None:
        raise LookupError(f"there is no integration {wanted}")
    return found


def _goes_otherwise(old: Mapping[str, Any], new: Integration) -> bool:
    """Return whether an integration is switched on, or goes by another schedule from now on."""
    before = Delivery.model_validate(old["delivery"])
    same = (before.trigger, before.schedule) == (new.delivery.trigger, new.delivery.schedule)
    return not same or (new.enabled and not old["enabled"])


def save_mapping(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    integration_id: UUID,
    field_mappings: Mapping[str, Any],
    by: str,
    *,
    expected: int | None = None,
) -> int:
    """Make the document the current mapping and return its version; the same one makes no new row.

    Versions never change (C12). Raises LookupError; MappingMoved when `expected` is not current.
    """
    rows = connection.cursor(row_factory=tuple_row)
    document = Jsonb(dict(field_mappings))
    integration = rows.execute(
        "SELECT mapping_version FROM organization_integrations"
        " WHERE organization_id = %s AND id = %s FOR NO KEY UPDATE",
        [organization_id, integration_id],
    ).fetchone()
    if integration is None:
        raise LookupError(f"there is no integration {integration_id} in this organization")
    if expected is not None and integration[0] != expected:
        raise MappingMoved(int(integration[0]))
    same = rows.execute(
        "SELECT version FROM mapping_versions"
        " WHERE integration_id = %s AND version = %s AND field_mappings = %s",
        [integration_id, integration[0], document],
    ).fetchone()
    if same is not None:
        return int(same[0])
    added = rows.execute(
        "INSERT INTO mapping_versions"
        " (organization_id, integration_id, version, field_mappings, created_by)"
        " SELECT %s, %s, coalesce(max(version), 0) + 1, %s, %s FROM mapping_versions"
        " WHERE integration_id = %s RETURNING version",
        [organization_id, integration_id, document, by, integration_id],
    ).fetchone()
    version = int(added[0]) if added else 0
    connection.execute(
        "UPDATE organization_integrations SET mapping_version = %s, updated_at = now()"
        " WHERE organization_id = %s AND id = %s",
        [version, organization_id, integration_id],
    )
    return version


def list_mapping_versions(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID
) -> list[MappingVersion]:
    """Return the versions of a mapping, newest first."""
    return (
        connection.cursor(row_factory=class_row(MappingVersion))
        .execute(
            "SELECT version, created_at, created_by FROM mapping_versions"
            " WHERE organization_id = %s AND integration_id = %s ORDER BY version DESC",
            [organization_id, integration_id],
        )
        .fetchall()
    )


def read_mapping(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID, version: int
) -> dict[str, Any] | None:
    """Return the document of one version, or None; a version never changes once it is read."""
    row = (
        connection.cursor(row_factory=tuple_row)
        .execute(
            "SELECT field_mappings FROM mapping_versions"
            " WHERE organization_id = %s AND integration_id = %s AND version = %s",
            [organization_id, integration_id, version],
        )
        .fetchone()
    )
    return dict(row[0]) if row else None


async def read_mapping_async(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID, version: int
) -> dict[str, Any] | None:
    """The same for the worker, in the organization of the scope."""
    rows = connection.cursor(row_factory=tuple_row)
    found = await rows.execute(
        "SELECT field_mappings FROM mapping_versions WHERE integration_id = %s AND version = %s",
        [integration_id, version],
    )
    row = await found.fetchone()
    return dict(row[0]) if row else None


async def load_integration_async(
    connection: psycopg.AsyncConnection[Any], integration_id: UUID
) -> LoadedIntegration | None:
    """Return all that a worker needs of an integration in one query, or None outside its scope."""
    rows = connection.cursor(row_factory=dict_row)
    row = await (await rows.execute(_LOAD, [integration_id])).fetchone()
    if row is None:
        return None
    return LoadedIntegration(
        integration=integration_of(row),
        runtime=Runtime(**{name: row[name] for name in Runtime.__slots__}),
        mapping=row["field_mappings"] or {},
        allowed_networks=tuple(row["allowed_networks"]),
        declaration=row["declaration"],
        slug=row["slug"],
        language=row["language"],
        closed_periods=row["closed_periods"],
    )


def stored(part: Configuration) -> dict[str, Any]:
    """Return filters or delivery as they are stored: camelCase, defaults left out."""
    return part.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _integrations(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    wanted: str | None,
    lock: str = "",
    *,
    drafts: bool = True,
) -> list[Integration]:
    rows = connection.cursor(row_factory=dict_row)
    parameters = {"organization": organization_id, "wanted": wanted, "drafts": drafts}
    found = rows.execute(_INTEGRATIONS + lock, parameters)
    return [integration_of(row) for row in found]


def _locked(
    connection: psycopg.Connection[Any], integration: Integration
) -> Mapping[str, Any] | None:
    # The lock makes arriving exports, which refer to the integration, wait or be seen.
    rows = connection.cursor(row_factory=dict_row)
    return rows.execute(
        "SELECT integration_type, book_id, settings, enabled, is_draft, filters, delivery"
        " FROM organization_integrations WHERE organization_id = %s AND id = %s FOR UPDATE",
        [integration.organization_id, integration.id],
    ).fetchone()


def _refuse_if_used(connection: psycopg.Connection[Any], integration: Integration) -> None:
    used = connection.cursor(row_factory=tuple_row).execute(
        "SELECT FROM exports WHERE organization_id = %s AND integration_id = %s LIMIT 1",
        [integration.organization_id, integration.id],
    )
    if used.fetchone() is not None:
        raise Refused(Problem("integration_in_use", params={"integration": integration.key}))


def _refuse_two_routes(connection: psycopg.Connection[Any], integration: Integration) -> None:
    if not integration.is_route:
        return
    rows = connection.cursor(row_factory=tuple_row)
    other = rows.execute(
        "SELECT key FROM organization_integrations"
        " WHERE organization_id = %s AND book_id = %s AND is_route AND id <> %s",
        [integration.organization_id, integration.book.id, integration.id],
    ).fetchone()
    if other is not None:
        params = {"other": str(other[0]), "book": integration.book.key}
        raise Refused(Problem("route_taken", params=params))
