"""How an integration stands: its runtime, and count and sum of each state by currency.

Everything comes from counters and one row of the runtime, never from counting exports.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from bilag.app.cli_open import Desk
from bilag.app.cli_words import plain_amount
from bilag.core.clock import utc_now
from bilag.core.schedule_words import words
from bilag.delivery.sync import prepare_connection
from bilag.exports.states import STATES
from bilag.exports.status import StateTotal, sum_rule, totals
from bilag.integrations.model import Integration
from bilag.integrations.runs import is_held
from bilag.integrations.runtime import Runtime
from bilag.integrations.store import LoadedIntegration, load_integration_async
from bilag.integrations.vault import CredentialDescription, describe_credentials
from bilag.tenants.organizations import ListedOrganization, read_organization
from bilag.tenants.scope import organization_scope_async

# What waits for a person, or may: `in_doubt` is looked up by itself, yet it is not well before.
NEEDS_PERSON = ("failed", "held", "in_doubt", "needs_review")
UNDER_WAY = ("pending", "sending", "in_doubt", "accepted")
APPROVED = "approved"
_STOPPED = ("error", "breaker")
CURRENT = "current"

Sum = tuple[int, Decimal]
_NOTHING: Sum = (0, Decimal(0))


@dataclass(frozen=True, slots=True)
class Standing:
    """One integration: configuration, runtime, totals by (currency, listing, state)."""

    organization: ListedOrganization
    integration: Integration
    runtime: Runtime
    sums: dict[tuple[str, str, str], Sum] = field(default_factory=dict)
    differences: dict[str, Sum] = field(default_factory=dict)
    credentials: Sequence[CredentialDescription] = ()
    excluded_features: Sequence[str] = ()

    @property
    def condition(self) -> str:
        """Return active, disabled, error, breaker, paused, pause_window or old_route."""
        now = utc_now()
        if not self.integration.enabled:
            return "disabled"
        if self.runtime.error_since is not None:
            return "error"
        if self.runtime.breaker_retry_at is not None and self.runtime.breaker_retry_at > now:
            return "breaker"
        if self.runtime.paused_until is not None and self.runtime.paused_until > now:
            return "paused"
        if self.paused_until is not None:
            return "pause_window"
        return "active" if self.integration.is_route else "old_route"

    @property
    def paused_until(self) -> datetime | None:
        """Return the end of the schedule's pause, if one is under way."""
        start, end = self.runtime.hold_from, self.runtime.hold_until
        return end if is_held(start, end, utc_now()) else None

    @property
    def message(self) -> str:
        """Return what stopped the integration, if anything did."""
        return (self.runtime.error_message or "") if self.condition in _STOPPED else ""

    @property
    def currencies(self) -> list[str]:
        """Return the currencies that anything came in, that of the book first."""
        own = self.integration.book.currency
        return sorted({currency for currency, _, _ in self.sums}, key=lambda c: (c != own, c))

    def sum(self, currency: str, state: str, listing: str = CURRENT) -> Sum:
        """Return count and sum of a state in a currency."""
        return self.sums.get((currency, listing, state), _NOTHING)

    def count(self, *states: str) -> int:
        """Return how many are in one of these states, over all currencies and listings."""
        return sum(count for (_, _, state), (count, _) in self.sums.items() if state in states)

    def difference(self, currency: str) -> Sum:
        """Return what the sum rule leaves, which is nothing unless something is wrong."""
        return self.differences.get(currency, _NOTHING)

    @property
    def needs_person(self) -> bool:
        """Return whether something is refused, held, in doubt, in error, or does not add up."""
        wrong = any(count or amount for count, amount in self.differences.values())
        return bool(self.count(*NEEDS_PERSON)) or self.condition in _STOPPED or wrong


def standings(at: Desk) -> list[Standing]:
    """Return how each integration of an organization stands, by key."""
    integrations = at.integrations()
    with at.scope() as connection:
        rows = totals(connection)
        described = {
            one.id: describe_credentials(connection, at.organization.id, one.id)
            for one in integrations
        }
        organization = read_organization(connection, at.organization.id)
    excluded = organization.excluded_features if organization else ()
    loaded = asyncio.run(_load(at, [one.id for one in integrations]))
    return [
        _standing(at, one, loaded[one.id].runtime, rows, described[one.id], excluded)
        for one in integrations
    ]


def _standing(
    at: Desk,
    integration: Integration,
    runtime: Runtime,
    rows: Sequence[StateTotal],
    credentials: Sequence[CredentialDescription],
    excluded_features: Sequence[str],
) -> Standing:
    key = integration.key
    return Standing(
        at.organization,
        integration,
        runtime,
        {
            (row.currency, row.listing, row.state): (row.count, row.amount)
            for row in rows
            if row.integration_key == key
        },
        {currency: left for (one, currency), left in sum_rule(rows).items() if one == key},
        credentials,
        excluded_features,
    )


async def _load(at: Desk, integration_ids: Sequence[UUID]) -> dict[UUID, LoadedIntegration]:
    found: dict[UUID, LoadedIntegration] = {}
    url = at.installation.urls.application
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await prepare_connection(connection)
        async with organization_scope_async(connection, at.organization.id):
            for integration_id in integration_ids:
                loaded = await load_integration_async(connection, integration_id)
                if loaded is not None:
                    found[integration_id] = loaded
    return found


def standing_as_json(one: Standing) -> dict[str, Any]:
    """Return a standing for programs: every state is there, also with nothing in it."""
    runtime, now = one.runtime, utc_now()
    return {
        "integration": one.integration.key,
        "name": one.integration.name,
        "type": one.integration.type,
        "book": one.integration.book.key,
        "condition": one.condition,
        "message": one.message,
        "warning": runtime.warning or "",
        "expiring": [
            {
                "field": credential.field,
                "expiresAt": credential.expires_at.isoformat() if credential.expires_at else None,
                "daysLeft": credential.days_left(now),
            }
            for credential in one.credentials
            if credential.expires_soon(now)
        ],
        "lastSyncAt": runtime.last_sync_at.isoformat() if runtime.last_sync_at else None,
        "lastSyncOutcome": runtime.last_sync_outcome,
        "schedule": words(one.integration.delivery.timed()),
        "nextRunAt": runtime.next_run_at.isoformat() if runtime.next_run_at else None,
        "pausedUntil": one.paused_until.isoformat() if one.paused_until else None,
        "totals": [
            {
                "currency": currency,
                APPROVED: _sum_as_json(one.sum(currency, APPROVED)),
                "states": {s: _sum_as_json(one.sum(currency, s)) for s in STATES},
                "difference": _sum_as_json(one.difference(currency)),
            }
            for currency in one.currencies
        ],
        "apart": [
            {"currency": currency, "listing": listing, "state": state, **_sum_as_json(total)}
            for (currency, listing, state), total in sorted(one.sums.items())
            if listing != CURRENT
        ],
    }


def _sum_as_json(total: Sum) -> dict[str, Any]:
    return {"count": total[0], "amount": plain_amount(total[1])}
