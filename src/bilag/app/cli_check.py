"""The command `check-connection`: is the accounting system there, and does it let us in?

Nothing is written there. A check that passes ends the error that had stopped the integration, and
shows the ledger accounts and cost centres that a mapping can name (C3).
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

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
from bilag.app.cli_words import notices, word
from bilag.connectors.http import ExchangeError
from bilag.connectors.interface import Connector, Session
from bilag.connectors.registry import CONNECTORS
from bilag.core.outcome import ConnectionReport, ReferenceItem
from bilag.core.problem import Problem, Refused
from bilag.delivery.sessions import Sessions
from bilag.delivery.set_up import compile_loaded, set_up
from bilag.delivery.sync import prepare_connection
from bilag.delivery.try_out import other_company
from bilag.exports.audit import record_change_async
from bilag.exports.status import export_page
from bilag.integrations import runtime
from bilag.integrations.model import Integration
from bilag.integrations.runtime import read_warning
from bilag.integrations.store import LoadedIntegration, load_integration_async
from bilag.integrations.vault import CredentialDescription, describe_credentials
from bilag.tenants.scope import organization_scope_async

# Failure policy: the lists get what is left of this after the check, so that the command ends in
# 10 seconds; a list that is not there by then is left out with a sentence, and fails nothing.
LISTED_WITHIN_SECONDS = 6.0
KINDS = ("accounts", "cost_centres")
ITEMS_MAX = 1000
_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class _Listed:
    """Master data of one kind, at most ITEMS_MAX items, or the problem that it could not be had."""

    kind: str
    items: Sequence[ReferenceItem] = ()
    more: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class _Checked:
    """What one check found; `refused` is why it could not even begin."""

    report: ConnectionReport
    cleared: bool = False
    listed: Sequence[_Listed] = field(default=())
    refused: Refused | None = None
    warning: str = ""
    credentials: Sequence[CredentialDescription] = ()

    def said(self, language: str) -> str:
        """Return in one text what works, or what is wrong and what to do."""
        if self.refused is not None:
            return self.refused.text(language)
        problem = self.report.problem
        return problem.text(language) if problem else self.report.message


@click.command("check-connection")
@organization_argument
@integration_option
@click.option("--json", "as_json", is_flag=True, help="For programs, with up to 1,000 of a list.")
@language_option
def check_connection_command(slug: str, target: str, as_json: bool, language: str) -> int:
    """Test the connection of each integration of ORG, or of one: address, login, company, look-up.

    Takes at most 10 seconds each and writes nothing in the accounting system. Where it passes, an
    error that had stopped the integration is cleared and delivery goes on, and the ledger accounts
    and cost centres for the mapping are shown. Exit code 1 when one does not pass; what to do is
    said.
    """
    with desk(slug) as at:
        chosen = at.integrations(target)
        if not chosen:
            raise CommandFailed(f"{slug} has no integration yet", Exit.NOT_FOUND)
        checked: list[tuple[str, _Checked]] = []
        for integration in chosen:
            checked.append((integration.key, _check_one(at, integration)))
            if not as_json:
                _print(*checked[-1], language)
    if as_json:
        found = [_json(*one, language) for one in checked]
        click.echo(json.dumps({"organization": slug, "integrations": found}))
    return Exit.OK if all(one.report.ok for _, one in checked) else Exit.PERSON


def _check_one(at: Desk, integration: Integration) -> _Checked:
    until = time.monotonic() + LISTED_WITHIN_SECONDS
    with at.scope() as connection:
        newest = export_page(connection, state="exported", integration_id=integration.id, limit=1)
        described = describe_credentials(connection, at.organization.id, integration.id)
        warning = read_warning(connection, integration.id)
    known = newest[0].reference if newest else ""
    checked = asyncio.run(_check(at, integration, known, until))
    return replace(checked, warning=warning, credentials=described)


async def _check(
    at: Desk, integration: Integration, known_reference: str, until: float
) -> _Checked:
    """Ask the connector, note what it proved, and read the lists in the time that is left."""
    organization = at.organization.id
    url = at.installation.urls.application
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await prepare_connection(connection)
        async with organization_scope_async(connection, organization):
            loaded = await load_integration_async(connection, integration.id)
            if loaded is None:
                raise CommandFailed(f"{integration.key} is gone", Exit.NOT_FOUND)
            try:
                ready = await set_up(connection, CONNECTORS, at.installation.vault, loaded)
                compile_loaded(loaded, carries_vat=ready.capabilities.carries_vat)
            except Refused as refused:
                return _Checked(ConnectionReport(False, refused.text()), refused=refused)
        sessions = Sessions()
        try:
            session = await sessions.get(loaded, ready.settings, ready.secrets)
            report = await ready.connector.check(session, known_reference)
            cleared = False
            if report.ok:
                report, cleared = await _note(connection, at, loaded, report)
            kinds = [k for k in KINDS if report.ok and k in ready.connector.reference_kinds]
            reading = (_listed(ready.connector, kind, session, until) for kind in kinds)
            return _Checked(report, cleared, await asyncio.gather(*reading))
        finally:
            await sessions.close()


async def _listed(
    connector: Connector[Any], kind: str, session: Session[Any], until: float
) -> _Listed:
    items: list[ReferenceItem] = []
    try:
        async with asyncio.timeout(until - time.monotonic()):
            async for item in connector.reference_data(kind, session):
                if len(items) == ITEMS_MAX:
                    return _Listed(kind, items, more=True)
                items.append(item)
    except TimeoutError:
        return _Listed(kind, problem=Problem("connector.list_late"))
    except Refused as refused:
        return _Listed(kind, problem=refused.problems[0])
    except (ExchangeError, ValueError) as error:
        params = {"reason": str(error)[:300]}
        return _Listed(kind, problem=Problem("connector.list_unread", params=params))
    return _Listed(kind, items)


def _print(key: str, checked: _Checked, language: str) -> None:
    report = checked.report
    verdict = word("ok" if report.ok else "not_ok", language)
    click.echo(f"{key}: {verdict}: {checked.said(language)}")
    if report.company_id:
        company = f"{report.company_id} {report.company_name}".rstrip()
        click.echo(f"  {word('company', language)}: {company}")
    for name, value in report.details.items():
        finding, colon, rest = value.partition(":")
        click.echo(f"  {name}: {word(finding, language)}{colon}{rest}")
    for listed in checked.listed:
        click.echo(f"  {word(listed.kind, language)}: {_in_short(listed, language)}")
    for line in notices(checked.warning, checked.credentials, language):
        click.echo(f"  {line}")
    if checked.cleared:
        click.echo(f"  {word('error_cleared', language)}")


def _in_short(listed: _Listed, language: str) -> str:
    """Return how many there are that can be posted to, with the first ones."""
    if listed.problem is not None:
        return listed.problem.text(language)
    usable = [item for item in listed.items if item.usable]
    shown = "; ".join(f"{item.code} {item.name}".strip() for item in usable[:_SHOWN_MAX])
    count = f"{word('more', language)} {len(usable)}" if listed.more else str(len(usable))
    dots = "; ..." if listed.more or len(usable) > _SHOWN_MAX else ""
    return f"{count} ({shown}{dots})" if usable else count


def _json(key: str, checked: _Checked, language: str) -> dict[str, Any]:
    report = checked.report
    problems = checked.refused.problems if checked.refused else ()
    if report.problem is not None:
        problems = (report.problem,)
    return {
        "integration": key,
        "ok": report.ok,
        "message": checked.said(language),
        "said": [problem.as_json(language) for problem in problems],
        "company": {"id": report.company_id, "name": report.company_name},
        "lookUpProven": report.look_up_proven,
        "details": report.details,
        "errorCleared": checked.cleared,
        "warnings": notices(checked.warning, checked.credentials, language),
        "masterData": {listed.kind: _list_json(listed, language) for listed in checked.listed},
    }


def _list_json(listed: _Listed, language: str) -> dict[str, Any]:
    return {
        "items": [{"code": i.code, "name": i.name, "usable": i.usable} for i in listed.items],
        "more": listed.more,
        "problem": listed.problem and listed.problem.as_json(language),
    }


async def _note(
    connection: psycopg.AsyncConnection[object],
    at: Desk,
    loaded: LoadedIntegration,
    report: ConnectionReport,
) -> tuple[ConnectionReport, bool]:
    """Remember company and proof; another company than remembered keeps the integration stopped."""
    integration = loaded.integration
    async with organization_scope_async(connection, at.organization.id):
        if report.company_id and not await runtime.remember_company(
            connection, integration.id, report.company_id, report.company_name
        ):
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
