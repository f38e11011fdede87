"""What a connector is: it builds submissions, sends one, looks references up, checks a connection.

It keeps no state, never touches our database, and `send` never retries by itself.
"""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel

from bilag.connectors.http import HttpClient, Permit
from bilag.core.outcome import (
    Company,
    ConnectionReport,
    Found,
    Misconfigured,
    Outcome,
    RetryLater,
)
from bilag.core.voucher import Voucher

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a system promises under given settings; the engine decides by these, not by its name.

    `settle_seconds_min`: how long after the request timeout an answer may still become a posting.
    """

    honours_key: bool
    can_look_up: bool
    books_later: bool = False
    settle_seconds_min: float = 5.0
    documents_per_request_max: int = 1
    requests_in_flight_max: int = 32
    reference_max: int = 20
    carries_vat: bool = True
    carries_currency: bool = False
    attachments: bool = False
    discard: bool = False
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """One request's worth of documents: the exact bytes sent, kept until the outcome is known.

    `headers` are what must be the same when it is sent again (idempotency key); no secrets.
    """

    references: tuple[str, ...]
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Session(Generic[S]):
    """One run's view of one system: settings, secrets in clear, HTTP client, tokens kept in memory.

    `memory` is the connector's own scratch space for tokens; it is gone when the run ends.
    """

    http: HttpClient
    settings: S
    secrets: Mapping[str, str]
    memory: dict[str, object] = field(default_factory=dict)


class Connector(Protocol[S]):
    """One kind of accounting system; stateless, so one instance serves all organizations."""

    type: ClassVar[str]
    settings_type: builtins.type[S]
    secret_fields: ClassVar[tuple[str, ...]]

    def capabilities(self, settings: S) -> Capabilities:
        """Return what the system promises under these settings."""
        ...

    def build(self, vouchers: Sequence[Voucher], settings: S) -> Sequence[Submission]:
        """Return submissions that carry the numbered vouchers in order; pure: same in, same bytes.

        Raises ValueError naming the voucher when a document cannot be expressed for the system.
        """
        ...

    async def send(
        self, submission: Submission, session: Session[S], permit: Permit
    ) -> Mapping[str, Outcome]:
        """Send once and return an outcome for each reference; never retries, never raises.

        Every request that could post goes out under `permit`, which allows it only until `send_by`.
        """
        ...

    async def look_up(self, references: Sequence[str], session: Session[S]) -> Mapping[str, Found]:
        """Return what the system knows of each reference; a failed look-up is CannotTell."""
        ...

    async def identify(self, session: Session[S]) -> Company | RetryLater | Misconfigured | None:
        """Return the company behind the login, None where the system cannot say; never raises.

        Asked before every run (C3); RetryLater when there is no answer, Misconfigured when refused.
        """
        ...

    async def check(self, session: Session[S], known_reference: str = "") -> ConnectionReport:
        """Test the connection without writing anything, in at most 10 seconds; never raises.

        Look-up is proven when a made-up reference is absent and `known_reference` is found.
        """
        ...
