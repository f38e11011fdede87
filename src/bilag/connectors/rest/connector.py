"""The Generic REST connector: one JSON document a request, described by settings.

What it promises follows from the settings: see `capabilities` and docs/connectors.md.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from bilag.connectors.faults import evidence_of, transport_problem
from bilag.connectors.http import NoAnswer, NotSent, Permit, TargetRefused, TooLate
from bilag.connectors.interface import Capabilities, Session, Submission
from bilag.connectors.oauth import LoginFailed
from bilag.connectors.rest.body import build_submissions
from bilag.connectors.rest.check import check_connection, identify_company
from bilag.connectors.rest.described import fields_of
from bilag.connectors.rest.login_settings import SECRET_OF_KIND
from bilag.connectors.rest.look_up import look_up, look_up_all
from bilag.connectors.rest.settings import RestSettings
from bilag.connectors.rest.wire import Wire
from bilag.core.outcome import (
    Accepted,
    CannotTell,
    Company,
    ConnectionReport,
    Discarded,
    Found,
    Misconfigured,
    Outcome,
    Posted,
    ReferenceItem,
    RetryLater,
    Staged,
    Unknown,
)
from bilag.core.problem import Problem
from bilag.core.target_field import TargetFields
from bilag.core.voucher import Voucher


class RestConnector:
    """Any accounting system with a JSON API; stateless, one instance serves all organizations."""

    type: ClassVar[str] = "rest"
    settings_type = RestSettings
    secret_fields: ClassVar[tuple[str, ...]] = tuple(SECRET_OF_KIND.values())
    leads_by: ClassVar[tuple[str, ...]] = ("baseUrl", "auth.tokenUrl", "auth.apiKeyHeader")
    reference_kinds: ClassVar[tuple[str, ...]] = ()

    def capabilities(self, settings: RestSettings) -> Capabilities:
        """Return what the settings claim the system does; the claims are the operator's."""
        names = settings.body.names
        return Capabilities(
            honours_key=settings.honours_idempotency_key,
            can_look_up=settings.look_up is not None,
            books_later=bool(settings.success.booked.pointer),
            settle_seconds_min=settings.settle_seconds,
            requests_in_flight_max=settings.requests_in_flight_max,
            carries_vat=bool(names.vat_code),
            carries_currency=settings.carries_currency,
        )

    def fields(self, settings: RestSettings) -> TargetFields:
        """Return the external fields that a mapping may fill under these settings (C8)."""
        return fields_of(settings)

    def secret_of(self, settings: RestSettings) -> str:
        """Return the field of the secret that the login uses, "" for none."""
        return SECRET_OF_KIND.get(settings.auth.kind, "")

    def build(self, vouchers: Sequence[Voucher], settings: RestSettings) -> Sequence[Submission]:
        """Return one submission for each voucher; pure: same in, same bytes out.

        Raises ValueError naming the voucher when it cannot be written under these settings.
        """
        return build_submissions(vouchers, settings)

    async def send(
        self, submission: Submission, session: Session[RestSettings], permit: Permit
    ) -> Mapping[str, Outcome]:
        """Send the document once and return its outcome; never retries, never raises."""
        wire = Wire.of(session)
        (reference,) = submission.references
        return {reference: await _send(wire, reference, submission, permit)}

    async def look_up(
        self,
        references: Sequence[str],
        session: Session[RestSettings],
        since: datetime | None = None,
    ) -> Mapping[str, Found]:
        """Return what the system knows of each reference; a failed look-up is CannotTell."""
        return await look_up_all(Wire.of(session), references)

    async def discard(
        self, submission: Submission, session: Session[RestSettings], permit: Permit
    ) -> Discarded | CannotTell:
        """Take nothing back: no request for that is described by the settings."""
        return CannotTell("a generic REST system has no way to take back what it holds")

    async def reference_data(
        self, kind: str, session: Session[RestSettings]
    ) -> AsyncIterator[ReferenceItem]:
        """Yield nothing: no master data is described by the settings."""
        nothing: tuple[ReferenceItem, ...] = ()
        for item in nothing:
            yield item

    async def identify(
        self, session: Session[RestSettings]
    ) -> Company | RetryLater | Misconfigured | None:
        """Return the company behind the credentials; None without a company request."""
        return await identify_company(Wire.of(session))

    async def check(
        self, session: Session[RestSettings], known_references: tuple[str, ...] = ()
    ) -> ConnectionReport:
        """Test login, company and look-up without writing anything, in at most 10 seconds."""
        return await check_connection(Wire.of(session), known_references)


async def _send(wire: Wire, reference: str, submission: Submission, permit: Permit) -> Outcome:
    method = wire.settings.method
    url = wire.write_url or wire.url(wire.settings.path, reference)
    try:
        token = await wire.login.token()
        answer = await wire.http.request(
            method,
            url,
            body=submission.body,
            headers={
                **wire.headers,
                "Content-Type": "application/json",
                **submission.headers,
                **wire.login_headers(token, method, url, submission.body),
            },
            permit=permit,
        )
    except LoginFailed as error:
        return error.outcome
    except NotSent as error:
        return _not_sent(error, wire.write_address)
    except NoAnswer as error:
        problem = transport_problem(error, wire.write_address)
        return Unknown(problem.text(), evidence=evidence_of(error), problem=problem)
    outcome = wire.answers.outcome(answer, reference)
    if answer.status in (401, 403):
        if token is not None and token.accepted:
            wire.login.forget(token)
            problem = Problem("connector.token_expired")
            return RetryLater(
                problem.text(), after_seconds=0, evidence=outcome.evidence, problem=problem
            )
    elif token is not None:
        token.accepted = True
    if answer.status == 409 and wire.settings.conflict_means == "accepted":
        return await _taken_before(wire, reference, outcome)
    return outcome


def _not_sent(error: NotSent, address: str) -> RetryLater | Misconfigured:
    problem = transport_problem(error, address)
    if isinstance(error, TargetRefused):
        return Misconfigured(problem.text(), evidence_of(error), problem)
    # Running late is our own fault, so it does not feed the circuit breaker.
    return RetryLater(
        problem.text(),
        transport=not isinstance(error, TooLate),
        evidence=evidence_of(error),
        problem=problem,
    )


async def _taken_before(wire: Wire, reference: str, conflict: Outcome) -> Outcome:
    """Settle a 409 that means "I have this reference already", by look-up where there is one."""
    if wire.settings.look_up is None:
        return Accepted(reference, evidence=conflict.evidence)
    found = await look_up(wire, reference)
    if isinstance(found, Posted) and found.hits == 1:
        return Accepted(found.external_reference, found.voucher_number, evidence=found.evidence)
    if isinstance(found, Staged):
        return Accepted(found.external_reference, booked=False, evidence=found.evidence)
    return conflict
