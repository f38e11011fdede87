"""E12: the verbs of a forced re-export: look what stands there, confirm having seen it, approve.

Nothing is opened unless what the person saw is still what the accounting system answers.
"""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import procrastinate
import psycopg
from psycopg_pool import ConnectionPool

from bilag.connectors.interface import Connector
from bilag.core.clock import utc_now
from bilag.core.money import amount_text
from bilag.core.outcome import Absent, BookingRefused, CannotTell, Found, Posted, Staged
from bilag.core.problem import Problem, Refused
from bilag.delivery.queue import defer_sync
from bilag.delivery.reader import reading
from bilag.delivery.sync import prepare_connection
from bilag.exports.decide import DecisionRefused
from bilag.exports.force import (
    Forceable,
    Generation,
    Waiting,
    approve,
    forceable,
    open_forced,
    refuse,
    refuse_approver,
    waiting,
)
from bilag.integrations.keys import Vault, audit_key
from bilag.integrations.model import Integration
from bilag.integrations.store import list_integrations
from bilag.integrations.vault import load_data_key
from bilag.mapping.amounts import read_costs
from bilag.tenants.organizations import read_organization
from bilag.tenants.scope import organization_scope

Pool = ConnectionPool[psycopg.Connection[Any]]

# Failure policy: a person waits for the evidence. What is not found out by then cannot be told, and
# that is what the person is shown; a confirmation is good for so long after it was shown.
EVIDENCE_SECONDS_MAX = 30.0
CONFIRM_SECONDS_MAX = 600


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands in the accounting system under the reference of one generation, as of now.

    `result` is posted, staged, booking_refused, absent, absent_unproven or cannot_tell.
    """

    export_id: int
    generation: int
    state: str
    reference: str
    result: str
    external_reference: str = ""
    voucher_number: str = ""
    amount: Decimal | None = None
    hits: int = 0
    reversed_by: str = ""
    message: str = ""

    def problem(self) -> Problem:
        """Return the sentence that says it to a person."""
        params = {
            name: str(value or "-") if name != "amount" else _text(self.amount)
            for name, value in asdict(self).items()
        }
        code = f"force_{self.result}"
        if self.result == "posted":
            code = "force_reversed" if self.reversed_by else code
            code = "force_doubled" if self.hits > 1 else code
        return Problem(code, params=params)

    def as_json(self) -> dict[str, Any]:
        """Return what was seen, for the audit log and for programs; empty fields are left out."""
        values = asdict(self) | {"amount": _text(self.amount) if self.amount is not None else ""}
        return {name: value for name, value in values.items() if value not in ("", 0)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known of a claim before it is sent again, and the confirmation to give."""

    export_id: int
    source_id: str
    currency: str
    amount: Decimal
    seen: tuple[Seen, ...]
    looked_at: datetime
    needs_approval: bool
    confirmation: str = ""
    expires_at: datetime | None = None

    @property
    def digest(self) -> str:
        """Return a hash of what was seen; the words of a failed look-up are not in it."""
        facts = [{**one.as_json(), "message": ""} for one in self.seen]
        return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return the evidence as the audit log keeps it."""
        return {
            "lookedAt": self.looked_at.isoformat(),
            "seen": [one.as_json() for one in self.seen],
        }


@dataclass(frozen=True, slots=True)
class Review:
    """What a second person decides about: who asked why, and what stands there now.

    `is_unchanged` is false when that is not what was seen when it was asked for.
    """

    asked_by: str
    reason: str
    of: int
    evidence: Evidence
    is_unchanged: bool


@dataclass(frozen=True, slots=True)
class Forced:
    """The generation that was opened; it goes out, or waits for a second person."""

    export_id: int
    waits_for_approval: bool


class ForcedExports:
    """Forced re-exports of one organization, in the name of `actor`."""

    def __init__(
        self,
        pool: Pool,
        queue: procrastinate.App,
        connectors: Mapping[str, Connector[Any]],
        vault: Vault,
        organization_id: UUID,
        *,
        actor: str,
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._connectors = connectors
        self._vault = vault
        self._organization_id = organization_id
        self._actor = actor

    def evidence(self, export_id: int) -> Evidence:
        """Look now what stands in the accounting system of this claim, for a person to confirm.

        Raises DecisionRefused when the export cannot be forced, LookupError for an unknown one.
        """
        evidence = self._look(export_id)[0]
        expires = int(time.time()) + CONFIRM_SECONDS_MAX
        return replace(
            evidence,
            confirmation=self._confirmation(evidence, expires),
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    def force(self, export_id: int, *, reason: str, confirmation: str) -> Forced:
        """Open a forced generation and start its delivery, or leave it to a second person.

        `confirmation` comes from `evidence`, shown to this actor at most ten minutes ago; what
        stands there is looked up once more. Raises DecisionRefused when it is another, or differs.
        """
        if not reason.strip():
            raise ValueError("a reason is required")
        evidence, integration = self._look(export_id)
        self._verify(confirmation, evidence)
        with self._scope() as connection:
            forced_id = open_forced(
                connection, self._organization_id, export_id, integration_id=integration.id,
                reason=reason, evidence=evidence.as_json(), seen=evidence.digest,
                actor=self._actor, needs_approval=evidence.needs_approval,
            )  # fmt: skip
        if not evidence.needs_approval:
            self._wake(integration)
        return Forced(forced_id, evidence.needs_approval)

    def approve(self, forced_id: int) -> None:
        """Let a forced generation go out that another person has asked for; no token may.

        What the asker saw must still be so. Raises DecisionRefused or LookupError otherwise.
        """
        asked, integration = self._asked(forced_id)
        with self._scope() as connection:
            refuse_approver(connection, asked.asked_by, self._actor)
        evidence = self._evidence_of(asked, integration)
        if evidence.digest != asked.seen:
            raise DecisionRefused(Problem("force_evidence_changed"))
        with self._scope() as connection:
            approve(
                connection, self._organization_id, forced_id, actor=self._actor,
                evidence=evidence.as_json(),
            )  # fmt: skip
        self._wake(integration)

    def review(self, forced_id: int) -> Review:
        """Look now what stands there of a claim that somebody wants to send again; decides nothing.

        Raises DecisionRefused for an export that does not wait, LookupError for an unknown one.
        """
        asked, integration = self._asked(forced_id)
        evidence = self._evidence_of(asked, integration)
        is_unchanged = evidence.digest == asked.seen
        return Review(asked.asked_by, asked.reason, asked.of, evidence, is_unchanged)

    def refuse(self, forced_id: int, *, reason: str) -> None:
        """Cancel a forced generation that waits for approval; see exports.force."""
        if not reason.strip():
            raise ValueError("a reason is required")
        with self._scope() as connection:
            refuse(connection, self._organization_id, forced_id, actor=self._actor, reason=reason)

    def _asked(self, forced_id: int) -> tuple[Waiting, Integration]:
        with self._scope() as connection:
            asked = waiting(connection, forced_id)
            return asked, self._route(connection, asked.forced)

    def _evidence_of(self, asked: Waiting, integration: Integration) -> Evidence:
        others = [one for one in asked.generations if one.id != asked.forced.id and one.was_sent]
        return self._ask(integration, asked.forced, others, asked.forced.reference)

    def _look(self, export_id: int) -> tuple[Evidence, Integration]:
        with self._scope() as connection:
            found = forceable(connection, export_id)
            integration = self._route(connection, found.export)
            needs = self._needs_approval(connection, found, integration)
        sent = [one for one in found.generations if one.was_sent]
        evidence = self._ask(integration, found.export, sent, found.next_reference)
        return replace(evidence, needs_approval=needs), integration

    def _route(self, connection: psycopg.Connection[Any], export: Generation) -> Integration:
        """Return the integration that delivers to the export's book now."""
        for one in list_integrations(connection, self._organization_id):
            if one.book.id == export.book_id and one.is_route:
                return one
        raise DecisionRefused(Problem("no_route"))

    def _needs_approval(
        self, connection: psycopg.Connection[Any], found: Forceable, integration: Integration
    ) -> bool:
        """Return whether the amount in the book's currency is above the organization's limit.

        An amount that the record does not tell in that currency counts as above it.
        """
        organization = read_organization(connection, self._organization_id)
        limit = organization.force_approval_above if organization else None
        if limit is None:
            return False
        costs = read_costs(found.export.content, integration.book, found.export.part)
        return None in costs.amounts or abs(costs.total) > limit

    def _ask(
        self,
        integration: Integration,
        export: Generation,
        generations: Sequence[Generation],
        next_reference: str,
    ) -> Evidence:
        """Look the sent generations up, and the reference that the forced one would go under.

        Raises DecisionRefused when that one is taken: a database that was restored forgot it.
        """
        since = min((one.created_at for one in generations), default=None)
        # each is looked for where it was sent, which another route's system says nothing of
        sent_by: dict[UUID, list[str]] = {integration.id: [next_reference]}
        for one in generations:
            sent_by.setdefault(one.integration_id, []).append(one.reference)
        found: dict[str, Found] = {}
        proven: dict[UUID, bool] = {}
        for route, references in sent_by.items():
            answers, proven[route] = asyncio.run(self._look_up(route, references, since))
            found |= answers
        if isinstance(found[next_reference], Posted | Staged | BookingRefused):
            raise DecisionRefused(
                Problem("force_reference_taken", params={"reference": next_reference})
            )
        return Evidence(
            export_id=export.id,
            source_id=export.source_id,
            currency=export.currency,
            amount=export.amount,
            seen=tuple(
                _seen(one, found[one.reference], proven[one.integration_id]) for one in generations
            ),
            looked_at=utc_now(),
            needs_approval=False,
        )

    async def _look_up(
        self, integration_id: UUID, references: Sequence[str], since: datetime | None
    ) -> tuple[Mapping[str, Found], bool]:
        async with await psycopg.AsyncConnection.connect(str(self._pool.conninfo)) as connection:
            await prepare_connection(connection)
            why: Problem | None = None
            try:
                async with asyncio.timeout(EVIDENCE_SECONDS_MAX), reading(
                    connection, self._connectors, self._vault, self._organization_id, integration_id
                ) as reader:  # fmt: skip
                    earliest = since.astimezone(UTC) if since else None
                    return await reader.look_up(references, earliest), reader.proven
            except TimeoutError:
                why = Problem("force_timeout", params={"seconds": f"{EVIDENCE_SECONDS_MAX:g}"})
            except Refused as refused:
                why = refused.problems[0]
        return dict.fromkeys(references, CannotTell(why.text(), problem=why)), False

    def _confirmation(self, evidence: Evidence, expires: int) -> str:
        """Return a token for this actor, export and evidence that only we can make."""
        with self._scope() as connection:
            key = audit_key(load_data_key(connection, self._vault, self._organization_id))
        parts = (self._organization_id, evidence.export_id, self._actor, expires, evidence.digest)
        signed = "\x1f".join(("force", *map(str, parts))).encode()
        mark = base64.urlsafe_b64encode(hmac.digest(key, signed, "sha256")[:24]).decode()
        return f"{expires}.{mark}"

    def _verify(self, confirmation: str, evidence: Evidence) -> None:
        expires, _, _ = confirmation.partition(".")
        if not expires.isascii() or not expires.isdecimal() or int(expires[:12]) < time.time():
            raise DecisionRefused(Problem("force_confirmation_old"))
        expected = self._confirmation(evidence, int(expires[:12]))
        if not hmac.compare_digest(expected.encode(), confirmation.encode()):
            raise DecisionRefused(Problem("force_evidence_changed"))

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection

    def _wake(self, integration: Integration) -> None:
        # Where delivery is manual it goes with the next sync that a person asks for.
        if integration.enabled and integration.delivery.trigger == "on_approval":
            defer_sync(
                self._queue, self._organization_id, integration.id, trigger="manual",
                actor=self._actor,
            )  # fmt: skip


def _seen(one: Generation, found: Found, proven: bool) -> Seen:
    what: dict[str, Any] = {}
    match found:
        case Posted():
            result = "posted"
            what = {
                "external_reference": found.external_reference,
                "voucher_number": found.voucher_number,
                "amount": found.amount,
                "hits": found.hits,
                "reversed_by": found.reversed_by,
            }
        case Staged():
            result, what = "staged", {"external_reference": found.external_reference}
        case BookingRefused():
            result = "booking_refused"
            what = {"external_reference": found.external_reference, "message": found.message}
        case Absent():
            result = "absent" if proven else "absent_unproven"
        case CannotTell():
            result, what = "cannot_tell", {"message": found.message}
    return Seen(one.id, one.generation, one.state, one.reference, result, **what)


def _text(amount: Decimal | None) -> str:
    return "-" if amount is None else amount_text(amount)
