"""The command `import`: a file of records goes in, with a progress bar and an account of it.

Running it again takes nothing twice; bad rows land in a file to correct and import.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from bilag.app.cli_errors import problem_line
from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import Desk, actor, desk, language_option, output
from bilag.app.cli_tables import NO_WORKER, print_table
from bilag.app.cli_watch import Watched, worker_alive
from bilag.core.problem import Refused
from bilag.core.record import Record
from bilag.exports.arrive import arrive
from bilag.exports.decide import withdraw
from bilag.records.importing import ImportResult, Progress, run_import
from bilag.records.intake import Stored
from bilag.records.intake import withdraw as withdraw_record
from bilag.records.profile import Profile, load_profile
from bilag.records.validate import Withdrawal

_PLAIN_EVERY_SECONDS = 2.0
_PROBLEMS_SHOWN = 5


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--organization", "slug", required=True, metavar="ORG", help="Whose records.")
@click.option(
    "--profile",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file that says how a foreign file is read.",
)
@click.option("--source-system", default="", help="Of records that name none (NDJSON).")
@click.option(
    "--errors",
    "errors_to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where bad rows go (default: beside FILE).",
)
@language_option
def import_command(
    file: Path,
    slug: str,
    profile: Path | None,
    source_system: str,
    errors_to: Path | None,
    language: str,
) -> int:
    """Take in a file of approved records and start their delivery.

    FILE is NDJSON in our own form, or any CSV, XLSX or NDJSON file that a profile describes. Good
    records go in, bad rows are written to a file of the same kind with what is wrong with each;
    correct it and import it. Running the same import again takes nothing twice.
    """
    described_by = _profile(profile, language)
    console = output(stderr=True)
    with desk(slug) as at:
        with progress_of(console, file.name) as show:
            try:
                result = import_file(
                    at, file, show, profile=described_by, source_system=source_system,
                    errors_to=errors_to, language=language,
                )  # fmt: skip
            except Refused as error:
                what = f"{file} was not imported"
                if profile is None and error.problems[0].code.startswith("profile_"):
                    what += ": without --profile its columns must have our names"
                raise _refused(what, error, language) from error
        print_table(output(), summary(result, language))
        if result.accepted and not worker_alive([Watched(at, ())]):
            console.print(NO_WORKER)
    return Exit.PERSON if result.bad_rows else Exit.OK


class Show:
    """Told how far an import is; draws it or, where nothing can be drawn, says it now and then."""

    def __init__(self, console: Console, name: str, bars: Bars | None) -> None:
        self._console = console
        self._name = name
        self._bars = bars
        self._task = bars.add_task(f"{name}: reading", total=None) if bars else None
        self._said = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Take one report."""
        if self._bars is not None and self._task is not None:
            self._bars.update(
                self._task,
                description=f"{self._name}: {progress.phase}",
                completed=progress.done,
                total=progress.total,
            )
        elif time.monotonic() - self._said > _PLAIN_EVERY_SECONDS and progress.total:
            self._said = time.monotonic()
            percent = 100 * progress.done // progress.total
            self._console.print(f"{self._name}: {progress.phase} {percent} %")


@contextmanager
def progress_of(console: Console, name: str) -> Iterator[Show]:
    """Yield what `import_file` reports to: a bar on a terminal, a line now and then elsewhere."""
    if not console.is_terminal:
        yield Show(console, name, None)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Bars(*columns, console=console) as bars:
        yield Show(console, name, bars)


def import_file(
    at: Desk,
    file: Path,
    show: Show,
    *,
    profile: Profile | None = None,
    source_system: str = "",
    errors_to: Path | None = None,
    language: str = "en",
) -> ImportResult:
    """Import a file into an organization and wake the integrations that deliver on approval.

    Raises Refused for a file that cannot be read at all.
    """
    result = run_import(
        at.installation.pool.connection,
        at.organization.id,
        file,
        profile,
        _accept,
        show,
        withdraw=_withdraw,
        language=language,
        errors_to=errors_to,
        source_system=source_system,
    )
    if result.accepted:
        at.exports.start_delivery()
    return result


def summary(result: ImportResult, language: str) -> Table:
    """Return what became of a file: counts, where the bad rows are, the first problems."""
    table = Table(box=None, show_header=False)
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for count, what in (
        (result.rows, "rows read"),
        (result.accepted, "claims accepted"),
        (result.known, "claims known already"),
        (result.bad + result.refused, "claims refused"),
        (result.not_approved, "claims not approved, left out"),
        (result.withdrawn, "approvals withdrawn"),
        (result.withdrawn_unknown, "withdrawals of claims never seen"),
    ):
        if count or what in ("rows read", "claims accepted", "claims refused"):
            table.add_row(str(count), what)
    for found in result.problems[:_PROBLEMS_SHOWN]:
        table.add_row("", f"row {found.row}: {problem_line(found.problem, language)}")
    if len(result.problems) > _PROBLEMS_SHOWN:
        table.add_row("", "...")
    if result.not_read:
        table.add_row("", f"sheets not read: {', '.join(result.not_read)}")
    if result.errors_file:
        table.add_row("", f"{result.bad_rows} bad rows, to correct: {result.errors_file}")
    return table


def _profile(path: Path | None, language: str) -> Profile | None:
    try:
        return load_profile(path) if path else None
    except Refused as error:
        raise _refused(f"the profile {path} cannot be used", error, language) from error


def _refused(what: str, error: Refused, language: str) -> CommandFailed:
    """Tell each problem on a line of its own, or the only one behind what it is about."""
    lines = [problem_line(problem, language) for problem in error.problems]
    told = f" {lines[0]}" if len(lines) == 1 else "".join(f"\n  {line}" for line in lines)
    return CommandFailed(f"{what}:{told}", Exit.NOT_USABLE)


def _accept(
    connection: psycopg.Connection[Any], organization_id: UUID, records: Sequence[Record]
) -> Sequence[Stored]:
    return arrive(connection, organization_id, records)


def _withdraw(
    connection: psycopg.Connection[Any], organization_id: UUID, withdrawal: Withdrawal
) -> object:
    """Note the withdrawal and let the exports follow it (I7), in the import's transaction."""
    one = withdrawal
    noted = withdraw_record(
        connection, organization_id, one.source_system, one.source_id, one.at, one.by
    )
    if noted is not None and noted.is_new:
        withdraw(
            connection, organization_id, one.source_system, one.source_id, actor=one.by or actor()
        )
    return noted
