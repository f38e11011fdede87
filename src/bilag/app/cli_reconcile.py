"""The command `reconcile`: compare what we believe posted with what the accounting system holds.

It reads there and changes nothing, here or there, but for the findings it leaves (E13).
"""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import click
import psycopg
from rich.table import Table
from rich.text import Text

from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import (
    Desk,
    actor,
    desk,
    integration_option,
    language_option,
    organization_argument,
    output,
)
from bilag.app.cli_tables import print_table
from bilag.app.cli_words import amount, plain_amount, word
from bilag.connectors.registry import CONNECTORS
from bilag.core.problem import Problem
from bilag.delivery.sync import prepare_connection
from bilag.monitoring.compare import KINDS
from bilag.monitoring.reconcile import Ledgers, reconcile, turn
from bilag.monitoring.store import Finding, Reconciliation, ask, findings, read
from bilag.monitoring.words import next_step, not_comparable, said

# Failure policy: a worker that reconciles the same integration hands it over within a minute; after
# this time the command says so and ends, and the worker does what was asked.
WAIT_SECONDS_MAX = 120.0
WAIT_POLL_SECONDS = 0.5
_SHOWN_MAX = 10_000
_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("reconcile")
@organization_argument
@integration_option
@click.option("--from", "from_at", type=_DAY, help="Only what was exported on this day or later.")
@click.option("--to", "to_at", type=_DAY, help="Only what was exported on this day or before.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@language_option
def reconcile_command(
    slug: str,
    target: str,
    from_at: datetime | None,
    to_at: datetime | None,
    as_json: bool,
    language: str,
) -> int:
    """Read the accounting system for our references and report what is not as we believe it.

    \b
    missing      we hold it to be posted, and it is not in the ledger
    doubled      it stands there more than once
    altered      accounts, amounts or cost centres are not those that were sent
    reversed     somebody reversed it there
    unexpected   we hold it to be refused or cancelled, and it stands there
    cannot_tell  the look-up failed; decides nothing

    Nothing is changed. Exit code 0 when all agrees, 1 when something was found or could not be
    told, 7 when nothing was compared. Workers do the same every night.
    """
    first, last = from_at and from_at.date(), to_at and to_at.date()
    if first and last and first > last:
        problem = Problem("reconcile_days", params={"first": str(first), "last": str(last)})
        raise click.UsageError(problem.text(language))
    with desk(slug) as at:
        chosen = at.integrations(target)
        if not chosen:
            raise CommandFailed(f"{slug} has no integration yet", Exit.NOT_FOUND)
        connecting = at.installation.drafting_of(at.organization.id, actor())
        why = {one.key: not_comparable(connecting, one) for one in chosen}
        done = [_reconcile(at, one.id, first, last) for one in chosen if why[one.key] is None]
        listed = [(one, _findings(at, one.id)) for one in done]
    left_out = {key: problem for key, problem in why.items() if problem is not None}
    if as_json:
        click.echo(json.dumps({
            "reconciliations": [_json(*one, language) for one in listed],
            "notCompared": [
                {"integration": key, "reason": one.as_json(language)}
                for key, one in left_out.items()
            ],
        }))  # fmt: skip
    else:
        for one, found in listed:
            _print(one, found, language)
        for key, problem in left_out.items():
            output().print(Text(f"{key}: {problem.text(language)}"), soft_wrap=True)
    if any(one.outcome != "agrees" for one in done):
        return Exit.PERSON
    return Exit.OK if any(one.looked_up for one in done) else _nothing_compared()


def _nothing_compared() -> int:
    notice = "nothing was compared, so nothing is proven"
    output(stderr=True).print(Text(notice), soft_wrap=True)
    return Exit.NOTHING_COMPARED


def _reconcile(
    at: Desk, integration_id: UUID, first: date | None, last: date | None
) -> Reconciliation:
    with at.scope() as connection:
        asked = ask(connection, integration_id, actor=actor(), from_day=first, to_day=last)
    asyncio.run(_carry_out(at, integration_id, asked))
    with at.scope() as connection:
        found = read(connection, asked)
    if found is None or found.finished_at is None:
        raise CommandFailed("a worker reconciles this integration; it goes on", Exit.TIMEOUT)
    return found


async def _carry_out(at: Desk, integration_id: UUID, asked: UUID) -> None:
    ledgers = Ledgers(CONNECTORS, at.installation.vault)
    until = time.monotonic() + WAIT_SECONDS_MAX
    url = at.installation.urls.application
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await prepare_connection(connection)
        while time.monotonic() < until:
            async with turn(connection, integration_id) as ours:
                if ours:
                    await reconcile(connection, ledgers, at.organization.id, integration_id, asked)
                    return
            await asyncio.sleep(WAIT_POLL_SECONDS)


def _findings(at: Desk, asked: UUID) -> list[Finding]:
    with at.scope() as connection:
        found = findings(connection, asked, limit=_SHOWN_MAX)
    return sorted(found, key=lambda one: (KINDS.index(one.kind), one.id))


def _print(one: Reconciliation, found: Sequence[Finding], language: str) -> None:
    console = output()
    days = f" {one.from_day or ''} - {one.to_day or ''}" if one.from_day or one.to_day else ""
    if one.outcome == "agrees" and not one.looked_up:
        nothing = Problem("reconcile_nothing").text(language)
        console.print(Text(f"{one.integration_key}{days}: {nothing}"), soft_wrap=True)
        return
    counted = ", ".join(f"{one.findings[k]} {k}" for k in KINDS if k in one.findings)
    console.print(
        Text(
            f"{one.integration_key}{days}: {one.looked_up} looked up, {one.compared_by_lines}"
            f" compared line by line, {one.compared_by_amount} by amount only;"
            f" {counted or one.outcome}"
        ),
        soft_wrap=True,
    )
    if one.reason:
        console.print(Text(f"  {Problem.from_json(one.reason).text(language)}"), soft_wrap=True)
    if not found:
        return
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for key in ("finding", "id", "claim", "amount", "reference", "voucher"):
        table.add_column(word(key, language), overflow="fold")
    for row in found:
        table.add_row(
            row.kind, str(row.export_id), Text(row.source_id),
            f"{amount(row.amount, language)} {row.currency}", row.reference,
            str(row.evidence.get("voucherNumber") or row.evidence.get("externalReference") or ""),
        )  # fmt: skip
    print_table(console, table)
    for kind in KINDS:
        rows = [row for row in found if row.kind == kind]
        for row in rows:
            text = said(row.kind, row.state, row.reference, row.evidence, language)
            console.print(Text(f"\n{row.export_id}: {text}"), soft_wrap=True)
        if rows:
            console.print(Text(f"  {kind}: {next_step(kind, language)}"), soft_wrap=True)


def _json(one: Reconciliation, found: Sequence[Finding], language: str) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "integration": one.integration_key,
        "from": one.from_day and str(one.from_day),
        "to": one.to_day and str(one.to_day),
        "outcome": one.outcome,
        "reason": one.reason and Problem.from_json(one.reason).as_json(language),
        "lookedUp": one.looked_up,
        "comparedByLines": one.compared_by_lines,
        "comparedByAmount": one.compared_by_amount,
        "counts": one.findings,
        "findings": [
            {
                "kind": row.kind,
                "exportId": row.export_id,
                "sourceId": row.source_id,
                "reference": row.reference,
                "state": row.state,
                "amount": plain_amount(row.amount),
                "currency": row.currency,
                "message": said(row.kind, row.state, row.reference, row.evidence, language),
                "nextStep": next_step(row.kind, language),
                "evidence": row.evidence,
            }
            for row in found
        ],
    }
