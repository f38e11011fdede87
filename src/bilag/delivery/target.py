"""One sync's view of one integration: who, where to, by which mapping, with which secrets.

Made at the start of a sync and gone at its end; nothing of it is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from bilag.connectors.interface import Capabilities, Connector, Session
from bilag.exports.epoch import EpochMark
from bilag.exports.settle import Chain
from bilag.integrations.model import Integration
from bilag.integrations.reserve import OnTrial
from bilag.mapping.voucher import Mapping as CompiledMapping


@dataclass(slots=True)
class Target:
    """Everything a sync needs to deliver; `sync_token` fences it against a later sync."""

    integration: Integration
    connector: Connector[Any]
    session: Session[Any]
    capabilities: Capabilities
    mapping: CompiledMapping
    chain: Chain
    run_id: UUID
    sync_token: int
    mark: EpochMark
    look_up_proven: bool
    breaker_failures: int
    probing: bool
    closed_periods: str = "stop"
    # Credentials that have sent nothing yet and whose predecessors are in reserve (C5).
    on_trial: tuple[OnTrial, ...] = ()
    # The posting dates of claims in a closed period, by export, once they are decided (E15).
    open_days: Mapping[int, date] = field(default_factory=dict)
    goes_on: bool = False

    @property
    def organization_id(self) -> UUID:
        """Return the tenant that all of this sync's statements are scoped to."""
        return self.integration.organization_id

    @property
    def in_flight_max(self) -> int:
        """Return how many requests may be under way: the smaller of setting and system's limit."""
        return min(
            self.integration.delivery.requests_in_flight, self.capabilities.requests_in_flight_max
        )

    @property
    def send_within_seconds(self) -> float:
        """Return how long after T1 a submission may still be written: setting, or system's need."""
        return max(
            self.integration.delivery.send_within_seconds, self.capabilities.send_seconds_min
        )

    @property
    def can_look_up(self) -> bool:
        """Return whether the system can be searched by our reference and we may do so."""
        return self.capabilities.can_look_up and self.integration.delivery.look_up
