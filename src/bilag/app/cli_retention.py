"""The commands `retention` and `retention-rules`: erase what is over, and how long is long (X7).

Erasing is the owner's: the application's role can delete nothing that is evidence.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import click

from bilag.app.cli_errors import problem_line
from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_log import configure_logging
from bilag.app.cli_open import actor, connected, desk, organization_argument, usable_database
from bilag.app.postgres import default_home
from bilag.core.clock import utc_now
from bilag.core.problem import Refused
from bilag.exports.retention import YEARS_MAX, YEARS_MIN, Over, Rules, read_rules, save_rules
from bilag.mapping.dates import TIME_ZONE
from bilag.monitoring.retention import check_clock, erase, plan

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="Show what is over, and erase nothing.")
@click.option(
    "--clock-is-right",
    is_flag=True,
    help="Erase though nothing was logged for over 31 days: this machine's day was checked.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys stay the same.")
def retention_command(dry_run: bool, clock_is_right: bool, as_json: bool) -> int:
    """Erase what has been kept long enough, in every organization by its own rules.

    Records, what was sent and answered, runs and the audit log are kept five years after the end of
    the accounting year, or as long as `bilag retention-rules` says. After that they are deleted.
    What stays: one row for each claim, under a name that nobody can read, so that it is never
    booked again; amounts and voucher numbers; and the links of the audit log, so that `bilag audit
    verify` can still be answered. Months that no organization needs any more are dropped whole.

    What is over is told by the clock of this machine. Where the audit log's newest line is more
    than 31 days older than that, nothing is erased: the clock may have been set ahead.

    Run it once a month, as the owner of the tables (BILAG_DATABASE_OWNER_URL). It may be stopped at
    any time and run again.
    """
    configure_logging()
    urls = usable_database(default_home())
    owner = urls.require_owner("`bilag retention`")
    now = utc_now()
    today = now.astimezone(TIME_ZONE).date()
    with connected(owner, "BILAG_DATABASE_OWNER_URL") as connection:
        every = plan(connection, today)
        if not dry_run and not clock_is_right:
            try:
                check_clock(every, now)
            except Refused as error:
                raise CommandFailed(problem_line(error.problems[0]), Exit.PERSON) from error
        dropped = [] if dry_run else list(erase(connection, every, today, actor=actor()))
    if as_json:
        click.echo(json.dumps({"organizations": [_as_json(one) for one in every],
                               "partitionsDropped": dropped, "dryRun": dry_run}))  # fmt: skip
    else:
        _print(every, dropped, dry_run=dry_run)
    return Exit.OK


@click.command("retention-rules")
@organization_argument
@click.option(
    "--years",
    type=click.IntRange(YEARS_MIN, YEARS_MAX),
    help="Years after the end of the accounting year; terms of a grant may ask for more than five.",
)
@click.option("--hold-until", type=_DAY, help="Erase nothing through this day.")
@click.option("--hold", is_flag=True, help="Erase nothing until the hold is lifted.")
@click.option("--lift-hold", is_flag=True, help="End a hold.")
@click.option("--reason", default="", help="Why there is a hold; kept in the audit log.")
def retention_rules_command(
    slug: str,
    years: int | None,
    hold_until: datetime | None,
    hold: bool,
    lift_hold: bool,
    reason: str,
) -> int:
    """Show how long ORG keeps its evidence, or change it.

    \b
    bilag retention-rules hlf --years 10
    bilag retention-rules hlf --hold --reason "audit of the grant of 2026"
    """
    if lift_hold and (hold or hold_until is not None):
        raise click.UsageError("either a hold, or --lift-hold")
    with desk(slug) as at, at.scope() as connection:
        rules = read_rules(connection)
        wanted = Rules(years or rules.years, rules.hold_until, rules.hold_reason)
        if hold or hold_until is not None:
            until = hold_until.date() if hold_until is not None else date.max
            wanted = Rules(wanted.years, until, reason.strip())
        if lift_hold:
            wanted = Rules(wanted.years)
        if wanted != rules:
            try:
                save_rules(connection, at.organization.id, wanted, actor=actor())
            except Refused as error:
                raise CommandFailed(problem_line(error.problems[0]), Exit.USAGE) from error
    click.echo(f"{slug}: kept {wanted.years} years after the accounting year{_hold(wanted)}")
    return Exit.OK


def _hold(rules: Rules) -> str:
    if rules.hold_until is None:
        return ""
    until = "it is lifted" if rules.hold_until == date.max else f"{rules.hold_until} has passed"
    return f"; nothing is erased until {until}: {rules.hold_reason}"


def _print(every: Sequence[Over], dropped: Sequence[str], *, dry_run: bool) -> None:
    for one in every:
        what = (
            f"{one.claims} claims, {one.attempts} attempts, {one.changes} changes and"
            f" {one.runs} runs of before {one.before}"
        )
        if one.held:
            click.echo(f"{one.slug}: {what} are over; kept{_hold(one.rules)}")
        elif not one.anything:
            click.echo(f"{one.slug}: nothing of before {one.before} is left")
        else:
            click.echo(f"{one.slug}: {what} {'would be' if dry_run else 'are'} erased")
    for name in dropped:
        click.echo(f"dropped {name}")


def _as_json(one: Over) -> dict[str, Any]:
    return {
        "organization": one.slug,
        "years": one.rules.years,
        "before": one.before.isoformat(),
        "held": one.held,
        "throughLink": one.link,
        "claims": one.claims,
        "attempts": one.attempts,
        "changes": one.changes,
        "runs": one.runs,
    }
