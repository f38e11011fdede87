"""The commands `credentials` and `set-credential`: what may be shown, and a new secret for an old.

A secret is never an argument, and no command shows one.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table

from bilag.app.cli_errors import problem_line
from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import (
    actor,
    desk,
    integration_option,
    language_option,
    organization_argument,
    output,
)
from bilag.app.cli_tables import print_table
from bilag.app.cli_words import expiry
from bilag.core.clock import utc_now
from bilag.core.problem import Refused
from bilag.delivery.credentials import NewSecret
from bilag.integrations.model import Integration
from bilag.integrations.vault import CredentialDescription
from bilag.mapping.dates import TIME_ZONE

_HEADINGS = ("integration", "field", "secret", "set by", f"set ({TIME_ZONE})", "expires", "reserve")


@click.command("credentials")
@organization_argument
@integration_option
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys stay the same.")
@language_option
def credentials_command(slug: str, target: str, as_json: bool, language: str) -> int:
    """List the credentials of ORG: the last four characters, who set each, when, when it expires.

    `reserve` is the one before it, until the new one has sent something. Exit code 1 when one has
    expired or does so within 14 days.
    """
    with desk(slug) as at:
        try:
            found = at.installation.credentials_of(at.organization.id, actor()).describe(target)
        except Refused as error:
            raise CommandFailed(error.problems[0].text(language), Exit.NOT_FOUND) from error
    rows = [(integration, one) for integration, several in found for one in several]
    if as_json:
        click.echo(json.dumps([_as_json(*row) for row in rows], ensure_ascii=False, indent=2))
    elif rows:
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for heading in _HEADINGS:
            table.add_column(heading, overflow="fold")
        for integration, one in rows:
            table.add_row(
                integration.key, one.field, one.masked, one.set_by,
                f"{one.set_at.astimezone(TIME_ZONE):%Y-%m-%d %H:%M}", expiry(one, language),
                one.kept,
            )  # fmt: skip
        print_table(output(), table)
    else:
        click.echo("none", err=True)
    now = utc_now()
    return Exit.PERSON if any(one.expires_soon(now) for _, one in rows) else Exit.OK


def _as_json(integration: Integration, one: CredentialDescription) -> dict[str, object]:
    return {
        "integration": integration.key,
        "field": one.field,
        "secret": one.masked,
        "setBy": one.set_by,
        "setAt": one.set_at.isoformat(),
        "expiresAt": one.expires_at.isoformat() if one.expires_at else None,
        "daysLeft": one.days_left(utc_now()),
        "reserve": one.kept or None,
    }


@click.command("set-credential")
@organization_argument
@click.argument("target", metavar="INTEGRATION")
@click.argument("field")
@click.option(
    "--from",
    "source",
    required=True,
    metavar="SOURCE",
    help="Where the secret is: env:NAME, file:PATH, or - for standard input.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="FIELD=SOURCE",
    help="Another field that changes with it (a user's name and password). Repeat for more.",
)
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day on which it expires (2027-01-31).",
)
@click.option("--no-test", is_flag=True, help="Store it without trying it first.")
@language_option
def set_credential_command(
    slug: str,
    target: str,
    field: str,
    source: str,
    also: tuple[str, ...],
    expires: datetime | None,
    no_test: bool,
    language: str,
) -> int:
    """Put a new secret in place of an old one: FIELD of INTEGRATION (its key) of ORG.

    It is tried against the accounting system first. When that does not pass, nothing is stored and
    the old one stays in use (exit code 1). When it passes, the old one is kept, sealed, until
    something was sent with the new one; is the new one refused before that, the old one is used
    again and `bilag status` says so.

    Example: `bilag set-credential hlf ledger api_key --from file:new-key --expires 2027-01-31`
    """
    sources = {field: source}
    for text in also:
        name, _, where = text.partition("=")
        if not where or name in sources:
            raise click.UsageError(f"--also takes FIELD=SOURCE, each field once; not {name!r}")
        sources[name] = where
    expires_at = expires.replace(tzinfo=UTC) if expires else None
    new = {name: NewSecret(_secret(where), expires_at) for name, where in sources.items()}
    with desk(slug) as at:
        (integration,) = at.integrations(target)
        credentials = at.installation.credentials_of(at.organization.id, actor())
        try:
            report = credentials.replace(
                str(integration.id), new, test=not no_test, language=language
            )
        except Refused as error:
            said = "; ".join(problem_line(problem, language) for problem in error.problems)
            failed = error.problems[0].code == "credential_check_failed"
            raise CommandFailed(said, Exit.PERSON if failed else Exit.NOT_USABLE) from error
        # what waited for it must not wait for the next claim
        at.exports.start_delivery()
    tested = f"tested: {report.message}" if report else "not tested"
    click.echo(f"{integration.key}: {', '.join(new)} set; {tested}")
    return Exit.OK


def _secret(source: str) -> str:
    """Return the secret from where it is, without the line's end; raises CommandFailed."""
    kind, _, name = source.partition(":")
    if source == "-":
        secret = sys.stdin.read()
    elif kind == "env" and name:
        secret = os.environ.get(name, "")
    elif kind == "file" and name:
        try:
            secret = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandFailed(
                f"{name} cannot be read: {type(error).__name__}", Exit.NOT_USABLE
            ) from None
    else:
        # not shown: somebody may have written the secret itself
        raise click.UsageError("a secret is given as env:NAME, file:PATH or -, never by itself")
    secret = secret.rstrip("\r\n")
    if not secret:
        raise CommandFailed(f"there is no secret in {source}", Exit.NOT_USABLE)
    return secret
