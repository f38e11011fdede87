"""The command `copy-configuration`: integrations of one organization made in another (C15)."""

import click

from bilag.app.cli_errors import problem_line
from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import actor, desk_of, installation, integration_option, language_option
from bilag.core.problem import Refused
from bilag.delivery.configuration.copy import copy_configuration
from bilag.exports.audit import record_change


@click.command("copy-configuration")
@click.argument("giver", metavar="FROM")
@click.argument("taker", metavar="TO")
@integration_option
@click.option("--replace", "replacing", is_flag=True, help="Also what TO has under the same key.")
@language_option
def copy_configuration_command(
    giver: str, taker: str, target: str, replacing: bool, language: str
) -> int:
    """Copy the integrations of FROM, and the books they post to, to the organization TO.

    Settings, filters, schedule and mapping are copied; credentials, members, the sign-off of the
    declaration and the claimants of a mapping are not. What is new in TO is switched off: look its
    settings over (they may name the company of FROM), give it credentials, `bilag
    check-connection`, then `bilag enable`.
    """
    with installation() as opened:
        source, to = desk_of(opened, giver).organization, desk_of(opened, taker).organization
        if source.id == to.id:
            raise click.UsageError("FROM and TO are the same organization")
        try:
            with opened.pool.connection() as connection:
                copied = copy_configuration(
                    connection, source.id, to.id, key=target, replacing=replacing, by=actor(),
                    audit=record_change,
                )  # fmt: skip
        except Refused as error:
            lines = "; ".join(problem_line(problem, language) for problem in error.problems)
            raise CommandFailed(f"nothing is copied: {lines}", Exit.NOT_USABLE) from error
    for one in copied:
        what = "replaced" if one.replaced else "made"
        off = ", switched off" if one.kind == "integration" and not one.replaced else ""
        click.echo(f"{to.slug}: {one.kind} {one.key}: {what}{off}")
    return Exit.OK
