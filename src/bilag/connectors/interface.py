"""What a connector is: it builds submissions, sends one, looks references up, checks a connection.

It keeps no state, never touches our database, and `send` never retries by itself.
"""

import builtins
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from bilag.connectors.http import HttpClient, Permit
from bilag.core.outcome import (
    CannotTell,
    Company,
    ConnectionReport,
    Discarded,
    Found,
    Misconfigured,
    Outcome,
    ReferenceItem,
    RetryLater,
)
from bilag.core.target_field import TargetFields
from bilag.core.voucher import Voucher

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a system promises under given settings; the engine decides by these, not by its name.

    `settle_seconds_min`: how long after the request timeout an answer may still become a posting.
    `send_seconds_min`: how long sending one submission may take from T1 to its last write.
    `stages`: sending takes several steps; an interrupted submission is resumed or discarded.
    `books_later`: Accepted may mean "taken", and look-up says when it is booked or refused.
    """

    honours_key: bool
    can_look_up: bool
    books_later: bool = False
    settle_seconds_min: float = 5.0
    send_seconds_min: float = 0.0
    stages: bool = False
    documents_per_request_max: int = 1
    look_ups_at_once: int = 200
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

    `body` is UTF-8 text; `headers` must be the same when it is sent again; no secrets in either.
    When an interrupted submission is resumed, `references` names only the documents still open.
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
    """One kind of accounting system; stateless, so one instance serves all organizations.

    `leads_by` are the settings, as paths, that decide where the secrets go.
    """

    type: ClassVar[str]
    settings_type: builtins.type[S]
    secret_fields: ClassVar[tuple[str, ...]]
    leads_by: ClassVar[tuple[str, ...]]
    reference_kinds: ClassVar[tuple[str, ...]]

    def capabilities(self, settings: S) -> Capabilities:
        """Return what the system promises under these settings."""
        ...

    def secret_of(self, settings: S) -> str:
        """Return the field of the secret that the login of these settings uses, "" for none."""
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
        Where the connector stages, sending again what was interrupted continues where it stood.
        """
        ...

    async def look_up(
        self, references: Sequence[str], session: Session[S], since: datetime | None = None
    ) -> Mapping[str, Found]:
        """Return what the system knows of each reference; a failed look-up is CannotTell.

        None of them was sent before `since` (UTC); None means that nothing is known about that.
        """
        ...

    async def discard(
        self, submission: Submission, session: Session[S], permit: Permit
    ) -> Discarded | CannotTell:
        """Take back what is staged of these references and not posted; never raises.

        Discarded only when it is certain that none of it can be posted any more.
        """
        ...

    def reference_data(self, kind: str, session: Session[S]) -> AsyncIterator[ReferenceItem]:
        """Yield master data of one of `reference_kinds`, read page by page.

        Raises ExchangeError or ValueError when it cannot be read.
        """
        ...

    async def identify(self, session: Session[S]) -> Company | RetryLater | Misconfigured | None:
        """Return the company behind the login, None where the system cannot say; never raises.

        Asked before every run (C3); RetryLater when there is no answer, Misconfigured when refused.
        """
        ...

    async def check(
        self, session: Session[S], known_references: tuple[str, ...] = ()
    ) -> ConnectionReport:
        """Test the connection without writing anything, in at most 10 seconds; never raises.

        Look-up is proven when a made-up reference is absent and a known one is found.
        """
        ...


S_contra = TypeVar("S_contra", bound=BaseModel, contravariant=True)


@runtime_checkable
class DescribesFields(Protocol[S_contra]):
    """What a connector may add: which external fields a mapping may fill under some settings (C8).

    A connector without it takes any name and says nothing of types and lengths.
    """

    def fields(self, settings: S_contra) -> TargetFields:
        """Return the fields of voucher, lines and counter-posting; reads nothing, sends nothing."""
        ...
