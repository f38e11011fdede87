"""The command `sync`: ask the workers for a delivery now, and stay until nothing is due.

Asking twice delivers nothing twice; one request waits at a time.
"""

import time
from collections.abc import Callable, Sequence

import click

from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import (
    desk,
    integration_option,
    language_option,
    organization_argument,
    output,
)
from bilag.app.cli_standing import standings
from bilag.app.cli_tables import NO_WORKER, print_standing
from bilag.app.cli_watch import Watched, watch, worker_alive

# Failure policy: a worker that is just being started, or started again, is waited for so long.
NO_WORKER_SECONDS_MAX = 10.0


@click.command("sync")
@organization_argument
@integration_option
@click.option("--wait", is_flag=True, help="Stay until nothing is due, and show how it goes.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait no longer than this.",
)
@language_option
def sync_command(slug: str, target: str, wait: bool, timeout: float, language: str) -> int:
    """Ask for the delivery of what waits now, for every enabled integration of ORG or for one.

    A worker does it. With --wait the command ends when nothing is pending, sending or due to be
    looked up within a minute: exit code 0 when all is well, 1 when something needs a person,
    5 when the time was over before, 6 when no worker has been running for ten seconds.
    """
    console = output(stderr=True)
    with desk(slug) as at:
        chosen = [one for one in at.integrations(target) if one.enabled and one.is_route]
        if not chosen:
            raise CommandFailed(
                f"nothing is delivered: {target or 'every integration'} of {slug} is disabled, or"
                " no longer the route to its book",
                Exit.PERSON,
            )
        for integration in chosen:
            at.exports.sync(str(integration.id))
            click.echo(f"{slug}: asked for a sync of {integration.key}", err=True)
        watched = [Watched(at, chosen)]
        if not worker_alive(watched):
            console.print(NO_WORKER)
        if not wait:
            return Exit.OK
        finished = watch(watched, timeout, console, language, _patience(watched))
        keys = {one.key for one in chosen}
        found = [one for one in standings(at) if one.integration.key in keys]
    for one in found:
        print_standing(output(), one, language)
    if not finished:
        raise CommandFailed(f"not finished after {timeout:g} s; it goes on", Exit.TIMEOUT)
    return Exit.PERSON if any(one.needs_person for one in found) else Exit.OK


def _patience(watched: Sequence[Watched]) -> Callable[[], None]:
    """Return what ends the waiting, with each look, when no worker has been there for a while."""
    heard_of = time.monotonic()

    def look() -> None:
        nonlocal heard_of
        if worker_alive(watched):
            heard_of = time.monotonic()
        elif time.monotonic() - heard_of > NO_WORKER_SECONDS_MAX:
            raise CommandFailed(f"{NO_WORKER}; what was asked for waits for it", Exit.NO_WORKER)

    return look
