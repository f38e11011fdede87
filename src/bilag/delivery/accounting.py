"""The accounting integration client of the source documents: its five verbs, for one organization.

`export_expense`, `batch_export`, `get_export_status`, `map_to_accounting_schema` and
`retry_failed_exports`; REST, the command line and Python programs all go through here.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
from psycopg_pool import ConnectionPool

from bilag.connectors.interface import Connector
from bilag.core.problem import Problem, problems_of
from bilag.core.record import Record
from bilag.core.voucher import Voucher
from bilag.delivery.dry_run import DryRun, dry_run
from bilag.delivery.queue import defer_sync
from bilag.delivery.set_up import compile_now
from bilag.exports.arrive import arrive
from bilag.exports.audit import record_change
from bilag.exports.decide import cancel, decide, release, retry_failed, withdraw
from bilag.exports.hurry import look_up_sooner
from bilag.exports.periods import close_period, decide_period
from bilag.exports.preview import current_record
from bilag.exports.queue_up import QueuedUp, queue_up
from bilag.exports.status import ExportRow, RunSummary, export_by_id, exports_of_claims, runs
from bilag.integrations.model import Book, Integration
from bilag.integrations.store import (
    get_integration,
    integration_by_target,
    integration_states,
    list_integrations,
)
from bilag.mapping.result import Excluded, Missing
from bilag.records.intake import Stored
from bilag.records.intake import withdraw as withdraw_record
from bilag.tenants.scope import organization_scope

Pool = ConnectionPool[psycopg.Connection[Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a batch says of one expense: queued, already_exported, in_progress, in_doubt, held,
    not_found or not_approved; with the run and time of the export, or the reasons."""

    expense_id: str
    result: str
    export_ids: tuple[int, ...] = ()
    run_id: UUID | None = None
    exported_at: datetime | None = None
    reasons: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapped:
    """A record as it would be sent: the voucher and the request body, or what is missing."""

    voucher: Voucher | None
    body: bytes
    problems: tuple[Problem, ...] = field(default=())


