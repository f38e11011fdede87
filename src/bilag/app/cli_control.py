"""The command `control-report`: where the records that were approved in a period stand (O8).

It makes the report: its content and its hash are kept in the audit chain.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import actor, desk, language_option, organization_argument, output
from bilag.app.cli_tables import print_table
from bilag.app.cli_words import amount, word
from bilag.core.problem import Refused
from bilag.monitoring.control import (
    ControlReport,
    MadeReport,
    Sum,
    all_rows,
    make_report,
    period_of,
)
from bilag.monitoring.files import control_file

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("control-report")
@organization_argument
@click.option("--book", required=True, metavar="KEY", help="The ledger posted to.")
@click.option("--from", "from_at", type=_DAY, required=True, help="The first day, in Oslo.")
@click.option("--to", "to_at", type=_DAY, required=True, help="The last day, included.")
@click.option(
    "--csv", "csv_path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write every claim behind the sums to this file.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys stay the same.")
@language_option
def control_report_command(
    slug: str,
    book: str,
    from_at: datetime,
    to_at: datetime,
    csv_path: Path | None,
    as_json: bool,
    language: str,
) -> int:
    """Make the control report of ORG: what was approved in a period, and what became of it.

    A record belongs to the period in which it was approved. The report's hash is written into the
    audit chain. Exit code 1 when the sums do not balance.
    """
    with desk(slug) as at, at.scope() as connection:
        own = at.organization.id
        try:
            period = period_of(connection, own, book, from_at.date(), to_at.date())
        except Refused as error:
            raise CommandFailed(error.problems[0].text(language), Exit.USAGE) from error
        made = make_report(connection, own, period, actor=actor())
        if csv_path is not None:
            csv_path.write_bytes(control_file(all_rows(connection, period)))
    if as_json:
        click.echo(json.dumps(_as_json(made), ensure_ascii=False, indent=2))
    else:
        _print(made.report, language)
        click.echo(f"{made.id}: sha256 {made.hash}")
    return Exit.OK if made.report.balances else Exit.PERSON


def _print(report: ControlReport, language: str) -> None:
    console = output()
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for key in ("state", "claims", "sum"):
        table.add_column(word(key, language), justify="left" if key == "state" else "right")
    for one in report.sums:

        def add(name: str, found: Sum, currency: str = one.currency) -> None:
            table.add_row(name, str(found[0]), f"{amount(found[1], language)} {currency}")

        add(word("approved", language), one.approved)
        for state, found in one.states.items():
            add(f"  {word(state, language)}", found)
        add(word("difference", language), one.difference)
        for key, apart in (("forced", one.forced), ("reversal", one.reversals)):
            for state, found in apart.items():
                add(f"({word(key, language)}: {word(state, language)})", found)
    console.print(f"{report.organization_name}, {report.book_name}, {report.first} - {report.last}")
    if report.sums:
        print_table(console, table)
    else:
        console.print(word("nothing", language))


def _as_json(made: MadeReport) -> dict[str, Any]:
    return {
        "id": made.id,
        "madeAt": made.at.isoformat(),
        "hash": made.hash,
        "balances": made.report.balances,
        "report": made.report.content(),
    }
