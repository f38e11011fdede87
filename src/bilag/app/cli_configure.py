"""Commands that set the installation up: `apply`, `export-configuration`, `token`.

What they change is written to the audit log of the organization.
"""

import os
from pathlib import Path
from uuid import UUID

import click
from rich.table import Table

from bilag.app.cli_errors import problem_line
from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import (
    Desk,
    actor,
    desk,
    desk_of,
    installation,
    language_option,
    organization_argument,
    output,
)
from bilag.app.cli_tables import print_table
from bilag.app.try_configuration import try_configuration
from bilag.app.wiring import Installation
from bilag.connectors.registry import CONNECTORS
from bilag.core.problem import Refused
from bilag.delivery.configuration.apply import Change, apply
from bilag.delivery.configuration.export import export_configuration
from bilag.delivery.configuration.read import read_configuration
from bilag.delivery.tokens import ApiTokens
from bilag.exports.audit import record_change
from bilag.tenants.callers import SCOPES
from bilag.tenants.tokens import DAYS_DEFAULT


@click.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--test", is_flag=True, help="Try each integration as the file has it first; all pass, or none."
)
@language_option
def apply_command(file: Path, dry_run: bool, test: bool, language: str) -> int:
    """Make organizations, members and integrations match a YAML file.

    All of it or nothing. A second run finds nothing to do. Secrets stand in the file by reference
    only: `env:NAME` or `file:/path`.
    """
    with installation() as opened:
        try:
            tried = language if test else None
            changes = apply_file(opened, file, by=actor(), dry_run=dry_run, try_first=tried)
        except Refused as error:
            lines = [problem_line(problem, language) for problem in error.problems]
            raise CommandFailed(
                f"{file} was not applied, nothing is changed:\n  " + "\n  ".join(lines),
                Exit.NOT_USABLE,
            ) from error
        # what waited for the change (a period that is open again) must not wait for the next claim
        for slug in sorted({change.organization for change in changes} if not dry_run else ()):
            desk_of(opened, slug).exports.start_delivery()
    for change in changes:
        click.echo(f"{change.organization}: {change.subject}: {change.what}")
    if not changes:
        click.echo("nothing to change")
    elif dry_run:
        click.echo("dry run: nothing was changed")
    return Exit.OK


def apply_file(
    opened: Installation,
    file: Path,
    *,
    by: str,
    dry_run: bool = False,
    try_first: str | None = None,
) -> list[Change]:
    """Make the database match a configuration file; raises Refused with every fault at once.

    With a language in `try_first`, what exists already is tried as the file has it, before that.
    """
    configuration = read_configuration(file, connectors=CONNECTORS, environ=os.environ)
    if try_first is not None and (problems := try_configuration(opened, configuration, try_first)):
        raise Refused(*problems)
    with opened.pool.connection() as connection:
        return apply(
            connection, opened.vault, configuration, by=by, audit=record_change, dry_run=dry_run
        )


@click.command("export-configuration")
@organization_argument
def export_configuration_command(slug: str) -> int:
    """Write ORG as the YAML file that `bilag apply` reads, without its secrets, to stdout.

    Applied again it changes nothing; with another slug in it, it makes a copy.
    """
    with desk(slug) as at, at.installation.pool.connection() as connection:
        click.echo(export_configuration(connection, at.organization.slug), nl=False)
    return Exit.OK


@click.command("token")
@organization_argument
@click.option("--name", default="", help="What the token is for, to recognise it by.")
@click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help=f"Repeat for: {', '.join(SCOPES)}."
)
@click.option("--days", type=int, default=DAYS_DEFAULT, show_default=True, help="Life in days.")
@click.option("--list", "listing", is_flag=True, help="List the tokens instead.")
@click.option("--revoke", "revoked", type=click.UUID, metavar="ID", help="End this token instead.")
def token_command(
    slug: str,
    name: str,
    scopes: tuple[str, ...],
    days: int,
    listing: bool,
    revoked: UUID | None,
) -> int:
    """Make an API token for ORG and print it. It is shown this once; we keep a hash only.

    Example: `bilag token hlf --name "expense app" --scope records:write --scope exports:read`
    """
    with desk(slug) as at:
        if listing:
            return _list_tokens(at)
        if revoked is not None:
            return _revoke_token(at, revoked)
        try:
            token = _tokens(at).make(name, scopes, days)
        except Refused as error:
            raise click.UsageError(
                "; ".join(problem_line(problem) for problem in error.problems)
            ) from error
    click.echo(token)
    click.echo(f"valid for {days} days; keep it safe, it cannot be shown again", err=True)
    return Exit.OK


def _tokens(at: Desk) -> ApiTokens:
    return at.installation.tokens_of(at.organization.id, actor())


def _list_tokens(at: Desk) -> int:
    table = Table(box=None, header_style="bold")
    for heading in ("id", "name", "token", "scopes", "used", "expires", "revoked"):
        table.add_column(heading)
    for one in _tokens(at).listed():
        table.add_row(
            str(one.id), one.name, f"••••••••{one.last_four}", ", ".join(one.scopes),
            f"{one.last_used_at:%Y-%m-%d}" if one.last_used_at else "never",
            f"{one.expires_at:%Y-%m-%d}", f"{one.revoked_at:%Y-%m-%d}" if one.revoked_at else "",
        )  # fmt: skip
    print_table(output(), table)
    return Exit.OK


def _revoke_token(at: Desk, token_id: UUID) -> int:
    try:
        _tokens(at).end(token_id)
    except LookupError as error:
        raise CommandFailed(f"no token {token_id} is in use", Exit.NOT_FOUND) from error
    click.echo(f"token {token_id} is revoked")
    return Exit.OK
