"""The Business Central connector: journals staged, verified and posted, or purchase invoices.

What it promises follows from the settings: see `capabilities` and docs/connectors.md.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from bilag.connectors.dynamics.business_central.body import build_submissions
from bilag.connectors.dynamics.business_central.check import (
    check_connection,
    identify_company,
    look_up,
)
from bilag.connectors.dynamics.business_central.discard import discard_submission
from bilag.connectors.dynamics.business_central.fields import fields_of
from bilag.connectors.dynamics.business_central.invoices import send_invoice
from bilag.connectors.dynamics.business_central.master_data import (
    REFERENCE_KINDS,
    read_master_data,
)
from bilag.connectors.dynamics.business_central.plan import read_plan
from bilag.connectors.dynamics.business_central.send import send_journal
from bilag.connectors.dynamics.business_central.settings import (
    SECRET_OF_AUTH,
    BusinessCentralSettings,
)
from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.connectors.http import Permit
from bilag.connectors.interface import Capabilities, Session, Submission
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
    Unknown,
)
from bilag.core.target_field import TargetFields
from bilag.core.voucher import Voucher

# Failure policy: an operation there may run 8 minutes and its gateway waits 10; after 20 minutes
# nothing that was written can still become a posting.
SETTLE_SECONDS = 1200.0
SEND_SECONDS = 300.0
SUBMISSIONS_IN_FLIGHT_MAX = 2


class BusinessCentralConnector:
    """Dynamics 365 Business Central; stateless, one instance serves all organizations."""

    type: ClassVar[str] = "dynamics_business_central"
    settings_type = BusinessCentralSettings
    secret_fields: ClassVar[tuple[str, ...]] = tuple(SECRET_OF_AUTH.values())
    leads_by: ClassVar[tuple[str, ...]] = ("baseUrl", "loginUrl", "tenant")
    reference_kinds: ClassVar[tuple[str, ...]] = REFERENCE_KINDS

    def capabilities(self, settings: BusinessCentralSettings) -> Capabilities:
        """Return what Business Central does; it honours no key of ours, so it is searched."""
        invoices = settings.mode == "purchase_invoice"
        return Capabilities(
            honours_key=False,
            can_look_up=True,
            books_later=settings.mode == "draft" or settings.posts_by_job_queue,
            settle_seconds_min=SETTLE_SECONDS,
            send_seconds_min=SEND_SECONDS,
            stages=True,
            documents_per_request_max=1 if invoices else settings.documents_per_journal,
            requests_in_flight_max=SUBMISSIONS_IN_FLIGHT_MAX,
            carries_vat=settings.sends_tax_code,
            carries_currency=invoices,
            discard=True,
        )

    def secret_of(self, settings: BusinessCentralSettings) -> str:
        """Return the field of the secret that the login uses, "" for none."""
        return SECRET_OF_AUTH[settings.auth]

    def fields(self, settings: BusinessCentralSettings) -> TargetFields:
        """Return the external fields that a mapping may fill under these settings (C8)."""
        return fields_of(settings)

    def build(
        self, vouchers: Sequence[Voucher], settings: BusinessCentralSettings
    ) -> Sequence[Submission]:
        """Return submissions in order; pure: same in, same bytes out.

        Raises ValueError naming the voucher when Business Central cannot carry it.
        """
        return build_submissions(vouchers, settings)

    async def send(
        self, submission: Submission, session: Session[BusinessCentralSettings], permit: Permit
    ) -> Mapping[str, Outcome]:
        """Stage, verify, post and verify, continuing where it stood; never raises.

        Everything before posting goes out under reusable permits that end with `permit`.
        """
        try:
            plan = read_plan(submission.body)
        except (ValueError, KeyError, TypeError) as error:
            unknown = Unknown(f"the stored submission cannot be read: {error}", transport=False)
            return dict.fromkeys(submission.references, unknown)
        deliver = send_invoice if plan.mode == "purchase_invoice" else send_journal
        return await deliver(Wire.of(session), plan, submission, permit)

    async def look_up(
        self,
        references: Sequence[str],
        session: Session[BusinessCentralSettings],
        since: datetime | None = None,
    ) -> Mapping[str, Found]:
        """Return what the company knows of each reference; a failed look-up is CannotTell."""
        return await look_up(Wire.of(session), list(references))

    async def discard(
        self, submission: Submission, session: Session[BusinessCentralSettings], permit: Permit
    ) -> Discarded | CannotTell:
        """Delete our lines and the journal, never another user's; never raises."""
        try:
            plan = read_plan(submission.body)
        except (ValueError, KeyError, TypeError) as error:
            return CannotTell(f"the stored submission cannot be read: {error}")
        return await discard_submission(Wire.of(session), plan, submission, permit)

    def reference_data(
        self, kind: str, session: Session[BusinessCentralSettings]
    ) -> AsyncIterator[ReferenceItem]:
        """Yield master data of one of `reference_kinds`; raises ValueError when it cannot."""
        return read_master_data(Wire.of(session), kind)

    async def identify(
        self, session: Session[BusinessCentralSettings]
    ) -> Company | RetryLater | Misconfigured | None:
        """Return the company that the settings expect, where the login reaches it."""
        return await identify_company(Wire.of(session))

    async def check(
        self, session: Session[BusinessCentralSettings], known_references: tuple[str, ...] = ()
    ) -> ConnectionReport:
        """Test login, company, dimensions and look-up without writing, in at most 10 seconds."""
        return await check_connection(Wire.of(session), known_references)
