"""The command `check-connection`: is the accounting system there, and does it let us in?

Nothing is written there. A check that passes ends the error that had stopped the integration, and
shows the ledger accounts and cost centres that a mapping can name (C3).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

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
from bilag.delivery.connection_test import Listed, Tested
from bilag.integrations.model import Integration
from bilag.integrations.runtime import read_warning
from bilag.integrations.vault import CredentialDescription, describe_credentials

ITEMS_MAX = 1000
_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class _Checked:
    """What the check of one integration found, with what may be shown of its credentials."""

    tested: Tested
    warning: str = ""
    credentials: Sequence[CredentialDescription] = ()

    @property
    def listed(self) -> list[Listed]:
        """Return the lists that were read, each with at most ITEMS_MAX items."""
        return [
            replace(one, items=one.items[:ITEMS_MAX], more=one.more or len(one.items) > ITEMS_MAX)
            for one in self.tested.listed
        ]


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
    return Exit.OK if all(one.tested.report.ok for _, one in checked) else Exit.PERSON


def _check_one(at: Desk, integration: Integration) -> _Checked:
    tests = at.installation.connection_tests_of(at.organization.id, actor())
    tested = tests.test(str(integration.id))
    with at.scope() as connection:
        described = describe_credentials(connection, at.organization.id, integration.id)
        return _Checked(tested, read_warning(connection, integration.id), described)


def _print(key: str, checked: _Checked, language: str) -> None:
    report = checked.tested.report
    verdict = word("ok" if report.ok else "not_ok", language)
    click.echo(f"{key}: {verdict}: {checked.tested.said(language)}")
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
    if checked.tested.cleared:
        click.echo(f"  {word('error_cleared', language)}")


def _in_short(listed: Listed, language: str) -> str:
    """Return how many there are that can be posted to, with the first ones."""
    if listed.problem is not None:
        return listed.problem.text(language)
    usable = [item for item in listed.items if item.usable]
    shown = "; ".join(f"{item.code} {item.name}".strip() for item in usable[:_SHOWN_MAX])
    count = f"{word('more', language)} {len(usable)}" if listed.more else str(len(usable))
    dots = "; ..." if listed.more or len(usable) > _SHOWN_MAX else ""
    return f"{count} ({shown}{dots})" if usable else count


def _json(key: str, checked: _Checked, language: str) -> dict[str, Any]:
    report = checked.tested.report
    return {
        "integration": key,
        "ok": report.ok,
        "message": checked.tested.said(language),
        "said": [problem.as_json(language) for problem in checked.tested.problems],
        "company": {"id": report.company_id, "name": report.company_name},
        "lookUpProven": report.look_up_proven,
        "details": report.details,
        "errorCleared": checked.tested.cleared,
        "warnings": notices(checked.warning, checked.credentials, language),
        "masterData": {listed.kind: _list_json(listed, language) for listed in checked.listed},
    }


def _list_json(listed: Listed, language: str) -> dict[str, Any]:
    return {
        "items": [{"code": i.code, "name": i.name, "usable": i.usable} for i in listed.items],
        "more": listed.more,
        "problem": listed.problem and listed.problem.as_json(language),
    }
