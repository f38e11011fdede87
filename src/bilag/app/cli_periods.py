"""Commands for closed periods: `close-period` and `decide-period` (E15).

What is closed and what is decided is written to the audit log; repeating either is harmless.
"""

from datetime import date, datetime

import click

from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import Desk, desk, integration_option, organization_argument
from bilag.core.problem import Refused
from bilag.exports.periods import DECISIONS
from bilag.integrations.books import get_book
from bilag.integrations.model import Book


@click.command("close-period")
@organization_argument
@click.argument("book", metavar="BOOK")
@click.option(
    "--through", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The last closed day."
)
@click.option("--reopen", is_flag=True, help="Open every day instead.")
def close_period_command(
    slug: str, book: str, through: datetime | None, reopen: bool
) -> int:  # fmt: skip
    """Close the days of BOOK up to and including DATE; without options, say which are closed.

    Nothing new is posted on a closed day: what would be is held, or moves to the first open day, as
    `closedPeriods` of the organization says. An earlier DATE opens the days after it again, and
    what waited for them is posted.

    \b
    bilag close-period hlf main --through 2026-12-31
    bilag close-period hlf main --reopen
    """
    if through and reopen:
        raise click.UsageError("say either --through DATE or --reopen")
    with desk(slug) as at:
        if through or reopen:
            found = _close(at, book, through.date() if through else None)
        else:
            found = _book(at, book)
    click.echo(
        f"{slug}: {book} is closed through {found.closed_through}"
        if found.closed_through
        else f"{slug}: {book} has no closed period"
    )
    return Exit.OK


def _close(at: Desk, book: str, through: date | None) -> Book:
    try:
        return at.exports.close_period(book, through)
    except LookupError as error:
        raise CommandFailed(str(error), Exit.NOT_FOUND) from error
    except Refused as error:
        raise click.UsageError(error.problems[0].text()) from error


def _book(at: Desk, key: str) -> Book:
    with at.scope() as connection:
        found = get_book(connection, at.organization.id, key)
    if found is None:
        raise CommandFailed(f"there is no book {key!r}", Exit.NOT_FOUND)
    return found


@click.command("decide-period")
@organization_argument
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@integration_option
@click.option("--all", "all_of_them", is_flag=True, help="Every claim that asks.")
@click.option("--as", "decision", type=click.Choice(DECISIONS), required=True, help="What to do.")
@click.option("--reason", required=True, help="Why; kept in the audit log.")
def decide_period_command(
    slug: str, ids: tuple[int, ...], target: str, all_of_them: bool, decision: str, reason: str
) -> int:
    """Decide about claims whose posting date is in a closed period: some IDs, or --all.

    They are held and ask where `closedPeriods` of the organization is `ask`: see `bilag exports ORG
    --state held`. `first_open_day` posts them on the first open day, with the original date in the
    text; `wait` keeps them until the period is opened, or decided otherwise.

    \b
    bilag decide-period hlf 17 18 --as first_open_day --reason "agreed with the auditor"
    bilag decide-period hlf --all --as wait --reason "December is opened again on Monday"
    """
    if bool(ids) == all_of_them:
        raise click.UsageError("name the exports by ID, or say --all")
    if not reason.strip():
        raise click.UsageError("a decision needs a --reason")
    with desk(slug) as at:
        try:
            decided = at.exports.decide_period(
                decision=decision, reason=reason, target_system=target,
                export_ids=list(ids) or None,
            )  # fmt: skip
        except Refused as error:
            raise CommandFailed(error.problems[0].text(), Exit.NOT_FOUND) from error
    click.echo(f"{slug}: {len(decided)} decided: {decision}")
    missing = sorted(set(ids) - set(decided))
    if missing:
        listed = ", ".join(map(str, missing))
        click.echo(f"not decided, for they do not ask about a closed period: {listed}", err=True)
    return Exit.PERSON if missing else Exit.OK
