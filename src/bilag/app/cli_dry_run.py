"""The command `dry-run`: what would be posted now, in sums, and what would be left behind (E17).

Nothing is written and nothing is sent.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import (
    desk,
    integration_option,
    language_option,
    organization_argument,
    output,
)
from bilag.app.cli_tables import print_table
from bilag.app.cli_words import amount, word
from bilag.delivery.configuration.mapping_file import mapping_value
from bilag.delivery.dry_run import DryRun, Turnover


@click.command("dry-run")
@organization_argument
@integration_option
@click.option(
    "--mapping",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="By this mapping document, which is not saved yet.",
)
@click.option("--held", is_flag=True, help="Also what is held, as `bilag retry --held` would.")
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys stay the same.")
@language_option
def dry_run_command(
    slug: str, target: str, file: Path | None, held: bool, as_json: bool, language: str
) -> int:
    """Show what would be posted now, per account and dimension, without sending anything.

    Every enabled integration of ORG that delivers to its book, or the one that is named. Each
    column of a table adds up to zero.

    \b
    bilag dry-run hlf
    bilag dry-run hlf --integration ledger --mapping mapping.yaml --held
    """
    with desk(slug) as at:
        chosen = at.integrations(target)
        if not target:
            chosen = [one for one in chosen if one.enabled and one.is_route]
        if file and len(chosen) != 1:
            raise click.UsageError("a mapping is for one integration: name it with --integration")
        if not chosen:
            raise CommandFailed(f"every integration of {slug} is disabled", Exit.PERSON)
        document = mapping_value(str(file.name), file.parent) if file else None
        found = [at.exports.dry_run(str(one.id), document, held=held) for one in chosen]
    if as_json:
        click.echo(
            json.dumps({"dryRuns": [one.as_json(language) for one in found]}, ensure_ascii=False)
        )
    else:
        for one in found:
            print_dry_run(output(), one, language)
    return Exit.OK


def print_dry_run(console: Console, run: DryRun, language: str) -> None:
    """Print one integration: what it is, then what would be posted, then why the rest would not."""
    book = run.integration.book
    version = f"{run.mapping_version}" if run.mapping_version is not None else "not saved"
    heading = (
        f"{run.integration.name} ({run.integration.key}) - {word(run.condition, language)};"
        f" {word('mapping', language)}: {word(version, language)}"
    )
    console.print(Text(heading, style="bold"), soft_wrap=True)
    print_table(console, _summary(run, language))
    for name, sums in (
        ("account", run.accounts),
        ("cost_centre", run.cost_centres),
        ("project", run.projects),
        ("vat_code", run.vat_codes),
    ):
        if sums and (name == "account" or any(sums)):
            console.print()
            print_table(console, _sums(name, sums, run.total, book.currency, language))
    for reason in run.ordered_reasons():
        state = word(reason.state, language)
        console.print(Text(f"\n{state}: {reason.records} ({reason.code})"), soft_wrap=True)
        for example in reason.examples():
            said = f"  {example.records} x {example.problem.text(language)}"
            console.print(Text(f"{said} [{example.problem.record}]"), soft_wrap=True)
    console.print()


def _summary(run: DryRun, language: str) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    table.add_column()
    table.add_column(justify="right")
    for name, value in (
        ("waiting_records", run.records),
        ("vouchers", run.vouchers),
        ("held", run.held),
        ("excluded", run.excluded),
        ("sent_again", run.sent_again),
        ("moved", run.moved),
    ):
        if value or name in ("waiting_records", "vouchers"):
            table.add_row(word(name, language), str(value))
    for currency, (claims, claimed) in sorted(run.claims.items()):
        name = f"{word('claims_in', language)} {currency}: {claims}"
        table.add_row(name, amount(claimed, language))
    if run.first_day and run.last_day:
        span = f"{run.first_day} - {run.last_day}"
        table.add_row(word("posting_dates", language), span)
    for year, count in sorted(run.years.items()):
        table.add_row(f"{word('accounting_year', language)} {year}", str(count))
    return table


def _sums(
    name: str, sums: Mapping[str, Turnover], total: Turnover, currency: str, language: str
) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 2))
    table.add_column(word(name, language), min_width=14)
    for column in ("lines", "debit", "credit"):
        table.add_column(word(column, language), justify="right")
    table.add_column(f"{word('net', language)} {currency}", justify="right")
    rows: list[tuple[str, Turnover, Any]] = [
        (code or word("without", language), sums[code], "") for code in sorted(sums)
    ]
    for label, turnover, style in [*rows, (word("sum", language), total, "bold")]:
        values = (turnover.debit, turnover.credit, turnover.net)
        cells = [amount(value, language) for value in values]
        table.add_row(Text(label), str(turnover.lines), *cells, style=style)
    return table