class AccountingExports:
    """The verbs for one organization; every call opens its own tenant scope.

    Wake-ups are deferred after the transaction has committed; a failed wake-up only costs a tick.
    """

    def __init__(
        self,
        pool: Pool,
        queue: procrastinate.App,
        connectors: Mapping[str, Connector[Any]],
        organization_id: UUID,
        *,
        actor: str,
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._connectors = connectors
        self._organization_id = organization_id
        self._actor = actor

    def accept_records(self, records: Sequence[Record]) -> list[Stored]:
        """Store approved records and start their delivery where the schedule says so (I2)."""
        with self._scope() as connection:
            stored = arrive(connection, self._organization_id, records)
            integrations = list_integrations(connection, self._organization_id)
        if any(answer.is_new for answer in stored):
            self._wake_on_approval(integrations)
        return stored

    def start_delivery(self) -> None:
        """Start the delivery of records that an import has stored, as `accept_records` does."""
        with self._scope() as connection:
            integrations = list_integrations(connection, self._organization_id)
        self._wake_on_approval(integrations)

    def withdraw_approval(
        self, source_system: str, source_id: str, at: datetime | None = None, by: str = ""
    ) -> Mapping[str, int] | None:
        """Take an approval back (I7): unsent is cancelled, posted becomes a proposed reversal.

        Returns the counts, or None when no such record was ever accepted.
        """
        with self._scope() as connection:
            found = withdraw_record(
                connection, self._organization_id, source_system, source_id, at,
                by or self._actor,
            )  # fmt: skip
            if found is None:
                return None
            return withdraw(
                connection, self._organization_id, source_system, source_id,
                actor=by or self._actor,
            )  # fmt: skip

    def export_expense(self, expense_id: str, target_system: str) -> Answer:
        """Ask for the export of one expense; see `batch_export`."""
        return self.batch_export([expense_id], target_system)[0]

    def batch_export(self, expense_ids: Sequence[str], target_system: str) -> list[Answer]:
        """Ask for exports and say for each expense how it stands; asking twice sends nothing twice.

        Raises Refused when `target_system` names no integration, or a type that is not unique.
        """
        with self._scope() as connection:
            integration = integration_by_target(connection, self._organization_id, target_system)
            found = queue_up(connection, integration.book.id, expense_ids)
        answers = [_answer(expense_id, found.get(expense_id)) for expense_id in expense_ids]
        if any(answer.result == "queued" for answer in answers):
            self._wake(integration.id, "manual")
        return answers

    def get_export_status(self, expense_id: str) -> list[ExportRow]:
        """Return every export of an expense, oldest generation first; empty when there is none."""
        with self._scope() as connection:
            return exports_of_claims(connection, [expense_id])

    def get_export(self, export_id: int) -> ExportRow | None:
        """Return one export by its id, or None."""
        with self._scope() as connection:
            return export_by_id(connection, export_id)

    def get_run_status(
        self, run_id: UUID | None = None, limit: int = 20
    ) -> tuple[list[RunSummary], dict[str, str]]:
        """Return the newest runs (E11) and the state of each integration by its key.

        The states are active, disabled and error.
        """
        with self._scope() as connection:
            found = runs(connection, run_id=run_id, limit=limit)
            states = integration_states(connection, self._organization_id)
        return found, states

    def map_to_accounting_schema(self, expense_id: str, target_system: str) -> Mapped:
        """Return the expense as it would be sent now, without number, or what is missing.

        Raises LookupError for an unknown expense, Refused for an unknown target.
        """
        with self._scope() as connection:
            integration = integration_by_target(connection, self._organization_id, target_system)
            mapping = compile_now(connection, self._connectors, integration)
            found = current_record(connection, integration.book.id, expense_id)
        if found is None:
            raise LookupError(f"expense {expense_id} is not known")
        open_day = mapping.policy_day or found.open_day
        result = mapping.voucher(found.content, found.reference, found.part, open_day)
        if isinstance(result, Missing):
            return Mapped(None, b"", result.problems)
        if isinstance(result, Excluded):
            return Mapped(None, b"", (result.problem,))
        return self._built(integration, result)

    def retry_failed_exports(
        self,
        target_system: str = "",
        export_ids: Sequence[int] | None = None,
        cause: str | None = None,
    ) -> list[int]:
        """Queue refused exports again: all, one integration's, one cause's, or some (their ids)."""
        with self._scope() as connection:
            chosen = (
                integration_by_target(connection, self._organization_id, target_system)
                if target_system
                else None
            )
            ids = retry_failed(
                connection, self._organization_id, actor=self._actor,
                integration_id=chosen.id if chosen else None, export_ids=export_ids, cause=cause,
            )  # fmt: skip
            routes = list_integrations(connection, self._organization_id)
        if ids:
            for integration in [chosen] if chosen else routes:
                self._wake(integration.id, _again(integration))
        return ids

    def release_held_exports(
        self,
        target_system: str,
        *,
        export_ids: Sequence[int] | None = None,
        cause: str | None = None,
    ) -> list[int]:
        """Map an integration's held exports anew: all, one cause's, or some; returns their ids.

        What still lacks something is held again; proposals and what waits for approval stay.
        """
        with self._scope() as connection:
            chosen = integration_by_target(connection, self._organization_id, target_system)
            ids = release(
                connection, self._organization_id, actor=self._actor, integration_id=chosen.id,
                from_state="held", export_ids=export_ids, cause=cause,
            )  # fmt: skip
        if ids:
            self._wake_on_approval([chosen])
        return ids

    def cancel_export(self, export_id: int, *, reason: str = "") -> None:
        """Cancel an export that is pending, or with a reason one that is failed or held.

        Raises DecisionRefused in any other state, LookupError for an unknown export.
        """
        with self._scope() as connection:
            cancel(connection, self._organization_id, export_id, actor=self._actor, reason=reason)

    def look_up_export(self, export_id: int) -> bool:
        """Look an export in doubt up sooner, never before its waiting time; False if not possible.

        Raises LookupError for an unknown export.
        """
        with self._scope() as connection:
            row = export_by_id(connection, export_id)
            if row is None:
                raise LookupError(f"export {export_id} does not exist")
            hurried = look_up_sooner(connection, export_id=export_id) > 0
            integration = get_integration(connection, self._organization_id, row.integration_key)
            if hurried:
                record_change(
                    connection, self._organization_id, self._actor, "export.look_up_asked",
                    f"export {export_id}", {"sourceId": row.source_id},
                )  # fmt: skip
        if hurried and integration:
            self._wake(integration.id, "retry")
        return hurried

    def decide_export(
        self,
        export_id: int,
        *,
        to_state: str,
        reason: str,
        external_reference: str = "",
        voucher_number: str = "",
    ) -> None:
        """Settle an export that needs review, with a person's reason; see exports.decide."""
        with self._scope() as connection:
            row = export_by_id(connection, export_id)
            key = row.integration_key if row else ""
            integration = get_integration(connection, self._organization_id, key)
            decide(
                connection, self._organization_id, export_id, to_state=to_state,
                reason=reason, actor=self._actor, external_reference=external_reference,
                voucher_number=voucher_number,
                stages=integration is not None and self._stages(integration),
            )  # fmt: skip
        if integration and to_state == "pending":
            self._wake(integration.id, _again(integration))

    def close_period(self, book_key: str, closed_through: date | None) -> Book:
        """Close a book's days up to and including one, or open them all (E15); see exports.periods.

        A sync that runs stops at its next set; what waited for an open day goes with the next one.
        """
        with self._scope() as connection:
            book = close_period(
                connection, self._organization_id, book_key, closed_through, actor=self._actor
            )
            integrations = list_integrations(connection, self._organization_id)
        self._wake_on_approval([one for one in integrations if one.book.id == book.id])
        return book

    def decide_period(
        self,
        *,
        decision: str,
        reason: str,
        target_system: str = "",
        export_ids: Sequence[int] | None = None,
    ) -> list[int]:
        """Note what a person decided about claims in a closed period; returns their exports' ids.

        See exports.periods; raises Refused when `target_system` names no integration.
        """
        with self._scope() as connection:
            chosen = (
                integration_by_target(connection, self._organization_id, target_system)
                if target_system
                else None
            )
            decided = decide_period(
                connection, self._organization_id, decision=decision, reason=reason,
                actor=self._actor, integration_id=chosen.id if chosen else None,
                export_ids=export_ids,
            )  # fmt: skip
            integrations = list_integrations(connection, self._organization_id)
        self._wake_on_approval([i for i in integrations if i.id in decided.integration_ids])
        return decided.export_ids

    def dry_run(
        self, target_system: str, mapping: Mapping[str, Any] | None = None, *, held: bool = False
    ) -> DryRun:
        """Return what would be posted now (E17), by an unsaved mapping document where one is given.

        Nothing is written or sent. Raises Refused for an unknown target or an unusable mapping.
        """
        with self._scope() as connection:
            integration = integration_by_target(connection, self._organization_id, target_system)
            return dry_run(connection, self._connectors, integration, mapping, held=held)

    def sync(self, target_system: str = "") -> list[str]:
        """Ask for a sync now, of one integration or all routes; returns the keys asked for."""
        with self._scope() as connection:
            chosen = (
                [integration_by_target(connection, self._organization_id, target_system)]
                if target_system
                else [
                    i
                    for i in list_integrations(connection, self._organization_id)
                    if i.is_route and i.enabled
                ]
            )
        for integration in chosen:
            self._wake(integration.id, "manual")
        return [integration.key for integration in chosen]

    def _stages(self, integration: Integration) -> bool:
        """Return whether sending takes several steps there; also where that cannot be told."""
        try:
            connector = self._connectors[integration.type]
            settings = connector.settings_type.model_validate(integration.settings)
        except (KeyError, ValueError):
            return True
        return connector.capabilities(settings).stages

    def _built(self, integration: Integration, voucher: Voucher) -> Mapped:
        connector = self._connectors[integration.type]
        settings = connector.settings_type.model_validate(integration.settings)
        try:
            (submission,) = connector.build([voucher], settings)
        except ValueError as error:
            problem = Problem("cannot_be_built", params={"message": str(error)})
            return Mapped(voucher, b"", (problem,))
        return Mapped(voucher, submission.body)

    def _wake_on_approval(self, integrations: Sequence[Integration]) -> None:
        for integration in integrations:
            on_approval = integration.delivery.trigger == "on_approval"
            if integration.is_route and integration.enabled and on_approval:
                self._wake(integration.id, "approval")

    @contextmanager
    def _scope(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            self._pool.connection() as connection,
            organization_scope(connection, self._organization_id),
        ):
            yield connection

    def _wake(self, integration_id: UUID, trigger: str) -> None:
        defer_sync(
            self._queue, self._organization_id, integration_id, trigger=trigger, actor=self._actor
        )


def _again(integration: Integration) -> str:
    # who sends one claim again does not ask for all that waits for the next run of a schedule
    return "retry" if integration.delivery.timed().expression else "manual"


def _answer(expense_id: str, found: QueuedUp | None) -> Answer:
    if found is None:
        return Answer(expense_id, "not_found")
    return Answer(
        expense_id,
        found.result,
        found.export_ids,
        found.run_id,
        found.exported_at,
        tuple(problem for reason in found.reasons for problem in problems_of(reason)),
    )
