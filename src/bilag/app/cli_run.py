"""Commands that run the installation: `migrate`, `worker`, `sandbox`.

`migrate` is the only one that connects as the owner of the tables.
"""

import asyncio
import os
from functools import partial

import click

from bilag.app.cli_exit import Exit
from bilag.app.cli_log import configure_logging
from bilag.app.cli_open import connected, program, usable_database
from bilag.app.migrate import SETTINGS_MODULE, migrate
from bilag.app.postgres import database_urls, default_home
from bilag.app.tracing import tracing
from bilag.connectors.registry import CONNECTORS
from bilag.delivery.worker import WorkerSettings, work
from bilag.integrations.key_sources import open_vault
from bilag.monitoring.job import RECONCILIATIONS
from bilag.monitoring.watch import WATCHING
from bilag.sandbox.command import main as run_sandbox


@click.command("migrate")
def migrate_command() -> int:
    """Make the tables, or bring them to this version. Safe to run again, and by two at once.

    Without BILAG_DATABASE_URL an embedded PostgreSQL is made in the home folder. With it, set
    BILAG_DATABASE_OWNER_URL as well: the owner makes the tables, the application's role uses them.
    """
    configure_logging()
    home = default_home()
    urls = database_urls(home)
    owner = urls.require_owner("`bilag migrate`")
    for url, variable in (
        (urls.application, "BILAG_DATABASE_URL"),
        (owner, "BILAG_DATABASE_OWNER_URL"),
    ):
        with connected(url, variable):
            pass
    done = migrate(owner, urls.application)
    embedded = "" if os.environ.get("BILAG_DATABASE_URL") else f", a PostgreSQL in {home},"
    if not done.before:
        where = embedded.rstrip(",")
        click.echo(f"made the tables in a new database{where}; next: `{program()} apply FILE`")
    elif done.after > done.before:
        click.echo(f"brought the database{embedded} to this version")
    else:
        click.echo(f"the database{embedded} is at this version already")
    return Exit.OK


@click.command("worker")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=WorkerSettings.concurrency,
    show_default=True,
    help="Integrations delivered to at once.",
)
@click.option("--once", is_flag=True, help="End when nothing is due any more.")
def worker_command(concurrency: int, once: bool) -> int:
    """Deliver what is due, until SIGTERM or Ctrl-C.

    Start as many workers on as many machines as you like: they share one queue in the database, and
    what two of them do at once is fenced. A worker that is told to stop finishes what is under way;
    one that is killed leaves rows that the next one looks up in the accounting system.
    """
    configure_logging("info")
    home = default_home()
    urls = usable_database(home)
    settings = WorkerSettings(concurrency=concurrency, once=once, name=f"worker-{os.getpid()}")
    vault = open_vault(home, os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS_MODULE)  # for e-mail
    work_on = partial(work, urls.application, home, CONNECTORS, vault, settings)
    with tracing("worker"):
        asyncio.run(work_on(revive=lambda: database_urls(home), chores=[RECONCILIATIONS, WATCHING]))
    return Exit.OK


@click.command(
    "sandbox",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox_command(arguments: tuple[str, ...]) -> int:
    """Run an accounting system to try against, with a ledger of its own and faults on demand.

    `bilag sandbox --help` lists the systems, `bilag sandbox rest --help` the options of one.
    """
    try:
        run_sandbox(arguments or ("--help",))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.OK
    return Exit.OK
