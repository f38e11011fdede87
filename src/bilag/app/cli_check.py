"""The command `check-connection`: is the accounting system there, and does it let us in?

Nothing is written there. A check that passes ends the error that had stopped the integration.
"""

import asyncio

import click
import psycopg

from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import (
    Desk,
    actor,
    desk,
    integration_option,
    language_option,
    organization_argument,
)
from bilag.app.cli_words import notices
from bilag.connectors.registry import CONNECTORS
from bilag.core.outcome import ConnectionReport
from bilag.delivery.sync import prepare_connection
from bilag.delivery.try_out import other_company, try_out
from bilag.exports.audit import record_change_async
from bilag.exports.status import export_page
from bilag.integrations import runtime
from bilag.integrations.model import Integration
from bilag.integrations.runtime import read_warning
from bilag.integrations.store import load_integration_async
from bilag.integrations.vault import describe_credentials
from bilag.tenants.scope import organization_scope_async


@click.command("check-connection")
@organization_argument
@integration_option
@language_option
def check_connection_command(slug: str, target: str, language: str) -> int:
    """Test the connection of each integration of ORG, or of one: address, login, company, look-up.

    Takes at most 10 seconds each and writes nothing in the accounting system. Where it passes, an
    error that had stopped the integration is cleared and delivery goes on. Exit code 1 when one
    does not pass; what to do is said.
    """
    with desk(slug) as at:
        chosen = at.integrations(target)
        if not chosen:
            raise CommandFailed(f"{slug} has no integration yet", Exit.NOT_FOUND)
        passed = [_check_one(at, integration, language) for integration in chosen]
    return Exit.OK if all(passed) else Exit.PERSON


def _check_one(at: Desk, integration: Integration, language: str) -> bool:
    with at.scope() as connection:
        newest = export_page(connection, state="exported", integration_id=integration.id, limit=1)
        described = describe_credentials(connection, at.organization.id, integration.id)
        warning = read_warning(connection, integration.id)
    known = newest[0].reference if newest else ""
    report, cleared = asyncio.run(_check(at, integration, known, language))
    said = report.problem.text(language) if report.problem else report.message
    click.echo(f"{integration.key}: {'ok' if report.ok else 'NOT OK'}: {said}")
    if report.company_id:
        click.echo(f"  company: {report.company_id} {report.company_name}".rstrip())
    for name, value in report.details.items():
        click.echo(f"  {name}: {value}")
    for line in notices(warning, described, language):
        click.echo(f"  {line}")
    if cleared:
        click.echo("  the error is cleared; delivery goes on")
    return report.ok


async def _check(
    at: Desk, integration: Integration, known_reference: str, language: str
) -> tuple[ConnectionReport, bool]:
    """Ask the connector, note what it proved, and return its report and whether an error ended."""
    url = at.installation.urls.application
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await prepare_connection(connection)
        report = await try_out(
            connection, CONNECTORS, at.installation.vault, at.organization.id, integration.id,
            known_reference=known_reference, language=language,
        )  # fmt: skip
        if not report.ok:
            return report, False
        return await _note(connection, at, integration, report)


async def _note(
    connection: psycopg.AsyncConnection[object],
    at: Desk,
    integration: Integration,
    report: ConnectionReport,
) -> tuple[ConnectionReport, bool]:
    """Remember company and proof; another company than remembered keeps the integration stopped."""
    async with organization_scope_async(connection, at.organization.id):
        if report.company_id and not await runtime.remember_company(
            connection, integration.id, report.company_id, report.company_name
        ):
            loaded = await load_integration_async(connection, integration.id)
            if loaded is not None:
                return other_company(loaded.runtime, report), False
        if report.look_up_proven:
            await runtime.prove_look_up(connection, integration.id)
        cleared = await runtime.clear_error_async(connection, integration.id)
        if cleared:
            await record_change_async(
                connection, at.organization.id, actor(), "integration.error_cleared",
                f"integration {integration.key}", {"check": report.message},
            )  # fmt: skip
    return report, cleared
