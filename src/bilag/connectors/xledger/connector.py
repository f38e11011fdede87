"""The Xledger connector: vouchers into the GL import, followed until they are booked or refused.

Xledger honours no key of ours, so a lost answer is settled by look-up, never by sending again.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from bilag.connectors.http import Permit
from bilag.connectors.interface import Capabilities, Session, Submission
from bilag.connectors.xledger.body import build_submissions
from bilag.connectors.xledger.check import check_connection
from bilag.connectors.xledger.company import identify_company
from bilag.connectors.xledger.discard import discard
from bilag.connectors.xledger.fields import fields_of
from bilag.connectors.xledger.look_up import look_up_all
from bilag.connectors.xledger.master import KINDS, read_master_data
from bilag.connectors.xledger.send import send
from bilag.connectors.xledger.settings import SECRET_OF_KIND, XledgerSettings
from bilag.connectors.xledger.wire import Wire
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


class XledgerConnector:
    """Xledger's GraphQL API; stateless, one instance serves all organizations."""

    type: ClassVar[str] = "xledger"
    settings_type = XledgerSettings
    secret_fields: ClassVar[tuple[str, ...]] = tuple(SECRET_OF_KIND.values())
    leads_by: ClassVar[tuple[str, ...]] = ("environment", "endpoint", "auth.tokenUrl")
    reference_kinds: ClassVar[tuple[str, ...]] = KINDS

    def capabilities(self, settings: XledgerSettings) -> Capabilities:
        """Return what Xledger promises: no key is honoured, and booking comes later."""
        pace, several = settings.pace, settings.batches.documents_per_call
        one_by_one = "extIdentifier" in (
            settings.look_up.staged_search,
            settings.look_up.posted_search,
        )
        windows = "window" in (settings.look_up.staged_search, settings.look_up.posted_search)
        # A refused call of several goes out once more, voucher by voucher, at the burst's pace.
        resending = several if settings.batches.batch_rule == "atomic" and several > 1 else 0
        return Capabilities(
            honours_key=False,
            can_look_up=True,
            books_later=True,
            settle_seconds_min=pace.settle_seconds,
            send_seconds_min=pace.burst_seconds * (1 + resending / pace.burst_requests),
            documents_per_request_max=several,
            # a window is read whole, however few are looked for in it
            look_ups_at_once=20 if one_by_one else 5_000 if windows else 500,
            requests_in_flight_max=pace.requests_in_flight_max,
            carries_vat=settings.vouchers.vat == "taxRule",
            carries_currency=settings.vouchers.currency,
            discard=settings.look_up.remove_items,
        )

    def secret_of(self, settings: XledgerSettings) -> str:
        """Return the field of the secret that the login uses, "" for none."""
        return SECRET_OF_KIND[settings.auth.kind]

    def fields(self, settings: XledgerSettings) -> TargetFields:
        """Return the external fields that a mapping may fill under these settings (C8)."""
        return fields_of(settings)

    def build(self, vouchers: Sequence[Voucher], settings: XledgerSettings) -> Sequence[Submission]:
        """Return one call for as many vouchers as the settings allow; pure: same in, same bytes.

        Raises ValueError naming the voucher when it cannot be written under these settings.
        """
        return build_submissions(vouchers, settings)

    async def send(
        self, submission: Submission, session: Session[XledgerSettings], permit: Permit
    ) -> Mapping[str, Outcome]:
        """Send what the submission names; never raises. See `xledger.send.send`."""
        return await send(Wire.of(session), submission, permit)

    async def look_up(
        self,
        references: Sequence[str],
        session: Session[XledgerSettings],
        since: datetime | None = None,
    ) -> Mapping[str, Found]:
        """Return what Xledger knows of each reference; a failed look-up is CannotTell."""
        return await look_up_all(Wire.of(session), references, since)

    async def discard(
        self, submission: Submission, session: Session[XledgerSettings], permit: Permit
    ) -> Discarded | CannotTell:
        """Remove what waits in the import of these references, where the tenant can do that."""
        return await discard(Wire.of(session), submission, permit)

    async def reference_data(
        self, kind: str, session: Session[XledgerSettings]
    ) -> AsyncIterator[ReferenceItem]:
        """Yield master data of one kind, read page by page; raises ValueError when it cannot."""
        async for item in read_master_data(Wire.of(session), kind):
            yield item

    async def identify(
        self, session: Session[XledgerSettings]
    ) -> Company | RetryLater | Misconfigured | None:
        """Return the entity behind the login."""
        return await identify_company(Wire.of(session))

    async def check(
        self, session: Session[XledgerSettings], known_references: tuple[str, ...] = ()
    ) -> ConnectionReport:
        """Test login, entity, schema and look-up without writing anything, in 10 seconds."""
        return await check_connection(Wire.of(session), known_references)
